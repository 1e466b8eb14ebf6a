package tokensource

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
)

// maxRead is how much of a file or a response is read. One byte more is read to
// notice what is larger.
const maxRead = 64 << 10

// readFile returns the text of a file without surrounding whitespace, and without
// what is more than a byte beyond most.
func readFile(path string, most int) (string, error) {
	var text []byte
	file, err := openRegular(path)
	if err == nil {
		defer file.Close()
		text, err = io.ReadAll(io.LimitReader(file, int64(most)+1))
	}
	if err == errNotRegular {
		return "", invalid("%q is not a regular file", path)
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
		text = []byte(trim(string(text)))
	}
	if len(text) == 0 {
		return "", notConfigured("the file %q is empty", path)
	}
	return string(text), nil
}

var errNotRegular = errors.New("not a regular file")

// openRegular opens a regular file. It does not wait for who writes to a pipe, even if
// one is put in the place of the file meanwhile.
func openRegular(path string) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && !isRegular(info) {
		return nil, errNotRegular
	}
	file, err := os.OpenFile(path, os.O_RDONLY|nonblocking, 0)
	if err != nil {
		return nil, err
	}
	if info, err := file.Stat(); err != nil || !isRegular(info) {
		file.Close()
		return nil, cmp.Or(err, errNotRegular)
	}
	return file, nil
}

func isRegular(info fs.FileInfo) bool { return info.Mode().IsRegular() }
