package tokensource_test

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/awstokenserver/config/tokensource"
)

// printed is v in every way that a program prints things.
func printed(v any) string {
	var text bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%10.3v"} {
		fmt.Fprintf(&text, verb+"\n", v)
	}
	slog.New(slog.NewTextHandler(&text, nil)).Info("", "v", v)
	slog.New(slog.NewJSONHandler(&text, nil)).Info("", "v", v)
	json.NewEncoder(&text).Encode(v)
	return text.String()
}

func TestPrinting(t *testing.T) {
	t.Parallel()
	url, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(401)
		fmt.Fprint(w, theJWT, r.Header.Get("Authorization"))
	})
	good, _ := serve(t, answerToken)
	token := tokensource.Token{Value: theJWT, Expires: time.Now()}
	reuse := tokensource.Reuse(pair(t, good))
	wantToken(t, reuse)
	_, err := pair(t, url).Token(t.Context())
	literal := mustDocument(t,
		`"url": "https://host/?`+requestToken+`", "headers": {"Authorization": "Bearer `+requestToken+`"}`)
	for _, v := range []any{
		token, &token, []tokensource.Token{token}, map[string]tokensource.Token{"a": token},
		struct{ T tokensource.Token }{token},
		err, reuse, struct{ S tokensource.TokenSource }{reuse}, struct{ s tokensource.TokenSource }{reuse},
		literal, struct{ s tokensource.TokenSource }{literal},
	} {
		var binary bytes.Buffer
		gob.NewEncoder(&binary).Encode(v) // which some of these cannot be
		text := printed(v)
		noSecret(t, text+binary.String())
		for _, secret := range []string{requestToken, theJWT} {
			if strings.Contains(text, fmt.Sprintf("%x", secret)) {
				t.Errorf("%s holds a secret in hexadecimal", text)
			}
		}
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%d"} {
		if text := fmt.Sprintf(verb, literal); text != "the token server of the document" {
			t.Errorf("%s: a source prints as %s", verb, text)
		}
	}
	if text := printed(token); strings.Count(text, "REDACTED") != 11 {
		t.Errorf("a token prints as %s", text)
	}
}

func TestExpires(t *testing.T) {
	t.Parallel()
	claims := func(text string) string { return "e30." + base64.RawURLEncoding.EncodeToString([]byte(text)) + ".c2ln" }
	for token, want := range map[string]time.Time{
		claims(`{"exp": 4100000000}`):                 time.Unix(4100000000, 0),
		claims(`{"exp": 4.1e9}`):                      time.Unix(4100000000, 0),
		claims(`{"exp": 4100000000.9, "EXP": 1}`):     time.Unix(4100000000, 0),
		claims(`{"EXP": 4100000000}`):                 {},
		claims(`{"exp": "4100000000"}`):               {},
		claims(`{"exp": -1}`):                         {},
		claims(`{"exp": 1e300}`):                      {},
		claims(`{}`):                                  {},
		claims(`[]`):                                  {},
		claims(`{`):                                   {},
		"e30.?.c2ln":                                  {},
		"opaque":                                      {},
		claims(`{"exp": 4100000000}`) + ".five.parts": {},
	} {
		got, err := tokensource.Env(setenv(t, token)).Token(t.Context())
		if err != nil || !got.Expires.Equal(want) || got.Expires.IsZero() != want.IsZero() {
			t.Errorf("%s: expires %v, error %v; want %v", token, got.Expires, err, want)
		}
	}
}

func TestFileAndEnv(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "to$ken ${audience}")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	source := tokensource.File(path)
	write("\n" + theJWT + " \n")
	wantToken(t, source)
	write("another")
	if token, err := source.Token(t.Context()); err != nil || token.Value != "another" {
		t.Errorf("the file is not read again: %v", err)
	}
	write("a b c d")
	failToken(t, source, tokensource.TokenMalformed, "printable ASCII")
	wantToken(t, tokensource.Env(setenv(t, theJWT+"\n")))

	write(theJWT)
	base := filepath.Dir(path)
	doc := fmt.Sprintf(`{"version": 1, "file": "${env:%s}/${audience}"}`, setenv(t, base))
	inDocument, err := tokensource.Document([]byte(doc), useAudience(filepath.Base(path)))
	if err != nil {
		t.Fatal(err)
	}
	wantToken(t, inDocument)
	inDocument, err = tokensource.Document([]byte(`{"version": 1, "env": "TOKENSOURCE_TEST_MISSING", "hint": "the hint"}`))
	if err != nil {
		t.Fatal(err)
	}
	failToken(t, inDocument, tokensource.NotConfigured, "TOKENSOURCE_TEST_MISSING", "the hint")
}

func TestClaims(t *testing.T) {
	t.Parallel()
	token := func(payload string) tokensource.Token {
		return tokensource.Token{Value: "e30." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".c2ln"}
	}
	var claims map[string]any
	err := token(`{"sub": "s", "run": 12345678901234567}`).Claims(&claims)
	if err != nil || claims["sub"] != "s" || claims["run"] != json.Number("12345678901234567") {
		t.Errorf("%v, %v", claims, err)
	}
	for want, tokens := range map[string][]tokensource.Token{
		"a token that is not a JWT": {{}, {Value: "s3cret"}, {Value: "a.s3cret"}, {Value: "a.b.c.s3cret"}},
		"a JWT without readable claims": {{Value: "a.s3cret=.c"}, token("s3cret"), token(`{}"s3cret"`),
			token(`["s3cret"]`), token("")},
	} {
		for _, token := range tokens {
			if err := token.Claims(&claims); err == nil || err.Error() != want {
				t.Errorf("%q: %v, want %s", token.Value, err, want)
			}
		}
	}
}
