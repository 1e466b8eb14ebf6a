//go:build go1.25

package tokensource_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/awstokenserver/config/tokensource"
)

// A clock of synctest begins with the year 2000.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, value string
		delay       time.Duration
		requests    int
		took        time.Duration
	}{
		{"seconds", "7", 0, 2, 7 * time.Second},
		{"shorter than the back-off", "0", time.Second, 2, time.Second},
		{"date", "Sat, 01 Jan 2000 00:00:07 GMT", 0, 2, 7 * time.Second},
		{"past", "Fri, 31 Dec 1999 23:59:53 GMT", 0, 2, 0},
		{"negative", "-5", 0, 2, 0},
		{"nonsense", "soon", 0, 2, 0},
		{"beyond the bound", "61", 0, 1, 0},
		{"date beyond the bound", "Sat, 01 Jan 2000 00:01:01 GMT", 0, 1, 0},
		{"absurd", "999999999999", 0, 1, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				requests := 0
				client := clientFunc(func(r *http.Request) (*http.Response, error) {
					response := &http.Response{StatusCode: 200,
						Body: io.NopCloser(strings.NewReader(`{"value": "` + theJWT + `"}`)), Request: r}
					if requests++; requests == 1 {
						response.StatusCode, response.Header = 429, http.Header{"Retry-After": {test.value}}
					}
					return response, nil
				})
				start := time.Now()
				_, err := pair(t, "http://127.0.0.1", useClient(client),
					useRetryer(&retryer{attempts: 3, delay: test.delay})).Token(t.Context())
				if test.requests == 1 {
					wantError(t, err, tokensource.TokenUnavailable, "429")
				} else if err != nil {
					t.Error(err)
				}
				if took := time.Since(start); requests != test.requests || took != test.took {
					t.Errorf("%d requests in %v", requests, took)
				}
			})
		})
	}
}
