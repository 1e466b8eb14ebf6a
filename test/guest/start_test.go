package guest

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/awstokenserver/config/internal/testenv"
)

// A program that imports the library and does not use it allocates next to nothing
// when it starts: 35 times with Go 1.25, and 85 with Go 1.24, whose sync.OnceValue allocates more.
func TestStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	source, program := filepath.Join(dir, "main.go"), filepath.Join(dir, "program.exe")
	if err := os.WriteFile(source, []byte("package main\n\nimport _ \""+library+"\"\n\nfunc main() {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	testenv.GoCommand(t, ".", os.Environ(), "build", "-o", program, source)
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	lines := regexp.MustCompile(`(?m)^init (`+regexp.QuoteMeta(library)+`\S*) .* (\d+) allocs$`).FindAllStringSubmatch(string(out), -1)
	allocations := 0
	for _, line := range lines {
		n, _ := strconv.Atoi(line[2])
		t.Logf("%s: %d allocations", line[1], n)
		allocations += n
	}
	if lines == nil || allocations > 120 {
		t.Errorf("%d allocations at start:\n%s", allocations, out)
	}
}
