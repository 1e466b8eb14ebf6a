package tokensource_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/awstokenserver/config/tokensource"
)

// The documents that the pages of docs/recipes quote. In a test, root stands for the
// folder of the files that a document reads.
func exampleDocument(t *testing.T, name, folder, root string,
	optFns ...func(*tokensource.Options)) tokensource.TokenSource {
	t.Helper()
	text, err := os.ReadFile("testdata/documents/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(text)
	if folder != "" {
		if doc = strings.ReplaceAll(doc, folder, filepath.ToSlash(root)); doc == string(text) {
			t.Fatalf("nothing in %s", folder)
		}
	}
	source, err := tokensource.Document([]byte(doc), append(optFns, retries(2))...)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// certificate makes a certificate for name, its own authority, and PEM of it and
// its key.
func certificate(t *testing.T, name string) (pair tls.Certificate, cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: name},
		DNSNames:              []string{name},
		NotAfter:              time.Now().Add(time.Hour),
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	key = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
	pair, err = tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	return pair, cert, key
}

// serveHost starts a TLS server that is host to those who use the client, which
// ends every connection at it.
func serveHost(t *testing.T, host string, config *tls.Config, handler http.HandlerFunc) (client *http.Client,
	ca string) {
	t.Helper()
	pair, ca, _ := certificate(t, host)
	config.Certificates = []tls.Certificate{pair}
	server := httptest.NewUnstartedServer(handler)
	server.TLS = config
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", server.Listener.Addr().String())
	}}}, ca
}

func TestVariableDocuments(t *testing.T) {
	for name, hint := range map[string]string{"GitLab": "provide it", "Jenkins": "bind the credential",
		"TeamCity": "add the build feature"} {
		t.Run(name, func(t *testing.T) {
			source := exampleDocument(t, name, "", "")
			failToken(t, source, tokensource.NotConfigured, "AWS_ID_TOKEN is not set", "; "+hint)
			t.Setenv("AWS_ID_TOKEN", theJWT)
			wantToken(t, source)
		})
	}
}

func TestSPIFFEHelperDocument(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	source := exampleDocument(t, "SPIFFEHelper", "/run/spiffe", root)
	failToken(t, source, tokensource.NotConfigured, "jwt_svid.token\" cannot be read", "; run spiffe-helper")
	write(t, root, "jwt_svid.token", theJWT)
	wantToken(t, source)
}

func TestKeycloakDocument(t *testing.T) {
	vendor := newFakeVendor(t, false)
	source := exampleDocument(t, "Keycloak", "", "", useClient(vendor.client))
	t.Setenv("KEYCLOAK_CLIENT_SECRET", requestToken)
	vendor.status = 200
	vendor.body = fmt.Sprintf(`{"access_token": %q, "expires_in": 300, "token_type": "Bearer", "scope": ""}`, theJWT)
	wantToken(t, source)
	want := seen{"POST", "https://keycloak.example.com/realms/shop/protocol/openid-connect/token",
		"client_id=deploy&client_secret=" + requestToken + "&grant_type=client_credentials",
		map[string]string{"Content-Type": "application/x-www-form-urlencoded"}}
	if !reflect.DeepEqual(vendor.last, want) {
		t.Errorf("got %+v\nwant %+v", vendor.last, want)
	}
	vendor.status, vendor.body = 401, `{"error":"unauthorized_client"}`
	failToken(t, source, tokensource.TokenRefused, "unauthorized_client", "; let the client deploy")
	t.Setenv("KEYCLOAK_CLIENT_SECRET", "")
	failToken(t, source, tokensource.NotConfigured, "KEYCLOAK_CLIENT_SECRET is empty", "; let the client deploy")
}

func TestKubernetesDocument(t *testing.T) {
	t.Parallel()
	var got seen
	forbidden := false
	client, ca := serveHost(t, "kubernetes.default.svc", &tls.Config{}, func(w http.ResponseWriter, r *http.Request) {
		record(&got)(httptest.NewRecorder(), r)
		w.Header().Set("Content-Type", "application/json")
		if forbidden {
			w.WriteHeader(403)
			fmt.Fprint(w, `{"kind": "Status", "status": "Failure", "message": "serviceaccounts \"deployer\" is forbidden", "reason": "Forbidden", "code": 403}`)
			return
		}
		w.WriteHeader(201)
		fmt.Fprintf(w, `{"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "spec": {"audiences": ["sts.amazonaws.com"]},
			"status": {"token": %q, "expirationTimestamp": "2026-01-01T00:00:00Z"}}`, theJWT)
	})
	const folder = "/var/run/secrets/kubernetes.io/serviceaccount"
	root := t.TempDir()
	write(t, root, "ca.crt", ca)
	write(t, root, "namespace", "shop")
	for token, audience := range map[string]string{"of the pod": "sts.amazonaws.com", "of the pod, rotated": ""} {
		write(t, root, "token", token+"\n")
		options := []func(*tokensource.Options){useClient(client)}
		audiences := `["sts.amazonaws.com"]`
		if audience == "" { // the cluster's own
			options = append(options, useAudience(""))
			audiences = "[]"
		}
		wantToken(t, exampleDocument(t, "Kubernetes", folder, root, options...))
		body := `{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{"audiences":` + audiences +
			`,"expirationSeconds":600}}`
		want := seen{"POST", "/api/v1/namespaces/shop/serviceaccounts/deployer/token", body, map[string]string{
			"Authorization": "Bearer " + token, "Content-Type": "application/json", "Connection": "close", "Accept-Encoding": "identity",
			"Content-Length": fmt.Sprint(len(body))}}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v\nwant %+v", got, want)
		}
	}
	forbidden = true
	source := exampleDocument(t, "Kubernetes", folder, root, useClient(client))
	failToken(t, source, tokensource.TokenRefused, "403 Forbidden", "is forbidden",
		"; let the pod's service account create")
	os.Remove(filepath.Join(root, "token"))
	failToken(t, source, tokensource.NotConfigured, "/token\" cannot be read", "; let the pod's service account create")
}

func TestVaultDocument(t *testing.T) {
	vendor := newFakeVendor(t, false)
	source := exampleDocument(t, "Vault", "", "", useClient(vendor.client))
	t.Setenv("VAULT_ADDR", "")
	t.Setenv("VAULT_TOKEN", requestToken)
	vendor.status = 200
	vendor.body = fmt.Sprintf(`{"request_id": "1", "data": {"client_id": "c", "token": %q, "ttl": 86400}}`, theJWT)
	for address, want := range map[string]string{"": "https://127.0.0.1:8200",
		"https://vault.example.com": "https://vault.example.com"} {
		t.Setenv("VAULT_ADDR", address)
		wantToken(t, source)
		want := seen{"GET", want + "/v1/identity/oidc/token/deployer", "",
			map[string]string{"X-Vault-Token": requestToken}}
		if !reflect.DeepEqual(vendor.last, want) {
			t.Errorf("got %+v\nwant %+v", vendor.last, want)
		}
	}
	vendor.status, vendor.body = 403, `{"errors": ["permission denied"]}`
	failToken(t, source, tokensource.TokenRefused, "permission denied", "log in to Vault")
	vendor.status, vendor.body = 503, `{"errors": ["Vault is sealed"]}`
	failToken(t, source, tokensource.TokenUnavailable, "Vault is sealed")
	t.Setenv("VAULT_TOKEN", "")
	failToken(t, source, tokensource.NotConfigured, "VAULT_TOKEN is empty", "log in to Vault")
}

func TestMutualTLSDocument(t *testing.T) {
	t.Parallel()
	const folder, host = "/etc/workload", "tokens.example.internal"
	_, firstCert, firstKey := certificate(t, "first")
	_, secondCert, secondKey := certificate(t, "second")
	clients := x509.NewCertPool()
	clients.AppendCertsFromPEM([]byte(firstCert + secondCert))
	var caller atomic.Value
	client, ca := serveHost(t, host, &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients},
		func(w http.ResponseWriter, r *http.Request) {
			caller.Store(r.TLS.PeerCertificates[0].Subject.CommonName)
			body, _ := io.ReadAll(r.Body)
			if r.Host != host || r.Method != "POST" || r.URL.Path != "/v1/token" ||
				string(body) != `{"audience":"sts.amazonaws.com"}` {
				t.Errorf("%s %s%s: %s", r.Method, r.Host, r.URL, body)
			}
			fmt.Fprintf(w, `{"token": %q}`, theJWT)
		})
	root := t.TempDir()
	write(t, root, "ca.pem", ca)
	source := exampleDocument(t, "MutualTLS", folder, root, useClient(client))
	failToken(t, source, tokensource.NotConfigured, "tls.crt\" cannot be read", "; run the agent")
	write(t, root, "tls.crt", firstCert)
	failToken(t, source, tokensource.NotConfigured, "tls.key\" cannot be read", "; run the agent")
	write(t, root, "tls.key", "")
	failToken(t, source, tokensource.NotConfigured, "tls.key\" is empty")
	write(t, root, "tls.key", firstKey)
	wantToken(t, source)
	if caller.Load() != "first" {
		t.Errorf("the client is %v", caller.Load())
	}

	// Both are read anew, and go before a certificate that the client has.
	write(t, root, "tls.crt", secondCert)
	failToken(t, source, tokensource.ConfigInvalid, "http.cert_file and http.key_file", "tls.crt", "does not match")
	write(t, root, "tls.key", secondKey)
	own := client.Transport.(*http.Transport).Clone()
	own.TLSClientConfig = &tls.Config{GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		t.Error("asked for another certificate")
		return new(tls.Certificate), nil
	}}
	wantToken(t, exampleDocument(t, "MutualTLS", folder, root, useClient(&http.Client{Transport: own})))
	if caller.Load() != "second" {
		t.Errorf("the client is %v", caller.Load())
	}

	write(t, root, "tls.crt", secondKey)
	write(t, root, "tls.key", secondCert)
	failToken(t, source, tokensource.ConfigInvalid, "http.cert_file and http.key_file")
	_, strangerCert, strangerKey := certificate(t, "stranger")
	write(t, root, "tls.crt", strangerCert)
	write(t, root, "tls.key", strangerKey)
	failToken(t, source, tokensource.TokenUnavailable, "no complete response from "+host, "tls: ")
	write(t, root, "tls.key", strings.Repeat(strangerKey, 1<<20/len(strangerKey)+1))
	failToken(t, source, tokensource.ConfigInvalid, "tls.key\" is larger than 1 MiB")
	foreign := clientFunc(func(*http.Request) (*http.Response, error) { panic("called") })
	failToken(t, mustDocument(t, `"url": "https://localhost", "cert_file": "/a", "key_file": "/b"`, useClient(foreign)),
		tokensource.ConfigInvalid, "http.cert_file")
}

// A system's bundle of authorities is larger than a token may be.
func TestLargeBundle(t *testing.T) {
	t.Parallel()
	server, caFile := serveTLS(t, answerToken)
	_, other, _ := certificate(t, "other")
	ca, err := os.ReadFile(caFile)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Dir(caFile), "ca.pem", strings.Repeat(other, 300)+string(ca))
	wantToken(t, mustDocument(t, `"url": "`+server.URL+`", "token": "/value", "ca_file": `+quoted(caFile)))
}
