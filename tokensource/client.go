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

// client makes the client of one fetch of target from the one in the options. It reports
// whether that is foreign: whether it may follow redirects.
func (s *source) client(target *url.URL) (client aws.HTTPClient, foreign bool, err error) {
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
		copied.Transport = noLocation{tripper}
		client = &copied
	default:
		client, foreign = given, true
	}
	if transport == nil {
		if q := s.doc.HTTP; q.UnixSocket != "" || q.CAFile != "" || q.CertFile != "" {
			return nil, false, hinted("use an *http.Client with an *http.Transport, or an *awshttp.BuildableClient",
				"the HTTP client has no transport to set http.unix_socket, http.ca_file or http.cert_file on")
		}
		return client, foreign, nil
	}
	if err := s.configure(transport, target); err != nil {
		return nil, false, err
	}
	return &http.Client{Transport: noLocation{transport}, Timeout: timeout}, false, nil
}

// noLocation keeps http.Client from following a redirect, and from failing over
// one that it cannot read.
type noLocation struct{ http.RoundTripper }

func (t noLocation) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := t.RoundTripper.RoundTrip(r)
	if response != nil {
		response.Header.Del("Location")
	}
	return response, err
}

func readPEM(path string) ([]byte, error) {
	const most = 1 << 20 // a system's bundle of authorities has some 200 KiB
	text, err := readFile(path, most)
	if len(text) > most {
		err = invalid("the file %q is larger than 1 MiB", path)
	}
	return []byte(text), err
}

func (s *source) configure(transport *http.Transport, target *url.URL) error {
	transport.DisableCompression = true
	transport.MaxResponseHeaderBytes = maxRead
	if transport.TLSClientConfig == nil {
		transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	// HTTP/1.1 alone: see sigstore/cosign#3172.
	transport.ForceAttemptHTTP2 = false
	transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	transport.TLSClientConfig.NextProtos = []string{"http/1.1"}
	transport.Protocols = new(http.Protocols)
	transport.Protocols.SetHTTP1(true)

	if err := s.doc.HTTP.configureTLS(transport.TLSClientConfig); err != nil {
		return err
	}
	if path := s.doc.HTTP.UnixSocket; path != "" {
		transport.Proxy = nil
		transport.DialTLSContext = nil
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}
	}
	if proxy := transport.Proxy; proxy != nil {
		transport.Proxy = pastLocal(proxy)
	}
	if target.Scheme == "http" {
		transport.DialContext = dialLocal(transport.DialContext)
	}
	return nil
}

var errNotLocal = errors.New("not a local address")

// dialLocal returns a function that connects to nothing but what plain http is allowed
// to: a name may stand for any address.
func dialLocal(dial func(ctx context.Context, network, address string) (net.Conn, error),
) func(ctx context.Context, network, address string) (net.Conn, error) {
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		if tcp, ok := conn.RemoteAddr().(*net.TCPAddr); ok && !isLocalAddress(tcp.AddrPort().Addr()) {
			conn.Close()
			return nil, errNotLocal
		}
		return conn, nil
	}
}

func (q *request) configureTLS(config *tls.Config) error {
	if path := q.CAFile; path != "" {
		pem, err := readPEM(path)
		if err != nil {
			return err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return invalid("http.ca_file: there is no certificate in %q", path)
		}
	}
	if q.CertFile != "" {
		cert, err := readPEM(q.CertFile)
		if err != nil {
			return err
		}
		key, err := readPEM(q.KeyFile)
		if err != nil {
			return err
		}
		pair, err := tls.X509KeyPair(cert, key)
		if err != nil {
			e := invalid("http.cert_file and http.key_file: %q and %q are not a certificate and its key", q.CertFile,
				q.KeyFile)
			e.Err = err
			return e
		}
		config.Certificates = []tls.Certificate{pair}
		config.GetClientCertificate = nil
	}
	return nil
}

// pastLocal returns a function that takes no proxy to what is on this machine.
func pastLocal(proxy func(*http.Request) (*url.URL, error)) func(*http.Request) (*url.URL, error) {
	return func(r *http.Request) (*url.URL, error) {
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
