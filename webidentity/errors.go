package webidentity

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/awstokenserver/config/tokensource"
)

// errNoCredentials is for a response of STS that is a success without all of its result,
// as one from something in between.
var errNoCredentials = errors.New("the response holds no complete credentials")

// failure turns the SDK's error into one that says what STS was asked.
func (c *roleClient) failure(err error, roleARN string, token tokensource.Token) error {
	e := &tokensource.Error{Class: classify(err), Err: withoutToken(err, token), StatusCode: statusCode(err), Expired: isTokenExpired(err)}
	// A source that was made from a setting can say which.
	if s, ok := c.source.(tokensource.Named); ok {
		e.Setting = s.Setting()
	}
	switch e.Class {
	case tokensource.RoleDenied:
		e.Problem = fmt.Sprintf("STS denied role %s to %s", roleARN, summary(token))
		e.Hint = refusalOf(e.Err).hint
	case tokensource.STSUnavailable:
		e.Problem = fmt.Sprintf("no usable response from STS for role %s", roleARN)
	case tokensource.ConfigInvalid:
		e.Problem = fmt.Sprintf("STS refused the request for role %s", roleARN)
		if e.StatusCode == 0 {
			e.Problem = fmt.Sprintf("STS could not be called for role %s", roleARN)
		}
		e.Hint = refusalOf(e.Err).hint
	}
	return e
}

// refusals are what STS says of a refusal, and what to do about it:
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html#API_AssumeRoleWithWebIdentity_Errors
var refusals = []refusal{
	{"InvalidIdentityToken", "No OpenIDConnect provider", tokensource.RoleDenied,
		"create an identity provider for iss in the role's account"},
	{"InvalidIdentityToken", "Incorrect token audience", tokensource.RoleDenied,
		"add aud, or azp where the token has it, to the audiences of the account's identity provider"},
	{"InvalidIdentityToken", "verification key", tokensource.RoleDenied,
		"AWS must reach iss over the internet, and its keys, at any time"},
	{"InvalidIdentityToken", "thumbprint", tokensource.RoleDenied, "update the thumbprint of the account's identity provider"},
	{"InvalidIdentityToken", "roles claim", tokensource.RoleDenied,
		"the token is for other roles: see its claim https://aws.amazon.com/roles"},
	{"ValidationError", "", tokensource.ConfigInvalid, "correct the role's ARN, the session name, or the duration"},
	{"PackedPolicyTooLarge", "", tokensource.ConfigInvalid, "pass fewer or shorter session tags and policies"},
	{"MalformedPolicyDocument", "", tokensource.ConfigInvalid, "correct the session policy"},
	{"RegionDisabledException", "", tokensource.ConfigInvalid,
		"activate STS in this region for the role's account, or set another region"},
	{"", "", tokensource.RoleDenied, "compare the role's trust policy and the account's identity provider with these values"},
}

// refusal is what a refusal with a code and a message means. An empty code or message is any.
type refusal struct {
	code, message string
	class         tokensource.Class
	hint          string
}

// refusalOf returns what an error of STS means. An error that is not STS's has neither class
// nor hint.
func refusalOf(err error) refusal {
	var api smithy.APIError
	if errors.As(err, &api) {
		for _, r := range refusals {
			if strings.HasPrefix(api.ErrorCode(), r.code) && strings.Contains(api.ErrorMessage(), r.message) {
				return r
			}
		}
	}
	return refusal{}
}

// withoutToken returns err, or where it may hold the token what can be said without it.
func withoutToken(err error, token tokensource.Token) error {
	if !token.In(err.Error()) {
		return err
	}
	without := &smithy.GenericAPIError{Code: "Unknown", Message: "the message is withheld: it may contain the token"}
	if code := errorCode(err); !token.In(code) {
		without.Code = code
	}
	return without
}

func classify(err error) tokensource.Class {
	var (
		response *smithyhttp.ResponseError
		send     *smithyhttp.RequestSendError
		canceled *smithy.CanceledError
	)
	status, code := statusCode(err), errorCode(err)
	_, throttled := retry.DefaultThrottleErrorCodes[code]
	switch {
	case status == http.StatusTooManyRequests, err == errNoCredentials, throttled,
		code == (&types.IDPCommunicationErrorException{}).ErrorCode():
		return tokensource.STSUnavailable
	case refusalOf(err).class == tokensource.ConfigInvalid:
		return tokensource.ConfigInvalid
	case code != "" && code != unknownCode && status/100 == 4:
		return tokensource.RoleDenied
	case status != 0, errors.As(err, &response), errors.As(err, &send), errors.As(err, &canceled):
		return tokensource.STSUnavailable
	}
	return tokensource.ConfigInvalid
}

// unknownCode is the SDK's code for a response without one: it is not of STS.
const unknownCode = "UnknownError"

// statusCode returns the status of STS's response, 0 where there was none.
func statusCode(err error) int {
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) {
		return response.HTTPStatusCode()
	}
	return 0
}

// summary names the claims that a trust policy looks at.
func summary(token tokensource.Token) string {
	var claims struct {
		Iss, Sub string
		Aud      any
	}
	if err := token.Claims(&claims); err != nil {
		return err.Error()
	}
	return fmt.Sprintf("a token with iss %q, sub %q, aud %q", claims.Iss, claims.Sub, claims.Aud)
}
