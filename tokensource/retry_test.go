package tokensource_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go/logging"

	"github.com/awstokenserver/config/tokensource"
)

const pendingState = `{"message": "Can't issue ID_TOKEN for job in 'Pending' state"}`

// hijack answers with raw text and closes the connection.
func hijack(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		fmt.Fprint(conn, text)
		conn.Close()
	}
}

// failures calls failing for the first n requests and answers the others with a
// token.
func failures(n int, failing http.HandlerFunc) http.HandlerFunc {
	var mu sync.Mutex
	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		n--
		fails := n >= 0
		mu.Unlock()
		if fails {
			failing(w, r)
		} else {
			answerToken(w, r)
		}
	}
}

func TestRetries(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		failing http.HandlerFunc
		retried bool
		class   tokensource.Class
	}{
		{"400", answerStatus(400, ""), false, tokensource.TokenRefused},
		{"401", answerStatus(401, ""), false, tokensource.TokenRefused},
		{"403", answerStatus(403, `{"message": "Can't issue ID_TOKEN"}`), false, tokensource.TokenRefused},
		{"404", answerStatus(404, ""), false, tokensource.TokenRefused},
		{"408", answerStatus(408, ""), true, tokensource.TokenUnavailable},
		{"409", answerStatus(409, pendingState), false, tokensource.TokenRefused},
		{"425", answerStatus(425, ""), false, tokensource.TokenRefused},
		{"429", answerStatus(429, ""), true, tokensource.TokenUnavailable},
		{"500", answerStatus(500, ""), true, tokensource.TokenUnavailable},
		{"501", answerStatus(501, ""), true, tokensource.TokenUnavailable},
		{"503", answerStatus(503, `{"message": "busy"}`), true, tokensource.TokenUnavailable},
		{"599", answerStatus(599, ""), true, tokensource.TokenUnavailable},
		{"600", answerStatus(600, ""), false, tokensource.TokenUnavailable},
		{"999", answerStatus(999, ""), false, tokensource.TokenUnavailable},
		{"header fields", answerHeader(strings.Repeat("x", 65<<10)), true, tokensource.TokenUnavailable},
		{"header fields in a refusal", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Long", strings.Repeat("x", 60<<10))
			w.WriteHeader(401)
		}, false, tokensource.TokenRefused},
		{"redirect", answerStatus(302, ""), false, tokensource.TokenRefused},
		{"malformed", answerStatus(200, "<html>"), false, tokensource.TokenMalformed},
		{"no response", hijack(""), true, tokensource.TokenUnavailable},
		{"no HTTP", hijack("SSH-2.0\r\n"), true, tokensource.TokenUnavailable},
		{"truncated body", hijack("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"), true,
			tokensource.TokenUnavailable},
		{"truncated refusal", hijack("HTTP/1.1 401 Unauthorized\r\nContent-Length: 100\r\n\r\n{"), false,
			tokensource.TokenRefused},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			url, requests := serve(t, failures(2, test.failing))
			source := pair(t, url)
			if test.retried {
				wantToken(t, source)
				if n := requests.Load(); n != 3 {
					t.Errorf("%d requests", n)
				}
			}
			url, requests = serve(t, failures(3, test.failing))
			failToken(t, pair(t, url), test.class)
			want := int64(1)
			if test.retried {
				want = 3
			}
			if n := requests.Load(); n != want {
				t.Errorf("%d requests, want %d", n, want)
			}
		})
	}
}

func answerHeader(value string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Long", value)
		answerToken(w, r)
	}
}

// Azure's metadata service answers so while it updates.
func TestRetriedStatuses(t *testing.T) {
	t.Parallel()
	for status, class := range map[int]tokensource.Class{
		404: "", 410: "", 411: tokensource.TokenRefused,
	} {
		url, requests := serve(t, failures(1, answerStatus(status, "")))
		source := mustDocument(t, `"url": "`+url+`", "token": "/value", "retry": [404, 410]`)
		if class != "" {
			failToken(t, source, class)
		} else if wantToken(t, source); requests.Load() != 2 {
			t.Errorf("%d: %d requests", status, requests.Load())
		}
	}
	url, _ := serve(t, answerStatus(404, "")) // for good
	failToken(t, mustDocument(t, `"url": "`+url+`", "retry": [404]`), tokensource.TokenUnavailable, "404")
}

// https://github.com/aws-actions/configure-aws-credentials/issues/469
func TestConfigureAWSCredentials469_PendingState(t *testing.T) {
	t.Parallel()
	url, _ := serve(t, failures(2, answerStatus(403, pendingState)))
	wantToken(t, pair(t, url))
	url, _ = serve(t, answerStatus(403, pendingState))
	failToken(t, pair(t, url), tokensource.TokenUnavailable, "'Pending' state")
}

// https://github.com/sigstore/cosign/issues/4438: the body of the 502 hid its
// status.
func TestCosign4438_502WithHTML(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"upstream connect error or disconnect/reset before headers", "<html><h1>502"} {
		url, requests := serve(t, failures(1, answerStatus(502, body)))
		wantToken(t, pair(t, url))
		if n := requests.Load(); n != 2 {
			t.Errorf("%d requests", n)
		}
		url, _ = serve(t, answerStatus(502, body))
		e := failToken(t, pair(t, url), tokensource.TokenUnavailable, "responded with 502 Bad Gateway (")
		if e.StatusCode != 502 {
			t.Errorf("status %d", e.StatusCode)
		}
	}
}

// https://github.com/sigstore/cosign/issues/4870
func TestCosign4870_OneAuthorizationOnRetry(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var got []string
	var bodies []string
	url, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, strings.Join(r.Header.Values("Authorization"), "|"))
		var body bytes.Buffer
		body.ReadFrom(r.Body)
		bodies = append(bodies, body.String())
		w.WriteHeader(500)
	})
	source := mustDocument(t,
		`"url": "`+url+`", "method": "POST", "headers": {"Authorization": "Bearer x"}, "body": {"a": 1}`)
	failToken(t, source, tokensource.TokenUnavailable)
	if strings.Join(got, ",") != "Bearer x,Bearer x,Bearer x" {
		t.Errorf("Authorization: %q", got)
	}
	if strings.Join(bodies, "") != `{"a":1}{"a":1}{"a":1}` {
		t.Errorf("bodies %q", bodies)
	}
}

// https://github.com/grafana/shared-workflows/issues/2249: time-outs outside the
// retry loop.
func TestSharedWorkflows2249_TimeoutOfAnAttempt(t *testing.T) {
	t.Parallel()
	hang := func(head string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if head != "" {
				fmt.Fprint(w, head)
				w.(http.Flusher).Flush()
			}
			<-r.Context().Done()
		}
	}
	for name, head := range map[string]string{"before the header": "", "in the body": `{"value":`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, requests := serve(t, failures(2, hang(head)))
			start := time.Now()
			// On a slow machine more attempts than those that hang may time out.
			wantToken(t, pair(t, url, useTimeout(200*time.Millisecond), retries(0)))
			if n, took := requests.Load(), time.Since(start); n < 3 || took < 400*time.Millisecond ||
				took > 30*time.Second {
				t.Errorf("%d requests in %v", n, took)
			}
			url, _ = serve(t, hang(head))
			e := failToken(t, pair(t, url, useTimeout(20*time.Millisecond)), tokensource.TokenUnavailable, "after 20ms",
				"timeout")
			if errors.Is(e, context.DeadlineExceeded) {
				t.Error("looks as if the caller's deadline had passed")
			}
		})
	}
}

func TestConnectionRefused(t *testing.T) {
	t.Parallel()
	e := failToken(t, pair(t, "http://127.0.0.1:1/path-s3cr3t?secret="+requestToken, retries(4)),
		tokensource.TokenUnavailable, "127.0.0.1:1", "refused")
	if strings.Contains(e.Error(), "s3cr3t") {
		t.Error(e)
	}
}

func TestRetryer(t *testing.T) {
	t.Parallel()
	always := answerStatus(500, "")
	for _, test := range []struct {
		name     string
		retryer  aws.Retryer
		failing  http.HandlerFunc
		requests int64
	}{
		{"attempts", &retryer{attempts: 2}, always, 2},
		{"unlimited", &retryer{}, failures(20, always), 21},
		{"recovers", &retryer{attempts: 3}, failures(1, always), 2},
		{"succeeds", &retryer{attempts: 3}, answerToken, 1},
		{"delay beyond the bound", &retryer{delay: 61 * time.Second}, always, 1},
		{"none", aws.NopRetryer{}, always, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			url, requests := serve(t, test.failing)
			pair(t, url, useRetryer(test.retryer)).Token(t.Context())
			if n := requests.Load(); n != test.requests {
				t.Errorf("%d requests, want %d", n, test.requests)
			}
		})
	}
}

func TestDefaultRetryer(t *testing.T) {
	t.Parallel()
	url, requests := serve(t, failures(1, answerStatus(500, "")))
	wantToken(t, pair(t, url, useRetryer(nil)))
	if n := requests.Load(); n != 2 {
		t.Errorf("%d requests", n)
	}
}

func TestContextEnds(t *testing.T) {
	t.Parallel()
	hang := func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	for _, test := range []struct {
		name    string
		handler http.HandlerFunc
		retryer *retryer
	}{
		{"in an attempt", hang, &retryer{attempts: 3}},
		{"in the last attempt", hang, &retryer{attempts: 1}},
		{"between attempts", answerStatus(503, ""), &retryer{delay: 50 * time.Second}},
		{"in unlimited attempts", answerStatus(503, ""), &retryer{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			url, _ := serve(t, test.handler)
			source := pair(t, url, useRetryer(test.retryer))
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(50*time.Millisecond, cancel)
			start := time.Now()
			_, err := source.Token(ctx)
			wantError(t, err, tokensource.TokenUnavailable, "the caller stopped waiting")
			if took := time.Since(start); !errors.Is(err, context.Canceled) || took > 30*time.Second {
				t.Errorf("%v after %v", err, took)
			}
		})
	}
	t.Run("deadline before the next attempt", func(t *testing.T) {
		t.Parallel()
		url, requests := serve(t, answerStatus(503, ""))
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second)
		defer cancel()
		start := time.Now()
		_, err := pair(t, url, useRetryer(&retryer{delay: 51 * time.Second})).Token(ctx)
		wantError(t, err, tokensource.TokenUnavailable, "responded with 503")
		if took := time.Since(start); took > 30*time.Second || requests.Load() != 1 {
			t.Errorf("%d requests in %v", requests.Load(), took)
		}
	})
}

// Every source leaves a context that is done alone.
func TestCancelledBefore(t *testing.T) {
	t.Parallel()
	url, requests := serve(t, answerToken)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, source := range map[string]tokensource.TokenSource{
		"GitHub":   tokensource.GitHub(),
		"pair":     pair(t, url),
		"document": mustDocument(t, `"url": "`+url+`"`),
		"file":     tokensource.File("/no/such/file"),
		"env":      tokensource.Env("TOKENSOURCE_TEST_MISSING"),
		"reuse":    tokensource.Reuse(pair(t, url)),
	} {
		token, err := source.Token(ctx)
		wantError(t, err, tokensource.TokenUnavailable)
		if !errors.Is(err, context.Canceled) || token.Value != "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := requests.Load(); n != 0 {
		t.Errorf("%d requests", n)
	}
}

func TestRetryLog(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	url, _ := serve(t, failures(2, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(503)
		fmt.Fprintf(w, `{"echo": %q, "token": %q}`, r.Header.Get("Authorization"), theJWT)
	}))
	wantToken(t, pair(t, url, func(o *tokensource.Options) { o.Logger = logging.NewStandardLogger(&log) }))
	lines := bufio.NewScanner(bytes.NewReader(log.Bytes()))
	n := 0
	for ; lines.Scan(); n++ {
		if !strings.Contains(lines.Text(), fmt.Sprintf("attempt %d failed", n+1)) {
			t.Errorf("log: %s", lines.Text())
		}
	}
	if n != 2 {
		t.Errorf("%d lines", n)
	}
	noSecret(t, log.String())
}

// inUse counts goroutines and, where the system tells, file descriptors.
func inUse() (goroutines, files int) {
	entries, _ := os.ReadDir("/proc/self/fd")
	return runtime.NumGoroutine(), len(entries)
}

// TestNoLeak is not parallel, so that it counts what is its own.
func TestNoLeak(t *testing.T) {
	url, _ := serve(t, failures(10, answerStatus(500, "")))
	sources := []tokensource.TokenSource{pair(t, url, retries(1)), pair(t, "http://127.0.0.1:1", retries(1))}
	fetch := func() {
		for _, source := range sources {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			source.Token(ctx)
			cancel()
		}
	}
	fetch() // what is opened once
	time.Sleep(50 * time.Millisecond)
	goroutines, files := inUse()
	for range 20 {
		fetch()
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		g, f := inUse()
		if g <= goroutines && f <= files {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines and %d files, and before %d and %d", g, f, goroutines, files)
		}
	}
}
