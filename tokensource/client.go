package tokensource

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// client makes the client of one fetch from the one in the options. It reports
// whether that is foreign: whether it may follow redirects.
func (s *source) client() (client aws.HTTPClient, foreign bool, err error) {
	var transport *http.Transport
	var timeout time.Duration
	switch given := s.options.HTTPClient.(type) {
	case *awshttp.BuildableClient:
		transport, timeout = given.GetTransport(), given.GetTimeout()
	case *http.Client:
		tripper := given.Transport
		if tripper == nil {
			tripper = http.DefaultTransport
		}
		if t, ok := tripper.(*http.Transport); ok {
			transport, timeout = t.Clone(), given.Timeout
			break
		}
		copied := *given
		copied.CheckRedirect = followNone
		client = &copied
	default:
		client, foreign = given, true
	}
	if transport == nil {
		if s.doc.http.unixSocket != "" || s.doc.http.caFile != "" {
			return nil, false, mended("use an *http.Client with an *http.Transport, or an *awshttp.BuildableClient",
				"the HTTP client has no transport to set http.unix_socket or http.ca_file on")
		}
		return client, foreign, nil
	}
	if err := s.configure(transport); err != nil {
		return nil, false, err
	}
	return &http.Client{Transport: transport, Timeout: timeout, CheckRedirect: followNone}, false, nil
}

func followNone(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func (s *source) configure(transport *http.Transport) error {
	transport.DisableCompression = true
	if transport.TLSClientConfig == nil {
		transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	// HTTP/1.1 alone: see sigstore/cosign#3172.
	transport.ForceAttemptHTTP2 = false
	transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	transport.TLSClientConfig.NextProtos = []string{"http/1.1"}
	transport.Protocols = new(http.Protocols)
	transport.Protocols.SetHTTP1(true)

	if path := s.doc.http.caFile; path != "" {
		pem, err := readFile(path)
		if err != nil {
			return err
		}
		transport.TLSClientConfig.RootCAs = x509.NewCertPool()
		if !transport.TLSClientConfig.RootCAs.AppendCertsFromPEM([]byte(pem)) {
			return invalid("http.ca_file: there is no certificate in %q", path)
		}
	}
	if path := s.doc.http.unixSocket; path != "" {
		transport.Proxy = nil
		transport.DialTLSContext = nil
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}
	}
	if proxy := transport.Proxy; proxy != nil {
		transport.Proxy = func(r *http.Request) (*url.URL, error) {
			if isLocal(r.URL.Hostname()) {
				return nil, nil
			}
			proxyURL, err := proxy(r)
			if err != nil {
				err = errors.New("the address of the proxy is malformed") // it may hold a password
			}
			return proxyURL, err
		}
	}
	return nil
}
