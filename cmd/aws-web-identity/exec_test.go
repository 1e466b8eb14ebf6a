//go:build linux || darwin

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// start starts a command without a terminal, and returns its stdout. When the test
// ends nothing is left of it.
func start(t *testing.T, cmd *exec.Cmd) *bufio.Reader {
	t.Helper()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	return bufio.NewReader(stdout)
}

// readEnv reads what env; echo END writes, and returns the variables that begin
// with AWS_.
func readEnv(stdout *bufio.Reader) (output string, set map[string]string) {
	for {
		line, err := stdout.ReadString('\n')
		if line == "END\n" || err != nil {
			return output, awsVariables(output)
		}
		output += line
	}
}

// strays are variables of another identity.
var strays = []string{
	"AWS_PROFILE=stray", "AWS_DEFAULT_PROFILE=stray", "AWS_ACCESS_KEY_ID=stray", "AWS_SECRET_ACCESS_KEY=stray",
	"AWS_SESSION_TOKEN=stray",
	"AWS_SECURITY_TOKEN=stray", "AWS_ACCESS_KEY=stray", "AWS_SECRET_KEY=stray", "AWS_CREDENTIAL_EXPIRATION=stray",
	"AWS_CREDENTIAL_FILE=stray",
	"AWS_ROLE_ARN=stray", "AWS_ROLE_SESSION_NAME=stray", "AWS_WEB_IDENTITY_TOKEN_FILE=stray",
	"AWS_WEB_IDENTITY_TOKEN_SERVER=stray",
	"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/stray", "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://stray",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN=stray", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=stray", "AWS_ACCOUNT_ID=stray",
}

// awsVariables returns the variables that begin with AWS_ in the output of env.
func awsVariables(output string) map[string]string {
	set := map[string]string{}
	for line := range strings.Lines(output) {
		if name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "="); ok && strings.HasPrefix(name, "AWS_") {
			set[name] = value
		}
	}
	return set
}

func TestExecEndpoint(t *testing.T) {
	t.Parallel()
	world := newWorld(t)
	cmd := commandIn(t, world, deployProfile, "exec", "-profile", "deploy", "--", "sh", "-c",
		"env; echo END; read wait; exit 7")
	cmd.Env = append(cmd.Env, strays...)
	stdin, _ := cmd.StdinPipe()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	output, set := readEnv(start(t, cmd))
	if strings.Contains(output, "stray") || set["AWS_PROFILE"] != "deploy" || set["AWS_REGION"] != "" ||
		set["AWS_EC2_METADATA_DISABLED"] != "true" || set["AWS_WEB_IDENTITY_ENTERED"] != "" {
		t.Errorf("the environment is %q", set)
	}
	address, token := set["AWS_CONTAINER_CREDENTIALS_FULL_URI"], set["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
	at, err := url.Parse(address)
	if err != nil || at.Hostname() != "127.0.0.1" || len(token) < 26 {
		t.Fatalf("the endpoint is at %q, with %d characters of token", address, len(token))
	}
	for name, c := range map[string]struct {
		method, url string
		token       []string
		status      int
	}{
		"right":           {"GET", address, []string{token}, 200},
		"no token":        {"GET", address, nil, 401},
		"empty token":     {"GET", address, []string{""}, 401},
		"wrong token":     {"GET", address, []string{token[:25] + "0"}, 401},
		"longer token":    {"GET", address, []string{token + "x"}, 401},
		"bearer token":    {"GET", address, []string{"Bearer " + token}, 401},
		"two tokens":      {"GET", address, []string{token, token}, 401},
		"POST":            {"POST", address, []string{token}, 405},
		"HEAD":            {"HEAD", address, []string{token}, 405},
		"PUT, no token":   {"PUT", address, nil, 405},
		"other path":      {"GET", address + "/", []string{token}, 404},
		"root":            {"GET", "http://" + at.Host, []string{token}, 404},
		"dotted path":     {"GET", "http://" + at.Host + "/x/../credentials", []string{token}, 404},
		"right once more": {"GET", address, []string{token}, 200},
	} {
		request, err := http.NewRequest(c.method, c.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header["Authorization"] = c.token
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != c.status || strings.Contains(string(body), "ASIA") != (c.status == 200) {
			t.Errorf("%s: status %d, want %d", name, response.StatusCode, c.status)
		}
		if c.status != 200 {
			continue
		}
		var creds struct {
			AccessKeyId, SecretAccessKey, Token, AccountId string
			Expiration                                     time.Time
		}
		if err := json.Unmarshal(body, &creds); err != nil || len(creds.SecretAccessKey) != 40 || creds.Token == "" ||
			creds.AccountId != "123456789012" || time.Until(creds.Expiration) < 59*time.Minute {
			t.Errorf("%v: %s", err, body)
		}
	}
	if n := len(world.STS.Requests()); n != 1 {
		t.Errorf("%d exchanges", n)
	}
	stdin.Close()
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 7 || stderr.Len() > 0 {
		t.Errorf("exit %d: %s", code, &stderr)
	}
	if c, err := net.Dial("tcp", at.Host); err == nil {
		c.Close()
		t.Error("the endpoint is still there")
	}
}

func TestExecStatic(t *testing.T) {
	t.Parallel()
	cmd := commandIn(t, newWorld(t), deployProfile, "exec", "-static", "-profile", "deploy", "--", "env")
	cmd.Env = append(cmd.Env, strays...)
	stdout, stderr, exitCode := finish(t, cmd)
	if exitCode != 0 || stderr != "" || strings.Contains(stdout, "stray") ||
		strings.Contains(stdout, "AWS_CONTAINER_") {
		t.Fatalf("exit %d: %s%s", exitCode, stdout, stderr)
	}
	set := awsVariables(stdout)
	expires, err := time.Parse(time.RFC3339, set["AWS_CREDENTIAL_EXPIRATION"])
	if err != nil || time.Until(expires) < 59*time.Minute || !strings.HasPrefix(set["AWS_ACCESS_KEY_ID"], "ASIA") ||
		len(set["AWS_SECRET_ACCESS_KEY"]) != 40 || set["AWS_SESSION_TOKEN"] == "" ||
		set["AWS_DEFAULT_REGION"] != "eu-west-1" {
		t.Errorf("%v: %q", err, set)
	}
}

func TestExecExitCode(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return name
	}
	for name, c := range map[string]struct {
		cmd       []string
		code      int
		stderr    string
		exchanges int
	}{
		"success":        {[]string{"--", "true"}, 0, "", 1},
		"failure":        {[]string{"--", "sh", "-c", "exit 3"}, 3, "", 1},
		"same flag":      {[]string{"--", "sh", "-c", `test "$1" = -profile`, "sh", "-profile"}, 0, "", 1},
		"two --":         {[]string{"--", "sh", "-c", `test "$1" = --`, "sh", "--"}, 0, "", 1},
		"killed":         {[]string{"--", "sh", "-c", "kill -KILL $$"}, 137, "", 1},
		"not found":      {[]string{"--", "no-such-command"}, 127, `cannot run no-such-command: `, 0},
		"no such file":   {[]string{"--", filepath.Join(dir, "none")}, 127, "cannot run " + dir, 0},
		"not executable": {[]string{"--", file("text", "x", 0o600)}, 126, "permission denied", 0},
		"a folder":       {[]string{"--", dir}, 126, "is a directory", 0},
		"no program":     {[]string{"--", file("broken", "\x7fELF", 0o700)}, 126, "exec format error", 1},
		"no interpreter": {[]string{"--", file("script", "#!/nowhere/sh\n", 0o700)}, 127, "no such file", 1},
		"no --":          {[]string{"true"}, 2, `needs "--" followed by a command`, 0},
		"no command":     {[]string{"--"}, 2, `needs "--" followed by a command`, 0},
		"nothing":        {nil, 2, `needs "--" followed by a command`, 0},
		"unknown flag":   {[]string{"-nonsense", "--", "true"}, 2, "-nonsense", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world := newWorld(t)
			stdout, stderr, exitCode := finish(t,
				commandIn(t, world, deployProfile, append([]string{"exec", "-profile", "deploy"}, c.cmd...)...))
			if exitCode != c.code || stdout != "" || !strings.Contains(stderr, c.stderr) ||
				(c.stderr == "") != (stderr == "") {
				t.Errorf("exit %d, want %d: %s%s", exitCode, c.code, stdout, stderr)
			}
			if n := len(world.STS.Requests()); n != c.exchanges {
				t.Errorf("%d exchanges", n)
			}
		})
	}
}

func TestExecSignals(t *testing.T) {
	t.Parallel()
	for _, s := range passedOn {
		for _, static := range []string{"-static=true", "-static=false"} {
			t.Run(s.String()+static, func(t *testing.T) {
				t.Parallel()
				cmd := commandIn(t, newWorld(t), deployProfile, "exec", static, "-profile", "deploy", "--",
					"sh", "-c", "trap 'exit 3' INT TERM HUP QUIT USR1 USR2; echo ready; while :; do sleep 0.05; done")
				start(t, cmd).ReadString('\n')
				cmd.Process.Signal(s)
				cmd.Wait()
				if code := cmd.ProcessState.ExitCode(); code != 3 {
					t.Errorf("%v", cmd.ProcessState)
				}
			})
		}
	}
}

// A signal that ends the command ends us with what a shell would say.
func TestExecEndedBySignal(t *testing.T) {
	t.Parallel()
	cmd := commandIn(t, newWorld(t), deployProfile, "exec", "-profile", "deploy", "--", "sh", "-c",
		"echo ready; exec sleep 60")
	start(t, cmd).ReadString('\n')
	cmd.Process.Signal(syscall.SIGTERM)
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 143 {
		t.Errorf("%v", cmd.ProcessState)
	}
}

func TestNohupExec(t *testing.T) {
	t.Parallel()
	cmd := commandIn(t, newWorld(t), deployProfile, "exec", "-profile", "deploy", "--",
		"sh", "-c", "echo ready; kill -HUP $$; kill -HUP $PPID; sleep 0.2; exit 4")
	cmd.Path, cmd.Args = "/bin/sh",
		append([]string{"sh", "-c", `trap '' HUP; exec "$@"`, "sh"}, append([]string{cmd.Path}, cmd.Args[1:]...)...)
	if stdout, stderr, exitCode := finish(t, cmd); exitCode != 4 || stdout != "ready\n" {
		t.Errorf("exit %d: %s%s", exitCode, stdout, stderr)
	}
}

// While credentials are fetched a signal ends the command at once.
func TestInterruptedFetching(t *testing.T) {
	t.Parallel()
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGTERM} {
		for _, verb := range []string{"credential-process", "env", "exec", "exec -static"} {
			for _, where := range []string{"token server", "sts"} {
				t.Run(strings.Join([]string{s.String(), verb, where}, ","), func(t *testing.T) {
					t.Parallel()
					world := newWorld(t)
					asked := make(chan struct{}, 1)
					hang := func(_ http.ResponseWriter, r *http.Request) { asked <- struct{}{}; <-r.Context().Done() }
					server := map[string]interface{ Script(...http.HandlerFunc) }{"token server": world.TokenServer,
						"sts": world.STS}[where]
					server.Script(hang)
					args := append(strings.Fields(verb), "-profile", "deploy")
					if strings.HasPrefix(verb, "exec") {
						args = append(args, "--", "echo", "started")
					}
					cmd := commandIn(t, world, deployProfile, args...)
					var out bytes.Buffer
					cmd.Stdout, cmd.Stderr = &out, &out
					if err := cmd.Start(); err != nil {
						t.Fatal(err)
					}
					<-asked
					start := time.Now()
					cmd.Process.Signal(s)
					cmd.Wait()
					text := strings.TrimPrefix(out.String(), "false\n") // of env
					if code := cmd.ProcessState.ExitCode(); code != 1 ||
						text != "aws-web-identity: interrupted while fetching credentials\n" {
						t.Errorf("exit %d: %s", code, &out)
					}
					if took := time.Since(start); took > 30*time.Second {
						t.Errorf("it took %v", took)
					}
				})
			}
		}
	}
}

// An endpoint answers from before expiry on with new credentials, and a signal
// leaves it to a command that has more to do.
func TestExecRenews(t *testing.T) {
	t.Parallel()
	world := newWorld(t)
	world.STS.Lifetime = 20 * time.Second // renewed after two
	cmd := commandIn(t, world, deployProfile, "exec", "-profile", "deploy", "--",
		"sh", "-c", "trap 'echo signal' TERM; env; echo END; read wait || read wait")
	stdin, _ := cmd.StdinPipe()
	_, set := readEnv(start(t, cmd))
	cmd.Process.Signal(syscall.SIGTERM)
	keys := map[string]bool{}
	for end := time.Now().Add(time.Minute); len(keys) < 3; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d credentials in a minute", len(keys))
		}
		request, _ := http.NewRequest("GET", set["AWS_CONTAINER_CREDENTIALS_FULL_URI"], nil)
		request.Header.Set("Authorization", set["AWS_CONTAINER_AUTHORIZATION_TOKEN"])
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		var creds struct {
			AccessKeyId string
			Expiration  time.Time
		}
		err = json.NewDecoder(response.Body).Decode(&creds)
		response.Body.Close()
		if err != nil || time.Until(creds.Expiration) < 5*time.Second {
			t.Fatalf("%v: for another %v", err, time.Until(creds.Expiration))
		}
		keys[creds.AccessKeyId] = true
	}
	io.WriteString(stdin, "\n")
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

const interrupts = 5 // two signals at once may look like one

// countSignals writes each signal that it gets to stdout, until a second after
// all that are due.
func countSignals() {
	got := make(chan os.Signal, 2*interrupts)
	signal.Notify(got, syscall.SIGINT)
	os.Stdout.WriteString("ready\n")
	wait := time.Minute
	for n := 1; ; n++ {
		select {
		case s := <-got:
			os.Stdout.WriteString(s.String() + "\n")
		case <-time.After(wait):
			os.Exit(0)
		}
		if n == interrupts {
			wait = time.Second
		}
	}
}

func init() {
	if os.Getenv("COUNT_SIGNALS") != "" {
		countSignals()
	}
}

// A key that interrupts reaches the command once.
func TestExecInTerminal(t *testing.T) {
	t.Parallel()
	script, err := exec.LookPath("script")
	if err != nil {
		t.Skip("script, which makes a terminal, is not here")
	}
	cmd := commandIn(t, newWorld(t), deployProfile)
	cmd.Path, cmd.Args = script, []string{"script", "-qec",
		os.Args[0] + " exec -profile deploy -- env COUNT_SIGNALS=1 " + os.Args[0], os.DevNull}
	stdin, _ := cmd.StdinPipe()
	stdout, _ := cmd.StdoutPipe()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(stdout)
	until := func(text string) {
		for line := ""; !strings.Contains(line, text); {
			if line, err = lines.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
		}
	}
	until("ready")
	for range interrupts {
		io.WriteString(stdin, "\x03")
		until("interrupt") // a terminal that gets a key drops what nobody has read yet
	}
	rest, _ := io.ReadAll(lines)
	cmd.Wait()
	if strings.Contains(string(rest), "interrupt") {
		t.Errorf("%d keys interrupted the command more often: %q", interrupts, rest)
	}
}
