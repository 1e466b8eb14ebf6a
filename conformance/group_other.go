//go:build !unix

package conformance

import "os/exec"

// group does nothing: the system has no process groups.
func group(*exec.Cmd) {}
