// Command corpus keeps what fuzzing found: from the inputs in Go's build cache, the
// smallest first, it copies to testdata/fuzz those that reach a statement that the
// seeds and the inputs kept so far do not, of these modules or of the parsers that
// they use. A second run adds next to nothing. Run it in the root of the repository.
package main

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const (
	module  = "github.com/awstokenserver/config"
	parsers = "net/http,net/textproto,encoding/json,github.com/aws/aws-sdk-go-v2/config,github.com/aws/aws-sdk-go-v2/internal/ini"

	mostInputs = 50 // a target
	mostBytes  = 4 << 10
)

func main() {
	log.SetFlags(0)
	work, err := os.MkdirTemp("", "corpus-")
	check(err)
	defer os.RemoveAll(work)
	secrets := filepath.Join(work, "secrets.exe")
	run("", "go", "build", "-o", secrets, "./internal/secrets")
	cache := filepath.Join(strings.TrimSpace(run("", "go", "env", "GOCACHE")), "fuzz", filepath.FromSlash(module))
	check(filepath.WalkDir(cache, func(folder string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() || !strings.HasPrefix(entry.Name(), "Fuzz") {
			return err
		}
		relative, err := filepath.Rel(cache, filepath.Dir(folder))
		check(err)
		if t := newTarget(work, relative, entry.Name()); t != nil {
			t.keep(folder, secrets)
		}
		return nil
	}))
}

// target is a fuzz target, and what its inputs reach.
type target struct {
	name, dir, binary string
	reached           map[string]bool
}

// newTarget returns nil for a target that there is no more.
func newTarget(work, dir, name string) *target {
	t := &target{name: name, dir: dir, binary: filepath.Join(work, "test.exe")}
	run("", "go", "test", "-c", "-cover", "-coverpkg", "./...,./"+dir+","+parsers, "-o", t.binary, "./"+dir)
	if run(dir, t.binary, "-test.list", "^"+name+"$") == "" {
		return nil
	}
	t.reached = t.reach("")
	return t
}

// kept is a path in the folder of the inputs that are kept.
func (t *target) kept(input string) string {
	return filepath.Join(t.dir, "testdata", "fuzz", t.name, input)
}

// keep copies the inputs in folder that reach more.
func (t *target) keep(folder, secrets string) {
	files, err := os.ReadDir(folder)
	check(err)
	sizes := map[string]int64{}
	var inputs []string
	for _, file := range files {
		info, err := file.Info()
		check(err)
		_, missing := os.Stat(t.kept(file.Name()))
		if info.Size() <= mostBytes && missing != nil &&
			exec.Command(secrets, filepath.Join(folder, file.Name())).Run() == nil {
			inputs = append(inputs, file.Name())
			sizes[file.Name()] = info.Size()
		}
	}
	slices.SortFunc(inputs, func(a, b string) int { return cmp.Compare(sizes[a], sizes[b]) })
	if len(inputs) > 0 {
		check(os.MkdirAll(t.kept(""), 0o755))
	}
	t.sift(folder, inputs)
	now, _ := os.ReadDir(t.kept(""))
	fmt.Printf("%s %s: %d inputs kept\n", t.dir, t.name, len(now))
}

// sift keeps those of inputs that reach more: it halves them where they do.
func (t *target) sift(folder string, inputs []string) {
	before, err := os.ReadDir(t.kept(""))
	check(err)
	if len(inputs) == 0 || len(before) >= mostInputs {
		return
	}
	for _, input := range inputs {
		text, err := os.ReadFile(filepath.Join(folder, input))
		check(err)
		check(os.WriteFile(t.kept(input), text, 0o644))
	}
	now := t.reach("/^(" + strings.Join(inputs, "|") + ")$")
	more := false
	for statement := range now {
		more = more || !t.reached[statement]
	}
	if more && len(inputs) == 1 {
		for statement := range now {
			t.reached[statement] = true
		}
		return
	}
	for _, input := range inputs {
		check(os.Remove(t.kept(input)))
	}
	if more {
		half := len(inputs) / 2
		t.sift(folder, inputs[:half])
		t.sift(folder, inputs[half:])
	}
}

// reach returns the statements that the inputs of a pattern reach.
func (t *target) reach(pattern string) map[string]bool {
	profile := t.binary + ".profile"
	run(t.dir, t.binary, "-test.run", "^"+t.name+"$"+pattern, "-test.coverprofile", profile)
	text, err := os.ReadFile(profile)
	check(err)
	reached := map[string]bool{}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		if statement, count, _ := strings.Cut(lines.Text(), " "); !strings.HasSuffix(count, " 0") {
			reached[statement] = true
		}
	}
	return reached
}

func run(dir string, command ...string) string {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		log.Fatalf("%q: %v\n%s%s", command, err, out, &stderr)
	}
	return string(out)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
