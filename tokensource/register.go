package tokensource

import (
	"errors"
	"regexp"
)

var serverName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._-]*$`)

// Register adds an application's own token server to the names that [Parse]
// knows. A name is a letter and then letters, digits, dots, dashes and
// underscores; one that is known already, or that differs from a known one in
// case and punctuation alone, is an error of class [ConfigInvalid].
//
// Parse calls newSource with the audience of the value, or "" where it names
// none, and returns its error. Register is safe for concurrent use, and takes
// effect for the calls of Parse that follow it; a name is never unregistered.
func Register(name string, newSource func(audience string) (TokenSource, error)) error {
	if !serverName.MatchString(name) {
		return invalid("%s cannot be the name of a token server: it must match %s", shown(name), serverName)
	}
	if newSource == nil {
		return invalid("the token server %s has no function", name)
	}
	registry.Lock()
	defer registry.Unlock()
	if known, found := registry.servers[fold(name)]; found {
		return invalid("the token server %s cannot be registered beside %s", name, known.name)
	}
	registry.servers[fold(name)] = server{name: name, newSource: func(audience string) (TokenSource, error) {
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
