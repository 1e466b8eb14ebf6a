package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/awstokenserver/config/webidentity/webidentitytest"
)

// job is a place to run explain in.
type job struct {
	*webidentitytest.World
	dir string // of the files config and credentials
	env []string
}

func newJob(t *testing.T, files ...string) *job {
	t.Helper()
	j := &job{World: webidentitytest.New(), dir: t.TempDir()}
	t.Cleanup(j.Close)
	j.TokenServer.Claims = map[string]any{"iss": "https://token.actions.githubusercontent.com"}
	j.env = []string{"HOME=" + j.dir, "AWS_EC2_METADATA_DISABLED=true",
		"AWS_EC2_METADATA_SERVICE_ENDPOINT=" + j.STS.URL, "HTTPS_PROXY=http://127.0.0.1:1",
		"AWS_CONFIG_FILE=" + filepath.Join(j.dir, "config"),
		"AWS_SHARED_CREDENTIALS_FILE=" + filepath.Join(j.dir, "credentials")}
	for name, value := range j.Env() {
		j.env = append(j.env, name+"="+value)
	}
	for i, text := range files {
		os.WriteFile(filepath.Join(j.dir, []string{"config", "credentials"}[i]), []byte(text), 0o600)
	}
	return j
}

var anyToken = regexp.MustCompile(`eyJ[\w-]{10,}`)

// explain runs the verb in both formats. A value that holds "s3cr3t" must be in
// neither.
func (j *job) explain(t *testing.T, wantExit int, args ...string) (text, json string) {
	t.Helper()
	for _, format := range []string{"text", "json"} {
		cmd, temp := command(t, append([]string{"explain", "-format", format}, args...)...)
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		cmd.Env = slices.Concat(j.env,
			[]string{"RUN_AWS_WEB_IDENTITY=1", "TMPDIR=" + temp, "TMP=" + temp, "GORACE=atexit_sleep_ms=0",
				"GOCOVERDIR=" + os.Getenv("GOCOVERDIR"), "SYSTEMROOT=" + os.Getenv("SYSTEMROOT")})
		cmd.Run()
		out := stdout.String()
		if code := cmd.ProcessState.ExitCode(); code != wantExit || stderr.Len() > 0 {
			t.Errorf("%s: exit %d, want %d: %s\n%s", format, code, wantExit, &stderr, out)
		}
		for _, secret := range []string{"s3cr3t", j.TokenServer.RequestToken, j.TokenServer.URL} {
			if strings.Contains(out, secret) {
				t.Errorf("%q is in:\n%s", secret, out)
			}
		}
		if found := anyToken.FindString(out); found != "" {
			t.Errorf("%q is in:\n%s", found, out)
		}
		if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
		if format == "json" {
			return text, out
		}
		text = out
		for line := range strings.Lines(text) {
			line = strings.TrimSuffix(line, "\n")
			if utf8.RuneCountInString(line) > 100 && !strings.Contains(line, "expected  ") &&
				!strings.Contains(line, j.dir) || strings.HasSuffix(line, " ") {
				t.Errorf("too long, or a blank at its end: %q", line)
			}
		}
	}
	panic("unreachable")
}

// wantText checks that every line is in the text, whatever the blanks.
func wantText(t *testing.T, text string, lines ...string) {
	t.Helper()
	text = strings.Join(strings.Fields(text), " ")
	for _, want := range lines {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in:\n%s", want, text)
		}
	}
}

// wantJSON checks members: "a.0.b=value" for the value of b in the first element
// of a, and "a.0.b=" for none.
func wantJSON(t *testing.T, text string, members ...string) {
	t.Helper()
	var all any
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	for _, member := range members {
		path, want, _ := strings.Cut(member, "=")
		value := all
		for step := range strings.SplitSeq(path, ".") {
			switch v := value.(type) {
			case map[string]any:
				value = v[step]
			case []any:
				i, _ := strconv.Atoi(step)
				value = slices.Concat(v, make([]any, i+1))[i]
			default:
				value = nil
			}
		}
		got := ""
		if value != nil {
			got = fmt.Sprint(value)
		}
		if got != want {
			t.Errorf("%s is %q, want %q, in:\n%s", path, got, want, text)
		}
	}
}
