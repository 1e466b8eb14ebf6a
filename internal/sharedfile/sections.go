package sharedfile

import (
	"bytes"
	"cmp"
	"hash/maphash"
	"slices"
	"strings"
)

// Upstream parses every section of every file, and a load needs few of them: the
// profile and what it names with source_profile, sso_session, and services. What
// is selected here may be more than that, but never less: both of upstream's
// readings of a line are followed wherever the line stands, and names are compared
// without the prefixes that upstream may remove.

const prefix = "profile "

// mostNames is how many names a selection follows. Above it, all sections are
// needed.
const mostNames = 64

// section is a section of a text, from its header to the next.
type section struct {
	name  string
	start int
	text  string
}

// needs are the names of what a load needs.
type needs struct {
	profiles []string // as upstream looks them up
	keys     []string // of sections
}

func (n *needs) addProfile(name string) {
	if !slices.Contains(n.profiles, name) {
		n.profiles = append(n.profiles, name)
		n.addSection(name)
	}
}

func (n *needs) addSection(name string) {
	if key := sectionKey(name); !slices.Contains(n.keys, key) {
		n.keys = append(n.keys, key)
	}
}

// sectionKey is what is the same in all names of sections that upstream may
// rename to one another: "profile a" to "a".
func sectionKey[T string | []byte](name T) T {
	for len(name) >= len(prefix) && string(name[:len(prefix)]) == prefix {
		name = name[len(prefix):]
	}
	return name
}

// selectSections finds the sections that a load of the profile needs, and the
// profiles among them. It reports whether these are all sections, since the names
// are too many to follow.
func selectSections(files []*file, profile string) (profiles []string, all bool) {
	indexes := make([]index, len(files))
	for i, f := range files {
		indexes[i] = newIndex(f.text)
	}
	needed := &needs{}
	needed.addProfile(profile)
	for n := 0; n < len(needed.keys); n++ {
		if len(needed.keys) > mostNames {
			for i, f := range files {
				f.sections = indexes[i].all(f.text)
			}
			return nil, true
		}
		key := needed.keys[n]
		for i, f := range files {
			found := len(f.sections)
			f.sections = indexes[i].appendKey(f.sections, f.text, key)
			for _, s := range f.sections[found:] {
				needed.follow(s.text)
			}
		}
	}
	for _, f := range files {
		slices.SortFunc(f.sections, func(a, b section) int { return cmp.Compare(a.start, b.start) })
	}
	return needed.profiles, false
}

// follow adds the names that upstream may find in the lines of a section.
func (n *needs) follow(text string) {
	for line := range strings.SplitSeq(text, "\n") {
		separator := strings.IndexAny(line, "=:")
		if separator < 0 {
			continue
		}
		var add func(name string)
		switch strings.ToLower(strings.TrimSpace(line[:separator])) {
		case "source_profile":
			add = n.addProfile
		case "sso_session":
			add = func(name string) { n.addSection("sso-session " + strings.TrimSpace(name)) }
		case "services":
			add = func(name string) { n.addSection("services " + name) }
		default:
			continue
		}
		for _, indented := range []bool{false, true} {
			if p, ok := parseProperty(line, indented); ok {
				add(p.value)
			}
		}
	}
}

// index is where the sections of a text begin, with hashes of their keys.
type index []struct{ start, hash uint32 }

var seed = maphash.MakeSeed()

func hashKey(key []byte) uint32 { return uint32(maphash.Bytes(seed, key)) }

func newIndex(text []byte) index {
	found := make(index, 0, 1+len(text)/64)
	for at := 0; ; {
		i := bytes.IndexByte(text[at:], '[')
		if i < 0 {
			return found
		}
		start := at + bytes.LastIndexByte(text[at:at+i], '\n') + 1
		end := lineEnd(text, at+i)
		if name, ok := sectionName(text[start:end]); ok {
			found = append(found, struct{ start, hash uint32 }{uint32(start), hashKey(sectionKey(name))})
		}
		at = end
	}
}

// appendKey appends the sections of a key.
func (x index) appendKey(sections []section, text []byte, key string) []section {
	hash := hashKey([]byte(key))
	for i := range x {
		if x[i].hash == hash {
			if s := x.section(text, i); sectionKey(s.name) == key {
				sections = append(sections, s)
			}
		}
	}
	return sections
}

func (x index) all(text []byte) []section {
	all := make([]section, len(x))
	for i := range x {
		all[i] = x.section(text, i)
	}
	return all
}

func (x index) section(text []byte, i int) section {
	start, end := int(x[i].start), len(text)
	if i+1 < len(x) {
		end = int(x[i+1].start)
	}
	name, _ := sectionName(text[start:lineEnd(text, start)])
	return section{string(name), start, string(text[start:end])}
}

// lineEnd returns where the line ends that at stands in.
func lineEnd(text []byte, at int) int {
	if i := bytes.IndexByte(text[at:], '\n'); i >= 0 {
		return at + i
	}
	return len(text)
}

// sectionName returns the name in a line "[name]": with one space between the
// type, which is up to the first space or tab, and the rest.
func sectionName(line []byte) (name []byte, ok bool) {
	line = bytes.TrimSpace(line)
	if len(line) == 0 || line[0] != '[' {
		return nil, false
	}
	if comment := bytes.IndexAny(line, "#;"); comment >= 0 {
		line = bytes.TrimSpace(line[:comment])
	}
	if line[len(line)-1] != ']' {
		return nil, false
	}
	name = bytes.TrimSpace(line[1 : len(line)-1])
	if i := bytes.IndexAny(name, " \t"); i >= 0 {
		rest := bytes.TrimLeft(name[i:], " \t")
		if name[i] == ' ' && len(rest) == len(name)-i-1 {
			return name, true
		}
		return slices.Concat(name[:i], []byte(" "), rest), true
	}
	return name, true
}
