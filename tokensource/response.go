package tokensource

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// extract returns the token in the body of a successful response, or says what is
// wrong with that response, and repeats nothing of it.
func extract(body []byte, pointer string) (token, problem string) {
	tooLong := len(body) > maxRead
	body = bytes.TrimPrefix(body, []byte("\uFEFF"))
	switch {
	case tooLong:
		return "", "responded with more than 64 KiB"
	case !utf8.Valid(body):
		return "", "responded with something that is not UTF-8"
	case len(bytes.Trim(body, blanks)) == 0:
		return "", "responded with an empty body"
	case pointer == "":
		return string(body), ""
	}
	where := join("", pointer)
	if !json.Valid(body) {
		return "", fmt.Sprintf("responded with something that is not JSON, and so without the token at %s", where)
	}
	value, problem := at(body, pointer)
	if problem != "" {
		return "", fmt.Sprintf("responded with JSON that has %s at %s", problem, where)
	}
	if json.Unmarshal(value, &token) != nil || value[0] != '"' {
		return "", fmt.Sprintf("responded with JSON that has no string at %s", where)
	}
	return token, ""
}

var (
	unescape   = strings.NewReplacer("~1", "/", "~0", "~")
	arrayIndex = lazyRegexp(`^(0|[1-9][0-9]*)$`)
)

// at evaluates a JSON Pointer (RFC 6901), or says what is not there.
func at(value json.RawMessage, pointer string) (_ json.RawMessage, problem string) {
	for step := range strings.SplitSeq(pointer[1:], "/") {
		step = unescape.Replace(step)
		var members []json.RawMessage
		switch value = bytes.TrimSpace(value); value[0] {
		case '{':
			members = membersOf(value, step)
		case '[':
			json.Unmarshal(value, &members)
			i, err := strconv.Atoi(step)
			if err != nil || !arrayIndex().MatchString(step) || i >= len(members) {
				return nil, "nothing"
			}
			members = members[i : i+1]
		}
		switch len(members) {
		case 0:
			return nil, "nothing"
		case 1:
			value = bytes.TrimSpace(members[0])
		default:
			return nil, "a member twice"
		}
	}
	return value, ""
}

// membersOf returns the members of a JSON object that have a name.
func membersOf(object json.RawMessage, name string) []json.RawMessage {
	var members []json.RawMessage
	decoder := json.NewDecoder(bytes.NewReader(object))
	decoder.Token() // the brace
	for decoder.More() {
		key, _ := decoder.Token()
		var member json.RawMessage
		if decoder.Decode(&member); key == name {
			members = append(members, member)
		}
	}
	return members
}
