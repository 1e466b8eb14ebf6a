package tokensource

import "context"

// GitHub is the source of GitHub Actions' tokens, and of those of Forgejo
// Actions, which has the same contract. The audience is sts.amazonaws.com
// unless the options name another.
//
// The request URL and token come from the variables
// ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN, which exist
// only in a job with `permissions: id-token: write`; elsewhere Token fails with
// [NotConfigured]. Source: https://docs.github.com/en/actions/reference/security/oidc
func GitHub(optFns ...func(*Options)) TokenSource {
	s, _ := lookUp("GitHub")
	source, err := s.open(optFns)
	if err != nil {
		return Func(func(context.Context) (Token, error) { return Token{}, err })
	}
	return source
}
