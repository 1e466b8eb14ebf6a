package config

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	upstream "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"

	"github.com/awstokenserver/config/internal/sharedfile"
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
	given := &LoadOptions{}
	for _, fn := range optFns {
		if err := fn(given); err != nil {
			return aws.Config{}, err
		}
	}
	request := sharedfile.Request{
		Config:      fileNames(given.SharedConfigFiles, "AWS_CONFIG_FILE", defaultConfigFiles),
		Credentials: fileNames(given.SharedCredentialsFiles, "AWS_SHARED_CREDENTIALS_FILE", defaultCredentialsFiles),
		Profile: cmp.Or(given.SharedConfigProfile,
			os.Getenv("AWS_PROFILE"), os.Getenv("AWS_DEFAULT_PROFILE"), upstream.DefaultSharedConfigProfile),
		Whole: logsWarnings(given),
	}
	fromEnvironment := serverInEnvironment(given)
	var (
		l   *load
		cfg aws.Config
	)
	err := sharedfile.Load(ctx, request, func(files *sharedfile.Files) (profile string, err error) {
		l = &load{given: given, files: files, fromEnvironment: fromEnvironment, server: &namedServer{}}
		cfg, err = upstream.LoadDefaultConfig(ctx, l.options)
		return l.profile(cfg, err), err
	})
	if err != nil {
		return aws.Config{}, err
	}
	if err := l.finish(&cfg); err != nil {
		return aws.Config{}, err
	}
	return cfg, nil
}

// fileNames returns the files that upstream reads: those of the option, else
// that of the variable, else the default.
func fileNames(option []string, variable string, defaults func() []string) []string {
	if option != nil {
		return option
	}
	if name := os.Getenv(variable); name != "" {
		return []string{name}
	}
	return defaults()
}

// serverInEnvironment reports whether the environment names a token server, and
// nothing that upstream puts before web identity in the environment.
func serverInEnvironment(given *LoadOptions) bool {
	if strings.TrimSpace(os.Getenv(tokenServerEnv)) == "" || given.Credentials != nil || given.SharedConfigProfile != "" {
		return false
	}
	env, err := upstream.NewEnvConfig()
	return err == nil && !env.Credentials.HasKeys()
}

// load is one call of LoadDefaultConfig.
type load struct {
	given *LoadOptions
	files *sharedfile.Files

	// fromEnvironment reports whether the environment names the token server in
	// use.
	fromEnvironment bool

	// server is the token server in use, if the configuration names one.
	server *namedServer

	// err is why the token server in use cannot be used.
	err error

	// hasSource reports whether a token source vends the tokens for the
	// credentials.
	hasSource bool
}

func logsWarnings(o *LoadOptions) bool {
	return o.LogConfigurationWarnings != nil && *o.LogConfigurationWarnings
}

// profile returns the profile that upstream has loaded, if it is known.
func (l *load) profile(cfg aws.Config, err error) string {
	if missing, ok := err.(SharedConfigProfileNotExistError); ok {
		return missing.Profile
	}
	for _, source := range cfg.ConfigSources {
		if env, ok := source.(EnvConfig); ok {
			return cmp.Or(l.given.SharedConfigProfile, env.SharedConfigProfile, upstream.DefaultSharedConfigProfile)
		}
	}
	return ""
}

// options are the options for upstream.
func (l *load) options(o *LoadOptions) error {
	*o = *l.given
	o.SharedConfigFiles, o.SharedCredentialsFiles = l.files.Config, l.files.Credentials
	o.BearerAuthTokenCacheOptions = released(l.files, o.BearerAuthTokenCacheOptions)
	o.SSOTokenProviderOptions = released(l.files, o.SSOTokenProviderOptions)
	o.SSOProviderOptions = released(l.files, o.SSOProviderOptions)
	o.ProcessCredentialOptions = released(l.files, o.ProcessCredentialOptions)
	o.EC2RoleCredentialOptions = released(l.files, o.EC2RoleCredentialOptions)
	o.EndpointCredentialOptions = released(l.files, o.EndpointCredentialOptions)
	o.WebIdentityRoleCredentialOptions = released(l.files, o.WebIdentityRoleCredentialOptions)
	o.AssumeRoleCredentialOptions = released(l.files, o.AssumeRoleCredentialOptions)
	o.CredentialsCacheOptions = released(l.files, o.CredentialsCacheOptions)
	if l.fromEnvironment {
		// Upstream must not look further; finish puts the real provider here.
		o.Credentials = aws.AnonymousCredentials{}
	} else if l.files.NamesServer() || o.WebIdentityRoleCredentialOptions != nil {
		o.WebIdentityRoleCredentialOptions = l.webIdentity(o.WebIdentityRoleCredentialOptions)
		o.AssumeRoleCredentialOptions = l.assumeRole(o.AssumeRoleCredentialOptions)
		if given := o.CredentialsCacheOptions; given != nil {
			o.CredentialsCacheOptions = func(c *aws.CredentialsCacheOptions) {
				if !l.hasSource { // else they are for the cache that finish makes
					given(c)
				}
			}
		}
	}
	if logsWarnings(l.given) {
		if o.Logger == nil {
			o.Logger = logging.NewStandardLogger(os.Stderr) // as upstream
		}
		o.Logger = l.files.Logger(o.Logger)
	}
	return nil
}

// released returns a function of the program's that upstream calls after it has
// read the files.
func released[T any](files *sharedfile.Files, fn func(*T)) func(*T) {
	if fn == nil {
		return nil
	}
	return func(o *T) {
		files.Release()
		fn(o)
	}
}

// webIdentity is the option through which upstream's web identity provider gets
// its tokens from the server that the configuration names.
func (l *load) webIdentity(given func(*stscreds.WebIdentityRoleOptions)) func(*stscreds.WebIdentityRoleOptions) {
	return func(o *stscreds.WebIdentityRoleOptions) {
		file, _ := o.TokenRetriever.(stscreds.IdentityTokenFile)
		value, named := sharedfile.TokenServer(string(file))
		if named {
			l.server.value, l.server.optFns = value, nil
			l.server.parse(l.httpOptions(o.Client))
			o.TokenRetriever = l.server
		}
		if given != nil {
			given(o)
		}
		if named && o.TokenRetriever == l.server {
			l.err = l.server.err
			webidentity.Options(l.server)(o)
		}
		_, l.hasSource = o.TokenRetriever.(webidentity.SourceRetriever)
	}
}

// assumeRole is the option for the role of a profile with a source profile.
func (l *load) assumeRole(given func(*stscreds.AssumeRoleOptions)) func(*stscreds.AssumeRoleOptions) {
	return func(o *stscreds.AssumeRoleOptions) {
		if given != nil {
			given(o)
		}
		if l.hasSource && o.Client != nil {
			o.Client = boundedClient{o.Client}
		}
	}
}

// boundedClient has the bound of a retrieval from a token source.
type boundedClient struct{ stscreds.AssumeRoleAPIClient }

func (c boundedClient) AssumeRole(ctx context.Context, in *sts.AssumeRoleInput,
	optFns ...func(*sts.Options)) (*sts.AssumeRoleOutput, error) {
	ctx, cancel := context.WithTimeout(ctx, webidentity.RetrieveTimeout)
	defer cancel()
	return c.AssumeRoleAPIClient.AssumeRole(ctx, in, optFns...)
}

// httpOptions makes a token source use the HTTP client, the retryer, and the
// logger of the STS client that upstream resolved.
func (l *load) httpOptions(client any) func(*tokensource.Options) {
	return func(o *tokensource.Options) {
		o.HTTPClient = l.given.HTTPClient
		if c, ok := client.(*sts.Client); ok {
			resolved := c.Options()
			o.HTTPClient, o.Retryer = resolved.HTTPClient, resolved.Retryer
			if o.LogMode = resolved.ClientLogMode; o.LogMode != 0 {
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
			cfg.ConfigSources[i] = *l.given
		case EnvConfig:
			env = c
		case SharedConfig:
			shared = c
			if !l.files.Shown() {
				continue
			}
			if err := l.files.Restore(&shared); err != nil {
				return err
			}
			cfg.ConfigSources[i] = shared
		}
	}
	if l.given.Logger != nil {
		cfg.Logger = l.given.Logger
	}
	if l.fromEnvironment {
		l.server.setting = tokenServerEnv
		return l.environment(cfg, env)
	}
	l.server.setting = l.files.Setting(shared)
	if l.err != nil {
		return withSetting(l.err, l.server.setting)
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
			Hint:    "unset one of the two",
		}
	}
	optFns := []func(*stscreds.WebIdentityRoleOptions){
		func(o *stscreds.WebIdentityRoleOptions) { o.RoleSessionName = env.RoleSessionName },
		l.webIdentity(l.given.WebIdentityRoleCredentialOptions),
		func(o *stscreds.WebIdentityRoleOptions) {
			o.CredentialSources = []aws.CredentialSource{aws.CredentialSourceEnvVarsSTSWebIDToken}
		},
	}
	options := stscreds.WebIdentityRoleOptions{RoleARN: env.RoleARN}
	for _, fn := range optFns {
		fn(&options)
	}
	if strings.TrimSpace(options.RoleARN) == "" {
		return &tokensource.Error{
			Class:   tokensource.ConfigInvalid,
			Setting: tokenServerEnv,
			Problem: roleARNEnv + " is not set",
			Hint:    "set it to the ARN of the role to assume",
		}
	}
	client := options.Client
	if client == nil {
		client = sts.NewFromConfig(credentialsConfig(*cfg))
	}
	provider := stscreds.NewWebIdentityRoleProvider(client, env.RoleARN,
		stscreds.IdentityTokenFile(sharedfile.TokenFile(value)), optFns...)
	if l.err != nil {
		return withSetting(l.err, l.server.setting)
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
	if !ok || l.given.Credentials != nil || !l.files.Shown() ||
		!cache.IsCredentialsProvider(credentials.StaticCredentialsProvider{}) {
		return
	}
	keys, err := cache.Retrieve(context.Background()) // static: no I/O
	if err != nil {
		return
	}
	keys.Source = l.files.OwnNames(keys.Source)
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

// namedServer is the token server that a setting names.
type namedServer struct {
	tokensource.TokenSource
	setting string // known when the load is over
	value   string
	optFns  []func(*tokensource.Options)
	err     error // why there is no TokenSource
}

// parse makes the token source anew, with fn after the options that it had.
func (s *namedServer) parse(fn func(*tokensource.Options)) {
	s.optFns = append(s.optFns, fn)
	s.TokenSource, s.err = tokensource.Parse(s.value, s.optFns...)
}

// Token adds the setting to the errors of the source.
func (s *namedServer) Token(ctx context.Context) (tokensource.Token, error) {
	token, err := s.TokenSource.Token(ctx)
	if err != nil {
		err = withSetting(err, s.setting)
	}
	return token, err
}

// GetIdentityToken serves a TokenRetriever of the user's that wraps this one.
func (s *namedServer) GetIdentityToken() ([]byte, error) {
	token, err := s.Token(context.Background())
	return []byte(token.Value), err
}

// Setting is where the token server was named.
func (s *namedServer) Setting() string { return s.setting }

// withSetting returns err with the setting, if it is of tokensource and has none.
func withSetting(err error, setting string) error {
	if e, ok := err.(*tokensource.Error); ok && e.Setting == "" {
		named := *e
		named.Setting = setting
		return &named
	}
	return err
}
