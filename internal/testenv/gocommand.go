package testenv

import (
	"bytes"
	"os/exec"
	"testing"
)

// GoCommand runs the Go command in a folder, and returns what it prints.
func GoCommand(t *testing.T, dir string, env []string, args ...string) string {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir, cmd.Env = dir, env
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %q: %v\n%s%s", args, err, out, &stderr)
	}
	return string(out)
}
