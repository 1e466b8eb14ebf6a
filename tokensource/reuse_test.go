package tokensource_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
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
