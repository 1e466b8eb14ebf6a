// Package clients has AWS's clients get roles through the command: with exec, after setup,
// and through credential_process, and sees who they then are.
//
// Clients that are not installed are skipped; with CLIENTS, the folder that
// .ci/clients fills, they are taken from there, and none may be missing.
package clients

import (
	"bytes"
	"cmp"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/awstokenserver/config/internal/longtest"
	"github.com/awstokenserver/config/internal/testenv"
	"github.com/awstokenserver/config/webidentity/webidentitytest"
)

var command string // the path of aws-web-identity

func TestMain(m *testing.M) {
	if os.Getenv("GO_CLIENT") != "" {
		goClient()
		return
	}
	dir, err := os.MkdirTemp("", "clients-")
	if err != nil {
		log.Fatal(err)
	}
	command = filepath.Join(dir, "aws-web-identity.exe")
	if out, err := exec.Command("go", "build", "-o", command, "../../cmd/aws-web-identity").CombinedOutput(); err != nil {
		log.Fatalf("%v: %s", err, out)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// another is another identity, which must not win.
var another = []string{"AWS_PROFILE=nobody", "AWS_DEFAULT_PROFILE=nobody", "AWS_ACCESS_KEY_ID=AKIASTRAY",
	"AWS_SECRET_ACCESS_KEY=stray", "AWS_ACCOUNT_ID=999999999999", "AWS_ROLE_ARN=" + deployARN + "2",
	"AWS_WEB_IDENTITY_TOKEN_FILE=/nowhere", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/stray",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=/nowhere"}

// prepare returns a process of a client that calls for each profile, in a way.
func prepare(t *testing.T, p *place, c client, w way, profiles ...string) *exec.Cmd {
	t.Helper()
	args := slices.Concat(c.call, profiles)
	environ := p.environ(t)
	switch {
	case w.exec != nil:
		environ = append(environ, another...)
		before := append([]string{command}, w.exec...)
		if c.noRegion && w.name == throughExec.name {
			before = append(before, "--set-region")
		}
		args = slices.Concat(before, []string{"--"}, args)
	case w.name == afterSetup.name:
		environ = append(environ, another...)
		args = append([]string{"sh", "-c", `eval "$("$0" setup --profile deploy)"; exec "$@"`, command}, args...)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = slices.Concat(environ, c.env, w.env)
	return cmd
}

// run has a client call for each profile, in a way, and returns what it wrote.
func run(t *testing.T, p *place, c client, w way, profiles ...string) (string, error) {
	t.Helper()
	out, err := prepare(t, p, c, w, profiles...).CombinedOutput()
	return string(out), err
}

const page = "../../docs/command.md"

// TestClients is what the table in docs/command.md says: with UPDATE=1 it becomes so.
func TestClients(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("it quotes a path for a Unix shell")
	}
	var (
		mu    sync.Mutex
		marks = map[string]string{}
		all   = clients()
	)
	t.Run("each", func(t *testing.T) {
		for _, c := range all {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				version := installed(t, c)
				one := func(w way) string { return mark(checkCalls(t, c, w, "")) }
				two := func(w way) string {
					return mark(!c.oneProfile && c.works(w) && checkCalls(t, c, w, "deploy", "audit", "deploy"))
				}
				cells := []string{c.name, version, one(throughExec), two(throughExec), one(afterSetup), two(afterSetup),
					one(byHand), mark(checkRenewal(t, c)), one(withVariables)}
				mu.Lock()
				defer mu.Unlock()
				marks[c.name] = "| " + strings.Join(cells, " | ") + " |"
			})
		}
	})
	if t.Failed() || len(marks) < len(all) {
		return
	}
	checkTable(t, all, marks)
}

// checkCalls reports whether c calls as each of the profiles, which must be so or not as
// the list of clients says.
func checkCalls(t *testing.T, c client, w way, profiles ...string) bool {
	t.Helper()
	var want []string
	for _, profile := range profiles {
		role := cmp.Or(profile, "deploy")
		region := regions[role]
		if c.noRegion {
			region = "us-east-1"
			if w.exec != nil {
				region = regions["deploy"]
			}
		}
		want = append(want, role+" "+region)
	}
	p := newPlace(t)
	out, err := run(t, p, c, w, profiles...)
	got := p.callers()
	works := err == nil && slices.Equal(got, want)
	machine := len(got) > 0 && strings.HasPrefix(got[0], "ASIAMACHINE")
	if works != c.works(w) || !works && !anonymous(got) && !(machine && c.machine && w.name == byHand.name) {
		t.Errorf("%s, %q: %v: %q called: %s", w.name, profiles, err, got, out)
	}
	if got := p.exchanges(); works && w.name == throughExec.name {
		for role, n := range got {
			if n != 1 {
				t.Errorf("%s, %q: %d exchanges for %s", w.name, profiles, n, role)
			}
		}
	}
	return works
}

// checkRenewal reports whether a process of c that outlives its credentials goes on with
// others, which must be so in all ways that work with it. It is a long test.
func checkRenewal(t *testing.T, c client) bool {
	t.Helper()
	if !longtest.Wanted() && os.Getenv("UPDATE") == "" {
		return c.works(throughExec)
	}
	var all sync.WaitGroup
	for _, w := range []way{throughExec, afterSetup, byHand} {
		if !c.works(w) {
			continue
		}
		p := newPlace(t)
		p.grace = 30 * time.Second // a call on its way at the end does not fail
		p.STS.Lifetime = 5*time.Second + p.grace
		p.endless.Store(true)
		cmd := prepare(t, p, c, w, "")
		all.Add(1)
		go func() {
			defer all.Done()
			out, err := p.loop(cmd, p.outlived)
			if got := p.callers(); err != nil || !p.outlived() || len(got) != 1 {
				t.Errorf("%s, renewal: %v: %q called: %s", w.name, err, got, out)
			}
		}()
	}
	all.Wait()
	return c.works(throughExec)
}

// anonymous reports whether no request was signed: what the SDK for C++ and restic send that
// have no credentials.
func anonymous(callers []string) bool {
	return !slices.ContainsFunc(callers, func(who string) bool { return who != "nobody" })
}

func mark(works bool) string {
	if works {
		return "✓"
	}
	return "–"
}

// checkTable compares the table with what the tests did, but for versions and the date.
func checkTable(t *testing.T, all []client, marks map[string]string) {
	table := fmt.Sprintf("Last run: %s.\n\n", time.Now().Format("January 2, 2006")) +
		"| Client | Version | `exec` | two profiles | `setup` | two profiles | `credential_process` by hand " +
		"| renews | `exec --static` |\n" +
		"|---|---|---|---|---|---|---|---|---|\n"
	names := map[string][]string{} // by reason
	for _, c := range all {
		table += marks[c.name] + "\n"
		names[c.why] = append(names[c.why], c.name)
	}
	table += "\n"
	for _, c := range all {
		if c.why != "" && names[c.why][0] == c.name {
			table += "- " + strings.Join(names[c.why], ", ") + ": " + c.why + ".\n"
		}
	}
	testenv.Block(t, page, "clients", table, regexp.MustCompile(`Last run: .*|(\| [^|]* )\| [\w.-]+ `))
}

// Where exec is killed, or a profile is denied, no client has another identity, as far as
// it lets that be arranged.
func TestNoOtherIdentity(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("it kills a process as Unix does")
	}
	for _, c := range clients() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			installed(t, c)
			p := newPlace(t)
			// The client may outlive exec, whose output ends with it.
			done := filepath.Join(t.TempDir(), "done")
			killed := c
			script := `kill -9 $PPID; while kill -0 $PPID 2>/dev/null; do sleep 0.01; done; "$@"; echo ended >"$DONE"`
			killed.call = slices.Concat([]string{"sh", "-c", script, "sh"}, c.call)
			killed.env = append(slices.Clone(c.env), "DONE="+done, "AWS_MAX_ATTEMPTS=1", "AWS_METADATA_SERVICE_NUM_ATTEMPTS=1")
			out, _ := run(t, p, killed, throughExec, "")
			for end := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
				if _, err := os.Stat(done); err == nil {
					break
				}
				if time.Now().After(end) {
					t.Fatal("the client does not end")
				}
			}
			if got := p.callers(); !anonymous(got) {
				t.Errorf("exec was killed: %q called: %s", got, out)
			}
			for _, w := range []way{afterSetup, byHand} {
				if w.name == byHand.name && c.machine {
					continue
				}
				p := newPlace(t)
				p.STS.AddRole(webidentitytest.Role{ARN: deployARN, Subject: "nobody"})
				if out, err := run(t, p, c, w, ""); !anonymous(p.callers()) {
					t.Errorf("%s, the role is denied: %v: %q called: %s", w.name, err, p.callers(), out)
				}
			}
			if c.oneProfile {
				return
			}
			for _, w := range []way{throughExec, afterSetup} {
				p := newPlace(t)
				if out, err := run(t, p, c, w, "denied"); err == nil || len(p.callers()) > 0 {
					t.Errorf("%s, another profile is denied: %v: %q called: %s", w.name, err, p.callers(), out)
				}
			}
		})
	}
}

// A job of many lives of its credentials has no failed call, though the token server is
// down in its midst.
func TestLongJob(t *testing.T) {
	t.Parallel()
	longtest.Skip(t, "it waits for several lives of credentials")
	for _, c := range clients() {
		switch c.name {
		case "AWS CLI v2": // a process for each call
			c.call = slices.Concat([]string{"sh", "-c", `while test -e "$LOOP"; do "$@" || exit; done`, "sh"}, c.call)
		case "boto3", "SDK for Rust", "SDK for Go v2":
		default:
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			installed(t, c)
			p := newPlace(t)
			p.STS.Lifetime = time.Minute                                  // renewed after six seconds
			time.AfterFunc(52*time.Second, func() { p.down.Store(true) }) // SDKs that keep a set for its life ask meanwhile
			time.AfterFunc(67*time.Second, func() { p.down.Store(false) })
			out, err := p.loop(prepare(t, p, c, throughExec, ""), func() bool { return p.sets() > 10 })
			if got := p.callers(); err != nil || !slices.Equal(got, []string{"deploy eu-west-1"}) {
				t.Errorf("%v: %q called: %s", err, got, out)
			}
			if n := p.sets(); n <= 10 {
				t.Errorf("%d credentials", n)
			}
			t.Logf("%d calls without a failure, with %d credentials", len(p.seen), p.sets())
		})
	}
}

// Fifty processes at once cost one exchange.
func TestManyProcesses(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("it needs a Unix shell")
	}
	all := clients()
	c := all[slices.IndexFunc(all, func(c client) bool { return c.name == "SDK for Go v2" })]
	c.call = slices.Concat([]string{"sh", "-c", `for i in $(seq 50); do "$@" & done; wait`, "sh"}, c.call)
	p := newPlace(t)
	out, err := run(t, p, c, throughExec, "audit")
	if got := p.exchanges(); err != nil || got["audit"] != 1 || len(bytes.TrimSpace([]byte(out))) > 0 {
		t.Errorf("%v: %v exchanges: %s", err, got, out)
	}
	if got := len(p.seen); got != 50 {
		t.Errorf("%d calls", got)
	}
}
