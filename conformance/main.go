package conformance

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/awstokenserver/config/internal/progress"
)

const usage = `usage: conformance run -adapter 'CMD …' [-only PATTERN] [-json FILE|-] [-junit FILE]
                       [-known FILE] [-parallel N] [-timeout D] [-caps LIST]
       conformance list [-only PATTERN]
       conformance show ID
       conformance copy DIR

run   runs the cases against an implementation, through its adapter
list  lists the cases
show  makes the world of a case and waits, for a program under a debugger
copy  writes the suite into a new folder, for those who have no Go

PATTERN is a group (retry), an id, or a pattern (retry-*), or several with commas.
Exit code: 0 all is well, 1 a case failed or could not run, 2 wrong usage or nothing could run.
`

var errUsage = errors.New("usage")

// Main is the command. It returns its exit code.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		args = []string{""}
	}
	verbs := map[string]func(context.Context, []string, io.Writer, io.Writer) (bool, error){
		"run": runVerb, "list": listVerb, "show": showVerb, "copy": copyVerb,
	}
	verb := verbs[args[0]]
	if verb == nil {
		fmt.Fprint(stderr, usage)
		return 2
	}
	ok, err := verb(ctx, args[1:], stdout, stderr)
	switch {
	case errors.Is(err, errUsage):
		fmt.Fprint(stderr, usage)
		return 2
	case err != nil:
		fmt.Fprintln(stderr, "conformance:", err)
		return 2
	case !ok:
		return 1
	}
	return 0
}

// parse parses the arguments of a verb that takes n of them after its flags.
func parse(flags *flag.FlagSet, args []string, n int, stderr io.Writer) error {
	flags.SetOutput(io.Discard)
	if err := flags.Parse(args); err != nil {
		fmt.Fprintln(stderr, "conformance:", err)
		return errUsage
	}
	if flags.NArg() != n {
		return errUsage
	}
	return nil
}

func runVerb(ctx context.Context, args []string, stdout, stderr io.Writer) (bool, error) {
	flags := flag.NewFlagSet("run", flag.ContinueOnError)
	adapter := flags.String("adapter", "", "")
	only := flags.String("only", "", "")
	jsonFile := flags.String("json", "", "")
	junitFile := flags.String("junit", "", "")
	knownFile := flags.String("known", "", "")
	capabilities := flags.String("caps", "", "")
	r := &Runner{}
	flags.IntVar(&r.Parallel, "parallel", runtime.GOMAXPROCS(0), "")
	flags.DurationVar(&r.Timeout, "timeout", time.Minute, "")
	if err := parse(flags, args, 0, stderr); err != nil {
		return false, err
	}
	if r.Adapter = strings.Fields(*adapter); len(r.Adapter) == 0 || r.Parallel < 1 || r.Timeout <= 0 {
		return false, errUsage
	}
	flags.Visit(func(f *flag.Flag) {
		if f.Name == "caps" {
			r.Capabilities = strings.FieldsFunc(*capabilities, func(c rune) bool { return c == ',' || c == ' ' })
		}
	})
	all, err := Load()
	if err != nil {
		return false, err
	}
	if *knownFile != "" {
		if r.Known, err = readKnown(*knownFile, all); err != nil {
			return false, err
		}
	}
	cases, err := choose(all, *only)
	if err != nil {
		return false, err
	}
	stop := progress.Show(func() string { return fmt.Sprintf("ran %d of %d cases", r.ran.Load(), len(cases)) })
	report, err := r.Run(ctx, cases)
	stop()
	if err != nil {
		return false, err
	}
	return report.OK(), report.write(*jsonFile, *junitFile, stdout)
}

// write writes the table, unless "-" is the file for JSON, and the files that are named.
func (r *Report) write(jsonFile, junitFile string, stdout io.Writer) error {
	if jsonFile != "-" {
		r.WriteTable(stdout)
	}
	if jsonFile != "" {
		if err := writeTo(jsonFile, stdout, func(w io.Writer) error {
			encoder := json.NewEncoder(w)
			encoder.SetIndent("", "  ")
			return encoder.Encode(r)
		}); err != nil {
			return err
		}
	}
	if junitFile != "" {
		return writeTo(junitFile, stdout, r.WriteJUnit)
	}
	return nil
}

func writeTo(name string, stdout io.Writer, write func(io.Writer) error) error {
	if name == "-" {
		return write(stdout)
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := write(f); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// choose returns the cases that a pattern names.
func choose(all []*Case, patterns string) ([]*Case, error) {
	if patterns == "" {
		return all, nil
	}
	var cases []*Case
	for _, c := range all {
		for _, pattern := range strings.Split(patterns, ",") {
			matched, err := path.Match(pattern, c.ID)
			if err != nil {
				return nil, fmt.Errorf("-only %s: %w", pattern, err)
			}
			if matched || pattern == c.Group() {
				cases = append(cases, c)
				break
			}
		}
	}
	if len(cases) == 0 {
		return nil, fmt.Errorf("no case matches %s; `list` shows them", patterns)
	}
	return cases, nil
}

// readKnown reads a file with the id of a case and the reason why it fails on
// every line, and # before comments.
func readKnown(name string, all []*Case) (map[string]string, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	known := map[string]string{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		id, reason, _ := strings.Cut(line, " ")
		if reason = strings.TrimSpace(reason); reason == "" {
			return nil, fmt.Errorf("%s: %s has no reason; write it after the id", name, id)
		}
		if _, err := choose(all, id); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		known[id] = reason
	}
	return known, lines.Err()
}

func listVerb(_ context.Context, args []string, stdout, stderr io.Writer) (bool, error) {
	flags := flag.NewFlagSet("list", flag.ContinueOnError)
	only := flags.String("only", "", "")
	if err := parse(flags, args, 0, stderr); err != nil {
		return false, err
	}
	all, err := Load()
	if err != nil {
		return false, err
	}
	cases, err := choose(all, *only)
	if err != nil {
		return false, err
	}
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	for _, c := range cases {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", c.ID, strings.Join(c.Clauses, ","), strings.Join(c.Requires, ","),
			c.Title)
	}
	return true, table.Flush()
}
