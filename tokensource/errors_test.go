package tokensource_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/awstokenserver/config/tokensource"
)

func TestErrorIsOneLine(t *testing.T) {
	t.Parallel()
	err := &tokensource.Error{Class: tokensource.STSUnavailable, Problem: "failed",
		Err: errors.Join(errors.New("one"), errors.New("two"))}
	if !strings.HasPrefix(err.Error(), "failed: one; two (") {
		t.Error(err)
	}
}
