package conformance

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"
)

// Report is what a run found.
type Report struct {
	Version      string   `json:"version"`
	Adapter      string   `json:"adapter"`
	Capabilities []string `json:"capabilities"`
	Results      []Result `json:"results"`
}

// Count returns how many cases have a status.
func (r *Report) Count(status Status) int {
	n := 0
	for _, result := range r.Results {
		if result.Status == status {
			n++
		}
	}
	return n
}

// OK reports whether all cases ran that could, and went as they should.
func (r *Report) OK() bool { return r.Count(Failed)+r.Count(CouldNot) == 0 }

// WriteTable writes the report for people: every case that did not pass, and
// how many there are of each kind.
func (r *Report) WriteTable(w io.Writer) {
	for _, result := range r.Results {
		if result.Status == Passed {
			continue
		}
		fmt.Fprintf(w, "%-13s  %-40s", result.Status, result.ID)
		between := "  "
		if result.Status == Failed {
			between = "\n               "
		}
		fmt.Fprintf(w, "%s%s\n", between, strings.Join(result.Reasons, between))
		if result.Stderr != "" {
			fmt.Fprintf(w, "               stderr: %s\n", strings.ReplaceAll(result.Stderr, "\n", "\n               "))
		}
	}
	fmt.Fprintf(w, "conformance %s:", r.Version)
	for _, status := range []Status{Passed, Failed, Skipped, Known, CouldNot} {
		fmt.Fprintf(w, " %d %s", r.Count(status), status)
		if status != CouldNot {
			fmt.Fprint(w, ",")
		}
	}
	fmt.Fprintln(w)
}

// WriteJUnit writes the report as JUnit's XML.
func (r *Report) WriteJUnit(w io.Writer) error {
	type text struct {
		Message string `xml:"message,attr"`
	}
	type testcase struct {
		Name    string `xml:"name,attr"`
		Class   string `xml:"classname,attr"`
		Seconds string `xml:"time,attr"`
		Failure *text  `xml:"failure"`
		Error   *text  `xml:"error"`
		Skipped *text  `xml:"skipped"`
		Stderr  string `xml:"system-err,omitempty"`
	}
	suite := struct {
		XMLName  xml.Name   `xml:"testsuite"`
		Name     string     `xml:"name,attr"`
		Tests    int        `xml:"tests,attr"`
		Failures int        `xml:"failures,attr"`
		Errors   int        `xml:"errors,attr"`
		Skipped  int        `xml:"skipped,attr"`
		Time     string     `xml:"timestamp,attr"`
		Cases    []testcase `xml:"testcase"`
	}{
		Name: "web_identity_token_server " + r.Version, Tests: len(r.Results), Failures: r.Count(Failed),
		Errors:  r.Count(CouldNot),
		Skipped: r.Count(Skipped) + r.Count(Known), Time: time.Now().UTC().Format(time.RFC3339),
	}
	for _, result := range r.Results {
		c := testcase{Name: result.ID, Class: "conformance", Seconds: fmt.Sprintf("%.3f", result.Seconds),
			Stderr: result.Stderr}
		reasons := &text{strings.Join(result.Reasons, "\n")}
		switch result.Status {
		case Failed:
			c.Failure = reasons
		case CouldNot:
			c.Error = reasons
		case Skipped:
			c.Skipped = reasons
		case Known:
			c.Skipped = &text{"known to fail: " + reasons.Message}
		}
		suite.Cases = append(suite.Cases, c)
	}
	io.WriteString(w, xml.Header)
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	return encoder.Encode(suite)
}
