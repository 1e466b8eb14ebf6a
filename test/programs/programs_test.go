// Package programs has real programs get a role from a token server, by a swap of the import and
// by a replace in go.mod, and compares their own tests before and after.
//
// PROGRAMS is the folder for their changed copies. Without it the test is skipped.
package programs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/awstokenserver/config/internal/testenv"
)

const (
	library  = "github.com/awstokenserver/config"
	upstream = "github.com/aws/aws-sdk-go-v2/config"
	page     = "../../docs/programs.md"
)

// TestPrograms is what the table in docs/programs.md says: with UPDATE=1 it becomes so.
func TestPrograms(t *testing.T) {
	folder := os.Getenv("PROGRAMS")
	if folder == "" {
		t.Skip("it runs the tests of real programs; set PROGRAMS to a folder for their copies to run it")
	}
	patched := filepath.Join(folder, "patched")
	if err := os.RemoveAll(patched); err != nil {
		t.Fatal(err)
	}
	testenv.GoCommand(t, "../..", os.Environ(), "run", "./upstream", "build", "-o", patched)

	table := "| Program | Version | Way | Tests before | Tests after | Gets the role |\n|---|---|---|--:|--:|---|\n"
	for _, p := range programs {
		t.Run(p.name, func(t *testing.T) {
			copied := filepath.Join(folder, p.name)
			copySources(t, p, copied)
			before := results(t, p, copied)
			if use(t, p, copied) {
				t.Error("it gets the role unchanged")
			}
			passed := slices.Collect(maps.Keys(before))
			passed = slices.DeleteFunc(passed, func(name string) bool { return before[name] != "pass" })
			for way, change := range map[string]func(*testing.T, string){
				"swap": swap,
				"replace": func(t *testing.T, dir string) {
					testenv.GoCommand(t, dir, environ(), "mod", "edit", "-replace", upstream+"="+filepath.Join(patched, "config"),
						"-replace", "github.com/aws/aws-sdk-go-v2/credentials="+filepath.Join(patched, "credentials"))
				},
			} {
				t.Run(way, func(t *testing.T) {
					changed := filepath.Join(folder, p.name+"-"+way)
					copySources(t, p, changed)
					change(t, changed)
					after := results(t, p, changed)
					same := 0
					for _, name := range passed {
						if after[name] == "pass" {
							same++
						} else {
							t.Errorf("%s passed before, and now: %q", name, after[name])
						}
					}
					used := use(t, p, changed)
					if !used {
						t.Error("it does not get the role")
					}
					mark := map[bool]string{true: "✓", false: "–"}
					table += fmt.Sprintf("| %s | %s | %s | %d | %d | %s |\n", p.name, p.version, way, len(passed), same, mark[used])
				})
			}
		})
	}
	if !t.Failed() {
		checkTable(t, table)
	}
}

// checkTable compares the table with the page.
func checkTable(t *testing.T, table string) {
	t.Helper()
	rows := strings.SplitAfter(table, "\n")
	slices.SortStableFunc(rows[2:len(rows)-1], strings.Compare)
	table = strings.Join(rows, "")
	testenv.Block(t, page, "programs", table, nil)
}

// copySources copies the module to dir, with the program that uses it.
func copySources(t *testing.T, p program, dir string) {
	t.Helper()
	var module struct{ Dir string }
	out := testenv.GoCommand(t, os.TempDir(), environ(), "mod", "download", "-json", p.module+"@"+p.version)
	if err := json.Unmarshal([]byte(out), &module); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(dir, os.DirFS(module.Dir)); err != nil {
		t.Fatal(err)
	}
	// Files of the module cache are read-only, and so are their copies.
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chmod(path, 0o700)
	})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(p.main, ".txt") {
		return
	}
	text, err := os.ReadFile(filepath.Join("testdata", p.main))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "tokenserver"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "tokenserver", "main.go"), text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// swap changes the import in all files of the module in dir.
func swap(t *testing.T, dir string) {
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(path, bytes.ReplaceAll(text, []byte(`"`+upstream+`"`), []byte(`"`+library+`"`)), 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	checkout, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	testenv.GoCommand(t, dir, environ(), "mod", "edit", "-require", library+"@v0.1.0", "-replace", library+"="+checkout)
}

// results returns what became of each test of p in dir.
func results(t *testing.T, p program, dir string) map[string]string {
	t.Helper()
	cmd := exec.Command("go", append([]string{"test", "-count=1", "-json"}, strings.Fields(p.tests)...)...)
	cmd.Dir, cmd.Env = dir, slices.DeleteFunc(environ(), func(v string) bool { return strings.HasPrefix(v, "AWS_") })
	out, err := cmd.Output() // the tests of a program may fail, before and after
	all := map[string]string{}
	for _, line := range bytes.Split(out, []byte("\n")) {
		var event struct{ Action, Package, Test string }
		if json.Unmarshal(line, &event) == nil && event.Test != "" &&
			slices.Contains([]string{"pass", "fail", "skip"}, event.Action) {
			all[event.Package+"."+event.Test] = event.Action
		}
	}
	if len(all) == 0 {
		t.Fatalf("no test ran: %v: %s", err, out)
	}
	return all
}

// use runs p in a place, and reports whether all its calls had the role.
func use(t *testing.T, p program, dir string) bool {
	t.Helper()
	binary := filepath.Join(dir, "program.exe")
	main := p.main
	if strings.HasSuffix(main, ".txt") {
		main = "./tokenserver"
	}
	testenv.GoCommand(t, dir, environ(), "build", "-o", binary, main)
	place := newPlace(t)
	cmd := exec.Command(binary)
	cmd.Args = append(cmd.Args, p.args...)
	cmd.Stdin = strings.NewReader(p.stdin)
	cmd.Dir, cmd.Env = dir, place.environ(t)
	out, err := cmd.CombinedOutput()
	place.mu.Lock()
	defer place.mu.Unlock()
	used := err == nil && len(place.callers) > 0 && !slices.Contains(place.callers, "another")
	if !used {
		t.Logf("%v: %q called: %s", err, place.callers, out)
	}
	return used
}

// environ is the environment of the Go command for another module.
func environ() []string { return append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod") }
