//go:build unix

package tokensource

import "syscall"

const nonblocking = syscall.O_NONBLOCK
