package sharedfile

import "syscall"

// pipe is half as expensive as os.Pipe, which registers both ends with the
// poller.
func pipe() (r, w int, err error) {
	var p [2]int
	err = syscall.Pipe2(p[:], syscall.O_CLOEXEC)
	return p[0], p[1], err
}
