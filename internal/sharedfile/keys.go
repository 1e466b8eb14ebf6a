package sharedfile

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
)

const (
	serverKey = "web_identity_token_server"
	fileKey   = "web_identity_token_file"

	// unusedKey takes the place of fileKey in a line that must not give upstream
	// a token file. It is unknown to upstream, and leaves what is nested under the
	// line or continues it where it was.
	unusedKey = "web_identity_token_file_unused"

	// mark begins a token file that stands for a token server.
	mark = serverKey + ":"

	// markBoth begins the token file of a profile that names both.
	markBoth = mark + "\x00"
)

// TokenServer returns the token server that a WebIdentityTokenFile of upstream's
// SharedConfig stands for, and whether it stands for one.
func TokenServer(tokenFile string) (value string, ok bool) {
	if value, ok = strings.CutPrefix(tokenFile, mark); !ok {
		return "", false
	}
	return value, true
}

// TokenFile returns the WebIdentityTokenFile that stands for a token server.
func TokenFile(server string) string { return mark + server }

// keyLine is a line that gives a profile one of the two keys.
type keyLine struct {
	file      *file
	start     int // in the text of the file
	text      string
	separator int    // in the line, after the key
	value     string // as upstream reads it, without lines that continue it
}

// indent is what the line begins with: an indented line stays one.
func (l keyLine) indent() string { return l.text[:len(l.text)-len(strings.TrimLeft(l.text, " \t"))] }

// tokenKeys are the lines of a profile that give it the two keys, in the order of
// upstream's precedence: the last one counts.
type tokenKeys struct{ server, file []keyLine }

func (k *tokenKeys) namesServer() bool  { return lastValue(k.server) != "" }
func (k *tokenKeys) serverFile() string { return k.server[len(k.server)-1].file.name }
func (k *tokenKeys) fileFile() string   { return k.file[len(k.file)-1].file.name }
func (k *tokenKeys) namesBoth() bool    { return k.namesServer() && lastValue(k.file) != "" }

// lastValue returns the value that counts. An empty value is no value.
func lastValue(lines []keyLine) string {
	if len(lines) == 0 {
		return ""
	}
	return lines[len(lines)-1].value
}

// edit replaces a part of a text.
type edit struct {
	start, end int
	text       string
}

// edit makes upstream see a token file with the mark where the profile names a
// token server. The line that counts becomes that token file. All others of the
// profile keep their values, and become or stay keys that upstream does not know.
// (A further credentials file that only adds the mark would not do: upstream drops
// the errors of a section that a later file adds to.)
func (k *tokenKeys) edit() {
	for _, l := range k.file {
		l.file.edits = append(l.file.edits, edit{l.start + len(l.indent()), l.start + l.separator, unusedKey})
	}
	l := k.server[len(k.server)-1]
	value := mark + l.value
	if k.namesBoth() {
		value = markBoth
	}
	// In quotes, upstream reads the value as it is.
	l.file.edits = append(l.file.edits,
		edit{l.start, l.start + len(l.text), l.indent() + fileKey + ` = "` + value + `"`})
}

// findKeys finds the lines of the profiles that give them one of the keys.
func findKeys(files []*file, needed func(profile string) bool) map[string]*tokenKeys {
	found := make(map[string]*tokenKeys)
	eachProfile(files, func(f *file, s section, profile string) {
		if !needed(profile) {
			return
		}
		keys := found[profile]
		if keys == nil {
			keys = &tokenKeys{}
			found[profile] = keys
		}
		s.eachKey(f, func(l keyLine, key string) {
			switch key {
			case serverKey:
				keys.server = append(keys.server, l)
			case fileKey:
				keys.file = append(keys.file, l)
			}
		})
	})
	return found
}

// eachProfile calls found with the sections that are of a profile.
func eachProfile(files []*file, found func(f *file, s section, profile string)) {
	names := configNames{}
	for _, f := range files {
		for _, s := range f.sections {
			if !f.credentials {
				names[s.name] = struct{}{}
			}
		}
	}
	for _, f := range files {
		for _, s := range f.sections {
			profile, ok := names.profile(s.name)
			if f.credentials {
				profile, ok = s.name, !strings.HasPrefix(s.name, prefix)
			}
			if ok {
				found(f, s, profile)
			}
		}
	}
}

// eachKey calls found with the lines of a section that give it a key. It follows
// upstream in what is nested, and therefore not a key of the section: an indented line
// with a key of its own, after a key without a value.
func (s section) eachKey(f *file, found func(l keyLine, key string)) {
	var open, empty bool // a key is there that a line may be nested under, and has no value
	start := s.start
	for line := range strings.SplitSeq(s.text, "\n") {
		at := start
		start += len(line) + 1
		if at == s.start || strings.TrimSpace(line) == "" || isComment(line) {
			continue // the header, or nothing
		}
		indented := line[0] == ' ' || line[0] == '\t'
		p, ok := parseProperty(line, indented)
		if !ok || indented && open && empty {
			continue
		}
		open, empty = p.key != "", p.value == ""
		found(keyLine{f, at, line, p.separator, p.value}, p.key)
	}
}

// configNames are the names of sections in shared config files.
type configNames map[string]struct{}

// profile returns the profile that upstream makes of a section, if any. It goes
// through the names in their order and removes the prefix "profile " of each; the
// section takes the place of one that has the new name, and if that one comes later,
// it is passed over.
func (n configNames) profile(section string) (string, bool) {
	if n.loses(section) {
		return strings.TrimPrefix(section, prefix), true
	}
	kept := strings.EqualFold(section, "default") ||
		strings.HasPrefix(section, "sso-session ") || strings.HasPrefix(section, "services ")
	return section, kept && !n.loses(prefix+section)
}

// loses reports whether a section is there and loses the prefix "profile ".
func (n configNames) loses(section string) bool {
	_, ok := n[section]
	if !ok || !strings.HasPrefix(section, prefix) {
		return false
	}
	before := prefix + section
	return before > section || !n.loses(before)
}

// property is a line "key = value".
type property struct {
	key, value string
	separator  int // where it stands in the line
}

// parseProperty splits a line at its first "=" or ":". Comments go before quotes,
// but in an indented line after them.
func parseProperty(line string, indented bool) (p property, ok bool) {
	if !indented {
		line = withoutComment(line)
	}
	p.separator = strings.IndexAny(line, "=:")
	if p.separator < 0 {
		return property{}, false
	}
	p.key = strings.ToLower(strings.TrimSpace(line[:p.separator]))
	p.value = strings.TrimSpace(line[p.separator+1:])
	if n := len(p.value); n > 1 && p.value[0] == p.value[n-1] && (p.value[0] == '"' || p.value[0] == '\'') {
		p.value = p.value[1 : n-1]
	}
	if indented {
		p.value = strings.TrimSpace(withoutComment(p.value))
	}
	return p, true
}

func isComment(line string) bool {
	line = strings.TrimLeft(line, " \t")
	return strings.HasPrefix(line, "#") || strings.HasPrefix(line, ";")
}

// withoutComment cuts a line at the first "#" or ";" that follows a space or tab.
func withoutComment(line string) string {
	for i := 1; i < len(line); i++ {
		if (line[i] == '#' || line[i] == ';') && (line[i-1] == ' ' || line[i-1] == '\t') {
			return line[:i-1]
		}
	}
	return line
}

// mentionsKey reports whether a text may hold the key web_identity_token_server.
func mentionsKey(text []byte) bool {
	return bytes.Contains(bytes.ToLower(text), []byte(serverKey))
}

// render returns what upstream is shown of the file: the sections that the load
// needs, or the whole text, with the edits. It reports whether that differs from
// the text.
func (f *file) render(whole bool) (text []byte, changed bool) {
	size := 0
	for _, s := range f.sections {
		size += len(s.text)
	}
	if whole {
		size = len(f.text)
	}
	if size == len(f.text) && len(f.edits) == 0 {
		return f.text, false
	}
	slices.SortFunc(f.edits, func(a, b edit) int { return cmp.Compare(a.start, b.start) })
	text = make([]byte, 0, size+len(f.edits)*len(mark+unusedKey))
	edits := f.edits
	add := func(start, end int) {
		for len(edits) > 0 && edits[0].start < end {
			text = append(text, f.text[start:edits[0].start]...)
			text = append(text, edits[0].text...)
			start = edits[0].end
			edits = edits[1:]
		}
		text = append(text, f.text[start:end]...)
	}
	if whole {
		add(0, size)
		return text, true
	}
	for _, s := range f.sections {
		add(s.start, s.start+len(s.text))
	}
	return text, true
}
