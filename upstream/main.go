// Command upstream makes the change of this module as a patch to aws-sdk-go-v2/config: see README.md.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

const usage = `usage: go run ./upstream build -o DIR   write a patched copy of aws-sdk-go-v2/config to DIR, which must not be there
       go run ./upstream diff           write the patch, for "git apply" in a clone of aws-sdk-go-v2
       go run ./upstream check          try the newest release of aws-sdk-go-v2/config
       go run ./upstream fuzz [FLAG...] hold this module against the patched copy on random texts, with flags of "go test"

build, diff, and fuzz take the release that go.mod names.
`

func main() {
	var err error
	switch args := os.Args[1:]; {
	case len(args) == 3 && args[0] == "build" && args[1] == "-o":
		err = build(args[2])
	case len(args) == 1 && args[0] == "diff":
		err = diff()
	case len(args) == 1 && args[0] == "check":
		err = check()
	case len(args) > 0 && args[0] == "fuzz":
		err = fuzz(args[1:])
	default:
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "upstream:", err)
		os.Exit(1)
	}
}

func build(dir string) error {
	release, err := pinned()
	if err != nil {
		return err
	}
	work, err := workIn(release, true)
	if work != "" {
		defer os.RemoveAll(work)
	}
	if err != nil {
		return err
	}
	copied := filepath.Join(work, "config")
	if err := standAlone(copied); err != nil {
		return err
	}
	return os.CopyFS(dir, os.DirFS(copied)) // fails for a file that is there
}

func diff() error {
	release, err := pinned()
	if err != nil {
		return err
	}
	patch, added, err := unified(release)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%d lines added, outside tests and tokensource\n", added)
	_, err = os.Stdout.Write(patch)
	return err
}

// check reports whether the change applies to the newest release, and passes its tests.
func check() error {
	out, err := run("", "go", "list", "-m", "-f", "{{.Version}}", theirs+"@latest")
	if err != nil {
		return err
	}
	version := strings.TrimSpace(string(out))
	out, err = run("", "go", "mod", "download", "-json", theirs+"@"+version)
	if err != nil {
		return err
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		return err
	}
	work, err := workIn(module.Dir, true)
	if work != "" {
		defer os.RemoveAll(work)
	}
	if err != nil {
		return fmt.Errorf("%s: the anchors do not hold:\n%w", version, err)
	}
	fmt.Printf("%s: the anchors hold\n", version)
	copied := filepath.Join(work, "config")
	if err := standAlone(copied); err != nil {
		return err
	}
	for _, verb := range []string{"build", "vet", "test"} {
		if _, err := run(copied, "go", verb, "./..."); err != nil {
			return fmt.Errorf("%s: %w", version, err)
		}
	}
	fmt.Printf("%s: it builds, and all tests pass\n", version)
	return nil
}

// run runs a command, without the settings of AWS of whoever runs it.
func run(dir string, command ...string) ([]byte, error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = dir
	for _, setting := range os.Environ() {
		if !strings.HasPrefix(setting, "AWS_") {
			cmd.Env = append(cmd.Env, setting)
		}
	}
	cmd.Env = append(cmd.Env, "GOWORK=off")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s: %w\n%s%s", strings.Join(command, " "), err, out, stderr.Bytes())
	}
	return out, err
}

// pinned is the folder of upstream's release that go.mod names.
func pinned() (string, error) {
	return moduleDir(theirs)
}

// moduleDir is the folder of a module: of this one without a path.
func moduleDir(path ...string) (string, error) {
	out, err := run("", append([]string{"go", "list", "-m", "-f", "{{.Dir}}"}, path...)...)
	return strings.TrimSpace(string(out)), err
}

// workIn copies a release to the folder config of a new temporary folder, and patches it there.
func workIn(release string, patched bool) (string, error) {
	root, err := moduleDir()
	if err != nil {
		return "", err
	}
	work, err := os.MkdirTemp("", "upstream-")
	if err != nil {
		return "", err
	}
	copied := filepath.Join(work, "config")
	if err := os.CopyFS(copied, os.DirFS(release)); err != nil {
		return work, err
	}
	// What is in the module cache is read-only.
	if err := filepath.WalkDir(copied, func(path string, entry fs.DirEntry, err error) error {
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
	if patched {
		err = patch(work, root)
	}
	return work, err
}

// standAlone makes a copy of upstream's module one that builds outside of upstream's repository.
func standAlone(dir string) error {
	out, err := run(dir, "go", "mod", "edit", "-json")
	if err != nil {
		return err
	}
	var module struct {
		Replace []struct{ Old struct{ Path string } }
	}
	if err := json.Unmarshal(out, &module); err != nil {
		return err
	}
	edit := []string{"go", "mod", "edit"}
	for _, r := range module.Replace {
		edit = append(edit, "-dropreplace="+r.Old.Path)
	}
	if _, err := run(dir, edit...); err != nil {
		return err
	}
	_, err = run(dir, "go", "mod", "tidy")
	return err
}

// renamed is the module path of a patched copy that a program imports beside upstream's.
const renamed = "github.com/aws/aws-sdk-go-v2/patchedconfig"

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
	root, err := moduleDir()
	if err != nil {
		return err
	}
	copied, module := filepath.Join(dir, "patched"), filepath.Join(dir, "agree")
	if err := build(copied); err != nil {
		return err
	}
	if err := filepath.WalkDir(copied, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") && entry.Name() != "go.mod" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		text = bytes.ReplaceAll(text, []byte(`"`+theirs), []byte(`"`+renamed))
		return os.WriteFile(path, bytes.Replace(text, []byte("module "+theirs), []byte("module "+renamed), 1), 0o644)
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
	text := strings.Replace(string(mod), "module "+ourPath, "module agree.test", 1) +
		fmt.Sprintf("\nrequire %s v0.0.0\nrequire %s v0.0.0\nreplace %[1]s => %[3]s\nreplace %[2]s => %[4]s\n", ourPath,
			renamed, root, copied)
	if err := create(filepath.Join(module, "go.mod"), []byte(text)); err != nil {
		return err
	}
	_, err = run(module, "go", "mod", "tidy")
	return err
}

// unified returns the patch, and how many lines it adds outside of tests and tokensource.
func unified(release string) (patch []byte, added int, err error) {
	dir, err := os.MkdirTemp("", "upstream-")
	if err != nil {
		return nil, 0, err
	}
	defer os.RemoveAll(dir)
	for name, patched := range map[string]bool{"a": false, "b": true} {
		work, err := workIn(release, patched)
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
		if !strings.Contains(line, "_test.go") && !strings.Contains(line, "internal/tokensource/") {
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
