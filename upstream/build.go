package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/awstokenserver/config/internal/progress"
)

// build writes patched copies of what the program selects. It takes the place of what an earlier build wrote, and of
// nothing else.
func build(dir, step string) error {
	old := slices.ContainsFunc(modules, func(module string) bool {
		_, err := os.Lstat(filepath.Join(dir, module))
		return err == nil
	})
	if old {
		if _, err := verified(dir, step); err != nil {
			return fmt.Errorf("%s is not what this command wrote; to replace it, delete it first: %w", dir, err)
		}
	}
	r, err := selected()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	made, err := os.MkdirTemp(dir, ".build-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(made)
	if err := buildRelease(r, made, step); err != nil {
		return err
	}
	changed, err := compare(r, made)
	if err != nil {
		return err
	}
	for _, module := range modules {
		to := filepath.Join(dir, module)
		if old {
			if err := os.Rename(to, filepath.Join(made, "old-"+module)); err != nil {
				return err
			}
		}
		if err := os.Rename(filepath.Join(made, module), to); err != nil {
			return err
		}
	}
	name, err := nameOf(dir)
	if err != nil {
		return err
	}
	fmt.Printf("%s, and step %s of the patch:\n", name, step)
	added := 0
	for _, line := range changed {
		if strings.HasSuffix(line, ": added") {
			added++
			continue
		}
		fmt.Println("  " + line)
	}
	fmt.Printf("  %d files added\n", added)
	fmt.Printf("\nFor the program to use it, from the folder of its go.mod:\n"+
		"  go mod edit -replace %s=%s \\\n    -replace %s=%s\n",
		theirs, replacementPath(dir, "config"), theirCredentials, replacementPath(dir, "credentials"))
	return nil
}

// replacementPath is how a go.mod in the current folder, or above, names a folder.
func replacementPath(dir, module string) string {
	path := filepath.Join(dir, module)
	if filepath.IsAbs(path) {
		return path
	}
	return "./" + filepath.ToSlash(path)
}

// buildRelease writes patched copies of a release to a folder without any.
func buildRelease(r release, dir, step string) error {
	defer progress.Show(func() string { return "patching aws-sdk-go-v2" })()
	work, err := workIn(r, step)
	if work != "" {
		defer os.RemoveAll(work)
	}
	if err != nil {
		return err
	}
	if err := standAlone(work); err != nil {
		return err
	}
	for _, module := range modules {
		if err := os.CopyFS(filepath.Join(dir, module), os.DirFS(filepath.Join(work, module))); err != nil {
			return err
		}
	}
	return nil
}

// verify reports whether dir is what build makes of the releases that the copies name.
func verify(dir, step string) error {
	name, err := verified(dir, step)
	if err == nil {
		fmt.Printf("%s: %s, and step %s of the patch, and nothing else\n", dir, name, step)
	}
	return err
}

func verified(dir, step string) (name string, err error) {
	name, err = nameOf(dir)
	if err != nil {
		return "", err
	}
	r := release{}
	for module, path := range map[string]string{"config": theirs, "credentials": theirCredentials} {
		version, err := versionIn(filepath.Join(dir, module))
		if err != nil {
			return "", err
		}
		if r[module], err = download(path, version); err != nil {
			return "", err
		}
	}
	made, err := os.MkdirTemp("", "upstream-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(made)
	if err := buildRelease(r, made, step); err != nil {
		return "", err
	}
	want := release{}
	for _, module := range modules {
		want[module] = filepath.Join(made, module)
	}
	differences, err := compare(want, dir)
	if err == nil && len(differences) > 0 {
		err = fmt.Errorf("it differs from %s and step %s of the patch:\n  %s", name, step, strings.Join(differences, "\n  "))
	}
	return name, err
}

// nameOf names the releases that copies in dir are of.
func nameOf(dir string) (string, error) {
	config, err := versionIn(filepath.Join(dir, "config"))
	if err != nil {
		return "", err
	}
	credentials, err := versionIn(filepath.Join(dir, "credentials"))
	return fmt.Sprintf("aws-sdk-go-v2/config %s and credentials %s", config, credentials), err
}

// compare describes how the copies in dir differ from a release: one line for each file, sorted.
func compare(r release, dir string) (differences []string, err error) {
	for _, module := range modules {
		was, err := filesIn(r[module])
		if err != nil {
			return nil, err
		}
		is, err := filesIn(filepath.Join(dir, module))
		if err != nil {
			return nil, err
		}
		for name, text := range is {
			if before, ok := was[name]; !ok {
				differences = append(differences, module+"/"+name+": added")
			} else if !bytes.Equal(before, text) {
				differences = append(differences, module+"/"+name+": changed")
			}
		}
		for name := range was {
			if _, ok := is[name]; !ok {
				differences = append(differences, module+"/"+name+": missing")
			}
		}
	}
	slices.Sort(differences)
	return differences, nil
}

func filesIn(dir string) (map[string][]byte, error) {
	files := map[string][]byte{}
	root := os.DirFS(dir)
	err := fs.WalkDir(root, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		if !entry.Type().IsRegular() {
			return errors.New(filepath.Join(dir, path) + " is not a regular file")
		}
		files[path], err = fs.ReadFile(root, path)
		return err
	})
	return files, err
}

// workIn copies a release to folders of a new temporary folder, and patches it there up to a step; without one it leaves it
// as it is.
func workIn(r release, step string) (string, error) {
	root, err := ownRoot()
	if err != nil {
		return "", err
	}
	work, err := os.MkdirTemp("", "upstream-")
	if err != nil {
		return "", err
	}
	for module, dir := range r {
		if err := os.CopyFS(filepath.Join(work, module), os.DirFS(dir)); err != nil {
			return work, err
		}
	}
	// What is in the module cache is read-only.
	if err := filepath.WalkDir(work, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return os.Chmod(path, 0o755)
		}
		return os.Chmod(path, 0o644)
	}); err != nil {
		return work, err
	}
	if step != "" {
		err = patch(work, root, step)
	}
	return work, err
}

// standAlone makes the copies of upstream's modules build outside of upstream's repository, and config with the
// credentials beside it.
func standAlone(dir string) error {
	for _, module := range modules {
		dir := filepath.Join(dir, module)
		m, err := readMod(dir)
		if err != nil {
			return err
		}
		edit := []string{"go", "mod", "edit"}
		for _, r := range m.Replace {
			edit = append(edit, "-dropreplace="+r.Old.Path)
		}
		if module == "config" {
			edit = append(edit, "-replace="+theirCredentials+"=../credentials")
		}
		if _, err := run(dir, edit...); err != nil {
			return err
		}
		if _, err := run(dir, "go", "mod", "tidy"); err != nil {
			return err
		}
	}
	return nil
}
