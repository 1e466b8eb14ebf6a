//go:build linux

// Package release makes a snapshot of a release with goreleaser, and uses what is in it.
package release

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/awstokenserver/config/internal/longtest"
	"github.com/awstokenserver/config/internal/testenv"
)

const root = "../.."

func run(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v: %s", cmd.Args, err, out)
	}
	return string(out)
}

// snapshot makes the release of this commit for this machine alone, in a clone, and returns the clone.
func snapshot(t *testing.T, goreleaser string) string {
	t.Helper()
	clone := filepath.Join(t.TempDir(), "clone")
	run(t, exec.Command("git", "clone", "-q", root, clone))
	text, err := os.ReadFile(filepath.Join(clone, ".goreleaser.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	one := regexp.MustCompile(`goos: \[.*\]\n( *)goarch: \[.*\]`).
		ReplaceAllString(string(text), "goos: [linux]\n${1}goarch: ["+runtime.GOARCH+"]")
	if one == string(text) {
		t.Fatal(".goreleaser.yaml has no list of systems")
	}
	config := testenv.WriteFile(t, "one.yaml", one)
	// It needs a Windows archive for Scoop.
	cmd := exec.Command(goreleaser, "release", "--snapshot", "--clean", "--skip=publish,docker,scoop", "-f", config)
	cmd.Dir = clone
	run(t, cmd)
	return clone
}

// A release is the same bytes wherever it is made. Its packages install, and the command
// runs with nothing else in the root.
func TestSnapshot(t *testing.T) {
	t.Parallel()
	longtest.Skip(t, "it makes two releases")
	goreleaser := os.Getenv("GORELEASER")
	if goreleaser == "" {
		t.Skip("set GORELEASER to the path of goreleaser")
	}
	check := exec.Command(goreleaser, "check")
	check.Dir = root
	run(t, check)
	first, second := snapshot(t, goreleaser), snapshot(t, goreleaser)
	for _, pattern := range []string{"dist/*.tar.gz", "dist/*.deb", "dist/*.rpm", "dist/*.apk", "dist/checksums.txt",
		"dist/homebrew/Casks/*.rb", "build/extras/*.cdx.json", "build/extras/*.zip"} {
		names, err := filepath.Glob(filepath.Join(first, pattern))
		if err != nil || len(names) != 1 {
			t.Fatalf("%s: %v, %q", pattern, err, names)
		}
		name, err := filepath.Rel(first, names[0])
		if err != nil {
			t.Fatal(err)
		}
		one, err := os.ReadFile(names[0])
		if err != nil {
			t.Fatal(err)
		}
		other, err := os.ReadFile(filepath.Join(second, name))
		if err != nil || string(one) != string(other) {
			t.Errorf("%s is not the same twice: %v", name, err)
		}
	}

	installed := t.TempDir()
	deb, err := filepath.Glob(filepath.Join(first, "dist/*.deb"))
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"info", "updates"} {
		if err := os.MkdirAll(filepath.Join(installed, "var/lib/dpkg", dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(installed, "var/lib/dpkg/status"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	run(t, exec.Command("dpkg", "--root="+installed, "--force-not-root", "--log=/dev/null", "-i", deb[0]))
	command := filepath.Join(installed, "usr/bin/aws-web-identity")
	commit := strings.TrimSpace(run(t, exec.Command("git", "-C", first, "rev-parse", "HEAD")))
	version := run(t, exec.Command(command, "version"))
	if !strings.Contains(version, "commit "+commit) || !strings.Contains(version, "aws-sdk-go-v2 v1.") ||
		!strings.Contains(version, "version v0.0.0-SNAPSHOT-") {
		t.Errorf("version: %s", version)
	}
	if out := run(t, exec.Command(command, "demo")); !strings.Contains(out, "nothing was stored") {
		t.Errorf("demo: %s", out)
	}
	for _, name := range []string{"usr/share/man/man1/aws-web-identity-exec.1",
		"usr/share/zsh/site-functions/_aws-web-identity",
		"usr/share/bash-completion/completions/aws-web-identity",
		"usr/share/fish/vendor_completions.d/aws-web-identity.fish"} {
		text, err := os.ReadFile(filepath.Join(installed, name))
		if err != nil || !strings.Contains(string(text), "web-identity") {
			t.Errorf("%s: %v", name, err)
		}
	}

	empty := t.TempDir()
	binary, err := os.ReadFile(command)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(empty, "aws-web-identity"), binary, 0o755); err != nil {
		t.Fatal(err)
	}
	alone := exec.Command("/aws-web-identity", "demo")
	alone.Dir, alone.Env = "/", []string{"TMPDIR=/"} // as in the image
	alone.SysProcAttr = &syscall.SysProcAttr{Chroot: empty}
	if os.Geteuid() != 0 {
		t.Skip("only root can change the root")
	}
	if out := run(t, alone); !strings.Contains(out, "nothing was stored") {
		t.Errorf("alone: %s", out)
	}
}

// RELEASING.md has a row for the SDK that this commit carries, and what fetches a release fetches the newest of them.
func TestPage(t *testing.T) {
	t.Parallel()
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	m := regexp.MustCompile(`(?m)^\| (v[0-9.]+) \| (v[0-9.]+) \| (v[0-9.]+) \|`).FindStringSubmatch(read("RELEASING.md"))
	if m == nil {
		t.Fatal("RELEASING.md has no table")
	}
	if requirements := read("go.mod"); !strings.Contains(requirements, "aws-sdk-go-v2 "+m[2]+"\n") ||
		!strings.Contains(requirements, "aws-sdk-go-v2/config "+m[3]+"\n") {
		t.Errorf("go.mod does not require %s and %s", m[2], m[3])
	}
	for _, name := range []string{"action.yml", "templates/aws-web-identity.yml"} {
		if !strings.Contains(read(name), "default: "+m[1]) {
			t.Errorf("%s does not fetch %s", name, m[1])
		}
	}
	for _, name := range []string{"cmd/go.mod", "conformance/go.mod", "test/go.mod"} {
		if !strings.Contains(read(name), "github.com/awstokenserver/config "+m[1]+"\n") {
			t.Errorf("%s does not require %s", name, m[1])
		}
	}
}
