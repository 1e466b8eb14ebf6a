package integration

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/awstokenserver/config"
	"github.com/awstokenserver/config/internal/testenv"
	"github.com/awstokenserver/config/tokensource"
	"github.com/awstokenserver/config/webidentity/webidentitytest"
)

// Credentials from a token server are renewed ahead of their expiry, wherever it
// is named and whatever role follows; no other credentials are.
func TestRenewedAhead(t *testing.T) {
	world := webidentitytest.New()
	t.Cleanup(world.Close)
	world.Setenv(t)
	world.STS.Lifetime = 20 * time.Second // renewed after two
	arn := func(name string) string { return "arn:aws:iam::123456789012:role/" + name }
	for _, name := range []string{"profile", "source", "environment", "token-source", "option", "file"} {
		world.STS.AddRole(webidentitytest.Role{ARN: arn(name), Subject: "*"})
	}
	world.STS.AddRole(webidentitytest.Role{ARN: arn("chained"), Principals: []string{arn("source")}})
	token := world.Issuer.Sign(map[string]any{"sub": "me", "aud": "sts.amazonaws.com"})
	server, file := "web_identity_token_server = GitHub\n",
		"web_identity_token_file = "+testenv.WriteFile(t, "token", token)+"\n"
	t.Setenv("AWS_CONFIG_FILE", testenv.WriteFile(t, "config", ""+
		"[profile profile]\nrole_arn = "+arn("profile")+"\n"+server+
		"[profile source]\nrole_arn = "+arn("source")+"\n"+server+
		"[profile chained]\nsource_profile = source\nrole_arn = "+arn("chained")+"\n"+
		"[profile option]\nrole_arn = "+arn("option")+"\n"+server))
	files := testenv.WriteFile(t, "files",
		"[profile token-source]\nrole_arn = "+arn("token-source")+"\n"+file+"[profile file]\nrole_arn = "+arn("file")+"\n"+file)
	t.Setenv("AWS_ROLE_ARN", arn("environment"))
	t.Setenv("AWS_WEB_IDENTITY_TOKEN_SERVER", "GitHub")

	cases := map[string]struct {
		options   []func(*config.LoadOptions) error
		exchanges int
	}{
		"profile":     {nil, 2},
		"chained":     {nil, 2},
		"environment": {nil, 2},
		"token-source": {[]func(*config.LoadOptions) error{
			config.WithSharedConfigFiles([]string{files}),
			config.WithTokenSource(tokensource.Func(func(context.Context) (tokensource.Token, error) { return tokensource.Token{Value: token}, nil })),
		}, 2},
		"option": {[]func(*config.LoadOptions) error{config.WithCredentialsCacheOptions(func(*aws.CredentialsCacheOptions) {})}, 1},
		"file":   {[]func(*config.LoadOptions) error{config.WithSharedConfigFiles([]string{files})}, 1},
	}
	configs := map[string]aws.Config{}
	for name, c := range cases {
		if name != "environment" {
			c.options = append(c.options, config.WithSharedConfigProfile(name))
		}
		cfg, err := config.LoadDefaultConfig(t.Context(), c.options...)
		if err != nil {
			t.Fatal(err)
		}
		configs[name] = cfg
	}
	retrieve := func(name string) {
		creds, err := configs[name].Credentials.Retrieve(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if left := time.Until(creds.Expires); left < 5*time.Second || left > 20*time.Second {
			t.Errorf("%s: credentials for %v", name, left)
		}
	}
	for name := range cases {
		retrieve(name)
	}
	time.Sleep(2200 * time.Millisecond)
	for name := range cases {
		retrieve(name)
	}

	exchanges := func(name string) (n int) {
		for _, r := range world.STS.Requests() {
			if r.Form.Get("RoleArn") == arn(name) {
				n++
			}
		}
		return n
	}
	for name, c := range cases {
		for end := time.Now().Add(10 * time.Second); exchanges(name) < c.exchanges && time.Now().Before(end); { // in the background
			time.Sleep(10 * time.Millisecond)
			retrieve(name) // the cache's timer may be late
		}
		if n := exchanges(name); n != c.exchanges {
			t.Errorf("%s: %d exchanges, want %d", name, n, c.exchanges)
		}
	}
}
