package tokensource

import (
	"os"
	"slices"
	"strings"
)

// template is a string of a document that may hold references: ${env:NAME},
// ${env:NAME:-DEFAULT}, ${file:PATH}, ${audience}, and $$ for a dollar.
type template string

const audienceReference = "${audience}"

// A lone dollar matches too, to be refused.
var reference = lazyRegexp(`\$(?:(\$)|\{env:([A-Za-z_][A-Za-z0-9_]*)(:-[^${}]*)?\}|\{file:([^${}]+)\}|\{(audience)\})?`)

// part is a literal or a reference of a template.
type part struct {
	kind partKind
	text string // as it is written

	name     string  // of a variable or file
	fallback *string // of a variable with a default
}

type partKind int

const (
	literal partKind = iota
	dollar
	variableReference
	fileReference
	audienceMention
	notReference // a lone dollar
)

// parts splits a template.
func (t template) parts() []part {
	var parts []part
	end := 0
	add := func(to int) {
		if end < to {
			parts = append(parts, part{kind: literal, text: string(t[end:to])})
		}
	}
	for _, m := range reference().FindAllStringSubmatchIndex(string(t), -1) {
		add(m[0])
		end = m[1]
		group := func(n int) string { return string(t[m[2*n]:m[2*n+1]]) }
		p := part{kind: notReference, text: string(t[m[0]:m[1]])}
		switch {
		case m[2] >= 0:
			p.kind = dollar
		case m[4] >= 0:
			p.kind, p.name = variableReference, group(2)
			if m[6] >= 0 {
				fallback := group(3)[len(":-"):]
				p.fallback = &fallback
			}
		case m[8] >= 0:
			p.kind, p.name = fileReference, group(4)
		case m[10] >= 0:
			p.kind = audienceMention
		}
		parts = append(parts, p)
	}
	add(len(t))
	return parts
}

func (t template) has(kind partKind) bool {
	return slices.ContainsFunc(t.parts(), func(p part) bool { return p.kind == kind })
}

func (t template) isLiteral() bool {
	return !slices.ContainsFunc(t.parts(), func(p part) bool { return p.kind != literal })
}

// leftOut reports whether what t is the value of is not sent.
func (t template) leftOut(audience string) bool { return audience == "" && t.has(audienceMention) }

// expansion expands the templates of one request.
type expansion struct {
	audience string
	secrets  []string // of the request that is made
}

// sends notes texts as secrets, and their words.
func (x *expansion) sends(texts ...string) {
	for _, text := range texts {
		for _, secret := range append(words(text), text) {
			if secret != x.audience {
				x.secrets = append(x.secrets, secret)
			}
		}
	}
}

func (x *expansion) expand(t template) (string, error) {
	var text strings.Builder
	for _, p := range t.parts() {
		var value string
		var err error
		switch p.kind {
		case dollar:
			text.WriteString("$")
			continue
		case audienceMention:
			text.WriteString(x.audience)
			continue
		case variableReference:
			if value, err = readEnv(p.name); err != nil && p.fallback != nil {
				value, err = *p.fallback, nil
			}
		case fileReference:
			value, err = readFile(p.name, maxRead)
			if len(value) > maxRead {
				err = invalid("the file %q is larger than 64 KiB", p.name)
			}
		default:
			text.WriteString(p.text)
			continue
		}
		if err != nil {
			return "", err
		}
		x.sends(value)
		text.WriteString(value)
	}
	return text.String(), nil
}

func readEnv(name string) (string, error) {
	value, found := os.LookupEnv(name)
	switch {
	case !found:
		return "", notConfigured("the variable %s is not set", name)
	case trim(value) == "":
		return "", notConfigured("the variable %s is empty", name)
	}
	return value, nil
}
