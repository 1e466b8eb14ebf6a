package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/spf13/cobra"
)

func credentialProcessCommand() *cobra.Command {
	var (
		id   identity
		from string
	)
	cmd := &cobra.Command{
		Use:   "credential-process [--profile P]",
		Short: "Print a role's credentials for credential_process in another profile",
		Long: `Prints credentials as credential_process in another profile wants them:

  [profile deploy-any-sdk]
  region = eu-west-1
  credential_process = aws-web-identity credential-process --profile deploy`,
	}
	id.addFlags(cmd)
	cmd.Flags().StringVar(&from, "from", "", "") // with a number: in the config files of exec and setup
	cmd.Flags().MarkHidden("from")
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if from != "" {
			return cobra.ExactArgs(1)(cmd, args)
		}
		return cobra.NoArgs(cmd, args)
	}
	cmd.RunE = runE(func(ctx context.Context, args []string, out io.Writer) error {
		if from != "" {
			creds, err := retrieveEntry(ctx, from, args[0])
			if err != nil {
				return err
			}
			return writeProcessCredentials(creds, out)
		}
		_, creds, err := id.retrieve(ctx)
		if err != nil {
			return err
		}
		return writeProcessCredentials(creds, out)
	})
	return cmd
}

// writeProcessCredentials writes credentials as credential_process defines them:
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
func writeProcessCredentials(creds aws.Credentials, out io.Writer) error {
	response := struct {
		Version         int
		AccessKeyId     string
		SecretAccessKey string
		SessionToken    string     `json:",omitempty"`
		Expiration      *time.Time `json:",omitempty"`
		AccountId       string     `json:",omitempty"`
	}{
		Version: 1, AccessKeyId: creds.AccessKeyID, SecretAccessKey: creds.SecretAccessKey,
		SessionToken: creds.SessionToken, AccountId: creds.AccountID,
	}
	if creds.CanExpire {
		response.Expiration = &creds.Expires
	}
	return json.NewEncoder(out).Encode(response)
}

// retrieveEntry fetches the credentials of an entry in a folder.
func retrieveEntry(ctx context.Context, dir, number string) (creds aws.Credentials, err error) {
	e, err := readEntry(dir, number)
	if err != nil {
		return creds, err
	}
	if e.URL != "" {
		return e.ask(ctx)
	}
	return e.fetch(ctx, &folder{dir: dir}, number)
}

// entered is the variable with the profiles that ask for credentials.
const entered = "AWS_WEB_IDENTITY_ENTERED"

// enter notes the profile in the environment, which its credential_process
// inherits. A profile that is there already would call itself forever.
func enter(profile string) error {
	place := fmt.Sprintf("%q",
		[]string{profile, os.Getenv("AWS_CONFIG_FILE"), os.Getenv("AWS_SHARED_CREDENTIALS_FILE")})
	before := os.Getenv(entered)
	if strings.Contains(before, place) {
		return fmt.Errorf("profile %s gets its credentials from a credential_process that asks for profile %[1]s again: "+
			"name the profile with the role after --profile", profile)
	}
	return os.Setenv(entered, before+place)
}
