// Command secrets looks for secrets in the named files: in what the tests print,
// and in what the repository holds. It fails where there is one, and says where
// without repeating it.
package main

import (
	"encoding/base64"
	"fmt"
	"os"
	"regexp"
	"strings"
	"unicode/utf8"
)

// kinds are the kinds of secrets. What a pattern finds is one, where is agrees.
var kinds = []struct {
	name    string
	pattern *regexp.Regexp
	is      func(text, before string) bool
}{
	{"a JWT", regexp.MustCompile(`eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{43,}`), always},
	{"a private key", regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/]{32}`), always},
	{"a token of GitHub", regexp.MustCompile(`gh[oprsu]_[A-Za-z0-9]{36}`), always},
	{"a session token", regexp.MustCompile(`[A-Za-z0-9+/]{200,}`), isBinary},
	{"a secret key", regexp.MustCompile(`[\w+/-]{40,}`), isSecretKey},
	{"a request token", regexp.MustCompile(`[A-Za-z0-9]{26,}`), isRequestToken},
}

func always(string, string) bool { return true }

// isBinary reports whether text looks like base64 of random bytes, and not like
// that of a document, perhaps after the name of a test, or like a filler.
func isBinary(text, _ string) bool {
	different := map[rune]bool{}
	for _, r := range text {
		different[r] = true
	}
	for rest := text; len(rest) >= len(text)/2; _, rest, _ = strings.Cut(rest, "/") {
		if decoded, _ := base64.RawStdEncoding.DecodeString(rest[:len(rest)&^3]); utf8.Valid(decoded) {
			return false
		}
	}
	return len(different) >= min(len(text)/2, 45)
}

var classes = []*regexp.Regexp{regexp.MustCompile(`[A-Z]`), regexp.MustCompile(`[a-z]`), regexp.MustCompile(`[0-9]`)}

// isSecretKey reports whether text looks like a secret access key, real or of
// webidentitytest.
func isSecretKey(text, _ string) bool {
	if len(text) != 40 {
		return false
	}
	for _, class := range classes {
		if !class.MatchString(text) {
			return base32.MatchString(text)
		}
	}
	return isBinary(text, "")
}

var (
	base32    = regexp.MustCompile(`^[A-Z2-7]+$`)
	requestID = regexp.MustCompile(`(?i)request.?id\W+$`)
)

// isRequestToken reports whether text looks like what crypto/rand.Text makes:
// tokens, and the ids of STS's responses.
func isRequestToken(text, before string) bool {
	return len(text) == 26 && base32.MatchString(text) && !requestID.MatchString(before)
}

// find returns what of text is a secret, as LINE: KIND.
func find(text string) (found []string) {
	text = strings.NewReplacer("%2B", "+", "%2F", "/", "%3D", "=", "%2b", "+", "%2f", "/", "%3d", "=").Replace(text)
	for _, k := range kinds {
		for _, at := range k.pattern.FindAllStringIndex(text, -1) {
			match, before := text[at[0]:at[1]], text[max(0, at[0]-20):at[0]]
			// AWS marks what it made up for its documents.
			if k.is(match, before) && !strings.Contains(match, "EXAMPLE") {
				found = append(found, fmt.Sprintf("%d: %s, %.4s…", 1+strings.Count(text[:at[0]], "\n"), k.name, match))
			}
		}
	}
	return found
}

func main() {
	failed := false
	for _, name := range os.Args[1:] {
		text, err := os.ReadFile(name)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		for _, secret := range find(string(text)) {
			fmt.Printf("%s:%s\n", name, secret)
			failed = true
		}
	}
	if failed {
		os.Exit(1)
	}
	fmt.Printf("no secret in %d files\n", len(os.Args)-1)
}
