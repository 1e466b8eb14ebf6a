//go:build linux || darwin

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// masks hide what differs from run to run.
var masks = []struct {
	pattern *regexp.Regexp
	text    string
}{
	{regexp.MustCompile(`ASIA[A-Z2-7]{16}`), "ASIA…"},
	{regexp.MustCompile(`\b[A-Z2-7]{26}([A-Z2-7]{14})?\b`), "…"}, // rand.Text
	{regexp.MustCompile(`[A-Za-z0-9+/]{300,}={0,2}`), "…"},       // session tokens
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "127.0.0.1:41234"},  // ports
	{regexp.MustCompile(`/tmp/aws-web-identity-\d+`), "/tmp/aws-web-identity-1234"},
	{regexp.MustCompile(`20\d\d-\d\d-\d\dT[\d:.]+Z`), "2026-11-21T10:00:00Z"},
}

// The transcripts of docs/command.md are what the command does. With UPDATE=1
// they become so.
func TestPage(t *testing.T) {
	t.Parallel()
	const page = "../../docs/command.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range newRoot().Commands() {
		if !strings.Contains(string(text), "aws-web-identity "+c.Name()) {
			t.Errorf("%s says nothing of %s", page, c.Name())
		}
	}

	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("aws-web-identity", fmt.Sprintf("#!/bin/sh\nRUN_AWS_WEB_IDENTITY=1 exec '%s' \"$@\"\n", os.Args[0]), 0o700)
	write("github.env", "", 0o600)
	write("claims.json", `{
  "iss": "https://token.actions.githubusercontent.com",
  "aud": "sts.amazonaws.com",
  "sub": "repo:octo-org/octo-repo:ref:refs/heads/main"
}
`, 0o600)
	for language, name := range map[string]string{"ini": "aws.ini", "json": "policy.json"} {
		write(name, string(regexp.MustCompile("(?s)```" + language + "\n(.*?)```").FindSubmatch(text)[1]), 0o600)
	}
	environ := slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "AWS_") || strings.HasPrefix(v, "GITHUB_") || strings.HasPrefix(v, "ACTIONS_")
	})
	environ = append(environ, "PATH="+dir+":"+os.Getenv("PATH"), "HOME=/home/me", "LC_ALL=C",
		"GORACE=atexit_sleep_ms=0", "TMPDIR=/tmp",
		"AWS_CONFIG_FILE=aws.ini", "GITHUB_ENV=github.env")
	world := newWorld(t)
	for name, value := range world.Env() {
		if name != "AWS_REGION" {
			environ = append(environ, name+"="+value)
		}
	}

	// As a real policy names it; STS would not take it in our world.
	github := newWorld(t)
	github.TokenServer.Claims = map[string]any{"iss": "https://token.actions.githubusercontent.com"}

	transcript := regexp.MustCompile("(?s)```console\n(.*?)```")
	updated := transcript.ReplaceAllStringFunc(string(text), func(block string) string {
		var out strings.Builder
		for line := range strings.Lines(transcript.FindStringSubmatch(block)[1]) {
			script, ok := strings.CutPrefix(line, "$ ")
			if !ok {
				continue
			}
			cmd := exec.Command("sh", "-c", script)
			cmd.Dir, cmd.Env = dir, slices.Clip(environ)
			if strings.Contains(script, "--trust-policy") {
				for name, value := range github.Env() {
					cmd.Env = append(cmd.Env, name+"="+value)
				}
			}
			output, _ := cmd.CombinedOutput()
			masked := strings.NewReplacer(os.Args[0], "/usr/local/bin/aws-web-identity", world.STS.URL, "https://sts.eu-west-1.amazonaws.com", github.STS.URL,
				"https://sts.eu-west-1.amazonaws.com").Replace(string(output))
			for _, m := range masks {
				masked = m.pattern.ReplaceAllString(masked, m.text)
			}
			out.WriteString(line + masked)
		}
		if now := "```console\n" + out.String() + "```"; now != block {
			t.Errorf("%s says\n%s\nbut it is\n%s", page, block, now)
			return now
		}
		return block
	})
	if os.Getenv("UPDATE") != "" {
		os.WriteFile(page, []byte(updated), 0o644)
	}
}
