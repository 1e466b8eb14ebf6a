//go:build !linux && !darwin

package main

import (
	"os"
	"syscall"
)

var passedOn = []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT}

// cameFromTerminal reports whether the command has got a signal already, as it
// has in the console of Windows.
func cameFromTerminal(s os.Signal) bool { return s == syscall.SIGINT }
