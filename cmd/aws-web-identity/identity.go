package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/spf13/cobra"

	"github.com/awstokenserver/config"
	"github.com/awstokenserver/config/cmd/internal/explain"
)

// identity is whose credentials are asked for.
type identity struct {
	profile     string // empty: that of the environment
	duration    time.Duration
	sessionName string
}

func addProfile(cmd *cobra.Command, profile *string) {
	cmd.Flags().StringVar(profile, "profile", "", "`profile` of the config file (default: that of AWS_PROFILE)")
}

func (id *identity) addFlags(cmd *cobra.Command) {
	addProfile(cmd, &id.profile)
	cmd.Flags().DurationVar(&id.duration, "duration", 0,
		"`life` of the role's credentials, from 15m to 12h (default: STS's, 1h)")
	cmd.Flags().StringVar(&id.sessionName, "session-name", "",
		"`name` of the role's session (default: role_session_name, or the SDK's)")
}

// check reports flags that STS would refuse.
func (id *identity) check() error {
	if id.duration != 0 && (id.duration < 15*time.Minute || id.duration > 12*time.Hour || id.duration%time.Second != 0) {
		return wrongly("--duration must be from 15m to 12h, in whole seconds")
	}
	return nil
}

// load loads the configuration of a profile, or without one that of the environment.
func (id *identity) load(ctx context.Context, more ...func(*config.LoadOptions) error) (aws.Config, error) {
	if err := id.check(); err != nil {
		return aws.Config{}, err
	}
	options := append([]func(*config.LoadOptions) error{config.WithSharedConfigProfile(id.profile)}, more...)
	if id.duration != 0 || id.sessionName != "" {
		plain, err := config.LoadDefaultConfig(ctx, options...)
		if err != nil {
			return aws.Config{}, named(err)
		}
		options = append(options, id.ofRole(cmp.Or(explain.LoadedProfile(plain).RoleARN, os.Getenv("AWS_ROLE_ARN")))...)
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	return cfg, named(err)
}

// ofRole are the options for the role of the profile, and not for those on its way.
func (id *identity) ofRole(roleARN string) []func(*config.LoadOptions) error {
	return []func(*config.LoadOptions) error{
		config.WithWebIdentityRoleCredentialOptions(func(o *stscreds.WebIdentityRoleOptions) {
			if o.RoleARN == roleARN {
				o.RoleSessionName = cmp.Or(id.sessionName, o.RoleSessionName)
				o.Duration = cmp.Or(id.duration, o.Duration)
			}
		}),
		config.WithAssumeRoleCredentialOptions(func(o *stscreds.AssumeRoleOptions) {
			if o.RoleARN == roleARN {
				o.RoleSessionName = cmp.Or(id.sessionName, o.RoleSessionName)
				o.Duration = cmp.Or(id.duration, o.Duration)
			}
		}),
	}
}

// named adds to an error of a profile that is missing which file it is missing in.
func named(err error) error {
	if missing := (config.SharedConfigProfileNotExistError{}); errors.As(err, &missing) {
		return fmt.Errorf("there is no profile %s in the config file %s", missing.Profile, configFile())
	}
	return err
}

// configFile is the name of the shared config file.
func configFile() string {
	return cmp.Or(os.Getenv("AWS_CONFIG_FILE"), config.DefaultSharedConfigFilename())
}

// retrieve loads the configuration, and fetches its credentials.
func (id *identity) retrieve(ctx context.Context) (cfg aws.Config, creds aws.Credentials, err error) {
	if cfg, err = id.load(ctx); err != nil {
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
