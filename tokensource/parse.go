package tokensource

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const forms = "write a server's name, or URL_VARIABLE,TOKEN_VARIABLE, or a base64-encoded JSON document, each with an optional ,AUDIENCE"

var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// Parse makes a source of the value of the key web_identity_token_server or the
// variable AWS_WEB_IDENTITY_TOKEN_SERVER: a server's name, a pair of variables,
// or a document in base64 (either alphabet, padded or not, broken into lines or
// not), each with an optional audience behind a comma. The audience may itself
// hold commas; surrounding whitespace is trimmed.
//
// The value decides the audience, whatever optFns say: the server's default
// where it names none, and no audience at all where it ends in a comma. For a
// server that an application registered, optFns have no effect.
//
// Parse does no I/O. An error is of class [ConfigInvalid] and does not repeat
// the value where that might hold a secret.
func Parse(value string, optFns ...func(*Options)) (TokenSource, error) {
	return parse(value, optFns, false)
}

// parse parses value. It refuses registered servers for a caller that wants a
// document, and then every source is a *source.
func parse(value string, optFns []func(*Options), wantDocument bool) (TokenSource, error) {
	value = strings.TrimSpace(value)
	if value == "" {
		return nil, hinted(forms, "the token server is empty")
	}
	first, rest, comma := strings.Cut(value, ",")
	first = strings.TrimSpace(first)

	if server, found := lookUp(first); found {
		audience := audience(rest, comma)
		switch {
		case server.name != first:
			return nil, hinted("write "+server.name, "%s is not the name of a token server, %s is", shown(first), server.name)
		case server.newSource == nil:
			return server.open(with(optFns, audience))
		case wantDocument:
			return nil, invalid("the token server %s is made by the program, and no document stands for it", first)
		case audience == nil:
			return server.newSource("")
		default:
			return server.newSource(*audience)
		}
	}
	if doc, ok := decodeBase64(first); ok {
		return Document(doc, with(optFns, audience(rest, comma))...)
	}
	if strings.HasPrefix(value, "{") {
		return nil, hinted(forms, "a JSON document must be base64-encoded")
	}
	second, rest, comma := strings.Cut(rest, ",")
	second = strings.TrimSpace(second)
	if variable.MatchString(first) && variable.MatchString(second) {
		return EnvPair(first, second, with(optFns, audience(rest, comma))...)
	}
	return nil, hinted(forms, "%s names no token server; the names known here are %s", shown(first), strings.Join(names(), ", "))
}

// audience is what follows the last comma of the grammar, or nil without one.
func audience(text string, comma bool) *string {
	if !comma {
		return nil
	}
	text = strings.TrimSpace(text)
	return &text
}

func with(optFns []func(*Options), audience *string) []func(*Options) {
	return append(slices.Clip(optFns), func(o *Options) { o.Audience = audience })
}

// decodeBase64 reports whether text is base64 of what may be a JSON object.
func decodeBase64(text string) ([]byte, bool) {
	text = strings.Join(strings.Fields(text), "")
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if doc, err := encoding.DecodeString(text); err == nil {
			return doc, isText(doc) && strings.HasPrefix(strings.TrimSpace(string(doc)), "{")
		}
	}
	return nil, false
}

// isText tells a document from the name of a variable, such as external_url,
// that is base64 of something by chance.
func isText(doc []byte) bool {
	return utf8.Valid(doc) && !bytes.ContainsFunc(doc, func(r rune) bool { return r <= unicode.MaxASCII && unicode.IsControl(r) && !unicode.IsSpace(r) })
}

var nameLike = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9 ._-]{0,31}$`)

// shown quotes text for an error if it is more like a name than like a secret.
func shown(text string) string {
	if nameLike.MatchString(text) {
		return fmt.Sprintf("%q", text)
	}
	return "the value"
}

func invalid(format string, args ...any) *Error { return hinted("", format, args...) }

func hinted(fix, format string, args ...any) *Error {
	return &Error{Class: ConfigInvalid, Problem: fmt.Sprintf(format, args...), Hint: fix}
}
