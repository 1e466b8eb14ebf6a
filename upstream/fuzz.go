package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// renamed begins the module paths of patched copies that a program imports beside upstream's.
const renamed = "github.com/aws/aws-sdk-go-v2/patched"

// fuzz runs the fuzz target of agree_test.go.txt.
func fuzz(flags []string) error {
	dir, err := os.MkdirTemp("", "upstream-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := agree(dir); err != nil {
		return err
	}
	cmd := exec.Command("go", append([]string{"test", "-run", "^$", "-fuzz", "^FuzzAgree$"}, flags...)...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = filepath.Join(dir, "agree"), os.Stdout, os.Stderr
	return cmd.Run()
}

// agree makes a module in the folder agree of dir that holds this module against a patched copy.
func agree(dir string) error {
	root, err := ownRoot()
	if err != nil {
		return err
	}
	copied, module := filepath.Join(dir, "patched"), filepath.Join(dir, "agree")
	r, err := selected()
	if err != nil {
		return err
	}
	if err := buildRelease(r, copied, "C"); err != nil {
		return err
	}
	rename := strings.NewReplacer(theirs, renamed+"config", theirCredentials, renamed+"credentials")
	if err := filepath.WalkDir(copied, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") && entry.Name() != "go.mod" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(path, []byte(rename.Replace(string(text))), 0o644)
	}); err != nil {
		return err
	}
	test, err := os.ReadFile(filepath.Join(root, "upstream", "agree_test.go.txt"))
	if err != nil {
		return err
	}
	if err := create(filepath.Join(module, "agree_test.go"), test); err != nil {
		return err
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return err
	}
	// The same versions as this module's, so that nothing is looked up.
	ourPath := strings.TrimSuffix(ours, "/")
	text := strings.Replace(string(mod), "module "+ourPath, "module agree.test", 1) + replacement(ourPath, root)
	for _, name := range modules {
		text += replacement(renamed+name, filepath.Join(copied, name))
	}
	if err := create(filepath.Join(module, "go.mod"), []byte(text)); err != nil {
		return err
	}
	_, err = run(module, "go", "mod", "tidy")
	return err
}

// replacement is what a go.mod has of a module that is taken from a folder.
func replacement(path, dir string) string {
	return fmt.Sprintf("\nrequire %s v0.0.0\nreplace %[1]s => %[2]s\n", path, dir)
}
