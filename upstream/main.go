// Command upstream makes the change of this module as a series of patches to aws-sdk-go-v2: see README.md.
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
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/awstokenserver/config/internal/progress"
)

const usage = `usage: go run ./upstream build [-step STEP] -o DIR
           write patched copies of aws-sdk-go-v2's modules to DIR/config and DIR/credentials, which must not be there
       go run ./upstream diff [-step STEP]
           write the patch, for "git apply" in a clone of aws-sdk-go-v2
       go run ./upstream check
           try each step on the five newest releases of aws-sdk-go-v2/config
       go run ./upstream fuzz [FLAG...]
           hold this module against the patched copy on random texts, with flags of "go test"

STEP is A, A2, B, or C, and includes those before it; without one it is C.
build, diff, and fuzz take the release that go.mod names.
`

func main() {
	if len(os.Args) < 2 {
		fail()
	}
	verb, args := os.Args[1], os.Args[2:]
	step := series[len(series)-1].name
	if (verb == "build" || verb == "diff") && len(args) > 1 && args[0] == "-step" {
		step, args = args[1], args[2:]
	}
	var err error
	switch {
	case verb == "build" && len(args) == 2 && args[0] == "-o":
		err = build(args[1], step)
	case verb == "diff" && len(args) == 0:
		err = diff(step)
	case verb == "check" && len(args) == 0:
		err = check()
	case verb == "fuzz":
		err = fuzz(args)
	default:
		fail()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "upstream:", err)
		os.Exit(1)
	}
}

func fail() {
	fmt.Fprint(os.Stderr, usage)
	os.Exit(2)
}

func build(dir, step string) error {
	defer progress.Show(func() string { return "patching aws-sdk-go-v2" })()
	release, err := pinned()
	if err != nil {
		return err
	}
	work, err := workIn(release, step)
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
		// It fails for a file that is there.
		if err := os.CopyFS(filepath.Join(dir, module), os.DirFS(filepath.Join(work, module))); err != nil {
			return err
		}
	}
	return nil
}

func diff(step string) error {
	release, err := pinned()
	if err != nil {
		return err
	}
	patch, added, err := unified(release, step)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%d lines added, outside tests, changelog, and tokensource\n", added)
	_, err = os.Stdout.Write(patch)
	return err
}

// check reports on which of the newest releases each step applies, and passes the tests of what it touches.
func check() error {
	out, err := run("", "go", "list", "-m", "-versions", theirs)
	if err != nil {
		return err
	}
	versions := slices.DeleteFunc(strings.Fields(string(out))[1:], func(version string) bool {
		return strings.Contains(version, "-")
	})
	slices.Reverse(versions)
	failed := 0
	for _, version := range versions[:min(5, len(versions))] {
		release, err := download(theirs, version)
		if err != nil {
			return err
		}
		for _, step := range series {
			name := version + ": step " + step.name
			stop := progress.Show(func() string { return name })
			err := try(release, step.name)
			stop()
			verdict := "it applies and builds, and all tests pass"
			if err != nil {
				failed++
				verdict = err.Error()
			}
			fmt.Printf("%s: %s\n", name, verdict)
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d times a step failed", failed)
	}
	return nil
}

// try patches a release, and tests what the step touches.
func try(release, step string) error {
	work, err := workIn(release, step)
	if work != "" {
		defer os.RemoveAll(work)
	}
	if err != nil {
		return fmt.Errorf("the anchors do not hold:\n%w", err)
	}
	if err := standAlone(work); err != nil {
		return err
	}
	for _, module := range modules {
		for _, verb := range []string{"build", "vet", "test"} {
			if _, err := run(filepath.Join(work, module), "go", verb, "./..."); err != nil {
				return fmt.Errorf("%s: %w", module, err)
			}
		}
	}
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

// modules are the folders of upstream's repository that the series changes.
var modules = []string{"config", "credentials"}

// download returns the folder of a release of a module.
func download(path, version string) (string, error) {
	out, err := run("", "go", "mod", "download", "-json", path+"@"+version)
	if err != nil {
		return "", err
	}
	var module struct{ Dir string }
	err = json.Unmarshal(out, &module)
	return module.Dir, err
}

// workIn copies a release of config, and the credentials that it requires, to folders of a new temporary folder, and
// patches them there up to a step; without one it leaves them as they are.
func workIn(release, step string) (string, error) {
	root, err := moduleDir()
	if err != nil {
		return "", err
	}
	credentials, err := required(release, theirCredentials)
	if err != nil {
		return "", err
	}
	work, err := os.MkdirTemp("", "upstream-")
	if err != nil {
		return "", err
	}
	for module, dir := range map[string]string{"config": release, "credentials": credentials} {
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

// required returns the folder of the release of a module that the one in dir requires.
func required(dir, path string) (string, error) {
	needs, err := readMod(dir)
	if err != nil {
		return "", err
	}
	for _, r := range needs.Require {
		if r.Path == path {
			return download(path, r.Version)
		}
	}
	return "", fmt.Errorf("%s does not require %s", dir, path)
}

type mod struct {
	Require []struct{ Path, Version string }
	Replace []struct{ Old struct{ Path string } }
}

func readMod(dir string) (m mod, err error) {
	out, err := run("", "go", "mod", "edit", "-json", filepath.Join(dir, "go.mod"))
	if err != nil {
		return m, err
	}
	return m, json.Unmarshal(out, &m)
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
	root, err := moduleDir()
	if err != nil {
		return err
	}
	copied, module := filepath.Join(dir, "patched"), filepath.Join(dir, "agree")
	if err := build(copied, "C"); err != nil {
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

var uncounted = regexp.MustCompile(`_test\.go|/internal/tokensource/|\.changelog/`)

// unified returns the patch, and how many lines it adds outside of tests, changelog, and tokensource.
func unified(release, step string) (patch []byte, added int, err error) {
	dir, err := os.MkdirTemp("", "upstream-")
	if err != nil {
		return nil, 0, err
	}
	defer os.RemoveAll(dir)
	for name, step := range map[string]string{"a": "", "b": step} {
		work, err := workIn(release, step)
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
