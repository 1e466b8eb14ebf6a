package config

import (
	"os"
	"slices"

	upstream "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"

	"github.com/awstokenserver/config/tokensource"
	"github.com/awstokenserver/config/webidentity"
)

// WithTokenSource makes source vend the tokens wherever the configuration calls
// for a web identity: it takes the place of the token server or token file that
// the profile or the environment names, which is then not looked at. Which role
// is assumed is still the configuration's to say, and a configuration without
// web identity is not changed.
//
// It builds on [WithWebIdentityRoleCredentialOptions], of which the last call
// replaces the ones before: pass WithTokenSource after it.
func WithTokenSource(source tokensource.TokenSource) LoadOptionsFunc {
	return func(o *LoadOptions) error {
		before := o.WebIdentityRoleCredentialOptions
		o.WebIdentityRoleCredentialOptions = func(w *stscreds.WebIdentityRoleOptions) {
			if before != nil {
				before(w)
			}
			webidentity.Options(source)(w)
		}
		return nil
	}
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

// defaultFilesAreUpstreams reports whether upstream's own defaults will do.
func defaultFilesAreUpstreams() bool {
	return slices.Equal(DefaultSharedConfigFiles, initialConfigFiles) &&
		slices.Equal(DefaultSharedCredentialsFiles, initialCredentialsFiles)
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
