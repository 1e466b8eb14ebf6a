package docs_test

import (
	"testing"

	"github.com/awstokenserver/config/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

const (
	role1         = "role_arn = arn:aws:iam::123456789012:role/one\n"
	role2         = "role_arn = arn:aws:iam::123456789012:role/two\n"
	region        = "region = eu-west-1\n"
	deflt         = "[default]\n" + region
	keys          = "aws_access_key_id = AKIA\naws_secret_access_key = secret\n"
	serverProfile = "[profile web]\n" + region + role1 + "web_identity_token_server = GitHub\n"
)
