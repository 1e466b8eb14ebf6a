package config

import (
	"os"
	"strings"
	"testing"
)

// Not parallel: pipesHaveNames is a variable of the package.
func TestShowWithoutPipes(t *testing.T) {
	withoutPipes(t)
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Setenv("TMP", dir)

	shown, err := show([]byte("text"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(shown.name, dir) {
		t.Errorf("shown as %s", shown.name)
	}
	if info, err := os.Stat(shown.name); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("mode %v, %v", info, err)
	}
	if text, err := os.ReadFile(shown.name); err != nil || string(text) != "text" {
		t.Errorf("%q, %v", text, err)
	}
	shown.close()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestShowNowhere(t *testing.T) {
	withoutPipes(t)
	t.Setenv("TMPDIR", "/nowhere")
	t.Setenv("TMP", `Z:\nowhere`)
	if _, err := show([]byte("text")); err == nil {
		t.Error("no error")
	}
}

func withoutPipes(t *testing.T) {
	was := pipesHaveNames
	t.Cleanup(func() { pipesHaveNames = was })
	pipesHaveNames = func() bool { return false }
}
