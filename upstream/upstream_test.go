package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/awstokenserver/config/internal/longtest"
)

// TestApply keeps an edit from going anywhere but where it was meant to.
func TestApply(t *testing.T) {
	const source = `package p

import "fmt"

const (
	first = 1
	b = 2
)

type T struct{ b int }

func (t *T) f() { fmt.Println(t.b) }

func f() { fmt.Println(b); b(); b() }
`
	for _, test := range []struct {
		name  string
		edits []edit
		want  string // in the result, or in the error
		fails bool
	}{
		{"const", []edit{{decl: "first", anchor: "b = 2", after: "\n\tc = 3"}}, "first = 1\n\tb = 2\n\tc = 3\n)",
			false},
		{"type", []edit{{decl: "T", anchor: "b int", before: "a, "}}, "struct{ a, b int }", false},
		{"method", []edit{{decl: "T.f", anchor: "t.b", with: "t"}}, "func (t *T) f() { fmt.Println(t) }", false},
		{"imports", []edit{{decl: "", anchor: `"fmt"`, before: "f "}}, `import f "fmt"`, false},
		{"several", []edit{{decl: "f", anchor: "Println(b)", after: "#"}, {decl: "f", anchor: "func", before: "//"}},
			"//func f() { fmt.Println(b)#; b()", false},
		{"anchor missing", []edit{{decl: "f", anchor: "t.b"}}, `"t.b" is 0 times`, true},
		{"anchor twice", []edit{{decl: "f", anchor: "b()"}}, `"b()" is 2 times`, true},
		{"declaration missing", []edit{{decl: "T.g", anchor: "b"}}, `"T.g" is declared 0 times`, true},
		{"overlap", []edit{{decl: "T", anchor: "struct{"}, {decl: "T", anchor: "{ b"}}, "two anchors overlap", true},
	} {
		got, err := apply("p.go", []byte(source), test.edits)
		if err != nil {
			got = []byte(err.Error())
		}
		if (err != nil) != test.fails || !strings.Contains(string(got), test.want) {
			t.Errorf("%s: %s", test.name, got)
		}
	}
}

// TestCountPlaces notices a release that handles the token file in one more place.
func TestCountPlaces(t *testing.T) {
	release, err := pinned()
	if err != nil {
		t.Fatal(err)
	}
	work, err := workIn(release, false)
	t.Cleanup(func() { os.RemoveAll(work) })
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(work, "config/new.go"), []byte("var x = c.WebIdentityTokenFile\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := patch(work, ".."); err == nil || !strings.Contains(err.Error(), "17 lines") {
		t.Error(err)
	}
}

// TestPatch proves what docs/proposal.md says of the patch.
func TestPatch(t *testing.T) {
	longtest.Skip(t, "it runs the tests of aws-sdk-go-v2/config twice")
	release, err := pinned()
	if err != nil {
		t.Fatal(err)
	}
	copied := func(patched bool) string {
		work, err := workIn(release, patched)
		t.Cleanup(func() { os.RemoveAll(work) })
		if err == nil {
			err = standAlone(filepath.Join(work, "config"))
		}
		if err != nil {
			t.Fatal(err)
		}
		return filepath.Join(work, "config")
	}
	plain, patched := copied(false), copied(true)

	var needs [2][]byte
	for i, dir := range []string{plain, patched} {
		if needs[i], err = os.ReadFile(filepath.Join(dir, "go.mod")); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(needs[0], needs[1]) {
		t.Errorf("the patch needs another go.mod: %s", needs[1])
	}

	t.Run("Diff", func(t *testing.T) { testDiff(t, release) })
	t.Run("Vet", func(t *testing.T) {
		for _, command := range []string{"gofmt -l .", "go vet ./..."} {
			if out, err := run(patched, strings.Fields(command)...); err != nil || len(out) > 0 {
				t.Errorf("%s: %v %s", command, err, out)
			}
		}
	})
	t.Run("API", func(t *testing.T) { testAPI(t, plain, patched) })
	t.Run("Tests", func(t *testing.T) { testTests(t, plain, patched) })
	t.Run("Vectors", func(t *testing.T) { testVectors(t, patched) })
}

// The module and the patch agree on texts with both keys.
func TestAgree(t *testing.T) {
	longtest.Skip(t, "it builds a patched copy")
	dir := t.TempDir()
	if err := agree(dir); err != nil {
		t.Fatal(err)
	}
	if out, err := run(filepath.Join(dir, "agree"), "go", "test", "-v", "-vet=off", "./..."); err != nil {
		t.Error(err)
	} else {
		t.Logf("%s", out)
	}
}

// git apply takes the diff on the release, which changes few files, adds no dependency and makes what build makes.
func testDiff(t *testing.T, release string) {
	patch, added, err := unified(release)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d lines added, outside tests and tokensource", added)
	if added >= 450 {
		t.Errorf("the change has grown to %d lines", added)
	}
	var changed []string
	for _, match := range regexp.MustCompile("(?m)^--- a/(.*)$").FindAllSubmatch(patch, -1) {
		changed = append(changed, string(match[1]))
	}
	if want := []string{"config/env_config.go", "config/resolve_credentials.go", "config/shared_config.go"}; !slices.Equal(changed, want) {
		t.Errorf("it changes %s, and should change %s", changed, want)
	}

	applied, err := workIn(release, false)
	t.Cleanup(func() { os.RemoveAll(applied) })
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "patch")
	if err := os.WriteFile(file, patch, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"init -q", "add -A", "apply --index --whitespace=error-all " + file} {
		if _, err := run(applied, append([]string{"git", "-c", "core.autocrlf=false"}, strings.Fields(command)...)...); err != nil {
			t.Fatal(err)
		}
	}
	want, err := workIn(release, true)
	t.Cleanup(func() { os.RemoveAll(want) })
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"config", ".changelog"} {
		if _, err := run("", "git", "diff", "--no-index", "--stat", filepath.Join(want, name), filepath.Join(applied, name)); err != nil {
			t.Error(err)
		}
	}
}

// All tests of upstream's fare as they do without the patch, and those of the patch pass.
func testTests(t *testing.T, plain, patched string) {
	before, after := results(t, plain), results(t, patched)
	for name, result := range before {
		if after[name] != result {
			t.Errorf("%s: %s without the patch, %q with it", name, result, after[name])
		}
	}
	ours := 0
	for name, result := range after {
		if before[name] == "" {
			ours++
			if result != "pass" && result != "skip" {
				t.Errorf("%s: %s", name, result)
			}
		}
	}
	counts := map[string]int{}
	for _, result := range before {
		counts[result]++
	}
	t.Logf("upstream's: %v; ours: %d", counts, ours)
	if counts["pass"] < 300 || ours < 20 {
		t.Error("there should be more tests")
	}
}

// results runs the tests in dir. A package without tests has no result.
func results(t *testing.T, dir string) map[string]string {
	out, runErr := run(dir, "go", "test", "-p", "1", "-count", "1", "-json", "./...")
	found := map[string]string{}
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var event struct{ Action, Package, Test string }
		if err := decoder.Decode(&event); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("%v: %v", err, runErr)
		}
		if slices.Contains([]string{"pass", "fail", "skip"}, event.Action) &&
			(event.Test != "" || event.Action != "skip") {
			found[event.Package+" "+event.Test] = event.Action
		}
	}
	return found
}

// The patch adds to what upstream exports, and changes nothing of it.
func testAPI(t *testing.T, plain, patched string) {
	before, after := exported(t, plain), exported(t, patched)
	for name, what := range before {
		if after[name] != what {
			t.Errorf("%s: %s without the patch, %q with it", name, what, after[name])
		}
	}
	more := slices.DeleteFunc(slices.Sorted(maps.Keys(after)), func(name string) bool { return before[name] != "" })
	want := []string{"EnvConfig.WebIdentityTokenServer", "SharedConfig.WebIdentityTokenServer",
		"WebIdentityTokenServerError"}
	if !slices.Equal(more, want) {
		t.Errorf("it adds %s, and should add %s", more, want)
	}
}

// exported describes what the package in dir exports: objects, fields and methods.
func exported(t *testing.T, dir string) map[string]string {
	out, err := run(dir, "go", "list", "-export", "-deps", "-f", "{{.ImportPath}}={{.Export}}", ".")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "=")
		files[path] = file
	}
	pkg, err := importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(files[path])
	}).Import(theirs)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, name := range pkg.Scope().Names() {
		object := pkg.Scope().Lookup(name)
		if !object.Exported() {
			continue
		}
		found[name] = fmt.Sprintf("%T %v", object, object.Type())
		if c, ok := object.(*types.Const); ok {
			found[name] += " = " + c.Val().ExactString()
		}
		if _, isType := object.(*types.TypeName); !isType || object.(*types.TypeName).IsAlias() {
			continue
		}
		switch under := object.Type().Underlying().(type) {
		case *types.Struct:
			for field := range under.Fields() {
				if field.Exported() {
					found[name+"."+field.Name()] = fmt.Sprintf("field %v", field.Type())
				}
			}
		default:
			found[name] += fmt.Sprintf(" %v", under)
		}
		for _, typ := range []types.Type{object.Type(), types.NewPointer(object.Type())} {
			for method := range types.NewMethodSet(typ).Methods() {
				if method.Obj().Exported() {
					found[fmt.Sprintf("(%v).%s", typ, method.Obj().Name())] = fmt.Sprint(method.Type())
				}
			}
		}
	}
	return found
}

// The patch passes the conformance suite, but for names of servers that it does not know.
func testVectors(t *testing.T, patched string) {
	dir := t.TempDir()
	source, err := os.ReadFile("adapter.go.txt")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "main.go"), source, 0o600)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "go.mod"), fmt.Appendf(nil,
			"module adapter\n\ngo 1.24\n\nrequire %s v0.0.0\n\nreplace %[1]s => %s\n", theirs, patched), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	adapter := filepath.Join(dir, "adapter.exe")
	for _, command := range []string{"go mod tidy", "gofmt -l .", "go vet .", "go build -o " + adapter} {
		if out, err := run(dir, strings.Fields(command)...); err != nil || len(out) > 0 {
			t.Fatal(err, string(out))
		}
	}
	command := exec.Command("go", "run", "../cmd/aws-web-identity", "conformance", "run", "-adapter", adapter,
		"-parallel", "4", "-json", "-")
	out, err := command.Output()
	var report struct {
		Results []struct {
			ID, Status string
			Reasons    []string
		}
	}
	if json.Unmarshal(out, &report) != nil || len(report.Results) == 0 {
		t.Fatalf("%v: %s", err, out)
	}
	statuses := map[string]int{}
	for _, result := range report.Results {
		statuses[result.Status]++
		// What upstream does otherwise with a token file, the patch does with a token server.
		lacks := regexp.MustCompile("lacks the capability (servers|keys-over-role|role-over-keys|unused-profile|global-endpoint-url)]")
		if result.Status != "passed" && !(result.Status == "skipped" && lacks.MatchString(fmt.Sprint(result.Reasons))) {
			t.Errorf("%s: %s: %s", result.ID, result.Status, result.Reasons)
		}
	}
	t.Log(statuses)
}

func TestUsage(t *testing.T) {
	command := filepath.Join(t.TempDir(), "upstream.exe")
	if _, err := run("", "go", "build", "-o", command, "."); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{"", "build", "build DIR", "diff x", "check x", "walk"} {
		out, err := exec.Command(command, strings.Fields(args)...).CombinedOutput()
		if err == nil || err.Error() != "exit status 2" || !bytes.Contains(out, []byte("usage:")) {
			t.Errorf("%q: %v, %s", args, err, out)
		}
	}
	// It does not write over what is there.
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "config.go"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(command, "build", "-o", dir).CombinedOutput(); err == nil {
		t.Errorf("%s", out)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "config.go")); err != nil || string(text) != "mine" {
		t.Error("a file was overwritten")
	}
}
