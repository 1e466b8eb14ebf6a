package main

import (
	"bytes"
	"encoding/json"
	"errors"
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
	"strconv"
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
	r, err := selected()
	if err != nil {
		t.Fatal(err)
	}
	dir := work(t, r, "")
	if err := os.WriteFile(filepath.Join(dir, "config/new.go"), []byte("var x = c.WebIdentityTokenFile\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := patch(dir, "..", "B"); err == nil || !strings.Contains(err.Error(), "17 lines") {
		t.Error(err)
	}
}

// git apply takes the diff of each step on the release: it changes few files, adds few lines, and makes what build makes.
func TestDiff(t *testing.T) {
	t.Parallel()
	r, err := selected()
	if err != nil {
		t.Fatal(err)
	}
	const provider = "credentials/stscreds/web_identity_provider.go"
	withServer := []string{"config/env_config.go", "config/resolve_credentials.go", "config/shared_config.go", provider}
	counted := 0
	for _, test := range []struct {
		step    string
		most    int // lines that it adds to those of the steps before it
		changed []string
	}{
		{"A", 15, []string{provider}},
		{"A2", 120, []string{provider}},
		{"B", 300, withServer},
		{"C", 380, withServer},
	} {
		t.Run(test.step, func(t *testing.T) {
			patch, added, err := unified(r, test.step)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d lines added, outside tests, changelog, and tokensource", added-counted)
			if added-counted > test.most {
				t.Errorf("the step has grown to %d lines", added-counted)
			}
			counted = added
			var changed []string
			for _, match := range regexp.MustCompile("(?m)^--- a/(.*)$").FindAllSubmatch(patch, -1) {
				changed = append(changed, string(match[1]))
			}
			if !slices.Equal(changed, test.changed) {
				t.Errorf("it changes %s, and should change %s", changed, test.changed)
			}
			testApply(t, r, test.step, patch)
		})
	}
}

func testApply(t *testing.T, r release, step string, patch []byte) {
	applied := work(t, r, "")
	file := filepath.Join(t.TempDir(), "patch")
	if err := os.WriteFile(file, patch, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"init -q", "add -A", "apply --index --whitespace=error-all " + file} {
		if _, err := run(applied, append([]string{"git", "-c", "core.autocrlf=false"}, strings.Fields(command)...)...); err != nil {
			t.Fatal(err)
		}
	}
	want := work(t, r, step)
	for _, name := range append(modules, ".changelog") {
		a, b := filepath.Join(want, name), filepath.Join(applied, name)
		if _, err := run("", "git", "diff", "--no-index", "--stat", a, b); err != nil {
			t.Error(err)
		}
	}
}

// A release in which something has moved is reported with the file and the declaration.
func TestTry(t *testing.T) {
	t.Parallel()
	r, err := selected()
	if err != nil {
		t.Fatal(err)
	}
	moved := maps.Clone(r)
	moved["config"] = filepath.Join(work(t, r, ""), "config")
	file := filepath.Join(moved["config"], "shared_config.go")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.ReplaceAll(text, []byte("hasCredentials("), []byte("holdsCredentials("))
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	const want = `config/shared_config.go: "SharedConfig.hasCredentials" is declared 0 times`
	if err := try(moved, "B"); err == nil || !strings.Contains(err.Error(), want) {
		t.Error(err)
	}
	work(t, moved, "A2") // which does not touch config
}

// work is a folder with upstream's modules, patched up to a step.
func work(t *testing.T, r release, step string) string {
	t.Helper()
	dir, err := workIn(r, step)
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// Each step has an entry for upstream's changelog, which names the modules that it changes.
func TestChangelog(t *testing.T) {
	t.Parallel()
	for step, want := range map[string]string{
		"A": "[credentials]", "A2": "[credentials]", "B": "[config]", "C": "[config]",
	} {
		files, err := filepath.Glob(filepath.Join("new", step, ".changelog", "*.json"))
		if err != nil || len(files) != 1 {
			t.Fatal(step, files, err)
		}
		text, err := os.ReadFile(files[0])
		if err != nil {
			t.Fatal(err)
		}
		var entry struct {
			ID, Type, Description string
			Modules               []string
		}
		if err := json.Unmarshal(text, &entry); err != nil || entry.ID+".json" != filepath.Base(files[0]) ||
			entry.Type != "feature" || entry.Description == "" || fmt.Sprint(entry.Modules) != want {
			t.Errorf("%s: %v, %+v", step, err, entry)
		}
	}
}

// TestPatch proves what docs/proposal.md says of the series.
func TestPatch(t *testing.T) {
	longtest.Skip(t, "it runs the tests of aws-sdk-go-v2's config and credentials with and without each step")
	r, err := selected()
	if err != nil {
		t.Fatal(err)
	}
	copied := func(step string) string {
		dir := work(t, r, step)
		if err := standAlone(dir); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	plain := copied("")
	before := map[string]map[string]string{}
	for _, module := range modules {
		before[module] = results(t, filepath.Join(plain, module))
	}
	withContext := []string{
		"(" + theirCredentials + "/stscreds.IdentityTokenRetrieverWithContext).GetIdentityTokenWithContext",
		"IdentityTokenRetrieverWithContext",
	}
	for step, api := range map[string]map[string][]string{
		"A":  {"config": nil, "credentials": withContext},
		"A2": {"config": nil, "credentials": withContext},
		"B": {
			"credentials": withContext,
			"config":      {"EnvConfig.WebIdentityTokenServer", "SharedConfig.WebIdentityTokenServer"},
		},
		"C": {
			"credentials": withContext,
			"config":      {"EnvConfig.WebIdentityTokenServer", "SharedConfig.WebIdentityTokenServer", "WebIdentityTokenServerError"},
		},
	} {
		patched := copied(step)
		t.Run(step, func(t *testing.T) {
			for _, module := range modules {
				plain, patched := filepath.Join(plain, module), filepath.Join(patched, module)
				for _, command := range []string{"gofmt -l .", "go vet ./...", "diff go.mod " + filepath.Join(plain, "go.mod")} {
					if out, err := run(patched, strings.Fields(command)...); err != nil || len(out) > 0 {
						t.Errorf("%s: %v %s", command, err, out)
					}
				}
				testTests(t, before[module], results(t, patched))
			}
			for module, want := range api {
				testAPI(t, filepath.Join(plain, module), filepath.Join(patched, module), want)
			}
			if step == "B" || step == "C" {
				testVectors(t, step, patched)
			}
			if step != "C" {
				testCost(t, plain, patched)
			}
		})
	}
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

// All tests of upstream's fare as they do without the patch, and those of the patch pass.
func testTests(t *testing.T, before, after map[string]string) {
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
	if counts["pass"] < 100 {
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
func testAPI(t *testing.T, plain, patched string, want []string) {
	before, after := exported(t, plain), exported(t, patched)
	for name, what := range before {
		if after[name] != what {
			t.Errorf("%s: %s without the patch, %q with it", name, what, after[name])
		}
	}
	more := slices.DeleteFunc(slices.Sorted(maps.Keys(after)), func(name string) bool { return before[name] != "" })
	if !slices.Equal(more, want) {
		t.Errorf("it adds %s, and should add %s", more, want)
	}
}

// exported describes what the package config, or stscreds of credentials, in dir exports: objects, fields and methods.
func exported(t *testing.T, dir string) map[string]string {
	path, pattern := theirs, "."
	if filepath.Base(dir) == "credentials" {
		path, pattern = theirCredentials+"/stscreds", "./stscreds"
	}
	out, err := run(dir, "go", "list", "-export", "-deps", "-f", "{{.ImportPath}}={{.Export}}", pattern)
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
	}).Import(path)
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

// inC are the capabilities that step C adds.
var inC = []string{"document", "form", "unix-socket", "error-class"}

// The patch passes the conformance suite, but for names of servers that it does not know, and step B but for what C adds.
func testVectors(t *testing.T, step, patched string) {
	files := []string{"adapter.go.txt"}
	lacked := []string{"servers", "keys-over-role", "role-over-keys", "unused-profile", "global-endpoint-url"}
	if step == "C" {
		files = append(files, "adapter_class.go.txt")
	} else {
		lacked = append(lacked, inC...)
	}
	adapter := program(t, patched, files...)
	command := exec.Command("go", "run", "../cmd/aws-web-identity", "conformance", "run", "-adapter", adapter,
		"-parallel", "4", "-json", "-", "-caps", capabilities(t, adapter, lacked))
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
		lacks := regexp.MustCompile("lacks the capability (" + strings.Join(lacked, "|") + ")]")
		if result.Status != "passed" && !(result.Status == "skipped" && lacks.MatchString(fmt.Sprint(result.Reasons))) {
			t.Errorf("%s: %s: %s", result.ID, result.Status, result.Reasons)
		}
	}
	t.Log(statuses)
}

// program builds a program of files with the modules in dir.
func program(t *testing.T, modulesIn string, files ...string) string {
	dir := t.TempDir()
	mod := "module program\n\ngo 1.24\n"
	for _, module := range modules {
		mod += replacement("github.com/aws/aws-sdk-go-v2/"+module, filepath.Join(modulesIn, module))
	}
	err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte(mod), 0o600)
	for _, file := range files {
		source, readErr := os.ReadFile(file)
		err = errors.Join(err, readErr, os.WriteFile(filepath.Join(dir, strings.TrimSuffix(file, ".txt")), source, 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
	built := filepath.Join(dir, "program.exe")
	for _, command := range []string{"go mod tidy", "gofmt -l .", "go vet .", "go build -trimpath -o " + built} {
		if out, err := run(dir, strings.Fields(command)...); err != nil || len(out) > 0 {
			t.Fatal(err, string(out))
		}
	}
	return built
}

// A program that names no token server pays nothing but a little size.
func testCost(t *testing.T, plain, patched string) {
	type cost struct {
		start, load int // allocations
		size        int64
	}
	measure := func(dir string) (c cost) {
		command := program(t, dir, "cost.go.txt")
		info, err := os.Stat(command)
		if err != nil {
			t.Fatal(err)
		}
		c.size = info.Size()
		cmd := exec.Command(command)
		cmd.Env = []string{"HOME=" + t.TempDir(), "GODEBUG=inittrace=1"}
		var trace bytes.Buffer
		cmd.Stderr = &trace
		out, err := cmd.Output()
		if err == nil {
			_, err = fmt.Sscan(string(out), &c.load)
		}
		if err != nil {
			t.Fatal(err, &trace)
		}
		inits := regexp.MustCompile(`(?m)^init github\.com/aws/aws-sdk-go-v2/(?:config|credentials).* (\d+) allocs$`)
		for _, match := range inits.FindAllStringSubmatch(trace.String(), -1) {
			n, _ := strconv.Atoi(match[1])
			c.start += n
		}
		return c
	}
	before, after := measure(plain), measure(patched)
	t.Logf("allocations at start %d and %d, at load %d and %d, bytes more %d", before.start, after.start, before.load,
		after.load, after.size-before.size)
	if before.start == 0 || before.load == 0 || after.start > before.start || after.load > before.load ||
		after.size > before.size+40_000 {
		t.Errorf("%+v without the patch, %+v with it", before, after)
	}
}

// capabilities are those that the adapter names, without some.
func capabilities(t *testing.T, adapter string, without []string) string {
	out, err := exec.Command(adapter, "capabilities").Output()
	var all []string
	if err == nil {
		err = json.Unmarshal(out, &all)
	}
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(slices.DeleteFunc(all, func(c string) bool { return slices.Contains(without, c) }), ",")
}

func TestUsage(t *testing.T) {
	command := filepath.Join(t.TempDir(), "upstream.exe")
	if _, err := run("", "go", "build", "-o", command, "."); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{
		"", "build", "build DIR", "build -step B DIR", "verify", "verify -o DIR", "diff x", "diff -step", "check x", "check -step B", "walk",
	} {
		out, err := exec.Command(command, strings.Fields(args)...).CombinedOutput()
		if err == nil || err.Error() != "exit status 2" || !bytes.Contains(out, []byte("usage:")) {
			t.Errorf("%q: %v, %s", args, err, out)
		}
	}
	// It does not write over what is there.
	dir := t.TempDir()
	if err := create(filepath.Join(dir, "config/config.go"), []byte("mine")); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(command, "diff", "-step", "D").CombinedOutput(); err == nil ||
		!bytes.Contains(out, []byte(`"D" is not a step`)) {
		t.Errorf("%v, %s", err, out)
	}
	if out, err := exec.Command(command, "build", "-o", dir).CombinedOutput(); err == nil ||
		!bytes.Contains(out, []byte("is not what this command wrote")) {
		t.Errorf("%v, %s", err, out)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "config/config.go")); err != nil || string(text) != "mine" {
		t.Error("a file was overwritten")
	}
}
