package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/awstokenserver/config/cmd/internal/layout"
	"github.com/awstokenserver/config/tokensource"
)

// servers writes a table of the named servers, with a line for each variable.
func servers(flags *flag.FlagSet) runner {
	verbose := flags.Bool("v", false, "")
	return func(_ context.Context, _ []string, out io.Writer) error {
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "NAME\tAUDIENCE\tVARIABLE\tHERE")
		for _, s := range tokensource.Servers() {
			row := s.Name + "\t" + cmp.Or(s.Audience, "-") + "\t"
			if len(s.Variables) == 0 {
				fmt.Fprintln(table, row+"-\t-")
			}
			for _, name := range s.Variables {
				here := "unset"
				if strings.TrimSpace(os.Getenv(name)) != "" {
					here = "set"
				}
				fmt.Fprintln(table, row+name+"\t"+here)
				row = "\t\t"
			}
		}
		if err := table.Flush(); err != nil {
			return err
		}
		if *verbose {
			for _, s := range tokensource.Servers() {
				fmt.Fprintf(out, "\n%s\n%s", s.Name, layout.Indent(layout.Wrap(s.About)))
			}
		}
		return nil
	}
}
