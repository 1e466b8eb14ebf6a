package config_test

import (
	"fmt"
	"go/constant"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestForward compares what both packages export: nothing is missing here, and nothing more is here than said.
func TestForward(t *testing.T) {
	list := exec.Command("go", "list", "-export", "-deps", "-f", "{{.ImportPath}}={{.Export}}", ".")
	list.Stderr = os.Stderr
	output, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	exports := map[string]string{}
	for line := range strings.Lines(string(output)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "=")
		exports[path] = file
	}
	imports := importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})
	upstream, err := imports.Import("github.com/aws/aws-sdk-go-v2/config")
	if err != nil {
		t.Fatal(err)
	}
	here, err := imports.Import("github.com/awstokenserver/config")
	if err != nil {
		t.Fatal(err)
	}

	for _, name := range upstream.Scope().Names() {
		theirs, ours := upstream.Scope().Lookup(name), here.Scope().Lookup(name)
		switch {
		case !theirs.Exported():
		case ours == nil:
			t.Errorf("%v is missing: run go generate", theirs)
		case fmt.Sprintf("%T", ours) != fmt.Sprintf("%T", theirs), !types.Identical(ours.Type(), theirs.Type()):
			t.Errorf("upstream has %v, here it is %v", theirs, ours)
		default:
			if c, ok := theirs.(*types.Const); ok && !constant.Compare(c.Val(), token.EQL, ours.(*types.Const).Val()) {
				t.Errorf("upstream has %v, here it is %v", theirs, ours)
			}
		}
	}

	more := slices.DeleteFunc(here.Scope().Names(), func(name string) bool {
		return !token.IsExported(name) || upstream.Scope().Lookup(name) != nil
	})
	if want := []string{"TokenServer", "WithTokenServerOptions", "WithTokenSource"}; !slices.Equal(more, want) {
		t.Errorf("exported here and not by upstream: %q, want %q", more, want)
	}
}
