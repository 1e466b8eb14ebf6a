// Package webidentitytest is a world to test web identity in, as
// [net/http/httptest] is for HTTP: an OIDC issuer, the token server of a CI
// system and AWS STS, all real and all on loopback. Tokens are signed,
// signatures are verified, and what AWS would refuse is refused.
//
// [New] starts all three. For a test, give their addresses to the code under
// test with [World.Setenv] or [World.Env], add the roles that it may assume
// with [STS.AddRole], and look at what was asked with [Server.Requests].
// Failures come from a script ([Server.Script], [STSError]), short lives from
// [TokenServer.Lifetime] and [STS.Lifetime].
//
// There is no global state: any number of worlds run side by side.
package webidentitytest

import (
	"os"
	"strings"
)

// World is an issuer, a token server for its tokens, and an STS that trusts it.
// It is safe for concurrent use. Tests that need RS256 make their own:
//
//	issuer := webidentitytest.NewIssuer(jose.RS256)
//	world := &webidentitytest.World{
//		Issuer:      issuer,
//		TokenServer: webidentitytest.NewTokenServer(issuer),
//		STS:         webidentitytest.NewSTS(issuer),
//	}
type World struct {
	Issuer      *Issuer
	TokenServer *TokenServer
	STS         *STS
}

// New starts a world. Its issuer signs with ES256, because making an RSA key
// would take longer than most tests. Close it after use.
func New() *World {
	issuer := NewIssuer("ES256")
	return &World{Issuer: issuer, TokenServer: NewTokenServer(issuer), STS: NewSTS(issuer)}
}

// Close stops the three servers and waits for their handlers to return.
func (w *World) Close() {
	w.TokenServer.Close()
	w.STS.Close()
	w.Issuer.Close()
}

// Env returns the environment of a job that runs in this world: the token
// server, as GitHub Actions names it, the address of STS, and us-east-1.
func (w *World) Env() map[string]string {
	return map[string]string{
		"ACTIONS_ID_TOKEN_REQUEST_URL":   w.TokenServer.URL,
		"ACTIONS_ID_TOKEN_REQUEST_TOKEN": w.TokenServer.RequestToken,
		"AWS_ENDPOINT_URL_STS":           w.STS.URL,
		"AWS_REGION":                     "us-east-1",
	}
}

// Setenv puts this process into the world: it sets the variables of
// [World.Env], empties every other AWS_ variable and those of proxies, switches
// the EC2 metadata service off, and points the home directory and the AWS
// config and credentials files to nothing. The parameter is a [testing.T],
// whose Setenv undoes all that when the test ends.
func (w *World) Setenv(t interface{ Setenv(key, value string) }) {
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		upper := strings.ToUpper(name)
		if strings.HasPrefix(upper, "AWS_") || strings.HasSuffix(upper, "_PROXY") {
			t.Setenv(name, "")
		}
	}
	for _, name := range []string{"HOME", "USERPROFILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"} {
		t.Setenv(name, os.DevNull)
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	for name, value := range w.Env() {
		t.Setenv(name, value)
	}
}
