package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/awstokenserver/config"
	"github.com/awstokenserver/config/cmd/internal/profiles"
	"github.com/awstokenserver/config/tokensource"
)

func profilesCommand() *cobra.Command {
	name := "text"
	cmd := &cobra.Command{
		Use:   "profiles [--format text|json]",
		Short: "List the profiles of the config file",
		Long: `Lists the profiles of the config file, with the token server, role, region and source
profile of each.`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().Var(oneOf(&name, "text", "json"), "format", "text or json")
	cmd.RunE = runE(func(ctx context.Context, _ []string, out io.Writer) error {
		files, err := profiles.Read()
		if err != nil {
			return err
		}
		for _, problem := range files.Problems(files.Names()...) {
			tell(fmt.Errorf("%s", problem))
		}
		listed := listProfiles(ctx, files)
		if name == "json" {
			return writeIndented(listed, out)
		}
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "PROFILE\tTOKEN SERVER\tROLE\tREGION\tSOURCE")
		for _, p := range listed {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", p.Profile, cmp.Or(p.TokenServer, "-"), cmp.Or(p.Role, "-"),
				cmp.Or(p.Region, "-"), cmp.Or(p.Source, "-"))
		}
		return table.Flush()
	})
	return cmd
}

// listedProfile is a profile of the config file.
type listedProfile struct {
	Profile     string `json:"profile"`
	TokenServer string `json:"token_server,omitempty"`
	Role        string `json:"role_arn,omitempty"`
	Region      string `json:"region,omitempty"`
	Source      string `json:"source_profile,omitempty"`
	Problem     string `json:"problem,omitempty"`
}

func listProfiles(ctx context.Context, files *profiles.Files) []listedProfile {
	listed := []listedProfile{}
	for _, name := range files.Names() {
		p := listedProfile{Profile: name}
		c, err := files.Load(ctx, name)
		if err != nil {
			p.Problem = describe(err)
			p.TokenServer = "(invalid)"
		} else {
			p.Role, p.Region, p.Source = c.RoleARN, c.Region, c.SourceProfileName
			p.TokenServer = serverName(c)
		}
		listed = append(listed, p)
	}
	return listed
}

// serverName is what can be shown of the token server that a profile names itself.
func serverName(c config.SharedConfig) string {
	value, ok := config.TokenServer(c)
	if !ok || c.Source != nil {
		return ""
	}
	d, err := tokensource.Describe(value)
	switch {
	case err != nil:
		return "(invalid)"
	case d.Form == tokensource.FormDocument:
		return "(document)"
	}
	return value
}

func writeIndented(v any, out io.Writer) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

// completeProfiles are the names of the profiles, for a shell.
func completeProfiles(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	files, err := profiles.Read()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return nil, cobra.ShellCompDirectiveError
	}
	return files.Names(), cobra.ShellCompDirectiveNoFileComp
}
