package main

import (
	"context"
	"flag"
	"io"

	"github.com/awstokenserver/config/tokensource"
)

// decode writes the document that the value args[0] stands for.
func decode(*flag.FlagSet) runner {
	return func(_ context.Context, args []string, out io.Writer) error {
		described, err := tokensource.Describe(args[0])
		if err != nil {
			return err
		}
		_, err = out.Write(described.Document)
		return err
	}
}
