package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/awstokenserver/config/webidentity/webidentitytest"
)

const deployARN = "arn:aws:iam::123456789012:role/deploy"

const deployProfile = `
[profile deploy]
region = eu-west-1
role_arn = ` + deployARN + `
role_session_name = build
web_identity_token_server = GitHub
`

// newWorld returns a world with the role of deployProfile.
func newWorld(t *testing.T) *webidentitytest.World {
	world := webidentitytest.New()
	t.Cleanup(world.Close)
	world.STS.AddRole(webidentitytest.Role{ARN: deployARN, Subject: "repo:octo-org/octo-repo:*"})
	return world
}

// commandIn returns the command in a world, with a config file.
func commandIn(t *testing.T, world *webidentitytest.World, profiles string, args ...string) *exec.Cmd {
	t.Helper()
	cmd, _ := command(t, args...)
	file := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(file, []byte(profiles), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd.Env = slices.DeleteFunc(cmd.Env, func(v string) bool { return strings.HasPrefix(v, "AWS_") })
	cmd.Env = append(cmd.Env, "AWS_CONFIG_FILE="+file, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull,
		"AWS_EC2_METADATA_DISABLED=true")
	for name, value := range world.Env() {
		if name != "AWS_REGION" { // the profile has one
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	return cmd
}

// finish runs a command to its end.
func finish(t *testing.T, cmd *exec.Cmd) (stdout, stderr string, exitCode int) {
	t.Helper()
	var out, err bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &err
	cmd.Run()
	return out.String(), err.String(), cmd.ProcessState.ExitCode()
}

func TestCredentialProcess(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ args, env []string }{
		"flag": {[]string{"-profile", "deploy"},
			[]string{"AWS_PROFILE=nobody", "AWS_ACCESS_KEY_ID=AKIA", "AWS_SECRET_ACCESS_KEY=x"}},
		"two dashes":  {[]string{"--profile=deploy"}, nil},
		"AWS_PROFILE": {nil, []string{"AWS_PROFILE=deploy"}},
		"environment": {nil, []string{"AWS_WEB_IDENTITY_TOKEN_SERVER=GitHub", "AWS_ROLE_ARN=" + deployARN,
			"AWS_REGION=eu-west-1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := commandIn(t, newWorld(t), deployProfile, append([]string{"credential-process"}, c.args...)...)
			cmd.Env = append(cmd.Env, c.env...)
			stdout, stderr, exitCode := finish(t, cmd)
			if exitCode != 0 || stderr != "" {
				t.Fatalf("exit %d: %s", exitCode, stderr)
			}
			var response struct {
				Version                                               int
				AccessKeyId, SecretAccessKey, SessionToken, AccountId string
				Expiration                                            time.Time
			}
			decoder := json.NewDecoder(strings.NewReader(stdout))
			decoder.DisallowUnknownFields()
			if err := decoder.Decode(&response); err != nil {
				t.Fatal(err)
			}
			life := time.Until(response.Expiration)
			if response.Version != 1 || !strings.HasPrefix(response.AccessKeyId, "ASIA") ||
				len(response.SecretAccessKey) != 40 ||
				response.SessionToken == "" || response.AccountId != "123456789012" || life < 59*time.Minute ||
				life > time.Hour {
				t.Errorf("%+v", response)
			}
		})
	}
}

// Keys that never expire are written without a session token and a time.
func TestCredentialProcessStaticKeys(t *testing.T) {
	t.Parallel()
	stdout, stderr, exitCode := finish(t,
		commandIn(t, newWorld(t), "[profile keys]\naws_access_key_id = AKIA\naws_secret_access_key = s<&>\n",
			"credential-process", "-profile", "keys"))
	var response map[string]any
	if err := json.Unmarshal([]byte(stdout), &response); err != nil || exitCode != 0 {
		t.Fatalf("exit %d, %v: %s", exitCode, err, stderr)
	}
	if got := fmt.Sprint(response); got != "map[AccessKeyId:AKIA SecretAccessKey:s<&> Version:1]" {
		t.Error(got)
	}
}

func TestCredentialProcessOfItself(t *testing.T) {
	t.Parallel()
	ask := fmt.Sprintf(`"%s" credential-process -profile `, os.Args[0])
	for name, profiles := range map[string]string{
		"itself": "[profile loop]\ncredential_process = " + ask + "loop\n",
		"source_profile": deployProfile + "source_profile = a\n" + "[profile loop]\nrole_arn = " + deployARN +
			"\nsource_profile = a\n[profile a]\ncredential_process = " + ask + "loop\n",
		"two profiles": "[profile loop]\ncredential_process = " + ask + "b\n[profile b]\ncredential_process = " +
			ask + "loop\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, verb := range [][]string{{"credential-process", "-profile", "loop"}, {"env", "-profile", "loop"},
				{"exec", "-profile", "loop", "--", os.Args[0]}} {
				cmd := commandIn(t, newWorld(t), profiles+"region = eu-west-1\n", verb...)
				stdout, stderr, exitCode := finish(t, cmd)
				stdout = strings.TrimPrefix(stdout, "false\n") // of env
				if exitCode != 1 || stdout != "" || !strings.Contains(stderr, "asks for profile loop again") &&
					!strings.Contains(stderr, "asks for profile b again") {
					t.Errorf("%q: exit %d: %s%s", verb, exitCode, stdout, stderr)
				}
			}
		})
	}
}

// Profiles may follow one another, and another file may have one of the same
// name.
func TestCredentialProcessOfAnother(t *testing.T) {
	t.Parallel()
	world := newWorld(t)
	other := filepath.Join(t.TempDir(), "other")
	os.WriteFile(other, []byte(deployProfile), 0o600)
	cmd := commandIn(t, world, fmt.Sprintf(`
[profile deploy]
credential_process = AWS_CONFIG_FILE="%s" "%s" credential-process -profile deploy
[profile bridge]
credential_process = "%[2]s" credential-process -profile deploy
`, other, os.Args[0]), "credential-process", "-profile", "bridge")
	if stdout, stderr, exitCode := finish(t, cmd); exitCode != 0 || !strings.Contains(stdout, "ASIA") {
		t.Errorf("exit %d: %s", exitCode, stderr)
	}
}

// The verbs that fetch credentials refuse in the same way.
func TestFetchingRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		profile, requestToken, want string
	}{
		"unknown profile": {"nope", "", "there is no profile nope in the config file /"},
		"denied":          {"denied", "", "STS denied role arn:aws:iam::123456789012:role/other"},
		"token refused":   {"deploy", "s3cr3t", "401"},
		"bad value":       {"bad", "", "write GitHub"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, verb := range []string{"credential-process", "env", "exec", "exec -static"} {
				world := newWorld(t)
				args := append(strings.Fields(verb), "-profile", c.profile)
				if strings.HasPrefix(verb, "exec") {
					args = append(args, "--", "echo", "started")
				}
				cmd := commandIn(t, world, deployProfile+`
[profile denied]
region = eu-west-1
role_arn = arn:aws:iam::123456789012:role/other
web_identity_token_server = GitHub
[profile bad]
region = eu-west-1
role_arn = `+deployARN+`
web_identity_token_server = github
`, args...)
				if c.requestToken != "" {
					cmd.Env = append(cmd.Env, "ACTIONS_ID_TOKEN_REQUEST_TOKEN="+c.requestToken)
				}
				stdout, stderr, exitCode := finish(t, cmd)
				stdout = strings.TrimPrefix(stdout, "false\n") // of env
				if exitCode != 1 || stdout != "" || !strings.HasPrefix(stderr, "aws-web-identity: ") ||
					!strings.Contains(stderr, c.want) {
					t.Errorf("%s: exit %d, stdout %q, want %q in: %s", verb, exitCode, stdout, c.want, stderr)
				}
				for _, secret := range []string{"s3cr3t", world.TokenServer.RequestToken, "eyJ"} {
					if strings.Contains(stderr, secret) {
						t.Errorf("%s: a secret is in: %s", verb, stderr)
					}
				}
			}
		})
	}
}

func TestUnknownProfileInEnvironment(t *testing.T) {
	t.Parallel()
	cmd := commandIn(t, newWorld(t), deployProfile, "env")
	cmd.Env = append(cmd.Env, "AWS_PROFILE=nope")
	if _, stderr, exitCode := finish(t, cmd); exitCode != 1 ||
		!strings.Contains(stderr, "there is no profile nope in the config file") {
		t.Errorf("exit %d: %s", exitCode, stderr)
	}
}

func TestFetchingToUnwritableStdout(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"", "shell", "powershell", "dotenv", "json", "github"} {
		args := []string{"credential-process", "-profile", "deploy"}
		if format != "" {
			args = []string{"env", "-profile", "deploy", "-format", format}
		}
		cmd := commandIn(t, newWorld(t), deployProfile, args...)
		file := filepath.Join(t.TempDir(), "github")
		os.WriteFile(file, nil, 0o600)
		readOnly, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		defer readOnly.Close()
		var stderr bytes.Buffer
		cmd.Env = append(cmd.Env, "GITHUB_ENV="+file)
		cmd.Stdout, cmd.Stderr = readOnly, &stderr
		cmd.Run()
		if code := cmd.ProcessState.ExitCode(); code != 1 ||
			!strings.Contains(stderr.String(), "aws-web-identity: write ") {
			t.Errorf("%s: exit %d: %s", format, code, &stderr)
		}
		if text, err := os.ReadFile(file); err != nil || len(text) > 0 {
			t.Errorf("secrets that are not masked were written: %v: %s", err, text)
		}
	}
}
