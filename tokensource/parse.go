package tokensource

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const forms = "write a server's name, or URL_VARIABLE,TOKEN_VARIABLE, or a base64-encoded JSON document, each with an optional ,AUDIENCE"

var variable = lazyRegexp(`^[A-Za-z_][A-Za-z0-9_]*$`)

// secretLike matches how known tokens and keys begin.
var secretLike = lazyRegexp(`^(eyJ|gh[a-z]_|github_pat_|glpat-|AKIA|ASIA)`)

// isVariable reports whether text is the name of a variable, and not a token in its
// place, which no error may repeat.
func isVariable(text string) bool {
	return len(text) <= 64 && variable().MatchString(text) && !secretLike().MatchString(text)
}

// Parse makes a source of the value of the key web_identity_token_server or the
// variable AWS_WEB_IDENTITY_TOKEN_SERVER: a server's name, a pair of variables,
// or a document in base64 (either alphabet, padded or not, broken into lines or
// not), each with an optional audience after a comma. The audience may itself
// hold commas; surrounding whitespace is trimmed.
//
// The value decides the audience, regardless of optFns: the server's default
// where it names none, and no audience at all where it ends in a comma. For a
// server that an application registered, optFns have no effect.
//
// Parse does no I/O. An error is of class [ConfigInvalid] and does not repeat
// the value where that might hold a secret.
func Parse(value string, optFns ...func(*Options)) (TokenSource, error) {
	n, err := parse(value)
	if err != nil {
		return nil, err
	}
	return n.open(optFns)
}

// Form is how a value names a token server.
type Form string

// The forms. An application's own server ([Register]) has FormName too.
const (
	FormName     Form = "name"
	FormPair     Form = "pair"
	FormDocument Form = "document"
)

// named is what a value names.
type named struct {
	form     Form
	name     string
	doc      *document
	audience *string // nil where the value names none

	// newSource makes the source of a server without a document.
	newSource func(audience string) (TokenSource, error)
}

func (n *named) open(optFns []func(*Options)) (TokenSource, error) {
	if n.newSource != nil {
		var audience string
		if n.audience != nil {
			audience = *n.audience
		}
		return n.newSource(audience)
	}
	return open(n.name, n.doc, append(slices.Clip(optFns), func(o *Options) { o.Audience = n.audience }))
}

func parse(value string) (*named, error) {
	value = trim(value)
	if value == "" {
		return nil, hinted(forms, "the token server is empty")
	}
	first, rest, comma := strings.Cut(value, ",")
	first = trim(first)

	if server, found := lookUp(first); found {
		if server.name != first {
			return nil, hinted("write "+server.name, "%s is not the name of a token server, %s is", shown(first), server.name)
		}
		n := &named{form: FormName, name: first, newSource: server.newSource, audience: audience(rest, comma)}
		var err error
		if server.doc != nil {
			n.doc, err = server.doc()
		}
		return n, err
	}
	second, afterSecond, secondComma := strings.Cut(rest, ",")
	second = trim(second)
	isPair := isVariable(first) && isVariable(second)
	if text, ok := decodeBase64(first); ok && !(isPair && !json.Valid(text)) {
		doc, err := decode(text)
		return &named{form: FormDocument, name: ofDocument, doc: doc, audience: audience(rest, comma)}, inSource(ofDocument, err)
	}
	if strings.HasPrefix(value, "{") {
		return nil, hinted(forms, "a JSON document must be base64-encoded")
	}
	if isPair {
		name, doc, err := pair(first, second)
		return &named{form: FormPair, name: name, doc: doc, audience: audience(afterSecond, secondComma)}, err
	}
	return nil, hinted(forms, "%s names no token server; the names known here are %s", shown(first), strings.Join(names(), ", "))
}

// audience is what follows the last comma of the grammar, or nil without one.
func audience(text string, comma bool) *string {
	if !comma {
		return nil
	}
	text = trim(text)
	return &text
}

// decodeBase64 reports whether text is base64 of what may be a JSON object.
func decodeBase64(text string) ([]byte, bool) {
	text = strings.Join(words(text), "")
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if doc, err := encoding.DecodeString(text); err == nil {
			return doc, isText(doc) && strings.HasPrefix(trim(string(doc)), "{")
		}
	}
	return nil, false
}

// isText distinguishes a document from the name of a variable, such as
// external_url, that happens to be valid base64.
func isText(doc []byte) bool {
	return utf8.Valid(doc) && !bytes.ContainsFunc(doc, func(r rune) bool { return r <= unicode.MaxASCII && unicode.IsControl(r) && !unicode.IsSpace(r) })
}
