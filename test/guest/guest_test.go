// Package guest shows what a program gets that requires the library, and that the
// command installs, once there is a release: from a module proxy that has one.
package guest

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/module"

	"github.com/awstokenserver/config/internal/longtest"
	"github.com/awstokenserver/config/internal/testenv"
)

const (
	library  = "github.com/awstokenserver/config"
	upstream = "github.com/aws/aws-sdk-go-v2/config"
	release  = "v0.1.0"
)

// proxy is the environment of a Go command for which this repository is released.
func proxy(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	for path, folder := range map[string]string{library: "../..", library + "/cmd": "../../cmd",
		library + "/conformance": "../../conformance"} {
		serve(t, dir, module.Version{Path: path, Version: release}, folder)
	}
	// What was downloaded before comes from the cache, and this release stays out of it.
	cache := testenv.GoCommand(t, ".", os.Environ(), "env", "GOMODCACHE", "GOPROXY")
	known, others, _ := strings.Cut(strings.TrimSpace(cache), "\n")
	return append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod -modcacherw", "GOMODCACHE="+t.TempDir(),
		"GONOSUMDB="+library,
		"GOPROXY="+fileURL(dir)+","+fileURL(filepath.Join(known, "cache", "download"))+","+others)
}

func fileURL(path string) string {
	if path = filepath.ToSlash(path); runtime.GOOS == "windows" {
		path = "/" + path
	}
	return "file://" + path
}

// A program that swaps the import loads this module beside what it has loaded, and
// go-jose, which webidentitytest is for.
func TestGuest(t *testing.T) {
	t.Parallel()
	env := proxy(t)
	dir := t.TempDir()
	// modules returns what go mod graph names for a program with an import.
	modules := func(imported, version string) (names []string) {
		testenv.GoCommand(t, dir, env, "mod", "edit", "-require", imported+"@"+version)
		program := "package main\n\nimport (\n\t\"context\"\n\n\t\"" + imported + "\"\n)\n\n" +
			"func main() { config.LoadDefaultConfig(context.Background()) }\n"
		if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(program), 0o600); err != nil {
			t.Fatal(err)
		}
		testenv.GoCommand(t, dir, env, "mod", "tidy")
		for _, name := range strings.Fields(testenv.GoCommand(t, dir, env, "mod", "graph")) {
			if !strings.HasPrefix(name, "go@") && !strings.HasPrefix(name, "toolchain@") {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		return slices.Compact(names)
	}
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module program\n\ngo 1.24.0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	before := modules(upstream, pinned(t))
	after := modules(library, release)
	for _, name := range after {
		path, _, _ := strings.Cut(name, "@")
		if !slices.Contains(before, name) && path != library && path != "github.com/go-jose/go-jose/v4" {
			t.Errorf("the program now loads %s", name)
		}
	}
	if !slices.Contains(after, library+"@"+release) {
		t.Errorf("the program does not load the library: %q", after)
	}
}

// pinned is the release of upstream that the library requires.
func pinned(t *testing.T) string {
	var requirements struct{ Require []module.Version }
	if err := json.Unmarshal([]byte(testenv.GoCommand(t, "../..", os.Environ(), "mod", "edit", "-json")), &requirements); err != nil {
		t.Fatal(err)
	}
	for _, required := range requirements.Require {
		if required.Path == upstream {
			return required.Version
		}
	}
	t.Fatal("the library does not require upstream")
	return ""
}

func TestInstall(t *testing.T) {
	t.Parallel()
	longtest.Skip(t, "it compiles the SDK anew")
	bin := t.TempDir()
	testenv.GoCommand(t, bin, append(proxy(t), "GOBIN="+bin), "install", library+"/cmd/aws-web-identity@"+release)
	out, err := exec.Command(filepath.Join(bin, "aws-web-identity"), "demo").CombinedOutput()
	if err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
