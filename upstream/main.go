// Command upstream makes the change of this module as a series of patches to aws-sdk-go-v2: see README.md.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const usage = `usage: go run ./upstream build [-step STEP] -o DIR
           write patched copies of aws-sdk-go-v2's modules to DIR/config and DIR/credentials
       go run ./upstream verify [-step STEP] DIR
           compare DIR/config and DIR/credentials with upstream's releases and the patch
       go run ./upstream diff [-step STEP]
           write the patch, for "git apply" in a clone of aws-sdk-go-v2
       go run ./upstream check
           try each step on the ten newest releases of aws-sdk-go-v2/config
       go run ./upstream fuzz [FLAG...]
           hold this module against the patched copy on random texts, with flags of "go test"

STEP is A, A2, B, or C, and includes those before it; without one it is C.
build, diff, and fuzz take the releases that the go.mod of the current folder's module requires.
`

func main() {
	if len(os.Args) < 2 {
		fail()
	}
	verb, args := os.Args[1], os.Args[2:]
	step := series[len(series)-1].name
	if slices.Contains([]string{"build", "verify", "diff"}, verb) && len(args) > 1 && args[0] == "-step" {
		step, args = args[1], args[2:]
	}
	var err error
	switch {
	case verb == "build" && len(args) == 2 && args[0] == "-o":
		err = build(args[1], step)
	case verb == "verify" && len(args) == 1:
		err = verify(args[0], step)
	case verb == "diff" && len(args) == 0:
		err = diff(step)
	case verb == "check" && len(args) == 0:
		err = check()
	case verb == "fuzz":
		err = fuzz(args)
	default:
		fail()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "upstream:", err)
		os.Exit(1)
	}
}

func fail() {
	fmt.Fprint(os.Stderr, usage)
	os.Exit(2)
}

// run runs a command, without the settings of AWS of whoever runs it.
func run(dir string, command ...string) ([]byte, error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = dir
	for _, setting := range os.Environ() {
		if !strings.HasPrefix(setting, "AWS_") {
			cmd.Env = append(cmd.Env, setting)
		}
	}
	cmd.Env = append(cmd.Env, "GOWORK=off")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s: %w\n%s%s", strings.Join(command, " "), err, out, stderr.Bytes())
	}
	return out, err
}

// modules are the folders of upstream's repository that the series changes.
var modules = []string{"config", "credentials"}

type mod struct {
	Require []struct{ Path, Version string }
	Replace []struct{ Old struct{ Path string } }
}

func readMod(dir string) (m mod, err error) {
	out, err := run("", "go", "mod", "edit", "-json", filepath.Join(dir, "go.mod"))
	if err != nil {
		return m, err
	}
	return m, json.Unmarshal(out, &m)
}
