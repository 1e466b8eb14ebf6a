package tokensource

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
)

// Description is what a value says: see [Describe].
type Description struct {
	// Form is how the value names the token server.
	Form Form

	// Name is the named server's, and empty in the other forms.
	Name string

	// Document is what [Document] takes to make the source that [Parse] makes of
	// the value: indented JSON that ends in a line break, with its members in a
	// fixed order, those that are unset left out, and the audience that the value
	// names ("" for a value that ends in a comma). It may hold a secret. It is nil
	// for a server that an application registered.
	Document []byte

	// Masked is Document with "…" in place of what may be a secret. Nothing is
	// masked in the forms whose document is not the user's.
	Masked []byte

	// Variables are what the document reads, sorted by name.
	Variables []Variable

	// Files are the names of the files that the document reads, sorted, but for
	// one whose name refers to a variable or the audience.
	Files []string

	// Hint is the document's. It may be empty.
	Hint string
}

// Variable is a variable that a document reads.
type Variable struct {
	Name string

	// HasDefault reports whether every reference to it has a default.
	HasDefault bool
}

// Describe returns what a value of web_identity_token_server says. It does no I/O,
// is safe for concurrent use, and fails as [Parse] does.
func Describe(value string) (Description, error) {
	n, err := parse(value)
	if err != nil {
		return Description{}, err
	}
	d := Description{Form: n.form}
	if n.form == FormName {
		d.Name = n.name
	}
	if n.newSource != nil {
		return d, nil
	}
	if _, err := n.open(nil); err != nil {
		return Description{}, err
	}
	doc := *n.doc
	if n.audience != nil {
		doc.Audience = n.audience
	}
	d.Document = doc.json()
	d.Masked = d.Document
	if n.form == FormDocument {
		d.Masked = doc.masked().json()
	}
	for _, name := range slices.Sorted(maps.Keys(doc.variables)) {
		d.Variables = append(d.Variables, Variable{name, doc.variables[name]})
	}
	d.Files, d.Hint = slices.Compact(slices.Sorted(slices.Values(doc.files))), doc.Hint
	return d, nil
}

func (d document) json() []byte {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	encoder.Encode(d)
	return text.Bytes()
}
