package main

import (
	"context"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/awstokenserver/config/conformance"
)

// conformanceCommand hands over to the suite, which has commands and flags of its own.
func conformanceCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:                "conformance run|list|show|copy ...",
		Short:              "Run the conformance suite against an SDK's adapter",
		DisableFlagParsing: true,
	}
	cmd.RunE = runE(func(ctx context.Context, args []string, _ io.Writer) error {
		if len(args) == 1 && (args[0] == "-h" || args[0] == "--help") {
			conformance.Main(ctx, nil, os.Stdout, os.Stdout)
			return nil
		}
		if code := conformance.Main(ctx, args, os.Stdout, os.Stderr); code != 0 {
			return exitCode(code)
		}
		return nil
	})
	return cmd
}
