//go:build darwin || freebsd || netbsd

package sharedfile

import (
	"syscall"
	"time"
)

func modificationTime(s *syscall.Stat_t) time.Time {
	return time.Unix(int64(s.Mtimespec.Sec), int64(s.Mtimespec.Nsec))
}

// changeTime is later than the modification time where a program has set that.
func changeTime(s *syscall.Stat_t) time.Time {
	return time.Unix(int64(s.Ctimespec.Sec), int64(s.Ctimespec.Nsec))
}
