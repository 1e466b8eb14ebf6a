package tokensource_test

import (
	"encoding/base64"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/awstokenserver/config/tokensource"
)

// wantRoundTrip checks that value, explained, is doc, and stays so.
func wantRoundTrip(t *testing.T, doc []byte, value string) {
	t.Helper()
	text, err := tokensource.Explain(value)
	if err != nil {
		t.Fatal(err)
	}
	if !tokensource.SameDocument(doc, text) {
		t.Errorf("%s is explained as another document: %s", doc, text)
	}
	again, err := tokensource.Explain(base64.StdEncoding.EncodeToString(text))
	if err != nil || string(again) != string(text) {
		t.Errorf("%s\nexplained again: %v\n%s", text, err, again)
	}
}

func TestExplain(t *testing.T) {
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
		got, err := tokensource.Explain(value)
		if err != nil || string(got) != want {
			t.Errorf("%s: %v\n%s", value, err, got)
			continue
		}
		wantRoundTrip(t, got, value)
	}
}

func TestExplainInvalid(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"", "github", "GitLab", "URL,", "GitHub2", "CircleCI,audience", "AzureIMDS", "GoogleCompute,", "example-spiffe",
		base64.StdEncoding.EncodeToString([]byte(`{"version": 1}`))} {
		_, want := tokensource.Parse(value)
		text, err := tokensource.Explain(value)
		if text != nil || err == nil || want == nil || err.Error() != want.Error() {
			t.Errorf("%q: %s, error %v; want %v", value, text, err, want)
		}
	}
	for _, value := range []string{"Example.SPIFFE", " Example.SPIFFE ,a"} {
		_, err := tokensource.Explain(value)
		wantError(t, err, tokensource.ConfigInvalid, "Example.SPIFFE is made by the program")
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
		{Name: "GitHub", About: byName["GitHub"].About, Audience: "sts.amazonaws.com", Variables: []string{"ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL"}},
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
