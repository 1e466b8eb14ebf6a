package tokensource

import (
	"encoding/json"
	"strings"
	"time"
)

// checkToken returns the token in text, if it is one that STS could take: see
// WebIdentityToken in
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
func checkToken(text string) (string, error) {
	token := strings.TrimSpace(text)
	switch {
	case token == "":
		return "", malformed("the token is empty")
	case len(token) < 4 || len(token) > 20000:
		return "", malformed("the token does not have 4 to 20,000 characters")
	case strings.ContainsFunc(token, func(r rune) bool { return r < 0x21 || r > 0x7e }):
		return "", malformed("the token holds a character that is not printable ASCII")
	}
	return token, nil
}

func malformed(problem string) *Error { return &Error{Class: TokenMalformed, Problem: problem} }

// expiry is the claim exp of a JWT (RFC 7519), which is not verified. It is zero
// where there is none.
func expiry(token string) time.Time {
	var (
		claims map[string]json.RawMessage // the names of a struct's members would match in any case
		exp    float64
	)
	const year9999 = 253402300799
	if (Token{Value: token}).Claims(&claims) != nil || json.Unmarshal(claims["exp"], &exp) != nil || exp <= 0 || exp > year9999 {
		return time.Time{}
	}
	return time.Unix(int64(exp), 0)
}
