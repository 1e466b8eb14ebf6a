package sharedfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
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

	// info describes the file that was read, or is nil where none could be
	// opened: upstream skips such a file.
	info fs.FileInfo

	// unreadable reports that the file could be opened but not read: upstream
	// reports why.
	unreadable bool

	// transient reports that the text cannot be read again under the name: the
	// file is a pipe, a device, or a descriptor whose offset is shared.
	transient bool

	text     []byte
	sections []section // those that the load needs

	passed bool   // whether upstream opens the file by its own name
	toShow []byte // what upstream is to be shown instead
	shown  *shown // what it is being shown
}

// read reads a file once. Only where a later attempt might succeed is a file
// that cannot be opened an error: upstream would then load other credentials.
func read(name string, credentials bool) (*file, error) {
	f := &file{name: name, credentials: credentials}
	opened, err := os.Open(name)
	if err != nil {
		var reason interface{ Temporary() bool }
		if errors.As(err, &reason) && reason.Temporary() { // no descriptors left
			return nil, fmt.Errorf("read shared config file: %w", err)
		}
		return f, nil
	}
	defer opened.Close()
	if f.info, err = opened.Stat(); err != nil || f.info.IsDir() {
		f.unreadable = true
		return f, nil
	}
	regular := f.info.Mode().IsRegular()
	f.transient = !regular || strings.HasPrefix(name, "/dev/")
	var from io.Reader = opened
	if regular {
		offset, err := opened.Seek(0, io.SeekCurrent)
		if err != nil {
			f.unreadable = true
			return f, nil
		}
		// On systems where /dev/stdin shares its offset, this leaves it in place.
		from = io.NewSectionReader(opened, offset, largest+1)
	}
	if f.text, err = readAll(from, f.info.Size()); errors.Is(err, errTooLarge) {
		return nil, fmt.Errorf("read shared config file %s: %w", name, err)
	}
	f.unreadable = err != nil
	return f, nil
}

var errTooLarge = errors.New("it is too large for a shared config file")

// readAll reads up to the end of r, which reports size bytes.
func readAll(r io.Reader, size int64) ([]byte, error) {
	if size > largest {
		return nil, errTooLarge
	}
	text := make([]byte, 0, size+1) // one more, to see the end without growing
	for {
		n, err := r.Read(text[len(text):cap(text)])
		text = text[:len(text)+n]
		switch {
		case err == io.EOF:
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
// a change in the meantime would be found by changed.
func (f *file) keepsItsName() bool {
	return f.unreadable || !f.transient && time.Since(f.info.ModTime()) > settled && time.Since(changeTime(f.info)) > settled
}

// changed reports whether the file is another one than was read, or has been
// modified since.
func (f *file) changed() bool {
	now, err := os.Stat(f.name)
	return err != nil || f.info == nil || !os.SameFile(f.info, now) || f.info.Size() != now.Size() ||
		!f.info.ModTime().Equal(now.ModTime()) || !changeTime(f.info).Equal(changeTime(now))
}

func (f *file) passedAndChanged() bool { return f.passed && f.changed() }
