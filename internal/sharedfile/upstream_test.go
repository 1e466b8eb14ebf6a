package sharedfile_test

import (
	"crypto/sha256"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What upstream does with sections is known from its text. If this fails with a new
// release, read what has changed, compare it with sections.go and keys.go, run
// FuzzSelection and FuzzAgree (upstream/README.md), and only then change what is
// wanted here.
func TestUpstreamIsAsItWasRead(t *testing.T) {
	t.Parallel()
	pkg, err := build.Import("github.com/aws/aws-sdk-go-v2/config", ".", build.FindOnly)
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.New()
	sources := filepath.Join(pkg.Dir, "internal", "ini")
	if err := filepath.WalkDir(sources, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		fmt.Fprintf(hash, "%s %d\n%s", entry.Name(), len(text), text)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprintf("%x", hash.Sum(nil)), "d49ecaa9fd4057d43df0338f1c8cf8abaa92c7f25f5f2cc19a61228d67bf3022"; got != want {
		t.Errorf("the parser of shared config files has changed: its hash is %s", got)
	}

	var callers []string
	files, err := filepath.Glob(filepath.Join(pkg.Dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok && (s.Sel.Name == "GetSection" || s.Sel.Name == "OpenFile") {
					callers = append(callers, f.Name.Name+" "+s.Sel.Name)
				}
				return true
			})
		}
	}
	want := []string{
		"renameProfileSection GetSection", "renameProfileSection GetSection", "loadIniFiles OpenFile",
		"mergeSections GetSection",
		"mergeSections GetSection", "setFromIniSections GetSection", "setFromIniSections GetSection",
		"setFromIniSections GetSection",
	}
	if !slices.Equal(callers, want) {
		t.Errorf("sections are looked up in %q", callers)
	}
}
