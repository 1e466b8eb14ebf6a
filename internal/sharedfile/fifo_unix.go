//go:build unix && !aix && !solaris

package sharedfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// showFIFO shows a text through a FIFO in a folder that only this user may enter.
// A process that is killed leaves the FIFO, which holds nothing.
func showFIFO(text []byte) (*shown, error) {
	dir, err := os.MkdirTemp("", "aws-config-")
	if err != nil {
		return nil, fmt.Errorf("neither /dev/fd nor /proc/self/fd has a name for a pipe, and no FIFO can be made: %w",
			err)
	}
	name := filepath.Join(dir, "config")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		return nil, errors.Join(&os.PathError{Op: "mkfifo", Path: name, Err: err}, os.RemoveAll(dir))
	}
	written := make(chan struct{})
	go func() {
		defer close(written)
		// It is opened when upstream, or close below, opens it to read.
		if w, err := os.OpenFile(name, os.O_WRONLY, 0); err == nil {
			w.Write(text)
			w.Close()
		}
	}()
	return &shown{name, func() bool {
		defer os.RemoveAll(dir)
		r, left := -1, 0
		for ; ; time.Sleep(time.Millisecond) {
			done := false
			select {
			case <-written:
				done = true
			default:
			}
			if r < 0 { // until a descriptor is free: the writer waits for a reader
				r, _ = syscall.Open(name, syscall.O_RDONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
			}
			left += drain(r)
			if done {
				syscall.Close(r)
				return left == 0
			}
		}
	}}, nil
}
