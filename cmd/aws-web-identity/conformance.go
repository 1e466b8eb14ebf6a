package main

import (
	"context"
	"flag"
	"io"
	"os"

	"github.com/awstokenserver/config/conformance"
)

// runConformance hands over to the suite, which has verbs and flags of its own.
func runConformance(*flag.FlagSet) runner {
	return func(ctx context.Context, args []string, _ io.Writer) error {
		if code := conformance.Main(ctx, args, os.Stdout, os.Stderr); code != 0 {
			return exitCode(code)
		}
		return nil
	}
}
