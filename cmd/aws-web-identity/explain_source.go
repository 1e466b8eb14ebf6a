package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/awstokenserver/config/tokensource"
)

// tokenSource is a token server or token file.
type tokenSource struct {
	Setting   string          `json:"setting"`
	Value     string          `json:"value,omitempty"` // none where it is no token server's
	Document  json.RawMessage `json:"document,omitempty"`
	Masked    bool            `json:"masked,omitempty"` // whether the document has … for what may be a secret
	Variables []stated        `json:"variables,omitempty"`
	Files     []stated        `json:"files,omitempty"`
	Hint      string          `json:"hint,omitempty"`

	mask []string // of the document, pairs for a strings.Replacer
}

// describe tells of a web identity what is known without asking for a token.
func describe(c *contender) *tokenSource {
	s := &tokenSource{Setting: c.String()}
	if strings.HasSuffix(strings.ToLower(c.Name), "_file") {
		s.Value = c.webIdentity
		s.file(c.webIdentity)
		return s
	}
	text, err := tokensource.Explain(c.webIdentity)
	var doc map[string]any
	if err != nil || json.Unmarshal(text, &doc) != nil {
		return s
	}
	http, _ := doc["http"].(map[string]any)
	url, _ := http["url"].(string)
	s.Hint, _ = doc["hint"].(string)

	s.Value = strings.TrimSpace(c.webIdentity)
	first, _, _ := strings.Cut(s.Value, ",")
	first = strings.TrimSpace(first)
	isName := slices.ContainsFunc(tokensource.Servers(), func(s tokensource.Server) bool { return s.Name == first })
	if !isName && url != "${env:"+first+"}" {
		s.Value, s.Masked = "a document in base64", true
	}

	place, query, _ := strings.Cut(url, "?")
	s.references(doc["file"], "")
	s.references(place, "")
	s.references(query, "?")
	for _, v := range []any{http["query"], http["headers"], http["body"]} {
		s.references(v, `"`)
	}
	if name, ok := doc["env"].(string); ok {
		s.variable(name, "missing")
	}
	for _, v := range []any{doc["file"], http["ca_file"], http["cert_file"], http["key_file"]} {
		if name, ok := v.(string); ok && !strings.Contains(name, "$") {
			s.file(name)
		}
	}
	byName := func(a, b stated) int { return cmp.Compare(a.Name, b.Name) }
	slices.SortFunc(s.Variables, byName)
	slices.SortFunc(s.Files, byName)
	s.Document = json.RawMessage(strings.NewReplacer(s.mask...).Replace(string(text)))
	s.Masked = string(s.Document) != string(text)
	return s
}

func (s *tokenSource) variable(name, unset string) {
	v := stated{name, unset}
	if value, ok := os.LookupEnv(name); strings.TrimSpace(value) != "" {
		v.State = "set"
	} else if ok && unset == "missing" {
		v.State = "empty"
	}
	if !slices.ContainsFunc(s.Variables, func(other stated) bool { return other.Name == name }) {
		s.Variables = append(s.Variables, v)
	}
}

func (s *tokenSource) file(name string) {
	info, err := os.Stat(name)
	f := stated{name, "readable"}
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		f.State = "not a regular file"
	case info.Size() == 0:
		f.State = "empty"
	default:
		var file *os.File
		if file, err = os.Open(name); err == nil {
			file.Close()
		}
	}
	f.State = state(err, f.State)
	if !slices.Contains(s.Files, f) {
		s.Files = append(s.Files, f)
	}
}

// state is what err says of a file, or else otherwise.
func state(err error, otherwise string) string {
	var e *fs.PathError
	if errors.As(err, &e) {
		return e.Err.Error()
	}
	return otherwise
}

var (
	reference = regexp.MustCompile(`\$\$|\$\{env:(\w+)(:-[^${}]*)?\}|\$\{file:([^${}]+)\}|\$\{audience\}`)
	harmless  = regexp.MustCompile(`(?i)^\s*(bearer|basic|token|true|false|application/json)?\s*$`)
)

// references notes the variables and files that the templates in v refer to. If
// the document is to be masked, it masks what else they hold, where it stands
// behind the text before: none keeps it all.
func (s *tokenSource) references(v any, before string) {
	switch v := v.(type) {
	case map[string]any:
		for _, member := range v {
			s.references(member, before)
		}
	case []any:
		for _, element := range v {
			s.references(element, before)
		}
	case string:
		var masked strings.Builder
		add := func(literal string) {
			if !harmless.MatchString(literal) {
				literal = "…"
			}
			masked.WriteString(literal)
		}
		end := 0
		for _, m := range reference.FindAllStringSubmatchIndex(v, -1) {
			add(v[end:m[0]])
			end = m[1]
			switch {
			case m[4] >= 0:
				s.variable(v[m[2]:m[3]], "missing, and has a default")
				masked.WriteString(v[m[0] : m[4]+len(":-")])
				add(v[m[4]+len(":-") : m[5]])
				masked.WriteString("}")
				continue
			case m[2] >= 0:
				s.variable(v[m[2]:m[3]], "missing")
			case m[6] >= 0:
				s.file(v[m[6]:m[7]])
			}
			masked.WriteString(v[m[0]:m[1]])
		}
		add(v[end:])
		if s.Masked && before != "" {
			s.mask = append(s.mask, before+toJSON(v, "")[1:], before+toJSON(masked.String(), "")[1:])
		}
	}
}
