package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/awstokenserver/config/cmd/internal/layout"
	"github.com/awstokenserver/config/tokensource"
)

func serversCommand() *cobra.Command {
	var verbose, detected bool
	cmd := &cobra.Command{
		Use:   "servers [--verbose] [--detect]",
		Short: "List the token servers that have a name",
		Long: `Lists the token servers that have a name, the variables that they read, and whether
these are set here.`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "say more of each")
	cmd.Flags().BoolVar(&detected, "detect", false, "print the line of a profile for those whose variables are here")
	cmd.RunE = runE(func(_ context.Context, _ []string, out io.Writer) error {
		if detected {
			return detect(out)
		}
		return listServers(verbose, out)
	})
	return cmd
}

// listServers writes a table of the named servers, with a line for each variable.
func listServers(verbose bool, out io.Writer) error {
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
	if verbose {
		for _, s := range tokensource.Servers() {
			fmt.Fprintf(out, "\n%s\n%s", s.Name, layout.Indent(layout.Wrap(s.About)))
		}
	}
	return nil
}

// detect writes the line of a profile for each named server whose variables are there.
// It only advises: which identity is used is for the configuration to say.
func detect(out io.Writer) error {
	found, unknown := 0, []string{}
	for _, s := range tokensource.Servers() {
		value := s.Name
		d, err := tokensource.Describe(value)
		if err != nil { // it has no default audience
			value += ",AUDIENCE"
			d, err = tokensource.Describe(value)
		}
		if err != nil {
			return err
		}
		needed, set := 0, []string{}
		for _, v := range d.Variables {
			if v.HasDefault {
				continue
			}
			needed++
			if strings.TrimSpace(os.Getenv(v.Name)) != "" {
				set = append(set, v.Name)
			}
		}
		switch {
		case needed == 0:
			unknown = append(unknown, s.Name)
		case len(set) == needed:
			found++
			fmt.Fprintf(out, "web_identity_token_server = %s\n  %s\n", value, strings.Join(append(set, "set"), " "))
		case len(set) > 0:
			fmt.Fprintf(out, "not %s: of its variables, only %s set\n%s", s.Name, strings.Join(append(set, "is"), " "),
				layout.Indent(layout.Wrap(d.Hint)))
		}
	}
	fmt.Fprintf(out, "No variable says whether this is one of %s.\n", strings.Join(unknown, ", "))
	if found == 0 {
		return exitCode(1)
	}
	return nil
}
