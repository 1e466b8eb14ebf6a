package tokensource

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"
)

// margin is how long before its end a token is fetched anew: time enough for an
// exchange with STS and its retries.
const margin = time.Minute

// Reuse returns a source that keeps a token of source, which must not be nil,
// and hands it out until a minute before it expires. A token whose expiry is
// unknown is not kept. Use it where many roles are assumed with tokens of one
// server that is slow or limits its rate; without it, each exchange with STS has
// a token of its own.
//
// There is one fetch at a time, and all callers that arrive meanwhile share its
// outcome, an error included. A caller stops waiting when its own context is
// done; the fetch goes on for the others. So the fetch has the values of the
// first caller's context, but neither its deadline nor its cancellation: source
// must bound itself, as all sources of this package do.
//
// The source is safe for concurrent use.
func Reuse(source TokenSource) TokenSource { return &reuse{source: source} }

type reuse struct {
	source TokenSource

	mu     sync.Mutex
	token  *Token  // or nil; a pointer, which fmt does not follow from within another struct
	flight *flight // or nil
}

type flight struct {
	landed chan struct{} // closed when token and err are set
	token  Token
	err    error
}

var _ TokenSource = (*reuse)(nil)

// Token returns the token that is kept, or fetches one.
func (r *reuse) Token(ctx context.Context) (Token, error) {
	if ctx.Err() != nil {
		return Token{}, cancelled(ctx, nil)
	}
	r.mu.Lock()
	if r.token != nil && time.Until(r.token.Expires) > margin {
		defer r.mu.Unlock()
		return *r.token, nil
	}
	f := r.flight
	if f == nil {
		f = &flight{landed: make(chan struct{})}
		r.flight = f
		go r.fetch(context.WithoutCancel(ctx), f)
	}
	r.mu.Unlock()
	select {
	case <-f.landed:
		return f.token, f.err
	case <-ctx.Done():
		return Token{}, cancelled(ctx, nil)
	}
}

func (r *reuse) fetch(ctx context.Context, f *flight) {
	f.token, f.err = r.source.Token(ctx)
	r.mu.Lock()
	if f.err == nil {
		r.token = &f.token
	}
	r.flight = nil
	r.mu.Unlock()
	close(f.landed)
}

// Format writes no token for any format verb.
func (r *reuse) Format(f fmt.State, _ rune) { io.WriteString(f, "reused tokens") }
