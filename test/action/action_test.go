//go:build linux || darwin

// Package action runs action.yml as a runner would, against a release on loopback, and has later steps use the roles.
package action

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/awstokenserver/config/internal/longtest"
	"github.com/awstokenserver/config/internal/testenv"
	"github.com/awstokenserver/config/webidentity/webidentitytest"
)

const (
	deployARN  = "arn:aws:iam::123456789012:role/deploy"
	auditARN   = "arn:aws:iam::210987654321:role/audit"
	chainedARN = "arn:aws:iam::333333333333:role/chained"
	root       = "../.."
)

var archive []byte // as goreleaser packs it, with nothing but the command

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "action-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	command := filepath.Join(dir, "aws-web-identity")
	if out, err := exec.Command("go", "build", "-o", command, root+"/cmd/aws-web-identity").CombinedOutput(); err != nil {
		log.Fatalf("%v: %s", err, out)
	}
	binary, err := os.ReadFile(command)
	if err != nil {
		log.Fatal(err)
	}
	var packed bytes.Buffer
	compressed := gzip.NewWriter(&packed)
	files := tar.NewWriter(compressed)
	files.WriteHeader(&tar.Header{Name: "aws-web-identity", Mode: 0o755, Size: int64(len(binary))})
	files.Write(binary)
	files.Close()
	compressed.Close()
	archive = packed.Bytes()
	m.Run()
}

// composite is what action.yml says.
type composite struct {
	Inputs  map[string]struct{ Default string }
	Outputs map[string]struct{ Value string }
	Runs    struct {
		Using string
		Steps []struct {
			ID, Shell, Run string
			Env            map[string]string
		}
	}
}

func readAction(t *testing.T) composite {
	t.Helper()
	text, err := os.ReadFile(root + "/action.yml")
	if err != nil {
		t.Fatal(err)
	}
	var c composite
	if err := yaml.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// job is a job of a workflow, on a runner.
type job struct {
	dir      string
	releases string
	env      map[string]string
	path     string
}

// newJob returns a job in a world, and a release whose checksums are those of the archive, or sum.
func newJob(t *testing.T, sum string) (*job, *webidentitytest.World) {
	t.Helper()
	world := webidentitytest.New()
	t.Cleanup(world.Close)
	for _, arn := range []string{deployARN, auditARN} {
		world.STS.AddRole(webidentitytest.Role{ARN: arn, Subject: "repo:octo-org/octo-repo:*"})
	}
	world.STS.AddRole(webidentitytest.Role{ARN: chainedARN, Principals: []string{deployARN}, ExternalID: "outside"})
	name := fmt.Sprintf("aws-web-identity_0.1.0_%s_%s.tar.gz", runtime.GOOS, runtime.GOARCH)
	sum = cmp.Or(sum, fmt.Sprintf("%x", sha256.Sum256(archive)))
	releases := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v0.1.0/" + name:
			w.Write(archive)
		case "/v0.1.0/checksums.txt":
			fmt.Fprintf(w, "%s  %s\n", sum, name)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(releases.Close)
	j := &job{dir: t.TempDir(), releases: releases.URL, path: os.Getenv("PATH")}
	j.env = map[string]string{"HOME": t.TempDir(), "RUNNER_TEMP": t.TempDir(),
		"AWS_ENDPOINT_URL_STS": world.STS.URL, "AWS_PAGER": "",
		"ACTIONS_ID_TOKEN_REQUEST_URL":   world.TokenServer.URL,
		"ACTIONS_ID_TOKEN_REQUEST_TOKEN": world.TokenServer.RequestToken}
	return j, world
}

// run runs a step, and keeps what it sets for later ones. It returns what is printed, and the outputs.
func (j *job) run(t *testing.T, script string, env ...string) (string, map[string]string, error) {
	t.Helper()
	environ := slices.DeleteFunc(testenv.Environ(), func(v string) bool { return strings.HasPrefix(v, "RUNNER_") })
	for name, value := range j.env {
		environ = append(environ, name+"="+value)
	}
	files := t.TempDir()
	for _, name := range []string{"GITHUB_ENV", "GITHUB_PATH", "GITHUB_OUTPUT"} {
		file := filepath.Join(files, name)
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		environ = append(environ, name+"="+file)
	}
	cmd := exec.Command("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script)
	cmd.Dir, cmd.Env = j.dir, append(append(environ, "PATH="+j.path), env...)
	out, err := cmd.CombinedOutput()
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(files, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for name, value := range assignments(t, read("GITHUB_ENV")) {
		j.env[name] = value
	}
	for _, dir := range strings.Fields(read("GITHUB_PATH")) {
		j.path = dir + ":" + j.path
	}
	return string(out), assignments(t, read("GITHUB_OUTPUT")), err
}

// assignments are the lines NAME=VALUE and NAME<<END of a file of a step.
func assignments(t *testing.T, text string) map[string]string {
	t.Helper()
	set := map[string]string{}
	for lines := strings.Split(text, "\n"); len(lines) > 1; {
		line := lines[0]
		lines = lines[1:]
		if name, end, ok := strings.Cut(line, "<<"); ok {
			n := slices.Index(lines, end)
			if n < 0 {
				t.Fatalf("%s has no end", name)
			}
			set[name] = strings.Join(lines[:n], "\n")
			lines = lines[n+1:]
		} else if name, value, ok := strings.Cut(line, "="); ok {
			set[name] = value
		} else {
			t.Fatalf("%q is no assignment", line)
		}
	}
	return set
}

var expression = regexp.MustCompile(`\$\{\{ *([a-z_.-]+) *\}\}`)

// use runs the steps of the action with inputs. It returns what is printed, and the outputs.
func (j *job) use(t *testing.T, inputs map[string]string) (string, map[string]string, error) {
	t.Helper()
	c := readAction(t)
	path, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{"github.action_path": path, "github.token": ""}
	for name, input := range c.Inputs {
		values["inputs."+name] = input.Default
	}
	values["inputs.releases"] = j.releases
	for name, value := range inputs {
		if _, ok := c.Inputs[name]; !ok {
			t.Fatalf("there is no input %s", name)
		}
		values["inputs."+name] = value
	}
	replace := func(text string) string {
		return expression.ReplaceAllStringFunc(text, func(e string) string {
			name := expression.FindStringSubmatch(e)[1]
			value, ok := values[name]
			if !ok && !strings.HasPrefix(name, "steps.") {
				t.Errorf("%s is nothing", name)
			}
			return value
		})
	}
	var printed string
	for _, step := range c.Runs.Steps {
		if step.Shell != "bash" {
			t.Errorf("shell %s", step.Shell)
		}
		var env []string
		for name, value := range step.Env {
			env = append(env, name+"="+replace(value))
		}
		out, outputs, err := j.run(t, replace(step.Run), env...)
		printed += out
		for name, value := range outputs {
			values["steps."+step.ID+".outputs."+name] = value
		}
		if err != nil {
			return printed, nil, err
		}
	}
	outputs := map[string]string{}
	for name, output := range c.Outputs {
		outputs[name] = replace(output.Value)
	}
	return printed, outputs, nil
}

const profiles = "[profile staging]\nregion = eu-west-1\nrole_arn = " + deployARN +
	"\nweb_identity_token_server = GitHub\n" +
	"[profile production]\nregion = us-west-2\nrole_arn = " + auditARN + "\nweb_identity_token_server = GitHub\n"

func (j *job) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(j.dir, name), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

// client is a program that .ci/clients installs, or that the machine has.
func client(t *testing.T, installed, known string) string {
	t.Helper()
	if dir := os.Getenv("CLIENTS"); dir != "" {
		return filepath.Join(dir, installed)
	}
	path, err := exec.LookPath(known)
	if err != nil {
		t.Skipf("%s is not installed; set CLIENTS", known)
	}
	return path
}

// Later steps have every profile of the file, and no secret is in their environment.
func TestConfigFile(t *testing.T) {
	t.Parallel()
	cli, python := client(t, "aws", "aws"), client(t, "venv/bin/python", "python3")
	j, _ := newJob(t, "")
	j.write(t, "aws.ini", profiles)
	out, _, err := j.use(t, map[string]string{"config-file": "aws.ini"})
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if os.Getenv("CLIENTS") == "" && exec.Command(python, "-c", "import boto3").Run() != nil {
		t.Skip("boto3 is not installed; set CLIENTS")
	}
	out, _, err = j.run(t, `"$CLI" --endpoint-url "$AWS_ENDPOINT_URL_STS" --profile staging sts get-caller-identity --query Arn --output text
"$CLI" --endpoint-url "$AWS_ENDPOINT_URL_STS" --profile production sts get-caller-identity --query Arn --output text
"$PYTHON" -c '
import boto3
for name in ("staging", "production"):
    print(boto3.Session(profile_name=name).client("sts").get_caller_identity()["Arn"])
'`, "CLI="+cli, "PYTHON="+python)
	if err != nil || strings.Count(out, ":assumed-role/deploy/") != 2 || strings.Count(out, ":assumed-role/audit/") != 2 {
		t.Errorf("%v: %s", err, out)
	}
	for name, value := range j.env {
		if strings.HasPrefix(value, "ASIA") || strings.HasPrefix(name, "AWS_SECRET") ||
			strings.HasPrefix(name, "AWS_SESSION") {
			t.Errorf("%s is in the environment", name)
		}
	}
}

const whoami = `aws-web-identity check --profile "$AWS_PROFILE" --format json`

// A workflow that used configure-aws-credentials goes on with other words after uses.
func TestRole(t *testing.T) {
	t.Parallel()
	j, world := newJob(t, "")
	inputs := map[string]string{"role-to-assume": deployARN, "aws-region": "eu-west-1", "role-duration-seconds": "1800",
		"role-session-name": "mine", "audience": "sts.amazonaws.com", "allowed-account-ids": "1, 123456789012",
		"mask-aws-account-id": "true", "custom-tags": "{}"}
	out, outputs, err := j.use(t, inputs)
	if err != nil || outputs["aws-account-id"] != "123456789012" || outputs["aws-secret-access-key"] != "" ||
		!strings.Contains(out, "::add-mask::123456789012") || j.env["AWS_REGION"] != "eu-west-1" {
		t.Fatalf("%v: %s%q", err, out, outputs)
	}
	for _, r := range world.STS.Requests() {
		if r.Form.Get("DurationSeconds") != "1800" || r.Form.Get("RoleSessionName") != "mine" {
			t.Errorf("%s for %s", r.Form.Get("RoleSessionName"), r.Form.Get("DurationSeconds"))
		}
	}
	if out, _, err := j.run(t, whoami); err != nil || !strings.Contains(out, `"deploy"`) {
		t.Errorf("%v: %s", err, out)
	}
	// The second use has a name, and that of the first stays.
	inputs = map[string]string{"role-to-assume": auditARN, "aws-region": "us-west-2", "aws-profile": "audit",
		"sts-endpoint": world.STS.URL}
	if out, _, err := j.use(t, inputs); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	out, _, err = j.run(t, whoami+"; AWS_PROFILE=role-1; "+whoami)
	if err != nil || !strings.Contains(out, `"audit"`) || !strings.Contains(out, `"deploy"`) {
		t.Errorf("%v: %s", err, out)
	}
	if out, _, err := j.use(t, inputs); err == nil || !strings.Contains(out, "there is a profile audit already") {
		t.Errorf("%v: %s", err, out)
	}
	inputs["overwrite-aws-profile"] = "true"
	inputs["sts-endpoint"] = ""
	if out, _, err := j.use(t, inputs); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

func TestChain(t *testing.T) {
	t.Parallel()
	j, _ := newJob(t, "")
	inputs := map[string]string{"role-to-assume": deployARN, "aws-region": "eu-west-1"}
	if out, _, err := j.use(t, inputs); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	inputs["role-to-assume"], inputs["role-chaining"], inputs["role-external-id"] = chainedARN, "true", "outside"
	if out, outputs, err := j.use(t, inputs); err != nil || outputs["aws-account-id"] != "333333333333" {
		t.Fatalf("%v: %s", err, out)
	}
	if out, _, err := j.run(t, whoami); err != nil || !strings.Contains(out, `"chained"`) {
		t.Errorf("%v: %s", err, out)
	}
}

// Credentials are outputs, or variables, where that is asked for, and hidden in the log.
func TestSecrets(t *testing.T) {
	t.Parallel()
	j, _ := newJob(t, "")
	out, outputs, err := j.use(t, map[string]string{"role-to-assume": deployARN, "aws-region": "eu-west-1",
		"output-credentials": "true", "output-env-credentials": "true"})
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, name := range []string{"aws-access-key-id", "aws-secret-access-key", "aws-session-token"} {
		if secret := outputs[name]; secret == "" || strings.Count(out, secret) != strings.Count(out, "::add-mask::"+secret) ||
			!strings.Contains(out, "::add-mask::"+secret) {
			t.Errorf("%s is not hidden", name)
		}
	}
	if outputs["aws-expiration"] == "" || j.env["AWS_SECRET_ACCESS_KEY"] == "" || j.env["AWS_PROFILE"] != "" {
		t.Errorf("%q", outputs["aws-expiration"])
	}
}

func TestTokenFile(t *testing.T) {
	t.Parallel()
	j, _ := newJob(t, "")
	if out, _, err := j.run(t, `curl -sSf -H "Authorization: Bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" \
"$ACTIONS_ID_TOKEN_REQUEST_URL&audience=sts.amazonaws.com" | sed 's/.*"value": *"\([^"]*\)".*/\1/' >token`); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	delete(j.env, "ACTIONS_ID_TOKEN_REQUEST_URL")
	out, outputs, err := j.use(t, map[string]string{"role-to-assume": deployARN, "aws-region": "eu-west-1",
		"web-identity-token-file": "token", "force-skip-oidc": "true"})
	if err != nil || outputs["aws-account-id"] != "123456789012" {
		t.Errorf("%v: %s", err, out)
	}
}

// What the page says is refused.
func TestRefuses(t *testing.T) {
	t.Parallel()
	j, _ := newJob(t, "")
	role := map[string]string{"role-to-assume": deployARN, "aws-region": "eu-west-1"}
	page, err := os.ReadFile(root + "/docs/action.md")
	if err != nil {
		t.Fatal(err)
	}
	refused := regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| refused").FindAllStringSubmatch(string(page), -1)
	if len(refused) == 0 {
		t.Error("the page has nothing that is refused")
	}
	cases := map[string]map[string]string{
		"set config-file, or role-to-assume": {},
		"aws-region must be":                 {"aws-region": "eu west"},
		"role_session_name has a line break": {"role-session-name": "a\ncredential_process = b"},
		"which allowed-account-ids":          {"allowed-account-ids": "12"},
		"force-skip-oidc needs":              {"force-skip-oidc": "true"},
		"role-chaining needs":                {"role-chaining": "true"},
		"must be true or false":              {"role-chaining": "maybe"},
		"config-file says that":              {"config-file": "aws.ini"},
		"leave one of them out":              {"output-env-credentials": "true", "aws-profile": "a"},
	}
	for _, m := range refused {
		cases[m[1]+": "] = map[string]string{m[1]: "x"}
	}
	for want, inputs := range cases {
		all := map[string]string{}
		if len(inputs) > 0 {
			for name, value := range role {
				all[name] = value
			}
		}
		for name, value := range inputs {
			all[name] = value
		}
		out, _, err := j.use(t, all)
		if err == nil || !strings.Contains(out, "::error::") || !strings.Contains(out, want) {
			t.Errorf("%q: %v: %s", want, err, out)
		}
	}
	if j.env["AWS_PROFILE"] != "" || j.env["AWS_CONFIG_FILE"] != "" {
		t.Error("later steps have something")
	}
}

// A wrong archive fails, and is not replaced by a build.
func TestRelease(t *testing.T) {
	t.Parallel()
	inputs := map[string]string{"role-to-assume": deployARN, "aws-region": "eu-west-1"}
	j, _ := newJob(t, strings.Repeat("0", 64))
	if out, _, err := j.use(t, inputs); err == nil || !strings.Contains(out, "does not have the checksum") {
		t.Errorf("%v: %s", err, out)
	}
	// gh says no, or yes.
	j, _ = newJob(t, "")
	j.env["GITHUB_SERVER_URL"] = "https://github.com"
	j.write(t, "gh", "#!/bin/sh\necho \"gh $*\"\ntest -e yes\n")
	j.path = j.dir + ":" + j.path
	if out, _, err := j.use(t, inputs); err == nil || !strings.Contains(out, "has no provenance") ||
		!strings.Contains(out, "gh attestation verify aws-web-identity_0.1.0_") {
		t.Errorf("%v: %s", err, out)
	}
	j.write(t, "gh", "#!/bin/sh\nexit 0\n")
	if out, _, err := j.use(t, inputs); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	// Where there is no such release, it is built.
	if !longtest.Wanted() {
		return
	}
	j, _ = newJob(t, "")
	j.env["HOME"] = os.Getenv("HOME")
	inputs["version"] = "v9.9.9"
	if out, _, err := j.use(t, inputs); err != nil || !strings.Contains(out, "building the command from the source") {
		t.Errorf("%v: %s", err, out)
	}
}

// The page has each input of the action, and the step has it in a variable.
func TestPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(root + "/docs/action.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\|").FindAllStringSubmatch(string(page), -1) {
		rows = append(rows, m[1])
	}
	c := readAction(t)
	var inputs []string
	for name := range c.Inputs {
		inputs = append(inputs, name)
		variable := "INPUT_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		if c.Runs.Steps[0].Env[variable] != "${{ inputs."+name+" }}" {
			t.Errorf("the step does not have %s", variable)
		}
	}
	slices.Sort(rows)
	slices.Sort(inputs)
	if !slices.Equal(rows, inputs) {
		t.Errorf("the page has\n%q, the action\n%q", rows, inputs)
	}
}
