package tokensource_test

import (
	"bytes"
	"encoding/base64"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/awstokenserver/config/tokensource"
)

func describe(value string) ([]byte, error) {
	d, err := tokensource.Describe(value)
	return d.Document, err
}

// wantRoundTrip checks that the document of value is doc, and stays so.
func wantRoundTrip(t *testing.T, doc []byte, value string) {
	t.Helper()
	text, err := describe(value)
	if err != nil {
		t.Fatal(err)
	}
	if !tokensource.SameDocument(doc, text) {
		t.Errorf("%s is described as another document: %s", doc, text)
	}
	again, err := describe(base64.StdEncoding.EncodeToString(text))
	if err != nil || string(again) != string(text) {
		t.Errorf("%s\ndescribed again: %v\n%s", text, err, again)
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	const all = `{"hint": "h & <i>", "http": {"token": "/t", "key_file": "/k", "cert_file": "/c", "ca_file": "/a", "unix_socket": "/u",
		"body": {"z": [1.50, "${audience}", null], "a": {"c": true, "b": "$$"}}, "headers": {"X-B": "${env:B:-}", "X-A": ""}, "query": {"q": "1"},
		"url": "https://host/", "method": "POST"}, "audience": "default", "about": "é", "version": 1}`
	for value, want := range map[string]string{
		"GITHUB_LIKE_URL , TOKEN": `{
  "version": 1,
  "http": {
    "url": "${env:GITHUB_LIKE_URL}",
    "query": {
      "audience": "${audience}"
    },
    "headers": {
      "Authorization": "Bearer ${env:TOKEN}"
    },
    "token": "/value"
  }
}
`,
		"URL,TOKEN, a,b ": `{
  "version": 1,
  "audience": "a,b",
  "http": {
    "url": "${env:URL}",
    "query": {
      "audience": "${audience}"
    },
    "headers": {
      "Authorization": "Bearer ${env:TOKEN}"
    },
    "token": "/value"
  }
}
`,
		base64.StdEncoding.EncodeToString([]byte(`{"hint": "", "env": "A", "version": 1}`)) + ",": `{
  "version": 1,
  "audience": "",
  "env": "A"
}
`,
		base64.StdEncoding.EncodeToString([]byte(`{"file": "/a", "version": 1, "hint": "h"}`)): `{
  "version": 1,
  "file": "/a",
  "hint": "h"
}
`,
		base64.StdEncoding.EncodeToString([]byte(all)) + ",mine": `{
  "version": 1,
  "about": "é",
  "audience": "mine",
  "http": {
    "method": "POST",
    "url": "https://host/",
    "query": {
      "q": "1"
    },
    "headers": {
      "X-A": "",
      "X-B": "${env:B:-}"
    },
    "body": {
      "a": {
        "b": "$$",
        "c": true
      },
      "z": [
        1.50,
        "${audience}",
        null
      ]
    },
    "unix_socket": "/u",
    "ca_file": "/a",
    "cert_file": "/c",
    "key_file": "/k",
    "token": "/t"
  },
  "hint": "h & <i>"
}
`,
	} {
		got, err := describe(value)
		if err != nil || string(got) != want {
			t.Errorf("%s: %v\n%s", value, err, got)
			continue
		}
		wantRoundTrip(t, got, value)
	}
}

func TestDescribeInvalid(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"", "github", "GitLab", "URL,", "GitHub2", "CircleCI,audience", "AzureIMDS",
		"GoogleCompute,", "example-spiffe",
		base64.StdEncoding.EncodeToString([]byte(`{"version": 1}`))} {
		_, want := tokensource.Parse(value)
		text, err := describe(value)
		if text != nil || err == nil || want == nil || err.Error() != want.Error() {
			t.Errorf("%q: %s, error %v; want %v", value, text, err, want)
		}
	}
}

func TestDescribeRegistered(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"Example.SPIFFE", " Example.SPIFFE ,a"} {
		got, err := tokensource.Describe(value)
		if want := (tokensource.Description{Form: tokensource.FormName, Name: "Example.SPIFFE"}); err != nil ||
			!reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, %v", value, got, err)
		}
	}
}

func TestDescribeForms(t *testing.T) {
	t.Parallel()
	document := base64.StdEncoding.EncodeToString([]byte(`{"version": 1, "hint": "ask", "http": {"url": "https://${env:HOST}/${file:/b}", "method": "POST",
		"headers": {"A": "${env:HOST:-d}${env:ID:-d}"}, "ca_file": "/a", "cert_file": "/c", "key_file": "/b"}}`))
	const hint = "grant the job `permissions: id-token: write`, and so the job that calls a reusable workflow"
	for value, want := range map[string]tokensource.Description{
		"GitHub,a": {Form: tokensource.FormName, Name: "GitHub", Hint: hint,
			Variables: []tokensource.Variable{{Name: "ACTIONS_ID_TOKEN_REQUEST_TOKEN"},
				{Name: "ACTIONS_ID_TOKEN_REQUEST_URL"}}},
		"URL,TOKEN": {Form: tokensource.FormPair, Variables: []tokensource.Variable{{Name: "TOKEN"}, {Name: "URL"}}},
		document: {Form: tokensource.FormDocument, Hint: "ask", Files: []string{"/a", "/b", "/c"},
			Variables: []tokensource.Variable{{Name: "HOST"}, {Name: "ID", HasDefault: true}}},
	} {
		got, err := tokensource.Describe(value)
		if bytes.Equal(got.Document, got.Masked) != (got.Form != tokensource.FormDocument) {
			t.Errorf("%s: %s is masked as %s", value, got.Document, got.Masked)
		}
		got.Document, got.Masked = nil, nil
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, %v\nwant %+v", value, got, err, want)
		}
	}
}

// Each secret is masked wherever a document can hold it, and what is a reference or a
// word is not.
func TestMasked(t *testing.T) {
	t.Parallel()
	for member, want := range map[string]string{
		`"url": "https://a-host-with-a-long-name.example.com:8443/api/v1/namespaces/shop/serviceaccounts/0123456789abcde"`: "",
		`"url": "https://host/hooks/0123456789abcdef/run"`:                                                                 `"url": "https://host/hooks/…/run"`,
		`"url": "https://host/0123456789${audience}abcdef"`:                                                                `"url": "https://host/…${audience}…"`,
		`"url": "https://host/0123456789${audience}/abcdef"`:                                                               "",
		`"url": "https://host/a?code=secret&b=${audience}&c=d"`:                                                            `"url": "https://host/a?…${audience}…"`,
		`"url": "https://host?secret"`:                                                                                     `"url": "https://host?…"`,
		`"url": "https://${env:HOST}.example.com/v1"`:                                                                      "",
		`"url": "${env:URL}/0123456789abcdef"`:                                                                             `"url": "${env:URL}/…"`,
		`"url": "${env:URL:-https://host/?secret}"`:                                                                        `"url": "${env:URL:-…}"`,
		`"url": "https://host/$$$$$$$$$$$$$$$$"`:                                                                           "",
		`"query": {"code": "secret"}`:                                                                                      `"code": "…"`,
		`"query": {"code": "${env:CODE:-secret}"}`:                                                                         `"code": "${env:CODE:-…}"`,
		`"query": {"code": "${env:CODE:-}", "b": "True"}`:                                                                  "",
		`"headers": {"Authorization": "Bearer ${env:T}"}`:                                                                  "",
		`"headers": {"Authorization": "Bearer secret"}`:                                                                    `"Authorization": "…"`,
		`"headers": {"Authorization": "Basic ${file:/b}secret"}`:                                                           `"Authorization": "Basic ${file:/b}…"`,
		`"method": "POST", "body": {"pin": 123456}`:                                                                        `"pin": "…"`,
		`"method": "POST", "body": {"a": [{"b": "secret"}, null, true]}`:                                                   `"b": "…"`,
		`"method": "POST", "body": {"a": ["${audience}", "$$secret", ""]}`:                                                 `"$$…"`,
		`"ca_file": "/a/path/that/is/no/secret", "token": "/value"`:                                                        "",
	} {
		if !strings.Contains(member, `"url"`) {
			member += `, "url": "https://host/"`
		}
		got, err := tokensource.Describe(base64.StdEncoding.EncodeToString([]byte(`{"version": 1, "http": {`+member+`}}`)) + ",api://a")
		if err != nil { // it takes no audience
			got, err = tokensource.Describe(base64.StdEncoding.EncodeToString([]byte(`{"version": 1, "http": {` +
				member + `}}`)))
		}
		masked := string(got.Masked)
		if err != nil || strings.Contains(masked, "secret") && want != "" ||
			(masked == string(got.Document)) != (want == "") || !strings.Contains(masked, want) {
			t.Errorf("%s: %v, want %s in\n%s", member, err, want, masked)
		}
	}
}

func TestVariables(t *testing.T) {
	t.Parallel()
	got := tokensource.Variables([]byte(`{"version": 1, "hint": "${env:NO}", "http": {"method": "POST", "url": "https://host/${env:C}$${env:NO}",
		"headers": {"A": "${env:B}${env:C:-d}"}, "query": {"a": "${file:/f}${env:_a}"}, "body": {"a": ["${env:A:-}", {"b": "${env:C}"}]}}}`))
	if want := []string{"A", "B", "C", "_a"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := tokensource.Variables([]byte(`{"version": 1, "file": "${env:A}/${env:A}"}`)); !slices.Equal(got, []string{"A"}) {
		t.Errorf("%q", got)
	}
}

func TestServers(t *testing.T) {
	t.Parallel()
	servers := tokensource.Servers()
	byName := map[string]tokensource.Server{}
	var names []string
	for _, s := range servers {
		names = append(names, s.Name)
		byName[s.Name] = s
	}
	if !slices.IsSorted(names) || len(byName) != len(names) {
		t.Errorf("%v are not sorted", names)
	}
	files, err := os.ReadDir("servers")
	if err != nil || len(files) < 12 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(file.Name(), ".json")
		doc, err := os.ReadFile("servers/" + file.Name())
		if err != nil {
			t.Fatal(err)
		}
		if byName[name].About == "" {
			t.Errorf("nothing about %s", name)
		}
		value := name
		if strings.Contains(string(doc), "resource=${audience}") { // Azure's have no default
			value += ",api://a"
			doc = []byte(strings.Replace(string(doc), `"http"`, `"audience": "api://a", "http"`, 1))
		}
		wantRoundTrip(t, doc, value)
	}
	for _, want := range []tokensource.Server{
		{Name: "Example.SPIFFE"},
		{Name: "GitHub", About: byName["GitHub"].About, Audience: "sts.amazonaws.com",
			Variables: []string{"ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL"}},
		{Name: "Buildkite", About: byName["Buildkite"].About, Audience: "sts.amazonaws.com",
			Variables: []string{"BUILDKITE_AGENT_ACCESS_TOKEN", "BUILDKITE_AGENT_ENDPOINT", "BUILDKITE_JOB_ID"}},
		{Name: "CircleCI", About: byName["CircleCI"].About, Variables: []string{"CIRCLE_OIDC_TOKEN_V2"}},
		{Name: "AzureIMDS", About: byName["AzureIMDS"].About},
	} {
		if got := byName[want.Name]; !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v\nwant %+v", got, want)
		}
	}
	byName["GitHub"].Variables[0] = "changed by the caller"
	for _, s := range tokensource.Servers() {
		if s.Name == "GitHub" && s.Variables[0] != "ACTIONS_ID_TOKEN_REQUEST_TOKEN" {
			t.Error("the caller changed the server")
		}
	}
}
