package clients

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/awstokenserver/config/internal/testenv"
)

// others are the identities that a machine may have beside the role.
var others = []string{"keys", "container", "machine", "default"}

// TestUnknown is what the table in docs/security.md and docs/proposal.md says of SDKs
// that do not know the key: with UPDATE=1 it becomes so.
func TestUnknown(t *testing.T) {
	t.Parallel()
	names := []string{"AWS CLI v1", "AWS CLI v2", "boto3", "SDK for JavaScript v3", "SDK for Java v2", "SDK for Rust",
		"SDK for Go v2", "Terraform (aws-sdk-go-base)", "SDK for C++ (pyarrow)"}
	var mu sync.Mutex
	rows := map[string]string{}
	t.Run("each", func(t *testing.T) {
		for _, c := range clients() {
			if !slices.Contains(names, c.name) {
				continue
			}
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				row := "| " + c.name + " | " + installed(t, c) + " |"
				for _, form := range []string{"AWS_PROFILE", "named", "environment"} {
					cell := "–"
					if form != "named" || !c.oneProfile {
						cell = identities(t, c, form)
					}
					row += " " + cell + " |"
				}
				mu.Lock()
				defer mu.Unlock()
				rows[c.name] = row + "\n"
			})
		}
	})
	if t.Failed() || len(rows) < len(names) {
		return
	}
	table := "| SDK | Version | profile in `AWS_PROFILE` | profile named by the program | variables |\n|---|---|---|---|---|\n"
	for _, name := range names {
		table += rows[name]
	}
	for _, page := range []string{"../../docs/security.md", "../../docs/proposal.md"} {
		testenv.Block(t, page, "unknown", table, regexp.MustCompile(`(?m)^(\| [^|]* )\| [\w.-]+ `))
	}
}

// identities lists with which of the other identities c signs.
func identities(t *testing.T, c client, form string) string {
	t.Helper()
	var signs, assumes []string
	alone := unknowing(t, c, form, "nothing", "")
	for _, other := range others {
		switch got := unknowing(t, c, form, other, ""); got {
		case "signs":
			signs = append(signs, other)
		case "assumes":
			assumes = append(assumes, other)
		case alone:
		default:
			t.Errorf("%s, %s: %s, and without it %s", form, other, got, alone)
		}
	}
	cell := strings.Join(signs, ", ")
	if assumes != nil {
		cell += strings.TrimPrefix("; role with "+strings.Join(assumes, ", "), cmp.Or(cell, "; "))
	}
	if alone == "unsigned" {
		cell += "; else unsigned"
	}
	return cmp.Or(strings.TrimPrefix(cell, "; "), "error")
}

// unknowing runs c with a setting that it does not know, on a machine with another
// identity, and returns whether it signs with that, assumes the role with it, sends an
// unsigned request, or has an error and sends nothing.
func unknowing(t *testing.T, c client, form, other, lines string) string {
	t.Helper()
	p := newPlace(t)
	text := "[profile deploy]\nregion = eu-west-1\nrole_arn = " + deployARN + "\nweb_identity_token_server = GitHub\n" + lines
	if other == "default" {
		text += "[default]\naws_access_key_id = AKIADEFAULT\naws_secret_access_key = x\n"
	}
	file := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	environ := append(p.environ(t), "AWS_CONFIG_FILE="+file, "AWS_MAX_ATTEMPTS=1", "AWS_METADATA_SERVICE_NUM_ATTEMPTS=1")
	switch other {
	case "keys":
		environ = append(environ, "AWS_ACCESS_KEY_ID=AKIAENVIRONMENT", "AWS_SECRET_ACCESS_KEY=x")
	case "container":
		environ = append(environ, "AWS_CONTAINER_CREDENTIALS_FULL_URI="+p.machine.URL+"/container/machine")
	}
	if other != "machine" {
		environ = append(environ, "AWS_EC2_METADATA_DISABLED=true")
	}
	profile := ""
	switch form {
	case "AWS_PROFILE":
		environ = append(environ, "AWS_PROFILE=deploy")
	case "named":
		profile = "deploy"
	case "environment":
		environ = append(environ, "AWS_WEB_IDENTITY_TOKEN_SERVER=GitHub", "AWS_ROLE_ARN="+deployARN,
			"AWS_REGION=eu-west-1", "AWS_DEFAULT_REGION=eu-west-1")
	}
	cmd := exec.Command(c.call[0], append(slices.Clone(c.call[1:]), profile)...)
	cmd.Env = slices.Concat(environ, c.env)
	out, err := cmd.CombinedOutput()
	callers := p.callers()
	for _, r := range p.STS.Requests() {
		if r.Form.Get("Action") == "AssumeRole" {
			return "assumes"
		}
	}
	switch {
	case len(callers) > 0 && anonymous(callers):
		return "unsigned"
	case len(callers) > 0:
		return "signs"
	case err == nil, len(strings.TrimSpace(string(out))) == 0, strings.Contains(string(out), "Cannot fork"):
		t.Fatalf("%s, %s: no call, and no reason: %v: %s", form, other, err, out)
	}
	return "error"
}

// No line makes all of these SDKs fail: that for Java takes the machine's role in spite of
// each that could.
func TestNoLineFailsClosed(t *testing.T) {
	t.Parallel()
	all := clients()
	c := all[slices.IndexFunc(all, func(c client) bool { return c.name == "SDK for Java v2" })]
	installed(t, c)
	for _, line := range []string{"web_identity_token_file = /nowhere", "source_profile = nobody", "credential_process = false",
		"credential_source = Environment", "sso_session = nobody"} {
		if got := unknowing(t, c, "AWS_PROFILE", "machine", line+"\n"); got != "signs" {
			t.Errorf("%s: %s", line, got)
		}
	}
}
