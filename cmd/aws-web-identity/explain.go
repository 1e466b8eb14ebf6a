package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/awstokenserver/config/cmd/internal/explain"
	"github.com/awstokenserver/config/internal/trustpolicy"
)

// largestPlan bounds what is read of a policy, which may be in a plan of Terraform.
const largestPlan = 64 << 20

// explainFlags are the flags of explain.
type explainFlags struct {
	explain.Request
	policyFile, claimsFile, tokenFile, expect string
	review, suggest, json                     bool
}

// explained is what explain writes.
type explained interface {
	Text() string
	JSON() string
}

func explainCommand() *cobra.Command {
	f, format := &explainFlags{}, "text"
	cmd := &cobra.Command{
		Use:   "explain [--profile P] [--fetch] [--trust-policy FILE|-]",
		Short: "Say which credentials are used, and why a role is denied",
		Long: `Says which credentials the SDK uses and which it passes over, and where the token
comes from. With --trust-policy, says whether and why that policy lets the token in;
with --claims or --token, without a token server.

Exit status: 0 if the role can be had, as far as was looked, or else 1; 3 if --review
warns.`,
		Args: cobra.NoArgs,
	}
	flags := cmd.Flags()
	addProfile(cmd, &f.Profile)
	flags.BoolVar(&f.Fetch, "fetch", false, "fetch a token, and show its claims")
	flags.StringVar(&f.policyFile, "trust-policy", "", "`FILE` or - with a trust policy, or with a plan of Terraform")
	flags.StringVar(&f.claimsFile, "claims", "", "`FILE` or - with claims, or a list of cases, in place of a token")
	flags.StringVar(&f.tokenFile, "token", "", "`FILE` or - with a token")
	flags.BoolVar(&f.review, "review", false, "warn of what the policy lets in")
	flags.BoolVar(&f.suggest, "suggest", false, "print a policy that lets the token in")
	flags.Var(oneOf(&f.expect, "allow", "deny"), "expect", "what should come of --claims or --token: allow or deny")
	flags.Var(oneOf(&format, "text", "json"), "format", "text or json")
	cmd.MarkFlagsMutuallyExclusive("claims", "token")
	cmd.RunE = runE(func(ctx context.Context, args []string, out io.Writer) error {
		f.json = format == "json"
		return f.run(ctx, args, out)
	})
	return cmd
}

func (f *explainFlags) run(ctx context.Context, _ []string, out io.Writer) error {
	if err := f.check(); err != nil {
		return err
	}
	if f.policyFile != "" {
		text, err := readInput(f.policyFile, largestPlan)
		if err != nil {
			return err
		}
		if f.Policies, err = trustpolicy.ParseAll(text); err != nil {
			return fmt.Errorf("%s: %w", f.policyFile, err)
		}
	}
	if f.offline() {
		return f.try(out)
	}
	f.Fetch = f.Fetch || f.suggest || f.Policies != nil
	e := explain.Explain(ctx, f.Request)
	if f.suggest && e.Token != nil {
		return f.writeSuggestion(out, e.Token.Claims, e.RoleARN())
	}
	return f.write(out, e, e.OK())
}

// offline reports whether neither a profile nor a token server is asked.
func (f *explainFlags) offline() bool { return f.claimsFile != "" || f.tokenFile != "" || f.review }

// check reports flags that do not go together.
func (f *explainFlags) check() error {
	switch {
	case f.policyFile == "" && (f.review || f.expect != "" || f.offline() && !f.suggest):
		return wrongly("--review, --expect, --claims, and --token need --trust-policy")
	case f.expect != "" && !f.offline():
		return wrongly("--expect needs --claims or --token")
	}
	return nil
}

// try writes what policies say of claims that are given.
func (f *explainFlags) try(out io.Writer) error {
	var cases []explain.Case
	read := func(name string, parse func([]byte) ([]explain.Case, error)) error {
		text, err := readInput(name, largestPlan)
		if err != nil {
			return err
		}
		if cases, err = parse(text); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	}
	var err error
	if f.claimsFile != "" {
		err = read(f.claimsFile, explain.ReadCases)
	} else if f.tokenFile != "" {
		err = read(f.tokenFile, explain.ReadToken)
	}
	if err != nil {
		return err
	}
	if f.suggest {
		if len(cases) != 1 {
			return wrongly("--suggest needs the claims of one token")
		}
		return f.writeSuggestion(out, cases[0].Claims, "")
	}
	for i := range cases {
		if cases[i].Expect == "" {
			cases[i].Expect = f.expect
		}
	}
	trial := explain.Try(f.Policies, cases)
	if err := f.write(out, trial, trial.OK(cases)); err != nil {
		return err
	}
	if f.review && len(trial.Warnings) > 0 {
		return exitCode(3)
	}
	return nil
}

func (f *explainFlags) writeSuggestion(out io.Writer, claims map[string]any, roleARN string) error {
	s, err := explain.Suggest(claims, roleARN)
	if err != nil {
		return err
	}
	return f.write(out, s, true)
}

func (f *explainFlags) write(out io.Writer, e explained, ok bool) error {
	text := e.Text
	if f.json {
		text = e.JSON
	}
	if _, err := io.WriteString(out, text()); err != nil {
		return err
	}
	if !ok {
		return exitCode(1)
	}
	return nil
}
