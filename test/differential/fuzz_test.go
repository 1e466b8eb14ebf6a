package differential_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	upstream "github.com/aws/aws-sdk-go-v2/config"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/awstokenserver/config"
	"github.com/awstokenserver/config/internal/testenv"
)

// FuzzSharedConfig reads arbitrary text as both files, and expects of every
// profile what upstream finds where the key is web_identity_token_file.
func FuzzSharedConfig(f *testing.F) {
	for _, c := range goldenTable {
		f.Add(strings.NewReplacer("{key}", "server", "{KEY}", "SERVER", "{value}", "GitHub").Replace(c.config), "web",
			true)
		f.Add(strings.NewReplacer("{key}", "server", "{KEY}", "SERVER", "{value}", "GitHub").Replace(c.credentials),
			"web", false)
	}
	f.Add("[profile web]\nweb_identity_to\u212aen_server = GitHub\nrole_arn = r\n", "web", true)
	f.Add("[profile web]\nweb_\u0130dent\u0130ty_to\u212aen_server = GitHub\nrole_arn = r\n", "web", true)
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text, profile string, asConfig bool) {
		asFile := asFileKey(text)
		if asFile == text || strings.Contains(strings.ToLower(text), "token_file") || strings.Contains(text, "\x00") {
			t.Skip("the key is not there, or both are")
		}
		name := filepath.Join(dir, fmt.Sprint(os.Getpid()))
		files := func(o *config.LoadSharedConfigOptions) {
			o.ConfigFiles, o.CredentialsFiles = []string{}, []string{name}
			if asConfig {
				o.ConfigFiles, o.CredentialsFiles = []string{name}, []string{}
			}
		}
		os.WriteFile(name, []byte(asFile), 0o600)
		want, wantErr, panics := loadUpstream(profile, files)
		if panics {
			t.Skip("upstream panics")
		}
		os.WriteFile(name, []byte(text), 0o600)
		got, gotErr := config.LoadSharedConfigProfile(context.Background(), profile, files)

		if (gotErr == nil) != (wantErr == nil) || gotErr != nil &&
			asFileKey(gotErr.Error()) != asFileKey(wantErr.Error()) {
			t.Fatalf("got error %v, want %v", gotErr, wantErr)
		}
		for c := &got; c != nil; c = c.Source {
			if value, ok := config.TokenServer(*c); ok {
				c.WebIdentityTokenFile = value
			}
		}
		// A services section may hold the key, as it is spelled.
		opts := cmp.Options{cmpopts.EquateEmpty(), cmpopts.IgnoreFields(want, "Services"),
			cmpopts.AcyclicTransformer("asFileKey", asFileKey)}
		if diff := cmp.Diff(want, got, opts); diff != "" {
			t.Fatalf("upstream with a file (-) and this package with a server (+) differ:\n%s", diff)
		}
	})
}

// anyCase matches the key as upstream folds keys. Two letters outside ASCII fold
// into it.
var anyCase = regexp.MustCompile(`[wW][eE][bB]_[iI\x{130}][dD][eE][nN][tT][iI\x{130}][tT][yY]_[tT][oO][kK\x{212a}][eE][nN]_[sS][eE][rR][vV][eE][rR]`)

func asFileKey(text string) string {
	return anyCase.ReplaceAllString(text, "web_identity_token_file")
}

func loadUpstream(profile string, opt func(*config.LoadSharedConfigOptions)) (c config.SharedConfig, err error,
	panics bool) {
	defer func() {
		if recover() != nil {
			panics = true
		}
	}()
	c, err = upstream.LoadSharedConfigProfile(context.Background(), profile, opt)
	return c, err, false
}

// fragments are what FuzzGoldenRule builds files from.
var fragments = []string{
	"[default]\n", "[profile default]\n", "[profile a]\n", "[profile b]\n", "[profile  c ] # x\n", "[a]\n", "[b]\n",
	"[services a]\n", "[sso-session a]\n", "[", "]\n",
	role1, role2, denied, tokenLine, region, keys, "  " + tokenLine, "WEB_IDENTITY_TOKEN_{KEY}: '{value}' # x\n",
	"web_identity_token_{key} =\n", "web_identity_token_{key} = \"{value}\" ;\r\n",
	"source_profile = a\n", "source_profile = b\n", "source_profile = c\n", "source_profile = default\n",
	"source_profile =\n",
	"credential_source = Environment\n", "role_session_name = me\n", "external_id = x\n", "duration_seconds = 1800\n",
	"aws_access_key_id = AKIA\n", "aws_secret_access_key =\n",
	"role_arn =\n", "s3 =\n", "services = a\n", "# comment\n", "; comment\n", "  continued\n", "\n", "\r\n", "\t",
	"=\n", ":", "x", "mfa_serial = m\n", "sso_session = a\n", "sso_start_url = x\n",
}

// FuzzGoldenRule builds configurations from random bytes and holds them against
// upstream as TestGoldenRule does.
func FuzzGoldenRule(f *testing.F) {
	f.Add([]byte{0, 11, 14}, []byte{}, byte(0), byte(0))
	f.Add([]byte{2, 11, 14, 3, 12, 21}, []byte{5, 17}, byte(2), byte(1))
	f.Add([]byte{2, 11, 14, 15}, []byte{5, 16}, byte(1), byte(7))
	f.Fuzz(func(t *testing.T, configBytes, credentialsBytes []byte, profile, env byte) {
		build := func(choice []byte) string {
			var b strings.Builder
			for _, c := range choice[:min(len(choice), 60)] {
				b.WriteString(fragments[int(c)%len(fragments)])
			}
			return b.String()
		}
		c := configuration{config: build(configBytes), credentials: build(credentialsBytes), env: with(noIMDS)}
		name := []string{"", "a", "b", "c", "default", "nobody"}[profile%6]
		if name != "" && profile&0x40 == 0 {
			c.opts = opts{config.WithSharedConfigProfile(name)}
		} else if name != "" {
			c.env["AWS_PROFILE"] = name
		}
		for bit, set := range []map[string]string{
			{"AWS_WEB_IDENTITY_TOKEN": "{value}"}, {"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/env"}, staticKeys,
			{"AWS_ROLE_SESSION_NAME": "env"}, {"AWS_REGION": "eu-west-1"}, {"AWS_ACCESS_KEY_ID": "AKIA"},
		} {
			if env>>bit&1 == 1 {
				c.env = with(c.env, set)
			}
		}
		file := testenv.WriteFile(t, "token", "eyJhbGciOiJub25lIn0.e30.\n")
		want := c.run(t, file, false)
		if diff := cmp.Diff(want, c.run(t, file, true), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("config:\n%s\ncredentials:\n%s\nenv: %v\nupstream with a file (-) and this package with a server (+) differ:\n%s", c.config, c.credentials, c.env, diff)
		}
	})
}
