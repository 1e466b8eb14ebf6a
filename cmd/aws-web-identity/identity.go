package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/spf13/cobra"

	"github.com/awstokenserver/config"
	"github.com/awstokenserver/config/cmd/internal/explain"
	"github.com/awstokenserver/config/cmd/internal/profiles"
	"github.com/awstokenserver/config/tokensource"
)

// identity is whose credentials are asked for.
type identity struct {
	profile     string // empty: that of the environment
	duration    time.Duration
	sessionName string

	// source returns the credentials of a source profile that others share, or nil.
	source func(profile string) aws.CredentialsProvider
}

func addProfile(cmd *cobra.Command, profile *string) {
	cmd.Flags().StringVar(profile, "profile", "", "`profile` of the config file (default: that of AWS_PROFILE)")
	cmd.RegisterFlagCompletionFunc("profile", completeProfiles)
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

// load loads the configuration of a profile, or without one that of the environment. It
// refuses where that would be an identity that nobody has named.
func (id *identity) load(ctx context.Context) (aws.Config, error) {
	if err := id.check(); err != nil {
		return aws.Config{}, err
	}
	if err := id.checkEnvironment(); err != nil {
		return aws.Config{}, err
	}
	options := []func(*config.LoadOptions) error{config.WithSharedConfigProfile(id.profile)}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return cfg, id.explained(err)
	}
	loaded := explain.LoadedProfile(cfg)
	if !profiles.NamesCredentials(loaded) && (id.explicit() || !namedByEnvironment()) {
		return cfg, id.unnamed(loaded.Profile)
	}
	if id.duration != 0 || id.sessionName != "" || id.source != nil && loaded.Source != nil {
		cfg, err = config.LoadDefaultConfig(ctx, append(options, id.ofRole(loaded)...)...)
	}
	return cfg, err
}

// explicit reports whether a profile is named, and not only meant by default.
func (id *identity) explicit() bool { return id.profile != "" || profileOfEnvironment() != "" }

func profileOfEnvironment() string {
	return cmp.Or(os.Getenv("AWS_PROFILE"), os.Getenv("AWS_DEFAULT_PROFILE"))
}

// namedByEnvironment reports whether variables name credentials: any but those of the
// instance, which are not named at all.
func namedByEnvironment() bool {
	env, err := config.NewEnvConfig()
	return err != nil || env.Credentials.HasKeys() || strings.TrimSpace(os.Getenv("AWS_WEB_IDENTITY_TOKEN_SERVER")) != "" ||
		env.WebIdentityTokenFilePath != "" ||
		os.Getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")+os.Getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI") != ""
}

// checkEnvironment refuses variables that SDKs prefer to the AWS_PROFILE beside them.
func (id *identity) checkEnvironment() error {
	profile := profileOfEnvironment()
	if id.profile != "" || profile == "" {
		return nil
	}
	env, err := config.NewEnvConfig()
	if err != nil {
		return err
	}
	var preferred string
	switch {
	case env.Credentials.HasKeys():
		preferred = "AWS_ACCESS_KEY_ID"
	case strings.TrimSpace(os.Getenv("AWS_WEB_IDENTITY_TOKEN_SERVER")) != "":
		preferred = "AWS_WEB_IDENTITY_TOKEN_SERVER"
	case env.WebIdentityTokenFilePath != "":
		preferred = "AWS_WEB_IDENTITY_TOKEN_FILE"
	default:
		return nil
	}
	return fmt.Errorf("both AWS_PROFILE (%s) and %s are set, and SDKs prefer the latter: use --profile %[1]s, or unset one of the two",
		profile, preferred)
}

// unnamed is the error of a profile without credentials, for which SDKs would use those of
// the machine.
func (id *identity) unnamed(profile string) error {
	if !id.explicit() {
		return id.withProblems(errors.New("neither a profile nor a role is named, and the role of the machine is not taken " +
			"in its place: use --profile, or set AWS_PROFILE, or AWS_WEB_IDENTITY_TOKEN_SERVER and AWS_ROLE_ARN"))
	}
	return id.withProblems(fmt.Errorf("profile %s names no credentials, and the role of the machine is not taken in their place: "+
		"set web_identity_token_server and role_arn", profile))
}

// explained adds to an error of the load what is wrong with the files.
func (id *identity) explained(err error) error {
	missing := config.SharedConfigProfileNotExistError{}
	if !errors.As(err, &missing) {
		return id.withProblems(err)
	}
	files, unreadable := profiles.Read()
	if unreadable != nil {
		return unreadable
	}
	err = fmt.Errorf("there is no profile %s in the config file %s", missing.Profile, files.ConfigFile)
	if nearest := files.Nearest(missing.Profile); nearest != "" && nearest != missing.Profile {
		err = fmt.Errorf("%w; did you mean %s?", err, nearest)
	}
	return id.withProblems(err)
}

func (id *identity) withProblems(err error) error {
	files, unreadable := profiles.Read()
	if unreadable != nil || errors.As(err, new(*tokensource.Error)) {
		return err
	}
	for _, problem := range files.Problems(cmp.Or(id.profile, profileOfEnvironment(), config.DefaultSharedConfigProfile)) {
		err = fmt.Errorf("%w; %s", err, problem)
	}
	return err
}

// ofRole are the options for the role of the profile, and for the sources that it shares.
func (id *identity) ofRole(loaded config.SharedConfig) []func(*config.LoadOptions) error {
	role := cmp.Or(loaded.RoleARN, os.Getenv("AWS_ROLE_ARN"))
	return []func(*config.LoadOptions) error{
		config.WithWebIdentityRoleCredentialOptions(func(o *stscreds.WebIdentityRoleOptions) {
			if o.RoleARN == role {
				o.RoleSessionName = cmp.Or(id.sessionName, o.RoleSessionName)
				o.Duration = cmp.Or(id.duration, o.Duration)
			}
		}),
		config.WithAssumeRoleCredentialOptions(func(o *stscreds.AssumeRoleOptions) {
			if o.RoleARN == role {
				o.RoleSessionName = cmp.Or(id.sessionName, o.RoleSessionName)
				o.Duration = cmp.Or(id.duration, o.Duration)
			}
			id.shareSource(loaded, o)
		}),
	}
}

// shareSource has a role assumed with the credentials of its source profile that others
// share, and not with a set of its own.
func (id *identity) shareSource(c config.SharedConfig, o *stscreds.AssumeRoleOptions) {
	client, ok := o.Client.(*sts.Client)
	if !ok || id.source == nil {
		return
	}
	for ; c.Source != nil; c = *c.Source {
		if c.RoleARN != o.RoleARN {
			continue
		}
		if shared := id.source(c.Source.Profile); shared != nil && c.Source.Profile != c.Profile {
			o.Client = sts.New(client.Options(), func(s *sts.Options) { s.Credentials = shared })
		}
		return
	}
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
	if errors.Is(ctx.Err(), context.Canceled) {
		return cfg, creds, errors.New("interrupted while fetching credentials")
	}
	return cfg, creds, err
}
