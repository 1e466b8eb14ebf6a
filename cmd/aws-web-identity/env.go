package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/spf13/cobra"
)

// variable is an environment variable.
type variable struct {
	name, value string
	secret      bool
}

// variables are the variables that SDKs read, as far as they have a value.
func variables(region string, creds aws.Credentials) (set []variable) {
	all := []variable{
		{"AWS_REGION", region, false},
		{"AWS_DEFAULT_REGION", region, false}, // for botocore
		{"AWS_ACCESS_KEY_ID", creds.AccessKeyID, true},
		{"AWS_SECRET_ACCESS_KEY", creds.SecretAccessKey, true},
		{"AWS_SESSION_TOKEN", creds.SessionToken, true},
	}
	if creds.CanExpire {
		all = append(all, variable{"AWS_CREDENTIAL_EXPIRATION", creds.Expires.Format(time.RFC3339), false})
	}
	for _, v := range all {
		if v.value != "" {
			set = append(set, v)
		}
	}
	return set
}

// formats are the ways to write variables down.
var formats = map[string]func([]variable, io.Writer) error{
	"shell":      writeShell,
	"powershell": writePowerShell,
	"dotenv":     writeDotenv,
	"json":       writeJSON,
	"github":     writeGitHub,
}

// formatNames are the names of formats.
func formatNames() []string { return slices.Sorted(maps.Keys(formats)) }

func envCommand() *cobra.Command {
	var (
		id     identity
		format = "shell"
	)
	cmd := &cobra.Command{
		Use:   "env [--profile P] [--format F]",
		Short: "Print a role's credentials as variables",
		Long: `Prints the credentials of a profile as variables, for what comes later in a script.
They are not renewed; exec renews them. The format github sets them for the steps
that follow in the job.`,
		Example: `  eval "$(aws-web-identity env --profile deploy)"`,
		Args:    cobra.NoArgs,
	}
	id.addFlags(cmd)
	cmd.Flags().Var(oneOf(&format, formatNames()...), "format", "one of "+strings.Join(formatNames(), ", "))
	cmd.RunE = runE(func(ctx context.Context, _ []string, out io.Writer) error {
		cfg, creds, err := id.retrieve(ctx)
		if err != nil {
			return err
		}
		return formats[format](variables(cfg.Region, creds), out)
	})
	return cmd
}

func writeShell(set []variable, out io.Writer) error {
	for _, v := range set {
		fmt.Fprintf(out, "export %s='%s'\n", v.name, strings.ReplaceAll(v.value, `'`, `'\''`))
	}
	return nil
}

// PowerShell takes four more characters for an apostrophe.
var apostrophe = regexp.MustCompile(`['\x{2018}-\x{201b}]`)

func writePowerShell(set []variable, out io.Writer) error {
	for _, v := range set {
		fmt.Fprintf(out, "$env:%s = '%s'\n", v.name, apostrophe.ReplaceAllString(v.value, "$0$0"))
	}
	return nil
}

var (
	dotenvPlain  = regexp.MustCompile(`^[\w./:=+@-]+$`)
	dotenvQuoted = regexp.MustCompile(`^[^'\\\pC]+$`)
)

// writeDotenv quotes only where it must: docker run --env-file takes quotes as
// a part of the value.
func writeDotenv(set []variable, out io.Writer) error {
	var b strings.Builder
	for _, v := range set {
		switch {
		case dotenvPlain.MatchString(v.value):
			fmt.Fprintf(&b, "%s=%s\n", v.name, v.value)
		case dotenvQuoted.MatchString(v.value):
			fmt.Fprintf(&b, "%s='%s'\n", v.name, v.value)
		default:
			return fmt.Errorf("%s holds a character that programs read differently in --format dotenv: use --format json",
				v.name)
		}
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func writeJSON(set []variable, out io.Writer) error {
	object := map[string]string{}
	for _, v := range set {
		object[v.name] = v.value
	}
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(object)
}

// writeGitHub masks the secrets in the log of a job, and then sets the variables
// for the steps that follow:
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
func writeGitHub(set []variable, _ io.Writer) error {
	name := os.Getenv("GITHUB_ENV")
	if name == "" {
		return errors.New("GITHUB_ENV is not set: --format github is for a step of GitHub Actions")
	}
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return fmt.Errorf("GITHUB_ENV: %w", err)
	}
	defer file.Close()
	var b strings.Builder
	for _, v := range set {
		if v.secret {
			// At once: it must be out before the file is written.
			masked := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(v.value)
			if _, err := fmt.Fprintf(os.Stdout, "::add-mask::%s\n", masked); err != nil {
				return err
			}
		}
		delimiter := rand.Text()
		fmt.Fprintf(&b, "%s<<%s\n%s\n%[2]s\n", v.name, delimiter, v.value)
	}
	_, err = file.WriteString(b.String())
	return err
}
