package tokensource_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/awstokenserver/config/tokensource"
)

func TestMain(m *testing.M) {
	for _, setting := range os.Environ() {
		name, _, _ := strings.Cut(setting, "=")
		if upper := strings.ToUpper(name); strings.HasPrefix(upper, "AWS_") || strings.HasPrefix(upper, "ACTIONS_") ||
			strings.HasSuffix(upper, "_PROXY") {
			os.Unsetenv(name)
		}
	}
	os.Exit(m.Run())
}

const requestToken = "request-token-that-nobody-may-see"

var variables atomic.Int64

// setenv sets a variable that no other test uses, so that tests can be parallel.
func setenv(t testing.TB, value string) (name string) {
	name = fmt.Sprintf("TOKENSOURCE_TEST_%d", variables.Add(1))
	if err := os.Setenv(name, value); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Unsetenv(name) })
	return name
}

func newJWT(expires time.Time) string {
	part := func(v any) string {
		text, _ := json.Marshal(v)
		return base64.RawURLEncoding.EncodeToString(text)
	}
	return part(map[string]any{"alg": "RS256"}) + "." + part(map[string]any{"exp": expires.Unix(), "sub": "repo:o/r"}) +
		".c2lnbmF0dXJl"
}

var theJWT = newJWT(time.Now().Add(time.Hour))

// serve starts a token server, and counts its requests.
func serve(t testing.TB, handler http.HandlerFunc) (url string, requests *atomic.Int64) {
	requests = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		handler(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, requests
}

func answerToken(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, `{"value": %q}`, theJWT) }

func answerStatus(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

// httpDocument is a document with the members of http given as JSON text.
func httpDocument(members string) []byte {
	return []byte(`{"version": 1, "http": {` + members + `}, "hint": "the hint"}`)
}

func mustDocument(t testing.TB, members string, optFns ...func(*tokensource.Options)) tokensource.TokenSource {
	t.Helper()
	source, err := tokensource.Document(httpDocument(members),
		append([]func(*tokensource.Options){retries(3), useTimeout(time.Minute)}, optFns...)...)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// pair is a source with GitHub's contract at url.
func pair(t testing.TB, url string, optFns ...func(*tokensource.Options)) tokensource.TokenSource {
	t.Helper()
	source, err := tokensource.EnvPair(setenv(t, url), setenv(t, requestToken),
		append([]func(*tokensource.Options){retries(3), useTimeout(time.Minute)}, optFns...)...)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// retryer retries after a delay, and counts what it is told.
type retryer struct {
	attempts int
	delay    time.Duration
}

func (r *retryer) IsErrorRetryable(error) bool                        { return false }
func (r *retryer) MaxAttempts() int                                   { return r.attempts }
func (r *retryer) RetryDelay(n int, err error) (time.Duration, error) { return r.delay, nil }

// The quota of the retryer is for AWS.
func (r *retryer) GetInitialToken() func(error) error { panic("the quota is used") }
func (r *retryer) GetRetryToken(context.Context, error) (func(error) error, error) {
	panic("the quota is used")
}

func retries(attempts int) func(*tokensource.Options) {
	return useRetryer(&retryer{attempts: attempts})
}

func useRetryer(r aws.Retryer) func(*tokensource.Options) {
	return func(o *tokensource.Options) { o.Retryer = r }
}

func useClient(c aws.HTTPClient) func(*tokensource.Options) {
	return func(o *tokensource.Options) { o.HTTPClient = c }
}

func useTimeout(d time.Duration) func(*tokensource.Options) {
	return func(o *tokensource.Options) { o.Timeout = d }
}

func useAudience(audience string) func(*tokensource.Options) {
	return func(o *tokensource.Options) { o.Audience = &audience }
}

// wantError checks the class of err, and that it holds every part.
func wantError(t testing.TB, err error, class tokensource.Class, parts ...string) *tokensource.Error {
	t.Helper()
	var e *tokensource.Error
	if !errors.As(err, &e) || !errors.Is(err, class) {
		t.Fatalf("error %v, want one of class %s", err, class)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
	noSecret(t, err.Error())
	return e
}

// noSecret fails the test if text holds one.
func noSecret(t testing.TB, text string) {
	t.Helper()
	for _, secret := range []string{requestToken, "eyJ"} {
		if strings.Contains(text, secret) {
			t.Errorf("%q holds the secret %s", text, secret)
		}
	}
}

func wantToken(t testing.TB, source tokensource.TokenSource) tokensource.Token {
	t.Helper()
	token, err := source.Token(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if token.Value != theJWT {
		t.Fatalf("another token than the server's: %d characters", len(token.Value))
	}
	return token
}

func failToken(t testing.TB, source tokensource.TokenSource, class tokensource.Class,
	parts ...string) *tokensource.Error {
	t.Helper()
	_, err := source.Token(context.Background())
	return wantError(t, err, class, parts...)
}
