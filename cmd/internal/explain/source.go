package explain

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
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
}

// newTokenSource says of a web identity what is known without asking for a token.
func newTokenSource(c *contender) *tokenSource {
	s := &tokenSource{Setting: c.String()}
	if strings.HasSuffix(strings.ToLower(c.Name), "_file") {
		s.Value = c.webIdentity
		s.Files = []stated{fileState(c.webIdentity)}
		return s
	}
	d, err := tokensource.Describe(c.webIdentity)
	if err != nil {
		return s
	}
	s.Value = strings.TrimSpace(c.webIdentity)
	if d.Form == tokensource.FormDocument {
		s.Value = "a document in base64"
	}
	s.Document, s.Hint = d.Masked, d.Hint
	s.Masked = string(d.Masked) != string(d.Document)
	for _, v := range d.Variables {
		s.Variables = append(s.Variables, variableState(v))
	}
	for _, name := range d.Files {
		s.Files = append(s.Files, fileState(name))
	}
	return s
}

func variableState(v tokensource.Variable) stated {
	value, found := os.LookupEnv(v.Name)
	switch {
	case strings.TrimSpace(value) != "":
		return stated{v.Name, "set"}
	case v.HasDefault:
		return stated{v.Name, "missing, and has a default"}
	case found:
		return stated{v.Name, "empty"}
	}
	return stated{v.Name, "missing"}
}

func fileState(name string) stated {
	info, err := os.Stat(name)
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		return stated{name, "not a regular file"}
	case info.Size() == 0:
		return stated{name, "empty"}
	default:
		var file *os.File
		if file, err = os.Open(name); err == nil {
			file.Close()
		}
	}
	return stated{name, state(err, "readable")}
}

// state is what err says of a file, or else otherwise.
func state(err error, otherwise string) string {
	var e *fs.PathError
	if errors.As(err, &e) {
		return e.Err.Error()
	}
	return otherwise
}
