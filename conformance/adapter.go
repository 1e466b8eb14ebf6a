package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// retrieval is a line that an adapter writes.
type retrieval struct {
	Version         int
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      string
	AccountID       string `json:"AccountId"`
	Error           *struct{ Class, Message string }
}

// outcome is what became of the adapter's process.
type outcome struct {
	exitCode       int
	signal         string // what ended it if it did not exit
	timedOut       bool
	stdout, stderr string
}

const outputLimit = 1 << 20

// limited keeps the beginning of what is written to it.
type limited struct{ bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	l.Buffer.Write(p[:min(len(p), outputLimit-l.Len())])
	return len(p), nil
}

// start runs a command until it ends, or until ctx does. An error means that it
// could not be run.
func start(ctx context.Context, command, env []string) (outcome, error) {
	var stdout, stderr limited
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env, cmd.Stdout, cmd.Stderr = env, &stdout, &stderr
	cmd.WaitDelay = time.Second // for children that keep the pipes open
	group(cmd)
	err := cmd.Run()
	if cmd.Process == nil {
		return outcome{}, err
	}
	cmd.Cancel() // whoever of the group is left
	o := outcome{exitCode: cmd.ProcessState.ExitCode(), timedOut: ctx.Err() != nil, stdout: stdout.String(),
		stderr: stderr.String()}
	if o.exitCode < 0 {
		o.signal = cmd.ProcessState.String()
	}
	return o, nil
}

// capabilities asks the adapter what it can do.
func (r *Runner) capabilities(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	command := append(append([]string{}, r.Adapter...), "capabilities")
	o, err := start(ctx, command, os.Environ())
	if err != nil {
		return nil, fmt.Errorf("the adapter cannot be started: %w", err)
	}
	list := []string{}
	if err := json.Unmarshal([]byte(o.stdout), &list); err != nil || o.exitCode != 0 {
		return nil, fmt.Errorf("%q ended with exit code %d and wrote %q, not a JSON list of capabilities; see docs/conformance.md",
			strings.Join(command, " "), o.exitCode, head(o.stdout+o.stderr))
	}
	return list, nil
}

// retrievals reads what the adapter wrote.
func (o outcome) retrievals() ([]retrieval, error) {
	switch {
	case o.timedOut:
		return nil, errors.New("the adapter did not end in time and was killed")
	case o.signal != "":
		return nil, fmt.Errorf("the adapter crashed: %s", o.signal)
	case o.exitCode > 1:
		return nil, fmt.Errorf("the adapter crashed: exit code %d", o.exitCode)
	}
	var list []retrieval
	refused := 0
	for line := range strings.Lines(o.stdout) {
		var r retrieval
		if err := json.Unmarshal([]byte(line), &r); err != nil || r.Version != 1 {
			return nil, fmt.Errorf("the adapter wrote %q, not JSON with the Version 1", head(line))
		}
		if r.Error != nil {
			refused = 1
		}
		list = append(list, r)
	}
	if len(list) == 0 && o.exitCode == 1 { // Windows has no signal that kills
		return nil, errors.New("the adapter crashed: exit code 1 and no line")
	}
	if o.exitCode != refused {
		return nil, fmt.Errorf("the exit code is %d, and should be 1 if a line has an Error and else 0", o.exitCode)
	}
	return list, nil
}

func head(text string) string {
	if text = strings.TrimSpace(text); len(text) > 500 {
		text = text[:500] + " …"
	}
	return text
}
