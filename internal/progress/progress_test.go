package progress

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	switch os.Getenv("SHOW_PROGRESS") {
	case "until shown":
		shown := make(chan struct{})
		stop := Show(sync.OnceValue(func() string { close(shown); return "ran 3 of 7" }))
		<-shown
		stop()
	case "three seconds":
		stop := Show(func() string { return "ran 3 of 7" })
		time.Sleep(3 * time.Second)
		stop()
	default:
		os.Exit(m.Run())
	}
}

func TestOnATerminal(t *testing.T) {
	t.Parallel()
	script, err := exec.LookPath("script")
	if err != nil {
		t.Skip("script, which makes a terminal, is not here")
	}
	cmd := exec.Command(script, "-qec", os.Args[0], os.DevNull)
	cmd.Env = append(os.Environ(), "SHOW_PROGRESS=until shown")
	out, err := cmd.Output()
	if text := string(out); err != nil || !strings.Contains(text, "ran 3 of 7") || !strings.HasSuffix(text, "\r\x1b[K") {
		t.Errorf("%v: %q", err, text)
	}
}

func TestElsewhere(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "SHOW_PROGRESS=three seconds")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil || out.Len() > 0 {
		t.Errorf("%v: %q", err, &out)
	}
}
