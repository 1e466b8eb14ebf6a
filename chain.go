package config

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	upstream "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"

	"github.com/awstokenserver/config/tokensource"
	"github.com/awstokenserver/config/webidentity"
)

const (
	tokenServerEnv = "AWS_WEB_IDENTITY_TOKEN_SERVER"
	tokenFileEnv   = "AWS_WEB_IDENTITY_TOKEN_FILE"
	roleARNEnv     = "AWS_ROLE_ARN"
)

// LoadDefaultConfig is upstream's [upstream.LoadDefaultConfig] that also
// understands web_identity_token_server in a profile and
// AWS_WEB_IDENTITY_TOKEN_SERVER in the environment. Where neither is set it does
// what upstream does. Where one is, it takes the place of
// web_identity_token_file and of AWS_WEB_IDENTITY_TOKEN_FILE, with their
// precedence:
//
//  1. the profile of [WithSharedConfigProfile]
//  2. static keys in the environment
//  3. AWS_WEB_IDENTITY_TOKEN_SERVER, with AWS_ROLE_ARN and AWS_ROLE_SESSION_NAME
//  4. the profile of AWS_PROFILE, or the default profile
//
// The load itself uses no network: the token is fetched when the credentials
// are first retrieved, and afresh whenever they are renewed, which is ahead of
// their expiry ([webidentity.NewCredentialsCache]) unless
// [WithCredentialsCacheOptions] says otherwise. A setting that can never work is
// an error of type [*tokensource.Error] if it is used.
//
// Concurrent loads do not disturb each other.
func LoadDefaultConfig(ctx context.Context, optFns ...func(*LoadOptions) error) (aws.Config, error) {
	var given LoadOptions
	for _, fn := range optFns {
		if err := fn(&given); err != nil {
			return aws.Config{}, err
		}
	}
	files, err := showFiles(
		fileNames(given.SharedConfigFiles, "AWS_CONFIG_FILE", defaultConfigFiles),
		fileNames(given.SharedCredentialsFiles, "AWS_SHARED_CREDENTIALS_FILE", defaultCredentialsFiles),
	)
	if err != nil {
		return aws.Config{}, err
	}
	defer files.close()

	fromEnvironment := serverInEnvironment(&given)
	if !fromEnvironment && len(files.shown) == 0 && given.WebIdentityRoleCredentialOptions == nil && defaultFilesAreUpstreams() {
		return upstream.LoadDefaultConfig(ctx, func(o *LoadOptions) error { *o = given; return nil })
	}
	l := &load{given: given, files: files, fromEnvironment: fromEnvironment, setting: new(string)}
	options := l.options()
	cfg, err := upstream.LoadDefaultConfig(ctx, func(o *LoadOptions) error { *o = options; return nil })
	if err != nil {
		return aws.Config{}, files.error(err)
	}
	if err := l.finish(&cfg); err != nil {
		return aws.Config{}, err
	}
	return cfg, nil
}

// serverInEnvironment reports whether the environment names a token server, and
// nothing that upstream puts before web identity in the environment.
func serverInEnvironment(given *LoadOptions) bool {
	if os.Getenv(tokenServerEnv) == "" || given.Credentials != nil || given.SharedConfigProfile != "" {
		return false
	}
	env, err := upstream.NewEnvConfig()
	return err == nil && !env.Credentials.HasKeys()
}

// load is one call of LoadDefaultConfig.
type load struct {
	given LoadOptions
	files *sharedFiles

	// fromEnvironment tells that the environment names the token server in use.
	fromEnvironment bool

	// setting is where the token server in use was named. It is known when the
	// load is over.
	setting *string

	// err is why the token server in use cannot be used.
	err error

	// hasSource tells that a token source vends the tokens for the credentials.
	hasSource bool
}

// options returns the options for upstream.
func (l *load) options() LoadOptions {
	o := l.given
	o.SharedConfigFiles, o.SharedCredentialsFiles = l.files.config, l.files.credentials
	if l.fromEnvironment {
		// Upstream must not look further; finish puts the real provider here.
		o.Credentials = aws.AnonymousCredentials{}
	} else if l.files.hasKey || l.given.WebIdentityRoleCredentialOptions != nil {
		o.WebIdentityRoleCredentialOptions = l.webIdentity
		o.AssumeRoleCredentialOptions = l.assumeRole
		if given := l.given.CredentialsCacheOptions; given != nil {
			o.CredentialsCacheOptions = func(c *aws.CredentialsCacheOptions) {
				if !l.hasSource { // else they are for the cache that finish makes
					given(c)
				}
			}
		}
	}
	if o.LogConfigurationWarnings != nil && *o.LogConfigurationWarnings {
		if o.Logger == nil {
			o.Logger = logging.NewStandardLogger(os.Stderr) // as upstream
		}
		o.Logger = l.files.logger(o.Logger)
	}
	return o
}

// webIdentity is the option through which upstream's web identity provider gets
// its tokens from the server that the configuration names.
func (l *load) webIdentity(o *stscreds.WebIdentityRoleOptions) {
	named := &tokenServer{setting: l.setting}
	file, _ := o.TokenRetriever.(stscreds.IdentityTokenFile)
	value, ok := TokenServer(SharedConfig{WebIdentityTokenFile: string(file)})
	var err error
	if ok {
		named.TokenSource, err = tokensource.Parse(value, l.httpOptions(o.Client))
		o.TokenRetriever = named
	}
	if l.given.WebIdentityRoleCredentialOptions != nil {
		l.given.WebIdentityRoleCredentialOptions(o)
	}
	if ok && o.TokenRetriever == named {
		l.err = err
		webidentity.Options(named)(o)
	}
	_, l.hasSource = o.TokenRetriever.(interface {
		TokenSource() tokensource.TokenSource
	})
}

// assumeRole is the option for the role of a profile with a source profile.
func (l *load) assumeRole(o *stscreds.AssumeRoleOptions) {
	if l.given.AssumeRoleCredentialOptions != nil {
		l.given.AssumeRoleCredentialOptions(o)
	}
	if l.hasSource && o.Client != nil {
		o.Client = boundedClient{o.Client}
	}
}

// boundedClient ends after three minutes, as the retrieval from a token source
// does. The flight that the callers of a cache share never ends otherwise.
type boundedClient struct{ stscreds.AssumeRoleAPIClient }

func (c boundedClient) AssumeRole(ctx context.Context, in *sts.AssumeRoleInput, optFns ...func(*sts.Options)) (*sts.AssumeRoleOutput, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	return c.AssumeRoleAPIClient.AssumeRole(ctx, in, optFns...)
}

// httpOptions makes a token source use the HTTP client and retryer of the STS
// client that upstream resolved, and its logger where that logs retries.
func (l *load) httpOptions(client any) func(*tokensource.Options) {
	return func(o *tokensource.Options) {
		o.HTTPClient = l.given.HTTPClient
		if c, ok := client.(*sts.Client); ok {
			resolved := c.Options()
			o.HTTPClient, o.Retryer = resolved.HTTPClient, resolved.Retryer
			if resolved.ClientLogMode.IsRetries() {
				o.Logger = resolved.Logger
			}
		}
	}
}

// finish makes cfg what the user asked for: his own options and file names, and
// credentials from the token server that the environment names.
func (l *load) finish(cfg *aws.Config) error {
	var (
		env    EnvConfig
		shared SharedConfig
	)
	for i, source := range cfg.ConfigSources {
		switch c := source.(type) {
		case LoadOptions:
			cfg.ConfigSources[i] = l.given
		case EnvConfig:
			env = c
		case SharedConfig:
			if err := l.files.restore(&c); err != nil {
				return err
			}
			cfg.ConfigSources[i] = c
			shared = c
		}
	}
	if l.given.Logger != nil {
		cfg.Logger = l.given.Logger
	}
	if l.fromEnvironment {
		*l.setting = tokenServerEnv
		return l.environment(cfg, env)
	}
	if l.files.hasKey {
		*l.setting = l.files.setting(shared)
	}
	if l.err != nil {
		return withSetting(l.err, *l.setting)
	}
	if l.hasSource {
		cfg.Credentials = l.cached(cfg, cfg.Credentials)
		return nil
	}
	l.restoreStaticSource(cfg, shared)
	return nil
}

// environment gives cfg the credentials for AWS_WEB_IDENTITY_TOKEN_SERVER, as
// upstream does for AWS_WEB_IDENTITY_TOKEN_FILE.
func (l *load) environment(cfg *aws.Config, env EnvConfig) error {
	value := os.Getenv(tokenServerEnv)
	if env.WebIdentityTokenFilePath != "" {
		return &tokensource.Error{
			Class:   tokensource.ConfigInvalid,
			Problem: fmt.Sprintf("both %s and %s are set", tokenServerEnv, tokenFileEnv),
			Mend:    "unset one of the two",
		}
	}
	optFns := []func(*stscreds.WebIdentityRoleOptions){
		func(o *stscreds.WebIdentityRoleOptions) { o.RoleSessionName = env.RoleSessionName },
		l.webIdentity,
		func(o *stscreds.WebIdentityRoleOptions) {
			o.CredentialSources = []aws.CredentialSource{aws.CredentialSourceEnvVarsSTSWebIDToken}
		},
	}
	options := stscreds.WebIdentityRoleOptions{RoleARN: env.RoleARN}
	for _, fn := range optFns {
		fn(&options)
	}
	if options.RoleARN == "" {
		return &tokensource.Error{
			Class:   tokensource.ConfigInvalid,
			Setting: tokenServerEnv,
			Problem: roleARNEnv + " is not set",
			Mend:    "set it to the ARN of the role to assume",
		}
	}
	client := options.Client
	if client == nil {
		client = sts.NewFromConfig(credentialsConfig(*cfg))
	}
	provider := stscreds.NewWebIdentityRoleProvider(client, env.RoleARN, stscreds.IdentityTokenFile(serverMark+value), optFns...)
	if l.err != nil {
		return withSetting(l.err, *l.setting)
	}
	cfg.Credentials = l.cached(cfg, provider)
	return nil
}

// credentialsConfig returns what upstream has resolved of cfg by the time when
// it makes the clients of its credentials chain.
func credentialsConfig(cfg aws.Config) aws.Config {
	return aws.Config{
		ConfigSources: cfg.ConfigSources,
		Logger:        cfg.Logger,
		ClientLogMode: cfg.ClientLogMode,
		HTTPClient:    cfg.HTTPClient,
		//lint:ignore SA1019 programs still set it
		EndpointResolver: cfg.EndpointResolver,
		//lint:ignore SA1019 programs still set it
		EndpointResolverWithOptions: cfg.EndpointResolverWithOptions,
		RetryMaxAttempts:            cfg.RetryMaxAttempts,
		RetryMode:                   cfg.RetryMode,
		Retryer:                     cfg.Retryer,
		Region:                      cfg.Region,
		APIOptions:                  cfg.APIOptions,
		DefaultsMode:                cfg.DefaultsMode,
		RuntimeEnvironment:          cfg.RuntimeEnvironment,
	}
}

// restoreStaticSource gives static keys from a profile the user's own file name
// as their source.
func (l *load) restoreStaticSource(cfg *aws.Config, shared SharedConfig) {
	cache, ok := cfg.Credentials.(*aws.CredentialsCache)
	if !ok || l.given.Credentials != nil || len(l.files.shown) == 0 || !cache.IsCredentialsProvider(credentials.StaticCredentialsProvider{}) {
		return
	}
	keys, err := cache.Retrieve(context.Background()) // static: no I/O
	if err != nil {
		return
	}
	keys.Source = l.files.own.Replace(keys.Source)
	cfg.Credentials = l.cached(cfg, credentials.StaticCredentialsProvider{Value: keys, Source: cache.ProviderSources()})
}

// cached returns a cache with the options of the program. It renews what comes
// from a token source ahead of its expiry.
func (l *load) cached(cfg *aws.Config, provider aws.CredentialsProvider) *aws.CredentialsCache {
	var optFns []func(*aws.CredentialsCacheOptions)
	if l.given.CredentialsCacheOptions != nil {
		optFns = append(optFns, l.given.CredentialsCacheOptions)
	}
	if l.hasSource {
		return webidentity.NewCredentialsCache(provider, cfg.Logger, optFns...)
	}
	return aws.NewCredentialsCache(provider, optFns...)
}

// tokenServer is the token source that a setting names.
type tokenServer struct {
	tokensource.TokenSource
	setting *string // as in load
}

// Token adds the setting to the errors of the source.
func (s *tokenServer) Token(ctx context.Context) (tokensource.Token, error) {
	token, err := s.TokenSource.Token(ctx)
	if err != nil {
		err = withSetting(err, *s.setting)
	}
	return token, err
}

// GetIdentityToken serves a TokenRetriever of the user's that wraps this one.
func (s *tokenServer) GetIdentityToken() ([]byte, error) {
	token, err := s.Token(context.Background())
	return []byte(token.Value), err
}

// Setting is where the token server was named.
func (s *tokenServer) Setting() string { return *s.setting }

func withSetting(err error, setting string) error {
	if e, ok := err.(*tokensource.Error); ok && e.Setting == "" {
		named := *e
		named.Setting = setting
		return &named
	}
	return err
}
