// Package clients has AWS's clients get a role through the command's two
// bridges, credential_process and exec, and make a signed call with it.
//
// Clients that are not installed are skipped; with CLIENTS, the folder that
// .ci/clients fills, they are taken from there, and none may be missing.
package clients

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	upstream "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/awstokenserver/config/internal/longtest"
	"github.com/awstokenserver/config/webidentity/webidentitytest"
)

const roleARN = "arn:aws:iam::123456789012:role/deploy"

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

// goClient is a program on upstream's SDK.
func goClient() {
	cfg, err := upstream.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(context.Background(), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(*who.Arn)
}

// client is a program that prints who it is. Those that do not read
// AWS_ENDPOINT_URL_STS, as the AWS CLI of Debian 12, get it as an argument.
type client struct {
	name    string
	version []string // what prints its version, and fails where it is not installed
	who     []string
	env     []string
}

func clients(world *webidentitytest.World) []client {
	dir := os.Getenv("CLIENTS")
	aws, python, modules := "aws", "python3", ""
	if dir != "" {
		aws, python, modules = filepath.Join(dir, "aws"), filepath.Join(dir, "venv", "bin", "python"),
			filepath.Join(dir, "node_modules")
	}
	node := []string{"NODE_PATH=" + modules}
	return []client{
		{"AWS CLI", []string{aws, "--version"},
			[]string{aws, "sts", "get-caller-identity", "--query", "Arn", "--output", "text", "--endpoint-url",
				world.STS.URL}, nil},
		{"boto3", []string{python, "-c", "import boto3; print(boto3.__version__)"},
			[]string{python, "-c", "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"}, nil},
		{"SDK for JavaScript", []string{"node", "-p", "require('@aws-sdk/client-sts/package.json').version"},
			[]string{"node", "-e", `
const {STSClient, GetCallerIdentityCommand} = require('@aws-sdk/client-sts')
new STSClient({}).send(new GetCallerIdentityCommand({})).then(who => console.log(who.Arn))`}, node},
		{"SDK for Go", []string{"go", "list", "-m", "github.com/aws/aws-sdk-go-v2/config"}, []string{os.Args[0]},
			[]string{"GO_CLIENT=1"}},
	}
}

// installed skips the test where c is not installed, or fails it if it must be.
func installed(t *testing.T, c client) {
	t.Helper()
	cmd := exec.Command(c.version[0], c.version[1:]...)
	cmd.Env = append(os.Environ(), c.env...)
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Logf("%s %s", c.name, bytes.TrimSpace(out))
		return
	}
	if os.Getenv("CLIENTS") != "" {
		t.Fatalf("%s is not installed: %v: %s", c.name, err, out)
	}
	t.Skipf("%s is not installed (%v); .ci/clients installs all", c.name, err)
}

func newWorld(t *testing.T) *webidentitytest.World {
	world := webidentitytest.New()
	t.Cleanup(world.Close)
	world.STS.AddRole(webidentitytest.Role{ARN: roleARN, Subject: "repo:octo-org/octo-repo:*"})
	return world
}

// inWorld returns a command in a world, where the default profile is of no use
// to any client. The profile bridge is for credential_process.
func inWorld(t *testing.T, world *webidentitytest.World, c client, args ...string) *exec.Cmd {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config")
	role := "role_arn = " + roleARN +
		"\nrole_session_name = build\nweb_identity_token_server = GitHub\nregion = us-east-1\n"
	text := "[default]\n" + role + "[profile deploy]\n" + role + fmt.Sprintf(
		"[profile bridge]\nregion = us-east-1\ncredential_process = \"%s\" credential-process --profile deploy\n",
		command)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "AWS_") })
	cmd.Env = append(cmd.Env, c.env...)
	cmd.Env = append(cmd.Env, "AWS_CONFIG_FILE="+file, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull,
		"AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=")
	for name, value := range world.Env() {
		if name != "AWS_REGION" {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	return cmd
}

func TestBridges(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the profile bridge quotes a path for a Unix shell")
	}
	for i, c := range clients(newWorld(t)) {
		for bridge, wrap := range map[string][]string{
			"credential_process": nil,
			"exec":               {command, "exec", "--profile", "deploy", "--"},
			"exec -static":       {command, "exec", "--static", "--profile", "deploy", "--"},
		} {
			t.Run(c.name+"/"+bridge, func(t *testing.T) {
				t.Parallel()
				installed(t, c)
				world := newWorld(t)
				cmd := inWorld(t, world, c, append(wrap, clients(world)[i].who...)...)
				if bridge == "credential_process" {
					cmd.Env = append(cmd.Env, "AWS_PROFILE=bridge")
				} else { // another identity, which must not win
					cmd.Env = append(cmd.Env, "AWS_PROFILE=nobody", "AWS_DEFAULT_PROFILE=nobody",
						"AWS_ACCESS_KEY_ID=AKIASTRAY",
						"AWS_SECRET_ACCESS_KEY=stray", "AWS_ROLE_ARN="+roleARN+"2",
						"AWS_WEB_IDENTITY_TOKEN_FILE=/nowhere",
						"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/stray",
						"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=/nowhere")
				}
				var stderr bytes.Buffer
				cmd.Stderr = &stderr
				out, err := cmd.Output()
				const who = "arn:aws:sts::123456789012:assumed-role/deploy/build"
				if err != nil || strings.TrimSpace(string(out)) != who {
					t.Errorf("%v: %s%s", err, out, &stderr)
				}
				var calls []string
				for _, r := range world.STS.Requests() {
					calls = append(calls, r.Form.Get("Action"))
				}
				if want := []string{"AssumeRoleWithWebIdentity", "GetCallerIdentity"}; !slices.Equal(calls, want) {
					t.Errorf("STS was asked for %q", calls)
				}
			})
		}
	}
}

// A job of several lives of its credentials has no failed call.
func TestRenewal(t *testing.T) {
	t.Parallel()
	longtest.Skip(t, "it waits for several lives of credentials")
	world := newWorld(t)
	world.STS.Lifetime = 10 * time.Second // renewed after one
	boto3 := clients(world)[1]
	installed(t, boto3)
	cmd := inWorld(t, world, boto3, command, "exec", "-profile", "deploy", "--", boto3.who[0], "-c", `
import boto3, time
sts, end, calls = boto3.client('sts'), time.time() + 32, 0
while time.time() < end:
    sts.get_caller_identity()
    calls += 1
    time.sleep(0.02)
print(calls)`)
	out, err := cmd.CombinedOutput()
	calls, _ := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil || calls < 20 {
		t.Fatalf("%v: %s", err, out)
	}
	var assumed, called int
	keys := map[string]bool{}
	for _, r := range world.STS.Requests() {
		switch r.Form.Get("Action") {
		case "AssumeRoleWithWebIdentity":
			assumed++
		case "GetCallerIdentity":
			called++
			key, _, _ := strings.Cut(r.Header.Get("Authorization"), "/")
			keys[key] = true
		}
	}
	if len(keys) < 5 || called != calls { // a failed call would have been made again
		t.Errorf("%d calls, %d answered, with %d credentials of %d", called, calls, len(keys), assumed)
	}
	t.Logf("%d calls without a failure, with %d credentials", calls, len(keys))
}
