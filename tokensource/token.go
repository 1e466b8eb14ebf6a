package tokensource

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// Token is an OIDC token (a JWT, RFC 7519). It is a secret: it prints, logs and
// marshals as "REDACTED", but not from within an unexported field of another struct,
// which package fmt prints without asking. Its zero value is not a token.
type Token struct {
	// Value is the token as it is sent to STS: 4 to 20,000 printable ASCII
	// characters.
	Value string

	// Expires is when the token stops being valid. Zero where that is unknown.
	Expires time.Time
}

// Claims decodes the claims of the token, which has to be a JWT, into v as
// [encoding/json.Unmarshal] does; numbers become a [json.Number] where v says
// nothing of their type. It verifies nothing, which is up to STS. The error says
// what the token is, and nothing of what it holds.
func (t Token) Claims(v any) error {
	parts := strings.Split(t.Value, ".")
	if len(parts) != 3 {
		return errors.New("a token that is not a JWT")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	decoder := json.NewDecoder(bytes.NewReader(payload))
	decoder.UseNumber()
	if err != nil || !json.Valid(payload) || decoder.Decode(v) != nil {
		return errors.New("a JWT without readable claims")
	}
	return nil
}

// checkToken returns the token in text, if it is one that STS could take: see
// WebIdentityToken in
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
func checkToken(text string) (string, error) {
	token := trim(text)
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

// expiry is the claim exp of a JWT (RFC 7519), which is not verified. It is zero
// where there is none.
func expiry(token string) time.Time {
	var (
		claims map[string]json.RawMessage // the names of a struct's members would match in any case
		exp    float64
	)
	const year9999 = 253402300799
	if (Token{Value: token}).Claims(&claims) != nil || json.Unmarshal(claims["exp"], &exp) != nil || exp <= 0 ||
		exp > year9999 {
		return time.Time{}
	}
	return time.Unix(int64(exp), 0)
}
