package sharedfile

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

const (
	// largest is the size of the largest file that is read: offsets have 32
	// bits. Upstream would need several times the memory for it.
	largest = 1<<32 - 1

	// largestStream is how much is read of what reports no size, such as a pipe
	// or /dev/zero.
	largestStream = 64 << 20

	// settled is how long ago a file must have changed for its times to show the
	// next change: file systems store them with a resolution of up to two seconds
	// (FAT).
	settled = 2 * time.Second
)

// file is a shared config or credentials file of one load.
type file struct {
	name        string
	credentials bool

	// version is that of the file that was read. It is nil where none could be
	// opened: upstream skips such a file.
	version *version

	// unreadable reports that the file could be opened but not read: upstream
	// reports why.
	unreadable bool

	// transient reports that the text cannot be read again under the name: the
	// file is a pipe, a device, or a descriptor whose offset is shared.
	transient bool

	text     []byte
	sections []section // those that the load needs
	edits    []edit

	passed bool   // whether upstream opens the file by its own name
	toShow []byte // what upstream is to be shown instead
	shown  *shown // what it is being shown
}

// read reads a file once. Only where a later attempt might succeed is a file
// that cannot be opened an error: upstream would then load other credentials.
func read(name string, credentials bool) (*file, error) {
	f := &file{name: name, credentials: credentials}
	opened, err := open(name)
	if err != nil {
		var reason interface{ Temporary() bool }
		if errors.As(err, &reason) && reason.Temporary() { // no descriptors left
			return nil, fmt.Errorf("read shared config file %s: %w", name, err)
		}
		return f, nil
	}
	defer opened.Close()
	f.version, err = opened.version()
	if err == nil {
		f.transient = !f.version.regular || strings.HasPrefix(name, "/dev/")
		size := f.version.size
		if !f.version.regular {
			size = 0 // macOS gives what a pipe holds now
		}
		f.text, err = readAll(opened, size)
	}
	if errors.Is(err, errTooLarge) {
		return nil, fmt.Errorf("read shared config file %s: %w", name, err)
	}
	f.unreadable = err != nil
	return f, nil
}

var errTooLarge = errors.New("it is too large for a shared config file")

// readAll reads up to the end of r, which is at size if that is not 0.
func readAll(r io.Reader, size int64) ([]byte, error) {
	if size > largest {
		return nil, errTooLarge
	}
	text := make([]byte, 0, cmp.Or(size, 512))
	for {
		n, err := r.Read(text[len(text):cap(text)])
		text = text[:len(text)+n]
		switch {
		case err == io.EOF, err == nil && size > 0 && int64(len(text)) == size:
			return text, nil
		case err != nil:
			return nil, err
		case int64(len(text)) > min(size+largestStream, largest):
			return nil, errTooLarge
		case len(text) == cap(text):
			text = slices.Grow(text, 512)
		}
	}
}

// keepsItsName reports whether upstream may open the file by its own name, since
// a change in the meantime would be found.
func (f *file) keepsItsName() bool {
	return f.unreadable || !f.transient && time.Since(f.version.modified) > settled &&
		time.Since(f.version.changed) > settled
}

// passedAndChanged reports whether upstream opened the file by its own name, and
// the file is another one than was read, or has changed since.
func (f *file) passedAndChanged() bool {
	if !f.passed {
		return false
	}
	now, err := versionOf(f.name)
	return err != nil || f.version == nil || !f.version.same(now)
}
