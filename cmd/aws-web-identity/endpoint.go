package main

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// endpoint is an endpoint for container credentials on loopback:
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
type endpoint struct {
	provider aws.CredentialsProvider
	token    string // that requests must carry
	listener net.Listener
}

const endpointPath = "/credentials"

// listen starts an endpoint for the credentials of provider. It ends with the
// process.
func listen(provider aws.CredentialsProvider) (*endpoint, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	e := &endpoint{provider, rand.Text(), listener}
	go e.serve()
	return e, nil
}

func (e *endpoint) serve() error {
	server := http.Server{
		Handler: e, ReadTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		WriteTimeout:                 4 * time.Minute, // a retrieval takes three at most
		DisableGeneralOptionsHandler: true,            // it would respond to OPTIONS * with 200
	}
	return server.Serve(e.listener)
}

func (e *endpoint) url() string { return "http://" + e.listener.Addr().String() + endpointPath }

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	refuse := func(status int, code, message string) {
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(map[string]string{"code": code, "message": message})
	}
	switch authorization := r.Header["Authorization"]; {
	case r.URL.Path != endpointPath:
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
	creds, err := e.provider.Retrieve(r.Context())
	if err != nil {
		refuse(http.StatusInternalServerError, "CredentialsUnavailable", err.Error())
		return
	}
	if !creds.CanExpire { // clients insist on a time
		creds.Expires = time.Now().Add(time.Hour).UTC()
	}
	json.NewEncoder(w).Encode(struct {
		AccessKeyId, SecretAccessKey, Token string
		Expiration                          time.Time
		AccountId                           string `json:",omitempty"`
	}{creds.AccessKeyID, creds.SecretAccessKey, creds.SessionToken, creds.Expires, creds.AccountID})
}
