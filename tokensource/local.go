package tokensource

import "strings"

// File is the source of a token that something else writes to a file and keeps
// fresh: it is read for every token. A file that is missing or empty fails with
// [NotConfigured], one that is not regular (a pipe) with [ConfigInvalid].
func File(path string) TokenSource {
	file := template(strings.ReplaceAll(path, "$", "$$"))
	return &source{name: "the token file", doc: &document{File: &file}}
}

// Env is the source of a token in a variable, which is read for every token. A
// variable that is missing or empty fails with [NotConfigured], and so does one
// whose token has expired: nothing renews it in a process that runs.
func Env(name string) TokenSource {
	return &source{name: "the token variable", doc: &document{Env: name}}
}
