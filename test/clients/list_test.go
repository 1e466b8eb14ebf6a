package clients

import (
	"context"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	upstream "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// client is a program that makes a signed call for each profile in its arguments, where an
// empty one is the default. It goes on calling while there is a file of the name in LOOP, or
// lists a bucket to its end.
type client struct {
	name    string
	version []string // what prints its version, and fails where it is not installed
	call    []string
	env     []string

	fails      []string // the ways that do not work with it
	oneProfile bool     // whether it always has the default
	noRegion   bool     // whether it takes its region from a variable alone
	machine    bool     // whether it takes the machine's role in spite of AWS_EC2_METADATA_DISABLED
	why        string   // the reason for these
}

func (c client) works(w way) bool { return !slices.Contains(c.fails, w.name) }

const (
	pythonLoop = `
import os, sys, time
for p in sys.argv[1:]:
    call = client(p or None)
    call()
    while os.path.exists(os.environ['LOOP']):
        time.sleep(0.05)
        call()
`
	nodeLoop = `
const {existsSync} = require('fs');
(async () => {
    for (const p of process.argv.slice(1)) {
        const call = client(p || undefined)
        await call()
        while (existsSync(process.env.LOOP)) {
            await new Promise(done => setTimeout(done, 50))
            await call()
        }
    }
})().catch(e => { console.error(e); process.exit(1) })
`
	rubyLoop = `
ARGV.each do |p|
  client = Aws::STS::Client.new(endpoint: ENV['AWS_ENDPOINT_URL_STS'], **(p.empty? ? {} : {profile: p}))
  client.get_caller_identity
  while File.exist?(ENV['LOOP'])
    sleep 0.05
    client.get_caller_identity
  end
end
`
)

// goClient is a program on upstream's SDK that calls STS for each profile.
func goClient() {
	for _, profile := range os.Args[1:] {
		cfg, err := upstream.LoadDefaultConfig(context.Background(), upstream.WithSharedConfigProfile(profile))
		if err != nil {
			log.Fatal(err)
		}
		client := sts.NewFromConfig(cfg)
		for again := true; again; again = loops() {
			if _, err := client.GetCallerIdentity(context.Background(), nil); err != nil {
				log.Fatal(err)
			}
		}
	}
}

func loops() bool {
	time.Sleep(50 * time.Millisecond)
	_, err := os.Stat(os.Getenv("LOOP"))
	return err == nil
}

const (
	noProcess  = "read no `credential_process`, but the address of `exec`, which has one profile"
	oneProfile = "take the profile of `AWS_PROFILE`, in a program such as the test's"
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
		return []string{python(venv), "-c",
			"import importlib.metadata, sys, " + module + "; print(importlib.metadata.version('" + module + "'))"}
	}
	each := func(script, program string) []string { // a process for each profile
		return []string{"sh", "-c", `program=$1; shift; for p; do ` + script + ` || exit; done`, "sh", program}
	}
	cli := func(aws string) []string {
		return each(`"$program" s3 ls s3://bucket --endpoint-url "$AWS_ENDPOINT_URL_S3" ${p:+--profile "$p"}`, aws)
	}
	java := []string{"java", "-XX:TieredStopAtLevel=1", "-cp", in("java", "java") + "/*:" + in("java", "java"), "Client"}
	node := []string{"NODE_PATH=" + in("node_modules", "")}
	restricted := []string{"credential_process", "setup"}
	return []client{
		{name: "AWS CLI v1", version: []string{in("venv-cli/bin/aws", "aws1"), "--version"},
			call: cli(in("venv-cli/bin/aws", "aws1"))},
		{name: "AWS CLI v2", version: []string{in("aws", "aws"), "--version"}, call: cli(in("aws", "aws"))},
		{name: "boto3", version: pythonVersion("venv", "boto3"), call: []string{python("venv"), "-c", `
import boto3
def client(p): return boto3.Session(profile_name=p).client('sts').get_caller_identity
` + pythonLoop}},
		{name: "aioboto3", version: pythonVersion("venv-async", "aioboto3"), call: []string{python("venv-async"), "-c", `
import aioboto3, asyncio
def client(p):
    session = aioboto3.Session(profile_name=p)
    async def ask():
        async with session.client('sts') as sts: await sts.get_caller_identity()
    return lambda: asyncio.run(ask())
` + pythonLoop}},
		{name: "s3fs", version: pythonVersion("venv-async", "s3fs"), call: []string{python("venv-async"), "-c", `
import s3fs
def client(p):
    fs = s3fs.S3FileSystem(profile=p, endpoint_url=os.environ['AWS_ENDPOINT_URL_S3'], skip_instance_cache=True)
    def call():
        try: fs.ls('bucket', refresh=True)
        except FileNotFoundError: pass
    return call
` + pythonLoop}},
		{name: "SDK for JavaScript v2", version: []string{"node", "-p", "require('aws-sdk/package.json').version"},
			env: node, call: []string{"node", "-e", `
process.env.AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE = '1'
const AWS = require('aws-sdk')
const client = profile => {
    const sts = new AWS.STS({endpoint: process.env.AWS_ENDPOINT_URL_STS})
    return () => sts.getCallerIdentity().promise()
}
` + nodeLoop}, oneProfile: true, why: oneProfile},
		{name: "SDK for JavaScript v3",
			version: []string{"node", "-p", "require('@aws-sdk/client-sts/package.json').version"},
			env:     node, call: []string{"node", "-e", `
const {STSClient, GetCallerIdentityCommand} = require('@aws-sdk/client-sts')
const {fromIni} = require('@aws-sdk/credential-providers')
const client = profile => {
    const sts = new STSClient(profile ? {profile, credentials: fromIni({profile})} : {})
    return () => sts.send(new GetCallerIdentityCommand({}))
}
` + nodeLoop}},
		{name: "SDK for Java v2", version: java, call: java},
		{name: "SDK for Rust", version: []string{in("rust", "rust-client")}, call: []string{in("rust", "rust-client")}},
		{name: "SDK for Go v1", version: []string{"go", "version", "-m", in("gov1", "gov1")}, call: []string{in("gov1", "gov1")}},
		{name: "SDK for Go v2", version: []string{"go", "list", "-m", "-f", "{{.Version}}", "github.com/aws/aws-sdk-go-v2/config"},
			call: []string{os.Args[0]}, env: []string{"GO_CLIENT=1"}},
		{name: "Terraform (aws-sdk-go-base)", version: []string{"go", "version", "-m", in("terraform", "terraform-base")},
			call: []string{in("terraform", "terraform-base")}},
		{name: "SDK for C++ (pyarrow)", version: pythonVersion("venv-objects", "pyarrow"),
			call: []string{python("venv-objects"), "-c", `
from pyarrow import fs
def client(p):
    s3 = fs.S3FileSystem(endpoint_override=os.environ['AWS_ENDPOINT_URL_S3'].split('//')[1], scheme='http')
    return lambda: s3.get_file_info(fs.FileSelector('bucket'))
` + pythonLoop}, oneProfile: true, why: oneProfile},
		{name: "object_store (polars)", version: pythonVersion("venv-objects", "polars"),
			call: []string{python("venv-objects"), "-c", `
import polars
def client(p):
    def call():
        try: polars.scan_parquet('s3://bucket/x.parquet', credential_provider=None, storage_options={
            'aws_endpoint_url': os.environ['AWS_ENDPOINT_URL_S3'], 'aws_allow_http': 'true'}).collect()
        except Exception as e: print(e)
    return call
` + pythonLoop}, oneProfile: true, noRegion: true, fails: restricted, machine: true, why: noProcess},
		{name: "object_store (deltalake)", version: pythonVersion("venv-objects", "deltalake"),
			call: []string{python("venv-objects"), "-c", `
import deltalake
def client(p):
    def call():
        try: deltalake.DeltaTable('s3://bucket/x',
            storage_options={'endpoint_url': os.environ['AWS_ENDPOINT_URL_S3'], 'allow_http': 'true'})
        except Exception as e: print(e)
    return call
` + pythonLoop}, oneProfile: true, noRegion: true, fails: restricted, machine: true, why: noProcess},
		{name: "object_store (obstore)", version: pythonVersion("venv-objects", "obstore"),
			call: []string{python("venv-objects"), "-c", `
from obstore.store import S3Store
def client(p):
    store = S3Store('bucket', endpoint=os.environ['AWS_ENDPOINT_URL_S3'], virtual_hosted_style_request=False,
        client_options={'allow_http': True}, retry_config={'max_retries': 0})
    return lambda: list(store.list())
` + pythonLoop}, oneProfile: true, noRegion: true, fails: restricted, machine: true, why: noProcess},
		{name: "GDAL (rasterio)", version: pythonVersion("venv-objects", "rasterio"),
			call: []string{python("venv-objects"), "-c", `
import rasterio
from rasterio.errors import RasterioIOError
def client(p):
    def call():
        with rasterio.Env(AWS_S3_ENDPOINT=os.environ['AWS_ENDPOINT_URL_S3'].split('//')[1], AWS_HTTPS='NO',
                AWS_VIRTUAL_HOSTING='FALSE'):
            try: rasterio.open('/vsis3/bucket/x.tif')
            except RasterioIOError: pass
    return call
` + pythonLoop}, oneProfile: true, fails: restricted, machine: true, why: noProcess},
		{name: "rclone", version: []string{in("rclone", "rclone"), "version"}, env: []string{"RCLONE_CONFIG=" + os.DevNull},
			call: each(`"$program" lsf :s3:bucket --s3-provider Other --s3-env-auth --s3-endpoint "$AWS_ENDPOINT_URL_S3" \
	--s3-region "$AWS_REGION" --s3-profile "$p"`, in("rclone", "rclone")), noRegion: true},
		{name: "restic", version: []string{in("restic", "restic"), "version"}, env: []string{"RESTIC_PASSWORD=none"},
			call: each(`{ "$program" -r "s3:$AWS_ENDPOINT_URL_S3/bucket" --no-cache list keys || true; }`,
				in("restic", "restic")),
			oneProfile: true, noRegion: true, fails: restricted, why: noProcess},
		{name: "SDK for Ruby",
			version: []string{in("ruby", "ruby"), "-e", "require 'aws-sdk-core'; puts Aws::CORE_GEM_VERSION"},
			call:    []string{in("ruby", "ruby"), "-e", "require 'aws-sdk-core'" + rubyLoop}},
		{name: "s3cmd", version: []string{in("venv-cli/bin/s3cmd", "s3cmd"), "--version"},
			call: each(`"$program" ls s3://bucket -c /dev/null --no-ssl --region "$AWS_REGION" \
	--host "${AWS_ENDPOINT_URL_S3#*//}" --host-bucket "${AWS_ENDPOINT_URL_S3#*//}"`, in("venv-cli/bin/s3cmd", "s3cmd")),
			oneProfile: true, noRegion: true, fails: []string{"exec", "setup", "credential_process"},
			why: "takes keys from variables alone, which are not renewed"},
	}
}

// way is how a client gets the role of the profile deploy.
type way struct {
	name string
	exec []string // the command's arguments, where it runs the client
	env  []string
}

var (
	throughExec = way{name: "exec", exec: []string{"exec", "--profile", "deploy"}}
	afterSetup  = way{name: "setup"}
	byHand      = way{name: "credential_process",
		env: []string{"AWS_PROFILE=by-hand-deploy", "AWS_SDK_LOAD_CONFIG=1", "AWS_EC2_METADATA_DISABLED=true"}}
	withVariables = way{name: "exec --static", exec: []string{"exec", "--static", "--profile", "deploy"}}
)

var versionNumber = regexp.MustCompile(
	`(?m)(?:^|aws-cli/|aws-sdk-go\tv|aws-sdk-go-base/v2\tv|^v|^rclone v|^restic |^s3cmd version )(\d+\.\d+\.\d+[\w.-]*)`)

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
