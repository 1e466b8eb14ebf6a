package webidentitytest

import (
	"bytes"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"time"
)

// Server is what [Issuer], [TokenServer] and [STS] have in common: an HTTP
// server on a loopback port that the system picks, a record of its requests and
// a script of responses. Its methods are safe for concurrent use. The zero value
// is not usable.
type Server struct {
	// URL is the address to give to the client, with scheme and without a final
	// slash; for a [TokenServer] it has a path and a query.
	URL string

	http *httptest.Server

	mu       sync.Mutex
	requests []Request
	script   []http.HandlerFunc
}

// Request is a request that a [Server] received. It holds the secrets that the
// client sent.
type Request struct {
	Time   time.Time // when it arrived
	Method string
	Path   string
	Query  url.Values
	Header http.Header
	Body   []byte
	Form   url.Values // the body of a form, otherwise nil
}

func (s *Server) start(contract func(http.ResponseWriter, *http.Request, Request)) {
	s.http = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // what an aborted request did send is recorded too
		r.Body = io.NopCloser(bytes.NewReader(body))
		request := Request{
			Time: time.Now(), Method: r.Method, Path: r.URL.Path, Query: r.URL.Query(),
			Header: r.Header.Clone(), Body: body,
		}
		if mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); mediaType == "application/x-www-form-urlencoded" {
			request.Form, _ = url.ParseQuery(string(body))
		}
		if scripted := s.record(request); scripted != nil {
			scripted(w, r)
			return
		}
		contract(w, r, request)
	}))
	s.URL = "http://" + s.http.Listener.Addr().String() // before a handler reads it
	s.http.Start()
}

func (s *Server) record(r Request) (scripted http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r)
	if len(s.script) > 0 {
		scripted, s.script = s.script[0], s.script[1:]
	}
	return scripted
}

// Requests returns the requests so far, in order of arrival, scripted ones
// included. A request is recorded before it is answered. What the requests
// refer to must not be modified.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Script appends handlers to the script: each serves one of the next requests,
// in turn, and the server's own contract serves those after. A nil handler
// leaves its request to the contract.
//
// A handler that panics with [http.ErrAbortHandler] drops the connection; one
// that waits for the request's context to be done hangs until the client gives
// up or the server is closed.
func (s *Server) Script(handlers ...http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = append(s.script, handlers...)
}

// Close drops all connections, stops the server and waits for its handlers to
// return. Closing it again does nothing.
func (s *Server) Close() {
	s.http.CloseClientConnections()
	s.http.Close()
}
