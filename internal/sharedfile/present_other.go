//go:build !unix && !windows

package sharedfile

import (
	"errors"
	"runtime"
)

func show([]byte) (*shown, error) {
	return nil, errors.New("there is no way to do so without a temporary file on " + runtime.GOOS)
}
