// Package webidentity turns OIDC tokens into role credentials: it plugs a
// [tokensource.TokenSource] into [stscreds.WebIdentityRoleProvider].
//
// Programs that load their configuration with github.com/awstokenserver/config
// need it for session tags ([ClaimTags]) and presigned URLs ([PresignExpiry])
// alone. It serves programs that build their providers themselves ([NewProvider],
// [NewCredentialsCache]) or stay on upstream's LoadDefaultConfig ([Options]).
//
// In both cases the token is fetched with the context of the caller, afresh for
// every exchange with STS. Where STS responds with ExpiredToken, one more exchange is
// tried with a fresh token; where it responds with InvalidIdentityToken, as many as the
// client makes attempts; no other refusal is retried. All of it is bounded by three
// minutes, even if the context has no deadline.
// Failures are of type [*tokensource.Error], with the SDK's error as their cause.
package webidentity

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"
	smithytime "github.com/aws/smithy-go/time"

	"github.com/awstokenserver/config/tokensource"
)

// RetrieveTimeout bounds one Retrieve, token requests and retries included.
// [aws.CredentialsCache] calls its provider with a context that has neither a
// deadline nor an end, and lets all callers wait for that call, so a client must
// have a bound of its own.
const RetrieveTimeout = 3 * time.Minute

// SourceRetriever is a [stscreds.IdentityTokenRetriever] whose client gets its
// tokens from a source: what [Options] sets.
type SourceRetriever interface {
	stscreds.IdentityTokenRetriever
	TokenSource() tokensource.TokenSource
}

// Options returns an option that makes a [stscreds.WebIdentityRoleProvider] take
// its tokens from source, in place of any TokenRetriever it was given. Upstream's
// WithWebIdentityRoleCredentialOptions takes it too, for a configuration that
// names a web identity token file:
//
//	config.WithWebIdentityRoleCredentialOptions(webidentity.Options(source))
func Options(source tokensource.TokenSource) func(*stscreds.WebIdentityRoleOptions) {
	return func(o *stscreds.WebIdentityRoleOptions) {
		o.TokenRetriever = tokenInClient{source}
		// Upstream's loader applies its options twice, first without a client.
		switch client := o.Client.(type) {
		case nil:
		case *roleClient:
			o.Client = &roleClient{client.client, source}
		default:
			o.Client = &roleClient{client, source}
		}
	}
}

// NewProvider returns a provider of credentials for the role roleARN, which
// client assumes with the tokens of source. The options are those of
// [stscreds.NewWebIdentityRoleProvider]; their TokenRetriever is not used.
//
// The provider does not cache: wrap it with [NewCredentialsCache]. It is
// safe for concurrent use.
func NewProvider(
	client stscreds.AssumeRoleWithWebIdentityAPIClient, roleARN string, source tokensource.TokenSource,
	optFns ...func(*stscreds.WebIdentityRoleOptions),
) *stscreds.WebIdentityRoleProvider {
	optFns = append(optFns[:len(optFns):len(optFns)], Options(source))
	return stscreds.NewWebIdentityRoleProvider(client, roleARN, tokenInClient{source}, optFns...)
}

// tokenInClient is the TokenRetriever of a provider whose client fetches the
// token, because GetIdentityToken has no context (aws-sdk-go-v2#3016).
type tokenInClient struct{ source tokensource.TokenSource }

func (tokenInClient) GetIdentityToken() ([]byte, error) { return nil, nil }

// TokenSource returns where the client gets the token from.
func (t tokenInClient) TokenSource() tokensource.TokenSource { return t.source }

// roleClient puts a fresh token into every request that it passes to client.
type roleClient struct {
	client stscreds.AssumeRoleWithWebIdentityAPIClient
	source tokensource.TokenSource
}

func (c *roleClient) AssumeRoleWithWebIdentity(
	ctx context.Context, params *sts.AssumeRoleWithWebIdentityInput, optFns ...func(*sts.Options),
) (*sts.AssumeRoleWithWebIdentityOutput, error) {
	ctx, cancel := context.WithTimeout(ctx, RetrieveTimeout)
	defer cancel()

	// The provider's own options would send a refused token again.
	var given sts.Options
	optFns = append([]func(*sts.Options){func(o *sts.Options) { given = *o }}, optFns...)
	optFns = append(optFns, func(o *sts.Options) { o.Retryer, o.APIOptions = given.Retryer, given.APIOptions })

	var refusal error
	var refused tokensource.Token
	for attempt := 1; ; attempt++ {
		token, err := c.source.Token(ctx)
		if err != nil {
			return nil, err
		}
		if isTokenExpired(refusal) && token.Value == refused.Value {
			return nil, c.failure(refusal, aws.ToString(params.RoleArn), token)
		}
		withToken := *params
		withToken.WebIdentityToken = &token.Value
		out, err := c.client.AssumeRoleWithWebIdentity(ctx, &withToken, optFns...)
		if err == nil && !isComplete(out.Credentials) {
			err = errNoCredentials
		}
		if err == nil {
			return out, nil
		}
		if !mayFareBetter(err, attempt, given.Retryer) || !backOff(ctx, attempt, given.Retryer, err) {
			return nil, c.failure(err, aws.ToString(params.RoleArn), token)
		}
		refusal, refused = err, token
	}
}

func isComplete(keys *types.Credentials) bool {
	return keys != nil && keys.Expiration != nil && aws.ToString(keys.AccessKeyId) != "" &&
		aws.ToString(keys.SecretAccessKey) != "" && aws.ToString(keys.SessionToken) != ""
}

// mayFareBetter reports whether another token may, after so many attempts. An expired
// one is replaced once. InvalidIdentityToken is also what STS says when it cannot get the
// keys of the issuer for a moment, and then it passes as the SDK's other errors do.
func mayFareBetter(err error, attempts int, retryer aws.Retryer) bool {
	if isTokenExpired(err) {
		return attempts == 1
	}
	most := retry.DefaultMaxAttempts
	if retryer != nil {
		most = retryer.MaxAttempts()
	}
	return errorCode(err) == (&types.InvalidIdentityTokenException{}).ErrorCode() && (most <= 0 || attempts < most)
}

// isTokenExpired reports whether STS says that the token has expired.
func isTokenExpired(err error) bool {
	switch errorCode(err) {
	case (&types.ExpiredTokenException{}).ErrorCode(), "ExpiredToken":
		return true
	}
	return false
}

// errorCode returns what STS calls the error, or "" where it is not STS's.
func errorCode(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// backOff waits as retryer would after an attempt. It reports false when ctx ended
// first.
func backOff(ctx context.Context, attempt int, retryer aws.Retryer, err error) bool {
	if retryer == nil {
		return ctx.Err() == nil
	}
	delay, err := retryer.RetryDelay(attempt, err)
	return err == nil && smithytime.SleepWithContext(ctx, delay) == nil
}
