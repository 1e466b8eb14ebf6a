package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/awstokenserver/config/tokensource"
)

// encode writes the document in the file args[0] as a value for the config file.
func encode(*flag.FlagSet) runner {
	return func(_ context.Context, args []string, out io.Writer) error {
		file := os.Stdin
		if args[0] != "-" {
			var err error
			if file, err = os.Open(args[0]); err != nil {
				return err
			}
			defer file.Close()
		}
		const most = 64 << 10
		text, err := io.ReadAll(io.LimitReader(file, most+1))
		if err != nil {
			return err
		}
		if len(text) > most {
			return fmt.Errorf("%s is larger than 64 KiB; a document is a few lines of JSON", file.Name())
		}
		if _, err := tokensource.Document(text); err != nil {
			// The audience may follow the value.
			withAudience := func(o *tokensource.Options) { o.Audience = new(string); *o.Audience = "AUDIENCE" }
			if _, noAudience := tokensource.Document(text, withAudience); noAudience != nil {
				return fmt.Errorf("%s: %w", file.Name(), err)
			}
			fmt.Fprintln(os.Stderr, "the document needs an audience and names none; append it: VALUE,AUDIENCE")
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, text); err != nil {
			return err
		}
		_, err = fmt.Fprintln(out, base64.StdEncoding.EncodeToString(compact.Bytes()))
		return err
	}
}
