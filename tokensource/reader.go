package tokensource

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// object is a JSON object and where it is in the document.
type object struct {
	path    string
	members map[string]any
}

func (o object) has(name string) bool {
	_, found := o.members[name]
	return found
}

// reader reads the members of a document and keeps the first error.
type reader struct {
	err              error
	mentionsAudience bool
	variables        map[string]bool // whether every reference has a default
	files            []string
}

func (r *reader) fail(path, format string, args ...any) {
	if r.err == nil {
		r.err = invalid("%s", strings.TrimPrefix(path+": ", ": ")+fmt.Sprintf(format, args...))
	}
}

func (r *reader) only(o object, known ...string) {
	for _, name := range slices.Sorted(maps.Keys(o.members)) {
		if !slices.Contains(known, name) {
			r.fail(join(o.path, name), "is not a member of the document; known here are %s", strings.Join(known, ", "))
		}
	}
}

func (r *reader) object(o object, name string) object {
	path := join(o.path, name)
	members, ok := o.members[name].(map[string]any)
	if !ok && o.has(name) {
		r.fail(path, "must be an object")
	}
	return object{path, members}
}

func (r *reader) text(o object, name string) string {
	text, ok := o.members[name].(string)
	if !ok && o.has(name) {
		r.fail(join(o.path, name), "must be a string")
	}
	return text
}

func (r *reader) template(path string, v any) template {
	text, ok := v.(string)
	t := template(text)
	switch {
	case !ok:
		r.fail(path, "must be a string")
	case t.has(notReference):
		r.fail(path, "holds a $ that does not begin one of ${env:NAME}, ${env:NAME:-DEFAULT}, ${file:PATH}, ${audience} and $$")
	}
	for _, p := range t.parts() {
		switch p.kind {
		case variableReference:
			if !isVariable(p.name) {
				r.fail(path, "refers to a variable of a name that is too long, or that looks like a token")
			}
			r.uses(p.name, p.fallback != nil)
		case fileReference:
			r.files = append(r.files, p.name)
		case audienceMention:
			r.mentionsAudience = true
		}
	}
	return t
}

// uses notes a reference to a variable.
func (r *reader) uses(name string, hasDefault bool) {
	always, found := r.variables[name]
	r.variables[name] = hasDefault && (always || !found)
}

func (r *reader) templates(o object) map[string]template {
	templates := map[string]template{}
	for _, name := range slices.Sorted(maps.Keys(o.members)) {
		templates[name] = r.template(join(o.path, name), o.members[name])
	}
	return templates
}

// join names a member by path. What a name could do to a log is neutralized.
func join(path, name string) string {
	if quoted := strconv.Quote(name); quoted != `"`+name+`"` || strings.ContainsAny(name, ". ") || len(name) > 64 {
		name = quoted[:min(len(quoted), 64)]
	}
	return strings.TrimPrefix(path+"."+name, ".")
}

// deepest is how many levels of a document there can be.
const deepest = 32

// tree decodes a JSON value and refuses what encoding/json lets pass: a member
// that is there twice. The value is at a level of the document.
func tree(decoder *json.Decoder, path string, level int) (any, error) {
	token, err := decoder.Token()
	if _, nests := token.(json.Delim); nests && level > deepest {
		return nil, invalid("%s: is nested deeper than %d levels", path[:min(len(path), 64)], deepest)
	}
	switch token {
	case json.Delim('{'):
		members := map[string]any{}
		for decoder.More() {
			token, err := decoder.Token()
			if err != nil {
				return nil, err
			}
			name, _ := token.(string)
			if _, twice := members[name]; twice {
				return nil, invalid("%s: is there twice", join(path, name))
			}
			if members[name], err = tree(decoder, join(path, name), level+1); err != nil {
				return nil, err
			}
		}
		_, err = decoder.Token()
		return members, err
	case json.Delim('['):
		elements := []any{}
		for decoder.More() {
			element, err := tree(decoder, join(path, strconv.Itoa(len(elements))), level+1)
			if err != nil {
				return nil, err
			}
			elements = append(elements, element)
		}
		_, err = decoder.Token()
		return elements, err
	}
	return token, err
}
