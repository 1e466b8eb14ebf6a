// Command go is the adapter of this module: see docs/conformance.md.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/awstokenserver/config"
	"github.com/awstokenserver/config/tokensource"
)

const capabilities = `["token-server", "document", "form", "servers", "tls", "ca-bundle", "unix-socket", "error-class", "refresh",
"account-id", "profile-over-env", "keys-profile-over-env", "env-over-profile", "env-keys-over-profile",
"keys-sign-role", "one-type", "no-merge", "services"]`

type credentials struct {
	Version                                    int
	AccessKeyId, SecretAccessKey, SessionToken string     `json:",omitempty"`
	AccountId                                  string     `json:",omitempty"`
	Expiration                                 *time.Time `json:",omitempty"`
	Error                                      *refusal   `json:",omitempty"`
}

type refusal struct{ Class, Message string }

func main() {
	if len(os.Args) > 1 {
		fmt.Println(capabilities)
		return
	}
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx, config.WithSharedConfigProfile(os.Getenv("AWS_CONFORMANCE_PROFILE")))
	if err != nil {
		write(credentials{Error: refused(err, tokensource.ConfigInvalid)})
		os.Exit(1)
	}
	retrievals, _ := strconv.Atoi(os.Getenv("AWS_CONFORMANCE_RETRIEVALS"))
	wait, _ := strconv.ParseFloat(os.Getenv("AWS_CONFORMANCE_WAIT_SECONDS"), 64)
	exitCode := 0
	for i := range retrievals {
		if i > 0 {
			time.Sleep(time.Duration(wait * float64(time.Second)))
		}
		keys, err := cfg.Credentials.Retrieve(ctx)
		if err != nil {
			write(credentials{Error: refused(err, "")})
			exitCode = 1
			continue
		}
		c := credentials{AccessKeyId: keys.AccessKeyID, SecretAccessKey: keys.SecretAccessKey,
			SessionToken: keys.SessionToken, AccountId: keys.AccountID}
		if keys.CanExpire {
			c.Expiration = aws.Time(keys.Expires)
		}
		write(c)
	}
	os.Exit(exitCode)
}

func write(c credentials) {
	c.Version = 1
	json.NewEncoder(os.Stdout).Encode(c)
}

// refused gives an error the class of this module's errors, or the one of
// upstream's.
func refused(err error, class tokensource.Class) *refusal {
	if e := (*tokensource.Error)(nil); errors.As(err, &e) {
		class = e.Class
	}
	return &refusal{string(class), fmt.Sprintf("%+v", err)}
}
