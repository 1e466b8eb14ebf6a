// Package soak shows what renewal does under outage, load and time, against the
// world of webidentitytest. `go test -v ./test/soak` prints the figures.
package soak

import (
	"os"
	"strings"
	"testing"
)

const role = "arn:aws:iam::123456789012:role/deploy"

// clearEnv empties what this machine says of AWS and of proxies.
func clearEnv(t *testing.T) {
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if upper := strings.ToUpper(name); strings.HasPrefix(upper, "AWS_") || strings.HasSuffix(upper, "_PROXY") {
			t.Setenv(name, "")
		}
	}
	t.Setenv("HOME", os.DevNull)
}
