//go:build !unix

package main

import (
	"os"
	"syscall"
)

var passedOn = []os.Signal{syscall.SIGINT, syscall.SIGTERM}

// cameFromTerminal reports whether the command has got a signal already, as it
// has in the console of Windows.
func cameFromTerminal(s os.Signal) bool { return s == syscall.SIGINT }

func exitStatus(state *os.ProcessState) int { return state.ExitCode() }
