package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the versions of the command, the SDK, and Go",
		Args:  cobra.NoArgs,
		RunE: runE(func(_ context.Context, _ []string, out io.Writer) error {
			_, err := fmt.Fprintln(out, program, "version", version())
			return err
		}),
	}
}

// version returns what the command was built from.
func version() string {
	own, sdk := "(devel)", "(unknown)"
	if info, ok := debug.ReadBuildInfo(); ok {
		if info.Main.Version != "" {
			own = info.Main.Version
		}
		for _, m := range info.Deps {
			if m.Path == "github.com/aws/aws-sdk-go-v2" {
				sdk = m.Version
			}
		}
	}
	return fmt.Sprintf("%s, aws-sdk-go-v2 %s, %s %s/%s", own, sdk, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
