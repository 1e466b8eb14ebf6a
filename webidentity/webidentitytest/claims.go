package webidentitytest

import (
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

type claims struct {
	jwt.Claims
	AuthorizedParty string    `json:"azp"`
	Tags            tagsClaim `json:"https://aws.amazon.com/tags"`
}

// audience follows
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#ck_aud
func (c claims) audience() jwt.Audience {
	if c.AuthorizedParty != "" {
		return jwt.Audience{c.AuthorizedParty}
	}
	return c.Audience
}

func (s *STS) verify(token string) (c claims, refusal http.HandlerFunc) {
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{
		jose.RS256, jose.RS384, jose.RS512, jose.ES256, jose.ES384, jose.ES512,
	})
	if err != nil || parsed.UnsafeClaimsWithoutVerification(&c) != nil {
		return c, invalidToken("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
	}
	if c.Issuer != s.issuer.URL {
		return c, invalidToken("No OpenIDConnect provider found in your account for " + c.Issuer)
	}
	if parsed.Claims(s.issuer.keys) != nil {
		return c, invalidToken("The signature of the ID Token is invalid")
	}
	if c.Subject == "" || len(c.Audience) == 0 || c.Expiry == nil || c.IssuedAt == nil {
		return c, invalidToken("Missing a required claim: sub, aud, exp or iat")
	}
	now := time.Now()
	if !now.Before(c.Expiry.Time()) {
		return c, STSError(http.StatusBadRequest, "ExpiredTokenException",
			"Token expired: current date/time must be before the expiration date/time")
	}
	if c.NotBefore != nil && now.Before(c.NotBefore.Time()) {
		return c, invalidToken("The ID Token is not valid yet")
	}
	return c, nil
}
