package tokensource

import (
	"embed"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"unicode"
)

// A named server is a document in the folder servers: adding one is adding a
// file and its test.
//
//go:embed servers/*.json
var documents embed.FS

// A server has either a document, decoded when it is first used, or a function.
type server struct {
	name      string
	doc       func() (*document, error)
	newSource func(audience string) (TokenSource, error)
}

var registry struct {
	sync.RWMutex
	once    sync.Once
	servers map[string]server // by folded name
}

// known returns the registry's servers. The caller holds its lock.
func known() map[string]server {
	registry.once.Do(func() { registry.servers = embedded() })
	return registry.servers
}

func embedded() map[string]server {
	servers := map[string]server{}
	files, _ := documents.ReadDir("servers")
	for _, file := range files {
		name := strings.TrimSuffix(file.Name(), ".json")
		servers[fold(name)] = server{name: name, doc: sync.OnceValues(func() (*document, error) {
			text, _ := documents.ReadFile("servers/" + file.Name())
			return decode(text)
		})}
	}
	return servers
}

// fold maps a name and its near misses to one text.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}

// lookUp finds the server that name is the name, or a near miss of the name, of.
func lookUp(name string) (server, bool) {
	registry.RLock()
	defer registry.RUnlock()
	s, found := known()[fold(name)]
	return s, found
}

func names() []string {
	registry.RLock()
	defer registry.RUnlock()
	var names []string
	for s := range maps.Values(known()) {
		names = append(names, s.name)
	}
	slices.Sort(names)
	return names
}

// Server describes a named server: see [Servers].
type Server struct {
	// Name is what [Parse] takes, in its exact spelling.
	Name string

	// About says, for people, what the server is, where its vendor documents
	// it, and what of that is not confirmed. It is empty for a server that an
	// application registered.
	About string

	// Audience is the default audience. It is empty where there is none, and
	// for a server that an application registered.
	Audience string

	// Variables are the names of the variables that the server's document
	// reads, sorted and each once. It is nil for a
	// server that reads none, and for one that an application registered.
	Variables []string
}

// Servers returns the named servers, those that an application registered
// included, sorted by name. It reads neither variables nor files, and is safe
// for concurrent use.
func Servers() []Server {
	var servers []Server
	for _, name := range names() {
		named, _ := lookUp(name)
		s := Server{Name: name}
		if named.newSource == nil {
			if doc, err := named.doc(); err == nil {
				s.About = doc.About
				s.Variables = slices.Sorted(maps.Keys(doc.variables))
				if doc.Audience != nil {
					s.Audience = *doc.Audience
				}
			}
		}
		servers = append(servers, s)
	}
	return servers
}

var serverName = lazyRegexp(`^[A-Za-z][A-Za-z0-9._-]*$`)

// Register adds an application's own token server to the names that [Parse]
// knows. A name is a letter and then letters, digits, dots, dashes and
// underscores; one that is known already, or that differs from a known one in
// case and punctuation alone, is an error of class [ConfigInvalid].
//
// Parse calls newSource with the audience of the value, or "" where it names
// none, and returns its error. Register is safe for concurrent use, and takes
// effect for the calls of Parse that follow it; a name is never unregistered.
func Register(name string, newSource func(audience string) (TokenSource, error)) error {
	if !serverName().MatchString(name) {
		return invalid("%s cannot be the name of a token server: it must match %s", shown(name), serverName())
	}
	if newSource == nil {
		return invalid("the token server %s has no function", name)
	}
	registry.Lock()
	defer registry.Unlock()
	if other, found := known()[fold(name)]; found {
		return invalid("the token server %s cannot be registered beside %s", name, other.name)
	}
	known()[fold(name)] = server{name: name, newSource: func(audience string) (TokenSource, error) {
		source, err := newSource(audience)
		if err == nil && source == nil {
			err = errors.New("no source")
		}
		if err == nil || errors.As(err, new(*Error)) {
			return source, err
		}
		return nil, &Error{Class: ConfigInvalid, Problem: "the token server " + name, Err: err}
	}}
	return nil
}
