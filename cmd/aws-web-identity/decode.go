package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/awstokenserver/config/tokensource"
)

func decodeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "decode VALUE|-",
		Short: "Turn a value into a JSON document",
		Long: `Prints the JSON document that a value of web_identity_token_server stands for: a
name, a pair of variables, or base64, each with an optional audience. "-" reads the
value from stdin, which keeps it out of the list of processes.`,
		Example: "  aws-web-identity decode GitHub,audit.example.com",
		Args:    cobra.ExactArgs(1),
		RunE:    runE(decode),
	}
}

// decode writes the document that the value args[0] stands for.
func decode(_ context.Context, args []string, out io.Writer) error {
	value := args[0]
	if value == "-" {
		text, err := readInput(value, 128<<10)
		if err != nil {
			return err
		}
		value = string(text)
	}
	described, err := tokensource.Describe(value)
	if err != nil {
		return err
	}
	_, err = out.Write(described.Document)
	return err
}
