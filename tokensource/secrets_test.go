package tokensource_test

import (
	"encoding/json"
	"fmt"
	"html"
	"html/template"
	"net/url"
	"strings"
	"testing"

	"github.com/awstokenserver/config/tokensource"
)

// encodings are how servers write what they repeat.
var encodings = map[string]func(string) string{
	"as it is": func(text string) string { return text },
	"JSON": func(text string) string {
		encoded, _ := json.Marshal(map[string]string{"error": text})
		return string(encoded)
	},
	"PHP": func(text string) string { // json_encode
		return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "/", `\/`).Replace(text)
	},
	".NET": func(text string) string { // System.Text.Json
		return strings.NewReplacer("+", `\u002B`, "<", `\u003C`, "&", `\u0026`, `"`, `\u0022`).Replace(text)
	},
	"Gson": func(text string) string {
		return strings.NewReplacer(`"`, `\"`, "=", `\u003d`, "<", `\u003c`, "&", `\u0026`).Replace(text)
	},
	"JavaScript": template.JSEscapeString,
	"HTML":       html.EscapeString,
	"Go's html/template": func(text string) string {
		var page strings.Builder
		template.Must(template.New("").Parse("<p>{{.}}</p>")).Execute(&page, text)
		return strings.ReplaceAll(page.String(), "+", "&#43;")
	},
	"HTML in hexadecimal": func(text string) string {
		var page strings.Builder
		for _, r := range text {
			fmt.Fprintf(&page, "&#x%x;", r)
		}
		return page.String()
	},
	"percent":               url.QueryEscape,
	"percent in a path":     url.PathEscape,
	"percent in lower case": func(text string) string { return lowerPercent(url.QueryEscape(text)) },
	"percent twice":         func(text string) string { return lowerPercent(url.QueryEscape(url.QueryEscape(text))) },
	"percent in HTML":       func(text string) string { return html.EscapeString(url.QueryEscape(text)) },
	"JSON in JSON": func(text string) string {
		once, _ := json.Marshal(text)
		twice, _ := json.Marshal(string(once))
		return string(twice)
	},
	"broken into lines": func(text string) string { return text[:8] + "\r\n\t" + text[8:] },
	"without its first": func(text string) string { return text[1:] },
	"without its last":  func(text string) string { return text[:len(text)-1] },
	"three quarters":    func(text string) string { return text[len(text)/4:] },
}

func lowerPercent(text string) string {
	var b strings.Builder
	for i, part := range strings.Split(text, "%") {
		if i > 0 {
			part = "%" + strings.ToLower(part[:2]) + part[2:]
		}
		b.WriteString(part)
	}
	return b.String()
}

// Nothing is quoted of a body that may hold a secret of the request, wherever the
// request has it.
func TestRepeatedSecrets(t *testing.T) {
	t.Parallel()
	const secret = `s3/cr+3t=&<%41>"0123456789`
	inURL, inJSON := url.QueryEscape(secret), strings.ReplaceAll(secret, `"`, `\"`)
	variable := setenv(t, secret)
	for encoding, encode := range encodings {
		body := encode(secret)
		server, _ := serve(t, answerStatus(400, "The secret is "+body+", is it not?"))
		for place, members := range map[string]string{
			"variable in a header":   `"url": "%s/", "headers": {"X-Key": "${env:` + variable + `}"}`,
			"literal in a header":    `"url": "%s/", "headers": {"Authorization": "Bearer ` + inJSON + `"}`,
			"variable in the query":  `"url": "%s/", "query": {"q": "${env:` + variable + `}"}`,
			"literal in the query":   `"url": "%s/", "query": {"q": "` + inJSON + `"}`,
			"query of the URL":       `"url": "%s/?q=` + inURL + `"`,
			"URL in a variable":      `"url": "${env:` + setenv(t, server+"/?q="+inURL) + `}"`,
			"path":                   `"url": "%s/a/` + strings.ReplaceAll(inURL, "+", "%2B") + `/b"`,
			"body":                   `"url": "%s/", "method": "POST", "body": {"a": [{"b": "` + inJSON + `"}]}`,
			"part of a body":         `"url": "%s/", "method": "POST", "body": {"a": "key ${env:` + variable + `} x"}`,
			"form":                   `"url": "%s/", "method": "POST", "form": {"a": "` + inJSON + `"}`,
			"variable of many words": `"url": "%s/", "headers": {"X-Key": "${env:` + setenv(t, "Key "+secret) + `}"}`,
		} {
			members = strings.Replace(members, "%s", server, 1)
			e := failToken(t, mustDocument(t, members), tokensource.TokenRefused, "400 Bad Request (response body withheld: it may contain a secret)")
			if strings.Contains(e.Error(), body) {
				t.Errorf("%s, %s: %v", place, encoding, e)
			}
		}
		// The body is harmless for another request.
		if encoding != "HTML in hexadecimal" {
			failToken(t, mustDocument(t, `"url": "`+server+`/", "headers": {"Authorization": "Bearer other"}`), tokensource.TokenRefused, "The secret is ")
		}
	}
}

// What helps is still quoted.
func TestHarmlessBodies(t *testing.T) {
	t.Parallel()
	for body, quoted := range map[string]bool{
		`Bearer token expired`:                       true,
		`audience https://sts.example.com is not ok`: true,
		`run 12345 is over`:                          true,
		`xyz`:                                        true,
		"token " + theJWT:                            false,
		"eyJhb GciOi":                                false,
		"other-sec":                                  false, // 9 of 11
		"other-se":                                   true,
		"her-secre":                                  false,
		"path-of-sixteen-":                           false,
		"path-of-15-char":                            true,
	} {
		server, _ := serve(t, answerStatus(401, "<"+body+">"))
		source := mustDocument(t, `"url": "`+server+`/path-of-sixteen-/path-of-15-char?run=xyz", "query": {"audience": "${audience}"},
			"headers": {"Authorization": "Bearer other-secre"}`, useAudience("https://sts.example.com"))
		want := "withheld"
		if quoted {
			want = body
		}
		failToken(t, source, tokensource.TokenRefused, want)
	}
}

func TestTokenIn(t *testing.T) {
	t.Parallel()
	token := tokensource.Token{Value: "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwcyJ9.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg"}
	opaque := tokensource.Token{Value: "opaque+token/0123456789"}
	for _, test := range []struct {
		token tokensource.Token
		text  string
		want  bool
	}{
		{token, "Value '" + token.Value + "' failed", true},
		{token, "c2lnbmF0dXJlLW9mLXRoZS10b2tlbg", true},
		{token, "c2lnbmF0dXJlLW9mLXRoZS1", true},
		{token, "eyJpc3MiOiJodHRw", true},
		{token, "Not authorized to perform sts:AssumeRoleWithWebIdentity", false},
		{opaque, "opaque%2Btoken%2F0123456789", true},
		{opaque, `opaque\u002btoken\/0123456789`, true},
		{opaque, "token/0123456789", false},
		{opaque, "ue+token/0123456789", true},
		{opaque, "", false},
	} {
		if got := test.token.In(test.text); got != test.want {
			t.Errorf("%q: %v", test.text, got)
		}
	}
}
