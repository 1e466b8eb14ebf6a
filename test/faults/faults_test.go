//go:build linux

// Package faults writes the table in docs/reliability.md: it brings each fault
// about on loopback, and a program with default options retrieves credentials.
package faults

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/awstokenserver/config/internal/longtest"
)

const page = "../../docs/reliability.md"

func TestMain(m *testing.M) {
	name := os.Getenv("ROW")
	if name == "" {
		os.Exit(m.Run())
	}
	for _, c := range components {
		for _, r := range c.rows {
			if c.name+": "+r.fault == name {
				runChild(r)
				return
			}
		}
	}
	log.Fatalf("there is no row %q", name)
}

// In each row a process meets a fault, which is then fixed; the process must
// get credentials now, and keep nothing of the fault. What it got before is what
// the page says. With UPDATE=1 the page is made to say so.
func TestFaults(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	command := filepath.Join(t.TempDir(), "aws-web-identity")
	if out, err := exec.Command("go", "build", "-o", command, "../../cmd/aws-web-identity").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var wg sync.WaitGroup
	busy := make(chan struct{}, 16)
	lines := make([][]string, len(components))
	for i, c := range components {
		lines[i] = make([]string, len(c.rows))
		for j, r := range c.rows {
			if r.slow && !longtest.Wanted() {
				_, rows, _ := strings.Cut(string(text), "### "+c.name+"\n")
				lines[i][j] = regexp.MustCompile(`(?m)^\| ` + regexp.QuoteMeta(r.fault) + ` \|.*\n`).FindString(rows)
				continue
			}
			wg.Add(1)
			go func() {
				defer wg.Done()
				busy <- struct{}{}
				defer func() { <-busy }()
				lines[i][j] = r.run(t, c, command)
			}()
		}
	}
	wg.Wait()

	var table strings.Builder
	for i, c := range components {
		fmt.Fprintf(&table, "\n### %s\n\n| Fault | The caller gets | Class | Asked | Returns |\n|---|---|---|---|---|\n", c.name)
		for _, line := range lines[i] {
			if !strings.Contains(string(text), line) {
				t.Errorf("%s, %s: now it is %s", page, c.name, line)
			}
			table.WriteString(line)
		}
	}
	marked := regexp.MustCompile(`(?s)(<!-- faults: .*? -->\n).*(<!-- /faults -->)`)
	updated := marked.ReplaceAllStringFunc(string(text), func(block string) string {
		marks := marked.FindStringSubmatch(block)
		return marks[1] + table.String() + "\n" + marks[2]
	})
	if updated != string(text) {
		t.Errorf("%s is not of these rows: UPDATE=1 go test -run TestFaults ./test/faults", page)
	}
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(page, []byte(updated), 0o644); err != nil {
			t.Error(err)
		}
	}
}

// run returns the line of the table.
func (r row) run(t *testing.T, c component, command string) string {
	w := newWorld(t)
	defer w.close()
	if r.conn != nil {
		f := c.front(w)
		f.fault, f.times = r.conn, r.times
	}
	if r.world != nil {
		r.world(w)
	}
	w.start()
	fail := func(format string, args ...any) { t.Errorf(c.name+", "+r.fault+": "+format, args...) }
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	var o outcome
	if r.args != nil {
		o = w.command(ctx, append([]string{command}, r.args...), fail)
	} else {
		o = w.child(ctx, c.name+": "+r.fault, fail)
	}
	if strings.Contains(o.Full, w.TokenServer.RequestToken) || jwt.MatchString(o.Full) {
		fail("a secret is in: %s", o.Full)
	}
	return fmt.Sprintf("| %s | `%s` | %s | %d, %d | %s |\n",
		r.fault, shorten(strings.ReplaceAll(o.Text, w.dir, "/…")), cmp.Or(o.Class, "–"), o.TokenRequests, o.STSRequests,
		w.returned(o))
}

var jwt = regexp.MustCompile(`eyJ[\w-]{5,}\.`)

func (w *world) process(ctx context.Context, args ...string) (cmd *exec.Cmd, stderr *bytes.Buffer) {
	cmd = exec.CommandContext(ctx, args[0], args[1:]...)
	for name, value := range w.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	stderr = new(bytes.Buffer)
	cmd.Stderr = stderr
	return cmd, stderr
}

// child runs a row's child.
func (w *world) child(ctx context.Context, name string, fail func(string, ...any)) (o outcome) {
	cmd, stderr := w.process(ctx, os.Args[0])
	cmd.Env = append(cmd.Env, "ROW="+name)
	in, _ := cmd.StdinPipe()
	out, _ := cmd.StdoutPipe()
	if err := cmd.Start(); err != nil {
		fail("%v", err)
		return o
	}
	var (
		afterwards outcome
		left       rest
		said       = json.NewDecoder(out)
	)
	errs := []error{said.Decode(&o)}
	w.fix()
	in.Write([]byte("\n"))
	errs = append(errs, said.Decode(&afterwards))
	w.close()
	in.Write([]byte("\n"))
	errs = append(errs, said.Decode(&left), cmd.Wait())
	if err := cmp.Or(errs...); err != nil {
		fail("%v: %s", err, stderr)
	}
	if afterwards.Text != "credentials" {
		fail("afterwards: %s%s", afterwards.Text, afterwards.Full)
	}
	if left.Descriptors != 0 || left.Goroutines != 0 {
		fail("%d descriptors and %d goroutines are left: %s", left.Descriptors, left.Goroutines, left.Stacks)
	}
	o.Full += stderr.String()
	return o
}

// command runs the command.
func (w *world) command(ctx context.Context, args []string, fail func(string, ...any)) (o outcome) {
	cmd, stderr := w.process(w.terminated, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	start := time.Now()
	if out, err := cmd.Output(); len(out) > 0 || cmd.ProcessState == nil {
		fail("%v: %s", err, out)
	}
	o = outcome{Text: stderr.String(), Full: stderr.String(), Class: cmd.ProcessState.String(), Took: time.Since(start)}
	o.TokenRequests, o.STSRequests = w.token.accepted.Load(), w.sts.accepted.Load()
	w.fix()
	cmd, stderr = w.process(ctx, args...)
	if err := cmd.Run(); err != nil {
		fail("afterwards: %v: %s", err, stderr)
	}
	return o
}

// shortenings leave of an error what it says of the fault.
var shortenings = []struct {
	pattern *regexp.Regexp
	text    string
}{
	{regexp.MustCompile(`^aws-web-identity: |failed to (refresh cached|retrieve) credentials, |web_identity_token_server of profile "deploy" in \S+: `), ""},
	{regexp.MustCompile(` \(https://github.com/awstokenserver/\S+\)|\n`), ""},
	{regexp.MustCompile(`exceeded maximum number of attempts, 3, |https response error StatusCode: \d+, RequestID: \w*, `), ""},
	{regexp.MustCompile(`operation error STS: AssumeRoleWithWebIdentity, (request send failed, Post "\S+": |deserialization failed, )?`), "… "},
	{regexp.MustCompile(`net/http: HTTP/1.x transport connection broken: |tls: failed to verify certificate: `), "… "},
	{regexp.MustCompile(`role arn:[\w:]+/\w+`), "role …"},
	{regexp.MustCompile(`with iss .*, aud "[^"]*"`), "with …"},
	{regexp.MustCompile(`(127\.0\.0\.1|\w+\.invalid):\d+`), "HOST"},
	{regexp.MustCompile(` on \S+:53:`), ":"}, // the DNS server that the machine has
	{regexp.MustCompile(`20\d\d-\d\d-\d\dT[\d:.]+Z`), "TIME"},
	{regexp.MustCompile("`"), "'"},
	{regexp.MustCompile(`^(.{105}).{3,}$`), "$1…"},
}

func shorten(text string) string {
	for _, s := range shortenings {
		text = s.pattern.ReplaceAllString(text, s.text)
	}
	return strings.ReplaceAll(text, "|", `\|`)
}

// returned is how long it took, rounded so that neither the random part of the
// waits between attempts nor a busy machine shows.
func (w *world) returned(o outcome) string {
	waited := o.TokenRequests > 1 || o.STSRequests > w.exchanges
	for _, r := range []struct {
		waited   bool
		from, to time.Duration
		text     string
	}{
		{false, 0, 15 * time.Second, "at once"},
		{true, 0, 15 * time.Second, "≤ 6 s"},
		{true, 15 * time.Second, 45 * time.Second, "15–21 s"},
		{true, 90 * time.Second, 120 * time.Second, "90–96 s"},
		{false, 3 * time.Minute, 4 * time.Minute, "3 min"},
	} {
		if waited == r.waited && r.from <= o.Took && o.Took < r.to {
			return r.text
		}
	}
	return o.Took.String()
}
