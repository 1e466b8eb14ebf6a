package config

import (
	"bytes"
	"strings"
)

// keyLine is a line of a shared config file that gives a profile one of the
// keys web_identity_token_server and web_identity_token_file.
type keyLine struct {
	start, end int // where the line stands in the text, without its line break
	section    string
	profile    string // that the section is
	server     bool
	value      string
}

// scan finds the lines of text in which upstream's parser finds one of the keys
// in a profile. profileOf tells which profile a section is, if any.
func scan(text string, profileOf func(section string) (string, bool)) []keyLine {
	var (
		found     = make([]keyLine, 0, len(text)/100) // about what a profile with a role takes
		section   string
		profile   string
		isProfile bool
		lastKey   string // the key that an indented line may belong to
		lastEmpty bool   // whether that key's value is empty
	)
	for start, end := 0, 0; start < len(text); start = end + 1 {
		end = len(text)
		if i := strings.IndexByte(text[start:], '\n'); i >= 0 {
			end = start + i
		}
		line := text[start:end]
		trimmed := strings.TrimSpace(line)
		if trimmed == "" {
			continue
		}
		if trimmed[0] == '[' {
			if name, ok := sectionName(line); ok {
				section, lastKey = name, ""
				profile, isProfile = profileOf(section)
				continue
			}
		}
		indented := line[0] == ' ' || line[0] == '\t'
		if section == "" || isComment(line) {
			continue
		}
		if indented && lastKey != "" && lastEmpty {
			continue // a sub-property or continuation of lastKey
		}
		key, value, ok := property(line, indented)
		if !ok {
			continue
		}
		lastKey, lastEmpty = key, value == ""
		if isProfile && (key == tokenServerKey || key == tokenFileKey) {
			found = append(found, keyLine{start, end, section, profile, key == tokenServerKey, value})
		}
	}
	return found
}

func isComment(line string) bool {
	line = strings.TrimLeft(line, " \t")
	return strings.HasPrefix(line, "#") || strings.HasPrefix(line, ";")
}

// sectionName returns the name in a line "[name]", with one blank between the
// two words of it.
func sectionName(line string) (string, bool) {
	line, _, _ = strings.Cut(line, "#")
	line, _, _ = strings.Cut(line, ";")
	line = strings.TrimSpace(line)
	if !strings.HasPrefix(line, "[") || !strings.HasSuffix(line, "]") {
		return "", false
	}
	line = strings.TrimSpace(line[1 : len(line)-1])
	kind, name, ok := strings.Cut(line, " ")
	if tab := strings.IndexByte(kind, '\t'); tab >= 0 {
		kind, name, ok = line[:tab], line[tab+1:], true
	}
	if !ok || name[0] != ' ' && name[0] != '\t' && line[len(kind)] == ' ' {
		return line, true
	}
	return kind + " " + strings.TrimLeft(name, " \t"), true
}

// property splits a line at its first "=" or ":". Comments go before quotes,
// but in an indented line after them.
func property(line string, indented bool) (key, value string, ok bool) {
	if !indented {
		line = withoutComment(line)
	}
	i := strings.IndexByte(line, '=')
	if colon := strings.IndexByte(line, ':'); i < 0 || colon >= 0 && colon < i {
		i = colon
	}
	if i < 0 {
		return "", "", false
	}
	key = strings.ToLower(strings.TrimSpace(line[:i]))
	value = strings.TrimSpace(line[i+1:])
	if n := len(value); n > 1 && value[0] == value[n-1] && (value[0] == '"' || value[0] == '\'') {
		value = value[1 : n-1]
	}
	if indented {
		value = strings.TrimSpace(withoutComment(value))
	}
	return key, value, true
}

// withoutComment cuts a line at the first "#" or ";" after a blank.
func withoutComment(line string) string {
	if strings.IndexByte(line, '#') < 0 && strings.IndexByte(line, ';') < 0 {
		return line
	}
	for i := 1; i < len(line); i++ {
		if (line[i] == '#' || line[i] == ';') && (line[i-1] == ' ' || line[i-1] == '\t') {
			return line[:i-1]
		}
	}
	return line
}

// credentialsProfile returns the profile that a section of a shared credentials
// file is.
func credentialsProfile(section string) (string, bool) {
	return section, !strings.HasPrefix(section, "profile ")
}

// mentionsKey reports whether text may hold the key web_identity_token_server.
// It is quick where the answer is no: few lines of a config file hold a "v".
func mentionsKey(text []byte) bool {
	const before, after = len("web_identity_token_ser"), len("ver")
	for _, v := range []byte("vV") {
		for i := 0; ; i++ {
			next := bytes.IndexByte(text[i:], v)
			if next < 0 {
				break
			}
			i += next
			if i+1 < len(text) && text[i+1]|0x20 == 'e' {
				// Some letters that fold to ASCII are up to two bytes longer.
				around := text[max(0, i-before-6):min(len(text), i+after)]
				if bytes.Contains(bytes.ToLower(around), []byte(tokenServerKey)) {
					return true
				}
			}
		}
	}
	return false
}
