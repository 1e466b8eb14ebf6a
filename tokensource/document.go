package tokensource

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// document is the decoded form of what document.schema.json describes. Describe
// writes its members in this order.
type document struct {
	Version  int       `json:"version"`
	About    string    `json:"about,omitempty"`
	Audience *string   `json:"audience,omitempty"`
	HTTP     *request  `json:"http,omitempty"`
	Env      string    `json:"env,omitempty"`
	File     *template `json:"file,omitempty"`
	Hint     string    `json:"hint,omitempty"`

	mentionsAudience bool
	variables        map[string]bool // whether every reference has a default
	files            []string
}

type request struct {
	Method     string              `json:"method,omitempty"`
	URL        template            `json:"url"`
	Query      map[string]template `json:"query,omitempty"`
	Headers    map[string]template `json:"headers,omitempty"`
	Body       map[string]any      `json:"body,omitzero"` // its strings are templates
	Form       map[string]template `json:"form,omitzero"`
	Retry      []int               `json:"retry,omitempty"` // statuses of what passes
	UnixSocket string              `json:"unix_socket,omitempty"`
	CAFile     string              `json:"ca_file,omitempty"`
	CertFile   string              `json:"cert_file,omitempty"`
	KeyFile    string              `json:"key_file,omitempty"`
	Token      string              `json:"token,omitempty"` // JSON Pointer into the response
}

var (
	headerName = lazyRegexp("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")
	pointer    = lazyRegexp(`^(/([^~/]|~[01])*)+$`)
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
	root, err := tree(decoder, "", 1)
	if err != nil {
		return nil, err
	}
	members, isObject := root.(map[string]any)
	if !isObject {
		return nil, invalid("it must be a JSON object")
	}
	r := &reader{variables: map[string]bool{}}
	if version, _ := members["version"].(json.Number); !equal(version, "1") {
		r.fail("version", "must be 1")
	}
	d := r.document(object{"", members})
	if r.err != nil {
		return nil, r.err
	}
	return d, nil
}

func (r *reader) document(top object) *document {
	r.only(top, "version", "about", "audience", "http", "env", "file", "hint")
	d := &document{Version: 1, About: r.text(top, "about"), Hint: r.text(top, "hint")}
	if top.has("audience") {
		audience := r.text(top, "audience")
		d.Audience = &audience
	}
	if strings.ContainsFunc(d.Hint, unicode.IsControl) {
		r.fail("hint", "holds a control character")
	}
	sources := 0
	if top.has("http") {
		sources++
		d.HTTP = r.request(r.object(top, "http"))
	}
	if top.has("env") {
		sources++
		if d.Env = r.text(top, "env"); !isVariable(d.Env) {
			r.fail("env", "must be the name of a variable")
		}
		r.uses(d.Env, false)
	}
	if top.has("file") {
		sources++
		file := r.template("file", top.members["file"])
		if d.File = &file; file == "" {
			r.fail("file", "must not be empty")
		} else if file.isLiteral() {
			r.files = append(r.files, string(file))
		}
	}
	if sources != 1 {
		r.fail("", "exactly one of http, env and file must be there, not %d", sources)
	}
	d.mentionsAudience = r.mentionsAudience
	d.variables, d.files = r.variables, r.files
	if d.Audience != nil && *d.Audience != "" && !d.mentionsAudience {
		r.fail("audience", "has no effect, for %s is nowhere in the document", audienceReference)
	}
	return d
}

func (r *reader) request(o object) *request {
	r.only(o, "method", "url", "query", "headers", "body", "form", "retry", "unix_socket", "ca_file", "cert_file", "key_file", "token")
	q := &request{
		Method:     r.text(o, "method"),
		URL:        r.template("http.url", o.members["url"]),
		Query:      r.parameters(r.object(o, "query")),
		Headers:    r.templates(r.object(o, "headers")),
		UnixSocket: r.text(o, "unix_socket"),
		CAFile:     r.text(o, "ca_file"),
		CertFile:   r.text(o, "cert_file"),
		KeyFile:    r.text(o, "key_file"),
		Token:      r.text(o, "token"),
	}
	if q.URL.isLiteral() && r.err == nil {
		_, r.err = parseURL("http.url", string(q.URL), q.UnixSocket != "")
	}
	if o.has("method") && q.Method != "GET" && q.Method != "POST" {
		r.fail("http.method", "must be GET or POST")
	}
	for _, file := range []string{q.CAFile, q.CertFile, q.KeyFile} {
		if file != "" {
			r.files = append(r.files, file)
		}
	}
	if (q.CertFile == "") != (q.KeyFile == "") {
		r.fail("http.cert_file", "goes with http.key_file: both or neither")
	}
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(q.Headers)) {
		path, lower := join("http.headers", name), strings.ToLower(name)
		switch {
		case !headerName().MatchString(name):
			r.fail(path, "is not the name of a header")
		case slices.Contains([]string{"host", "content-length", "transfer-encoding", "connection"}, lower):
			r.fail(path, "cannot be set")
		case seen[lower]:
			r.fail(path, "is there twice")
		case strings.ContainsFunc(string(q.Headers[name]), isControl):
			r.fail(path, "holds a control character")
		}
		seen[lower] = true
	}
	if o.members["body"] != nil {
		if q.Body, _ = r.body("http.body", r.object(o, "body").members).(map[string]any); q.Method != "POST" {
			r.fail("http.body", "needs the method POST")
		}
	}
	if o.has("form") {
		if q.Form = r.parameters(r.object(o, "form")); q.Method != "POST" {
			r.fail("http.form", "needs the method POST")
		}
		if q.Body != nil {
			r.fail("http.form", "cannot be beside http.body")
		}
	}
	q.Retry = r.statuses(o, "retry")
	if q.Token != "" && !pointer().MatchString(q.Token) {
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
