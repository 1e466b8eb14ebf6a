package config

import (
	"context"
	"slices"

	upstream "github.com/aws/aws-sdk-go-v2/config"

	"github.com/awstokenserver/config/internal/sharedfile"
)

// TokenServer returns the token server that profile c names, as it is written
// after web_identity_token_server, and whether it names one. Ask source profiles
// (c.Source) separately.
//
// [SharedConfig] is upstream's type, so the value is kept after a prefix in
// c.WebIdentityTokenFile.
func TokenServer(c SharedConfig) (value string, ok bool) {
	return sharedfile.TokenServer(c.WebIdentityTokenFile)
}

// LoadSharedConfigProfile is upstream's [upstream.LoadSharedConfigProfile] that
// also understands web_identity_token_server; see [TokenServer]. The value is
// not parsed. A profile that names both a token server and a token file is an
// error of type [*tokensource.Error].
func LoadSharedConfigProfile(ctx context.Context, profile string,
	optFns ...func(*LoadSharedConfigOptions)) (SharedConfig, error) {
	var options LoadSharedConfigOptions
	for _, fn := range optFns {
		fn(&options)
	}
	request := sharedfile.Request{
		Config: options.ConfigFiles, Credentials: options.CredentialsFiles,
		Profile: profile, Whole: options.Logger != nil,
	}
	if request.Config == nil {
		request.Config = defaultConfigFiles()
	}
	if request.Credentials == nil {
		request.Credentials = defaultCredentialsFiles()
	}
	var c SharedConfig
	err := sharedfile.Load(ctx, request, func(files *sharedfile.Files) (string, error) {
		shown := options
		shown.ConfigFiles, shown.CredentialsFiles = files.Config, files.Credentials
		if shown.Logger != nil {
			shown.Logger = files.Logger(shown.Logger)
		}
		var err error
		c, err = upstream.LoadSharedConfigProfile(ctx, profile, func(o *LoadSharedConfigOptions) { *o = shown })
		if err == nil {
			err = files.Restore(&c)
		}
		return profile, err
	})
	if err != nil {
		return SharedConfig{}, err
	}
	return c, nil
}

// What the default files were before the program could set them.
var (
	initialConfigFiles      = slices.Clone(DefaultSharedConfigFiles)
	initialCredentialsFiles = slices.Clone(DefaultSharedCredentialsFiles)
)

func defaultConfigFiles() []string {
	return defaultFiles(DefaultSharedConfigFiles, initialConfigFiles, upstream.DefaultSharedConfigFiles)
}

func defaultCredentialsFiles() []string {
	return defaultFiles(DefaultSharedCredentialsFiles, initialCredentialsFiles, upstream.DefaultSharedCredentialsFiles)
}

// defaultFiles returns this package's variable if the program changed it, else
// upstream's. It is never nil, which upstream would take for "not set".
func defaultFiles(ours, initial, theirs []string) []string {
	if slices.Equal(ours, initial) {
		ours = theirs
	}
	return append([]string{}, ours...)
}
