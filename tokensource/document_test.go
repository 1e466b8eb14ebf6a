package tokensource_test

import (
	"bytes"
	"encoding/base64"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/awstokenserver/config/tokensource"
)

func loadSchema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	text, err := os.ReadFile("document.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("document.schema.json", schema); err != nil {
		t.Fatal(err)
	}
	return compiler.MustCompile("document.schema.json")
}

func schemaAccepts(schema *jsonschema.Schema, doc string) bool {
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(doc))
	return err == nil && schema.Validate(value) == nil
}

// httpWith is a good document with more members of http.
func httpWith(members string) string {
	return `{"version": 1, "http": {"url": "https://host/", ` + members + `}}`
}

// TestDocument holds the decoder and the schema to the same verdict. A good
// document has no wanted error.
func TestDocument(t *testing.T) {
	t.Parallel()
	schema := loadSchema(t)
	for _, test := range []struct{ doc, want string }{
		{`{"version": 1, "env": "A"}`, ""},
		{`{"version": 1, "env": "_a1", "audience": "", "hint": ""}`, ""},
		{`{"version": 1, "about": "", "env": "A"}`, ""},
		{`{"version": 1, "about": "a $ <b> \u2028", "env": "A"}`, ""},
		{`{"version": 1, "file": "/a$$b/${env:HOME}"}`, ""},
		{`{"version": 1, "file": "/a/${env:HOME:-b:-c \"d\"}/${env:A:-}"}`, ""},
		{`{"version": 1, "file": "/a/${audience}", "audience": "b"}`, ""},
		{`{"version": 1, "http": {"url": "https://host"}}`, ""},
		{`{"version": 1, "http": {"url": "https://host:8443/path?a=b%20c&d"}}`, ""},
		{`{"version": 1, "http": {"url": "${env:A}"}}`, ""},
		{`{"version": 1, "http": {"url": "https://${env:A}/${file:/b c}/$$"}}`, ""},
		{`{"version": 1, "http": {"url": "http://127.8.8.8/"}}`, ""},
		{`{"version": 1, "http": {"url": "http://[::1]:1/"}}`, ""},
		{`{"version": 1, "http": {"url": "http://LocalHost/"}}`, ""},
		{`{"version": 1, "http": {"url": "http://169.254.169.254/"}}`, ""},
		{`{"version": 1, "http": {"url": "http://[fd00:ec2:0::254]/"}}`, ""},
		{`{"version": 1, "http": {"url": "http://metadata.google.internal/"}}`, ""},
		{`{"version": 1, "http": {"url": "http://host/", "unix_socket": "/.fly/api"}}`, ""},
		{httpWith(`"method": "GET", "body": null`), ""},
		{httpWith(`"unix_socket": "", "ca_file": "", "token": ""`), ""},
		{httpWith(`"cert_file": "", "key_file": ""`), ""},
		{httpWith(`"key_file": ""`), ""},
		{httpWith(`"cert_file": "/a", "key_file": "/b"`), ""},
		{httpWith(`"method": "POST"`), ""},
		{httpWith(`"method": "POST", "body": {}`), ""},
		{httpWith(`"method": "POST", "body": {"a": ["$$", {"b": "${env:A}"}, 1.5e3, true, null]}`), ""},
		{httpWith(`"headers": {}, "query": {}`), ""},
		{httpWith(`"headers": {"X-!#$%&'*+.^_|~1": "a\tb ü"}`), ""},
		{httpWith(`"query": {"a b": "", "c": "${file:/d}"}`), ""},
		{httpWith(`"token": "/a~0b/~1/0//"`), ""},
		{`{"version": 1, "audience": "a", "http": {"url": "https://host", "headers": {"A": "${audience}"}}}`, ""},
		{`{"version": 1, "audience": "a", "http": {"url": "https://host", "method": "POST", "body": {"a": {"b": ["${audience}"]}}}}`, ""},

		{``, "not JSON"},
		{`{`, "not JSON"},
		{`{"version": 1, "env": "A"} {}`, "not JSON"},
		{`{"version": 1, "env": "A",}`, "not JSON"},
		{`null`, "must be a JSON object"},
		{`[]`, "must be a JSON object"},
		{`{}`, "version: must be 1"},
		{`{"version": 2, "env": "A", "new": 1}`, "version: must be 1"},
		{`{"version": "1", "env": "A"}`, "version: must be 1"},
		{`{"version": 1}`, "exactly one of http, env and file must be there, not 0"},
		{`{"version": 1, "env": "A", "file": "/a"}`, "exactly one of http, env and file must be there, not 2"},
		{`{"version": 1, "env": "A", "file": "/a", "http": {"url": "https://host"}}`, "not 3"},
		{`{"version": 1, "env": ""}`, "env: must be the name of a variable"},
		{`{"version": 1, "env": "A B"}`, "env: must be the name of a variable"},
		{`{"version": 1, "env": null}`, "env: must be a string"},
		{`{"version": 1, "file": ""}`, "file: must not be empty"},
		{`{"version": 1, "file": 1}`, "file: must be a string"},
		{`{"version": 1, "file": "/a$"}`, "file: holds a $"},
		{`{"version": 1, "env": "A", "Audience": "a"}`, "Audience: is not a member"},
		{`{"version": 1, "ENV": "A"}`, "ENV: is not a member"},
		{`{"version": 1, "env": "A", "audience": null}`, "audience: must be a string"},
		{`{"version": 1, "env": "A", "hint": ["a"]}`, "hint: must be a string"},
		{`{"version": 1, "env": "A", "hint": "a\u001b[31m"}`, "hint: holds a control character"},
		{`{"version": 1, "env": "A", "hint": "a\n::error::b"}`, "hint: holds a control character"},
		{`{"version": 1, "env": "A", "about": null}`, "about: must be a string"},
		{`{"version": 1, "http": null}`, "http: must be an object"},
		{`{"version": 1, "http": "https://host"}`, "http: must be an object"},
		{`{"version": 1, "http": {}}`, "http.url: must be a string"},
		{`{"version": 1, "http": {"url": ""}}`, "http.url: must be an https URL"},
		{`{"version": 1, "http": {"url": ["https://host"]}}`, "http.url: must be a string"},
		{`{"version": 1, "http": {"url": "https://host/$audience"}}`, "http.url: holds a $"},
		{`{"version": 1, "http": {"url": "${env:A B}"}}`, "http.url: holds a $"},
		{`{"version": 1, "http": {"url": "${env:}"}}`, "http.url: holds a $"},
		{`{"version": 1, "http": {"url": "${env:A:b}"}}`, "http.url: holds a $"},
		{`{"version": 1, "http": {"url": "${env::-b}"}}`, "http.url: holds a $"},
		{`{"version": 1, "http": {"url": "${env:A:-${env:B}}"}}`, "http.url: holds a $"},
		{`{"version": 1, "http": {"url": "${env:A:-$$}"}}`, "http.url: holds a $"},
		{`{"version": 1, "http": {"url": "${env:A:-{}"}}`, "http.url: holds a $"},
		{`{"version": 1, "http": {"url": "${file:/a:-b}${audience:-b}"}}`, "http.url: holds a $"},
		{`{"version": 1, "http": {"url": "${file:}"}}`, "http.url: holds a $"},
		{`{"version": 1, "http": {"url": "${file:/a/${env:B}}"}}`, "http.url: holds a $"},
		{`{"version": 1, "http": {"url": "${Audience}"}}`, "http.url: holds a $"},
		{`{"version": 1, "http": {"url": "${env:A"}}`, "http.url: holds a $"},
		{`{"version": 1, "http": {"url": "$$$"}}`, "http.url: holds a $"},
		{httpWith(`"URL": "https://host"`), "http.URL: is not a member"},
		{httpWith(`"a.b \n": 1`), `http."a.b \n": is not a member`},
		{httpWith(`"method": "PUT"`), "http.method: must be GET or POST"},
		{httpWith(`"method": "get"`), "http.method: must be GET or POST"},
		{httpWith(`"method": ""`), "http.method: must be GET or POST"},
		{httpWith(`"body": {}`), "http.body: needs the method POST"},
		{httpWith(`"method": "GET", "body": {"a": 1}`), "http.body: needs the method POST"},
		{httpWith(`"method": "POST", "body": "a"`), "http.body: must be an object"},
		{httpWith(`"method": "POST", "body": []`), "http.body: must be an object"},
		{httpWith(`"method": "POST", "body": {"a": {"b": ["", "$"]}}`), "http.body.a.b.1: holds a $"},
		{httpWith(`"headers": null`), "http.headers: must be an object"},
		{httpWith(`"headers": {"A": 1}`), "http.headers.A: must be a string"},
		{httpWith(`"headers": {"A": null}`), "http.headers.A: must be a string"},
		{httpWith(`"headers": {"A": "$"}`), "http.headers.A: holds a $"},
		{httpWith(`"headers": {"": "a"}`), "is not the name of a header"},
		{httpWith(`"headers": {"A B": "a"}`), `http.headers."A B": is not the name of a header`},
		{httpWith(`"headers": {"A:": "a"}`), "http.headers.A:: is not the name of a header"},
		{httpWith(`"headers": {"host": "a"}`), "http.headers.host: cannot be set"},
		{httpWith(`"headers": {"Content-LENGTH": "1"}`), "http.headers.Content-LENGTH: cannot be set"},
		{httpWith(`"headers": {"Transfer-Encoding": "chunked"}`), "cannot be set"},
		{httpWith(`"headers": {"connection": "close"}`), "cannot be set"},
		{httpWith(`"headers": {"A": "a\r\nB: c"}`), "http.headers.A: holds a control character"},
		{httpWith(`"headers": {"A": "\u007f"}`), "http.headers.A: holds a control character"},
		{httpWith(`"query": []`), "http.query: must be an object"},
		{httpWith(`"query": {"a": ["b"]}`), "http.query.a: must be a string"},
		{httpWith(`"query": {"": "b"}`), "http.query: a parameter has no name"},
		{httpWith(`"token": "value"`), "http.token: is not a JSON Pointer"},
		{httpWith(`"token": "/a~2"`), "http.token: is not a JSON Pointer"},
		{httpWith(`"token": null`), "http.token: must be a string"},
		{httpWith(`"unix_socket": false`), "http.unix_socket: must be a string"},
		{httpWith(`"ca_file": {}`), "http.ca_file: must be a string"},
		{httpWith(`"cert_file": "/a"`), "http.cert_file: goes with http.key_file: both or neither"},
		{httpWith(`"cert_file": "/a", "key_file": ""`), "http.cert_file: goes with"},
		{httpWith(`"key_file": "/a"`), "http.cert_file: goes with"},
		{httpWith(`"cert_file": ["/a"], "key_file": "/b"`), "http.cert_file: must be a string"},
		{httpWith(`"cert_file": "/a", "key_file": null`), "http.key_file: must be a string"},
		{httpWith(`"hint": "a"`), "http.hint: is not a member"},
	} {
		t.Run(test.doc, func(t *testing.T) {
			if accepted := schemaAccepts(schema, test.doc); accepted != (test.want == "") {
				t.Errorf("the schema accepts: %v", accepted)
			}
			_, err := tokensource.Document([]byte(test.doc))
			if test.want != "" {
				wantError(t, err, tokensource.ConfigInvalid, "the token server of the document: ", test.want)
			} else if err != nil {
				t.Error(err)
			} else {
				wantRoundTrip(t, []byte(test.doc), base64.StdEncoding.EncodeToString([]byte(test.doc)))
			}
		})
	}
}

// TestDocumentBeyondSchema has the rules that JSON Schema cannot say.
func TestDocumentBeyondSchema(t *testing.T) {
	t.Parallel()
	schema := loadSchema(t)
	for _, test := range []struct{ reason, doc, want string }{
		{"a schema compares numbers, not their spelling", `{"version": 1.0, "env": "A"}`, "version: must be 1"},
		{"a schema sees a member once", `{"version": 1, "env": "A", "env": "B"}`, "env: is there twice"},
		{"a schema sees a member once", httpWith(`"method": "POST", "body": {"a": [{"b": 1, "b": 1}]}`), "http.body.a.0.b: is there twice"},
		{"a schema cannot compare members", httpWith(`"headers": {"a": "", "A": ""}`), "http.headers.a: is there twice"},
		{"a schema cannot search", `{"version": 1, "env": "A", "audience": "a"}`, "audience: has no effect"},
		{"a schema cannot search", `{"version": 1, "file": "/$${audience}", "audience": "a"}`, "audience: has no effect"},
		{"a schema cannot parse a URL", `{"version": 1, "http": {"url": "ftp://host/"}}`, "http.url: must be an https URL"},
		{"a schema cannot parse a URL", `{"version": 1, "http": {"url": "http://host/"}}`, "http.url: must be an https URL"},
		{"a schema cannot parse a URL", `{"version": 1, "http": {"url": "https://"}}`, "http.url: must have a host"},
		{"a schema cannot parse a URL", `{"version": 1, "http": {"url": "https://:1/"}}`, "http.url: must have a host"},
		{"a schema cannot parse a URL", `{"version": 1, "http": {"url": "https:host"}}`, "http.url: must have a host"},
		{"a schema cannot parse a URL", `{"version": 1, "http": {"url": "https://u:p@host/"}}`, "http.url: must not hold a user"},
		{"a schema cannot parse a URL", `{"version": 1, "http": {"url": "https://host/#"}}`, "http.url: must not have a fragment"},
		{"a schema cannot parse a URL", `{"version": 1, "http": {"url": "https://host/?a;b"}}`, "http.url: the query is malformed"},
		{"a schema cannot parse a URL", `{"version": 1, "http": {"url": "https://ho st/\u0000"}}`, "http.url: is not a URL"},
		{"a schema sees text after its decoding", "{\"version\": 1, \"env\": \"A\", \"hint\": \"\xff\"}", "not UTF-8"},
		{"the audience may come from the value", `{"version": 1, "file": "/${audience}"}`, "needs an audience"},
	} {
		t.Run(test.doc, func(t *testing.T) {
			if !schemaAccepts(schema, test.doc) {
				t.Errorf("the schema knows better than that %s", test.reason)
			}
			_, err := tokensource.Document([]byte(test.doc))
			wantError(t, err, tokensource.ConfigInvalid, test.want)
		})
	}
}

// TestNamedServers checks every document in servers.
func TestNamedServers(t *testing.T) {
	t.Parallel()
	schema := loadSchema(t)
	files, err := os.ReadDir("servers")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name, isJSON := strings.CutSuffix(file.Name(), ".json")
		if !isJSON {
			t.Errorf("%s is not embedded", file.Name())
		}
		text, err := os.ReadFile("servers/" + file.Name())
		if err != nil {
			t.Fatal(err)
		}
		if !schemaAccepts(schema, string(text)) {
			t.Errorf("%s is not as the schema says", file.Name())
		}
		if _, err := tokensource.Parse(name); err != nil && !strings.Contains(err.Error(), "it needs an audience") {
			t.Error(err)
		}
	}
}
