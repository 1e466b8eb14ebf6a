//go:build linux || darwin

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	upstream "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/awstokenserver/config/webidentity/webidentitytest"
)

// In the processes of TestMigration, this is a program with upstream's SDK. It says who it is, and where.
func init() {
	if os.Getenv("RUN_CALLER") == "" {
		return
	}
	os.Unsetenv("RUN_CALLER") // the credential_process that it starts is the command
	var profile string
	if i := slices.Index(os.Args, "--profile"); i > 0 {
		profile = os.Args[i+1]
	}
	cfg, err := upstream.LoadDefaultConfig(context.Background(), upstream.WithSharedConfigProfile(profile))
	if err == nil {
		var who *sts.GetCallerIdentityOutput
		if who, err = sts.NewFromConfig(cfg).GetCallerIdentity(context.Background(), nil); err == nil {
			role := strings.Split(*who.Arn, "/")[1]
			fmt.Printf("%s in %s is %s of %s\n", os.Args[1], cfg.Region, role, *who.Account)
			os.Exit(0)
		}
	}
	fmt.Println(err)
	os.Exit(1)
}

var setting = regexp.MustCompile(`(?s)(\w+)<<(\S+)\n(.*?)\n(\S+)\n`) // in GITHUB_ENV

// Each "after" of docs/migration.md gets the roles that its "before" had.
func TestMigration(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/migration.md")
	if err != nil {
		t.Fatal(err)
	}
	const deploy, audit = "terraform in eu-west-1 is deploy of 111111111111\n", "aws in us-east-1 is audit of 222222222222\n"
	for section, want := range map[string]string{
		"From configure-aws-credentials": deploy + audit,
		"From aws-vault":                 deploy,
		"From a token file":              strings.Replace(deploy, "eu-west-1", "eu-central-1", 1), // of the job
		"From IRSA":                      deploy + audit,
	} {
		t.Run(section, func(t *testing.T) {
			t.Parallel()
			_, part, found := strings.Cut(string(text), "\n## "+section+"\n")
			if !found {
				t.Fatal("the page has no such section")
			}
			part, _, _ = strings.Cut(part, "\n## ")
			migrate(t, part, want)
		})
	}
}

// last returns the last block of a language, which is the one after the move.
func last(section, language string) string {
	blocks := regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(section, -1)
	if blocks == nil {
		return ""
	}
	return blocks[len(blocks)-1][1]
}

func migrate(t *testing.T, section, want string) {
	world := webidentitytest.New()
	t.Cleanup(world.Close)
	for _, arn := range []string{"arn:aws:iam::111111111111:role/deploy", "arn:aws:iam::222222222222:role/audit"} {
		world.STS.AddRole(webidentitytest.Role{ARN: arn, Subject: "repo:octo-org/octo-repo:*"})
	}
	dir := t.TempDir()
	write := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
		return name
	}
	write("aws-web-identity", "#!/bin/sh\nexec "+self()+" \"$@\"\n")
	for _, name := range []string{"aws", "terraform"} {
		write(name, "#!/bin/sh\nRUN_CALLER=1 exec "+self()+" "+name+" \"$@\"\n")
	}

	profiles := last(section, "ini")
	if document := last(section, "json"); document != "" { // of the token that is mounted in a pod
		value := strings.TrimSpace(mustRun(t, document, "encode", "-"))
		if !strings.Contains(profiles, "web_identity_token_server = "+value+"\n") {
			t.Errorf("the value of the document is %s", value)
		}
		token := write("token", world.Issuer.Sign(map[string]any{"aud": "sts.amazonaws.com", "sub": "repo:octo-org/octo-repo:pod"}))
		mounted := regexp.MustCompile(`/var/run/[\w./]+`).ReplaceAllString(document, token)
		profiles = strings.ReplaceAll(profiles, value, strings.TrimSpace(mustRun(t, mounted, "encode", "-")))
	}

	environ := slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "AWS_") || strings.HasPrefix(v, "GITHUB_") || strings.HasPrefix(v, "ACTIONS_")
	})
	environ = append(environ, "PATH="+dir+":"+os.Getenv("PATH"), "HOME="+dir, "TMPDIR="+dir, "RUNNER_TEMP="+dir,
		"GORACE=atexit_sleep_ms=0", "RUN_AWS_WEB_IDENTITY=1", "AWS_CONFIG_FILE="+write("aws.ini", profiles), "AWS_EC2_METADATA_DISABLED=true")
	for name, value := range world.Env() {
		switch {
		case name != "AWS_REGION":
			environ = append(environ, name+"="+value)
		case profiles == "":
			environ = append(environ, "AWS_REGION=eu-central-1")
		}
	}

	steps := []string{last(section, "sh")} // of a shell, or of a workflow
	if workflow := last(section, "yaml"); workflow != "" {
		steps = nil
		for _, run := range regexp.MustCompile(`- run: (.+)`).FindAllStringSubmatch(workflow, -1) {
			steps = append(steps, run[1])
		}
	} else { // as before the move
		environ = append(environ, "AWS_ROLE_ARN=arn:aws:iam::999999999999:role/before", "AWS_WEB_IDENTITY_TOKEN_FILE=/nowhere")
	}
	var out strings.Builder
	for _, step := range steps {
		cmd := exec.Command("sh", "-e", "-c", step)
		set := write("github.env", "")
		cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, append(slices.Clip(environ), "GITHUB_ENV="+set), &out, &out
		if err := cmd.Run(); err != nil {
			t.Fatalf("%s: %v: %s", step, err, out.String())
		}
		lines, err := os.ReadFile(set)
		if err != nil {
			t.Fatal(err)
		}
		for _, variable := range setting.FindAllStringSubmatch(string(lines), -1) {
			environ = append(environ, variable[1]+"="+variable[3])
		}
	}
	if !strings.HasSuffix(out.String(), want) {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}
