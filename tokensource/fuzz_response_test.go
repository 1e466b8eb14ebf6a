package tokensource_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode"

	"github.com/aws/smithy-go/logging"

	"github.com/awstokenserver/config/tokensource"
)

// answering is an HTTP client whose every connection leads to a server that
// answers with these bytes and hangs up. It counts the requests.
func answering(response []byte) (client *http.Client, requests *atomic.Int64) {
	requests = new(atomic.Int64)
	dial := func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		go func() {
			defer far.Close()
			if request, err := http.ReadRequest(bufio.NewReader(far)); err == nil {
				io.Copy(io.Discard, request.Body)
				requests.Add(1)
				far.Write(response)
			}
		}()
		return near, nil
	}
	return &http.Client{Transport: &http.Transport{DialContext: dial}}, requests
}

// readAnswer reads a response as any HTTP client does. Without an error its body
// is complete.
func readAnswer(response []byte) (status int, after string, body []byte, err error) {
	reader := bufio.NewReader(bytes.NewReader(response))
	for {
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			return -1, "", nil, err
		}
		if status = response.StatusCode; status/100 == 1 && status != http.StatusSwitchingProtocols {
			continue
		}
		body, err = io.ReadAll(response.Body)
		return status, response.Header.Get("Retry-After"), body, err
	}
}

// Behind a hexadecimal digit, e is the end of an escaped character.
var likeToken = regexp.MustCompile(`(^|[^0-9a-f])eyJ[A-Za-z0-9_-]{5,}`)

// FuzzAnswer gives a source arbitrary bytes for a response, and many blanks at
// its end.
func FuzzAnswer(f *testing.F) {
	const sentinel = "sentinel-that-nobody-may-see"
	const limit = 64 << 10
	text := func(status, header, body string) []byte {
		return []byte("HTTP/1.1 " + status + "\r\n" + header + "\r\n" + body)
	}
	object := `{"value": "` + theJWT + `", "a/b": ["x", {"~": "abcd"}]}`
	for _, response := range [][]byte{
		text("200 OK", "", object),
		text("200 OK", "", theJWT+"\n"),
		text("200 OK", "", "abcd"+strings.Repeat("e", 16380)),
		text("200 OK", fmt.Sprintf("Content-Length: %d\r\n", len(object)), object),
		text("200 OK", "Content-Length: 9999\r\n", object),
		text("200 OK", "Content-Length: 2\r\nContent-Length: 3\r\n", object),
		text("200 OK", "Transfer-Encoding: chunked\r\nTrailer: X\r\n",
			"a\r\n{\"value\": \r\n6;x=y\r\n\"abcd\"\r\n1\r\n}\r\n0\r\nX: y\r\n\r\n"),
		text("200 OK", "Transfer-Encoding: chunked\r\n", "ffffffffffffffff\r\nabcd"),
		text("200 OK", "Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"),
		text("200 OK", "Content-Encoding: gzip\r\nContent-Length: 4\r\n", "\x1f\x8b\x08\x00"),
		text("100 Continue", "", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 201 Created\r\n\r\nabcd"),
		text("101 Switching Protocols", "Connection: Upgrade\r\nUpgrade: x\r\n", "abcd"),
		text("204 No Content", "", ""),
		text("302 Found", "Location: http://127.0.0.1/"+sentinel+"\r\n", requestToken),
		text("304 Not Modified", "", ""),
		text("400 Bad Request", "",
			"Bearer "+requestToken+", secret="+sentinel+", "+theJWT+strings.Repeat("\x1b\u202e", 200)),
		text("403 Forbidden", "", `{"message":"Can't issue ID_TOKEN for a job in 'Pending' state"}`),
		text("403 Forbidden", "Content-Type: text/html\r\n", "<html>"+strings.Repeat("x", 300)),
		text("408 Request Timeout", "Retry-After: 0\r\n", ""),
		text("429 Too Many Requests", "Retry-After: 7\r\n", `{"a": "`+sentinel+`"}`),
		text("503 Service Unavailable", "Retry-After: Fri, 31 Dec 2055 23:59:59 GMT\r\n", "{}"),
		text("503 Service Unavailable", "Retry-After: -99999999999999999999\r\n", sentinel),
		text("999 ", "", `"`+requestToken+`"`),
		[]byte("HTTP/1.1 " + requestToken),
		[]byte("HTTP/1.1 200 OK\r\n" + sentinel + "\r\n\r\n"),
		[]byte("HTTP/1.1 200 OK\r\n\x1b[31m" + strings.Repeat("x", 300) + "\r\n\r\n"),
		[]byte("SSH-2.0-" + strings.Repeat("x", 5000) + "\r\n"),
		{},
	} {
		for _, pointer := range []string{"", "/value", "/a~1b/1/~0", "/\x1b"} {
			f.Add(response, pointer, uint32(0))
		}
	}
	f.Add(text("200 OK", "", "abcd"), "", uint32(limit-4))
	f.Add(text("200 OK", "", "abcd"), "", uint32(limit-3))
	f.Add(text("500 Internal Server Error", "", requestToken), "", uint32(2*limit-1))

	doc := `{"version": 1, "http": {"url": "http://127.0.0.1/", "method": "POST", "query": {"q": "${env:` + setenv(f, sentinel) + `}"},
		"headers": {"Authorization": "Bearer ${env:` + setenv(f, requestToken) + `}"}, "body": {"b": "${env:` + setenv(f, sentinel) + `}"}, "token": %s}}`
	f.Fuzz(func(t *testing.T, response []byte, pointer string, blanks uint32) {
		response = append(response, bytes.Repeat([]byte(" "), int(blanks%(2*limit)))...)
		client, requests := answering(response)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var log strings.Builder
		logger := logging.LoggerFunc(func(_ logging.Classification, format string, v ...any) {
			fmt.Fprintf(&log, format+"\n", v...)
			if delay := v[len(v)-1].(time.Duration); delay > 0 {
				cancel() // instead of waiting
			}
		})
		quoted, _ := json.Marshal(pointer)
		source, err := tokensource.Document(fmt.Appendf(nil, doc, quoted), retries(3), useClient(client),
			useTimeout(30*time.Second),
			func(o *tokensource.Options) { o.Logger = logger })
		if err != nil {
			if !errors.Is(err, tokensource.ConfigInvalid) {
				t.Error(err)
			}
			return
		}
		token, err := source.Token(ctx)

		status, after, body, broken := readAnswer(response)
		wait, _ := strconv.Atoi(after)
		if n := requests.Load(); n < 1 || n > 3 || n > 1 &&
			(wait > 0 || !errors.Is(err, tokensource.TokenUnavailable)) {
			t.Errorf("%d requests with Retry-After %q, then %v", n, after, err)
		}
		if err == nil {
			value := token.Value
			if broken != nil || status/100 != 2 || len(body) > limit || pointer == "" &&
				value != strings.TrimSpace(string(body)) {
				t.Errorf("a token from a response with status %d and %d bytes of body, %v", status, len(body), broken)
			}
			if len(value) < 4 || len(value) > 20000 ||
				strings.ContainsFunc(value, func(r rune) bool { return r < '!' || r > '~' }) {
				t.Errorf("the token is %q", value)
			}
			return
		}

		var e *tokensource.Error
		if !errors.As(err, &e) || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("%T: %v", err, err)
		}
		want := tokensource.TokenUnavailable
		switch {
		case status < 100, status == 408, status == 429, status >= 500:
		case status == 403 && e.Class == want && bytes.Contains(body, []byte("'Pending' state")):
		case status/100 != 2:
			want = tokensource.TokenRefused
		case broken == nil, len(body) > limit: // what is behind the limit is not read
			want = tokensource.TokenMalformed
		}
		if e.Class != want || e.StatusCode != 0 && e.StatusCode != status {
			t.Errorf("status %d, %d bytes of body, %v: %s with status %d: %v", status, len(body), broken, e.Class,
				e.StatusCode, err)
		}
		message := err.Error()
		if len(message) > 500+4*256 { // quoted, a byte has four characters at most
			t.Errorf("%d characters: %s", len(message), message)
		}
		if strings.ContainsFunc(message, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("not printable: %q", message)
		}
		for _, output := range []string{message, log.String(), fmt.Sprintf("%v %+v %#v %q", err, err, err, err)} {
			if strings.Contains(output, requestToken) || strings.Contains(output, sentinel) ||
				likeToken.MatchString(output) {
				t.Errorf("a secret is in %s", output)
			}
		}
	})
}
