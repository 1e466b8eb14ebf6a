package config

import (
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
