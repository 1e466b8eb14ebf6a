package config_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/awstokenserver/config"
	"github.com/awstokenserver/config/tokensource"
	"github.com/awstokenserver/config/webidentity/webidentitytest"
)

// A job reaches a role through a profile. The world stands for GitHub Actions
// and AWS.
func ExampleLoadDefaultConfig() {
	world := webidentitytest.New()
	defer world.Close()
	world.Setenv(processEnv{})
	world.STS.AddRole(webidentitytest.Role{ARN: "arn:aws:iam::123456789012:role/deploy",
		Subject: "repo:octo-org/octo-repo:*"})
	file := filepath.Join(os.TempDir(), fmt.Sprintf("example-%d", os.Getpid()))
	defer os.Remove(file)
	os.WriteFile(file, []byte(`
[profile deploy]
role_arn = arn:aws:iam::123456789012:role/deploy
role_session_name = release
web_identity_token_server = GitHub
`), 0o600)

	cfg, err := config.LoadDefaultConfig(context.Background(),
		config.WithSharedConfigFiles([]string{file}),
		config.WithSharedConfigProfile("deploy"))
	if err != nil {
		log.Fatal(err)
	}
	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(context.Background(), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(*who.Arn)
	// Output: arn:aws:sts::123456789012:assumed-role/deploy/release
}

// The same from the environment, with tokens from the program itself.
func ExampleWithTokenSource() {
	world := webidentitytest.New()
	defer world.Close()
	world.Setenv(processEnv{})
	world.STS.AddRole(webidentitytest.Role{ARN: "arn:aws:iam::123456789012:role/batch",
		Subject: "spiffe://example.org/batch"})
	os.Setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/batch")
	os.Setenv("AWS_ROLE_SESSION_NAME", "nightly")
	os.Setenv("AWS_WEB_IDENTITY_TOKEN_SERVER", "GitHub")

	workload := tokensource.Func(func(context.Context) (tokensource.Token, error) {
		return tokensource.Token{Value: world.Issuer.Sign(map[string]any{"sub": "spiffe://example.org/batch",
			"aud": "sts.amazonaws.com"})}, nil
	})
	cfg, err := config.LoadDefaultConfig(context.Background(), config.WithTokenSource(workload))
	if err != nil {
		log.Fatal(err)
	}
	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(context.Background(), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(*who.Arn)
	// Output: arn:aws:sts::123456789012:assumed-role/batch/nightly
}

// A setting that can never work is known before anything is sent.
func ExampleLoadDefaultConfig_invalid() {
	world := webidentitytest.New()
	defer world.Close()
	world.Setenv(processEnv{})
	os.Setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/deploy")
	os.Setenv("AWS_WEB_IDENTITY_TOKEN_SERVER", "github")

	_, err := config.LoadDefaultConfig(context.Background())
	message, link, _ := strings.Cut(err.Error(), " (")
	fmt.Println(message)
	fmt.Println(link)
	// Output:
	// AWS_WEB_IDENTITY_TOKEN_SERVER: "github" is not the name of a token server, GitHub is; write GitHub
	// https://github.com/awstokenserver/config/blob/main/docs/troubleshooting.md#config-invalid)
}

// processEnv sets variables of this process.
type processEnv struct{}

func (processEnv) Setenv(name, value string) { os.Setenv(name, value) }
