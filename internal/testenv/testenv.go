// Package testenv is what tests of several packages share: an environment without
// settings, and an STS that records what it is asked.
package testenv

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/awstokenserver/config"
	"github.com/awstokenserver/config/tokensource"
)

// Main clears what the environment says about AWS and about proxies, for tests that
// run in parallel, and runs them.
func Main(m *testing.M) {
	for _, name := range foreignVariables() {
		os.Unsetenv(name)
	}
	os.Exit(m.Run())
}

// foreignVariables are what the environment says about AWS and about proxies.
func foreignVariables() (names []string) {
	for _, variable := range os.Environ() {
		if isForeign(variable) {
			name, _, _ := strings.Cut(variable, "=")
			names = append(names, name)
		}
	}
	return names
}

func isForeign(variable string) bool {
	name, _, _ := strings.Cut(strings.ToUpper(variable), "=")
	return strings.HasPrefix(name, "AWS_") || strings.HasSuffix(name, "_PROXY")
}

// Environ is the environment for a process, without what it says about AWS and about
// proxies.
func Environ() []string { return slices.DeleteFunc(os.Environ(), isForeign) }

// Clear clears what the environment says about AWS and about proxies, and moves the
// home, for a test that sets variables.
func Clear(t *testing.T) {
	t.Helper()
	for _, name := range foreignVariables() {
		t.Setenv(name, "")
		os.Unsetenv(name)
	}
	t.Setenv("HOME", t.TempDir())
}

// WriteFile writes a file in a temporary folder, and returns its name.
func WriteFile(t *testing.T, name, text string) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// ProfileFile writes a shared config file and returns the options that load a
// profile of it and nothing else.
func ProfileFile(t *testing.T, profile, text string) (name string, options []func(*config.LoadOptions) error) {
	t.Helper()
	name = WriteFile(t, "config", text)
	return name, []func(*config.LoadOptions) error{
		config.WithSharedConfigFiles([]string{name}), config.WithSharedCredentialsFiles([]string{}),
		config.WithSharedConfigProfile(profile), config.WithHTTPClient(&STS{}),
	}
}

// WantError checks an error's class, and that its text holds all of texts.
func WantError(t *testing.T, err error, class tokensource.Class, texts ...string) {
	t.Helper()
	if !errors.Is(err, class) {
		t.Errorf("got %v, want class %s", err, class)
		return
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%q is not in: %v", text, err)
		}
	}
}
