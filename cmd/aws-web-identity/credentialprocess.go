package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// credentialProcess writes credentials as credential_process defines them:
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
func credentialProcess(flags *flag.FlagSet) runner {
	profile := flags.String("profile", "", "")
	return func(ctx context.Context, _ []string, out io.Writer) error {
		_, creds, err := retrieve(ctx, *profile)
		if err != nil {
			return err
		}
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
			"name the profile with the role after -profile", profile)
	}
	return os.Setenv(entered, before+place)
}
