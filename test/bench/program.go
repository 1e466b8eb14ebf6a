package main

import (
	_ "embed"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed program/main.go
var program string

// What the program imports for its configuration.
const (
	module         = "github.com/awstokenserver/config"
	upstreamModule = "github.com/aws/aws-sdk-go-v2/config"
)

// build builds the program with one of the two and returns the binary's path.
func build(dir, config string, flags ...string) string {
	dir, err := os.MkdirTemp(dir, "program-")
	check(err)
	source, binary := filepath.Join(dir, "main.go"), filepath.Join(dir, "program.exe")
	check(os.WriteFile(source, []byte(strings.Replace(program, module, config, 1)), 0o600))
	goCommand(append(append([]string{"build", "-o", binary}, flags...), source)...)
	return binary
}

// root returns the folder of this module.
func root() string { return goCommand("list", "-m", "-f", "{{.Dir}}", module) }

func goCommand(args ...string) string {
	cmd := exec.Command("go", args...)
	cmd.Env, cmd.Stderr = environ, os.Stderr
	out, err := cmd.Output()
	check(err)
	return strings.TrimSpace(string(out))
}
