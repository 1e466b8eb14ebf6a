package main

import (
	"cmp"
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

// release and commit are set by the linker in a release: see .goreleaser.yaml.
var release, commit string

// version returns what the command was built from.
func version() string {
	own, revision, sdk := release, commit, "(unknown)"
	if info, ok := debug.ReadBuildInfo(); ok {
		own = cmp.Or(own, info.Main.Version)
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = cmp.Or(revision, s.Value)
			}
		}
		for _, m := range info.Deps {
			if m.Path == "github.com/aws/aws-sdk-go-v2" {
				sdk = m.Version
			}
		}
	}
	return fmt.Sprintf("%s, commit %s, aws-sdk-go-v2 %s, %s %s/%s", cmp.Or(own, "(devel)"), cmp.Or(revision, "(unknown)"), sdk,
		runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
