//go:build unix

package sharedfile

import (
	"io"
	"os"
	"strings"
	"syscall"
	"time"
)

// version identifies a file and its state.
type version struct {
	device, inode     uint64
	regular           bool
	size              int64
	modified, changed time.Time
}

func newVersion(s *syscall.Stat_t) *version {
	return &version{
		uint64(s.Dev), uint64(s.Ino), s.Mode&syscall.S_IFMT == syscall.S_IFREG, s.Size,
		modificationTime(s), changeTime(s),
	}
}

func (v *version) same(w *version) bool { return *v == *w }

func versionOf(name string) (*version, error) {
	var s syscall.Stat_t
	if err := ignoringEINTR(func() error { return syscall.Stat(name, &s) }); err != nil {
		return nil, err
	}
	return newVersion(&s), nil
}

// openFile is a file without what package os adds, which takes as long as all
// else that is done to read a small file.
type openFile struct {
	name       string
	descriptor int
	stream     *os.File // for what may not be ready, or nil
	offset     int64
}

func open(name string) (f *openFile, err error) {
	f = &openFile{name: name}
	return f, ignoringEINTR(func() error {
		f.descriptor, err = syscall.Open(name, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
		return err
	})
}

func (f *openFile) version() (*version, error) {
	var s syscall.Stat_t
	if err := syscall.Fstat(f.descriptor, &s); err != nil {
		return nil, err
	}
	v := newVersion(&s)
	if !v.regular {
		f.stream = os.NewFile(uintptr(f.descriptor), "")
		return v, nil
	}
	if !strings.HasPrefix(f.name, "/dev/") {
		return v, nil
	}
	var err error
	f.offset, err = syscall.Seek(f.descriptor, 0, 1)
	return v, err
}

// Read does not move the offset of a regular file, which on systems other than
// Linux /dev/stdin shares with whoever opened it.
func (f *openFile) Read(p []byte) (n int, err error) {
	if f.stream != nil {
		return f.stream.Read(p)
	}
	err = ignoringEINTR(func() error {
		n, err = syscall.Pread(f.descriptor, p, f.offset)
		return err
	})
	if n <= 0 && err == nil {
		return 0, io.EOF
	}
	f.offset += int64(max(n, 0))
	return max(n, 0), err
}

func (f *openFile) Close() error {
	if f.stream != nil {
		return f.stream.Close()
	}
	return syscall.Close(f.descriptor)
}

func ignoringEINTR(fn func() error) error {
	for {
		if err := fn(); err != syscall.EINTR {
			return err
		}
	}
}
