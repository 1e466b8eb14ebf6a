// Package mutation proves that the conformance suite bites: it builds this
// module's adapter with one fault at a time, and the cases must catch it.
package mutation

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/awstokenserver/config/conformance"
	"github.com/awstokenserver/config/internal/longtest"
)

var (
	all    = flag.Bool("all", false, "run all cases against each fault, not only those that its row names")
	update = flag.Bool("update", false, "write REPORT.md")
)

// fault is an edit of one file of this module, whose text old is there once.
type fault struct {
	name, file, old, new string

	cases string // each of them catches it
}

// canary passes in spite of every fault: an adapter that does nothing right
// would say nothing about a fault.
const canary = "baseline-keys-env"

const reportHead = `# Faults that the conformance suite catches

Each is put into this module's own sources, and each of the named cases must then fail: ` + "`go test ./conformance/mutation -v`" + `.
With ` + "`-run TestMutations/FAULT -args -all`" + ` it runs all cases against one, with ` + "`-args -update`" + ` it writes this file.

| fault | caught by |
|---|---|
`

func TestMutations(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	report := reportHead
	for _, f := range faults {
		f.edit(t, root)
		report += fmt.Sprintf("| %s | %s |\n", f.name, strings.ReplaceAll(f.cases, ",", ", "))
	}
	if *update {
		if err := os.WriteFile("REPORT.md", []byte(report), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if golden, err := os.ReadFile("REPORT.md"); err != nil || string(golden) != report {
		t.Errorf("REPORT.md is not of these faults (%v): go test ./conformance/mutation -args -update", err)
	}
	longtest.Skip(t, "it builds an adapter for each fault")
	caught := make([][]string, len(faults))
	t.Cleanup(func() {
		for i, f := range faults {
			t.Logf("%-70s %3d: %s", f.name, len(caught[i]), strings.Join(caught[i][:min(len(caught[i]), 5)], " "))
		}
	})
	for i, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			adapter := build(t, root, f)
			only := f.cases + "," + canary
			if *all {
				only = ""
			}
			var stdout, stderr bytes.Buffer
			conformance.Main(t.Context(), []string{"run", "-adapter", adapter, "-only", only, "-timeout", "20s",
				"-parallel", "4", "-json", "-"}, &stdout, &stderr)
			var report conformance.Report
			if err := json.Unmarshal(stdout.Bytes(), &report); err != nil {
				t.Fatalf("%v: %s", err, stderr.String())
			}
			for _, result := range report.Results {
				if result.Status == conformance.Failed {
					caught[i] = append(caught[i], result.ID)
					t.Logf("%s: %s", result.ID, strings.Join(result.Reasons, "; "))
				}
			}
			for _, id := range strings.Split(f.cases, ",") {
				if !slices.Contains(caught[i], id) {
					t.Errorf("the fault survives the case %s", id)
				}
			}
			if slices.Contains(caught[i], canary) {
				t.Error("nothing works with this fault, which proves nothing")
			}
		})
	}
}

// edit returns the name of the file and its text with the fault.
func (f fault) edit(t *testing.T, root string) (file, text string) {
	t.Helper()
	file = filepath.Join(root, filepath.FromSlash(f.file))
	sound, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(sound), f.old); n != 1 {
		t.Errorf("%s is there %d times in %s, not once: fix the fault's anchor", f.old, n, f.file)
	}
	return file, strings.Replace(string(sound), f.old, f.new, 1)
}

// build builds the adapter with a fault.
func build(t *testing.T, root string, f fault) (adapter string) {
	t.Helper()
	file, text := f.edit(t, root)
	dir := t.TempDir()
	mutant, overlay, adapter := filepath.Join(dir, "mutant"), filepath.Join(dir, "overlay"),
		filepath.Join(dir, "adapter.exe")
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{file: mutant}})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{mutant: text, overlay: string(replace)} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "build", "-buildvcs=false", "-ldflags=-s -w", "-overlay", overlay, "-o", adapter,
		"./conformance/adapters/go")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return adapter
}
