package sharedfile

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestWithProcesses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		config, credentials, profile, wantConfig, wantCredentials string
	}{
		"a token server": {
			config: "# mine\r\n[profile a]\r\nregion = eu-west-1 ; here\r\nrole_arn = r\r\nweb_identity_token_server = GitHub # there\r\n" +
				"s3 =\r\n  role_arn = nested\r\n[profile b]\nrole_arn = r",
			profile: "a",
			wantConfig: "# mine\r\n[profile a]\r\nregion = eu-west-1 ; here\r\ncredential_process = P\r\nweb_identity_token_server_unused = GitHub # there\r\n" +
				"s3 =\r\n  role_arn = nested\r\n[profile b]\nrole_arn = r",
		},
		"indented": {
			config: "[profile a]\n\tROLE_ARN : r\n\tsource_profile=b\n", profile: "a",
			wantConfig: "[profile a]\n\tcredential_process = P\n\tsource_profile_unused =b\n",
		},
		"keys": {
			config: "[profile a]\naws_access_key_id = AKIA\naws_secret_access_key = s3cr3t\nregion = x\n", profile: "a",
			wantConfig: "[profile a]\ncredential_process = P\naws_secret_access_key_unused = -\nregion = x\n",
		},
		"nothing named":           {"[profile a]\n  region = x\n", "", "a", "[profile a]\n  credential_process = P\n  region = x\n", ""},
		"nothing at all":          {"[profile a]", "", "a", "[profile a]\ncredential_process = P\n", ""},
		"no such profile":         {"[profile b]\n", "", "default", "[profile b]\n\n[default]\ncredential_process = P\n", ""},
		"no file":                 {"", "", "default", "\n[default]\ncredential_process = P\n", ""},
		"default as a profile":    {"[profile default]\nrole_arn = r\n", "", "default", "[profile default]\ncredential_process = P\n", ""},
		"two sections of one":     {"[profile a]\nx = y\n[profile a]\nrole_arn = r\n", "", "a", "[profile a]\nx = y\n[profile a]\ncredential_process = P\n", ""},
		"a name with all in it":   {"[profile a ']b\"]\nrole_arn = r\n", "", "a ']b\"", "[profile a ']b\"]\ncredential_process = P\n", ""},
		"sections of other kinds": {"[sso-session a]\nsso_region = x\n", "", "default", "[sso-session a]\nsso_region = x\n\n[default]\ncredential_process = P\n", ""},
		"a credentials file": {
			"[profile a]\nregion = x\n", "[b]\naws_secret_access_key = b\n[a]\nrole_arn = r\naws_secret_access_key = s3cr3t\nregion = y\n", "a",
			"[profile a]\ncredential_process = P\nregion = x\n",
			"[b]\naws_secret_access_key = b\n[a]\nrole_arn_unused = r\naws_secret_access_key_unused = -\nregion = y\n",
		},
		"a credentials file alone": {
			"", "[a]\nweb_identity_token_server = GitHub\n", "a", "\n[profile a]\ncredential_process = P\n",
			"[a]\nweb_identity_token_server_unused = GitHub\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write := func(name, text string) string {
				name = filepath.Join(dir, name)
				if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				return name
			}
			p, err := ReadProfiles(write("config", c.config), write("credentials", c.credentials))
			if err != nil {
				t.Fatal(err)
			}
			config, credentials := p.WithProcesses(map[string]string{c.profile: "P"})
			if string(config) != c.wantConfig || string(credentials) != c.wantCredentials {
				t.Errorf("got\n%q\n%q, want\n%q\n%q", config, credentials, c.wantConfig, c.wantCredentials)
			}
			again, err := ReadProfiles(write("config", string(config)), write("credentials", string(credentials)))
			if err != nil || again.Value(c.profile, "credential_process") != "P" ||
				strings.Contains(string(config)+string(credentials), "s3cr3t") {
				t.Errorf("%v: %q", err, config)
			}
		})
	}
}

func TestReadProfiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	config, credentials := filepath.Join(dir, "config"), filepath.Join(dir, "credentials")
	os.WriteFile(config, []byte("[default]\nregion = a\n[profile x]\nregion = b\n[y]\nregion = c\n[services s]\nsts =\n[sso-session t]\n"), 0o600)
	os.WriteFile(credentials, []byte("[x]\nregion = d\n[z]\naws_access_key_id = e\n"), 0o600)
	p, err := ReadProfiles(config, credentials)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"default", "x", "z"}; !slices.Equal(p.Names(), want) {
		t.Errorf("profiles %q, want %q", p.Names(), want)
	}
	if got := p.Value("x", "region"); got != "d" {
		t.Errorf("region %s", got)
	}
}
