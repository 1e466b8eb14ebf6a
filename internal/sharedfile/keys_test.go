package sharedfile_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/awstokenserver/config"
	"github.com/awstokenserver/config/tokensource"
)

const role = "role_arn = arn:aws:iam::123456789012:role/r\n"

// Upstream, and upstream with the key of its own, find this in each text.
func TestBothKeys(t *testing.T) {
	t.Parallel()
	const (
		both  = "both" // a server and a file: an error
		other = "  role_arn = arn:aws:iam::123456789012:role/OTHER\n"
	)
	for name, test := range map[string]struct{ config, credentials, profile, want string }{
		"role nested under an emptied server": {
			config: "[profile p]\n" + role + "web_identity_token_file = /B\nweb_identity_token_server =\n" + other,
			want:   "/B"},
		"region nested under an emptied server": {
			config: "[profile p]\n" + role +
				"web_identity_token_file = /B\nweb_identity_token_server =\n  region = us-east-1\n", want: "/B"},
		"word nested under an emptied server": {
			config: "[profile p]\n" + role + "web_identity_token_file = /B\nweb_identity_token_server =\n  word\n",
			want:   "/B"},
		"role nested under an emptied file": {
			config: "[profile p]\n" + role + "web_identity_token_server = S\nweb_identity_token_file =\n" + other,
			want:   "web_identity_token_server:S"},
		"file nested under an emptied file": {
			config: "[profile p]\n" + role +
				"web_identity_token_server = S\nweb_identity_token_file =\n  web_identity_token_file = /B\n",
			want: "web_identity_token_server:S"},
		"file nested under an emptied server": {
			config: "[profile p]\n" + role + "web_identity_token_server =\n  web_identity_token_file = /B\n", want: ""},
		"server nested under an emptied file": {
			config: "[profile p]\n" + role + "web_identity_token_file =\n  web_identity_token_server = S\n", want: ""},
		"role nested under a server emptied by quotes": {
			config: "[profile p]\n" + role + "web_identity_token_file = /B\nweb_identity_token_server = \"\"\n" + other,
			want:   "/B"},
		"role nested under a server emptied later": {
			config:      "[profile p]\n" + role + "web_identity_token_server = S\n",
			credentials: "[p]\nweb_identity_token_file = /B\nweb_identity_token_server =\n" + other, want: "/B"},
		"role nested under a server emptied before": {
			config:      "[profile p]\n" + role + "web_identity_token_server =\n" + other,
			credentials: "[p]\nweb_identity_token_server = S\n", want: "web_identity_token_server:S"},
		"role below a server that counts": {
			config: "[profile p]\nweb_identity_token_server = S\n  " + role, want: "web_identity_token_server:S"},

		"[DEFAULT] beside [profile DEFAULT]": {
			config: "[profile DEFAULT]\n" + role +
				"web_identity_token_file = /B\n[DEFAULT]\nweb_identity_token_server = S\n", profile: "DEFAULT",
			want: "/B"},
		"[Default] before [profile Default]": {
			config: "[Default]\nweb_identity_token_file = /B\n[profile Default]\n" + role +
				"web_identity_token_server = S\n", profile: "Default",
			want: "web_identity_token_server:S"},
		"[default] and [profile DEFAULT]": {
			config: "[profile DEFAULT]\n" + role + "web_identity_token_file = /B\n[default]\n" + role +
				"web_identity_token_server = S\n", profile: "default",
			want: "web_identity_token_server:S"},
		"[sso-session x] beside [profile sso-session x]": {
			config: "[sso-session x]\nweb_identity_token_file = /B\n[profile sso-session x]\n" + role +
				"web_identity_token_server = S\n", profile: "sso-session x",
			want: "web_identity_token_server:S"},
		"[profile profile zoo] beside [profile zoo]": {
			config:      "[profile profile zoo]\nweb_identity_token_file = /B\n[profile zoo]\nweb_identity_token_file = /C\n",
			credentials: "[zoo]\n" + role + "web_identity_token_server = S\n", profile: "zoo",
			want: "web_identity_token_server:S"},
		"[profile profile a] beside [profile a]": {
			config:      "[profile profile a]\nweb_identity_token_file = /B\n[profile a]\nweb_identity_token_file = /C\n",
			credentials: "[a]\n" + role + "web_identity_token_server = S\n", profile: "a", want: both},

		"server continued": {
			config: "[profile p]\n" + role + "web_identity_token_file = /B\nweb_identity_token_server = S\n  more\n",
			want:   both},
		"file continued": {
			config: "[profile p]\n" + role + "web_identity_token_server = S\nweb_identity_token_file = /B\n  more\n",
			want:   both},
		"a file that looks like both": {
			config: "[profile p]\n" + role + "web_identity_token_file = web_identity_token_server:\x00\n",
			want:   "web_identity_token_server:\x00"},
		"only a server, continued": {
			config: "[profile p]\n" + role + "web_identity_token_server = S\n  more\n",
			want:   "web_identity_token_server:S\nmore"},

		"quotes in quotes beside an emptied server": {
			config: "[profile p]\n" + role + "web_identity_token_file = \"'/B'\"\nweb_identity_token_server =\n",
			want:   "'/B'"},
		"quotes in quotes": {
			config: "[profile p]\n" + role + "web_identity_token_server = \"'S'\"\n",
			want:   "web_identity_token_server:'S'"},
		"spaces in quotes": {
			config: "[profile p]\n" + role + "web_identity_token_server = ' S '\n",
			want:   "web_identity_token_server: S "},
		"one quote": {
			config: "[profile p]\n" + role + "web_identity_token_server = S\"\n",
			want:   "web_identity_token_server:S\""},
		"quotes around a comment": {
			config: "[profile p]\n" + role + " web_identity_token_server = \"S ; T\"\n",
			want:   "web_identity_token_server:S"},

		"sso-session as a profile": {
			config: "[sso-session x]\n" + role + "web_identity_token_server = S\n", profile: "sso-session x",
			want: "web_identity_token_server:S"},
		"services as a profile": {
			config: "[services x]\n" + role + "web_identity_token_server = S\n", profile: "services x",
			want: "web_identity_token_server:S"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			profile := test.profile
			if profile == "" {
				profile = "p"
			}
			c, err := load(t, profile, test.config, test.credentials)
			if test.want == both {
				if !errors.Is(err, tokensource.ConfigInvalid) || !strings.Contains(err.Error(), "names both") {
					t.Errorf("%v, %q", err, c.WebIdentityTokenFile)
				}
				return
			}
			if err != nil || c.WebIdentityTokenFile != test.want || c.RoleARN != "arn:aws:iam::123456789012:role/r" ||
				c.Region != "" {
				t.Errorf("%q, role %s, region %q, %v", c.WebIdentityTokenFile, c.RoleARN, c.Region, err)
			}
		})
	}
}

// A source profile with static keys is used for those, whatever else it names.
func TestBothKeysBesideStaticKeys(t *testing.T) {
	t.Parallel()
	c, err := load(t, "p",
		"[profile p]\n"+role+"source_profile = q\n[profile q]\n"+role+"aws_access_key_id = a\naws_secret_access_key = s\n"+
			"web_identity_token_server = S\nweb_identity_token_file = /B\n", "")
	if err != nil || c.Source == nil || !c.Source.Credentials.HasKeys() {
		t.Fatalf("%+v, %v", c, err)
	}
	if value, _ := config.TokenServer(*c.Source); value != "S" {
		t.Errorf("token server %q", value)
	}
}

func load(t *testing.T, profile, configText, credentialsText string) (config.SharedConfig, error) {
	t.Helper()
	dir := t.TempDir()
	return config.LoadSharedConfigProfile(context.Background(), profile, func(o *config.LoadSharedConfigOptions) {
		o.ConfigFiles = []string{write(t, dir, "config", configText)}
		o.CredentialsFiles = []string{write(t, dir, "credentials", credentialsText)}
	})
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	name = filepath.Join(dir, name)
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
