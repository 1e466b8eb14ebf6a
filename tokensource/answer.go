package tokensource

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// extract returns the token in the body of a successful answer, or says what is
// wrong with that response, and repeats nothing of it.
func extract(body []byte, pointer string) (token, problem string) {
	switch {
	case len(body) > maxRead:
		return "", "answered with more than 64 KiB"
	case len(bytes.TrimSpace(body)) == 0:
		return "", "answered with an empty body"
	case pointer == "":
		return string(body), ""
	}
	where := join("", pointer)
	var answer any
	if json.Unmarshal(body, &answer) != nil {
		return "", fmt.Sprintf("answered with something that is not JSON, and so without the token at %s", where)
	}
	value, found := at(answer, pointer)
	if !found {
		return "", fmt.Sprintf("answered with JSON that has nothing at %s", where)
	}
	token, isString := value.(string)
	if !isString {
		return "", fmt.Sprintf("answered with JSON that has no string at %s", where)
	}
	return token, ""
}

var (
	unescape   = strings.NewReplacer("~1", "/", "~0", "~")
	arrayIndex = regexp.MustCompile(`^(0|[1-9][0-9]*)$`)
)

// at evaluates a JSON Pointer (RFC 6901).
func at(value any, pointer string) (any, bool) {
	for _, step := range strings.Split(pointer[1:], "/") {
		step = unescape.Replace(step)
		switch v := value.(type) {
		case map[string]any:
			member, found := v[step]
			if !found {
				return nil, false
			}
			value = member
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || !arrayIndex.MatchString(step) || i >= len(v) {
				return nil, false
			}
			value = v[i]
		default:
			return nil, false
		}
	}
	return value, true
}

// quote is the beginning of the body of a failed answer, for an error.
func (c *call) quote(body []byte) string {
	if text := c.excerpt(string(body)); text != "" {
		return fmt.Sprintf(": %q", text)
	}
	return ""
}

// excerpt is the beginning of a text of the token server, without secrets.
func (c *call) excerpt(text string) string {
	text = strings.TrimSpace(c.blot(strings.ToValidUTF8(text, "\uFFFD")))
	if len(text) > 256 {
		text = strings.ToValidUTF8(text[:256], "")
	}
	return text
}

var jwt = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{5,}(\.[A-Za-z0-9_-]*)*`)

// blot replaces the secrets of the request, and what looks like a token.
func (c *call) blot(text string) string {
	longestFirst := func(a, b string) int { return len(b) - len(a) }
	for _, secret := range slices.SortedFunc(slices.Values(c.secrets), longestFirst) {
		if len(secret) < 4 {
			continue
		}
		quoted := strings.Trim(strconv.Quote(secret), `"`)
		inJSON, _ := json.Marshal(secret)
		for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret), quoted, strings.Trim(string(inJSON), `"`)} {
			text = strings.ReplaceAll(text, form, redacted)
		}
	}
	return jwt.ReplaceAllString(text, redacted)
}
