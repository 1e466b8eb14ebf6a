//go:build unix

package main

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

var passedOn = []os.Signal{
	syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2,
}

// cameFromTerminal reports whether a signal is one that a key sends, with us in
// the foreground: then the terminal has sent it to the command too, and programs
// such as Terraform give up at once when they get a second one.
func cameFromTerminal(s os.Signal) bool {
	if s != syscall.SIGINT && s != syscall.SIGQUIT {
		return false
	}
	terminal, err := os.Open("/dev/tty")
	if err != nil {
		return false
	}
	defer terminal.Close()
	foreground, err := unix.IoctlGetInt(int(terminal.Fd()), unix.TIOCGPGRP) // 32 bits, on big-endian machines the upper ones
	own, ownErr := unix.Getpgid(0)
	return err == nil && ownErr == nil && (foreground == own || int64(foreground)>>32 == int64(own))
}

// exitStatus is that of a shell: 128+n if signal n ended the process.
func exitStatus(state *os.ProcessState) int {
	if status := state.Sys().(syscall.WaitStatus); status.Signaled() {
		return 128 + int(status.Signal())
	}
	return state.ExitCode()
}
