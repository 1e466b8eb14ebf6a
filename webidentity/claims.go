package webidentity

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"

	"github.com/awstokenserver/config/tokensource"
)

// readClaims decodes the claims of a JWT (RFC 7519) into claims. It does not
// verify the token, which is for STS to do. An error says what the token is.
func readClaims(token tokensource.Token, claims any) error {
	parts := strings.Split(token.Value, ".")
	if len(parts) != 3 {
		return errors.New("a token that is no JWT")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(payload, claims) != nil {
		return errors.New("a JWT without readable claims")
	}
	return nil
}
