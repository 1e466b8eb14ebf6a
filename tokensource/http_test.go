package tokensource_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/awstokenserver/config/tokensource"
)

// seen is what a token server saw of a request.
type seen struct {
	Method, URI, Body string
	Header            map[string]string
}

func record(into *seen) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		*into = seen{r.Method, r.RequestURI, string(body), map[string]string{}}
		for name, values := range r.Header {
			if name != "User-Agent" {
				into.Header[name] = strings.Join(values, "|")
			}
		}
		answerToken(w, r)
	}
}

func TestRequest(t *testing.T) {
	t.Parallel()
	var got seen
	url, _ := serve(t, record(&got))
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("\n from file\t\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	quotedFile, _ := json.Marshal("${file:" + file + "}")
	variable := setenv(t, "from env")
	urlVariable := setenv(t, url+"/path?a=1&b=%2F&b=2")
	closes := func(header map[string]string) map[string]string {
		header["Connection"], header["Accept-Encoding"] = "close", "identity"
		return header
	}
	const none = ""
	for _, test := range []struct {
		name, members, audience string
		want                    seen
	}{
		{"plain", `"url": "` + url + `/$$x"`, none, seen{"GET", "/$x", "", closes(map[string]string{})}},
		{"empty POST", `"url": "` + url + `", "method": "POST", "headers": {"Content-Type": "application/json"}`, none,
			seen{"POST", "/", "",
				closes(map[string]string{"Content-Length": "0", "Content-Type": "application/json"})}},
		{"query is kept", `"url": "${env:` + urlVariable + `}"`, none,
			seen{"GET", "/path?a=1&b=%2F&b=2", "", closes(map[string]string{})}},
		{"query is set", `"url": "${env:` + urlVariable + `}", "query": {"b": "${env:` + variable +
			`}", "audience": "${audience}"}`, "a&c=d",
			seen{"GET", "/path?a=1&audience=a%26c%3Dd&b=from+env", "", closes(map[string]string{})}},
		{"audience in the url", `"url": "` + url + `/${audience}/x"`, "a/b?c d",
			seen{"GET", "/a%2Fb%3Fc%20d/x", "", closes(map[string]string{})}},
		{"headers", `"url": "` + url + `", "headers": {"X-A": "${audience}", "x-file": ` + string(quotedFile) + `}`,
			"aud",
			seen{"GET", "/", "", closes(map[string]string{"X-A": "aud", "X-File": "from file"})}},
		{"body", `"url": "` + url + `", "method": "POST", "body": {"n": 1.50, "e": "${env:` + variable +
			`}", "s": {"a": ["${audience}", "<$$>"]}}`, "aud",
			seen{"POST", "/", `{"e":"from env","n":1.50,"s":{"a":["aud","\u003c$\u003e"]}}`,
				closes(map[string]string{"Content-Type": "application/json", "Content-Length": "59"})}},
		{"query is not encoded anew", `"url": "${env:` + setenv(t, url+"/?b=%2f&a=~;&%zz&audience=1&x=1+2&%61udience=2") +
			`}", "query": {"audience": "${audience}"}`, "a",
			seen{"GET", "/?b=%2f&a=~;&%zz&x=1+2&audience=a", "", closes(map[string]string{})}},
		{"form", `"url": "` + url + `", "method": "POST", "form": {"a": "${audience}", "b": "€ ${env:` + variable + `}"}`, "aud",
			seen{"POST", "/", "a=aud&b=%E2%82%AC+from+env",
				closes(map[string]string{"Content-Type": "application/x-www-form-urlencoded", "Content-Length": "26"})}},
		{"form without audience", `"url": "` + url + `", "method": "POST", "form": {"a": "${audience}"}`, none,
			seen{"POST", "/", "",
				closes(map[string]string{"Content-Type": "application/x-www-form-urlencoded", "Content-Length": "0"})}},
		{"UTF-8 in a header", `"url": "` + url + `", "headers": {"X-A": "é€", "accept-encoding": "br"}`, none,
			seen{"GET", "/", "", map[string]string{"Connection": "close", "X-A": "é€", "Accept-Encoding": "br"}}},
		{"left out", `"url": "` + url + `?q=1", "method": "POST", "query": {"a": "x${audience}"}, "headers": {"X-A": "${audience}", "content-type": "text/json"},
			"body": {"a": "${audience}", "b": {"c": ["${audience}", 1]}}`, none,
			seen{"POST", "/?q=1", `{"b":{"c":[1]}}`,
				closes(map[string]string{"Content-Type": "text/json", "Content-Length": "15"})}},
	} {
		t.Run(test.name, func(t *testing.T) {
			source := mustDocument(t, test.members+`, "token": "/value"`, useAudience(test.audience))
			for range 2 { // a source is not used up
				wantToken(t, source)
				if !reflect.DeepEqual(got, test.want) {
					t.Errorf("got %+v\nwant %+v", got, test.want)
				}
			}
		})
	}
}

func TestGitHubRequest(t *testing.T) {
	var got seen
	url, _ := serve(t, record(&got))
	t.Setenv("ACTIONS_ID_TOKEN_REQUEST_URL", url+"/idtoken?api-version=2.0")
	t.Setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", requestToken)
	wantToken(t, tokensource.GitHub())
	want := seen{"GET", "/idtoken?api-version=2.0&audience=sts.amazonaws.com", "",
		map[string]string{"Accept-Encoding": "identity", "Authorization": "Bearer " + requestToken, "Connection": "close"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestNotConfigured(t *testing.T) {
	t.Parallel()
	missing, empty := "TOKENSOURCE_TEST_MISSING", setenv(t, " ")
	emptyFile := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(emptyFile, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	url, requests := serve(t, answerToken)
	for _, test := range []struct {
		source tokensource.TokenSource
		parts  []string
	}{
		{tokensource.GitHub(),
			[]string{"GitHub: the variable ACTIONS_ID_TOKEN_REQUEST_URL is not set", "id-token: write"}},
		{tokensource.Env(missing), []string{missing + " is not set", "provide it"}},
		{tokensource.Env(empty), []string{empty + " is empty"}},
		{tokensource.File("/no/such/file"), []string{`"/no/such/file" cannot be read`, "no such file"}},
		{tokensource.File(emptyFile), []string{"is empty"}},
		{tokensource.File(""), []string{`""`}},
		{mustDocument(t, `"url": "${env:`+missing+`}"`), []string{missing, "the hint"}},
		{mustDocument(t, `"url": "`+url+`", "headers": {"A": "${env:`+empty+`}"}`), []string{empty, "the hint"}},
		{mustDocument(t, `"url": "`+url+`", "query": {"a": "${file:/no/such/file}"}`),
			[]string{"/no/such/file", "the hint"}},
		{mustDocument(t, `"url": "`+url+`", "method": "POST", "body": {"a": [{"b": "${env:`+missing+`}"}]}`),
			[]string{missing, "the hint"}},
		{mustDocument(t, `"url": "`+url+`", "ca_file": "/no/such/file"`), []string{"/no/such/file", "the hint"}},
	} {
		failToken(t, test.source, tokensource.NotConfigured, test.parts...)
	}
	if n := requests.Load(); n != 0 {
		t.Errorf("%d requests", n)
	}
}

func TestInvalidAtFetch(t *testing.T) {
	t.Parallel()
	const query = "query-that-nobody-may-see"
	for value, want := range map[string]string{
		"http://example.com/?" + query:           "must be an https URL",
		"http://169.254.169.253/?" + query:       "must be an https URL",
		"http://localhost.example.com/?" + query: "must be an https URL",
		"http://2130706433/?" + query:            "must be an https URL",
		"//host/?" + query:                       "must be an https URL",
		"https://user:" + query + "@host/":       "user or password",
		"https://host/?" + query + "#":           "fragment",
		"https://host:" + query + "/":            "not a URL",
		"https:///?" + query:                     "must have a host",
		"https://host/? " + query:                "white space",
		"https://host/?a=1\n" + query:            "not a URL",
		"http://127.1/?" + query:                 "must be an https URL",
		"http://[::ffff:127.0.0.1]/?" + query:    "must be an https URL",
		"http://[0:0:0:0:0:0:0:1]/?" + query:     "must be an https URL",
	} {
		source := pair(t, value)
		err := failToken(t, source, tokensource.ConfigInvalid, "the variable TOKENSOURCE_TEST_", want)
		if strings.Contains(err.Error(), query) {
			t.Errorf("%q holds the query", err)
		}
	}
	url, requests := serve(t, answerToken)
	for _, value := range []string{requestToken + "\r\nX: y", "a\nb", "a\x7f"} {
		source := mustDocument(t,
			`"url": "`+url+`", "headers": {"Authorization": "Bearer ${env:`+setenv(t, value)+`}"}`)
		failToken(t, source, tokensource.ConfigInvalid, "http.headers.Authorization", "control character")
	}
	large := filepath.Join(t.TempDir(), "large")
	if err := os.WriteFile(large, make([]byte, 64<<10+1), 0o600); err != nil {
		t.Fatal(err)
	}
	quoted, _ := json.Marshal("${file:" + large + "}")
	failToken(t, mustDocument(t, `"url": "`+url+`", "headers": {"A": `+string(quoted)+`}`), tokensource.ConfigInvalid,
		"larger than 64 KiB")
	failToken(t, tokensource.File(large), tokensource.TokenMalformed)
	failToken(t, tokensource.File(t.TempDir()), tokensource.ConfigInvalid, "not a regular file")
	if n := requests.Load(); n != 0 {
		t.Errorf("%d requests", n)
	}
}

func TestAnswer(t *testing.T) {
	t.Parallel()
	malformed := tokensource.TokenMalformed
	for _, test := range []struct {
		name, pointer, body string
		status              int
		class               tokensource.Class // or "" for success
		want                string
	}{
		{"text", "", "\n" + theJWT + "\r\n", 200, "", ""},
		{"created", "/value", `{"value": "` + theJWT + `"}`, 201, "", ""},
		{"non-authoritative", "", theJWT, 203, "", ""},
		{"deep", "/a~1b/1/~01", `{"a/b": [0, {"~1": " ` + theJWT + ` "}]}`, 200, "", ""},
		{"shortest", "", "abcd", 200, "", ""},
		{"longest", "", strings.Repeat("a", 20000), 200, "", ""},
		{"largest body", "/v", `{"v": "abcd"}` + strings.Repeat(" ", 64<<10-13), 200, "", ""},
		{"no content", "", "", 204, malformed, "empty body"},
		{"empty", "", "", 200, malformed, "empty body"},
		{"blank", "/value", " \n", 200, malformed, "empty body"},
		{"empty token", "/value", `{"value": " "}`, 200, malformed, "the token is empty"},
		{"too short", "", "abc", 200, malformed, "4 to 20,000 characters"},
		{"too long", "", strings.Repeat("a", 20001), 200, malformed, "4 to 20,000 characters"},
		{"blank inside", "", theJWT + " " + theJWT, 200, malformed, "printable ASCII"},
		{"not ASCII", "", "tökèn", 200, malformed, "printable ASCII"},
		{"control", "", "token\x00", 200, malformed, "printable ASCII"},
		{"too large", "/value", `{"value": "abcd"}` + strings.Repeat(" ", 64<<10), 200, malformed, "more than 64 KiB"},
		{"not JSON", "/value", theJWT, 200, malformed, "not JSON, and so without the token at /value"},
		{"more than JSON", "/value", `{"value": "` + theJWT + `"}{}`, 200, malformed, "not JSON"},
		{"misses", "/value", `{"Value": "` + theJWT + `"}`, 200, malformed, "nothing at /value"},
		{"misses in string", "/value/a", `{"value": "` + theJWT + `"}`, 200, malformed, "nothing at /value/a"},
		{"misses in array", "/01", `["` + theJWT + `", "` + theJWT + `"]`, 200, malformed, "nothing at /01"},
		{"behind array", "/1", `["` + theJWT + `"]`, 200, malformed, "nothing at /1"},
		{"not a string", "/value", `{"value": {"a": "` + theJWT + `"}}`, 200, malformed, "no string at /value"},
		{"null", "/value", `{"value": null}`, 200, malformed, "no string at /value"},
		{"bad request", "", `{"message": "no"}`, 400, tokensource.TokenRefused,
			`responded with 400 Bad Request: "{\"message\": \"no\"}"`},
		{"refused without body", "", "", 403, tokensource.TokenRefused, "responded with 403 Forbidden; the hint"},
		{"control in the body", "", "a\x1b[31m\r\n\u202e", 404, tokensource.TokenRefused, `: "a\x1b[31m\r\n\u202e"`},
		{"odd status", "", "", 499, tokensource.TokenRefused, "responded with 499;"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			url, requests := serve(t, answerStatus(test.status, test.body))
			pointer, _ := json.Marshal(test.pointer)
			token, err := mustDocument(t, `"url": "`+url+`", "token": `+string(pointer)).Token(t.Context())
			if test.class != "" {
				e := wantError(t, err, test.class, "the token server of the document: ", test.want)
				if e.StatusCode != test.status && e.StatusCode != 0 {
					t.Errorf("status %d", e.StatusCode)
				}
			} else if err != nil || token.Value == "" {
				t.Error(err)
			}
			if n := requests.Load(); n != 1 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	target, followed := serve(t, answerToken)
	for _, status := range []int{300, 301, 302, 303, 304, 307, 308} {
		url, requests := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", target+"?secret="+requestToken)
			w.WriteHeader(status)
		})
		e := failToken(t, pair(t, url), tokensource.TokenRefused, "redirect", "never followed")
		if e.StatusCode != status || requests.Load() != 1 {
			t.Errorf("status %d after %d requests", e.StatusCode, requests.Load())
		}
	}
	if n := followed.Load(); n != 0 {
		t.Errorf("%d redirects followed", n)
	}
}

func TestFailedBodyIsQuotedShort(t *testing.T) {
	t.Parallel()
	url, _ := serve(t, answerStatus(403, strings.Repeat("ü", 40000)))
	e := failToken(t, pair(t, url), tokensource.TokenRefused)
	if n := strings.Count(e.Problem, "ü"); n != 128 {
		t.Errorf("%d times two bytes of the body are quoted", n)
	}
}

// The body of such a response is the connection, which no context ends.
func TestSwitchingProtocols(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		connection, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer connection.Close()
		io.WriteString(connection, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
		<-done
	}))
	defer server.Close()
	defer close(done)
	source, err := tokensource.Document([]byte(`{"version": 1, "http": {"url": "` + server.URL + `"}}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := source.Token(context.Background()); !errors.Is(err, tokensource.TokenRefused) {
		t.Error(err)
	}
}
