// Package plugins_test keeps what the packages for other SDKs share with this module.
package plugins_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestServers keeps the servers.json of each package: the documents of the named
// servers, in one file. UPDATE=1 writes them.
func TestServers(t *testing.T) {
	t.Parallel()
	documents, err := filepath.Glob("../../tokensource/servers/*.json")
	if err != nil || len(documents) == 0 {
		t.Fatal(err, documents)
	}
	var want bytes.Buffer
	for i, file := range documents {
		document, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want.WriteString([]string{"{", ","}[min(i, 1)] + "\n  \"" + strings.TrimSuffix(filepath.Base(file), ".json") + "\": ")
		if err := json.Compact(&want, document); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}
	want.WriteString("\n}\n")
	copies := 0
	err = filepath.WalkDir("../../plugins", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == "target") {
			return filepath.SkipDir
		}
		if err != nil || entry.Name() != "servers.json" {
			return err
		}
		copies++
		if os.Getenv("UPDATE") != "" {
			return os.WriteFile(path, want.Bytes(), 0o644)
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want.Bytes()) {
			t.Errorf("%s is not of tokensource/servers (%v): UPDATE=1 go test ./test/plugins", path, err)
		}
		return nil
	})
	if err != nil || copies == 0 {
		t.Errorf("%d copies, %v", copies, err)
	}
}
