//go:build linux || darwin

package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/awstokenserver/config/webidentity/webidentitytest"
)

const auditARN, deniedARN = "arn:aws:iam::210987654321:role/audit", "arn:aws:iam::123456789012:role/other"

// severalProfiles rest on token servers in several ways, but for the last.
const severalProfiles = deployProfile + `
[profile audit]
region = eu-central-1
role_arn = ` + auditARN + `
role_session_name = audit
source_profile = deploy
s3 =
  addressing_style = path

[profile denied]
region = eu-west-1
role_arn = ` + deniedARN + `
web_identity_token_server = GitHub

[profile broken]
region = eu-west-1
role_arn = ` + deployARN + `
web_identity_token_server = github

[profile it's "q] x]
region = eu-west-1
role_arn = ` + deployARN + `
role_session_name = odd
web_identity_token_server = GitHub

[profile keys]
aws_access_key_id = AKIAOFAUSER
aws_secret_access_key = x
`

// newWorldOfSeveral returns a world with the roles of severalProfiles.
func newWorldOfSeveral(t *testing.T) *webidentitytest.World {
	world := newWorld(t)
	world.STS.AddRole(webidentitytest.Role{ARN: auditARN, Principals: []string{deployARN}})
	return world
}

// roles counts the exchanges by role and session.
func roles(world *webidentitytest.World) map[string]int {
	n := map[string]int{}
	for _, r := range world.STS.Requests() {
		if arn := r.Form.Get("RoleArn"); arn != "" {
			n[arn[strings.LastIndex(arn, "/")+1:]+"/"+r.Form.Get("RoleSessionName")]++
		}
	}
	return n
}

// self is the command as a shell calls it.
func self() string { return "'" + os.Args[0] + "'" }

// The command finds every profile under its own name, however often and by how many
// processes it asks, and each role costs one exchange.
func TestExecServesProfiles(t *testing.T) {
	t.Parallel()
	world := newWorldOfSeveral(t)
	script := `
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25; do
	` + self() + ` credential-process --profile deploy >deploy.$i &
	` + self() + ` credential-process --profile audit >audit.$i &
done
wait
` + self() + ` credential-process --profile "it's \"q] x" >odd
` + self() + ` credential-process --profile keys >keys
` + self() + ` credential-process --profile denied 2>denied
` + self() + ` credential-process --profile broken 2>broken
` + self() + ` exec audit -- ` + self() + ` credential-process >nested
cat deploy.* | sort -u | wc -l
cat audit.* | sort -u | wc -l
`
	cmd := commandIn(t, world, severalProfiles, "exec", "deploy", "--", "sh", "-c", script)
	cmd.Dir = t.TempDir()
	stdout, stderr, exitCode := finish(t, cmd)
	if exitCode != 0 || strings.Join(strings.Fields(stdout), " ") != "1 1" || stderr != "" {
		t.Errorf("exit %d: %s%s", exitCode, stdout, stderr)
	}
	for name, want := range map[string]string{
		"deploy.1": "123456789012", "audit.1": "210987654321", "odd": "123456789012", "keys": "AKIAOFAUSER",
		"denied": "STS denied role " + deniedARN, "broken": "write GitHub", "nested": "210987654321",
	} {
		if text, err := os.ReadFile(filepath.Join(cmd.Dir, name)); err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s: %v: %s", name, err, text)
		}
	}
	got := roles(world)
	if got["audit/audit"] != 1 || got["deploy/odd"] != 1 || got["deploy/build"] != 1 { // audit's source too
		t.Errorf("exchanges: %v", got)
	}
}

// The files of the command are private, and gone at the end.
func TestExecFolder(t *testing.T) {
	t.Parallel()
	cmd := commandIn(t, newWorldOfSeveral(t), severalProfiles, "exec", "deploy", "--", "sh", "-c",
		`dirname "$AWS_CONFIG_FILE"; cat "$AWS_CONFIG_FILE" >text; ls -lL "$(dirname "$AWS_CONFIG_FILE")" >modes; cat "$(dirname "$AWS_CONFIG_FILE")"/*.json`)
	cmd.Dir = t.TempDir()
	stdout, stderr, exitCode := finish(t, cmd)
	dir, entries, _ := strings.Cut(stdout, "\n")
	if exitCode != 0 || stderr != "" || strings.Contains(entries, "eyJ") {
		t.Fatalf("exit %d: %s%s", exitCode, stdout, stderr)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%s: %v", dir, err)
	}
	modes, _ := os.ReadFile(filepath.Join(cmd.Dir, "modes"))
	if strings.Count(string(modes), "-rw-------") < 7 || strings.Contains(string(modes), "-rw-r") {
		t.Errorf("%s", modes)
	}
	text, _ := os.ReadFile(filepath.Join(cmd.Dir, "text"))
	for i, name := range []string{"deploy", "audit", "denied", "broken", `it's "q] x`} {
		_, section, _ := strings.Cut(string(text), "[profile "+name+"]\n")
		section, _, _ = strings.Cut(section, "\n[")
		line := fmt.Sprintf("\ncredential_process = %s credential-process --from %s %d\n", os.Args[0], dir, i+1)
		if !strings.Contains("\n"+section, line) || strings.Contains("\n"+section, "\nweb_identity_token_server =") ||
			strings.Contains("\n"+section, "\nrole_arn =") {
			t.Errorf("%s: %s", name, section)
		}
	}
	if !strings.Contains(string(text), "s3 =\n  addressing_style = path\n") ||
		!strings.Contains(string(text), "[profile keys]\naws_access_key_id = AKIAOFAUSER\n") {
		t.Errorf("%s", text)
	}
}

// An agent that is killed is an error for who asks it, and no other identity.
func TestExecKilled(t *testing.T) {
	t.Parallel()
	cmd := commandIn(t, newWorldOfSeveral(t), severalProfiles, "exec", "deploy", "--", "sh", "-c",
		"env; echo END; sleep 60")
	_, set := readEnv(start(t, cmd))
	cmd.Process.Kill()
	cmd.Process.Wait()
	later := exec.Command(os.Args[0], "credential-process")
	later.Env = append(cmd.Env, "AWS_CONFIG_FILE="+set["AWS_CONFIG_FILE"], "AWS_PROFILE="+set["AWS_PROFILE"])
	if stdout, stderr, exitCode := finish(t, later); exitCode != 1 || stdout != "" ||
		!strings.Contains(stderr, "cannot ask the exec that serves profile deploy, which may have ended") {
		t.Errorf("exit %d: %s%s", exitCode, stdout, stderr)
	}
}

// What the config file says while the command runs changes nothing for it.
func TestExecConfigFileChanges(t *testing.T) {
	t.Parallel()
	world := newWorldOfSeveral(t)
	var file string
	cmd := commandIn(t, world, severalProfiles)
	for _, v := range cmd.Env {
		if name, ok := strings.CutPrefix(v, "AWS_CONFIG_FILE="); ok {
			file = name
		}
	}
	cmd.Args = append(cmd.Args, "exec", "deploy", "--", "sh", "-c", "rm '"+file+"'; "+self()+" credential-process --profile audit")
	if stdout, stderr, exitCode := finish(t, cmd); exitCode != 0 || !strings.Contains(stdout, "210987654321") {
		t.Errorf("exit %d: %s%s", exitCode, stdout, stderr)
	}
}

// The role of the environment is that of the default profile, whatever that names.
func TestExecRoleOfEnvironment(t *testing.T) {
	t.Parallel()
	for name, profiles := range map[string]string{
		"no file": "", "another role": strings.Replace(deployProfile, "profile deploy", "default", 1) + "role_arn = " + deniedARN + "\n",
		"settings": "[default]\noutput = json\n", "keys": "[default]\naws_access_key_id = AKIA\naws_secret_access_key = x\n",
	} {
		cmd := commandIn(t, newWorld(t), profiles, "exec", "--", "sh", "-c", `echo $AWS_PROFILE; `+self()+" credential-process")
		cmd.Env = append(cmd.Env, "AWS_WEB_IDENTITY_TOKEN_SERVER=GitHub", "AWS_ROLE_ARN="+deployARN, "AWS_REGION=eu-west-1")
		if stdout, stderr, exitCode := finish(t, cmd); exitCode != 0 || !strings.HasPrefix(stdout, "default\n") ||
			!strings.Contains(stdout, "123456789012") {
			t.Errorf("%s: exit %d: %s%s", name, exitCode, stdout, stderr)
		}
	}
}

// Profiles that rest on what the command does not have are served too: they must not take
// what it has in its place.
func TestExecServesSurroundings(t *testing.T) {
	t.Parallel()
	world := newWorldOfSeveral(t)
	world.STS.AddKeys("arn:aws:iam::123456789012:user/me", "AKIAOFUSER", "secret")
	world.STS.AddRole(webidentitytest.Role{ARN: auditARN, Principals: []string{"arn:aws:iam::123456789012:user/me"}})
	cmd := commandIn(t, world, deployProfile+"[profile keys]\nregion = us-east-1\nrole_arn = "+auditARN+"\ncredential_source = Environment\n"+
		"[profile box]\nregion = us-east-1\nrole_arn = "+auditARN+"\ncredential_source = EcsContainer\n",
		"exec", "--set-region", "deploy", "--", "sh", "-c",
		"env; "+self()+" credential-process --profile keys; "+self()+" credential-process --profile box 2>/dev/null || echo no box")
	cmd.Env = append(cmd.Env, "AWS_EC2_METADATA_DISABLED=false", "AWS_ACCESS_KEY_ID=AKIAOFUSER", "AWS_SECRET_ACCESS_KEY=secret")
	stdout, stderr, _ := finish(t, cmd)
	set := awsVariables(stdout)
	if set["AWS_EC2_METADATA_DISABLED"] != "true" || set["AWS_REGION"] != "eu-west-1" || set["AWS_DEFAULT_REGION"] != "eu-west-1" ||
		!strings.Contains(stdout, "210987654321") || !strings.Contains(stdout, "no box") {
		t.Errorf("%s%s", stdout, stderr)
	}
}

func TestExecWithoutTemporaryFolder(t *testing.T) {
	t.Parallel()
	cmd := commandIn(t, newWorld(t), deployProfile, "exec", "deploy", "--", "true")
	cmd.Env = append(cmd.Env, "TMPDIR=/nowhere")
	if _, stderr, exitCode := finish(t, cmd); exitCode != 1 || !strings.Contains(stderr, "set TMPDIR to a folder that can be written to") {
		t.Errorf("exit %d: %s", exitCode, stderr)
	}
}

// A line of credential_process is the same words for a shell as for botocore.
func TestProcessLine(t *testing.T) {
	t.Parallel()
	words := []string{`/a b/c'd"e`, `x #y;z`, `$HOME\`, "`a`&*~", "é"}
	line := processLine(append([]string{}, words...)...)
	want := strings.Join(words, "\n") + "\n"
	if strings.ContainsAny(line[:1], `"'`) || strings.Contains(line, " #") || strings.Contains(line, " ;") {
		t.Errorf("%s", line)
	}
	if out, err := exec.Command("sh", "-c", "printf '%s\\n' "+line).CombinedOutput(); err != nil || string(out) != want {
		t.Errorf("a shell reads %q of %s", out, line)
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not here")
	}
	out, err := exec.Command(python, "-c", "import shlex, sys\nfor w in shlex.split(sys.argv[1]): print(w)", line).CombinedOutput()
	if err != nil || string(out) != want {
		t.Errorf("botocore reads %q of %s", out, line)
	}
}

// The folder of a path with blanks has a name for the command without.
func TestExecutableWithBlanks(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a b'c")
	os.Mkdir(dir, 0o700)
	link := filepath.Join(dir, "aws web identity")
	if err := os.Link(os.Args[0], link); err != nil {
		t.Skip(err)
	}
	cmd := commandIn(t, newWorld(t), deployProfile, "exec", "deploy", "--", "sh", "-c", self()+" credential-process")
	cmd.Path = link
	cmd.Env = append(cmd.Env, "TMPDIR="+dir)
	if stdout, stderr, exitCode := finish(t, cmd); exitCode != 0 || !strings.Contains(stdout, "ASIA") {
		t.Errorf("exit %d: %s%s", exitCode, stdout, stderr)
	}
	left, err := filepath.Glob(filepath.Join(dir, program+"-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("%v: %q", err, left)
	}
}

// Connections that are closed leave their place to others.
func TestEndpointConnections(t *testing.T) {
	t.Parallel()
	e, err := listen(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer e.listener.Close()
	for range mostConnections + 10 { // more than it has at a time
		response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}).Get(e.url("/"))
		if err != nil || response.StatusCode != http.StatusNotFound {
			t.Fatal(err)
		}
		response.Body.Close()
	}
}

// A command's profile that has a source profile shares it too, and --session-name is for
// its role alone.
func TestExecSharesSource(t *testing.T) {
	t.Parallel()
	world := newWorldOfSeveral(t)
	cmd := commandIn(t, world, severalProfiles, "exec", "audit", "--session-name", "mine", "--", "sh", "-c",
		self()+" credential-process; "+self()+" credential-process --profile deploy")
	stdout, stderr, exitCode := finish(t, cmd)
	if got := roles(world); exitCode != 0 || strings.Count(stdout, "ASIA") != 2 || got["audit/mine"] != 1 || got["deploy/build"] != 1 || len(got) != 2 {
		t.Errorf("exit %d, exchanges %v: %s%s", exitCode, got, stdout, stderr)
	}
}

// Credentials that somebody has asked for are renewed while nobody asks.
func TestExecRenewsUnasked(t *testing.T) {
	t.Parallel()
	world := newWorldOfSeveral(t)
	world.STS.Lifetime = 20 * time.Second // renewed after two
	cmd := commandIn(t, world, severalProfiles, "exec", "deploy", "--", "sh", "-c", self()+" credential-process >first; echo asked; read wait")
	cmd.Dir = t.TempDir()
	stdin, _ := cmd.StdinPipe()
	start(t, cmd).ReadString('\n')
	for end := time.Now().Add(time.Minute); roles(world)["deploy/build"] < 2; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not renewed in a minute")
		}
	}
	stdin.Close()
	cmd.Wait()
	if got := roles(world); got["audit/audit"] != 0 {
		t.Errorf("exchanges: %v", got)
	}
}

// A config file that is a pipe can be read once.
func TestPipedConfigFile(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not here")
	}
	cmd := commandIn(t, newWorldOfSeveral(t), severalProfiles)
	cmd.Path, cmd.Args = bash, []string{"bash", "-c", `file=$AWS_CONFIG_FILE
AWS_CONFIG_FILE=<(cat "$file") ` + self() + ` exec deploy -- ` + self() + ` credential-process --profile audit
AWS_CONFIG_FILE=<(cat "$file") ` + self() + ` check --profile deploy
AWS_CONFIG_FILE=<(cat "$file") ` + self() + ` setup
ls $TMPDIR | wc -l`}
	stdout, stderr, _ := finish(t, cmd)
	if !strings.Contains(stdout, "210987654321") || !strings.Contains(stdout, "deploy   123456789012") || !strings.HasSuffix(stdout, "false\n0\n") ||
		!strings.Contains(stderr, "is a pipe, and later steps need a file") {
		t.Errorf("%s%s", stdout, stderr)
	}
}

// A connection on which no request comes is closed.
func TestEndpointSilence(t *testing.T) {
	t.Parallel()
	e, err := listen(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer e.listener.Close()
	c, err := net.Dial("tcp", e.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetReadDeadline(time.Now().Add(9 * time.Second)) // ReadTimeout alone would be later
	if n, err := c.Read(make([]byte, 1)); n > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%d bytes, %v", n, err)
	}
}
