package tokensource

import (
	"html"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// blanks are the characters that are white space in values, files, and tokens.
const blanks = " \t\r\n"

func trim(text string) string { return strings.Trim(text, blanks) }

func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(blanks, r) })
}

// shortestSecret is the length of the shortest text that is taken for a secret.
const shortestSecret = 4

// In reports whether text may hold the token or one of its parts, in the encodings of
// JSON, URLs, and HTML, even cut off or broken into lines. Text of others that was
// given the token, such as an error of STS, is safe to quote where it does not.
func (t Token) In(text string) bool {
	return holdsSecret(text, append(strings.Split(t.Value, "."), t.Value))
}

// holdsSecret reports whether text may hold one of the secrets, or holds what looks
// like a JWT: docs/specification.md, SECRET-2.
func holdsSecret(text string, secrets []string) bool {
	var parts []string
	for _, secret := range secrets {
		for _, secret := range undone(secret) {
			if n := len(secret); n >= shortestSecret {
				most := (3*n + 3) / 4
				parts = append(parts, secret[:most], secret[n-most:])
			}
		}
	}
	return slices.ContainsFunc(undone(text), func(text string) bool {
		return jwt().MatchString(text) ||
			slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(text, part) })
	})
}

var jwt = lazyRegexp(`eyJ[A-Za-z0-9_-]{5}`)

// undone returns text, and text with its encodings undone once and twice, each without
// white space.
func undone(text string) []string {
	once := undo(text)
	all := []string{text, once, undo(once)}
	for i, text := range all {
		all[i] = strings.Join(strings.Fields(text), "")
	}
	return slices.Compact(all)
}

func undo(text string) string {
	text = jsonEscape().ReplaceAllStringFunc(text, unescapeJSON)
	text = percentEscapes().ReplaceAllStringFunc(text, func(escapes string) string {
		text, _ := url.PathUnescape(escapes)
		return text
	})
	return html.UnescapeString(text)
}

var (
	jsonEscape     = lazyRegexp(`\\(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|[^ux])`)
	percentEscapes = lazyRegexp(`(?:%[0-9A-Fa-f]{2})+`)
)

// unescapeJSON also undoes the \x of JavaScript. Halves of a pair of surrogates become
// U+FFFD: no token holds such a character.
func unescapeJSON(escape string) string {
	switch kind := escape[1]; kind {
	case 'u', 'x':
		code, _ := strconv.ParseUint(escape[2:], 16, 32)
		return string(rune(code))
	case 'b', 'f', 'n', 'r', 't':
		return " "
	}
	return escape[1:]
}
