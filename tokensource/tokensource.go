package tokensource

import (
	"context"
	"fmt"
	"io"
	"log/slog"
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

// Func adapts a function to a [TokenSource]. The function must be safe for
// concurrent use. The zero value is not usable.
type Func func(ctx context.Context) (Token, error)

// Token calls f.
func (f Func) Token(ctx context.Context) (Token, error) { return f(ctx) }

// Token is an OIDC token (a JWT, RFC 7519). It is a secret: it prints, logs and
// marshals as "REDACTED". Its zero value is no token.
type Token struct {
	// Value is the token as it is sent to STS: 4 to 20,000 printable ASCII
	// characters.
	Value string

	// Expires is when the token stops being valid. Zero where that is unknown.
	Expires time.Time
}

const redacted = "REDACTED"

// Format writes "REDACTED" for every verb and flag.
func (Token) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// LogValue returns "REDACTED".
func (Token) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "REDACTED", so that no encoder writes the token by
// accident.
func (Token) MarshalText() ([]byte, error) { return []byte(redacted), nil }
