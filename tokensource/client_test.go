package tokensource_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go/logging"

	"github.com/awstokenserver/config/tokensource"
)

type clientFunc func(*http.Request) (*http.Response, error)

func (f clientFunc) Do(r *http.Request) (*http.Response, error)        { return f(r) }
func (f clientFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// serveTLS starts a server that prefers HTTP/2, and writes its certificate to a
// file.
func serveTLS(t *testing.T, handler http.HandlerFunc) (server *httptest.Server, caFile string) {
	server = httptest.NewUnstartedServer(handler)
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	caFile = filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(caFile, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return server, caFile
}

func quoted(text string) string {
	text = strings.ReplaceAll(text, "$", "$$")
	quoted, _ := json.Marshal(text)
	return string(quoted)
}

// https://github.com/sigstore/cosign/issues/3172
func TestCosign3172_HTTP1(t *testing.T) {
	t.Parallel()
	var protocol atomic.Value
	server, caFile := serveTLS(t, func(w http.ResponseWriter, r *http.Request) {
		protocol.Store(r.Proto)
		answerToken(w, r)
	})
	used := server.Client() // has spoken HTTP/2 before it is copied
	response, err := used.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if protocol.Load() != "HTTP/2.0" {
		t.Fatalf("the server speaks %v", protocol.Load())
	}
	pool := server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	buildable := awshttp.NewBuildableClient().WithTransportOptions(func(tr *http.Transport) { tr.TLSClientConfig.RootCAs = pool })
	for name, source := range map[string]tokensource.TokenSource{
		"http.Client":     pair(t, server.URL, useClient(used)),
		"BuildableClient": pair(t, server.URL, useClient(buildable)),
		"ca_file":         mustDocument(t, `"url": "`+server.URL+`", "token": "/value", "ca_file": `+quoted(caFile)),
		"ca_file, no transport": mustDocument(t,
			`"url": "`+server.URL+`", "token": "/value", "ca_file": `+quoted(caFile),
			useClient(&http.Client{})),
		"ca_file, new transport": mustDocument(t,
			`"url": "`+server.URL+`", "token": "/value", "ca_file": `+quoted(caFile),
			useClient(&http.Client{Transport: &http.Transport{}})),
	} {
		protocol.Store("")
		wantToken(t, source)
		if protocol.Load() != "HTTP/1.1" {
			t.Errorf("%s: %v", name, protocol.Load())
		}
	}
}

func TestUnknownAuthority(t *testing.T) {
	t.Parallel()
	server, caFile := serveTLS(t, answerToken)
	var log bytes.Buffer
	failToken(t, pair(t, server.URL, retries(3), func(o *tokensource.Options) { o.Logger = logging.NewStandardLogger(&log) }),
		tokensource.TokenUnavailable, "certificate", "ca_file", "AWS_CA_BUNDLE, which replaces the system's authorities")
	if log.Len() > 0 {
		t.Error(log.String())
	}
	// ca_file replaces the authorities of the client.
	other := filepath.Join(filepath.Dir(caFile), "other.pem")
	if err := os.WriteFile(other, []byte("-----BEGIN NOTHING-----"), 0o600); err != nil {
		t.Fatal(err)
	}
	failToken(t, mustDocument(t, `"url": "`+server.URL+`", "ca_file": `+quoted(other), useClient(server.Client())),
		tokensource.ConfigInvalid, "http.ca_file", "no certificate")
}

func listenUnix(t *testing.T) (listener net.Listener, path string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "ts") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path = filepath.Join(dir, "api")
	if listener, err = net.Listen("unix", path); err != nil {
		t.Skip(err)
	}
	return listener, path
}

func TestUnixSocket(t *testing.T) {
	t.Parallel()
	listener, path := listenUnix(t)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Host != "some.host" || r.URL.Path != "/v1/tokens/oidc" || string(body) != `{"aud":"me"}` {
			t.Errorf("%s %s: %s", r.Host, r.URL, body)
		}
		io.WriteString(w, theJWT)
	}))
	server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	members := `"url": "http://some.host/v1/tokens/oidc", "method": "POST", "body": {"aud": "${audience}"}, "unix_socket": ` + quoted(path)
	proxied := &http.Client{Transport: &http.Transport{Proxy: func(*http.Request) (*url.URL, error) {
		t.Error("asked for a proxy")
		return nil, nil
	}}}
	wantToken(t, mustDocument(t, members, useAudience("me"), useClient(proxied)))
	wantToken(t, mustDocument(t, members, useAudience("me")))
	foreign := clientFunc(func(*http.Request) (*http.Response, error) { return nil, errors.New("called") })
	failToken(t, mustDocument(t, members, useAudience("me"), useClient(foreign)), tokensource.ConfigInvalid,
		"unix_socket")
	failToken(t, mustDocument(t, members, useAudience("me"), useClient(&http.Client{Transport: foreign})),
		tokensource.ConfigInvalid, "unix_socket")
}

func TestProxyIsBypassed(t *testing.T) {
	t.Parallel()
	target, _ := serve(t, answerToken)
	address := strings.TrimPrefix(target, "http://")
	for host, bypassed := range map[string]bool{
		"http://169.254.169.254":          true,
		"http://[fd00:ec2::254]":          true,
		"http://metadata.google.internal": true,
		"http://localhost:1":              true,
		"http://127.0.0.2":                true,
		"https://169.254.169.254":         true,
		"https://example.com":             false,
	} {
		asked := false
		client := &http.Client{Transport: &http.Transport{
			Proxy: func(r *http.Request) (*url.URL, error) {
				asked = true
				return nil, errors.New("http://user:proxy-s3cr3t@proxy is malformed")
			},
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "tcp", address)
			},
		}}
		_, err := pair(t, host, useClient(client), retries(1)).Token(t.Context())
		if asked == bypassed {
			t.Errorf("%s: asked for a proxy: %v", host, asked)
		}
		if !bypassed {
			if e := wantError(t, err, tokensource.TokenUnavailable, "the address of the proxy"); strings.Contains(e.Error(), "s3cr3t") {
				t.Error(e)
			}
		} else if strings.HasPrefix(host, "https:") {
			wantError(t, err, tokensource.TokenUnavailable, "HTTP response to HTTPS client")
		} else if err != nil {
			t.Error(err)
		}
	}
}

func TestOtherClients(t *testing.T) {
	t.Parallel()
	target, followed := serve(t, answerToken)
	direct, _ := serve(t, answerToken)
	redirecting, _ := serve(t,
		func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, target, http.StatusFound) })

	tripper := &http.Client{Transport: clientFunc(http.DefaultTransport.RoundTrip)}
	wantToken(t, pair(t, direct, useClient(tripper)))
	failToken(t, pair(t, redirecting, useClient(tripper)), tokensource.TokenRefused, "redirect")
	if _, same := tripper.Transport.(clientFunc); !same || followed.Load() != 0 {
		t.Error("the client was changed, or the redirect followed")
	}

	foreign := clientFunc(func(r *http.Request) (*http.Response, error) { return http.DefaultClient.Do(r) })
	wantToken(t, pair(t, direct, useClient(foreign)))
	failToken(t, pair(t, redirecting, useClient(foreign)), tokensource.TokenRefused,
		"redirected, and the HTTP client followed")

	// What a client says about a request may hold all of it.
	chatty := clientFunc(func(r *http.Request) (*http.Response, error) {
		return nil, errors.New("failed: " + r.URL.String() + r.Header.Get("Authorization"))
	})
	e := failToken(t, pair(t, direct+"/?key=url-s3cr3t", useClient(chatty)), tokensource.TokenUnavailable, "withheld")
	if strings.Contains(e.Error(), "s3cr3t") {
		t.Error(e)
	}
}

func TestClientTimeoutIsKept(t *testing.T) {
	t.Parallel()
	url, _ := serve(t, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	start := time.Now()
	for _, source := range []tokensource.TokenSource{
		pair(t, url, retries(1), useClient(&http.Client{Timeout: 20 * time.Millisecond})),
		pair(t, url, retries(1), useClient(awshttp.NewBuildableClient().WithTimeout(20*time.Millisecond))),
	} {
		failToken(t, source, tokensource.TokenUnavailable)
	}
	if took := time.Since(start); took > 30*time.Second {
		t.Error(took)
	}
}

// A name stands for what DNS says, and plain http is for this machine.
func TestNameOfAnotherMachine(t *testing.T) {
	t.Parallel()
	url, requests := serve(t, answerToken)
	_, port, _ := strings.Cut(strings.TrimPrefix(url, "http://"), ":")
	dialed := func(address net.IP) aws.HTTPClient {
		return &http.Client{Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				conn, err := new(net.Dialer).DialContext(ctx, network, "127.0.0.1:"+port)
				return remote{conn, address}, err
			},
		}}
	}
	for address, class := range map[string]tokensource.Class{
		"127.0.0.1": "", "::1": "", "169.254.169.254": "", "fd20:ce::254": "",
		"192.0.2.1": tokensource.ConfigInvalid, "169.254.1.1": tokensource.ConfigInvalid, "2001:db8::1": tokensource.ConfigInvalid,
	} {
		source := pair(t, "http://localhost:"+port, useClient(dialed(net.ParseIP(address))))
		if class == "" {
			wantToken(t, source)
		} else {
			failToken(t, source, class, "localhost:"+port+" is not an address of this machine")
		}
	}
	if n := requests.Load(); n != 4 {
		t.Errorf("%d requests", n)
	}
}

// remote is a connection to another address.
type remote struct {
	net.Conn
	address net.IP
}

func (r remote) RemoteAddr() net.Addr { return &net.TCPAddr{IP: r.address, Port: 80} }

// A body that is small on the wire stays so.
func TestNoDecompression(t *testing.T) {
	t.Parallel()
	url, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "identity" {
			t.Errorf("Accept-Encoding: %s", r.Header.Get("Accept-Encoding"))
		}
		answerToken(w, r)
	})
	wantToken(t, pair(t, url))
	wantToken(t, pair(t, url, useClient(&http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{}}})))
}
