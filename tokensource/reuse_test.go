//go:build go1.25

package tokensource_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/awstokenserver/config/tokensource"
)

func TestReuse(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		expires time.Time
		fetches int64
	}{
		"fresh":        {time.Now().Add(2 * time.Minute), 1},
		"about to end": {time.Now().Add(50 * time.Second), 3},
		"ended":        {time.Now().Add(-time.Minute), 3},
		"unknown":      {time.Time{}, 3},
	} {
		var fetches atomic.Int64
		source := tokensource.Reuse(tokensource.Func(func(context.Context) (tokensource.Token, error) {
			fetches.Add(1)
			return tokensource.Token{Value: theJWT, Expires: test.expires}, nil
		}))
		for range 3 {
			wantToken(t, source)
		}
		if n := fetches.Load(); n != test.fetches {
			t.Errorf("%s: %d fetches", name, n)
		}
	}
}

func TestReuseKeepsNoError(t *testing.T) {
	t.Parallel()
	failing := errors.New("failing")
	source := tokensource.Reuse(tokensource.Func(func(context.Context) (tokensource.Token, error) {
		defer func() { failing = nil }()
		return tokensource.Token{Value: theJWT}, failing
	}))
	if _, err := source.Token(t.Context()); err == nil {
		t.Error("no error")
	}
	wantToken(t, source)
}

func TestReuseSharesAFetch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		type key struct{}
		var fetches atomic.Int64
		land := make(chan struct{})
		source := tokensource.Reuse(tokensource.Func(func(ctx context.Context) (tokensource.Token, error) {
			fetches.Add(1)
			if _, bounded := ctx.Deadline(); bounded || ctx.Value(key{}) != "value" {
				t.Error("another context than expected")
			}
			<-land
			return tokensource.Token{Value: theJWT}, ctx.Err()
		}))

		// The first caller leaves.
		ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), key{}, "value"), 20*time.Millisecond)
		defer cancel()
		_, err := source.Token(ctx)
		wantError(t, err, tokensource.TokenUnavailable)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}

		// The others get what it asked for.
		var callers sync.WaitGroup
		for range 10 {
			callers.Add(1)
			go func() {
				defer callers.Done()
				if token, err := source.Token(t.Context()); err != nil || token.Value != theJWT {
					t.Error(err)
				}
			}()
		}
		synctest.Wait()
		close(land)
		callers.Wait()
		if n := fetches.Load(); n != 1 {
			t.Errorf("%d fetches", n)
		}
	})
}
