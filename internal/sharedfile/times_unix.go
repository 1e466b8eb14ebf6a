//go:build aix || dragonfly || linux || openbsd || solaris

package sharedfile

import (
	"syscall"
	"time"
)

func modificationTime(s *syscall.Stat_t) time.Time {
	return time.Unix(int64(s.Mtim.Sec), int64(s.Mtim.Nsec))
}

// changeTime is later than the modification time where a program has set that.
func changeTime(s *syscall.Stat_t) time.Time { return time.Unix(int64(s.Ctim.Sec), int64(s.Ctim.Nsec)) }
