package conformance

import (
	"context"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// showVerb makes the world of a case and waits until ctx is done.
func showVerb(ctx context.Context, args []string, stdout, stderr io.Writer) (bool, error) {
	flags := flag.NewFlagSet("show", flag.ContinueOnError)
	if err := parse(flags, args, 1, stderr); err != nil {
		return false, err
	}
	all, err := Load()
	if err != nil {
		return false, err
	}
	i := slices.IndexFunc(all, func(c *Case) bool { return c.ID == flags.Arg(0) })
	if i < 0 {
		return false, fmt.Errorf("no case has the id %s; `list` shows them", flags.Arg(0))
	}
	c := all[i]
	w, err := open(c, func(format string, args ...any) { fmt.Fprintf(stdout, "# got "+format+"\n", args...) })
	if err != nil {
		return false, err
	}
	defer w.close()
	fmt.Fprintf(stdout, "# %s (%s): %s\n%s\n", c.ID, strings.Join(c.Clauses, ", "), c.Title, c.text)
	fs.WalkDir(os.DirFS(w.dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() && filepath.Ext(name) != ".pem" && filepath.Ext(name) != ".key" {
			text, _ := os.ReadFile(filepath.Join(w.dir, name))
			fmt.Fprintf(stdout, "# the file %s\n%s\n\n", filepath.Join(w.dir, name), strings.TrimSpace(string(text)))
		}
		return err
	})
	fmt.Fprintf(stdout, "# the environment, and nothing else\n")
	env := w.environment()
	slices.Sort(env)
	for _, variable := range env {
		name, value, _ := strings.Cut(variable, "=")
		fmt.Fprintf(stdout, "export %s='%s'\n", name, strings.ReplaceAll(value, "'", `'\''`))
	}
	fmt.Fprintf(stdout, "\n# waiting for %d requests; Ctrl-C ends it\n", len(w.Exchanges))
	<-ctx.Done()

	w.mu.Lock()
	defer w.mu.Unlock()
	for _, problem := range w.problems {
		fmt.Fprintln(stdout, "# wrong:", problem)
	}
	fmt.Fprintf(stdout, "# %d of %d requests came\n", w.next, len(w.Exchanges))
	return w.next == len(w.Exchanges) && len(w.problems) == 0, nil
}
