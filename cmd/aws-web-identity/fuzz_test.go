package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// oneConnection is a listener that accepts one connection.
type oneConnection struct{ *exchange }

func (l *oneConnection) Accept() (net.Conn, error) {
	if l.exchange == nil {
		return nil, net.ErrClosed
	}
	defer func() { l.exchange = nil }()
	return l.exchange, nil
}

func (l *oneConnection) Addr() net.Addr { return nil }
func (l *oneConnection) Close() error   { return nil }

// exchange is a connection on which a client has sent all that it will send.
type exchange struct {
	net.Conn
	request  *bytes.Reader
	response bytes.Buffer
	once     sync.Once
	complete chan struct{} // closed when the response is
}

func (x *exchange) Read(p []byte) (int, error)  { return x.request.Read(p) }
func (x *exchange) Write(p []byte) (int, error) { return x.response.Write(p) }

// CloseWrite is called half a second ahead of Close where a client sends too
// much.
func (x *exchange) CloseWrite() error {
	x.once.Do(func() { close(x.complete) })
	return nil
}

func (x *exchange) Close() error { return x.CloseWrite() }

// FuzzEndpoint sends arbitrary bytes to the endpoint, whose provider fails with
// problem unless that is empty.
func FuzzEndpoint(f *testing.F) {
	const token = "ENDPOINT-TOKEN"
	creds := aws.Credentials{
		AccessKeyID: "ASIAFUZZ", SecretAccessKey: "the/secret/key", SessionToken: "the+session+token",
		AccountID: "123456789012",
		CanExpire: true, Expires: time.Date(2055, 12, 31, 23, 59, 59, 0, time.UTC),
	}
	const right = "GET /credentials HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: " + token + "\r\n\r\n"
	for _, request := range []string{
		right,
		right + right + strings.ReplaceAll(right, token, "x") + right,
		strings.Replace(right, "1.1", "1.0", 1),
		strings.Replace(right, "GET", "HEAD", 1) + right,
		strings.Replace(right, "GET", "POST", 1),
		strings.Replace(right, "GET", "get", 1),
		strings.Replace(right, "GET", "QUERY", 1),
		strings.Replace(right, "GET /credentials", "OPTIONS *", 1),
		strings.Replace(right, "GET /credentials", "CONNECT 127.0.0.1:80", 1),
		strings.Replace(right, "GET /credentials", "PRI *", 1),
		strings.Replace(right, "/credentials", "/", 1),
		strings.Replace(right, "/credentials", "/credentials/", 1),
		strings.Replace(right, "/credentials", "/x/../credentials", 1),
		strings.Replace(right, "/credentials", "/%63redentials?x", 1),
		strings.Replace(right, "/credentials", "http://example.com/credentials", 1),
		strings.Replace(right, "/credentials", "/credentials?Authorization="+token, 1),
		strings.Replace(right, "Host: 127.0.0.1\r\n", "", 1),
		strings.Replace(right, token, "Bearer "+token, 1),
		strings.Replace(right, token, token+"x", 1),
		strings.Replace(right, token, token[1:], 1),
		strings.Replace(right, token, strings.ToLower(token), 1),
		strings.Replace(right, token, "", 1),
		strings.Replace(right, token, token+"\r\nAuthorization: "+token, 1),
		strings.Replace(right, token, "x\r\nauthorization:  "+token, 1),
		strings.Replace(right, "Authorization", "Proxy-Authorization", 1),
		strings.Replace(right, "Host", "Transfer-Encoding: chunked\r\nHost", 1) + "3\r\nabc\r\n0\r\nAuthorization: " +
			token + "\r\n\r\n" + right,
		strings.Replace(right, "Host", "Transfer-Encoding: gzip\r\nHost", 1),
		strings.Replace(right, "Host", "Content-Length: 9\r\nHost", 1) + right,
		strings.Replace(right, "Host", "Content-Length: 1\r\nContent-Length: 2\r\nHost", 1) + right,
		strings.Replace(right, "Host", "Expect: 100-continue\r\nContent-Length: 9\r\nHost", 1),
		strings.Replace(right, "Host", "Expect: x\r\nHost", 1),
		strings.Replace(right, "Host",
			"Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\nHost", 1),
		strings.Replace(right, "Host", "X: "+strings.Repeat("x", 32<<10)+"\r\nHost", 1),
		strings.Replace(right, "1.1", "2.0", 1),
		right[:len(right)-2],
		"GET\r\n\r\n",
		"\x16\x03\x01\x00\x05hello",
		"",
	} {
		f.Add([]byte(request), "")
	}
	f.Add([]byte(right), "sts \"said\"\r\n<no>\x00\xff")

	f.Fuzz(func(t *testing.T, request []byte, problem string) {
		provider := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			if problem != "" {
				return aws.Credentials{}, errors.New(problem)
			}
			return creds, nil
		})
		conn, _ := net.Pipe()
		x := &exchange{Conn: conn, request: bytes.NewReader(request), complete: make(chan struct{})}
		providers := map[string]aws.CredentialsProvider{endpointPath: provider}
		(&endpoint{providers, token, &oneConnection{x}}).serve()
		<-x.complete

		if !strings.Contains(problem, token) && bytes.Contains(x.response.Bytes(), []byte(token)) {
			t.Errorf("the token is in the response: %s", &x.response)
		}
		requests, responses := bufio.NewReader(bytes.NewReader(request)), bufio.NewReader(&x.response)
		for n := 0; ; n++ {
			asked, unreadable := http.ReadRequest(requests)
			if _, err := responses.Peek(1); err != nil {
				if n == 0 && unreadable == nil {
					t.Error("no response") // the handler panicked
				}
				return
			}
			response, err := http.ReadResponse(responses, asked)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			if response.Header.Get("Cache-Control") == "" { // it is the HTTP server's own
				if response.StatusCode < 400 || bytes.Contains(body, []byte(creds.SecretAccessKey)) ||
					bytes.Contains(body, []byte(creds.SessionToken)) {
					t.Errorf("response %d: %v: %s", n, response.Status, body)
				}
				return
			}
			if unreadable != nil {
				t.Fatalf("response %d, %s, is to %v", n, response.Status, unreadable)
			}
			io.Copy(io.Discard, asked.Body)

			right := asked.Method == "GET" && asked.URL.Path == "/credentials" &&
				reflect.DeepEqual(asked.Header["Authorization"], []string{token})
			var got struct {
				AccessKeyId, SecretAccessKey, Token, AccountId, Code, Message string
				Expiration                                                    time.Time
			}
			if err := json.Unmarshal(body, &got); err != nil && asked.Method != "HEAD" {
				t.Errorf("response %d: %v: %s", n, err, body)
			}
			if h := response.Header; h.Get("Content-Type") != "application/json" ||
				h.Get("Cache-Control") != "no-store" {
				t.Errorf("response %d: %v", n, h)
			}
			if right && problem == "" {
				if response.StatusCode != 200 || got.SecretAccessKey != creds.SecretAccessKey ||
					got.Token != creds.SessionToken || !got.Expiration.Equal(creds.Expires) {
					t.Errorf("response %d: %s, not the credentials: %s", n, response.Status, body)
				}
				continue
			}
			if response.StatusCode < 400 || bytes.Contains(body, []byte(creds.SecretAccessKey)) ||
				bytes.Contains(body, []byte(creds.SessionToken)) ||
				asked.Method != "HEAD" && (got.Code == "" || got.Message == "") {
				t.Errorf("response %d: %s to %s %s: %s", n, response.Status, asked.Method, asked.URL, body)
			}
		}
	})
}
