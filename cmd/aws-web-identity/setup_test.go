//go:build linux || darwin

package main

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/awstokenserver/config/webidentity/webidentitytest"
)

// setUp runs setup, and returns a later step: a shell with the variables of setup.
func setUp(t *testing.T, world *webidentitytest.World, profiles string, args ...string) (later func(script string) *exec.Cmd, dir string) {
	t.Helper()
	cmd := commandIn(t, world, profiles, append([]string{"setup"}, args...)...)
	environ := slices.Clone(cmd.Env)
	stdout, stderr, exitCode := finish(t, cmd)
	if exitCode != 0 || stderr != "" {
		t.Fatalf("exit %d: %s%s", exitCode, stdout, stderr)
	}
	_, after, _ := strings.Cut(stdout, "AWS_CONFIG_FILE='")
	file, _, _ := strings.Cut(after, "'")
	work := t.TempDir()
	return func(script string) *exec.Cmd {
		cmd := exec.Command("sh", "-c", stdout+script)
		cmd.Env, cmd.Dir = environ, work
		return cmd
	}, filepath.Dir(file)
}

// Every later step has every profile.
func TestSetup(t *testing.T) {
	t.Parallel()
	world := newWorldOfSeveral(t)
	later, dir := setUp(t, world, severalProfiles, "--profile", "deploy", "--session-name", "mine", "--duration", "20m")
	cmd := later("echo $AWS_PROFILE; " + self() + " credential-process; " + self() + " credential-process --profile audit; " +
		self() + ` credential-process --profile "it's \"q] x"; ` + self() + " credential-process --profile denied")
	stdout, stderr, _ := finish(t, cmd)
	if !strings.HasPrefix(stdout, "deploy\n") || strings.Count(stdout, "ASIA") != 3 || !strings.Contains(stdout, "210987654321") ||
		!strings.Contains(stderr, "STS denied role "+deniedARN) {
		t.Errorf("%s%s", stdout, stderr)
	}
	if got := roles(world); got["deploy/mine"] != 1 || got["audit/audit"] != 1 || got["deploy/odd"] != 1 {
		t.Errorf("exchanges: %v", got)
	}
	for _, r := range world.STS.Requests() {
		if r.Form.Get("RoleSessionName") == "mine" && r.Form.Get("DurationSeconds") != "1200" {
			t.Errorf("duration %s", r.Form.Get("DurationSeconds"))
		}
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v: %v", err, info.Mode())
	}
	for name, text := range readFolder(t, dir) {
		if strings.Contains(text, "eyJ") || strings.Contains(text, "ASIA") || strings.Contains(text, world.TokenServer.RequestToken) {
			t.Errorf("a secret is in %s", name)
		}
	}
}

// Later steps have the role of the machine and of a container where a profile asks for that,
// and not otherwise.
func TestSetupSurroundings(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"Ec2InstanceMetadata": "\nhttp://127.0.0.1:1/\n",
		"EcsContainer":        "true\nhttp://own\n",
		"Environment":         "true\nhttp://127.0.0.1:1/\n",
	} {
		t.Run(source, func(t *testing.T) {
			t.Parallel()
			profile := "[profile box]\nregion = us-east-1\nrole_arn = " + auditARN + "\ncredential_source = " + source + "\n"
			later, _ := setUp(t, newWorld(t), deployProfile+profile, "--profile", "deploy")
			cmd := later("echo $AWS_EC2_METADATA_DISABLED; echo $AWS_CONTAINER_CREDENTIALS_FULL_URI")
			cmd.Env = append(cmd.Env, "AWS_EC2_METADATA_DISABLED=", "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://own")
			if stdout, stderr, _ := finish(t, cmd); stdout != want {
				t.Errorf("%q, want %q: %s", stdout, want, stderr)
			}
		})
	}
}

func readFolder(t *testing.T, dir string) map[string]string {
	t.Helper()
	texts := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || info.Mode().IsRegular() && info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", e.Name(), err, info.Mode())
		}
		if text, err := os.ReadFile(filepath.Join(dir, e.Name())); err == nil && info.Mode().IsRegular() {
			texts[e.Name()] = string(text)
		}
	}
	return texts
}

// With a cache, processes share one exchange for as long as it is of use.
func TestSetupCache(t *testing.T) {
	t.Parallel()
	world := newWorldOfSeveral(t)
	later, dir := setUp(t, world, severalProfiles, "--cache", "--dir", filepath.Join(t.TempDir(), "private"))
	fifty := `for i in $(seq 50); do ` + self() + ` credential-process --profile deploy >$i & done; wait; cat $(seq 50) | sort -u | wc -l`
	if stdout, stderr, _ := finish(t, later(fifty)); strings.TrimSpace(stdout) != "1" || stderr != "" {
		t.Errorf("%s%s", stdout, stderr)
	}
	if got := roles(world)["deploy/build"]; got != 1 {
		t.Errorf("%d exchanges", got)
	}
	readFolder(t, dir)
	cached := filepath.Join(dir, "1.cache.json")
	change := func(change func(*kept)) {
		text, err := os.ReadFile(cached)
		var k kept
		if err != nil || json.Unmarshal(text, &k) != nil {
			t.Fatal(err)
		}
		change(&k)
		text, _ = json.Marshal(k)
		os.WriteFile(cached, text, 0o600)
	}
	ask := self() + " credential-process --profile deploy"
	want := 1
	expect := func(name string, more int, env ...string) {
		t.Helper()
		cmd := later(ask)
		cmd.Env = append(cmd.Env, env...)
		stdout, stderr, exitCode := finish(t, cmd)
		want += more
		if got := roles(world)["deploy/build"]; exitCode != 0 || !strings.Contains(stdout, "ASIA") || got != want {
			t.Errorf("%s: %d exchanges, want %d: exit %d: %s", name, got, want, exitCode, stderr)
		}
	}
	expect("kept", 0)
	change(func(k *kept) { k.Credentials.Expires = time.Now().Add(-time.Second) })
	expect("expired", 1)
	change(func(k *kept) {
		k.Since = time.Now().Add(-50 * time.Minute)
		k.Credentials.Expires = time.Now().Add(time.Minute)
	})
	fail := func(status int) {
		world.TokenServer.Script(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
	}
	fail(http.StatusServiceUnavailable)
	expect("an outage while it is due", 0, "AWS_MAX_ATTEMPTS=1")
	fail(http.StatusForbidden)
	if stdout, _, exitCode := finish(t, later(ask)); exitCode == 0 || stdout != "" {
		t.Errorf("a refusal while it is due: exit %d: %s", exitCode, stdout)
	}
	expect("due", 1)
	os.WriteFile(cached, []byte("{"), 0o600)
	expect("broken", 1)
	change(func(k *kept) { k.Configuration = "another" })
	expect("of another configuration", 1)
	expect("with another request URL", 1, "ACTIONS_ID_TOKEN_REQUEST_URL="+world.TokenServer.URL+"&x=y")
}

func TestKept(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, c := range map[string]struct {
		life, left time.Duration
		due        bool
	}{
		"an hour, new": {time.Hour, time.Hour, false}, "an hour, at its end": {time.Hour, 14 * time.Minute, true},
		"15 minutes": {15 * time.Minute, 6 * time.Minute, false}, "15 minutes, at its end": {15 * time.Minute, 4 * time.Minute, true},
		"a minute, new": {time.Minute, time.Minute, false}, "a minute": {time.Minute, 50 * time.Second, true},
	} {
		expires := now.Add(c.left)
		k := kept{Credentials: aws.Credentials{CanExpire: true, Expires: expires}, Since: expires.Add(-c.life)}
		if k.due() != c.due {
			t.Errorf("%s: due %v", name, !c.due)
		}
	}
}

func TestSetupGitHub(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "env")
	os.WriteFile(file, nil, 0o600)
	cmd := commandIn(t, newWorld(t), deployProfile, "setup", "--format", "github", "--profile", "deploy")
	temp := t.TempDir()
	cmd.Env = append(cmd.Env, "GITHUB_ENV="+file, "RUNNER_TEMP="+temp, "AWS_WEB_IDENTITY_TOKEN_FILE=/irsa", "AWS_PROFILE=deploy")
	stdout, stderr, exitCode := finish(t, cmd)
	text, _ := os.ReadFile(file)
	set := readGitHubEnv(t, string(text))
	token, unset := set["AWS_WEB_IDENTITY_TOKEN_FILE"]
	if exitCode != 0 || stdout != "" || stderr != "" || set["AWS_PROFILE"] != "deploy" || token != "" || !unset ||
		!strings.HasPrefix(set["AWS_CONFIG_FILE"], temp) || set["AWS_EC2_METADATA_DISABLED"] != "true" {
		t.Errorf("exit %d: %s%s%q", exitCode, stdout, stderr, set)
	}
}

// The role of the environment is the default profile of later steps.
func TestSetupRoleOfEnvironment(t *testing.T) {
	t.Parallel()
	cmd := commandIn(t, newWorld(t), "", "setup")
	cmd.Env = append(cmd.Env, "AWS_WEB_IDENTITY_TOKEN_SERVER=GitHub", "AWS_ROLE_ARN="+deployARN, "AWS_REGION=eu-west-1")
	environ := slices.Clone(cmd.Env)
	stdout, stderr, exitCode := finish(t, cmd)
	if exitCode != 0 {
		t.Fatal(stderr)
	}
	later := exec.Command("sh", "-c", stdout+"echo $AWS_PROFILE; "+self()+" credential-process --profile default")
	later.Env = environ
	if stdout, stderr, _ := finish(t, later); !strings.HasPrefix(stdout, "default\n") || !strings.Contains(stdout, "ASIA") {
		t.Errorf("%s%s", stdout, stderr)
	}
}

func TestSetupRefuses(t *testing.T) {
	t.Parallel()
	open := t.TempDir()
	os.Chmod(open, 0o755)
	for want, c := range map[string]struct {
		profiles string
		args     []string
	}{
		"rests on a token server":                      {"[profile a]\nregion = x\n", nil},
		"there is no profile nope":                     {deployProfile, []string{"--profile", "nope"}},
		"is open to other users":                       {deployProfile, []string{"--dir", open}},
		"--duration and --session-name need --profile": {deployProfile, []string{"--duration", "1h"}},
		"--duration must be from 15m to 12h":           {deployProfile, []string{"--duration", "1m", "--profile", "deploy"}},
	} {
		cmd := commandIn(t, newWorld(t), c.profiles, append([]string{"setup"}, c.args...)...)
		if stdout, stderr, exitCode := finish(t, cmd); exitCode == 0 || stdout != "false\n" || !strings.Contains(stderr, want) {
			t.Errorf("exit %d: %swant %s in: %s", exitCode, stdout, want, stderr)
		}
	}
}

// A folder that is gone is named as what it is.
func TestSetupGone(t *testing.T) {
	t.Parallel()
	_, stderr, exitCode := run(t, "", "credential-process", "--from", "/nowhere", "1")
	if exitCode != 1 || !strings.Contains(stderr, "is of an exec or a setup that is gone") {
		t.Errorf("exit %d: %s", exitCode, stderr)
	}
}
