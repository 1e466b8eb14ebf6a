package webidentitytest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Issuer is an OIDC issuer with one key of its own. It serves its provider
// metadata and its key set, and nothing else: the authorization and token
// endpoints that the metadata must name respond with 404. See [OpenID Connect
// Discovery 1.0] and [RFC 7517].
//
// Its address is plain HTTP, which AWS itself doesn't accept from an issuer.
//
// [OpenID Connect Discovery 1.0]: https://openid.net/specs/openid-connect-discovery-1_0.html
// [RFC 7517]: https://www.rfc-editor.org/rfc/rfc7517
type Issuer struct {
	Server
	signer jose.Signer
	keys   jose.JSONWebKeySet
}

const defaultTokenLifetime = 5 * time.Minute // GitHub's

// NewIssuer starts an issuer that signs with alg: [jose.RS256], which the empty
// alg means too, or [jose.ES256], whose key is made much faster. It panics on
// any other.
func NewIssuer(alg jose.SignatureAlgorithm) *Issuer {
	var key crypto.Signer
	switch alg {
	case "", jose.RS256:
		alg = jose.RS256
		key = must(rsa.GenerateKey(rand.Reader, 2048))
	case jose.ES256:
		key = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	default:
		panic(fmt.Sprintf("webidentitytest: an issuer signs with RS256 or ES256, not %q", alg))
	}
	jwk := jose.JSONWebKey{Key: key, Algorithm: string(alg), Use: "sig"}
	jwk.KeyID = base64.RawURLEncoding.EncodeToString(must(jwk.Thumbprint(crypto.SHA256)))

	i := &Issuer{
		signer: must(jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jwk},
			(&jose.SignerOptions{}).WithType("JWT"))),
		keys: jose.JSONWebKeySet{Keys: []jose.JSONWebKey{jwk.Public()}},
	}
	i.start(func(w http.ResponseWriter, r *http.Request, _ Request) {
		switch r.URL.Path {
		case "/.well-known/openid-configuration":
			writeJSON(w, http.StatusOK, map[string]any{
				"issuer":                                i.URL,
				"jwks_uri":                              i.URL + "/.well-known/jwks",
				"authorization_endpoint":                i.URL + "/authorize",
				"token_endpoint":                        i.URL + "/token",
				"scopes_supported":                      []string{"openid"},
				"response_types_supported":              []string{"id_token"},
				"subject_types_supported":               []string{"public"},
				"id_token_signing_alg_values_supported": []string{string(alg)},
			})
		case "/.well-known/jwks":
			writeJSON(w, http.StatusOK, i.keys)
		default:
			http.NotFound(w, r)
		}
	})
	return i
}

// Sign returns a JWT with the given claims. Where they are absent it adds iss
// (the issuer's URL), iat and nbf (now), exp (in five minutes) and a random jti;
// a claim that is present is never changed, so that tests can make expired
// tokens and those of another issuer. A nil claim becomes null, which verifiers
// take for absent. Times are seconds since 1970 (RFC 7519). Sign panics on
// claims that JSON cannot express, and is safe for concurrent use.
func (i *Issuer) Sign(claims map[string]any) string {
	now := time.Now()
	all := map[string]any{
		"iss": i.URL,
		"iat": now.Unix(),
		"nbf": now.Unix(),
		"exp": now.Add(defaultTokenLifetime).Unix(),
		"jti": rand.Text(),
	}
	maps.Copy(all, claims)
	return must(jwt.Signed(i.signer).Claims(all).Serialize())
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(fmt.Sprintf("webidentitytest: %v", err))
	}
	return v
}
