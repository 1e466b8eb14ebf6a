package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/spf13/cobra"

	"github.com/awstokenserver/config"
	"github.com/awstokenserver/config/cmd/internal/layout"
	"github.com/awstokenserver/config/tokensource"
	"github.com/awstokenserver/config/webidentity/webidentitytest"
)

// document is the pair DEMO_URL,DEMO_TOKEN with an audience, spelled out.
const document = `{
  "version": 1,
  "audience": "sts.amazonaws.com",
  "http": {
    "url": "${env:DEMO_URL}",
    "headers": {"Authorization": "Bearer ${env:DEMO_TOKEN}"},
    "query": {"audience": "${audience}"},
    "token": "/value"
  }
}`

var encoded = base64.StdEncoding.EncodeToString([]byte(document))

// identities are the profiles of the demo, and how the environment says the
// same.
var identities = []struct {
	profile, account, server, audience string
	source                             string // its source profile
}{
	{profile: "github", account: "111111111111", server: "GitHub"},
	{profile: "audience", account: "222222222222", server: "GitHub,audit.example.com", audience: "audit.example.com"},
	{profile: "pair", account: "333333333333", server: "DEMO_URL,DEMO_TOKEN,sts.amazonaws.com"},
	{profile: "document", account: "444444444444", server: encoded},
	{profile: "chained", account: "555555555555", source: "github"},
	{profile: "denied", account: "666666666666", server: "GitHub"},
}

func roleARN(account, profile string) string { return "arn:aws:iam::" + account + ":role/" + profile }

func demoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Assume roles in a world on loopback, with every form of the value",
		Args:  cobra.NoArgs,
		RunE:  runE(assumeAll),
	}
}

// assumeAll assumes every role of identities in a world of its own, and writes
// what happened to out. An error means that something did not happen as it
// should.
func assumeAll(ctx context.Context, _ []string, out io.Writer) error {
	world := webidentitytest.New()
	defer world.Close()
	world.Setenv(processEnv{})
	os.Setenv("DEMO_URL", world.TokenServer.URL)
	os.Setenv("DEMO_TOKEN", world.TokenServer.RequestToken)

	dir, err := os.MkdirTemp("", "aws-web-identity-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "config")
	text := sharedConfig(world)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return err
	}

	fmt.Fprint(out, "A token server, an OIDC issuer and an STS listen on loopback. The shared config file:\n\n")
	fmt.Fprint(out, layout.Indent(strings.ReplaceAll(text, encoded, shorten(encoded))))
	fmt.Fprintf(out, "\nThe document:\n\n%s\n", layout.Indent(document))
	fmt.Fprint(out, "Each profile, and each token server once more through AWS_WEB_IDENTITY_TOKEN_SERVER:\n\n")
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "  PROFILE\tTOKEN SERVER\tAUDIENCE\tASSUMED ROLE\tLIFE")
	for _, fromEnvironment := range []bool{false, true} {
		for _, id := range identities {
			if id.profile == "denied" || fromEnvironment && id.source != "" {
				continue
			}
			options := []func(*config.LoadOptions) error{config.WithSharedConfigFiles([]string{file})}
			name, server := id.profile, shorten(id.server)
			if fromEnvironment {
				name = "(environment)"
				os.Setenv("AWS_ROLE_ARN", roleARN(id.account, id.profile))
				os.Setenv("AWS_ROLE_SESSION_NAME", "demo")
				os.Setenv("AWS_WEB_IDENTITY_TOKEN_SERVER", id.server)
			} else {
				options = append(options, config.WithSharedConfigProfile(id.profile))
			}
			if id.source != "" {
				server = "source_profile " + id.source
			}
			who, life, err := assume(ctx, options)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if want := fmt.Sprintf("arn:aws:sts::%s:assumed-role/%s/demo", id.account, id.profile); who != want {
				return fmt.Errorf("%s: assumed %s, not %s", name, who, want)
			}
			audience, err := lastAudience(world)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			fmt.Fprintf(table, "  %s\t%s\t%s\t%s\t%.0f min\n", name, server, audience, who, life.Minutes())
		}
	}
	table.Flush()

	_, _, err = assume(ctx, []func(*config.LoadOptions) error{config.WithSharedConfigFiles([]string{file}),
		config.WithSharedConfigProfile("denied")})
	var refusal *tokensource.Error
	if !errors.As(err, &refusal) || refusal.Class != tokensource.RoleDenied {
		return fmt.Errorf("the profile denied should have been denied: %w", err)
	}
	fmt.Fprintf(out, "\nThe profile denied names a role that trusts another repository:\n\n%s\n",
		layout.Indent(layout.Wrap(refusal.Error())))
	fmt.Fprintf(out, "%d token requests and %d exchanges with STS; nothing was stored.\n",
		len(world.TokenServer.Requests()), exchanges(world))
	return nil
}

// sharedConfig returns the config file of identities, whose roles it adds to the
// world.
func sharedConfig(world *webidentitytest.World) string {
	var b strings.Builder
	for _, id := range identities {
		role := webidentitytest.Role{ARN: roleARN(id.account, id.profile), Subject: "repo:octo-org/octo-repo:*",
			Audience: id.audience}
		fmt.Fprintf(&b, "[profile %s]\nrole_arn = %s\nrole_session_name = demo\n", id.profile, role.ARN)
		switch {
		case id.source != "":
			role.Principals = []string{roleARN(identities[0].account, id.source)}
			fmt.Fprintf(&b, "source_profile = %s\n", id.source)
		case id.profile == "denied":
			role.Subject = "repo:octo-org/another-repo:*"
			fallthrough
		default:
			fmt.Fprintf(&b, "web_identity_token_server = %s\n", id.server)
		}
		b.WriteString("\n")
		world.STS.AddRole(role)
	}
	return b.String()
}

// assume loads the configuration and asks STS who that makes us, and for how
// long.
func assume(
	ctx context.Context, options []func(*config.LoadOptions) error,
) (arn string, life time.Duration, err error) {
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return "", 0, err
	}
	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, nil)
	if err != nil {
		return "", 0, err
	}
	keys, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return "", 0, err
	}
	return *who.Arn, time.Until(keys.Expires), nil
}

// lastAudience returns the audience of the token that STS saw last.
func lastAudience(world *webidentitytest.World) (string, error) {
	var token string
	for _, r := range world.STS.Requests() {
		if value := r.Form.Get("WebIdentityToken"); value != "" {
			token = value
		}
	}
	var claims struct {
		Audience string `json:"aud"`
	}
	err := tokensource.Token{Value: token}.Claims(&claims)
	return claims.Audience, err
}

func exchanges(world *webidentitytest.World) (n int) {
	for _, r := range world.STS.Requests() {
		if strings.HasPrefix(r.Form.Get("Action"), "AssumeRole") {
			n++
		}
	}
	return n
}

func shorten(server string) string {
	if server == encoded {
		return server[:12] + "… (document)"
	}
	return server
}

// processEnv sets variables of this process.
type processEnv struct{}

func (processEnv) Setenv(name, value string) { os.Setenv(name, value) }
