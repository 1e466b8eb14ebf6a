package sharedfile_test

import (
	"os"
	"strings"
	"testing"
)

// children are what this program does in a process of its own, by the variable
// CHILD.
var children = map[string]func(){}

// TestMain clears what the environment says about AWS and about proxies.
func TestMain(m *testing.M) {
	if child := children[os.Getenv("CHILD")]; child != nil {
		child()
		os.Exit(0)
	}
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if strings.HasPrefix(name, "AWS_") || strings.HasSuffix(strings.ToLower(name), "_proxy") {
			os.Unsetenv(name)
		}
	}
	home, err := os.MkdirTemp("", "home-")
	if err != nil {
		panic(err)
	}
	os.Setenv("HOME", home)
	code := m.Run()
	os.RemoveAll(home)
	os.Exit(code)
}
