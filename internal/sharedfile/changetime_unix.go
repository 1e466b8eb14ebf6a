//go:build aix || dragonfly || linux || openbsd || solaris

package sharedfile

import (
	"io/fs"
	"syscall"
	"time"
)

// changeTime is when the file last changed, which a program cannot set.
func changeTime(info fs.FileInfo) time.Time {
	changed := info.Sys().(*syscall.Stat_t).Ctim
	return time.Unix(int64(changed.Sec), int64(changed.Nsec))
}
