package config

import (
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"

	"github.com/awstokenserver/config/tokensource"
	"github.com/awstokenserver/config/webidentity"
)

// WithTokenServerOptions sets options of the token server that the profile or the
// environment names, such as the timeouts of its requests. Those that fn leaves
// are of the STS client: HTTPClient, Retryer, Logger, and LogMode. It has no
// effect where no token server is named.
//
// It builds on [WithWebIdentityRoleCredentialOptions], of which the last call
// replaces the ones before: pass WithTokenServerOptions after it.
func WithTokenServerOptions(fn func(*tokensource.Options)) LoadOptionsFunc {
	return withWebIdentityRole(func(w *stscreds.WebIdentityRoleOptions) {
		if server, ok := w.TokenRetriever.(*namedServer); ok {
			server.parse(fn)
		}
	})
}

// WithTokenSource makes source vend the tokens wherever the configuration calls
// for a web identity: it takes the place of the token server or token file that
// the profile or the environment names, which is then not looked at. Which role
// is assumed is still the configuration's to say, and a configuration without
// web identity is not changed.
//
// It builds on [WithWebIdentityRoleCredentialOptions], of which the last call
// replaces the ones before: pass WithTokenSource after it.
func WithTokenSource(source tokensource.TokenSource) LoadOptionsFunc {
	return withWebIdentityRole(webidentity.Options(source))
}

// withWebIdentityRole applies fn after the web identity options that are there.
func withWebIdentityRole(fn func(*stscreds.WebIdentityRoleOptions)) LoadOptionsFunc {
	return func(o *LoadOptions) error {
		before := o.WebIdentityRoleCredentialOptions
		o.WebIdentityRoleCredentialOptions = func(w *stscreds.WebIdentityRoleOptions) {
			if before != nil {
				before(w)
			}
			fn(w)
		}
		return nil
	}
}
