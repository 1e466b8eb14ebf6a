//go:build linux

package faults

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"maps"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/awstokenserver/config/webidentity/webidentitytest"
)

const (
	baseARN = "arn:aws:iam::123456789012:role/base"
	roleARN = "arn:aws:iam::123456789012:role/deploy"
	subject = "repo:octo-org/octo-repo:ref:refs/heads/main"
)

// world is where a row takes place: a token server and STS behind fronts, DNS,
// and a folder with the config file and whatever else the row needs.
type world struct {
	*webidentitytest.World
	t     *testing.T
	fixed atomic.Bool

	token, sts, proxy *front
	resolve           func(query []byte) []byte // what DNS answers until it is fixed, or nil
	badCertificate    *tls.Certificate          // of the token server until it is fixed, or nil
	exchanges         int32                     // with STS, without a fault
	dir               string
	env               map[string]string // of the process

	terminated context.Context // when the command gets SIGTERM
	terminate  context.CancelFunc
}

func newWorld(t *testing.T) *world {
	w := &world{World: webidentitytest.New(), t: t, exchanges: 1, dir: t.TempDir()}
	w.terminated, w.terminate = context.WithCancel(context.Background())
	w.STS.AddRole(webidentitytest.Role{ARN: baseARN, Subject: subject})
	w.STS.AddRole(webidentitytest.Role{ARN: roleARN, Subject: subject, Principals: []string{baseARN}})
	w.token = newFront(host(w.TokenServer.URL), &w.fixed)
	w.sts = newFront(host(w.STS.URL), &w.fixed)
	w.proxy = newFront(w.token.addr, &w.fixed)
	w.proxy.connect = true
	w.env = w.Env()
	maps.Copy(w.env, map[string]string{
		"ACTIONS_ID_TOKEN_REQUEST_URL": strings.Replace(w.TokenServer.URL, w.token.server, w.token.addr, 1),
		"AWS_ENDPOINT_URL_STS":         "http://" + w.sts.addr,
		"AWS_CONFIG_FILE":              filepath.Join(w.dir, "config"),
		"AWS_SHARED_CREDENTIALS_FILE":  os.DevNull,
		"AWS_PROFILE":                  "deploy",
		"AWS_EC2_METADATA_DISABLED":    "true",
		"PATH":                         os.Getenv("PATH"),
		"HOME":                         w.dir,
	})
	w.profile("GitHub")
	return w
}

// host is the host and port of a URL.
func host(address string) string {
	u, _ := url.Parse(address)
	return u.Host
}

// start lets the row begin.
func (w *world) start() {
	w.env["DNS"] = w.dns()
	for _, f := range []*front{w.token, w.sts, w.proxy} {
		if !f.refuses {
			f.listen()
		}
	}
}

// fix makes everything work.
func (w *world) fix() {
	w.fixed.Store(true)
	for _, f := range []*front{w.token, w.sts, w.proxy} {
		f.fix()
	}
}

func (w *world) close() {
	w.terminate()
	for _, f := range []*front{w.token, w.sts, w.proxy} {
		f.close()
	}
	w.Close()
}

func (w *world) write(name, text string) (path string) {
	path = filepath.Join(w.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Error(err)
	}
	return path
}

// profile writes the config file, in which value names the token server.
func (w *world) profile(value string) {
	w.write("config", "[profile deploy]\nrole_arn = "+roleARN+"\nweb_identity_token_server = "+value+"\n")
}

// document makes the token server that of a document, where DIR stands for the
// folder.
func (w *world) document(text string) {
	w.profile(base64.StdEncoding.EncodeToString([]byte(strings.ReplaceAll(text, "DIR", w.dir))))
}

// tokenFile makes the token come from a file, and writes text to it.
func (w *world) tokenFile(text string) {
	w.document(`{"version": 1, "file": "DIR/token"}`)
	w.write("token", text)
}

// jwt is a token that STS takes if it can take the given claim, a time that is so
// far away.
func (w *world) jwt(claim string, away time.Duration) string {
	return w.Issuer.Sign(map[string]any{"sub": subject, "aud": "sts.amazonaws.com", claim: time.Now().Add(away).Unix()})
}

// chained makes the role one that is assumed with another.
func (w *world) chained() {
	w.exchanges = 2
	w.write("config", "[profile base]\nrole_arn = "+baseARN+"\nweb_identity_token_server = GitHub\n"+
		"[profile deploy]\nrole_arn = "+roleARN+"\nsource_profile = base\n")
}

// https moves the token server to a name, with a certificate.
func (w *world) https() {
	w.env["AWS_CA_BUNDLE"] = w.write("ca.pem",
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: known.cert.Raw})))
	w.env["ACTIONS_ID_TOKEN_REQUEST_URL"] = strings.Replace(w.env["ACTIONS_ID_TOKEN_REQUEST_URL"], "http://127.0.0.1",
		"https://token.invalid", 1)
	good := known.certificate("token.invalid", time.Hour)
	w.token.tls = &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		if w.badCertificate != nil && !w.fixed.Load() {
			return w.badCertificate, nil
		}
		return good, nil
	}}
}

// behindProxy lets the token server be reached through a proxy alone.
func (w *world) behindProxy() {
	w.https()
	w.env["HTTPS_PROXY"] = "http://" + w.proxy.addr
}

// dns starts a DNS server. When it is fixed, every name is 127.0.0.1.
func (w *world) dns() (address string) {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	w.t.Cleanup(func() { c.Close() })
	go func() {
		for {
			buffer := make([]byte, 512)
			n, from, err := c.ReadFrom(buffer)
			if err != nil {
				return
			}
			response := localhost
			if w.resolve != nil && !w.fixed.Load() {
				response = w.resolve
			}
			if text := response(buffer[:n]); text != nil {
				c.WriteTo(text, from)
			}
		}
	}()
	return c.LocalAddr().String()
}

// localhost answers a query (RFC 1035, 4.1) for an IPv4 address with 127.0.0.1,
// and any other with nothing.
func localhost(query []byte) []byte {
	const typeA = 1
	question := query[12 : 12+bytes.IndexByte(query[12:], 0)+5] // name, type and class
	response := append([]byte{query[0], query[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, question...)
	if question[len(question)-3] == typeA {
		response[7]++
		response = append(response, 0xc0, 12, 0, typeA, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1)
	}
	return response
}

func noSuchHost(query []byte) []byte {
	query[2], query[3] = 0x81, 0x83
	return query
}

func silence([]byte) []byte { return nil }

// authority issues certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

var known, unknown = newAuthority(), newAuthority()

func newAuthority() *authority {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	a := &authority{cert: &x509.Certificate{Subject: pkix.Name{CommonName: rand.Text()}, IsCA: true,
		BasicConstraintsValid: true}, key: key}
	a.cert = a.sign(a.cert, key, time.Hour)
	return a
}

func (a *authority) sign(template *x509.Certificate, key *ecdsa.PrivateKey, valid time.Duration) *x509.Certificate {
	template.SerialNumber = big.NewInt(1)
	template.NotBefore, template.NotAfter = time.Now().Add(-24*time.Hour), time.Now().Add(valid)
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		panic(err)
	}
	cert, _ := x509.ParseCertificate(der)
	return cert
}

// certificate issues one for name, valid for the given time from now.
func (a *authority) certificate(name string, valid time.Duration) *tls.Certificate {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	cert := a.sign(&x509.Certificate{DNSNames: []string{name}}, key, valid)
	return &tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
}
