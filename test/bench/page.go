package main

import (
	"fmt"
	"log"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"time"
)

// report is what one run has measured.
type report struct {
	machine      string
	loads        []loading
	profileLoads []loading
	retrieval    result
	roles        []roles
	processes    processes
	sizes        []size
}

// machine says how, when and where a run is made.
func machine(rounds int) string {
	var cpu, commit string
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if model := regexp.MustCompile(`model name\s*: (.*)`).FindSubmatch(info); model != nil {
			cpu = " (" + string(model[1]) + ")"
		}
	}
	if out, err := exec.Command("git", "describe", "--always", "--dirty").Output(); err == nil {
		commit = ", commit " + strings.TrimSpace(string(out))
	}
	return fmt.Sprintf("`go run ./test/bench -rounds %d`, %s%s; %s, %s/%s, %d CPUs%s.",
		rounds, time.Now().Format("2 January 2006"), commit, runtime.Version(), runtime.GOOS, runtime.GOARCH,
		runtime.NumCPU(), cpu)
}

// figures returns the part of the page that holds what was measured.
func (r report) figures() string {
	var b strings.Builder
	fmt.Fprintln(&b, r.machine)
	section := func(title string, columns []string, rows [][]string) {
		fmt.Fprintf(&b, "\n### %s\n\n%s", title, table(columns, rows))
	}

	loads := func(title, function string, loads []loading) {
		var rows [][]string
		for _, l := range loads {
			rows = append(rows, append(l.cells(), l.boundCell(),
				commas(int(l.memoryThere.count))+" → "+commas(int(l.memoryHere.count)),
				byteCount(l.memoryThere.bytes)+" → "+l.bytesHere()))
		}
		section(title, []string{function, "upstream", "here", "ratio", "bound", "allocations", "allocated"}, rows)
	}
	loads("Load", "`LoadDefaultConfig`", r.loads)
	loads("Profile", "`LoadSharedConfigProfile`", r.profileLoads)

	section("First retrieval", []string{"", "token request + upstream", "here", "ratio", "bound"},
		[][]string{append(r.retrieval.cells(), r.retrieval.boundCell())})

	var rows [][]string
	for _, n := range r.roles {
		rows = append(rows, []string{count(n.n, "role"), duration(n.withToken.there), duration(n.withRequest.there),
			duration(n.withRequest.here),
			n.withToken.ratioCell(), n.withRequest.ratioCell()})
	}
	section("Roles at once", []string{"", "upstream", "token request + upstream", "here", "ratio to the first",
		"ratio to the second"}, rows)

	rows = nil
	for _, p := range r.processes.results {
		rows = append(rows, p.cells())
	}
	section("Process", []string{"", "there", "here", "ratio"}, rows)
	fmt.Fprintf(&b, "\n%s. `sh` writes the token file and becomes the program:\n\n```sh\n%s\n```\n",
		strings.Join(r.processes.versions, ", "), r.processes.writeToken)
	for _, missing := range r.processes.missing {
		fmt.Fprintf(&b, "\nNot measured: %s.\n", missing)
	}

	rows = nil
	for _, s := range r.sizes {
		rows = append(rows, []string{"`" + s.build + "`", byteCount(s.there), byteCount(s.here),
			fmt.Sprintf("%.2f", s.here/s.there)})
	}
	section("Binary", []string{"", "upstream", "here", "ratio"}, rows)
	return b.String()
}

var figures = regexp.MustCompile(`(?s)(<!-- Written by go run ./test/bench -write -->\n).*(<!-- End -->\n)`)

// replaceFigures returns the page with other figures.
func replaceFigures(page, with string) string {
	at := figures.FindStringSubmatchIndex(page)
	if at == nil {
		log.Panic("the page has no place for figures")
	}
	return page[:at[3]] + with + page[at[4]:]
}
