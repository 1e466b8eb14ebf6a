// Command targets checks the types of packages for each target of Go on which
// upstream's config builds: from the source, since a build would fill the cache
// with the standard library of each.
package main

import (
	"fmt"
	"log"
	"os"
	"os/exec"
	"runtime/debug"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

func main() {
	log.SetFlags(0)
	debug.SetGCPercent(400)
	list, err := exec.Command("go", "tool", "dist", "list").Output()
	if err != nil {
		log.Fatal(err)
	}
	libraries := slices.DeleteFunc(slices.Clone(os.Args[1:]), func(pattern string) bool {
		return strings.HasPrefix(pattern, "./cmd/")
	})
	failed := false
	for _, target := range strings.Fields(string(list)) {
		if faults, err := check(target, "github.com/aws/aws-sdk-go-v2/config"); err != nil || len(faults) > 0 {
			fmt.Printf("%s: upstream's config does not build: %v %v\n", target, err, faults)
			continue
		}
		faults, err := check(target, os.Args[1:]...)
		if len(faults) > 0 && strings.Contains(faults[0].Msg, "requires external (cgo) linking") {
			faults, err = check(target, libraries...)
			target += ", without the command: a program needs cgo there"
		}
		if err != nil || len(faults) > 0 {
			failed = true
			fmt.Printf("%s: %v %v\n", target, err, faults)
			continue
		}
		fmt.Println(target)
	}
	if failed {
		os.Exit(1)
	}
}

// check returns what is wrong with the types of packages, or of those they import, for a target.
func check(target string, patterns ...string) (faults []packages.Error, err error) {
	goos, goarch, _ := strings.Cut(target, "/")
	loaded, err := packages.Load(&packages.Config{
		Mode: packages.LoadAllSyntax,
		Env:  append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0"),
	}, patterns...)
	packages.Visit(loaded, nil, func(p *packages.Package) { faults = append(faults, p.Errors...) })
	return faults, err
}
