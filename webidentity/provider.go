package webidentity

import (
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"

	"github.com/awstokenserver/config/tokensource"
)

// NewProvider returns a provider of credentials for the role roleARN, which
// client assumes with the tokens of source. The options are those of
// [stscreds.NewWebIdentityRoleProvider]; their TokenRetriever is not used.
//
// The provider does not cache: wrap it with [NewCredentialsCache]. It is
// safe for concurrent use.
func NewProvider(client stscreds.AssumeRoleWithWebIdentityAPIClient, roleARN string, source tokensource.TokenSource, optFns ...func(*stscreds.WebIdentityRoleOptions)) *stscreds.WebIdentityRoleProvider {
	optFns = append(optFns[:len(optFns):len(optFns)], Options(source))
	return stscreds.NewWebIdentityRoleProvider(client, roleARN, tokenInClient{source}, optFns...)
}
