package tokensource

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
)

// Explain returns the document that a value stands for, be it a name, a pair of
// variables or a document in base64, as indented JSON that ends in a line break.
// Its members are in a fixed order, members that are unset are left out, and
// its audience is the one that the value names: "" for a value that ends in a
// comma. [Document] takes it and makes the source that Parse makes of the value.
//
// A document may hold a secret, and then so does what Explain returns.
//
// Explain does no I/O, is safe for concurrent use, and fails as [Parse] does,
// and with [ConfigInvalid] for a server that an application registered: that is
// made by a function, and no document stands for it.
func Explain(value string) ([]byte, error) {
	parsed, err := parse(value, nil, true)
	if err != nil {
		return nil, err
	}
	s := parsed.(*source)
	doc := *s.doc
	doc.Audience = cmp.Or(s.options.Audience, doc.Audience)
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err = encoder.Encode(doc)
	return text.Bytes(), err
}

// Server describes a named server: see [Servers].
type Server struct {
	// Name is what [Parse] takes, in its exact spelling.
	Name string

	// About says, for people, what the server is, where its vendor documents
	// it, and what of that is not confirmed. It is empty for a server that an
	// application registered.
	About string

	// Audience is the default audience. It is empty where there is none, and
	// for a server that an application registered.
	Audience string

	// Variables are the names of the variables that the server's document
	// reads, sorted and each once. It is nil for a
	// server that reads none, and for one that an application registered.
	Variables []string
}

// Servers returns the named servers, those that an application registered
// included, sorted by name. It reads neither variables nor files, and is safe
// for concurrent use.
func Servers() []Server {
	var servers []Server
	for _, name := range names() {
		known, _ := lookUp(name)
		s := Server{Name: name}
		if known.newSource == nil {
			if doc, err := known.doc(); err == nil {
				s.About, s.Variables = doc.About, slices.Clone(doc.variables)
				if doc.Audience != nil {
					s.Audience = *doc.Audience
				}
			}
		}
		servers = append(servers, s)
	}
	return servers
}
