package main

import (
	"context"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func manCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "man DIR",
		Short: "Write the manual pages into a folder",
		Args:  cobra.ExactArgs(1),
	}
	cmd.RunE = runE(func(_ context.Context, args []string, _ io.Writer) error {
		if err := os.MkdirAll(args[0], 0o755); err != nil {
			return err
		}
		cmd.Root().DisableAutoGenTag = true
		return doc.GenManTree(cmd.Root(), &doc.GenManHeader{Title: strings.ToUpper(program), Section: "1"}, args[0])
	})
	return cmd
}
