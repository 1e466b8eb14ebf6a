package tokensource

import (
	"bytes"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// document is the decoded form of what document.schema.json describes.
type document struct {
	audience         string
	hint             string
	env              string
	file             *template
	http             *request
	mentionsAudience bool
}

type request struct {
	url                template
	method             string
	headers, query     map[string]template
	body               map[string]any // its strings are templates
	unixSocket, caFile string
	pointer            string // to the token in the answer
}

var (
	headerName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")
	pointer    = regexp.MustCompile(`^(/([^~/]|~[01])*)+$`)
)

func decode(text []byte) (*document, error) {
	if !utf8.Valid(text) {
		return nil, invalid("it is not UTF-8")
	}
	if err := json.Unmarshal(text, new(json.RawMessage)); err != nil {
		return nil, &Error{Class: ConfigInvalid, Problem: "it is not JSON", Err: err}
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	root, err := tree(decoder, "")
	if err != nil {
		return nil, err
	}
	members, isObject := root.(map[string]any)
	if !isObject {
		return nil, invalid("it must be a JSON object")
	}
	r := &reader{}
	if members["version"] != json.Number("1") {
		r.fail("version", "must be 1")
	}
	d := r.document(object{"", members})
	if r.err != nil {
		return nil, r.err
	}
	return d, nil
}

func (r *reader) document(top object) *document {
	r.only(top, "version", "audience", "http", "env", "file", "hint")
	d := &document{audience: r.text(top, "audience"), hint: r.text(top, "hint")}
	sources := 0
	if top.has("http") {
		sources++
		d.http = r.request(r.object(top, "http"))
	}
	if top.has("env") {
		sources++
		if d.env = r.text(top, "env"); !variable.MatchString(d.env) {
			r.fail("env", "must be the name of a variable")
		}
	}
	if top.has("file") {
		sources++
		file := r.template("file", top.members["file"])
		if d.file = &file; file == "" {
			r.fail("file", "must not be empty")
		}
	}
	if sources != 1 {
		r.fail("", "exactly one of http, env and file must be there, not %d", sources)
	}
	d.mentionsAudience = r.mentionsAudience
	if d.audience != "" && !d.mentionsAudience {
		r.fail("audience", "has no effect, for %s is nowhere in the document", audienceReference)
	}
	return d
}

func (r *reader) request(o object) *request {
	r.only(o, "url", "method", "headers", "query", "body", "unix_socket", "ca_file", "token")
	q := &request{
		url:        r.template("http.url", o.members["url"]),
		method:     "GET",
		headers:    r.templates(r.object(o, "headers")),
		query:      r.templates(r.object(o, "query")),
		unixSocket: r.text(o, "unix_socket"),
		caFile:     r.text(o, "ca_file"),
		pointer:    r.text(o, "token"),
	}
	if len(q.url.references()) == 0 && r.err == nil {
		_, r.err = parseURL("http.url", string(q.url), q.unixSocket != "")
	}
	if o.has("method") {
		q.method = r.text(o, "method")
	}
	if q.method != "GET" && q.method != "POST" {
		r.fail("http.method", "must be GET or POST")
	}
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(q.headers)) {
		path, lower := join("http.headers", name), strings.ToLower(name)
		switch {
		case !headerName.MatchString(name):
			r.fail(path, "is not the name of a header")
		case slices.Contains([]string{"host", "content-length", "transfer-encoding", "connection"}, lower):
			r.fail(path, "cannot be set")
		case seen[lower]:
			r.fail(path, "is there twice")
		case strings.ContainsFunc(string(q.headers[name]), isControl):
			r.fail(path, "holds a control character")
		}
		seen[lower] = true
	}
	if _, empty := q.query[""]; empty {
		r.fail("http.query", "a parameter has no name")
	}
	if o.members["body"] != nil {
		if q.body, _ = r.body("http.body", r.object(o, "body").members).(map[string]any); q.method == "GET" {
			r.fail("http.body", "needs the method POST")
		}
	}
	if q.pointer != "" && !pointer.MatchString(q.pointer) {
		r.fail("http.token", "is not a JSON Pointer")
	}
	return q
}

// body turns the strings of v into templates.
func (r *reader) body(path string, v any) any {
	switch v := v.(type) {
	case string:
		return r.template(path, v)
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			v[name] = r.body(join(path, name), v[name])
		}
	case []any:
		for i, element := range v {
			v[i] = r.body(join(path, strconv.Itoa(i)), element)
		}
	}
	return v
}
