package sharedfile

// shown is a text that can be read once under a name, by this process. The text
// is in memory.
type shown struct {
	name string

	// close ends it, and reports whether the text was read to its end.
	close func() (read bool)
}
