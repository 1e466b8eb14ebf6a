package tokensource

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
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

// parameters reads templates of parameters, each of which has a name.
func (r *reader) parameters(o object) map[string]template {
	if o.has("") {
		r.fail(o.path, "a parameter has no name")
	}
	return r.templates(o)
}

// statuses reads what statuses of HTTP a token server uses for what passes.
func (r *reader) statuses(o object, name string) []int {
	path := join(o.path, name)
	list, ok := o.members[name].([]any)
	if o.has(name) && (!ok || len(list) == 0 || len(list) > 8) {
		r.fail(path, "must be a list of 1 to 8 numbers")
	}
	var statuses []int
	for i, v := range list {
		number, _ := v.(json.Number)
		status, _ := number.Float64()
		if status != math.Trunc(status) || status < 400 || status > 499 || slices.Contains(statuses, int(status)) {
			r.fail(join(path, strconv.Itoa(i)), "must be a whole number from 400 to 499 that is there once")
		}
		statuses = append(statuses, int(status))
	}
	return statuses
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
	if number, ok := token.(json.Number); ok && !exact(number) {
		return nil, invalid("%s: is a number that would change on its way (IEEE 754)", path)
	}
	return token, err
}

// exact reports whether a double gives a number back.
func exact(number json.Number) bool {
	double, err := number.Float64()
	return err == nil && equal(number, json.Number(strconv.FormatFloat(double, 'g', -1, 64)))
}

// equal reports whether two numbers are, however they are written.
func equal(a, b json.Number) bool {
	digitsA, exponentA := decimal(a)
	digitsB, exponentB := decimal(b)
	return digitsA == digitsB && exponentA == exponentB
}

// decimal returns the digits of a number and the power of ten that 0.DIGITS is multiplied
// with. Zero has no digits.
func decimal(number json.Number) (digits string, exponent int) {
	mantissa, power, _ := strings.Cut(strings.ToLower(string(number)), "e")
	sign := ""
	if strings.HasPrefix(mantissa, "-") {
		sign, mantissa = "-", mantissa[1:]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits = strings.TrimLeft(whole+fraction, "0")
	exponent, _ = strconv.Atoi(power)
	exponent += len(digits) - len(fraction)
	if digits = strings.TrimRight(digits, "0"); digits == "" {
		return "", 0
	}
	return sign + digits, exponent
}
