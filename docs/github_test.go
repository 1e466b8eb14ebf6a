package docs_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Every folder with a list of dependencies is one that Dependabot looks at.
func TestDependabot(t *testing.T) {
	t.Parallel()
	folders := map[string]string{}
	ecosystem := regexp.MustCompile(`(?m)package-ecosystem: (\S+)\n +directories: \[(.*)\]`)
	for _, entry := range ecosystem.FindAllStringSubmatch(read(t, "../.github/dependabot.yml"), -1) {
		folders[entry[1]] = ", " + entry[2] + ","
	}
	manifests := map[string]string{"go.mod": "gomod", "package.json": "npm", "pyproject.toml": "pip",
		"requirements.txt": "pip", "Cargo.toml": "cargo", "pom.xml": "maven"}
	found := map[string]bool{}
	err := fs.WalkDir(os.DirFS(".."), ".", func(name string, entry fs.DirEntry, err error) error {
		switch base := path.Base(name); base {
		case "node_modules", "target", "testdata", ".git":
			return fs.SkipDir
		default:
			kind := manifests[base]
			if found[kind] = true; kind != "" && !strings.Contains(folders[kind], ", "+path.Join("/", path.Dir(name))+",") {
				t.Errorf("%s of Dependabot lacks the folder of %s", kind, name)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range manifests {
		if !found[kind] {
			t.Errorf("no list of %s was found", kind)
		}
	}
}

// Workflows use actions by digest, and say of which version it is.
func TestActionsArePinned(t *testing.T) {
	t.Parallel()
	workflows, _ := filepath.Glob("../.github/workflows/*.yml")
	if len(workflows) == 0 {
		t.Fatal("no workflow")
	}
	pinned := regexp.MustCompile(`^[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	for _, name := range workflows {
		for _, uses := range regexp.MustCompile(`uses: (.+)`).FindAllStringSubmatch(read(t, name), -1) {
			if !pinned.MatchString(uses[1]) && !strings.HasPrefix(uses[1], "./") {
				t.Errorf("%s: %s", name, uses[1])
			}
		}
	}
}

// Whoever reports an error is asked for what explain says.
func TestIssueForms(t *testing.T) {
	t.Parallel()
	form := read(t, "../.github/ISSUE_TEMPLATE/bug.yml")
	if !regexp.MustCompile(`(?s)id: explain\n.*aws-web-identity explain --profile.*required: true\}\n.*id: error`).MatchString(form) {
		t.Error("the form does not require the output of explain")
	}
}
