package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/spf13/cobra"

	"github.com/awstokenserver/config/cmd/internal/profiles"
	"github.com/awstokenserver/config/internal/progress"
	"github.com/awstokenserver/config/tokensource"
)

func checkCommand() *cobra.Command {
	var profile string
	name := "text"
	cmd := &cobra.Command{
		Use:   "check [--profile P] [--format text|json]",
		Short: "Get the role of one profile or of all, and say who that is",
		Long: `Fetches a token, gets the role, and asks STS who that is: for the profile that is
named, or for all that rest on a token server at once, and for the role that the
environment names.

Exit status: 0 if all are well, 1 if not.`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringVar(&profile, "profile", "", "`profile` of the config file (default: all)")
	cmd.RegisterFlagCompletionFunc("profile", completeProfiles)
	cmd.Flags().Var(oneOf(&name, "text", "json"), "format", "text or json")
	cmd.RunE = runE(func(ctx context.Context, _ []string, out io.Writer) error {
		names, err := checked(ctx, profile)
		if err != nil {
			return err
		}
		results := checkAll(ctx, names)
		write := writeResults
		if name == "json" {
			write = func(results []result, out io.Writer) error { return writeIndented(results, out) }
		}
		if err := write(results, out); err != nil {
			return err
		}
		for _, r := range results {
			if r.Error != "" {
				return exitCode(1)
			}
		}
		return nil
	})
	return cmd
}

// checked returns the profiles to check. An empty one is the role of the environment.
func checked(ctx context.Context, profile string) (names []string, err error) {
	if profile != "" {
		return []string{profile}, nil
	}
	files, err := profiles.Read()
	if err != nil {
		return nil, err
	}
	names = files.OnTokenServer(ctx)
	if strings.TrimSpace(os.Getenv("AWS_WEB_IDENTITY_TOKEN_SERVER")) != "" {
		names = append(names, "")
	}
	if len(names) == 0 {
		id := identity{}
		return nil, id.withProblems(fmt.Errorf("no profile of %s rests on a token server", files.ConfigFile))
	}
	return names, nil
}

// result is what came of a check.
type result struct {
	Profile string            `json:"profile,omitempty"` // none: the environment
	Account string            `json:"account,omitempty"`
	Role    string            `json:"role,omitempty"`
	Session string            `json:"session,omitempty"`
	Expires *time.Time        `json:"expires,omitempty"`
	Error   string            `json:"error,omitempty"`
	Class   tokensource.Class `json:"class,omitempty"`
}

func (r *result) name() string { return cmp.Or(r.Profile, "(environment)") }

// checkAll checks the profiles at once.
func checkAll(ctx context.Context, names []string) []result {
	results := make([]result, len(names))
	var (
		wait sync.WaitGroup
		done atomic.Int64
	)
	stop := progress.Show(func() string { return fmt.Sprintf("checked %d of %d profiles", done.Load(), len(names)) })
	defer stop()
	for i, name := range names {
		wait.Add(1)
		go func() {
			defer wait.Done()
			defer done.Add(1)
			results[i] = check(ctx, name)
		}()
	}
	wait.Wait()
	return results
}

// check gets the role of a profile, and asks STS who that is.
func check(ctx context.Context, profile string) (r result) {
	r.Profile = profile
	failed := func(err error) result {
		r.Error = describe(err)
		if known := (*tokensource.Error)(nil); errors.As(err, &known) {
			r.Class = known.Class
		}
		if ctx.Err() != nil {
			r.Error = "interrupted"
		}
		return r
	}
	id := identity{profile: profile}
	cfg, err := id.load(ctx)
	if err != nil {
		return failed(err)
	}
	creds, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return failed(err)
	}
	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, nil)
	if err != nil {
		return failed(err)
	}
	parsed, err := arn.Parse(*who.Arn)
	if err != nil {
		return failed(err)
	}
	r.Account = parsed.AccountID
	if words := strings.Split(parsed.Resource, "/"); len(words) == 3 {
		r.Role, r.Session = words[1], words[2]
	} else {
		r.Role = parsed.Resource
	}
	if creds.CanExpire {
		r.Expires = &creds.Expires
	}
	return r
}

func writeResults(results []result, out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "PROFILE\tACCOUNT\tROLE\tSESSION\tLIFE")
	for _, r := range results {
		if r.Error != "" {
			continue
		}
		life := "-"
		if r.Expires != nil {
			life = time.Until(*r.Expires).Round(time.Minute).String()
			life = strings.TrimSuffix(life, "0s")
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", r.name(), r.Account, r.Role, r.Session, life)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, r := range results {
		if r.Error != "" {
			if _, err := fmt.Fprintf(out, "%s: %s\n", r.name(), r.Error); err != nil {
				return err
			}
		}
	}
	return nil
}
