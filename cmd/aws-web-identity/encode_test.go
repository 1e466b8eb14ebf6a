package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/awstokenserver/config/tokensource"
)

// run runs the command with a text on stdin, and returns what it wrote.
func run(t *testing.T, stdin string, args ...string) (stdout, stderr string, exitCode int) {
	t.Helper()
	cmd, _ := command(t, args...)
	var out, err bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &err
	cmd.Run()
	return out.String(), err.String(), cmd.ProcessState.ExitCode()
}

func mustRun(t *testing.T, stdin string, args ...string) (stdout string) {
	t.Helper()
	stdout, stderr, exitCode := run(t, stdin, args...)
	if exitCode != 0 || stderr != "" {
		t.Fatalf("%q: exit %d: %s", args, exitCode, stderr)
	}
	return stdout
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	values := []string{"GitHub,", "GitHub,a,b", "URL_V,TOKEN_V", "URL_V,TOKEN_V,audience", encoded,
		encoded + ",another"}
	for _, s := range tokensource.Servers() {
		if _, err := tokensource.Parse(s.Name); err != nil {
			s.Name += ",api://audience"
		}
		values = append(values, s.Name)
	}
	for _, value := range values {
		t.Run(value[:min(len(value), 40)], func(t *testing.T) { // a temporary folder has the test's name
			t.Parallel()
			document := mustRun(t, "", "decode", value)
			line := mustRun(t, document, "encode", "-")
			if n := strings.Count(line, "\n"); n != 1 || strings.ContainsAny(line, " \t-_") {
				t.Errorf("not one line of base64: %q", line)
			}
			file := filepath.Join(t.TempDir(), "document.json")
			os.WriteFile(file, []byte(document), 0o600)
			if fromFile := mustRun(t, "", "encode", file); fromFile != line {
				t.Errorf("of a file %s, of stdin %s", fromFile, line)
			}
			if again := mustRun(t, "", "decode", strings.TrimSpace(line)); again != document {
				t.Errorf("decoded\n%s, encoded\n%s", again, document)
			}
		})
	}
}

func TestEncode(t *testing.T) {
	t.Parallel()
	const want = "eyJ2ZXJzaW9uIjoxLCJmaWxlIjoiL3Rva2VuIn0=\n" // {"version":1,"file":"/token"}
	text := "\n{\n  \"version\": 1,\n  \"file\": \"/token\"\n}\n"
	for _, document := range []string{text, text + strings.Repeat(" ", 64<<10-len(text))} {
		if got := mustRun(t, document, "encode", "-"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestEncodeWithoutAudience(t *testing.T) {
	t.Parallel()
	value, stderr, exitCode := run(t, `{"version": 1, "http": {"url": "https://example.com/${audience}"}}`, "encode",
		"-")
	if exitCode != 0 || !strings.Contains(stderr, "VALUE,AUDIENCE") {
		t.Errorf("exit %d: %s", exitCode, stderr)
	}
	if document := mustRun(t, "", "decode", strings.TrimSpace(value)+",mine"); !strings.Contains(document, `"audience": "mine"`) {
		t.Error(document)
	}
}

func TestEncodeRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		``:                               "not JSON",
		`s3cr3t`:                         "not JSON",
		`["s3cr3t"]`:                     "must be a JSON object",
		`{"version": "s3cr3t"}`:          "version: must be 1",
		`{"version": 1, "env": "s3 cr"}`: "env: must be the name of a variable",
		`{"version": 1, "http": {"url": "https://example.com", "tokn": "/s3cr3t"}}`:                        "http.tokn: is not a member",
		`{"version": 1, "http": {"url": "http://example.com/s3cr3t"}}`:                                     "http.url: must be an https URL",
		`{"version": 1, "http": {"url": "https://example.com", "headers": {"Authorization": "$s3cr3t"}}}`:  "http.headers.Authorization: holds a $",
		`{"version": 1, "audience": "s3cr3t", "http": {"url": "https://example.com", "token": "/s3cr3t"}}`: "audience: has no effect",
		`{"version": 1, "file": "/token"}` +
			strings.Repeat(" ", 64<<10): "larger than 64 KiB",
		`{"version": 1, "http": {"url": "https://example.com", "headers": {"X": "s3cr3t"}}, "env": "S3CR3T"}`: "exactly one of",
	} {
		stdout, stderr, exitCode := run(t, text, "encode", "-")
		if exitCode != 1 || stdout != "" || !strings.Contains(stderr, want) || strings.Contains(stderr, "s3cr3t") {
			t.Errorf("exit %d, stdout %q, want %q in: %s", exitCode, stdout, want, stderr)
		}
	}
	for _, name := range []string{t.TempDir(), filepath.Join(t.TempDir(), "none")} {
		if stdout, stderr, exitCode := run(t, "", "encode", name); exitCode != 1 || stdout != "" ||
			!strings.Contains(stderr, name) {
			t.Errorf("exit %d, stdout %q: %s", exitCode, stdout, stderr)
		}
	}
}

func TestUnwritableStdout(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"demo"}, {"encode", "-"}, {"decode", "GitHub"}, {"servers"}, {"servers", "-v"}} {
		readOnly, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		defer readOnly.Close()
		cmd, _ := command(t, args...)
		var stderr bytes.Buffer
		cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(`{"version": 1, "file": "/token"}`), readOnly, &stderr
		cmd.Run()
		if code := cmd.ProcessState.ExitCode(); code != 1 ||
			!strings.Contains(stderr.String(), "aws-web-identity: write ") {
			t.Errorf("%q: exit %d: %s", args, code, &stderr)
		}
	}
}
