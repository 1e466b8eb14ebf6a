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
