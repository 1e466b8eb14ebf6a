package tokensource_test

import (
	"encoding/base64"
	"os"
	"strings"
	"testing"

	"github.com/awstokenserver/config/internal/testenv"
	"github.com/awstokenserver/config/tokensource"
)

func TestDocument(t *testing.T) {
	t.Parallel()
	for _, test := range testenv.Documents {
		t.Run(test.JSON, func(t *testing.T) {
			_, err := tokensource.Document([]byte(test.JSON))
			if test.Want != "" {
				wantError(t, err, tokensource.ConfigInvalid, "the token server of the document: ", test.Want)
			} else if err != nil {
				t.Error(err)
			} else {
				wantRoundTrip(t, []byte(test.JSON), base64.StdEncoding.EncodeToString([]byte(test.JSON)))
			}
		})
	}
	for _, test := range testenv.BeyondSchema {
		t.Run(test.JSON, func(t *testing.T) {
			_, err := tokensource.Document([]byte(test.JSON))
			wantError(t, err, tokensource.ConfigInvalid, test.Want)
		})
	}
}

// TestNamedServers opens every document in servers.
func TestNamedServers(t *testing.T) {
	t.Parallel()
	files, err := os.ReadDir("servers")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name, isJSON := strings.CutSuffix(file.Name(), ".json")
		if !isJSON {
			t.Errorf("%s is not embedded", file.Name())
		}
		if _, err := tokensource.Parse(name); err != nil && !strings.Contains(err.Error(), "it needs an audience") {
			t.Error(err)
		}
	}
}
