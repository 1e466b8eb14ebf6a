package docs_test

import (
	"testing"

	"github.com/awstokenserver/config"
	"github.com/awstokenserver/config/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// profileFile writes a shared config file and returns the options that load a
// profile of it and nothing else.
func profileFile(t *testing.T, profile, text string) (name string, options []func(*config.LoadOptions) error) {
	t.Helper()
	name = testenv.WriteFile(t, "config", text)
	return name, []func(*config.LoadOptions) error{
		config.WithSharedConfigFiles([]string{name}), config.WithSharedCredentialsFiles([]string{}),
		config.WithSharedConfigProfile(profile), config.WithHTTPClient(&testenv.STS{}),
	}
}

const (
	role1         = "role_arn = arn:aws:iam::123456789012:role/one\n"
	role2         = "role_arn = arn:aws:iam::123456789012:role/two\n"
	region        = "region = eu-west-1\n"
	deflt         = "[default]\n" + region
	keys          = "aws_access_key_id = AKIA\naws_secret_access_key = secret\n"
	serverProfile = "[profile web]\n" + region + role1 + "web_identity_token_server = GitHub\n"
)
