package main

import (
	"context"
	"io"
	"os"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/spf13/cobra"

	"github.com/awstokenserver/config/cmd/internal/explain"
)

func envCommand() *cobra.Command {
	var (
		id   identity
		name string
	)
	cmd := &cobra.Command{
		Use:   "env [--profile P] [--format F]",
		Short: "Print a role's credentials as variables",
		Long: `Prints the credentials of a profile as variables, for what comes later in a script.
They are not renewed; exec and setup renew them. Variables that SDKs would prefer, or
that belong to other credentials, are unset. The format github sets the variables for
the steps that follow in the job.`,
		Example: `  eval "$(aws-web-identity env --profile deploy)"
  aws-web-identity env --profile deploy --format fish | source`,
		Args: cobra.NoArgs,
	}
	id.addFlags(cmd)
	addFormat(cmd, &name)
	cmd.RunE = runE(func(ctx context.Context, _ []string, out io.Writer) error {
		cfg, creds, err := id.retrieve(ctx)
		if err != nil {
			return err
		}
		region := cfg.Region
		if id.explicit() { // what the environment says may be of an env before
			region = explain.LoadedProfile(cfg).Region
		}
		return formats[name].write(withoutStale(variables(region, creds)), out)
	})
	return cmd
}

// variables are the variables that SDKs read, as far as they have a value.
func variables(region string, creds aws.Credentials) (set []variable) {
	all := []variable{
		{name: "AWS_REGION", value: region},
		{name: "AWS_DEFAULT_REGION", value: region}, // for botocore
		{name: "AWS_ACCESS_KEY_ID", value: creds.AccessKeyID, secret: true},
		{name: "AWS_SECRET_ACCESS_KEY", value: creds.SecretAccessKey, secret: true},
		{name: "AWS_SESSION_TOKEN", value: creds.SessionToken, secret: true},
		{name: "AWS_ACCOUNT_ID", value: creds.AccountID},
	}
	if creds.CanExpire {
		all = append(all, variable{name: "AWS_CREDENTIAL_EXPIRATION", value: creds.Expires.Format(time.RFC3339)})
	}
	for _, v := range all {
		if v.value != "" {
			set = append(set, v)
		}
	}
	return set
}

// ofContainer are the variables of a container's credentials.
var ofContainer = []string{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"}

// foreign are variables that SDKs would prefer to what they are given, or that belong to
// other credentials.
var foreign = append([]string{
	"AWS_REGION", "AWS_DEFAULT_REGION",
	"AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_SESSION_TOKEN",
	"AWS_SECURITY_TOKEN", "AWS_CREDENTIAL_EXPIRATION", "AWS_CREDENTIAL_FILE", "AWS_ACCOUNT_ID",
	"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE",
}, ofContainer...)

// withoutStale adds what is to be unset: what the environment has of foreign, and set has
// not.
func withoutStale(set []variable, keep ...string) []variable {
	for _, name := range foreign {
		isSet := slices.ContainsFunc(set, func(v variable) bool { return v.name == name })
		if os.Getenv(name) != "" && !isSet && !slices.Contains(keep, name) {
			set = append(set, variable{name: name, unset: true})
		}
	}
	return set
}
