package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"

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

// explainProfile writes which credentials the SDK would use, and why, or what a trust
// policy is worth.
func explainProfile(flags *flag.FlagSet) runner {
	f := &explainFlags{}
	flags.StringVar(&f.Profile, "profile", "", "")
	flags.BoolVar(&f.Fetch, "fetch", false, "")
	flags.StringVar(&f.policyFile, "trust-policy", "", "")
	flags.StringVar(&f.claimsFile, "claims", "", "")
	flags.StringVar(&f.tokenFile, "token", "", "")
	flags.BoolVar(&f.review, "review", false, "")
	flags.BoolVar(&f.suggest, "suggest", false, "")
	flags.Func("expect", "", oneOf(&f.expect, "allow", "deny"))
	var format string
	flags.Func("format", "", func(name string) error {
		f.json = name == "json"
		return oneOf(&format, "text", "json")(name)
	})
	return f.run
}

func oneOf(value *string, a, b string) func(string) error {
	return func(text string) error {
		if text != a && text != b {
			return fmt.Errorf("must be %s or %s", a, b)
		}
		*value = text
		return nil
	}
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
	case f.claimsFile != "" && f.tokenFile != "":
		return errors.New("-claims and -token exclude each other")
	case f.policyFile == "" && (f.review || f.expect != "" || f.offline() && !f.suggest):
		return errors.New("-review, -expect, -claims, and -token need -trust-policy")
	case f.expect != "" && !f.offline():
		return errors.New("-expect needs -claims or -token")
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
			return errors.New("-suggest needs the claims of one token")
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
