package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/awstokenserver/config"
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
	if err := enter(loadedProfile(cfg).Profile); err != nil {
		return cfg, creds, err
	}
	creds, err = cfg.Credentials.Retrieve(ctx)
	if ctx.Err() != nil {
		return cfg, creds, errors.New("interrupted while fetching credentials")
	}
	return cfg, creds, err
}

// loadedProfile returns the profile that cfg was loaded from. It has no name
// where there was none.
func loadedProfile(cfg aws.Config) (c config.SharedConfig) {
	for _, source := range cfg.ConfigSources {
		if profile, ok := source.(config.SharedConfig); ok {
			c = profile
		}
	}
	return c
}
