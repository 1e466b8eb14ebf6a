package conformance

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// placeholders fills the placeholders in the text of one case. It makes every
// secret when it is first mentioned, so that no two runs share one.
type placeholders struct {
	folder  fs.FS
	values  map[string]string // by name; what is not here is made
	secrets map[string]string // by name: what nobody may print
}

var (
	placeholder = regexp.MustCompile(`\$\{([A-Z][A-Z0-9_]*|repeat:[^{}]*:[0-9]+|as:[a-z-]+:[A-Z]+_[0-9]+)\}`)
	made        = regexp.MustCompile(`^(TOKEN|SECRET|ODD|KEY_ID|SECRET_KEY|SESSION)_[0-9]+$`)
)

const documentStart = "${b64:"

// expand fills the placeholders in text.
func (p *placeholders) expand(text string) (string, error) {
	var done strings.Builder
	for {
		before, rest, found := strings.Cut(text, documentStart)
		simple, err := p.simple(before)
		if err != nil {
			return "", err
		}
		done.WriteString(simple)
		if !found {
			return done.String(), nil
		}
		end := closingBrace(rest)
		if end < 0 {
			return "", fmt.Errorf("%s has no end: close its braces", documentStart)
		}
		document := rest[:end]
		if !strings.HasPrefix(document, "{") {
			file, err := fs.ReadFile(p.folder, document)
			if err != nil {
				return "", fmt.Errorf("%s%s}: %w; name a file beside case.json", documentStart, document, err)
			}
			document = string(file)
		}
		if document, err = p.simple(document); err != nil {
			return "", err
		}
		encoded := base64.StdEncoding.EncodeToString([]byte(document))
		p.secrets[fmt.Sprintf("DOCUMENT_%d", len(p.secrets))] = encoded
		done.WriteString(encoded)
		text = rest[end+1:]
	}
}

// closingBrace is where the brace stands that closes the one before text.
func closingBrace(text string) int {
	depth := 0
	for i, r := range text {
		switch {
		case r == '{':
			depth++
		case r == '}' && depth == 0:
			return i
		case r == '}':
			depth--
		}
	}
	return -1
}

func (p *placeholders) simple(text string) (string, error) {
	var failed error
	text = placeholder.ReplaceAllStringFunc(text, func(whole string) string {
		name := whole[2 : len(whole)-1]
		if unit, found := strings.CutPrefix(name, "repeat:"); found {
			i := strings.LastIndexByte(unit, ':')
			times, _ := strconv.Atoi(unit[i+1:])
			return strings.Repeat(unit[:i], times)
		}
		if rest, found := strings.CutPrefix(name, "as:"); found {
			encoding, of, _ := strings.Cut(rest, ":")
			encode := encodings[encoding]
			if encode == nil || !made.MatchString(of) {
				failed = fmt.Errorf("%s is not a placeholder", whole)
				return ""
			}
			encoded := encode(p.value(of))
			p.values[name], p.secrets[name] = encoded, encoded
			return encoded
		}
		if _, found := p.values[name]; !found && !made.MatchString(name) {
			failed = fmt.Errorf("%s is not a placeholder", whole)
			return ""
		}
		return p.value(name)
	})
	return text, failed
}

// encodings are how servers write what they repeat.
var encodings = map[string]func(string) string{
	"slash": func(text string) string { return strings.ReplaceAll(text, "/", `\/`) }, // PHP
	"unicode": func(text string) string { // .NET, Gson
		return odd.ReplaceAllStringFunc(text, func(char string) string { return fmt.Sprintf(`\u%04x`, char[0]) })
	},
	"html": func(text string) string { // Go's html/template
		return odd.ReplaceAllStringFunc(text, func(char string) string { return fmt.Sprintf("&#%d;", char[0]) })
	},
	"html-hex": func(text string) string {
		return odd.ReplaceAllStringFunc(text, func(char string) string { return fmt.Sprintf("&#x%x;", char[0]) })
	},
	"percent":       percent,
	"percent-twice": func(text string) string { return strings.ReplaceAll(percent(text), "%", "%25") },
	"lines": func(text string) string { // as MIME and PEM break them, only shorter
		var lines []string
		for line := range slices.Chunk([]byte(text), 16) {
			lines = append(lines, string(line))
		}
		return strings.Join(lines, "\r\n ")
	},
	"cut":     func(text string) string { return text[1:] },
	"cut-end": func(text string) string { return text[:len(text)-1] },
}

var odd = regexp.MustCompile(`[^A-Za-z0-9]`)

// percent writes lower case, as few search for it.
func percent(text string) string {
	return odd.ReplaceAllStringFunc(text, func(char string) string { return fmt.Sprintf("%%%02x", char[0]) })
}

func (p *placeholders) value(name string) string {
	if value, found := p.values[name]; found {
		return value
	}
	return p.make(name)
}

func (p *placeholders) make(name string) string {
	kind := name[:strings.LastIndexByte(name, '_')]
	value := rand.Text() + rand.Text()
	secret := value
	switch kind {
	case "TOKEN":
		value, secret = token()
	case "ODD": // every few characters, so that no part of it is the same in all encodings
		value = ""
		for i, char := range rand.Text() {
			value += string(char) + "/+=&<"[i%5:i%5+1]
		}
		secret = value
	case "KEY_ID":
		value = "ASIA" + value[:16]
	}
	p.values[name] = value
	if kind != "KEY_ID" {
		p.secrets[name] = secret
	}
	return value
}

// The claims of every token.
const (
	issuer   = "https://token.example.com"
	subject  = "repo:octo-org/octo-repo:ref:refs/heads/main"
	audience = "sts.amazonaws.com"
)

// token makes a JWT that nobody has signed. Its signature is the secret in it.
func token() (jwt, signature string) {
	part := func(v map[string]any) string {
		text, _ := json.Marshal(v)
		return base64.RawURLEncoding.EncodeToString(text)
	}
	now := time.Now().Unix()
	random := make([]byte, 64)
	rand.Read(random)
	signature = base64.RawURLEncoding.EncodeToString(random)
	return part(map[string]any{"alg": "ES256", "kid": "conformance", "typ": "JWT"}) + "." + part(map[string]any{
		"iss": issuer, "sub": subject, "aud": audience, "iat": now, "nbf": now, "exp": now + 300, "jti": rand.Text(),
	}) + "." + signature, signature
}

// fill returns c with its placeholders filled, but for those in its files.
func (p *placeholders) fill(c *Case) (*Case, error) {
	var tree any
	decoder := json.NewDecoder(bytes.NewReader(c.text))
	decoder.UseNumber()
	if err := decoder.Decode(&tree); err != nil {
		return nil, err
	}
	var failed error
	var walk func(any) any
	walk = func(v any) any {
		switch v := v.(type) {
		case string:
			text, err := p.expand(v)
			if err != nil {
				failed = err
			}
			return text
		case []any:
			for i := range v {
				v[i] = walk(v[i])
			}
		case map[string]any:
			for name := range v {
				v[name] = walk(v[name])
			}
		}
		return v
	}
	text, err := json.Marshal(walk(tree))
	if failed != nil {
		return nil, failed
	}
	if err != nil {
		return nil, err
	}
	return decode(text)
}

// name writes the names of secrets for the secrets themselves.
func (p *placeholders) name(text string) string {
	for _, values := range []map[string]string{p.values, p.secrets} {
		for name, value := range values {
			if p.secrets[name] != "" {
				text = strings.ReplaceAll(text, value, "${"+name+"}")
			}
		}
	}
	return text
}
