//go:build !unix

package sharedfile

import (
	"io/fs"
	"os"
	"time"
)

// version identifies a file and its state.
type version struct {
	info              fs.FileInfo
	regular           bool
	size              int64
	modified, changed time.Time
}

func newVersion(info fs.FileInfo) *version {
	return &version{info, info.Mode().IsRegular(), info.Size(), info.ModTime(), info.ModTime()}
}

func (v *version) same(w *version) bool {
	return os.SameFile(v.info, w.info) && v.size == w.size && v.modified.Equal(w.modified)
}

func versionOf(name string) (*version, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	return newVersion(info), nil
}

type openFile struct{ *os.File }

func open(name string) (openFile, error) {
	f, err := os.Open(name)
	return openFile{f}, err
}

func (f openFile) version() (*version, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return newVersion(info), nil
}
