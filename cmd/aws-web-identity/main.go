// Command aws-web-identity gives the roles of web_identity_token_server to programs
// that do not know it, and says why a role is denied. Run it without arguments to see
// its commands, and each of them with --help.
//
// It exits with 0 if all went as it should, 1 if something failed, and 2 if it was
// called wrongly; exec with the exit code of the command that it runs.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

const program = "aws-web-identity"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := call(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// groups are the commands in the order of the help.
var groups = []struct {
	id, title string
	commands  []func() *cobra.Command
}{
	{"roles", "Give roles to programs:", []func() *cobra.Command{
		execCommand, setupCommand, envCommand, credentialProcessCommand}},
	{"profiles", "Look into profiles and roles:", []func() *cobra.Command{
		profilesCommand, checkCommand, explainCommand}},
	{"values", "Write web_identity_token_server:", []func() *cobra.Command{
		serversCommand, encodeCommand, decodeCommand}},
	{"world", "Try it, and test other software:", []func() *cobra.Command{demoCommand, conformanceCommand}},
}

// newRoot returns the command with all of its commands.
func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   program + " COMMAND",
		Short: "Roles of web_identity_token_server for every program",
		Long: `Gives the roles of web_identity_token_server to programs that do not know it:
the AWS CLI, Terraform, boto3, and the other SDKs.

A profile is that of --profile, or of AWS_PROFILE, as for the SDK.

Exit status: 0 if all went as it should, 1 if something failed, 2 for a wrong call;
exec: that of its command`,
		Args:                       knownCommand,
		Run:                        func(cmd *cobra.Command, _ []string) { cmd.Help() },
		Version:                    version(),
		SilenceErrors:              true,
		SilenceUsage:               true,
		SuggestionsMinimumDistance: 2,
	}
	for _, g := range groups {
		root.AddGroup(&cobra.Group{ID: g.id, Title: g.title})
		for _, command := range g.commands {
			c := command()
			c.GroupID = g.id
			c.DisableFlagsInUseLine = true
			root.AddCommand(c)
		}
	}
	root.AddCommand(versionCommand(), manCommand())
	return root
}

// knownCommand refuses what is no command, and names the nearest.
func knownCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	err := fmt.Errorf("unknown command %q", args[0])
	if near := root.SuggestionsFor(args[0]); len(near) > 0 {
		err = fmt.Errorf("%w; did you mean %s?", err, near[0])
	}
	return err
}

// call runs a command line, and returns its exit code.
func call(ctx context.Context, args []string) int {
	root := newRoot()
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if cmd == root && len(args) > 0 && !strings.HasPrefix(args[0], "-") {
			return knownCommand(root, args)
		}
		return err
	})
	root.SetArgs(withTwoDashes(root, args))
	remove, err := settlePipes()
	defer remove()
	if err != nil {
		tell(err)
		return 1
	}
	cmd, err := root.ExecuteContextC(ctx)
	var (
		code   exitCode
		failed failure
	)
	if err == nil {
		return 0
	}
	failEval(cmd)
	switch {
	case errors.As(err, &code):
		return int(code)
	case errors.As(err, &failed):
		tell(failed.error)
		return 1
	}
	fmt.Fprintf(os.Stderr, "%s: %v\nRun '%s --help' for usage.\n", program, err, cmd.CommandPath())
	return 2
}

// withTwoDashes lets flags have one dash, as those of package flag.
func withTwoDashes(root *cobra.Command, args []string) []string {
	oneDash := regexp.MustCompile(`^-([a-z][a-z-]+)(=.*)?$`)
	cmd, _, err := root.Find(args)
	if err != nil || cmd.DisableFlagParsing {
		return args
	}
	var changed []string
	for i, arg := range args {
		if arg == "--" {
			return append(changed, args[i:]...)
		}
		if m := oneDash.FindStringSubmatch(arg); m != nil && cmd.Flags().Lookup(m[1]) != nil {
			arg = "-" + arg
		}
		changed = append(changed, arg)
	}
	return changed
}

// exitCode is an error that has been told already, or is another program's.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit status %d", int(c)) }

// failure is an error of a command that was called as it should be.
type failure struct{ error }

// wrongCall is an error in the arguments that a command finds itself.
type wrongCall struct{ error }

func wrongly(format string, args ...any) error { return wrongCall{fmt.Errorf(format, args...)} }

// runner carries a command out. It writes to out, which is stdout.
type runner func(ctx context.Context, args []string, out io.Writer) error

// runE is the RunE of a command.
func runE(r runner) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		out := bufio.NewWriter(os.Stdout)
		err := r(cmd.Context(), args, out)
		if flushed := out.Flush(); err == nil {
			err = flushed
		}
		if err == nil || errors.As(err, new(exitCode)) || errors.As(err, new(wrongCall)) {
			return err
		}
		return failure{err}
	}
}
