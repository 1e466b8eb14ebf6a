package main

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/awstokenserver/config/webidentity/webidentitytest"
)

// clients is where .ci/run has clients installed.
var clients = filepath.Join(cmp.Or(os.Getenv("XDG_CACHE_HOME"), filepath.Join(os.Getenv("HOME"), ".cache")),
	"awstokenserver", "clients")

// processes is the way from the start of a process to credentials.
type processes struct {
	results    []result
	writeToken string   // what wrote the token file
	versions   []string // of the clients
	missing    []string // clients, and why they were not measured
}

// client is a program that prints credentials of the profile that AWS_PROFILE
// names.
type client struct {
	name    string
	version []string // prints its version, and fails where the client is not installed
	command []string
	env     []string
}

const boto3Program = `
import awstokenserver, boto3
print(awstokenserver.install(boto3.Session()).get_credentials().get_frozen_credentials().access_key, flush=True)`

func measureProcesses(env environment, dir string, rounds int) (p processes) {
	extract := "jq -r .value"
	if _, err := exec.LookPath("jq"); err != nil {
		extract = `sed 's/.*"value":"\([^"]*\)".*/\1/'`
	}
	p.writeToken = `curl -sSf -H "Authorization: Bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" \
	"$ACTIONS_ID_TOKEN_REQUEST_URL&audience=sts.amazonaws.com" | ` + extract + ` >"$TOKEN_FILE" && exec "$@"`
	sh := []string{"sh", "-c", p.writeToken, "sh"}

	aws := filepath.Join(clients, "aws")
	python := filepath.Join(clients, "venv", "bin", "python")
	plugin := filepath.Join(root(), "plugins", "python", "src")

	inWorld(env, dir, 1, func(world *webidentitytest.World) {
		file := []string{"AWS_CONFIG_FILE=" + withFile(dir, 1), "TOKEN_FILE=" + tokenFile(dir),
			"AWS_DATA_PATH=" + stsEndpoint(dir, world)}
		server := []string{"AWS_CONFIG_FILE=" + withServer(dir, 1), "PYTHONPATH=" + plugin,
			"PYTHONPYCACHEPREFIX=" + dir}
		here := client{command: []string{build(dir, module)}, env: server}
		for _, c := range []client{
			{"the same program on upstream, token file written by `curl`", []string{"curl", "--version"},
				append(sh, build(dir, upstreamModule)), file},
			{"AWS CLI, token file written by `curl`", []string{"sh", "-c",
				`"$0" --version && curl --version >/dev/null`, aws}, append(sh, aws, "configure", "export-credentials"),
				file},
			{"boto3 with the plugin", []string{python, "-c", "import boto3; print('boto3', boto3.__version__)"},
				[]string{python, "-c", boto3Program}, server},
		} {
			version, err := exec.Command(c.version[0], c.version[1:]...).CombinedOutput()
			if err != nil {
				p.missing = append(p.missing, fmt.Sprintf("%s (%v %s)", c.name, err, bytes.TrimSpace(version)))
				continue
			}
			p.versions = append(p.versions, strings.Join(strings.Fields(string(version))[:2], " "))
			p.results = append(p.results,
				comparison{c.name, c.start(dir, world), here.start(dir, world), 0}.measure(rounds))
		}
	})
	return p
}

// start measures the time from the start of a process to its first line.
func (c client) start(dir string, world *webidentitytest.World) func() time.Duration {
	env := append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "AWS_PROFILE=" + profile(0),
		"AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull, "AWS_EC2_METADATA_DISABLED=true",
	}, c.env...)
	for name, value := range world.Env() {
		env = append(env, name+"="+value)
	}
	return func() time.Duration {
		var stderr bytes.Buffer
		cmd := exec.Command(c.command[0], c.command[1:]...)
		cmd.Env, cmd.Stderr = env, &stderr
		stdout, err := cmd.StdoutPipe()
		check(err)
		start := time.Now()
		check(cmd.Start())
		out := bufio.NewReader(stdout)
		_, readErr := out.ReadString('\n')
		taken := time.Since(start)
		io.Copy(io.Discard, out)
		if err := cmp.Or(cmd.Wait(), readErr); err != nil {
			log.Panicf("%s: %v: %s", c.command[0], err, stderr.String())
		}
		return taken
	}
}

// stsEndpoint returns a folder of models that give world's STS to an AWS CLI
// which does not know AWS_ENDPOINT_URL_STS, as those before 2.13.
func stsEndpoint(dir string, world *webidentitytest.World) string {
	models := filepath.Join(dir, "models")
	sts := filepath.Join(models, "sts", "2011-06-15")
	check(os.MkdirAll(sts, 0o700))
	check(os.WriteFile(filepath.Join(sts, "endpoint-rule-set-1.json"), fmt.Appendf(nil, `{"version": "1.0",
		"parameters": {"Region": {"builtIn": "AWS::Region", "required": false, "type": "String", "documentation": ""}},
		"rules": [{"type": "endpoint", "conditions": [], "endpoint": {"url": %q, "properties": {}, "headers": {}}}]}`, world.STS.URL), 0o600))
	return models
}
