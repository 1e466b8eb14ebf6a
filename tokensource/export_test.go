package tokensource

import (
	"maps"
	"reflect"
	"slices"
)

// Variables returns the variables that a document reads.
func Variables(doc []byte) []string {
	d, err := decode(doc)
	if err != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(d.variables))
}

// SameDocument reports whether two texts are the same document.
func SameDocument(a, b []byte) bool {
	first, err := decode(a)
	if err != nil {
		return false
	}
	second, err := decode(b)
	return err == nil && reflect.DeepEqual(first, second)
}
