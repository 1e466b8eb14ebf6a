package main

import (
	"strings"
	"testing"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	document := mustRun(t, "", "decode", "URL_V, TOKEN_V, mine")
	for _, want := range []string{`"url": "${env:URL_V}"`, `"Bearer ${env:TOKEN_V}"`, `"audience": "mine"`} {
		if !strings.Contains(document, want) {
			t.Errorf("%s is not in: %s", want, document)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"":                           "empty",
		"github":                     "write GitHub",
		"s3cr3t/pasted+here==":       "names no token server",
		`{"env": "s3cr3t"}`:          "must be base64-encoded",
		"eyJzM2NyM3QiOiJzM2NyM3QifQ": "version: must be 1", // {"s3cr3t":"s3cr3t"}
		"CircleCI,audience":          "takes no audience",
	} {
		stdout, stderr, exitCode := run(t, "", "decode", value)
		if exitCode != 1 || stdout != "" || !strings.Contains(stderr, want) || strings.Contains(stderr, "s3cr3t") {
			t.Errorf("exit %d, stdout %q, want %q in: %s", exitCode, stdout, want, stderr)
		}
	}
}
