//go:build unix

package sharedfile

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
)

// pipeHolds is what a pipe takes of every system before a writer blocks.
const pipeHolds = 4096

// show shows a text through a pipe under the name that the system has for its
// descriptor; where it has none, through a FIFO.
func show(text []byte) (*shown, error) {
	r, w, err := pipe()
	if err != nil {
		return nil, fmt.Errorf("pipe: %w", err)
	}
	name, err := nameOf(r)
	if name == "" {
		syscall.Close(r)
		syscall.Close(w)
		if err != nil {
			return nil, err
		}
		return showFIFO(text)
	}
	write := func() { writeAll(w, text); syscall.Close(w) }
	written := make(chan struct{})
	if len(text) <= pipeHolds {
		write()
		close(written)
	} else {
		go func() { defer close(written); write() }()
	}
	return &shown{name, func() bool {
		left := drain(r) // so that the writer comes to its end, and never meets a pipe without a reader
		<-written
		syscall.Close(r)
		return left == 0
	}}, nil
}

// nameOf returns a name under which this process can open the pipe of a descriptor.
// A name that opens something else is not the pipe's: anybody may have put it there.
func nameOf(r int) (string, error) {
	var want, got syscall.Stat_t
	if err := syscall.Fstat(r, &want); err != nil {
		return "", fmt.Errorf("pipe: %w", err)
	}
	for _, dir := range []string{"/dev/fd/", "/proc/self/fd/"} { // Lambda's /dev/fd has 0, 1, and 2 alone
		name := dir + strconv.Itoa(r)
		opened, err := syscall.Open(name, syscall.O_RDONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
		if err == syscall.EMFILE || err == syscall.ENFILE {
			return "", &os.PathError{Op: "open", Path: name, Err: err}
		}
		if err != nil {
			continue
		}
		err = syscall.Fstat(opened, &got)
		syscall.Close(opened)
		if err == nil && got.Dev == want.Dev && got.Ino == want.Ino {
			return name, nil
		}
	}
	return "", nil
}

func writeAll(w int, text []byte) {
	for len(text) > 0 {
		n, err := syscall.Write(w, text)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return
		default:
			text = text[n:]
		}
	}
}

// drain reads up to the end and returns how many bytes were left.
func drain(r int) (left int) {
	var buffer [512]byte
	for {
		n, err := syscall.Read(r, buffer[:])
		switch {
		case err == syscall.EINTR:
		case n <= 0:
			return left
		default:
			left += n
		}
	}
}
