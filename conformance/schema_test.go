package conformance

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/awstokenserver/config/internal/testenv"
	"github.com/awstokenserver/config/tokensource"
)

const documents = "../tokensource/"

// schema returns what a JSON Schema says of a text.
func schema(t testing.TB, file string) (validate func(text []byte) error) {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile(filepath.ToSlash(file))
	if err != nil {
		t.Fatal(err)
	}
	return func(text []byte) error {
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			return err
		}
		return schema.Validate(value)
	}
}

func TestCasesMatchTheSchema(t *testing.T) {
	t.Parallel()
	validate := schema(t, "case.schema.json")
	for _, c := range load(t) {
		if err := validate(c.text); err != nil {
			t.Errorf("%s: %v", c.ID, err)
		}
	}
}

// The schema of documents and the decoder have the same verdict.
func TestSchemaOfDocuments(t *testing.T) {
	t.Parallel()
	validate := schema(t, documents+"document.schema.json")
	for _, test := range testenv.Documents {
		if err := validate([]byte(test.JSON)); (err == nil) != (test.Want == "") {
			t.Errorf("%s: %v", test.JSON, err)
		}
	}
	for _, test := range testenv.BeyondSchema {
		if err := validate([]byte(test.JSON)); err != nil {
			t.Errorf("%s: the schema knows better than that %s: %v", test.JSON, test.Reason, err)
		}
	}
	for _, folder := range []string{"servers", "testdata/documents"} {
		files, _ := filepath.Glob(documents + folder + "/*.json")
		if len(files) == 0 {
			t.Errorf("no documents in %s", folder)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err == nil {
				err = validate(text)
			}
			if err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
}

// FuzzSchema looks for a document that the decoder accepts and the schema does not.
func FuzzSchema(f *testing.F) {
	for _, test := range testenv.Documents {
		f.Add([]byte(test.JSON))
	}
	validate := schema(f, documents+"document.schema.json")
	f.Fuzz(func(t *testing.T, doc []byte) {
		if len(doc) > 4096 {
			t.Skip("the schema's time is quadratic in the depth")
		}
		_, err := tokensource.Parse(base64.StdEncoding.EncodeToString(doc) + ",")
		if err != nil {
			return
		}
		if err := validate(doc); err != nil {
			t.Errorf("the decoder accepts what the schema does not: %s: %v", doc, err)
		}
	})
}
