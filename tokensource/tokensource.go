package tokensource

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"
)

// TokenSource vends OIDC tokens. Token is called once for every exchange with
// STS and must return a token that is valid now: an implementation that keeps
// tokens is responsible for their expiry (see [Reuse]).
//
// Token must return soon after ctx is done, and must be safe for concurrent
// use. An error of type [*Error] tells the caller what kind of failure it is.
type TokenSource interface {
	Token(ctx context.Context) (Token, error)
}

// Named is a [TokenSource] that a setting named. What fails on the way to a role
// is reported with it.
type Named interface {
	TokenSource

	// Setting returns where the source was named: a variable, or a profile and
	// its file.
	Setting() string
}

// Func adapts a function to a [TokenSource]. The function must be safe for
// concurrent use. The zero value is not usable.
type Func func(ctx context.Context) (Token, error)

// Token calls f.
func (f Func) Token(ctx context.Context) (Token, error) { return f(ctx) }

// Token is an OIDC token (a JWT, RFC 7519). It is a secret: it prints, logs and
// marshals as "REDACTED". Its zero value is not a token.
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

const redacted = "REDACTED"

// Format writes "REDACTED" for every verb and flag.
func (Token) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// LogValue returns "REDACTED".
func (Token) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "REDACTED", so that no encoder writes the token by
// accident.
func (Token) MarshalText() ([]byte, error) { return []byte(redacted), nil }
