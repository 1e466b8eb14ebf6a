package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// nasty are values that try to break out of their quotes.
var nasty = []string{
	`plain/Value+1=`, `two words`, ` `, `'`, `''`, `'; echo broken; '`, `"; echo broken; "`, `$(echo broken)`,
	"`echo broken`", `$HOME`, `\`, `a\'b`,
	"two\nlines", "\n", "x\r\n::add-mask::y", `%0A%25`, `‘; broken; ’`, `‚‛`, `<&>`, `*`, `~`, `!x`, `#x`, "\t", "é",
}

func nastySet() (set []variable) {
	for i, value := range nasty {
		set = append(set, variable{name: fmt.Sprint("V", i), value: value, secret: i > 0})
	}
	return set
}

func TestEnvShell(t *testing.T) {
	t.Parallel()
	for _, shell := range []string{"sh", "bash", "dash", "zsh", "ksh", "fish"} {
		path, err := exec.LookPath(shell)
		if err != nil {
			t.Logf("%s is not here", shell)
			continue
		}
		var b strings.Builder
		if shell == "fish" {
			writeFish(nastySet(), &b)
		} else {
			writeShell(nastySet(), &b)
		}
		script := `eval "$SCRIPT"`
		for i := range nasty {
			script += fmt.Sprintf("; printf '%%s\\0' \"$V%d\"", i)
		}
		cmd := exec.Command(path, "-c", script)
		cmd.Env = append(os.Environ(), "SCRIPT="+b.String(), "HOME="+t.TempDir())
		out, err := cmd.CombinedOutput()
		if want := strings.Join(nasty, "\x00") + "\x00"; err != nil || string(out) != want {
			t.Errorf("%s: %v: got %q, want %q", shell, err, out, want)
		}
	}
}

func TestEnvPowerShell(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	writePowerShell(nastySet(), &b)
	// A string ends at the first apostrophe, of any form, that no other follows.
	line := regexp.MustCompile(`\$env:(V\d+) = '((?:[^'‘’‚‛]|[''‘’‚‛]{2})*)'` + "\n")
	rest := b.String()
	for i, value := range nasty {
		found := line.FindStringSubmatchIndex(rest)
		if found == nil || found[0] != 0 {
			t.Fatalf("broken out: %s", rest)
		}
		got := regexp.MustCompile(`['‘’‚‛]{2}`).ReplaceAllStringFunc(rest[found[4]:found[5]],
			func(two string) string { return two[:len(two)/2] })
		if name := rest[found[2]:found[3]]; name != fmt.Sprint("V", i) || got != value {
			t.Errorf("%s is %q, want %q", name, got, value)
		}
		rest = rest[found[1]:]
	}
	if rest != "" {
		t.Errorf("too much: %s", rest)
	}
}

func TestEnvDotenv(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"ASIA/+=": "V=ASIA/+=\n", "2026-11-21T10:00:00Z": "V=2026-11-21T10:00:00Z\n",
		"a b": "V='a b'\n", "$x`y`\"#": "V='$x`y`\"#'\n", "é": "V='é'\n",
		"'": "", `\`: "", "\n": "", "a\rb": "", "\t": "",
	} {
		var b strings.Builder
		err := writeDotenv([]variable{{name: "FIRST", value: "x"}, {name: "V", value: value, secret: true}}, &b)
		if want != "" {
			want = "FIRST=x\n" + want
		} else if err == nil || !strings.Contains(err.Error(), "V holds a character") ||
			strings.Contains(err.Error(), value+" ") && value != "" && value != `\` {
			t.Errorf("%q: error %v", value, err)
		}
		if b.String() != want {
			t.Errorf("%q: got %q, want %q", value, b.String(), want)
		}
	}
}

func TestEnvJSON(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	writeJSON(nastySet(), &b)
	var got map[string]string
	if err := json.Unmarshal([]byte(b.String()), &got); err != nil {
		t.Fatal(err)
	}
	for i, value := range nasty {
		if name := fmt.Sprint("V", i); got[name] != value {
			t.Errorf("%s is %q, want %q", name, got[name], value)
		}
	}
}

// readGitHubEnv reads a GITHUB_ENV file as the runner does.
func readGitHubEnv(t *testing.T, text string) map[string]string {
	t.Helper()
	set := map[string]string{}
	for text != "" {
		line, rest, _ := strings.Cut(text, "\n")
		name, delimiter, ok := strings.Cut(line, "<<")
		value, behind, found := strings.Cut("\n"+rest, "\n"+delimiter+"\n")
		if !ok || !found {
			t.Fatalf("broken out: %q", text)
		}
		set[name], text = strings.TrimPrefix(value, "\n"), behind
	}
	return set
}

func TestEnvGitHub(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "env")
	os.WriteFile(file, []byte("BEFORE<<x\nkept\nx\n"), 0o600)
	cmd := commandIn(t, newWorld(t), deployProfile, "env", "-profile", "deploy", "-format", "github")
	cmd.Env = append(cmd.Env, "GITHUB_ENV="+file)
	stdout, stderr, exitCode := finish(t, cmd)
	if exitCode != 0 || stderr != "" {
		t.Fatalf("exit %d: %s", exitCode, stderr)
	}
	text, _ := os.ReadFile(file)
	set := readGitHubEnv(t, string(text))
	var masks string
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} {
		masks += "::add-mask::" + set[name] + "\n"
	}
	if stdout != masks {
		t.Errorf("stdout %q, want %q", stdout, masks)
	}
	if set["BEFORE"] != "kept" || set["AWS_REGION"] != "eu-west-1" || len(set) != 8 ||
		!strings.HasPrefix(set["AWS_ACCESS_KEY_ID"], "ASIA") {
		t.Errorf("%q", set)
	}
}

// Not parallel: it sets GITHUB_ENV.
func TestEnvGitHubNasty(t *testing.T) {
	file := filepath.Join(t.TempDir(), "env")
	os.WriteFile(file, nil, 0o600)
	t.Setenv("GITHUB_ENV", file)
	stdout := os.Stdout
	defer func() { os.Stdout = stdout }()
	masks, err := os.Create(filepath.Join(t.TempDir(), "masks"))
	if err != nil {
		t.Fatal(err)
	}
	defer masks.Close()
	os.Stdout = masks
	if err := writeGitHub(nastySet(), nil); err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(file)
	want := map[string]string{}
	var wantMasks []string
	for _, v := range nastySet() {
		want[v.name] = v.value
		if v.secret {
			wantMasks = append(wantMasks, v.value)
		}
	}
	if got := readGitHubEnv(t, string(text)); !maps.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	lines, _ := os.ReadFile(masks.Name())
	var gotMasks []string
	for line := range strings.Lines(string(lines)) {
		value, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "::add-mask::")
		if !ok {
			t.Errorf("broken out: %q", line)
		}
		gotMasks = append(gotMasks, strings.NewReplacer("%0A", "\n", "%0D", "\r", "%25", "%").Replace(value))
	}
	if !reflect.DeepEqual(gotMasks, wantMasks) {
		t.Errorf("got %q, want %q", gotMasks, wantMasks)
	}
}

func TestEnvGitHubElsewhere(t *testing.T) {
	t.Parallel()
	none := filepath.Join(t.TempDir(), "none")
	for value, want := range map[string]string{"": "GITHUB_ENV is not set", none: "GITHUB_ENV: open " + none} {
		cmd := commandIn(t, newWorld(t), deployProfile, "env", "-profile", "deploy", "-format", "github")
		cmd.Env = append(cmd.Env, "GITHUB_ENV="+value)
		if stdout, stderr, exitCode := finish(t, cmd); exitCode != 1 || stdout != "" ||
			!strings.Contains(stderr, want) {
			t.Errorf("exit %d, stdout %q: %s", exitCode, stdout, stderr)
		}
	}
}

func TestEnvFormats(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]string{
		"":           `(?s)^export AWS_REGION='eu-west-1'\n.*export AWS_SECRET_ACCESS_KEY='\w{40}'\n`,
		"shell":      `(?s)^export AWS_REGION='eu-west-1'\n.*export AWS_SECRET_ACCESS_KEY='\w{40}'\n`,
		"powershell": `(?s)^\$env:AWS_REGION = 'eu-west-1'\n.*\$env:AWS_SECRET_ACCESS_KEY = '\w{40}'\n`,
		"dotenv":     `(?s)^AWS_REGION=eu-west-1\n.*AWS_SECRET_ACCESS_KEY=\w{40}\n`,
		"json":       `(?s)^\{.*"AWS_SECRET_ACCESS_KEY": "\w{40}",`,
	} {
		args := []string{"env", "-profile", "deploy"}
		if format != "" {
			args = append(args, "-format", format)
		}
		stdout, stderr, exitCode := finish(t, commandIn(t, newWorld(t), deployProfile, args...))
		if exitCode != 0 || stderr != "" || !regexp.MustCompile(want).MatchString(stdout) {
			t.Errorf("%s: exit %d: %s%s", format, exitCode, stdout, stderr)
		}
		for _, name := range []string{"AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN",
			"AWS_CREDENTIAL_EXPIRATION"} {
			if !strings.Contains(stdout, name) {
				t.Errorf("%s: %s is not in: %s", format, name, stdout)
			}
		}
	}
}
