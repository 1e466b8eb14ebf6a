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

// explainProfile writes which credentials the SDK would use, and why.
func explainProfile(flags *flag.FlagSet) runner {
	var request explain.Request
	flags.StringVar(&request.Profile, "profile", "", "")
	flags.BoolVar(&request.Fetch, "fetch", false, "")
	policyFile := flags.String("trust-policy", "", "")
	format := (*explain.Explanation).Text
	flags.Func("format", "", func(name string) error {
		switch name {
		case "text":
			format = (*explain.Explanation).Text
		case "json":
			format = (*explain.Explanation).JSON
		default:
			return errors.New("must be text or json")
		}
		return nil
	})
	return func(ctx context.Context, _ []string, out io.Writer) error {
		if *policyFile != "" {
			request.Fetch = true
			text, err := readInput(*policyFile, 64<<20)
			if err != nil {
				return err
			}
			if request.Policy, err = trustpolicy.Parse(text); err != nil {
				return fmt.Errorf("%s: %w", *policyFile, err)
			}
		}
		e := explain.Explain(ctx, request)
		if _, err := io.WriteString(out, format(e)); err != nil {
			return err
		}
		if !e.OK() {
			return exitCode(1)
		}
		return nil
	}
}
