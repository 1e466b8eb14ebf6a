//go:build darwin || freebsd || netbsd

package sharedfile

import (
	"io/fs"
	"syscall"
	"time"
)

// changeTime is when the file last changed, which a program cannot set.
func changeTime(info fs.FileInfo) time.Time {
	changed := info.Sys().(*syscall.Stat_t).Ctimespec
	return time.Unix(int64(changed.Sec), int64(changed.Nsec))
}
