package tokensource

import (
	"embed"
	"fmt"
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

var registry = struct {
	sync.RWMutex
	servers map[string]server // by folded name
}{servers: embedded()}

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

func (s server) open(optFns []func(*Options)) (TokenSource, error) {
	doc, err := s.doc()
	return open(s.name, doc, err, optFns)
}

// lookUp finds the server that name is the name, or a near miss of the name, of.
func lookUp(name string) (server, bool) {
	registry.RLock()
	defer registry.RUnlock()
	s, found := registry.servers[fold(name)]
	return s, found
}

func names() []string {
	registry.RLock()
	defer registry.RUnlock()
	var names []string
	for s := range maps.Values(registry.servers) {
		names = append(names, s.name)
	}
	slices.Sort(names)
	return names
}

const pairDocument = `{
	"version": 1,
	"http": {
		"url": "${env:%s}",
		"headers": {"Authorization": "Bearer ${env:%s}"},
		"query": {"audience": "${audience}"},
		"token": "/value"
	}
}`

// EnvPair is the source of a token server with GitHub's contract under other
// variables: a GET of the URL in urlVariable, with the bearer token in
// tokenVariable, and with a query parameter "audience" if the options name one.
// A variable that is missing fails with [NotConfigured] at Token; a name that
// is not one is an error here, of class [ConfigInvalid].
func EnvPair(urlVariable, tokenVariable string, optFns ...func(*Options)) (TokenSource, error) {
	for _, name := range []string{urlVariable, tokenVariable} {
		if !variable.MatchString(name) {
			return nil, invalid("%s is not the name of a variable", shown(name))
		}
	}
	doc, err := decode(fmt.Appendf(nil, pairDocument, urlVariable, tokenVariable))
	name := fmt.Sprintf("the token server named by the variables %s and %s", urlVariable, tokenVariable)
	return open(name, doc, err, optFns)
}
