package conformance

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/awstokenserver/config/docs"
)

const (
	repository = "https://github.com/awstokenserver/config"

	readme = `# Conformance suite of web_identity_token_server, version %s

- specification.md: what an implementation must do
- conformance.md: how to write an adapter, and how the cases are written
- vectors/: the cases; case.schema.json: the JSON Schema of a case
- CHANGELOG.md: what changed

It comes from ` + repository + `, where the runner is, and is
under the Apache License, Version 2.0 (https://www.apache.org/licenses/LICENSE-2.0).
`
)

// copyVerb writes the suite into a folder that is not there yet.
func copyVerb(_ context.Context, args []string, stdout, stderr io.Writer) (bool, error) {
	flags := flag.NewFlagSet("copy", flag.ContinueOnError)
	if err := parse(flags, args, 1, stderr); err != nil {
		return false, err
	}
	dir := flags.Arg(0)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return false, fmt.Errorf("copy needs a new folder: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "README.md"), fmt.Appendf(nil, readme, Version()), 0o644); err != nil {
		return false, err
	}
	links := strings.NewReplacer("](../conformance/", "](", "](../", "]("+repository+"/blob/main/")
	write := func(files fs.FS, replace func(string) string) error {
		return fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
			to := filepath.Join(dir, filepath.FromSlash(name))
			if err != nil || entry.IsDir() {
				return cmp.Or(err, os.MkdirAll(to, 0o755))
			}
			text, err := fs.ReadFile(files, name)
			if err != nil {
				return err
			}
			return os.WriteFile(to, []byte(replace(string(text))), 0o644)
		})
	}
	err := write(embedded, func(text string) string { return text })
	if err == nil {
		err = write(docs.Files, links.Replace)
	}
	if err == nil {
		fmt.Fprintf(stdout, "wrote the suite to %s\n", dir)
	}
	return true, err
}
