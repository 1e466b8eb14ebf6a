package tokensource

import (
	"regexp"
	"sync"
)

// lazyRegexp compiles a regular expression when it is first needed: most programs that
// import this package never need one.
func lazyRegexp(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}
