package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/awstokenserver/config/tokensource"
)

func encodeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "encode FILE|-",
		Short: "Turn a JSON document into a value",
		Long: `Checks a JSON document, in a file or on stdin, and prints it as a value of
web_identity_token_server.`,
		Example: "  aws-web-identity encode document.json",
		Args:    cobra.ExactArgs(1),
		RunE:    runE(encode),
	}
}

// encode writes the document in the file args[0] as a value for the config file.
func encode(_ context.Context, args []string, out io.Writer) error {
	text, err := readInput(args[0], 64<<10)
	if err != nil {
		return err
	}
	if _, err := tokensource.Document(text); err != nil {
		// The audience may follow the value.
		withAudience := func(o *tokensource.Options) { o.Audience = new(string); *o.Audience = "AUDIENCE" }
		if _, noAudience := tokensource.Document(text, withAudience); noAudience != nil {
			return fmt.Errorf("%s: %w", args[0], err)
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
