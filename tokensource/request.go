package tokensource

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// call is a request with its templates expanded. It is sent once an attempt.
type call struct {
	source *source
	client aws.HTTPClient
	// foreign says that the client may follow redirects.
	foreign  bool
	url      *url.URL
	header   http.Header
	body     []byte
	secrets  []string
	attempts int
}

// fetch asks the token server for a token.
func (s *source) fetch(ctx context.Context) (string, error) {
	c, err := s.expand()
	if err != nil {
		return "", err
	}
	if c.client, c.foreign, err = s.client(); err != nil {
		return "", err
	}
	return s.retry(ctx, c.attempt)
}

func (s *source) expand() (*call, error) {
	q := s.doc.HTTP
	inURL := expansion{audience: strings.ReplaceAll(url.QueryEscape(s.audience), "+", "%20")}
	target, err := inURL.expand(q.URL)
	if err != nil {
		return nil, err
	}
	c := &call{source: s, header: http.Header{}}
	if c.url, err = parseURL(origin(q.URL), target, q.UnixSocket != ""); err != nil {
		return nil, err
	}
	query := c.url.Query()
	x := expansion{audience: s.audience, secrets: slices.Concat(inURL.secrets, []string{c.url.RawQuery}, slices.Concat(slices.Collect(maps.Values(query))...))}
	for _, segment := range strings.Split(c.url.Path, "/") {
		if len(segment) >= 16 { // shorter ones are words
			x.secrets = append(x.secrets, segment)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(q.Query)) {
		if t := q.Query[name]; !t.leftOut(s.audience) {
			value, err := x.expand(t)
			if err != nil {
				return nil, err
			}
			query.Set(name, value)
			c.url.RawQuery = query.Encode()
		}
	}
	if q.Body != nil {
		body, err := x.body(q.Body)
		if err != nil {
			return nil, err
		}
		if c.body, err = json.Marshal(body); err != nil {
			return nil, invalid("http.body: cannot be written as JSON")
		}
		c.header.Set("Content-Type", "application/json")
	}
	for _, name := range slices.Sorted(maps.Keys(q.Headers)) {
		if t := q.Headers[name]; !t.leftOut(s.audience) {
			value, err := x.expand(t)
			if err != nil {
				return nil, err
			}
			if strings.ContainsFunc(value, isControl) {
				return nil, invalid("%s: the value holds a control character", join("http.headers", name))
			}
			c.header.Set(name, value)
			// A document can hold a secret itself.
			for _, field := range strings.Fields(value) {
				if len(field) >= 8 && !t.has(audienceMention) {
					x.secrets = append(x.secrets, field)
				}
			}
		}
	}
	c.secrets = x.secrets
	return c, nil
}

// body expands the templates in v, and leaves out what an empty audience leaves
// out.
func (x *expansion) body(v any) (any, error) {
	leftOut := func(v any) bool {
		t, isTemplate := v.(template)
		return isTemplate && t.leftOut(x.audience)
	}
	switch v := v.(type) {
	case template:
		return x.expand(v)
	case map[string]any:
		members := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if leftOut(v[name]) {
				continue
			}
			member, err := x.body(v[name])
			if err != nil {
				return nil, err
			}
			members[name] = member
		}
		return members, nil
	case []any:
		elements := []any{}
		for _, element := range v {
			if leftOut(element) {
				continue
			}
			element, err := x.body(element)
			if err != nil {
				return nil, err
			}
			elements = append(elements, element)
		}
		return elements, nil
	}
	return v, nil
}

// isControl reports whether a header value cannot hold r (RFC 9110, 5.5).
func isControl(r rune) bool { return r < 0x20 && r != '\t' || r == 0x7f }
