package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

func diff(step string) error {
	r, err := selected()
	if err != nil {
		return err
	}
	patch, added, err := unified(r, step)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%d lines added, outside tests, changelog, and tokensource\n", added)
	_, err = os.Stdout.Write(patch)
	return err
}

var uncounted = regexp.MustCompile(`_test\.go|/internal/tokensource/|\.changelog/`)

// unified returns the patch, and how many lines it adds outside of tests, changelog, and tokensource.
func unified(r release, step string) (patch []byte, added int, err error) {
	dir, err := os.MkdirTemp("", "upstream-")
	if err != nil {
		return nil, 0, err
	}
	defer os.RemoveAll(dir)
	for name, step := range map[string]string{"a": "", "b": step} {
		work, err := workIn(r, step)
		if err == nil {
			err = os.CopyFS(filepath.Join(dir, name), os.DirFS(work))
		}
		os.RemoveAll(work)
		if err != nil {
			return nil, 0, err
		}
	}
	compare := func(flag string) ([]byte, error) {
		out, err := run(dir, "git", "diff", "--no-index", "--no-ext-diff", "--no-color", "--no-prefix", flag, "a", "b")
		if failed := (*exec.ExitError)(nil); errors.As(err, &failed) && failed.ExitCode() == 1 {
			err = nil // there are differences
		}
		return out, err
	}
	counts, err := compare("--numstat")
	if err != nil {
		return nil, 0, err
	}
	for line := range strings.Lines(string(counts)) {
		if !uncounted.MatchString(line) {
			n, _, _ := strings.Cut(line, "\t")
			lines, err := strconv.Atoi(n)
			if err != nil {
				return nil, 0, err
			}
			added += lines
		}
	}
	patch, err = compare("--patch")
	// So git calls a new file in a repository.
	patch = bytes.ReplaceAll(patch, []byte("diff --git b/"), []byte("diff --git a/"))
	return patch, added, err
}
