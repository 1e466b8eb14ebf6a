package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/awstokenserver/config"
	"github.com/awstokenserver/config/cmd/internal/explain"
)

// retrieve loads the configuration of a profile, or without one that of the
// environment, and fetches its credentials.
func retrieve(ctx context.Context, profile string) (cfg aws.Config, creds aws.Credentials, err error) {
	cfg, err = config.LoadDefaultConfig(ctx, config.WithSharedConfigProfile(profile))
	if missing := (config.SharedConfigProfileNotExistError{}); errors.As(err, &missing) {
		err = fmt.Errorf("there is no profile %s in the config file %s", missing.Profile,
			cmp.Or(os.Getenv("AWS_CONFIG_FILE"), config.DefaultSharedConfigFilename()))
	}
	if err != nil {
		return cfg, creds, err
	}
	if err := enter(explain.LoadedProfile(cfg).Profile); err != nil {
		return cfg, creds, err
	}
	creds, err = cfg.Credentials.Retrieve(ctx)
	if ctx.Err() != nil {
		return cfg, creds, errors.New("interrupted while fetching credentials")
	}
	return cfg, creds, err
}
