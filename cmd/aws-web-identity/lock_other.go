//go:build aix || solaris || (!unix && !windows)

package main

import (
	"errors"
	"os"
)

func tryLock(*os.File) (locked bool, err error) {
	return false, errors.New("this system has no lock for it: run setup without --cache")
}
