package docs_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go/logging"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/awstokenserver/config"
	"github.com/awstokenserver/config/internal/testenv"
	"github.com/awstokenserver/config/tokensource"
	"github.com/awstokenserver/config/webidentity"
	"github.com/awstokenserver/config/webidentity/webidentitytest"
)

// security has a test for each promise of docs/security.md.
var security = map[string]func(*testing.T){
	"plain-http":           testPlainHTTP,
	"redirect":             testRedirect,
	"url-parts":            testURLParts,
	"header-injection":     testHeaderInjection,
	"framing-headers":      testFramingHeaders,
	"escaping":             testEscaping,
	"certificate":          testCertificate,
	"proxy":                testProxy,
	"large-file":           testLargeFile,
	"special-file":         testSpecialFile,
	"large-response":       testLargeAnswer,
	"no-token":             testNoToken,
	"hanging":              testHanging,
	"broken-document":      testBrokenDocument,
	"near-miss":            testNearMiss,
	"both-keys":            testBothKeys,
	"both-variables":       testBothVariables,
	"no-mixing":            testNoMixing,
	"no-fall-through":      testNoFallThrough,
	"idle-profiles":        testIdleProfiles,
	"secrets-in-errors":    testSecretsInErrors,
	"secrets-in-logs":      testSecretsInLogs,
	"secrets-when-printed": testSecretsWhenPrinted,
	"quoted-answers":       testQuotedAnswers,
	"fork-no-permission":   testForkNoPermission,
	"fork-subject":         testForkSubject,
	"foreign-issuer":       testForeignIssuer,
	"injected-key":         testInjectedKey,
	"foreign-repository":   testForeignRepository,
	"foreign-audience":     testForeignAudience,
}

func TestSecurity(t *testing.T) {
	for name, test := range security {
		t.Run(name, test)
	}
}

// Each sentence under "What is refused" and each paragraph on an attack ends
// with the name of its test, and each test is named once.
func TestSecurityPage(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("security.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "\n## What is refused in any case\n")
	refused, attacks, found2 := strings.Cut(rest, "\n## Four attacks\n")
	if !found || !found2 {
		t.Fatal("a section is missing")
	}
	sentences := strings.Split("\n"+strings.TrimSpace(refused), "\n- ")
	if sentences[0] != "" {
		t.Errorf("not in the list: %s", sentences[0])
	}
	anchor := regexp.MustCompile(`(?s)^(.*\.)\s+<!-- test: TestSecurity/([a-z-]+) -->$`)
	named := map[string]bool{}
	check := func(claim string) (sentence string) {
		match := anchor.FindStringSubmatch(claim)
		switch {
		case match == nil:
			t.Errorf("no test is named after: %s", claim)
			return claim
		case security[match[2]] == nil:
			t.Errorf("there is no test %s", match[2])
		case named[match[2]]:
			t.Errorf("%s is named twice", match[2])
		}
		named[match[2]] = true
		return match[1]
	}
	for _, item := range sentences[1:] {
		if sentence := check(item); regexp.MustCompile(`\.\s`).MatchString(sentence) {
			t.Errorf("more than one sentence: %s", sentence)
		}
	}
	for _, paragraph := range strings.Split(strings.TrimSpace(attacks), "\n\n") {
		if !strings.HasPrefix(paragraph, "###") && !strings.HasPrefix(paragraph, "```") {
			check(paragraph)
		}
	}
	for name := range security {
		if !named[name] {
			t.Errorf("no sentence names the test %s", name)
		}
	}
	if !strings.Contains(attacks, `:sub": "`+mainBranch+`"`) {
		t.Errorf("the trust policy is not that of the tests: %s", mainBranch)
	}
}

// Each promise of SECURITY.md names tests that exist, or steps of .ci/run, and
// each fuzz target holds one.
func TestSecurityPolicy(t *testing.T) {
	t.Parallel()
	read := func(name string) string {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	exists := map[string]bool{}
	for name := range security {
		exists["TestSecurity/"+name] = true
	}
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	filepath.WalkDir("..", func(name string, _ fs.DirEntry, _ error) error {
		if strings.HasSuffix(name, "_test.go") {
			for _, match := range declared.FindAllStringSubmatch(read(name), -1) {
				exists[match[1]] = true
			}
		}
		return nil
	})
	for _, match := range regexp.MustCompile(`(?m)^\tstep ([a-z ]+)$|^step ([a-z ]+) #`).FindAllStringSubmatch(read("../.ci/run"), -1) {
		exists[match[1]+match[2]] = true
	}
	named := map[string]bool{}
	rows := regexp.MustCompile(`(?m)^\| (.+) \| (.+) \|$`).FindAllStringSubmatch(read("../SECURITY.md"), -1)
	for _, row := range rows[2:] {
		tests := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[2], -1)
		if tests == nil {
			t.Errorf("no test: %s", row[1])
		}
		for _, test := range tests {
			named[test[1]] = true
			if !exists[test[1]] {
				t.Errorf("there is no %s: %s", test[1], row[1])
			}
		}
	}
	for name := range exists {
		if strings.HasPrefix(name, "Fuzz") && !named[name] {
			t.Errorf("%s holds no promise", name)
		}
	}
}

// fetch gets a token as a document with these members of http says, without
// retries.
func fetch(t *testing.T, members string, optFns ...func(*tokensource.Options)) error {
	t.Helper()
	options := append([]func(*tokensource.Options){func(o *tokensource.Options) { o.Retryer = aws.NopRetryer{} }},
		optFns...)
	source, err := tokensource.Document([]byte(`{"version": 1, "http": {`+members+`}}`), options...)
	if err == nil {
		_, err = source.Token(t.Context())
	}
	return err
}

// serve starts a token server and counts its requests.
func serve(t *testing.T, handler http.HandlerFunc) (url string, requests *atomic.Int64) {
	t.Helper()
	requests = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		handler(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, requests
}

func response(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

func wantRequests(t *testing.T, requests *atomic.Int64, want int64) {
	t.Helper()
	if got := requests.Load(); got != want {
		t.Errorf("%d requests, want %d", got, want)
	}
}

func testPlainHTTP(t *testing.T) {
	for _, host := range []string{"example.com", "localhost.example.com", "127.0.0.1.example.com", "169.254.169.253",
		"[fd00:ec2::253]", "2130706433", "0.0.0.0"} {
		testenv.WantError(t, fetch(t, `"url": "http://`+host+`/"`), tokensource.ConfigInvalid, "https")
		t.Setenv("SECURITY_URL", "http://"+host+"/")
		testenv.WantError(t, fetch(t, `"url": "${env:SECURITY_URL}"`), tokensource.ConfigInvalid, "https")
	}
	url, requests := serve(t, response(200, "a.b.c"))
	if err := fetch(t, `"url": "`+url+`"`); err != nil {
		t.Error(err)
	}
	wantRequests(t, requests, 1)
}

func testRedirect(t *testing.T) {
	t.Parallel()
	target, followed := serve(t, response(200, "a.b.c"))
	for _, status := range []int{301, 302, 303, 307, 308} {
		url, requests := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, target, status) })
		for _, client := range []aws.HTTPClient{nil, http.DefaultClient} {
			err := fetch(t, `"url": "`+url+`"`, func(o *tokensource.Options) { o.HTTPClient = client })
			testenv.WantError(t, err, tokensource.TokenRefused, "never followed")
		}
		wantRequests(t, requests, 2)
	}
	wantRequests(t, followed, 0)

	url, _ := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, target, http.StatusFound) })
	err := fetch(t, `"url": "`+url+`"`,
		func(o *tokensource.Options) { o.HTTPClient = struct{ *http.Client }{http.DefaultClient} })
	testenv.WantError(t, err, tokensource.TokenRefused, "redirected")
	wantRequests(t, followed, 1)
}

func testURLParts(t *testing.T) {
	for _, url := range []string{"https://user@127.0.0.1:1/", "https://user:s3cr3t@127.0.0.1:1/",
		"https://@127.0.0.1:1/", "https://127.0.0.1:1/#s3cr3t", "https://127.0.0.1:1/#"} {
		t.Setenv("SECURITY_URL", url)
		for _, text := range []string{url, "${env:SECURITY_URL}"} {
			err := fetch(t, `"url": "`+text+`"`)
			testenv.WantError(t, err, tokensource.ConfigInvalid, "must not h")
			noSecret(t, err.Error())
		}
	}
}

func testHeaderInjection(t *testing.T) {
	url, requests := serve(t, response(200, "a.b.c"))
	for _, value := range []string{"x\r\nX-Evil: 1", "x\nX-Evil: 1", "x\rX-Evil: 1", "x\x7f"} {
		t.Setenv("SECURITY_VALUE", value)
		file, _ := json.Marshal("${file:" + testenv.WriteFile(t, "value", value+"x") + "}")
		for _, header := range []string{`"${env:SECURITY_VALUE}"`, string(file)} {
			err := fetch(t, `"url": "`+url+`", "headers": {"Authorization": `+header+`}`)
			testenv.WantError(t, err, tokensource.ConfigInvalid, "http.headers.Authorization", "control character")
		}
	}
	testenv.WantError(t, fetch(t, `"url": "`+url+`", "headers": {"A\r\nB": "x"}`), tokensource.ConfigInvalid,
		"name of a header")
	wantRequests(t, requests, 0)
}

func testFramingHeaders(t *testing.T) {
	t.Parallel()
	url, requests := serve(t, response(200, "a.b.c"))
	for _, name := range []string{"Host", "content-length", "Transfer-Encoding", "CONNECTION"} {
		testenv.WantError(t, fetch(t, `"url": "`+url+`", "headers": {"`+name+`": "x"}`), tokensource.ConfigInvalid,
			name, "cannot be set")
	}
	wantRequests(t, requests, 0)
}

func testEscaping(t *testing.T) {
	const value = `x&admin=1#","admin":"1/../?y=%00`
	t.Setenv("SECURITY_VALUE", value)
	var got *http.Request
	var body string
	server, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		got, body = r, string(text)
		io.WriteString(w, "a.b.c")
	})
	err := fetch(t, `"url": "`+server+`/${audience}/end", "method": "POST",
		"query": {"q": "${env:SECURITY_VALUE}"}, "body": {"b": "${env:SECURITY_VALUE}"}`, func(o *tokensource.Options) { o.Audience = aws.String(value) })
	if err != nil {
		t.Fatal(err)
	}
	if got.URL.Path != "/"+value+"/end" || len(got.URL.Query()) != 1 || got.URL.Query().Get("q") != value {
		t.Errorf("asked for %s", got.URL)
	}
	if want, _ := json.Marshal(map[string]string{"b": value}); body != string(want) {
		t.Errorf("sent %s", body)
	}
}

func testCertificate(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	testenv.WantError(t, fetch(t, `"url": "`+server.URL+`"`), tokensource.TokenUnavailable, "certificate")
	wantRequests(t, &requests, 0)
}

func testProxy(t *testing.T) {
	t.Parallel()
	server, requests := serve(t, response(200, "a.b.c"))
	for _, host := range []string{"169.254.169.254", "169.254.130.1", "[fd00:ec2::254]", "metadata.google.internal",
		"127.0.0.1", "localhost"} {
		var dialled string
		transport := &http.Transport{
			Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: "proxy.example.com:8080"}),
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				dialled = address
				return new(net.Dialer).DialContext(ctx, network, strings.TrimPrefix(server, "http://"))
			},
		}
		err := fetch(t, `"url": "http://`+host+`/"`,
			func(o *tokensource.Options) { o.HTTPClient = &http.Client{Transport: transport} })
		if err != nil || dialled != host+":80" {
			t.Errorf("%s: dialled %s, %v", host, dialled, err)
		}
	}
	wantRequests(t, requests, 6)
}

func testLargeFile(t *testing.T) {
	t.Parallel()
	url, requests := serve(t, response(200, "a.b.c"))
	for size, class := range map[int]error{64 << 10: nil, 64<<10 + 1: tokensource.ConfigInvalid} {
		file, _ := json.Marshal("${file:" + testenv.WriteFile(t, "large", strings.Repeat("x", size)) + "}")
		err := fetch(t, `"url": "`+url+`", "method": "POST", "body": {"x": `+string(file)+`}`)
		if class == nil && err != nil {
			t.Error(err)
		} else if class != nil {
			testenv.WantError(t, err, tokensource.ConfigInvalid, "larger than 64 KiB")
		}
	}
	wantRequests(t, requests, 1)
}

func testSpecialFile(t *testing.T) {
	t.Parallel()
	url, requests := serve(t, response(200, "a.b.c"))
	names := []string{t.TempDir(), os.DevNull}
	pipe, end, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer pipe.Close()
	defer end.Close()
	if name := fmt.Sprintf("/dev/fd/%d", pipe.Fd()); runtime.GOOS != "windows" {
		names = append(names, name)
	}
	for _, name := range names {
		file, _ := json.Marshal(name)
		header, _ := json.Marshal("${file:" + name + "}")
		testenv.WantError(t, fetch(t, `"url": "`+url+`", "headers": {"X": `+string(header)+`}`),
			tokensource.ConfigInvalid, "not a regular file")
		testenv.WantError(t, fetch(t, `"url": "`+url+`", "ca_file": `+string(file)), tokensource.ConfigInvalid,
			"not a regular file")
		_, err = tokensource.File(name).Token(t.Context())
		testenv.WantError(t, err, tokensource.ConfigInvalid, "not a regular file")
	}
	wantRequests(t, requests, 0)
}

func testLargeAnswer(t *testing.T) {
	t.Parallel()
	const token = `{"value": "a.b.c"}`
	padding := strings.Repeat(" ", 64<<10-len(token))
	largest, _ := serve(t, response(200, token+padding))
	if err := fetch(t, `"url": "`+largest+`", "token": "/value"`); err != nil {
		t.Error(err)
	}
	larger, _ := serve(t, response(200, token+padding+" "))
	testenv.WantError(t, fetch(t, `"url": "`+larger+`", "token": "/value"`), tokensource.TokenMalformed,
		"more than 64 KiB")
}

func testNoToken(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		"", " \n", "abc", strings.Repeat("a", 20001), "<html>Please log in</html>", "a.b\x00.c", "tökèn",
	} {
		url, _ := serve(t, response(200, body))
		testenv.WantError(t, fetch(t, `"url": "`+url+`"`), tokensource.TokenMalformed)
	}
	for _, body := range []string{"a.b.c", `{"Value": "a.b.c"}`, `{"value": 12345}`, `{"value": null}`,
		`{"value": "a.b.c"}{}`} {
		url, _ := serve(t, response(200, body))
		testenv.WantError(t, fetch(t, `"url": "`+url+`", "token": "/value"`), tokensource.TokenMalformed)
	}
}

func testHanging(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]http.HandlerFunc{
		"no response": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"half a response": func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "a.b.")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, requests := serve(t, handler)
			start := time.Now()
			err := fetch(t, `"url": "`+url+`"`, func(o *tokensource.Options) {
				o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) {
					o.MaxAttempts = 0 // no limit
					// More than what the first attempt leaves of the minute.
					o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 56 * time.Second, nil })
				})
			})
			testenv.WantError(t, err, tokensource.TokenUnavailable, "after 5s")
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("given up after %v", took)
			}
			wantRequests(t, requests, 1)
		})
	}
}

func testBrokenDocument(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"version": 1, "http": {"url": "https://example.com", "verify": false}}`:                        "http.verify",
		`{"version": 1, "http": {"url": "https://example.com", "url": "https://elsewhere.example.com"}}`: "http.url: is there twice",
		`{"version": 1, "http": {"url": "https://example.com"}, "file": "/token"}`:                       "exactly one of",
		`{"version": 1}`:                   "exactly one of",
		`{"version": 2, "file": "/token"}`: "version: must be 1",
		`{"version": 1, "http": {"url": "https://example.com", "headers": {"A": "$HOME"}}}`:     "http.headers.A: holds a $",
		`{"version": 1, "http": {"url": "https://example.com", "body": {}}}`:                    "http.body: needs the method POST",
		`{"version": 1, "audience": "x", "http": {"url": "https://example.com"}}`:               "audience: has no effect",
		`{"version": 1, "file": "/token"}{"version": 1, "file": "/elsewhere"}`:                  "not JSON",
		`{"version": 1, "http": {"url": "https://example.com", "query": {"s3cr3t": 1}, "x":1}}`: "http.x",
	} {
		_, options := testenv.ProfileFile(t, "web",
			"[profile web]\n"+region+role1+"web_identity_token_server = "+documentOf(text)+"\n")
		_, err := config.LoadDefaultConfig(t.Context(), options...)
		testenv.WantError(t, err, tokensource.ConfigInvalid, want, `profile "web"`)
	}
}

// fromEnvironment sets the variables of web identity, with an HTTP client that
// keeps what it was asked.
func fromEnvironment(t *testing.T, server string) (*testenv.STS, func(*config.LoadOptions) error) {
	t.Helper()
	testenv.Clear(t)
	t.Setenv("AWS_WEB_IDENTITY_TOKEN_SERVER", server)
	t.Setenv("AWS_ROLE_ARN", mainRole)
	t.Setenv("AWS_REGION", "eu-west-1")
	client := &testenv.STS{}
	return client, config.WithHTTPClient(client)
}

func testNearMiss(t *testing.T) {
	for _, value := range []string{"github", "Github,TOKEN", "GITHUB,TOKEN,sts.amazonaws.com", "Git_Hub,TOKEN"} {
		client, option := fromEnvironment(t, value)
		name, _, _ := strings.Cut(value, ",")
		t.Setenv(name, "https://token.example.com/")
		t.Setenv("TOKEN", "s3cr3t")
		cfg, err := config.LoadDefaultConfig(t.Context(), option)
		if err == nil {
			cfg.Credentials.Retrieve(t.Context())
		}
		testenv.WantError(t, err, tokensource.ConfigInvalid, "write GitHub")
		if len(client.Requests) > 0 {
			t.Errorf("%s: %q", value, client.Requests)
		}
	}
}

func testBothKeys(t *testing.T) {
	t.Parallel()
	for _, profile := range []string{"web", "two"} {
		file, options := testenv.ProfileFile(t, profile, serverProfile+"web_identity_token_file = /token\n"+
			"[profile two]\n"+region+role2+"source_profile = web\n")
		_, err := config.LoadDefaultConfig(t.Context(), options...)
		testenv.WantError(t, err, tokensource.ConfigInvalid, "names both", file)
	}
}

func testBothVariables(t *testing.T) {
	_, option := fromEnvironment(t, "GitHub")
	t.Setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/token")
	_, err := config.LoadDefaultConfig(t.Context(), option)
	testenv.WantError(t, err, tokensource.ConfigInvalid,
		"both AWS_WEB_IDENTITY_TOKEN_SERVER and AWS_WEB_IDENTITY_TOKEN_FILE")
}

func testNoMixing(t *testing.T) {
	_, option := fromEnvironment(t, "GitHub")
	os.Unsetenv("AWS_ROLE_ARN")
	t.Setenv("AWS_CONFIG_FILE", testenv.WriteFile(t, "config", deflt+role1))
	_, err := config.LoadDefaultConfig(t.Context(), option)
	testenv.WantError(t, err, tokensource.ConfigInvalid, "AWS_ROLE_ARN is not set")

	client, option := fromEnvironment(t, documentOf(`{"version": 1, "env": "SECURITY_TOKEN"}`))
	t.Setenv("SECURITY_TOKEN", "a.b.c")
	t.Setenv("AWS_CONFIG_FILE", testenv.WriteFile(t, "config", deflt+role1+"role_session_name = of-the-profile\n"))
	cfg, err := config.LoadDefaultConfig(t.Context(), option)
	if err == nil {
		_, err = cfg.Credentials.Retrieve(t.Context())
	}
	if err != nil || len(client.Requests) != 1 || !strings.Contains(client.Requests[0], url.QueryEscape(mainRole)) ||
		strings.Contains(client.Requests[0], "of-the-profile") {
		t.Errorf("%q, %v", client.Requests, err)
	}
}

func testNoFallThrough(t *testing.T) {
	client, option := fromEnvironment(t, "GitHub")
	t.Setenv("AWS_CONFIG_FILE", testenv.WriteFile(t, "config", deflt+keys+serverProfile))
	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1/credentials")
	t.Setenv("ACTIONS_ID_TOKEN_REQUEST_URL", "")
	for _, options := range [][]func(*config.LoadOptions) error{{option},
		{option, config.WithSharedConfigProfile("web")}} {
		cfg, err := config.LoadDefaultConfig(t.Context(), options...)
		if err == nil {
			_, err = cfg.Credentials.Retrieve(t.Context())
		}
		testenv.WantError(t, err, tokensource.NotConfigured, "id-token: write")
	}
	if len(client.Requests) > 0 {
		t.Errorf("%q", client.Requests)
	}
}

// documentOf is a document as it stands in a config file.
func documentOf(text string) string {
	return base64.StdEncoding.EncodeToString([]byte(text))
}

func testIdleProfiles(t *testing.T) {
	t.Parallel()
	server, requests := serve(t, response(200, "a.b.c"))
	text := "[profile web]\n" + region + role1 + "web_identity_token_server = " +
		documentOf(`{"version": 1, "http": {"url": "`+server+`"}}`) +
		"\n[profile plain]\n" + region + keys
	for _, profile := range []string{"web", "plain"} {
		_, options := testenv.ProfileFile(t, profile, text)
		cfg, err := config.LoadDefaultConfig(t.Context(), append(options, config.WithHTTPClient(http.DefaultClient))...)
		if err != nil {
			t.Fatal(err)
		}
		if profile == "plain" {
			if _, err := cfg.Credentials.Retrieve(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}
	wantRequests(t, requests, 0)
}

// noSecret fails the test if text holds a token or what starts with s3cr3t.
func noSecret(t *testing.T, text string) {
	t.Helper()
	if strings.Contains(text, "s3cr3t") || strings.Contains(text, "eyJ") {
		t.Errorf("a secret is in %s", text)
	}
}

// echo answers with all that it was asked, and with a token.
func echo(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(status)
		fmt.Fprint(w, "token eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2ln ", r.Header, r.URL.RawQuery, string(body))
	}
}

func testSecretsInErrors(t *testing.T) {
	for _, status := range []int{403, 500} {
		server, requests := serve(t, echo(status))
		t.Setenv("SECURITY_URL", server+"/?key=s3cr3t-in-url")
		t.Setenv("SECURITY_TOKEN", "s3cr3t-request-token")
		t.Setenv("SECURITY_VALUE", `s3cr3t "+/=%`)
		file, _ := json.Marshal("${file:" + testenv.WriteFile(t, "secret", "s3cr3t-in-file\n") + "}")
		for _, value := range []string{"SECURITY_URL,SECURITY_TOKEN", documentOf(`{"version": 1, "http": {
			"url": "${env:SECURITY_URL}", "method": "POST", "headers": {"Authorization": "Bearer s3cr3t-in-document", "X-File": ` + string(file) + `},
			"query": {"q": "${env:SECURITY_VALUE}"}, "body": {"b": ["${env:SECURITY_VALUE}", ` + string(file) + `]}}}`)} {
			_, options := testenv.ProfileFile(t, "web",
				"[profile web]\n"+region+role1+"web_identity_token_server = "+value+"\n")
			cfg, err := config.LoadDefaultConfig(t.Context(),
				append(options, config.WithHTTPClient(http.DefaultClient), patient)...)
			if err != nil {
				t.Fatal(err)
			}
			_, err = cfg.Credentials.Retrieve(t.Context())
			if err == nil || status == 403 && !strings.Contains(err.Error(), "response body withheld") {
				t.Errorf("the response may be quoted: %v", err)
			}
			noSecret(t, fmt.Sprintf("%v %+v %#v", err, err, err))
		}
		if requests.Load() < 2 {
			t.Error("not asked")
		}
	}
	for _, value := range []string{`{"version": 1, "env": "s3cr3t"}`, "s3cr3t/pasted+here==",
		documentOf(`{"version": 1, "env": "s3cr3t of mine"}`)} {
		_, options := testenv.ProfileFile(t, "web",
			"[profile web]\n"+region+role1+"web_identity_token_server = "+value+"\n")
		_, err := config.LoadDefaultConfig(t.Context(), options...)
		testenv.WantError(t, err, tokensource.ConfigInvalid)
		noSecret(t, err.Error())
	}

	err := assume(t, newWorld(t, map[string]any{"sub": "repo:another/one:x"}), "GitHub")
	testenv.WantError(t, err, tokensource.RoleDenied, "repo:another/one:x")
	noSecret(t, err.Error())
}

func testSecretsInLogs(t *testing.T) {
	var log strings.Builder
	logger := logging.LoggerFunc(func(_ logging.Classification, format string, v ...any) { fmt.Fprintf(&log, format+"\n", v...) })
	world := newWorld(t, nil)
	world.TokenServer.RequestToken = "s3cr3t-request-token"
	world.TokenServer.Script(echo(500), echo(429))
	world.STS.Script(webidentitytest.STSError(500, "InternalFailure", "try again"))
	err := assume(t, world, "GitHub", config.WithLogger(logger), config.WithLogConfigurationWarnings(true),
		config.WithClientLogMode(aws.LogRetries|aws.LogRequest|aws.LogResponse|aws.LogSigning))
	if err != nil {
		t.Error(err)
	}
	for _, want := range []string{
		"GitHub: attempt 1: GET to 127.0.0.1:", "GitHub: attempt 1: status 500 from 127.0.0.1:",
		"GitHub: attempt 2 failed",
		"GitHub: attempt 3: status 200 from 127.0.0.1:", "POST / HTTP/1.1",
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("%q was not logged: %s", want, &log)
		}
	}
	noSecret(t, log.String())
}

func testSecretsWhenPrinted(t *testing.T) {
	t.Setenv("SECURITY_TOKEN", "s3cr3t.s3cr3t.s3cr3t")
	document, err := tokensource.Document([]byte(`{"version": 1, "http": {"url": "https://example.com", "headers": {"A": "s3cr3t"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	reused := tokensource.Reuse(tokensource.Env("SECURITY_TOKEN"))
	token, err := reused.Token(t.Context())
	if err != nil || !strings.HasPrefix(token.Value, "s3cr3t") {
		t.Fatal(err)
	}
	provider := webidentity.NewProvider(nil, mainRole, document)
	for _, v := range []any{token, &token, []tokensource.Token{token}, struct{ T tokensource.Token }{token}, document,
		reused, provider, aws.NewCredentialsCache(provider)} {
		noSecret(t, fmt.Sprintf("%v %+v %#v %s %q %d %x", v, v, v, v, v, v, v))
	}
	text, err := json.Marshal(map[string]any{"token": token})
	if err != nil {
		t.Error(err)
	}
	noSecret(t, string(text))
}

func testQuotedAnswers(t *testing.T) {
	t.Parallel()
	url, _ := serve(t, response(403, "\x1b[31m\r\n::error::\u202e"+strings.Repeat("a", 1000)))
	err := fetch(t, `"url": "`+url+`"`)
	testenv.WantError(t, err, tokensource.TokenRefused, `"\x1b[31m\r\n::error::\u202e`)
	if text := err.Error(); strings.ContainsAny(text, "\x1b\r\n\u202e") || strings.Count(text, "a") > 256+20 {
		t.Errorf("%q", text)
	}
}

// The attacks. The role of mainRole trusts the branch main of octo-org/octo-repo
// alone, as the trust policy in docs/security.md does.
const (
	mainRole   = "arn:aws:iam::123456789012:role/deploy"
	mainBranch = "repo:octo-org/octo-repo:ref:refs/heads/main"
)

// newWorld starts a world whose token server vends tokens with these claims
// beside GitHub's.
func newWorld(t *testing.T, claims map[string]any) *webidentitytest.World {
	t.Helper()
	world := webidentitytest.New()
	t.Cleanup(world.Close)
	world.TokenServer.Claims = claims
	world.STS.AddRole(webidentitytest.Role{ARN: mainRole, Subject: mainBranch})
	return world
}

// patient makes many attempts, with little between them.
var patient = config.WithRetryer(func() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = time.Millisecond })
})

// assume tries to assume the role of mainRole in a world.
func assume(t *testing.T, world *webidentitytest.World, server string, opts ...func(*config.LoadOptions) error) error {
	t.Helper()
	world.Setenv(t)
	return assumeHere(t, server, opts...)
}

// assumeHere does so in the world of this process's environment.
func assumeHere(t *testing.T, server string, opts ...func(*config.LoadOptions) error) error {
	t.Helper()
	t.Setenv("AWS_WEB_IDENTITY_TOKEN_SERVER", server)
	t.Setenv("AWS_ROLE_ARN", mainRole)
	cfg, err := config.LoadDefaultConfig(t.Context(), append(opts, patient)...)
	if err == nil {
		_, err = cfg.Credentials.Retrieve(t.Context())
	}
	return err
}

func testForkNoPermission(t *testing.T) {
	world := newWorld(t, nil)
	if err := assume(t, world, "GitHub"); err != nil {
		t.Fatal(err)
	}
	asked := len(world.STS.Requests())
	os.Unsetenv("ACTIONS_ID_TOKEN_REQUEST_URL")
	os.Unsetenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
	testenv.WantError(t, assumeHere(t, "GitHub"), tokensource.NotConfigured, "ACTIONS_ID_TOKEN_REQUEST_URL is not set",
		"id-token: write")

	// The address is no secret, the request token is.
	t.Setenv("ACTIONS_ID_TOKEN_REQUEST_URL", world.TokenServer.URL)
	t.Setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "guessed")
	testenv.WantError(t, assumeHere(t, "GitHub"), tokensource.TokenRefused, "401")
	if n := len(world.STS.Requests()); n != asked {
		t.Errorf("sts was asked %d times more", n-asked)
	}
}

func testForkSubject(t *testing.T) {
	claims := map[string]any{"sub": "repo:octo-org/octo-repo:pull_request", "ref": "refs/pull/7/merge",
		"event_name": "pull_request"}
	world := newWorld(t, claims)
	testenv.WantError(t, assume(t, world, "GitHub"), tokensource.RoleDenied, "repo:octo-org/octo-repo:pull_request")

	world.STS.AddRole(webidentitytest.Role{ARN: mainRole, Subject: "repo:octo-org/octo-repo:*"})
	if err := assume(t, world, "GitHub"); err != nil {
		t.Errorf("the wide trust does not match: %v", err)
	}
}

func testForeignIssuer(t *testing.T) {
	world, stranger := newWorld(t, nil), newWorld(t, nil)
	if err := assume(t, world, "GitHub"); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ACTIONS_ID_TOKEN_REQUEST_URL", stranger.TokenServer.URL)
	t.Setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", stranger.TokenServer.RequestToken)
	testenv.WantError(t, assumeHere(t, "GitHub"), tokensource.RoleDenied, "No OpenIDConnect provider",
		stranger.Issuer.URL, mainBranch)

	pretender := newWorld(t, map[string]any{"iss": world.Issuer.URL})
	t.Setenv("ACTIONS_ID_TOKEN_REQUEST_URL", pretender.TokenServer.URL)
	t.Setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", pretender.TokenServer.RequestToken)
	testenv.WantError(t, assumeHere(t, "GitHub"), tokensource.RoleDenied, "signature", world.Issuer.URL)

	t.Setenv("SECURITY_TOKEN", "ghp_of-a-user-of-github")
	testenv.WantError(t, assumeHere(t, documentOf(`{"version": 1, "env": "SECURITY_TOKEN"}`)), tokensource.RoleDenied,
		"not a JWT")
}

func testInjectedKey(t *testing.T) {
	world, attacker := newWorld(t, nil), webidentitytest.NewIssuer("ES256")
	t.Cleanup(attacker.Close)
	world.Setenv(t)
	claims := map[string]any{
		"iss": world.Issuer.URL, "sub": mainBranch, "aud": "sts.amazonaws.com",
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(),
	}
	response, err := http.Get(world.Issuer.URL + "/.well-known/jwks")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var trusted jose.JSONWebKeySet
	if err := json.NewDecoder(response.Body).Decode(&trusted); err != nil {
		t.Fatal(err)
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	kid := trusted.Keys[0].KeyID
	publicKey, _ := trusted.Keys[0].MarshalJSON()
	part := func(v any) string {
		text, _ := json.Marshal(v)
		return base64.RawURLEncoding.EncodeToString(text)
	}
	none := func(alg string) string {
		return part(map[string]any{"alg": alg, "kid": kid}) + "." + part(claims) + "."
	}
	sign := func(alg jose.SignatureAlgorithm, key any, options *jose.SignerOptions) string {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, options)
		if err != nil {
			t.Fatal(err)
		}
		token, err := jwt.Signed(signer).Claims(claims).Serialize()
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	forged := map[string]string{
		"kid":       sign(jose.ES256, jose.JSONWebKey{Key: private, KeyID: kid}, nil),
		"other kid": sign(jose.ES256, jose.JSONWebKey{Key: private, KeyID: "attacker"}, nil),
		"jwk":       sign(jose.ES256, jose.JSONWebKey{Key: private, KeyID: kid}, &jose.SignerOptions{EmbedJWK: true}),
		"jku": sign(jose.ES256, jose.JSONWebKey{Key: private, KeyID: kid},
			(&jose.SignerOptions{}).WithHeader("jku", attacker.URL+"/.well-known/jwks")),
		"x5u": sign(jose.ES256, jose.JSONWebKey{Key: private, KeyID: kid},
			(&jose.SignerOptions{}).WithHeader("x5u", attacker.URL+"/x5u")),
		"HS256": sign(jose.HS256, jose.JSONWebKey{Key: publicKey, KeyID: kid}, nil),
		"none":  none("none"),
		"nOnE":  none("nOnE"),
		"empty": none("ES256"),
	}
	document := documentOf(`{"version": 1, "env": "SECURITY_TOKEN"}`)
	t.Setenv("SECURITY_TOKEN", world.Issuer.Sign(claims))
	if err := assumeHere(t, document); err != nil {
		t.Fatalf("the same claims under the issuer's key: %v", err)
	}
	for name, token := range forged {
		t.Setenv("SECURITY_TOKEN", token)
		err := assumeHere(t, document)
		testenv.WantError(t, err, tokensource.RoleDenied, "InvalidIdentityToken")
		if t.Failed() {
			t.Fatal(name)
		}
	}
	if asked := attacker.Requests(); len(asked) > 0 {
		t.Errorf("the attacker's keys were asked for: %s", asked[0].Path)
	}
}

func testForeignRepository(t *testing.T) {
	for _, sub := range []string{
		"repo:attacker/octo-repo:ref:refs/heads/main",
		"repo:octo-org/another-repo:ref:refs/heads/main",
		"repo:octo-org/octo-repo-2:ref:refs/heads/main",
		"repo:octo-org@65/octo-repo@74:ref:refs/heads/main",
		"repo:octo-org/octo-repo:ref:refs/heads/main-2",
		"repo:octo-org/octo-repo:ref:refs/tags/main",
		"repo:octo-org/octo-repo:environment:main",
		"repo:Octo-Org/octo-repo:ref:refs/heads/main",
		"x" + mainBranch,
	} {
		testenv.WantError(t, assume(t, newWorld(t, map[string]any{"sub": sub}), "GitHub"), tokensource.RoleDenied, sub,
			"AccessDenied")
	}
}

func testForeignAudience(t *testing.T) {
	world := newWorld(t, nil)
	for _, server := range []string{"GitHub,https://vault.example.com", "GitHub,"} {
		testenv.WantError(t, assume(t, world, server), tokensource.RoleDenied, "audience")
	}
}
