package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/awstokenserver/config/internal/longtest"
)

// All of it runs, with few profiles and roles, and the page has tables of the
// form that it writes.
func TestReport(t *testing.T) {
	profiles, roles := profileCounts, roleCounts
	t.Cleanup(func() { profileCounts, roleCounts = profiles, roles })
	profileCounts, roleCounts = []int{1, 2, 3, 4, 5}, []int{1, 2, 3, 4}
	dir := t.TempDir()
	r := report{
		machine:   machine(1),
		retrieval: measureRetrieval(t, dir, 1),
		roles:     measureRoles(t, dir, 1),
	}
	r.loads, r.profileLoads = measureLoads(t, dir, 1)
	if longtest.Wanted() {
		r.processes, r.sizes = measureProcesses(t, dir, 1), measureSizes(dir)
	}
	results := append(r.processes.results, r.retrieval)
	for _, l := range append(r.loads, r.profileLoads...) {
		results = append(results, l.result)
		if l.memoryThere.count <= 0 || l.memoryThere.bytes <= 0 || l.memoryHere.count <= 0 || l.memoryHere.bytes <= 0 {
			t.Errorf("%+v", l)
		}
	}
	for _, n := range r.roles {
		results = append(results, n.withToken, n.withRequest)
	}
	for _, result := range results {
		if result.there <= 0 || result.here <= 0 || result.ratio <= 0 {
			t.Errorf("%+v", result)
		}
	}
	for _, s := range r.sizes {
		if s.there < 1e6 || s.here < 1e6 {
			t.Errorf("%+v", s)
		}
	}

	page, err := os.ReadFile(filepath.Join(root(), "docs", "performance.md"))
	if err != nil {
		t.Fatal(err)
	}
	written := tables(string(page))
	for title, rows := range tables(replaceFigures(string(page), r.figures())) {
		if title == "Process" && (!longtest.Wanted() || r.processes.missing != nil) || title == "Binary" &&
			!longtest.Wanted() {
			continue
		}
		if written[title] != rows {
			t.Errorf("the page's tables are not of this form: go run ./test/bench -write\n### %s\n%s\nis now\n%s",
				title, written[title], rows)
		}
	}

	chart := xml.NewDecoder(strings.NewReader(r.chart()))
	elements := map[string]int{}
	for {
		token, err := chart.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if start, ok := token.(xml.StartElement); ok {
			elements[start.Name.Local]++
		}
	}
	if points := 2*5 + 3*4; elements["circle"] != points {
		t.Errorf("%d points in the chart, not %d", elements["circle"], points)
	}
}

// tables returns the columns and the rows' names of the table of each section,
// with # for numbers.
func tables(page string) map[string]string {
	found := make(map[string]string)
	number := regexp.MustCompile(`[0-9][0-9,]*`)
	for _, section := range strings.Split(page, "\n### ")[1:] {
		title, text, _ := strings.Cut(section, "\n")
		for i, row := range regexp.MustCompile(`(?m)^\|.*$`).FindAllString(text, -1) {
			if i > 1 {
				row = strings.Split(row, "|")[1]
			}
			found[title] += number.ReplaceAllString(row, "#") + "\n"
		}
	}
	return found
}

func TestProcessesMissing(t *testing.T) {
	longtest.Skip(t, "it builds programs")
	installed := clients
	t.Cleanup(func() { clients = installed })
	clients = t.TempDir()
	p := measureProcesses(t, t.TempDir(), 1)
	missing := strings.Join(p.missing, "\n")
	if !strings.Contains(missing, "AWS CLI") || !strings.Contains(missing, "boto3") ||
		!strings.Contains(missing, clients) {
		t.Errorf("missing: %s", missing)
	}
	figures := report{processes: p}.figures()
	for _, line := range p.missing {
		if !strings.Contains(figures, line) {
			t.Errorf("%q is not said", line)
		}
	}
}

func TestMeasure(t *testing.T) {
	var there, here int
	c := comparison{"", func() time.Duration {
		there++
		return 100 * time.Millisecond
	}, func() time.Duration {
		here++
		return time.Duration(here) * 100 * time.Millisecond
	}, 1}
	if r := c.measure(3); r.there != 100*time.Millisecond || r.here != 300*time.Millisecond || r.ratio != 3 ||
		there != 4 || here != 4 {
		t.Errorf("%+v after %d and %d operations", r, there, here)
	}
	here = 10 // over the time of a turn
	if c.measure(40); here != 10+1+(40*4/12) {
		t.Errorf("%d operations", here-10)
	}
}

func TestQuantity(t *testing.T) {
	for want, v := range map[string]time.Duration{
		"1.00 ns": 1, "999 ns": 999, "9.99 µs": 9994, "10.0 µs": 9996, "99.9 ms": 99940 * time.Microsecond,
		"100 ms": 99960 * time.Microsecond,
		"1.00 s": 999600 * time.Microsecond, "1000 s": 1000 * time.Second,
	} {
		if got := duration(v); got != want {
			t.Errorf("%d is %s, not %s", v, got, want)
		}
	}
}
