package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/spf13/cobra"
	"golang.org/x/term"

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

type demoIdentity struct {
	profile, account, server, audience string
	source                             string // its source profile
}

// identities are the profiles of the demo, and how the environment says the
// same.
var identities = []demoIdentity{
	{profile: "github", account: "111111111111", server: "GitHub"},
	{profile: "audience", account: "222222222222", server: "GitHub,audit.example.com", audience: "audit.example.com"},
	{profile: "pair", account: "333333333333", server: "DEMO_URL,DEMO_TOKEN,sts.amazonaws.com"},
	{profile: "document", account: "444444444444", server: encoded},
	{profile: "chained", account: "555555555555", source: "github"},
	{profile: "denied", account: "666666666666", server: "GitHub"},
}

func roleARN(account, profile string) string { return "arn:aws:iam::" + account + ":role/" + profile }

func demoCommand() *cobra.Command {
	var serve bool
	cmd := &cobra.Command{
		Use:   "demo [--serve]",
		Short: "Assume roles in a world on loopback, with every form of the value",
		Long: `Makes a world on loopback, with a token server, an OIDC issuer and an STS, and assumes
roles in it with every form of web_identity_token_server. It needs no account.`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().BoolVar(&serve, "serve", false, "leave the world running, and print what to export to be in it")
	cmd.RunE = runE(func(ctx context.Context, _ []string, out io.Writer) error {
		d, err := newDemo(out)
		if err != nil {
			return err
		}
		defer d.close()
		if serve {
			return d.serve(ctx)
		}
		return d.run(ctx)
	})
	return cmd
}

// demonstration is a world with a config file.
type demonstration struct {
	world *webidentitytest.World
	dir   string
	out   io.Writer
}

func newDemo(out io.Writer) (*demonstration, error) {
	d := &demonstration{world: webidentitytest.New(), out: out}
	var err error
	if d.dir, err = os.MkdirTemp("", program+"-"); err == nil {
		err = os.WriteFile(d.file(), []byte(sharedConfig(d.world)), 0o600)
	}
	if err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

func (d *demonstration) close() {
	d.world.Close()
	os.RemoveAll(d.dir)
}

func (d *demonstration) file() string { return filepath.Join(d.dir, "config") }

// variables are those of a job in the world.
func (d *demonstration) variables() map[string]string {
	set := d.world.Env()
	set["DEMO_URL"], set["DEMO_TOKEN"] = d.world.TokenServer.URL, d.world.TokenServer.RequestToken
	return set
}

// serve prints what to export, and leaves the world running until ctx is done.
func (d *demonstration) serve(ctx context.Context) error {
	set := []variable{{name: "AWS_CONFIG_FILE", value: d.file()}}
	for name, value := range d.variables() {
		set = append(set, variable{name: name, value: value})
	}
	slices.SortFunc(set, func(a, b variable) int { return strings.Compare(a.name, b.name) })
	if err := writeShell(set, d.out); err != nil {
		return err
	}
	d.flush()
	fmt.Fprintf(os.Stderr, "In a shell with these variables: %s check, explain --profile denied --fetch, exec github -- aws sts get-caller-identity.\n"+
		"The world ends with Ctrl-C.\n", program)
	<-ctx.Done()
	return nil
}

// flush lets a person see what has been written until now.
func (d *demonstration) flush() {
	if f, ok := d.out.(interface{ Flush() error }); ok {
		f.Flush()
	}
}

const demoRow = "  %-13s %-24s %s\n"

// run assumes every role of identities, and writes what happened in 24 lines of 80
// characters. An error means that something did not happen as it should.
func (d *demonstration) run(ctx context.Context) error {
	d.world.Setenv(processEnv{})
	for name, value := range d.variables() {
		os.Setenv(name, value)
	}
	fmt.Fprintf(d.out, "A job needs roles in many accounts, and has no key. One line a profile does it:\n\n"+
		"  [profile github]\n  role_arn = %s\n  web_identity_token_server = GitHub\n\n", roleARN(identities[0].account, "github"))
	fmt.Fprintf(d.out, demoRow, "PROFILE", "TOKEN SERVER", "ASSUMED ROLE")
	for _, fromEnvironment := range []bool{false, true} {
		for _, id := range identities {
			if id.profile == "denied" || fromEnvironment && id.source != "" {
				continue
			}
			if err := d.assume(ctx, id, fromEnvironment); err != nil {
				return err
			}
		}
	}
	if err := d.deny(ctx); err != nil {
		return err
	}
	if err := d.renew(ctx); err != nil {
		return err
	}
	_, err := fmt.Fprintf(d.out, "%d token requests and %d exchanges with STS; nothing was stored.\n",
		len(d.world.TokenServer.Requests()), exchanges(d.world))
	return err
}

// assume assumes the role of a profile, or the same as the environment says it.
func (d *demonstration) assume(ctx context.Context, id demoIdentity, fromEnvironment bool) error {
	options := []func(*config.LoadOptions) error{config.WithSharedConfigFiles([]string{d.file()})}
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
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	session := fmt.Sprintf("%s:assumed-role/%s/demo", id.account, id.profile)
	if *who.Arn != "arn:aws:sts::"+session {
		return fmt.Errorf("%s: assumed %s, not %s", name, *who.Arn, session)
	}
	if term.IsTerminal(int(os.Stdout.Fd())) {
		time.Sleep(300 * time.Millisecond) // so that a person sees one after the other
	}
	fmt.Fprintf(d.out, demoRow, name, server, session)
	d.flush()
	return nil
}

// deny asks for a role that trusts another repository.
func (d *demonstration) deny(ctx context.Context) error {
	id := identity{profile: "denied"}
	os.Setenv("AWS_CONFIG_FILE", d.file())
	cfg, err := id.load(ctx)
	if err != nil {
		return err
	}
	_, err = cfg.Credentials.Retrieve(ctx)
	var refusal *tokensource.Error
	if !errors.As(err, &refusal) || refusal.Class != tokensource.RoleDenied {
		return fmt.Errorf("the profile denied should have been denied: %w", err)
	}
	reason, _, _ := strings.Cut(refusal.Problem, ": operation error")
	_, err = fmt.Fprintf(d.out, "\n%s\n", layout.WrapAt("denied: "+reason+". The role trusts another repository.", 78))
	d.flush()
	return err
}

// renew shows credentials that are renewed ahead of their end.
func (d *demonstration) renew(ctx context.Context) error {
	world := webidentitytest.New()
	defer world.Close()
	const life = 10 * time.Second
	world.STS.Lifetime = life // they are renewed when nine tenths are left
	sharedConfig(world)
	for name, value := range world.Env() {
		os.Setenv(name, value)
	}
	id := identity{profile: "github"}
	cfg, err := id.load(ctx)
	if err != nil {
		return err
	}
	first, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return err
	}
	for next := first; ; {
		if next.AccessKeyID != first.AccessKeyID {
			_, err := fmt.Fprintf(d.out, "renewed: …%s became …%s, %.0f s before its end.\n", first.AccessKeyID[16:],
				next.AccessKeyID[16:], time.Until(first.Expires).Seconds())
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
		if next, err = cfg.Credentials.Retrieve(ctx); err != nil {
			return err
		}
		if time.Until(first.Expires) < 0 {
			return errors.New("the credentials of github were not renewed")
		}
	}
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
		return server[:11] + "… (document)"
	}
	if len(server) > 24 {
		return server[:23] + "…"
	}
	return server
}

// processEnv sets variables of this process.
type processEnv struct{}

func (processEnv) Setenv(name, value string) { os.Setenv(name, value) }
