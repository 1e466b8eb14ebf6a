package main

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// endpoint is an endpoint for container credentials on loopback:
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
type endpoint struct {
	providers map[string]aws.CredentialsProvider // by their path
	token     string                             // that requests must carry
	listener  net.Listener
}

// mostConnections is how many connections the endpoint has at a time. More wait.
const mostConnections = 256

// listen starts an endpoint. It ends with the process.
func listen(providers map[string]aws.CredentialsProvider) (*endpoint, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	e := &endpoint{providers, rand.Text(), &boundedListener{listener, make(chan struct{}, mostConnections)}}
	go e.serve()
	return e, nil
}

func (e *endpoint) serve() error {
	server := http.Server{
		Handler: e, ReadHeaderTimeout: 2 * time.Second, ReadTimeout: 10 * time.Second, IdleTimeout: time.Minute,
		MaxHeaderBytes:               16 << 10,
		WriteTimeout:                 4 * time.Minute,            // a retrieval takes three at most
		DisableGeneralOptionsHandler: true,                       // it would respond to OPTIONS * with 200
		ErrorLog:                     log.New(io.Discard, "", 0), // stderr is the command's
	}
	return server.Serve(e.listener)
}

// url is the address of a path.
func (e *endpoint) url(path string) string { return "http://" + e.listener.Addr().String() + path }

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	refuse := func(status int, code, message string) {
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(map[string]string{"code": code, "message": message})
	}
	provider, found := e.providers[r.URL.Path]
	switch authorization := r.Header["Authorization"]; {
	case !found:
		refuse(http.StatusNotFound, "NotFound", "there is nothing here")
		return
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		refuse(http.StatusMethodNotAllowed, "MethodNotAllowed", "only GET is understood")
		return
	case len(authorization) != 1 || subtle.ConstantTimeCompare([]byte(authorization[0]), []byte(e.token)) == 0:
		refuse(http.StatusUnauthorized, "Unauthorized",
			"the Authorization header is not AWS_CONTAINER_AUTHORIZATION_TOKEN")
		return
	}
	creds, err := provider.Retrieve(r.Context())
	if err != nil {
		refuse(http.StatusInternalServerError, "CredentialsUnavailable", describe(err))
		return
	}
	if !creds.CanExpire { // clients insist on a time
		creds.Expires = time.Now().Add(time.Hour).UTC()
	}
	json.NewEncoder(w).Encode(containerCredentials{
		creds.AccessKeyID, creds.SecretAccessKey, creds.SessionToken, creds.Expires, creds.AccountID})
}

// containerCredentials are credentials as the endpoint gives them.
type containerCredentials struct {
	AccessKeyId, SecretAccessKey, Token string
	Expiration                          time.Time
	AccountId                           string `json:",omitempty"`
}

// boundedListener accepts so many connections at a time.
type boundedListener struct {
	net.Listener
	slots chan struct{}
}

func (l *boundedListener) Accept() (net.Conn, error) {
	l.slots <- struct{}{}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.slots
		return nil, err
	}
	return &boundedConn{Conn: c, done: func() { <-l.slots }}, nil
}

type boundedConn struct {
	net.Conn
	once sync.Once
	done func()
}

func (c *boundedConn) Close() error {
	c.once.Do(c.done)
	return c.Conn.Close()
}
