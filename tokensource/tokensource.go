package tokensource

import (
	"context"
)

// TokenSource vends OIDC tokens. Token is called once for every exchange with
// STS and must return a token that is valid now: an implementation that keeps
// tokens is responsible for their expiry (see [Reuse]).
//
// Token must return soon after ctx is done, and must be safe for concurrent
// use. An error should be of type [*Error], whose class says what kind of failure it is.
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
