package tokensource

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
)

// maxRead is how much of a file or a response is read. One byte more is read to
// notice what is larger.
const maxRead = 64 << 10

// readFile returns the text of a file without surrounding whitespace, and without
// what is more than a byte beyond most.
func readFile(path string, most int) (string, error) {
	// Opening a pipe could block forever.
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return "", invalid("%q is not a regular file", path)
	}
	var text []byte
	file, err := os.Open(path)
	if err == nil {
		defer file.Close()
		text, err = io.ReadAll(io.LimitReader(file, int64(most)+1))
	}
	if err != nil {
		var withPath *fs.PathError
		if errors.As(err, &withPath) {
			err = withPath.Err
		}
		failed := notConfigured("the file %q cannot be read", path)
		failed.Err = err
		return "", failed
	}
	if len(text) <= most {
		text = []byte(strings.TrimSpace(string(text)))
	}
	if len(text) == 0 {
		return "", notConfigured("the file %q is empty", path)
	}
	return string(text), nil
}
