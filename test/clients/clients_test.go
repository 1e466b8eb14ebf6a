// Package clients has AWS's clients get roles through the command: with exec, after setup,
// and through credential_process, and sees who they then are.
//
// Clients that are not installed are skipped; with CLIENTS, the folder that
// .ci/clients fills, they are taken from there, and none may be missing.
package clients

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"maps"
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

	upstream "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/awstokenserver/config/internal/longtest"
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

// goClient is a program on upstream's SDK that calls STS for each profile.
func goClient() {
	for _, profile := range os.Args[1:] {
		cfg, err := upstream.LoadDefaultConfig(context.Background(), upstream.WithSharedConfigProfile(profile))
		if err != nil {
			log.Fatal(err)
		}
		length, _ := time.ParseDuration(os.Getenv("GO_LOOP")) // none: one call
		client := sts.NewFromConfig(cfg)
		for end := time.Now().Add(length); ; time.Sleep(50 * time.Millisecond) {
			if _, err := client.GetCallerIdentity(context.Background(), nil); err != nil {
				log.Fatal(err)
			}
			if time.Now().After(end) {
				break
			}
		}
	}
}

// client is a program that makes a signed call for each profile in its arguments, where an
// empty one is the default.
type client struct {
	name    string
	version []string // what prints its version, and fails where it is not installed
	call    []string
	env     []string

	fails      []string // the ways that do not work with it
	oneProfile bool     // whether it always has the default
	noRegion   bool     // whether it takes its region from a variable alone
}

const (
	pythonLoop = "import sys\nfor p in sys.argv[1:]: call(p or None)\n"
	nodeLoop   = ";(async () => { for (const p of process.argv.slice(1)) await call(p || undefined) })().catch(e => { console.error(e); process.exit(1) })"
)

func clients() []client {
	dir := os.Getenv("CLIENTS")
	in := func(path, otherwise string) string {
		if dir == "" {
			return otherwise
		}
		return filepath.Join(dir, filepath.FromSlash(path))
	}
	python := func(venv string) string { return in(venv+"/bin/python", "python3") }
	pythonVersion := func(venv, module string) []string {
		return []string{python(venv), "-c", "import importlib.metadata, sys, " + module + "; print(importlib.metadata.version('" + module + "'))"}
	}
	cli := func(aws string) []string {
		return []string{"sh", "-c", `aws=$1; shift
for p; do "$aws" sts get-caller-identity --endpoint-url "$AWS_ENDPOINT_URL_STS" ${p:+--profile "$p"} || exit; done`, "sh", aws}
	}
	node := []string{"NODE_PATH=" + in("node_modules", "")}
	return []client{
		{name: "AWS CLI v1", version: []string{in("venv-cli/bin/aws", "aws1"), "--version"}, call: cli(in("venv-cli/bin/aws", "aws1"))},
		{name: "AWS CLI v2", version: []string{in("aws", "aws"), "--version"}, call: cli(in("aws", "aws"))},
		{name: "boto3", version: pythonVersion("venv", "boto3"), call: []string{python("venv"), "-c",
			"import boto3\ndef call(p): boto3.Session(profile_name=p).client('sts').get_caller_identity()\n" + pythonLoop}},
		{name: "aioboto3", version: pythonVersion("venv-async", "aioboto3"), call: []string{python("venv-async"), "-c", `
import aioboto3, asyncio
async def ask(p):
    async with aioboto3.Session(profile_name=p).client('sts') as sts: await sts.get_caller_identity()
def call(p): asyncio.run(ask(p))
` + pythonLoop}},
		{name: "s3fs", version: pythonVersion("venv-async", "s3fs"), call: []string{python("venv-async"), "-c", `
import os, s3fs
def call(p):
    fs = s3fs.S3FileSystem(profile=p, endpoint_url=os.environ['AWS_ENDPOINT_URL_S3'], skip_instance_cache=True)
    try: fs.ls('bucket')
    except FileNotFoundError: pass
` + pythonLoop}},
		{name: "SDK for JavaScript v3", version: []string{"node", "-p", "require('@aws-sdk/client-sts/package.json').version"}, env: node,
			call: []string{"node", "-e", `
const {STSClient, GetCallerIdentityCommand} = require('@aws-sdk/client-sts')
const {fromIni} = require('@aws-sdk/credential-providers')
const call = profile => new STSClient(profile ? {profile, credentials: fromIni({profile})} : {}).send(new GetCallerIdentityCommand({}))
` + nodeLoop}},
		{name: "SDK for JavaScript v2", version: []string{"node", "-p", "require('aws-sdk/package.json').version"}, env: node,
			call: []string{"node", "-e", `
process.env.AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE = '1'
const AWS = require('aws-sdk')
const call = profile => new AWS.STS({endpoint: process.env.AWS_ENDPOINT_URL_STS}).getCallerIdentity().promise()
` + nodeLoop}, oneProfile: true},
		{name: "SDK for Go v2", version: []string{"go", "list", "-m", "-f", "{{.Version}}", "github.com/aws/aws-sdk-go-v2/config"},
			call: []string{os.Args[0]}, env: []string{"GO_CLIENT=1"}},
		{name: "SDK for Go v1", version: []string{"go", "version", "-m", in("gov1", "gov1")}, call: []string{in("gov1", "gov1")}},
		{name: "Terraform (aws-sdk-go-base)", version: []string{"go", "version", "-m", in("terraform", "terraform-base")},
			call: []string{in("terraform", "terraform-base")}},
		{name: "SDK for C++ (pyarrow)", version: pythonVersion("venv-objects", "pyarrow"), call: []string{python("venv-objects"), "-c", `
import os
from pyarrow import fs
def call(p):
    s3 = fs.S3FileSystem(endpoint_override=os.environ['AWS_ENDPOINT_URL_S3'].split('//')[1], scheme='http')
    s3.get_file_info(fs.FileSelector('bucket'))
` + pythonLoop}, oneProfile: true},
		{name: "GDAL (rasterio)", version: pythonVersion("venv-objects", "rasterio"), call: []string{python("venv-objects"), "-c", `
import os, rasterio
from rasterio.errors import RasterioIOError
def call(p):
    with rasterio.Env(AWS_S3_ENDPOINT=os.environ['AWS_ENDPOINT_URL_S3'].split('//')[1], AWS_HTTPS='NO', AWS_VIRTUAL_HOSTING='FALSE'):
        try: rasterio.open('/vsis3/bucket/x.tif')
        except RasterioIOError: pass
` + pythonLoop}, oneProfile: true, fails: []string{"credential_process", "setup"}},
		{name: "object_store (polars)", version: pythonVersion("venv-objects", "polars"), call: []string{python("venv-objects"), "-c", `
import os, polars
def call(p):
    try: polars.scan_parquet('s3://bucket/x.parquet', credential_provider=None, storage_options={
        'aws_endpoint_url': os.environ['AWS_ENDPOINT_URL_S3'], 'aws_allow_http': 'true'}).collect()
    except Exception as e: print(e)
` + pythonLoop}, oneProfile: true, noRegion: true, fails: []string{"credential_process", "setup"}},
		{name: "object_store (deltalake)", version: pythonVersion("venv-objects", "deltalake"), call: []string{python("venv-objects"), "-c", `
import os, deltalake
def call(p):
    try: deltalake.DeltaTable('s3://bucket/x', storage_options={'endpoint_url': os.environ['AWS_ENDPOINT_URL_S3'], 'allow_http': 'true'})
    except Exception as e: print(e)
` + pythonLoop}, oneProfile: true, noRegion: true, fails: []string{"credential_process", "setup"}},
		{name: "object_store (obstore)", version: pythonVersion("venv-objects", "obstore"), call: []string{python("venv-objects"), "-c", `
import os
from obstore.store import S3Store
def call(p):
    store = S3Store('bucket', endpoint=os.environ['AWS_ENDPOINT_URL_S3'], virtual_hosted_style_request=False,
        client_options={'allow_http': True}, retry_config={'max_retries': 0})
    list(store.list())
` + pythonLoop}, oneProfile: true, noRegion: true, fails: []string{"credential_process", "setup"}},
	}
}

// ways are how a client gets the role of the profile deploy.
var ways = []struct {
	name string
	wrap []string
	env  []string
	// profile is what the profile of a role is called.
	profile func(role string) string
}{
	{"exec", []string{"exec", "--profile", "deploy", "--"}, nil, strings.Clone},
	{"setup", nil, nil, strings.Clone},
	{"credential_process", nil, []string{"AWS_PROFILE=by-hand-deploy", "AWS_SDK_LOAD_CONFIG=1"}, func(role string) string { return "by-hand-" + role }},
	{"exec --static", []string{"exec", "--static", "--profile", "deploy", "--"}, nil, nil},
}

var versionNumber = regexp.MustCompile(`(?m)(?:^|aws-cli/|aws-sdk-go\tv|aws-sdk-go-base/v2\tv|^v)(\d+\.\d+\.\d+[\w.-]*)`)

// installed returns the version of c. It skips the test where c is not installed, or fails
// it if it must be.
func installed(t *testing.T, c client) string {
	t.Helper()
	cmd := exec.Command(c.version[0], c.version[1:]...)
	cmd.Env = append(os.Environ(), c.env...)
	out, err := cmd.CombinedOutput()
	if m := versionNumber.FindSubmatch(out); err == nil && m != nil {
		return string(m[1])
	}
	if os.Getenv("CLIENTS") != "" {
		t.Fatalf("%s is not installed: %v: %s", c.name, err, out)
	}
	t.Skipf("%s is not installed (%v); .ci/clients installs all", c.name, err)
	return ""
}

// another is another identity, which must not win.
var another = []string{"AWS_PROFILE=nobody", "AWS_DEFAULT_PROFILE=nobody", "AWS_ACCESS_KEY_ID=AKIASTRAY",
	"AWS_SECRET_ACCESS_KEY=stray", "AWS_ACCOUNT_ID=999999999999", "AWS_ROLE_ARN=" + deployARN + "2",
	"AWS_WEB_IDENTITY_TOKEN_FILE=/nowhere", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/stray",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=/nowhere"}

// run has a client call for each profile, in a way, and returns what it wrote.
func run(t *testing.T, p *place, c client, way int, script string, profiles ...string) (string, error) {
	t.Helper()
	w := ways[way]
	args := slices.Concat(c.call, profiles)
	environ := p.environ(t)
	switch {
	case w.name == "setup":
		args = append([]string{"sh", "-c", `eval "$("$0" setup --profile deploy)"; exec "$@"`, command}, args...)
		environ = append(environ, another...)
	case w.wrap != nil:
		if script != "" {
			args = append([]string{"sh", "-c", script, "sh"}, args...)
		}
		args = slices.Concat([]string{command}, w.wrap, args)
		environ = append(environ, another...)
		if c.noRegion {
			args = slices.Insert(args, 2, "--set-region")
		}
	}
	if w.name == "exec --static" {
		args = slices.DeleteFunc(args, func(arg string) bool { return arg == "--set-region" })
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = slices.Concat(environ, c.env, w.env)
	out, err := cmd.CombinedOutput()
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
				cells := []string{c.name, installed(t, c)}
				for i, w := range ways {
					works := !slices.Contains(c.fails, w.name)
					cells = append(cells, mark(works))
					p := newPlace(t)
					out, err := run(t, p, c, i, "", "")
					if got := p.callers(); (err == nil && slices.Equal(got, []string{"deploy eu-west-1"})) != works || !works && len(got) > 0 {
						t.Errorf("%s: %v: %q called: %s", w.name, err, got, out)
					}
					if w.name != "exec" && w.name != "setup" {
						continue
					}
					several := works && !c.oneProfile
					cells = append(cells, mark(several))
					if !several {
						continue
					}
					p = newPlace(t)
					out, err = run(t, p, c, i, "", "deploy", "audit", "deploy")
					if got := p.callers(); err != nil || !slices.Equal(got, []string{"deploy eu-west-1", "audit us-west-2", "deploy eu-west-1"}) {
						t.Errorf("%s, two profiles: %v: %q called: %s", w.name, err, got, out)
					}
					if got := p.exchanges(); w.name == "exec" && !maps.Equal(got, map[string]int{"deploy": 1, "audit": 1}) {
						t.Errorf("two profiles: %v exchanges", got)
					}
				}
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

func mark(works bool) string {
	if works {
		return "✓"
	}
	return "–"
}

// checkTable compares the table with what the tests did, but for versions and the date.
func checkTable(t *testing.T, all []client, marks map[string]string) {
	table := fmt.Sprintf("Last run: %s.\n\n| Client | Version | `exec` | two profiles | `setup` | two profiles | `credential_process` by hand | `exec --static` |\n"+
		"|---|---|---|---|---|---|---|---|\n", time.Now().Format("January 2, 2006"))
	for _, c := range all {
		table += marks[c.name] + "\n"
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile(`(?s)<!-- clients -->\n(.*?)<!-- /clients -->`)
	found := block.FindSubmatch(text)
	if found == nil {
		t.Fatalf("%s has no table of clients", page)
	}
	if os.Getenv("UPDATE") != "" {
		updated := block.ReplaceAllLiteral(text, []byte("<!-- clients -->\n"+table+"<!-- /clients -->"))
		if err := os.WriteFile(page, updated, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	dated := regexp.MustCompile(`Last run: .*|(\| [^|]* )\| [\w.-]+ `)
	if now, before := dated.ReplaceAllString(table, "$1"), dated.ReplaceAllString(string(found[1]), "$1"); now != before {
		t.Errorf("%s says\n%s\nbut it is\n%s", page, before, now)
	}
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
			script := `kill -9 $PPID; while kill -0 $PPID 2>/dev/null && test $PPID != 1; do sleep 0.1; break; done; "$@"; echo ended >"$DONE"`
			done := filepath.Join(t.TempDir(), "done")
			killed := c
			killed.env = append(slices.Clone(c.env), "DONE="+done, "AWS_MAX_ATTEMPTS=1", "AWS_METADATA_SERVICE_NUM_ATTEMPTS=1")
			out, _ := run(t, p, killed, 0, script, "")
			for end := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
				if _, err := os.Stat(done); err == nil {
					break
				}
				if time.Now().After(end) {
					t.Fatal("the client does not end")
				}
			}
			if got := p.callers(); len(got) > 0 && !slices.Equal(got, []string{"nobody"}) { // the SDK for C++ does not sign then
				t.Errorf("exec was killed: %q called: %s", got, out)
			}
			if c.oneProfile {
				return
			}
			p = newPlace(t)
			if out, err := run(t, p, c, 0, "", "denied"); err == nil || len(p.callers()) > 0 {
				t.Errorf("denied: %v, %q called: %s", err, p.callers(), out)
			}
		})
	}
}

// A job of many lives of its credentials has no failed call, though the token server is
// down in its midst.
func TestLongJob(t *testing.T) {
	t.Parallel()
	longtest.Skip(t, "it waits for several lives of credentials")
	const length = 75 * time.Second
	for _, c := range clients() {
		script := ""
		switch c.name {
		case "AWS CLI v2": // a process for each call
			script = fmt.Sprintf(`end=$(($(date +%%s) + %.0f)); while test $(date +%%s) -lt $end; do "$@" || exit; done`, length.Seconds())
		case "boto3":
			c.call = []string{c.call[0], "-c", fmt.Sprintf(`
import boto3, time
sts, end = boto3.client('sts'), time.time() + %.0f
while time.time() < end:
    sts.get_caller_identity()
    time.sleep(0.05)`, length.Seconds())}
		case "SDK for Go v2":
			c.env = append(c.env, "GO_LOOP="+length.String())
		default:
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			installed(t, c)
			p := newPlace(t)
			p.STS.Lifetime = time.Minute // renewed after six seconds; SDKs that keep a set for its life ask in the outage
			time.AfterFunc(52*time.Second, func() { p.down.Store(true) })
			time.AfterFunc(67*time.Second, func() { p.down.Store(false) })
			out, err := run(t, p, c, 0, script, "")
			if got := p.callers(); err != nil || !slices.Equal(got, []string{"deploy eu-west-1"}) {
				t.Errorf("%v: %q called: %s", err, got, out)
			}
			p.mu.Lock()
			defer p.mu.Unlock()
			if len(p.issued) < 7 {
				t.Errorf("%d credentials", len(p.issued))
			}
			t.Logf("%d calls without a failure, with %d credentials", len(p.seen), len(p.issued))
		})
	}
}

// Fifty processes at once cost one exchange.
func TestManyProcesses(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("it needs a Unix shell")
	}
	var c client
	for _, candidate := range clients() {
		if candidate.name == "SDK for Go v2" {
			c = candidate
		}
	}
	p := newPlace(t)
	out, err := run(t, p, c, 0, `for i in $(seq 50); do "$@" & done; wait`, "audit")
	if got := p.exchanges(); err != nil || got["audit"] != 1 || len(bytes.TrimSpace([]byte(out))) > 0 {
		t.Errorf("%v: %v exchanges: %s", err, got, out)
	}
	if got := len(p.seen); got != 50 {
		t.Errorf("%d calls", got)
	}
}
