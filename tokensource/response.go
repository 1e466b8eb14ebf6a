package tokensource

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// extract returns the token in the body of a successful response, or says what is
// wrong with that response, and repeats nothing of it.
func extract(body []byte, pointer string) (token, problem string) {
	switch {
	case len(body) > maxRead:
		return "", "responded with more than 64 KiB"
	case len(bytes.TrimSpace(body)) == 0:
		return "", "responded with an empty body"
	case pointer == "":
		return string(body), ""
	}
	where := join("", pointer)
	var response any
	if json.Unmarshal(body, &response) != nil {
		return "", fmt.Sprintf("responded with something that is not JSON, and so without the token at %s", where)
	}
	value, found := at(response, pointer)
	if !found {
		return "", fmt.Sprintf("responded with JSON that has nothing at %s", where)
	}
	token, isString := value.(string)
	if !isString {
		return "", fmt.Sprintf("responded with JSON that has no string at %s", where)
	}
	return token, ""
}

var (
	unescape   = strings.NewReplacer("~1", "/", "~0", "~")
	arrayIndex = lazyRegexp(`^(0|[1-9][0-9]*)$`)
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
			if err != nil || !arrayIndex().MatchString(step) || i >= len(v) {
				return nil, false
			}
			value = v[i]
		default:
			return nil, false
		}
	}
	return value, true
}
