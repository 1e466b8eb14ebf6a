package tokensource

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
)

// template is a string of a document that may hold references: ${env:NAME},
// ${env:NAME:-DEFAULT}, ${file:PATH}, ${audience}, and $$ for a dollar.
type template string

const audienceReference = "${audience}"

// A lone dollar matches too, as a reference that is none.
var reference = regexp.MustCompile(`\$(?:\$|\{env:[A-Za-z_][A-Za-z0-9_]*(?::-[^${}]*)?\}|\{file:[^${}]+\}|\{audience\})?`)

func (t template) references() []string { return reference.FindAllString(string(t), -1) }

func (t template) valid() bool { return !slices.Contains(t.references(), "$") }

func (t template) mentionsAudience() bool {
	return slices.Contains(t.references(), audienceReference)
}

// envReference splits a reference to a variable. Without a default, fallback is
// nil.
func envReference(ref string) (name string, fallback *string, ok bool) {
	inner, ok := strings.CutPrefix(ref, "${env:")
	name, text, optional := strings.Cut(strings.TrimSuffix(inner, "}"), ":-")
	if optional {
		fallback = &text
	}
	return name, fallback, ok
}

// leftOut reports whether what t is the value of is not sent.
func (t template) leftOut(audience string) bool { return audience == "" && t.mentionsAudience() }

// expansion expands the templates of one request.
type expansion struct {
	audience string
	secrets  []string // the values of all variables and files that were used
}

func (x *expansion) expand(t template) (string, error) {
	var failed error
	text := reference.ReplaceAllStringFunc(string(t), func(ref string) string {
		var value string
		var err error
		switch {
		case ref == "$$":
			return "$"
		case ref == audienceReference:
			return x.audience
		case strings.HasPrefix(ref, "${file:"):
			path := ref[len("${file:") : len(ref)-1]
			value, err = readFile(path, maxRead)
			if len(value) > maxRead {
				err = invalid("the file %q is larger than 64 KiB", path)
			}
		default:
			name, fallback, _ := envReference(ref)
			if value, err = readEnv(name); err != nil && fallback != nil {
				value, err = *fallback, nil
			}
		}
		if failed == nil {
			failed = err
		}
		x.secrets = append(x.secrets, strings.TrimSpace(value))
		return value
	})
	return text, failed
}

func notConfigured(format string, args ...any) *Error {
	return &Error{Class: NotConfigured, Problem: fmt.Sprintf(format, args...)}
}

func readEnv(name string) (string, error) {
	value, found := os.LookupEnv(name)
	switch {
	case !found:
		return "", notConfigured("the variable %s is not set", name)
	case strings.TrimSpace(value) == "":
		return "", notConfigured("the variable %s is empty", name)
	}
	return value, nil
}
