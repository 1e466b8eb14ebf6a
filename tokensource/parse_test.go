package tokensource_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/awstokenserver/config/tokensource"
)

// none stands for a request without an audience.
const none = "(none)"

func TestParse(t *testing.T) {
	var got string
	url, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = none
		if query := r.URL.Query(); query.Has("audience") {
			got = query.Get("audience")
		}
		answerToken(w, r)
	})
	t.Setenv("ACTIONS_ID_TOKEN_REQUEST_URL", url+"/?api-version=2.0")
	t.Setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", requestToken)
	t.Setenv("URL", url)
	t.Setenv("external_url", url) // base64 by chance, of a text that begins with {
	t.Setenv("_Token1", requestToken)
	doc := []byte(`
		{"version": 1, "audience": "default", "http": {"url": "${env:URL}", "query": {"audience": "${audience}"}, "token": "/value"}, "hint": "?>?>~~"}`)
	std, rawURL := base64.StdEncoding.EncodeToString(doc), base64.RawURLEncoding.EncodeToString(doc)
	if !strings.ContainsAny(rawURL, "-_") || !strings.HasSuffix(std, "=") {
		t.Fatal("the document does not tell the alphabets apart")
	}

	for _, test := range []struct{ value, audience string }{
		{"GitHub", "sts.amazonaws.com"},
		{" GitHub\t", "sts.amazonaws.com"},
		{"GitHub,", none},
		{"GitHub , ", none},
		{"GitHub,me", "me"},
		{"GitHub, a b,c , ", "a b,c ,"},
		{"URL,_Token1", none},
		{" URL , _Token1 ", none},
		{"URL,_Token1,", none},
		{"URL,_Token1, a,b", "a,b"},
		{"external_url,_Token1", none},
		{std, "default"},
		{std + ",", none},
		{std + " , a,b", "a,b"},
		{rawURL, "default"},
		{strings.TrimRight(std, "="), "default"},
		{base64.URLEncoding.EncodeToString(doc) + ",x", "x"},
		{std[:30] + "\r\n  " + std[30:60] + "\n" + std[60:], "default"},
	} {
		t.Run(test.value, func(t *testing.T) {
			source, err := tokensource.Parse(test.value, retries(1), useAudience("the value decides"))
			if err != nil {
				t.Fatal(err)
			}
			wantToken(t, source)
			if got != test.audience {
				t.Errorf("asked for the audience %s, want %s", got, test.audience)
			}
		})
	}
}

func TestParseInvalid(t *testing.T) {
	t.Parallel()
	encode := func(doc string) string { return base64.StdEncoding.EncodeToString([]byte(doc)) }
	const secret = "s3cr3t-s3cr3t-s3cr3t-s3cr3t-s3cr3t-s3cr3t"
	for _, test := range []struct {
		value string
		parts []string
	}{
		{"", []string{"empty"}},
		{" \n", []string{"empty"}},
		{"github", []string{`"github"`, "write GitHub"}},
		{"Git-Hub,aud", []string{"write GitHub"}},
		{"Github, sts.amazonaws.com", []string{"write GitHub"}},
		{"Github,sts", []string{"write GitHub"}},
		{"GIT_HUB,TOKEN", []string{"write GitHub"}},
		{"GitLab", []string{`"GitLab"`, "known here are", "GitHub", "URL_VARIABLE,TOKEN_VARIABLE", "base64"}},
		{"URL", []string{"names no token server"}},
		{"URL,", []string{"names no token server"}},
		{",TOKEN", []string{"names no token server"}},
		{"1URL,TOKEN", []string{"names no token server"}},
		{"URL,TO-KEN", []string{"names no token server"}},
		{"https://host/?" + secret + ",TOKEN", []string{"names no token server"}},
		{secret, []string{"names no token server"}},
		{theJWT, []string{"names no token server"}},
		{`{"version": 1, "env": "` + secret + `"}`, []string{"base64-encoded"}},
		{encode(`[1]`), []string{"names no token server"}},
		{encode(`{"version": 2, "env": "A", "hint": "` + secret + `"}`), []string{"version: must be 1"}},
		{encode(`{"version": 1, "hint": "` + secret), []string{"not JSON"}},
		{encode(`{"version": 1, "env": "A"}`) + ",audience", []string{"takes no audience"}},
		{encode(`{"version": 1, "file": "/${audience}"}`), []string{"needs an audience"}},
		{encode(`{"version": 1, "http": {"url": "https://host/${audience}"}}`) + ",", []string{"needs an audience"}},
	} {
		t.Run(test.value, func(t *testing.T) {
			source, err := tokensource.Parse(test.value)
			if source != nil {
				t.Error("a source beside the error")
			}
			wantError(t, err, tokensource.ConfigInvalid, test.parts...)
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%q holds the secret", err)
			}
		})
	}
}

func TestEnvPairInvalid(t *testing.T) {
	t.Parallel()
	for _, names := range [][2]string{{"", "A"}, {"A", ""}, {"A-B", "A"}, {"A", "A.B"}, {`A}","b":"`, "A"}} {
		_, err := tokensource.EnvPair(names[0], names[1])
		wantError(t, err, tokensource.ConfigInvalid, "not the name of a variable")
	}
}

func TestRegister(t *testing.T) {
	t.Parallel()
	failing := fmt.Errorf("no such audience")
	register := func(name string) error {
		return tokensource.Register(name, func(audience string) (tokensource.TokenSource, error) {
			switch audience {
			case "fail":
				return nil, failing
			case "nil":
				return nil, nil
			}
			return tokensource.Func(func(context.Context) (tokensource.Token, error) {
				return tokensource.Token{Value: "token for " + audience}, nil
			}), nil
		})
	}
	n := variables.Add(1) // a name is never unregistered
	name := fmt.Sprintf("My.Server-%d", n)
	if err := register(name); err != nil {
		t.Fatal(err)
	}
	for value, want := range map[string]string{name: "token for ", name + ",": "token for ",
		" " + name + " , a,b": "token for a,b"} {
		source, err := tokensource.Parse(value)
		if err != nil {
			t.Fatal(err)
		}
		if token, err := source.Token(t.Context()); err != nil || token.Value != want {
			t.Errorf("%q: token %q, error %v", value, token.Value, err)
		}
	}
	_, err := tokensource.Parse(name + ",fail")
	wantError(t, err, tokensource.ConfigInvalid, name, failing.Error())
	_, err = tokensource.Parse(name + ",nil")
	wantError(t, err, tokensource.ConfigInvalid, "no source")
	_, err = tokensource.Parse(fmt.Sprintf("myserver%d,A", n))
	wantError(t, err, tokensource.ConfigInvalid, "write "+name)
	_, err = tokensource.Parse("nothing")
	wantError(t, err, tokensource.ConfigInvalid, "GitHub", name)
	for _, name := range []string{name, strings.ToLower(name), "GitHub", "git.hub", "", "1a", "a b", "a,b", "é"} {
		wantError(t, register(name), tokensource.ConfigInvalid)
	}
	wantError(t, tokensource.Register("OtherServer", nil), tokensource.ConfigInvalid)
	done := make(chan error)
	for i := range 20 {
		go func() {
			err := register(fmt.Sprintf("parallel%d.%c", n, 'a'+i))
			tokensource.Parse("GitHub")
			done <- err
		}()
	}
	for range 20 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// A token in the place of a variable's name is refused, and not repeated.
func TestTokenForVariable(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{"ghp_0123456789abcdef", "github_pat_0123456789", "eyJhbGciOiJub25lIn0",
		"AKIA0123456789ABCDEF", strings.Repeat("s3cr3t", 12)} {
		for _, value := range []string{"URL_VARIABLE," + secret, secret + ",TOKEN_VARIABLE", secret} {
			_, err := tokensource.Parse(value)
			wantError(t, err, tokensource.ConfigInvalid, "")
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%v repeats it", err)
			}
		}
		_, err := tokensource.EnvPair("URL_VARIABLE", secret)
		wantError(t, err, tokensource.ConfigInvalid, "is not the name of a variable")
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%v repeats it", err)
		}
	}
}
