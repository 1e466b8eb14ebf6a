//go:build unix && !aix && !solaris

package main

import (
	"errors"
	"os"
	"syscall"
)

// tryLock locks a file for this process, unless another has it.
func tryLock(file *os.File) (locked bool, err error) {
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, syscall.EINTR) {
		return false, nil
	}
	return err == nil, err
}
