package docs_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	upstream "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/awstokenserver/config"
	"github.com/awstokenserver/config/internal/testenv"
	"github.com/awstokenserver/config/tokensource"
	"github.com/awstokenserver/config/webidentity"
	"github.com/awstokenserver/config/webidentity/webidentitytest"
)

// In a chain of profiles the first AssumeRole passes claims as tags, and every
// session after it has them. Another repository is denied.
func TestClaimTags(t *testing.T) {
	const account = "arn:aws:iam::123456789012:role/"
	const chain = "[profile one]\nrole_arn = " + account + "one\nsource_profile = web\n" +
		"[profile two]\nrole_arn = " + account + "two\nsource_profile = one\n" +
		"[profile three]\n" + region + "role_arn = " + account + "three\nsource_profile = two\n" +
		"[profile web]\nrole_arn = " + account + "web\nweb_identity_token_"
	of := func(repository string) map[string]any {
		return map[string]any{"repository": repository, "sub": "repo:" + repository + ":ref:refs/heads/main"}
	}
	for name, test := range map[string]struct {
		key    string
		load   func(context.Context, ...func(*config.LoadOptions) error) (aws.Config, error)
		reuse  bool
		claims map[string]any
		tokens int // 0: denied
	}{
		"server":                       {"server = GitHub\n", config.LoadDefaultConfig, false, nil, 2},
		"server, one token for both":   {"server = GitHub\n", config.LoadDefaultConfig, true, nil, 1},
		"file and upstream's function": {"file = /nowhere\n", upstream.LoadDefaultConfig, true, nil, 1},
		"another repository":           {"server = GitHub\n", config.LoadDefaultConfig, false, of("octo-org/other"), 0},
		"another repository, upstream": {"file = /nowhere\n", upstream.LoadDefaultConfig, true, of("octo-org/other"),
			0},
	} {
		t.Run(name, func(t *testing.T) {
			world := newWorld(t, test.claims)
			world.Setenv(t)
			for _, role := range []webidentitytest.Role{
				{ARN: account + "web", Subject: "repo:octo-org/*"},
				{ARN: account + "one", Principals: []string{account + "web"}, TagSession: true,
					RequestTags: map[string]string{"gh:repository": "octo-org/octo-repo", "gh:ref": "refs/heads/*"}},
				{ARN: account + "two", Principals: []string{account + "one"}, TagSession: true},
				// Its caller has inherited the tags.
				{ARN: account + "three", Principals: []string{account + "two"}, TagSession: true,
					PrincipalTags: map[string]string{"gh:repository": "octo-org/octo-repo", "gh:ref": "refs/heads/main",
						"gh:run_id": "1658821493"}},
			} {
				world.STS.AddRole(role)
			}
			source := tokensource.GitHub()
			options := []func(*config.LoadOptions) error{
				config.WithSharedConfigFiles([]string{testenv.WriteFile(t, "config", chain+test.key)}),
				config.WithSharedConfigProfile("three"),
			}
			if test.reuse {
				source = tokensource.Reuse(source)
				options = append(options, config.WithTokenSource(source))
			}
			options = append(options,
				config.WithAssumeRoleCredentialOptions(webidentity.ClaimTags(source, "gh:", "repository", "ref",
					"run_id")))

			cfg, err := test.load(t.Context(), options...)
			if err != nil || len(world.TokenServer.Requests())+len(world.STS.Requests()) != 0 {
				t.Fatalf("the load uses the network, or fails: %v", err)
			}
			who, err := sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), nil)
			if test.tokens == 0 {
				var api smithy.APIError
				if !errors.As(err, &api) || api.ErrorCode() != "AccessDenied" ||
					!strings.Contains(api.ErrorMessage(), account+"one") {
					t.Errorf("got %v, and not that role one is denied", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(*who.Arn, "arn:aws:sts::123456789012:assumed-role/three/") {
				t.Error(*who.Arn)
			}
			if tokens := len(world.TokenServer.Requests()); tokens != test.tokens {
				t.Errorf("%d tokens, want %d", tokens, test.tokens)
			}
		})
	}
}
