package main

import (
	"bufio"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"testing"
)

// TestMain is the command itself in the processes that command starts.
func TestMain(m *testing.M) {
	if os.Getenv("RUN_AWS_WEB_IDENTITY") != "" {
		main()
		return
	}
	// With -cover, the command warns without a folder for what it covers.
	covered, err := os.MkdirTemp("", "covered-")
	if err != nil {
		log.Fatal(err)
	}
	os.Setenv("GOCOVERDIR", covered)
	// What runs the tests in the background may ignore signals, and the command
	// would inherit that.
	for _, s := range passedOn {
		if signal.Ignored(s) {
			signal.Notify(make(chan os.Signal, 1), s)
		}
	}
	code := m.Run()
	os.RemoveAll(covered)
	os.Exit(code)
}

// command returns the command with a temporary folder of its own.
func command(t *testing.T, args ...string) (cmd *exec.Cmd, temp string) {
	t.Helper()
	cmd, temp = exec.Command(os.Args[0], args...), t.TempDir()
	cmd.Env = append(os.Environ(), "RUN_AWS_WEB_IDENTITY=1", "TMPDIR="+temp, "TMP="+temp,
		"AWS_PROFILE=nobody", "AWS_WEB_IDENTITY_TOKEN_FILE=/nowhere", "HTTPS_PROXY=http://127.0.0.1:1",
		"GORACE=atexit_sleep_ms=0") // not a second in each process
	return cmd, temp
}

func TestDemo(t *testing.T) {
	t.Parallel()
	cmd, temp := command(t, "demo")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	text := strings.Join(strings.Fields(string(out)), " ") // as if no line were broken
	for _, id := range identities {
		if want := id.account + ":assumed-role/" + id.profile + "/demo"; strings.Contains(text, want) == (id.profile == "denied") {
			t.Errorf("%s:\n%s", want, out)
		}
	}
	for _, want := range []string{"(environment)", "STS denied role arn:aws:iam::666666666666:role/denied",
		"sub \"repo:octo-org/octo-repo:", "The role trusts another repository", "renewed: …"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in:\n%s", want, out)
		}
	}
	if lines := strings.Split(string(out), "\n"); len(lines) > 24 {
		t.Errorf("%d lines:\n%s", len(lines), out)
	}
	for line := range strings.Lines(string(out)) {
		if len([]rune(line)) > 81 {
			t.Errorf("too long: %s", line)
		}
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestCalledWrongly(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"nonsense"}, {"-nonsense"}, {"demo", "more"}, {"encode"}, {"encode", "-", "more"}, {"decode"},
		{"decode", "GitHub", "more"},
		{"servers", "more"}, {"servers", "-nonsense"}, {"exce", "--profile", "deploy", "--", "true"}, {"env", "-format", "yaml"},
		{"env", "--duration", "5m"},
	} {
		cmd, _ := command(t, args...)
		out, err := cmd.CombinedOutput()
		text := strings.TrimPrefix(string(out), "false\n") // of env
		if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 2 ||
			!strings.HasPrefix(text, "aws-web-identity: ") || strings.Count(text, "\n") != 2 ||
			!strings.HasSuffix(text, " --help' for usage.\n") {
			t.Errorf("%q: %v: %s", args, err, out)
		}
	}
}

// Each command has a help of its own on stdout, which fits a screen.
func TestHelp(t *testing.T) {
	t.Parallel()
	names := [][]string{{}, {"--help"}, {"help"}, {"help", "exec"}}
	for _, c := range newRoot().Commands() {
		names = append(names, []string{c.Name(), "--help"})
	}
	for _, args := range names {
		stdout, stderr, exitCode := run(t, "", args...)
		if exitCode != 0 || stderr != "" || strings.Count(stdout, "\n") > 45 {
			t.Errorf("%q: exit %d, %s, %d lines", args, exitCode, stderr, strings.Count(stdout, "\n"))
		}
		for line := range strings.Lines(stdout) {
			if len([]rune(line)) > 101 {
				t.Errorf("%q: too long: %s", args, line)
			}
		}
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"version"}, {"--version"}} {
		if stdout := mustRun(t, "", args...); !strings.HasPrefix(stdout, "aws-web-identity version ") ||
			!strings.Contains(stdout, "aws-sdk-go-v2 v1.") {
			t.Errorf("%q: %s", args, stdout)
		}
	}
}

func TestCompletionsAndManual(t *testing.T) {
	t.Parallel()
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if script := mustRun(t, "", "completion", shell); !strings.Contains(script, "aws-web-identity") {
			t.Errorf("%s: %s", shell, script)
		}
	}
	dir := t.TempDir()
	mustRun(t, "", "man", dir)
	if pages, err := filepath.Glob(filepath.Join(dir, "aws-web-identity*.1")); err != nil || len(pages) < 10 {
		t.Errorf("%v: %q", err, pages)
	}
}

func TestNearestCommand(t *testing.T) {
	t.Parallel()
	_, stderr, _ := run(t, "", "exce", "--profile", "deploy", "--", "true")
	if want := `unknown command "exce"; did you mean exec?`; !strings.Contains(stderr, want) {
		t.Error(stderr)
	}
}

// The world of demo --serve is one for other commands, until it is interrupted.
func TestDemoServe(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("it prints variables for a shell")
	}
	cmd, _ := command(t, "demo", "--serve")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	var script strings.Builder
	for lines := bufio.NewScanner(stdout); strings.Count(script.String(), "\n") < 7 && lines.Scan(); {
		script.WriteString(lines.Text() + "\n")
	}
	check := exec.Command("sh", "-c", script.String()+"exec '"+os.Args[0]+"' check")
	check.Env = append(os.Environ(), "RUN_AWS_WEB_IDENTITY=1", "AWS_EC2_METADATA_DISABLED=true", "GORACE=atexit_sleep_ms=0")
	out, _ := check.CombinedOutput()
	for _, id := range identities {
		if !strings.Contains(string(out), id.profile) || strings.Contains(string(out), id.account+"  "+id.profile) == (id.profile == "denied") {
			t.Errorf("%s:\n%s", id.profile, out)
		}
	}
}
