package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test's binary be an adapter too: see broken_test.go.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && strings.HasPrefix(os.Args[1], flawFlag) {
		brokenAdapter(strings.TrimPrefix(os.Args[1], flawFlag), os.Args[2:])
		return
	}
	os.Exit(m.Run())
}

func load(t *testing.T) []*Case {
	t.Helper()
	cases, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

// This module passes its own suite.
func TestModule(t *testing.T) {
	t.Parallel()
	adapter := filepath.Join(t.TempDir(), "adapter.exe")
	if out, err := exec.Command("go", "build", "-o", adapter, "./adapters/go").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	report, err := (&Runner{Adapter: []string{adapter}, Parallel: 8, Timeout: time.Minute}).Run(t.Context(), load(t))
	if err != nil {
		t.Fatal(err)
	}
	// What upstream does otherwise with a token file, this module does with a token server.
	others := []string{"keys-over-role", "role-over-keys", "unused-profile", "global-endpoint-url"}
	lacks := slices.ContainsFunc(report.Results, func(r Result) bool {
		return r.Status == Skipped && !slices.ContainsFunc(others, func(capability string) bool {
			return strings.HasSuffix(r.Reasons[0], " "+capability)
		})
	})
	if !report.OK() || lacks {
		var table bytes.Buffer
		report.WriteTable(&table)
		t.Error(table.String())
	}
}

// The account is compared where a case says which.
func TestAccountID(t *testing.T) {
	t.Parallel()
	account, none := "123456789012", ""
	w := &world{expires: map[int]time.Time{}, names: &placeholders{}}
	for _, test := range []struct {
		want      *string
		got       string
		different bool
	}{{nil, "123456789012", false}, {&account, "123456789012", false}, {&account, "", true}, {&none, "123456789012", true}} {
		difference := w.difference(retrieval{AccountID: test.got}, Expectation{Credentials: 1, AccountID: test.want}, true)
		if strings.Contains(difference, "the account is") != test.different {
			t.Errorf("%v: %s", test, difference)
		}
	}
}

// A folder that Load does not see is a case with a misspelt name.
func TestEveryFolderIsACase(t *testing.T) {
	t.Parallel()
	folders, err := fs.Glob(os.DirFS("vectors"), "*/*")
	if err != nil {
		t.Fatal(err)
	}
	if cases := load(t); len(folders) != len(cases) {
		t.Errorf("%d folders, %d cases", len(folders), len(cases))
	}
}

var clause = regexp.MustCompile(`(?s)<a id="([A-Z]+-[0-9]+)"></a>\*\*([A-Z]+-[0-9]+)\.\*\*(.*?)(\n\n|\n\z)`)

// Every clause has a case, and every case names clauses that there are.
func TestClauses(t *testing.T) {
	t.Parallel()
	specification, err := os.ReadFile("../docs/specification.md")
	if err != nil {
		t.Fatal(err)
	}
	tested, used := map[string]bool{}, map[string]bool{}
	for _, c := range load(t) {
		for _, id := range c.Clauses {
			used[id] = true
		}
	}
	for _, found := range clause.FindAllStringSubmatch(string(specification), -1) {
		id, text := found[1], strings.Join(strings.Fields(found[3]), " ")
		if id != found[2] || tested[id] {
			t.Errorf("%s is there twice, or has another anchor", id)
		}
		tested[id] = true
		if notTested := strings.Contains(text, "*Not tested: "); notTested == used[id] {
			t.Errorf("%s: has a case: %v, is not tested: %v", id, used[id], notTested)
		}
	}
	if anchors := strings.Count(string(specification), "<a id="); anchors != len(tested) {
		t.Errorf("%d anchors, %d clauses", anchors, len(tested))
	}
	for id := range used {
		if !tested[id] {
			t.Errorf("a case names %s, which is no clause", id)
		}
	}
}

// The capabilities of the schema, of the documentation and of the cases are the same.
func TestCapabilities(t *testing.T) {
	t.Parallel()
	documentation, err := os.ReadFile("../docs/conformance.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(documentation), "### Capabilities")
	table, _, _ = strings.Cut(table, "\n## ")
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z-]+)`").FindAllStringSubmatch(table, -1) {
		documented = append(documented, row[1])
	}
	required := []string{ErrorClass}
	for _, c := range load(t) {
		required = append(required, c.Requires...)
	}
	var schema struct {
		Properties struct {
			Requires struct {
				Items struct{ Enum []string }
			}
		}
	}
	text, _ := os.ReadFile("case.schema.json")
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	sorted := func(list []string) string {
		slices.Sort(list)
		return strings.Join(slices.Compact(list), " ")
	}
	want := sorted(documented)
	if got := sorted(schema.Properties.Requires.Items.Enum); got != want {
		t.Errorf("the schema has %s, docs/conformance.md %s", got, want)
	}
	if got := sorted(required); got != want {
		t.Errorf("the cases require %s, docs/conformance.md has %s", got, want)
	}
}

// The case in docs/conformance.md is the one that it says it is.
func TestDocumentedCase(t *testing.T) {
	t.Parallel()
	documentation, err := os.ReadFile("../docs/conformance.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range load(t) {
		if c.ID == "value-pair" && !bytes.Contains(documentation, c.text) {
			t.Errorf("docs/conformance.md shows another case than:\n%s", c.text)
		}
	}
}

// The adapter in docs/conformance.md is one, and botocore passes the baseline.
func TestDocumentedAdapter(t *testing.T) {
	t.Parallel()
	if exec.Command("python3", "-c", "import botocore").Run() != nil {
		t.Skip("there is no botocore")
	}
	documentation, err := os.ReadFile("../docs/conformance.md")
	if err != nil {
		t.Fatal(err)
	}
	_, program, _ := strings.Cut(string(documentation), "```python\n")
	program, _, _ = strings.Cut(program, "```")
	adapter := filepath.Join(t.TempDir(), "adapter.py")
	if err := os.WriteFile(adapter, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := run(t, "run", "-adapter", "python3 "+adapter, "-only", "baseline")
	if code != 0 {
		t.Error(stdout, stderr)
	}
}

func run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = Main(t.Context(), args, &out, &errs)
	return code, out.String(), errs.String()
}

func TestMainUsage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	known := filepath.Join(dir, "known")
	for _, text := range []string{"value-github", "no-such-case because"} {
		if err := os.WriteFile(known, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, _, stderr := run(t, "run", "-adapter", "x", "-known", known); code != 2 ||
			!strings.Contains(stderr, "known") {
			t.Errorf("%q: %d, %s", text, code, stderr)
		}
	}
	for _, args := range [][]string{
		{}, {"walk"}, {"run"}, {"run", "-adapter", " "}, {"run", "-adapter", "x", "y"},
		{"run", "-adapter", "x", "-parallel", "0"},
		{"run", "-no"}, {"show"}, {"copy"}, {"list", "x"},
	} {
		if code, stdout, stderr := run(t, args...); code != 2 || stdout != "" || !strings.Contains(stderr, "usage:") {
			t.Errorf("%q: %d, %q, %q", args, code, stdout, stderr)
		}
	}
	for _, args := range [][]string{
		{"show", "no-such-case"}, {"copy", dir}, {"list", "-only", "no-such-case"}, {"list", "-only", "["},
		{"run", "-adapter", filepath.Join(dir, "none")}, {"run", "-adapter", "go"},
		{"run", "-adapter", "x", "-known", filepath.Join(dir, "none")},
	} {
		if code, stdout, stderr := run(t, args...); code != 2 || stdout != "" ||
			!strings.HasPrefix(stderr, "conformance: ") {
			t.Errorf("%q: %d, %q, %q", args, code, stdout, stderr)
		}
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]int{"": len(load(t)), "value-pair": 1, "value-pair,refresh-kept": 2,
		"value-pai?": 1} {
		if _, stdout, _ := run(t, "list", "-only", pattern); strings.Count(stdout, "\n") != want {
			t.Errorf("%q: %s", pattern, stdout)
		}
	}
	_, stdout, _ := run(t, "list", "-only", "value")
	for line := range strings.Lines(stdout) {
		if !strings.HasPrefix(line, "value-") || !strings.Contains(line, "VALUE-") {
			t.Error(line)
		}
	}
}

func TestCopy(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "suite")
	if code, _, stderr := run(t, "copy", dir); code != 0 {
		t.Fatal(stderr)
	}
	copied, err := LoadFS(os.DirFS(filepath.Join(dir, "vectors")))
	if err != nil || len(copied) != len(load(t)) {
		t.Errorf("%d cases, %v", len(copied), err)
	}
	for _, name := range []string{"README.md", "specification.md", "conformance.md", "case.schema.json", "CHANGELOG.md",
		"vectors/VERSION"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
		}
		if strings.Contains(string(text), "](../") {
			t.Errorf("%s links to what was not copied", name)
		}
	}
}

// A program that runs in the world that show makes is told what it did wrong.
func TestShow(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	read, write := io.Pipe()
	done := make(chan int)
	go func() {
		defer write.Close()
		done <- Main(ctx, []string{"show", "value-pair"}, write, io.Discard)
	}()
	shown := make([]byte, 0, 1<<16)
	until := func(text string) {
		for !bytes.Contains(shown, []byte(text)) {
			n, err := read.Read(shown[len(shown):cap(shown)])
			if err != nil {
				t.Fatalf("%v, before %q: %s", err, text, shown)
			}
			shown = shown[:len(shown)+n]
		}
	}
	until("waiting for 2 requests")
	url := regexp.MustCompile(`export URL_VAR='(.*)'`).FindSubmatch(shown)
	if url == nil {
		t.Fatalf("no URL in %s", shown)
	}
	go func() {
		if response, err := http.Get(string(url[1])); err == nil {
			response.Body.Close()
		}
	}()
	until("got token GET")
	cancel()
	until(`the header Authorization is []`)
	until("1 of 2 requests came")
	if code := <-done; code != 1 {
		t.Errorf("exit code %d", code)
	}
}

func TestReports(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	known := filepath.Join(dir, "known")
	if err := os.WriteFile(known, []byte("# a comment\n\nbaseline-keys-env  it is broken\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	junit := filepath.Join(dir, "junit.xml")
	// The adapter knows one case only, and fails the others.
	code, stdout, stderr := run(t, "run", "-adapter", os.Args[0]+" "+flawFlag, "-caps", "token-server",
		"-only", "value-github,value-server-circleci,baseline-keys-env,value-pair", "-known", known, "-json", "-",
		"-junit", junit)
	var report Report
	if err := json.Unmarshal([]byte(stdout), &report); code != 1 || err != nil {
		t.Fatalf("%d, %v, %s%s", code, err, stdout, stderr)
	}
	got := map[string]Status{}
	for _, result := range report.Results {
		got[result.ID] = result.Status
	}
	for id, want := range map[string]Status{
		"value-github": Passed, "value-pair": Failed, "value-server-circleci": Skipped, "baseline-keys-env": Known,
	} {
		if got[id] != want {
			t.Errorf("%s: %s, not %s", id, got[id], want)
		}
	}
	var suite struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Skipped  int `xml:"skipped,attr"`
		Cases    []struct {
			Failure *struct{} `xml:"failure"`
		} `xml:"testcase"`
	}
	text, err := os.ReadFile(junit)
	if err != nil {
		t.Fatal(err)
	}
	if err := xml.Unmarshal(text, &suite); err != nil || suite.Tests != 4 || suite.Failures != 1 ||
		suite.Skipped != 2 || len(suite.Cases) != 4 {
		t.Errorf("%v: %s", err, text)
	}
}
