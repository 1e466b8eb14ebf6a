package tokensource

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

const redacted = "REDACTED"

// longestWord is the length of the longest segment of a URL's path that is taken for a
// word, and not for a secret.
const longestWord = 15

// Format writes "REDACTED" for every verb and flag.
func (Token) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// LogValue returns "REDACTED".
func (Token) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "REDACTED", so that no encoder writes the token by
// accident.
func (Token) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// GobEncode returns "REDACTED", as MarshalText does.
func (Token) GobEncode() ([]byte, error) { return []byte(redacted), nil }

// Format writes the name for every verb and flag: the document may hold a
// secret.
func (s *source) Format(f fmt.State, _ rune) { io.WriteString(f, s.name) }

var nameLike = lazyRegexp(`^[A-Za-z_][A-Za-z0-9 ._-]{0,31}$`)

// shown quotes text for an error if it is more like a name than like a secret.
func shown(text string) string {
	if nameLike().MatchString(text) && !secretLike().MatchString(text) {
		return fmt.Sprintf("%q", text)
	}
	return "the value"
}

// withheld stands for a text of the token server that may hold a secret of the request.
const withheld = "withheld: it may contain a secret"

// quote is the beginning of the body of a failed response, for an error.
func (c *call) quote(body []byte) string {
	text := excerpt(string(body))
	switch {
	case holdsSecret(string(body), c.secrets):
		return " (response body " + withheld + ")"
	case text == "":
		return ""
	}
	return fmt.Sprintf(": %q", text)
}

// excerpt is the beginning of a text of the token server.
func excerpt(text string) string {
	text = strings.TrimSpace(strings.ToValidUTF8(text, "\uFFFD"))
	if len(text) > 256 {
		text = strings.ToValidUTF8(text[:256], "")
	}
	return text
}

const hidden = "…"

// harmless are the literals that no secret is in.
var harmless = lazyRegexp(`(?i)^\s*(bearer|basic|token|true|false|application/json)?\s*$`)

func mask(text string) string {
	if harmless().MatchString(text) {
		return text
	}
	return hidden
}

// masked returns the document with "…" in place of what may be a secret: in the URL,
// segments of 16 characters or more and what stands in the query; defaults; and values
// of parameters, headers, and the body.
func (d document) masked() document {
	if d.HTTP != nil {
		q := *d.HTTP
		q.URL = q.URL.maskedURL()
		q.Query, q.Headers = maskedAll(q.Query), maskedAll(q.Headers)
		if q.Body != nil {
			q.Body = maskedValue(q.Body).(map[string]any)
		}
		if q.Form != nil {
			q.Form = maskedAll(q.Form)
		}
		d.HTTP = &q
	}
	return d
}

func maskedAll(templates map[string]template) map[string]template {
	masked := map[string]template{}
	for name, t := range templates {
		masked[name] = t.masked()
	}
	return masked
}

func maskedValue(v any) any {
	switch v := v.(type) {
	case template:
		return v.masked()
	case json.Number:
		return hidden
	case map[string]any:
		masked := map[string]any{}
		for name, member := range v {
			masked[name] = maskedValue(member)
		}
		return masked
	case []any:
		masked := []any{}
		for _, element := range v {
			masked = append(masked, maskedValue(element))
		}
		return masked
	}
	return v
}

// masked keeps the references of a template, without their defaults.
func (t template) masked() template {
	var text strings.Builder
	for _, p := range t.parts() {
		text.WriteString(p.masked())
	}
	return template(text.String())
}

func (p part) masked() string {
	switch {
	case p.kind == literal:
		return mask(p.text)
	case p.fallback != nil:
		return "${env:" + p.name + ":-" + mask(*p.fallback) + "}"
	}
	return p.text
}

// maskedURL keeps the scheme, the host, and what is a word of the path.
func (t template) maskedURL() template {
	parts := t.parts()
	words := 0
	if parts[0].kind == literal && strings.Contains(parts[0].text, "://") {
		words = 3 // the scheme, nothing, and the host
	}
	lengths := map[int]int{}
	t.eachSegment(func(n int, text string) string {
		lengths[n] += len(text)
		return text
	})
	return t.eachSegment(func(n int, text string) string {
		if n < words || lengths[n] <= longestWord || text == "" {
			return text
		}
		return hidden
	})
}

// eachSegment replaces the literals in segments of a URL's path, and masks what else
// may be secret. A segment with references has several.
func (t template) eachSegment(replace func(n int, text string) string) template {
	var text strings.Builder
	n, inQuery := 0, false
	for _, p := range t.parts() {
		if p.kind != literal || inQuery {
			text.WriteString(p.masked())
			continue
		}
		path, query, found := strings.Cut(p.text, "?")
		for i, segment := range strings.Split(path, "/") {
			if i > 0 {
				n++
				text.WriteByte('/')
			}
			text.WriteString(replace(n, segment))
		}
		if inQuery = found; found {
			text.WriteString("?" + mask(query))
		}
	}
	return template(text.String())
}
