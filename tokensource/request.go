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
	if c.client, c.foreign, err = s.client(c.url); err != nil {
		return "", err
	}
	return s.retry(ctx, c.attempt)
}

func (s *source) expand() (*call, error) {
	c := &call{source: s, header: http.Header{}}
	x := &expansion{audience: s.audience}
	for _, expand := range []func(*request, *expansion) error{c.expandURL, c.expandQuery, c.expandBody, c.expandForm,
		c.expandHeaders} {
		if err := expand(s.doc.HTTP, x); err != nil {
			return nil, err
		}
	}
	c.secrets = x.secrets
	return c, nil
}

func (c *call) expandURL(q *request, x *expansion) error {
	inURL := expansion{audience: strings.ReplaceAll(url.QueryEscape(x.audience), "+", "%20")}
	target, err := inURL.expand(q.URL)
	if err != nil {
		return err
	}
	if c.url, err = parseURL(origin(q.URL), target, q.UnixSocket != ""); err != nil {
		return err
	}
	x.secrets = inURL.secrets
	for _, values := range c.url.Query() {
		x.sends(values...)
	}
	for _, segment := range strings.Split(c.url.Path, "/") {
		if len(segment) > longestWord {
			x.secrets = append(x.secrets, segment)
		}
	}
	return nil
}

// expandQuery leaves every byte of the URL's own query as it is, but for the parameters
// whose place it takes.
func (c *call) expandQuery(q *request, x *expansion) error {
	set, err := x.all(q.Query)
	if err != nil || len(set) == 0 {
		return err
	}
	var query []string
	if c.url.RawQuery != "" {
		query = slices.DeleteFunc(strings.Split(c.url.RawQuery, "&"), func(parameter string) bool {
			name, _, _ := strings.Cut(parameter, "=")
			name, err := url.QueryUnescape(name)
			return err == nil && set.Has(name)
		})
	}
	c.url.RawQuery = strings.Join(append(query, set.Encode()), "&")
	return nil
}

// all expands what an empty audience does not leave out.
func (x *expansion) all(templates map[string]template) (url.Values, error) {
	values := url.Values{}
	for _, name := range slices.Sorted(maps.Keys(templates)) {
		if t := templates[name]; !t.leftOut(x.audience) {
			value, err := x.expand(t)
			if err != nil {
				return nil, err
			}
			x.sends(value)
			values.Set(name, value)
		}
	}
	return values, nil
}

func (c *call) expandBody(q *request, x *expansion) error {
	if q.Body == nil {
		return nil
	}
	body, err := x.body(q.Body)
	if err != nil {
		return err
	}
	if c.body, err = json.Marshal(body); err != nil {
		return invalid("http.body: cannot be written as JSON")
	}
	c.header.Set("Content-Type", "application/json")
	return nil
}

func (c *call) expandForm(q *request, x *expansion) error {
	if q.Form == nil {
		return nil
	}
	form, err := x.all(q.Form)
	c.body = []byte(form.Encode())
	c.header.Set("Content-Type", "application/x-www-form-urlencoded")
	return err
}

func (c *call) expandHeaders(q *request, x *expansion) error {
	c.header.Set("Accept-Encoding", "identity")
	for _, name := range slices.Sorted(maps.Keys(q.Headers)) {
		t := q.Headers[name]
		if t.leftOut(x.audience) {
			continue
		}
		value, err := x.expand(t)
		if err != nil {
			return err
		}
		if strings.ContainsFunc(value, isControl) {
			return invalid("%s: the value holds a control character", join("http.headers", name))
		}
		c.header.Set(name, value)
		if _, credentials, found := strings.Cut(value, " "); found && strings.EqualFold(name, "Authorization") {
			value = credentials // without the scheme
		}
		x.sends(value)
	}
	return nil
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
		text, err := x.expand(v)
		x.sends(text)
		return text, err
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
