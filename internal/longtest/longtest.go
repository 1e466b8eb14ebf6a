// Package longtest holds back the tests that take long: those that build many
// programs, or wait.
package longtest

import (
	"os"
	"testing"
)

// Wanted reports whether the variable LONG_TESTS asks for them.
func Wanted() bool { return os.Getenv("LONG_TESTS") != "" }

// Skip skips a test, of which reason says what takes long, unless it is wanted.
func Skip(t *testing.T, reason string) {
	t.Helper()
	if !Wanted() {
		t.Skip(reason + "; set LONG_TESTS=1 to run it")
	}
}
