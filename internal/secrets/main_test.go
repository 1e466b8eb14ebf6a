package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/awstokenserver/config"
	"github.com/awstokenserver/config/webidentity/webidentitytest"
)

// The secrets that tests work with are found, however they are printed.
func TestFind(t *testing.T) {
	world := webidentitytest.New()
	defer world.Close()
	world.Setenv(t)
	const role = "arn:aws:iam::123456789012:role/r"
	world.STS.AddRole(webidentitytest.Role{ARN: role, Subject: "*"})
	t.Setenv("AWS_ROLE_ARN", role)
	t.Setenv("AWS_WEB_IDENTITY_TOKEN_SERVER", "GitHub")
	cfg, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	creds, err := cfg.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for kind, secret := range map[string]string{
		"a JWT":             world.STS.Requests()[0].Form.Get("WebIdentityToken"),
		"a request token":   world.TokenServer.RequestToken,
		"a secret key":      creds.SecretAccessKey,
		"a session token":   creds.SessionToken,
		"a token of GitHub": "ghp_" + strings.Repeat("a", 36),
		"a private key":     "-----BEGIN EC PRIVATE KEY-----\n" + strings.Repeat("a", 64),
	} {
		inJSON, _ := json.Marshal(map[string]string{"x": secret})
		for _, text := range []string{
			secret, "    x_test.go:1: got " + secret + ", want y", "Bearer " + secret + "\n", string(inJSON),
			fmt.Sprintf("%+v", struct{ X string }{secret}),
			"?x=" + url.QueryEscape(secret) + "&y=z", "export AWS_X='" + secret + "'",
		} {
			if kind == "a private key" && text != secret {
				continue
			}
			found := find("line\n" + text)
			if len(found) != 1 || !strings.HasPrefix(found[0], "2: "+kind) || len(found[0]) > 40 {
				t.Errorf("%d characters of %s: found %q", len(text), kind, found)
			}
		}
	}
}

// What only looks like a secret is not one.
func TestFindNot(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile("../../tokensource/servers/GitHub.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
		"6dcb09b5b57875f334f61aebed695e2e4193db5e", "REDACTED",
		"=== RUN   TestX/" + base64.StdEncoding.EncodeToString(document),
		"StatusCode: 403, RequestID: ABCDEFGHIJKLMNOPQRSTUVWXYZ, api error",
		"<RequestId>ABCDEFGHIJKLMNOPQRSTUVWXYZ</RequestId>",
		"eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2ln", strings.Repeat("aA1", 200),
	} {
		if found := find(text); found != nil {
			t.Errorf("%.80s: %q", text, found)
		}
	}
}
