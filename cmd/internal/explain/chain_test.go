package explain

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/awstokenserver/config"
	"github.com/awstokenserver/config/webidentity/webidentitytest"
)

// The SDK says which credentials it uses. Not parallel: it sets the environment.
func TestExplainAgreesWithSDK(t *testing.T) {
	sources := map[string]aws.CredentialSource{
		"AWS_ACCESS_KEY_ID":                      aws.CredentialSourceEnvVars,
		"AWS_WEB_IDENTITY_TOKEN_SERVER":          aws.CredentialSourceEnvVarsSTSWebIDToken,
		"AWS_WEB_IDENTITY_TOKEN_FILE":            aws.CredentialSourceEnvVarsSTSWebIDToken,
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": aws.CredentialSourceHTTP,
		"aws_access_key_id":                      aws.CredentialSourceProfile,
		"credential_source":                      aws.CredentialSourceProfileNamedProvider,
		"web_identity_token_server":              aws.CredentialSourceProfileSTSWebIDToken,
		"web_identity_token_file":                aws.CredentialSourceProfileSTSWebIDToken,
		"sso_session":                            aws.CredentialSourceProfileSSO,
		"sso_start_url":                          aws.CredentialSourceProfileSSOLegacy,
		"login_session":                          aws.CredentialSourceProfileLogin,
		"credential_process":                     aws.CredentialSourceProfileProcess, "EC2 instance metadata": aws.CredentialSourceIMDS,
	}
	const (
		role   = "role_arn = arn:aws:iam::111111111111:role/r\n"
		server = "web_identity_token_server = GitHub\n"
		keys   = "aws_access_key_id = AKIA\naws_secret_access_key = s\n"
		legacy = "sso_region = us-east-1\nsso_start_url = https://x\nsso_account_id = 1\nsso_role_name = x\n"
		login  = "login_session = arn:aws:iam::111111111111:user/u\n"
	)
	world := webidentitytest.New()
	defer world.Close()
	file := filepath.Join(t.TempDir(), "config")
	seen := map[string]bool{}
	for i, text := range []string{
		"", role, role + server, role + server + keys, role + server + legacy + login,
		role + "web_identity_token_file = /t\n" + legacy,
		role + "credential_source = Environment\n" + legacy, role + "credential_source = Environment\n" + keys,
		legacy + login + "credential_process = x\n",
		"sso_session = s\n" + login, login + "credential_process = x\n", "credential_process = x\n", keys + role,
		role + "source_profile = next\n" + keys + "[profile next]\n" + role + server,
		role + "source_profile = next\n[profile next]\n" + keys + role + server,
		role + "source_profile = next\n" + login + "[profile next]\n" + legacy + login,
		role + "source_profile = p\n" + keys,
	} {
		os.WriteFile(file, []byte("[sso-session s]\nsso_region = us-east-1\nsso_start_url = https://x\n[profile p]\n"+text), 0o600)
		for set := range 1 << 5 {
			t.Run(fmt.Sprintf("%d/%05b", i, set), func(t *testing.T) {
				world.Setenv(t)
				t.Setenv("AWS_CONFIG_FILE", file)
				profile := "p"
				for bit, variables := range [][]string{{"AWS_PROFILE=p"},
					{"AWS_ACCESS_KEY_ID=AKIA", "AWS_SECRET_ACCESS_KEY=s"},
					{"AWS_WEB_IDENTITY_TOKEN_SERVER=GitHub", "AWS_ROLE_ARN=arn:aws:iam::444444444444:role/env"},
					{"AWS_WEB_IDENTITY_TOKEN_FILE=/t", "AWS_ROLE_ARN=arn:aws:iam::444444444444:role/env"},
					{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/"}} {
					if set&(1<<bit) == 0 {
						continue
					}
					if bit == 0 {
						profile = ""
					}
					for _, v := range variables {
						name, value, _ := strings.Cut(v, "=")
						t.Setenv(name, value)
					}
				}
				e := &Explanation{}
				_, err := e.load(t.Context(), Request{Profile: profile})
				cfg, wantErr := config.LoadDefaultConfig(t.Context(), config.WithSharedConfigProfile(profile))
				if err != nil || wantErr != nil {
					if fmt.Sprint(err) != fmt.Sprint(wantErr) {
						t.Errorf("error %v, want %v", err, wantErr)
					}
					return
				}
				seen[e.Used.Name] = true
				want := sources[e.Used.Name]
				if got := cfg.Credentials.(*aws.CredentialsCache).ProviderSources(); !slices.Contains(got, want) ||
					want == aws.CredentialSourceHTTP && len(got) > 2 {
					t.Errorf("%s is used, the SDK says %v\n%s", e.Used, got, text)
				}
			})
		}
	}
	for name := range sources {
		if !seen[name] {
			t.Errorf("%s is never used", name)
		}
	}
}
