package tokensource_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/awstokenserver/config/tokensource"
)

// offline keeps a source from the network.
func offline(o *tokensource.Options) {
	o.Retryer = aws.NopRetryer{}
	o.Timeout = time.Second
	o.HTTPClient = clientFunc(func(*http.Request) (*http.Response, error) { return nil, errors.New("offline") })
}

func FuzzParse(f *testing.F) {
	for _, value := range []string{"GitHub", "GitHub,a,b", "github,a", "URL,TOKEN", "URL,TOKEN,a", "{}",
		"external_url,A",
		base64.StdEncoding.EncodeToString([]byte(`{"version": 1, "env": "A"}`)) + ",a"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		source, err := tokensource.Parse(value, offline)
		if err != nil {
			if !errors.Is(err, tokensource.ConfigInvalid) {
				t.Errorf("%T: %v", err, err)
			}
			return
		}
		if _, err := source.Token(t.Context()); err != nil && !errors.As(err, new(*tokensource.Error)) {
			t.Errorf("%T: %v", err, err)
		}
	})
}

func FuzzDocument(f *testing.F) {
	for _, doc := range []string{
		`{"version": 1, "env": "PATH"}`,
		`{"version": 1, "file": "/a/${audience}", "audience": "b"}`,
		`{"version": 1, "audience": "a", "http": {"url": "https://host/?a=${env:PATH}", "method": "POST",
			"headers": {"A": "$$"}, "query": {"b": "${audience}"}, "body": {"c": ["${audience}", 1e3, null, {"d": "${file:/e}"}]},
			"unix_socket": "", "ca_file": "", "cert_file": "/a", "key_file": "/b", "token": "/a~1/0"}, "hint": "h"}`,
		`{"version": 1, "about": "a", "file": "${env:TOKENSOURCE_TEST_MISSING:-/b}"}`,
	} {
		f.Add([]byte(doc), "audience")
		f.Add([]byte(doc), "")
	}
	f.Fuzz(func(t *testing.T, doc []byte, audience string) {
		source, err := tokensource.Document(doc, offline, useAudience(audience))
		if err != nil {
			if !errors.Is(err, tokensource.ConfigInvalid) {
				t.Errorf("%T: %v", err, err)
			}
			return
		}
		value := base64.StdEncoding.EncodeToString(doc)
		if _, err := tokensource.Parse(value); err == nil {
			wantRoundTrip(t, doc, value)
		}
		source.Token(t.Context())
	})
}
