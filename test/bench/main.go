// Command bench measures this module beside upstream's and beside other ways to
// the same, in turns within one run, and prints the figures of
// docs/performance.md. With -write it writes that page and its chart anew.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
)

func main() {
	log.SetFlags(0)
	rounds := flag.Int("rounds", 40, "measure each pair in this many turns")
	write := flag.Bool("write", false, "write docs/performance.md and docs/performance.svg anew")
	flag.Parse()
	if *rounds < 1 {
		log.Fatal("-rounds: at least one turn is needed")
	}

	dir, err := os.MkdirTemp("", "bench-")
	check(err)
	defer os.RemoveAll(dir)
	r := report{
		machine:   machine(*rounds),
		retrieval: measureRetrieval(processEnv{}, dir, *rounds),
		roles:     measureRoles(processEnv{}, dir, *rounds),
		processes: measureProcesses(processEnv{}, dir, *rounds),
		sizes:     measureSizes(dir),
	}
	r.loads, r.profileLoads = measureLoads(processEnv{}, dir, *rounds)
	fmt.Print(r.figures())
	if *write {
		name := filepath.Join(root(), "docs", "performance.md")
		page, err := os.ReadFile(name)
		check(err)
		check(os.WriteFile(name, []byte(replaceFigures(string(page), r.figures())), 0o644))
		check(os.WriteFile(filepath.Join(root(), "docs", "performance.svg"), []byte(r.chart()), 0o644))
	}
}

// processEnv sets variables of this process.
type processEnv struct{}

func (processEnv) Setenv(name, value string) { check(os.Setenv(name, value)) }

func check(err error) {
	if err != nil {
		log.Panic(err)
	}
}
