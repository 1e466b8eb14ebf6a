package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/spf13/cobra"

	"github.com/awstokenserver/config/cmd/internal/profiles"
)

// given is what the command of exec gets besides its profiles.
type given struct{ static, region bool }

func execCommand() *cobra.Command {
	var (
		id  identity
		how given
	)
	cmd := &cobra.Command{
		Use:   "exec [PROFILE] [--profile P] -- CMD ...",
		Short: "Run a command with a role, renewed for as long as it runs",
		Long: `Runs a command with the role of a profile, renewed for as long as it runs. All other
profiles that rest on a token server are there under their own names.

The exit status is the command's: 128+n if signal n ended it, 127 if it is not found,
126 if it cannot be run.`,
		Example: "  aws-web-identity exec staging -- terraform apply",
	}
	id.addFlags(cmd)
	cmd.Flags().BoolVar(&how.static, "static", false, "give the command keys, which are not renewed, as variables")
	cmd.Flags().BoolVar(&how.region, "set-region", false,
		"set AWS_REGION and AWS_DEFAULT_REGION, for programs that\n"+
			"read no config file; they override all profiles' regions")
	cmd.MarkFlagsMutuallyExclusive("static", "set-region")
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		before := cmd.ArgsLenAtDash()
		switch {
		case before < 0 || before == len(args):
			return errors.New(`exec needs "--" followed by a command`)
		case before > 1 || before == 1 && id.profile != "":
			return errors.New("exec takes one profile")
		case before == 1:
			id.profile = args[0]
		}
		return nil
	}
	cmd.ValidArgsFunction = completeProfiles
	cmd.RunE = runE(func(ctx context.Context, args []string, _ io.Writer) error {
		return execute(ctx, id, how, args[cmd.ArgsLenAtDash():])
	})
	return cmd
}

// execute runs the command args with credentials in its environment, or with the
// addresses of an agent that has them. It ends with the command's exit code.
func execute(ctx context.Context, id identity, how given, args []string) error {
	if _, err := exec.LookPath(args[0]); err != nil {
		return cannotRun(args[0], err)
	}
	files, err := profiles.Read()
	if err != nil {
		return err
	}
	s := newShared(ctx, files)
	id.source = s.source
	cfg, creds, err := id.retrieve(ctx)
	if err != nil {
		return err
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = withoutCredentials(os.Environ())
	if how.static {
		cmd.Env = append(cmd.Env, assignments(variables(cfg.Region, creds))...)
		return pass(ctx, cmd)
	}
	a, err := newAgent(cfg, files, s)
	if err != nil {
		return err
	}
	defer a.close()
	cmd.Env = append(cmd.Env, a.environ()...)
	if how.region {
		cmd.Env = append(cmd.Env, assignments(variables(cfg.Region, aws.Credentials{}))...)
	}
	return pass(ctx, cmd)
}

func assignments(set []variable) (environ []string) {
	for _, v := range set {
		environ = append(environ, v.name+"="+v.value)
	}
	return environ
}

// withoutCredentials removes what SDKs would prefer to what the command is given, and what
// belongs to other credentials.
func withoutCredentials(environ []string) []string {
	preferred := append(slices.DeleteFunc(slices.Clone(foreign), func(name string) bool { return strings.HasSuffix(name, "_REGION") }),
		"AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_WEB_IDENTITY_TOKEN_SERVER", entered)
	return slices.DeleteFunc(environ, func(variable string) bool {
		name, _, _ := strings.Cut(strings.ToUpper(variable), "=")
		return slices.Contains(preferred, name) || strings.HasPrefix(name, "AWS_CONTAINER_")
	})
}

// pass runs cmd and passes signals on to it.
func pass(ctx context.Context, cmd *exec.Cmd) error {
	signals := make(chan os.Signal, 8)
	for _, s := range passedOn {
		if !signal.Ignored(s) { // as under nohup
			signal.Notify(signals, s)
		}
	}
	if ctx.Err() != nil {
		return errors.New("interrupted before " + cmd.Args[0] + " was started")
	}
	if err := cmd.Start(); err != nil {
		return cannotRun(cmd.Args[0], err)
	}
	go func() {
		for s := range signals {
			if !cameFromTerminal(s) {
				cmd.Process.Signal(s)
			}
		}
	}()
	cmd.Wait()
	return exitCode(exitStatus(cmd.ProcessState))
}

// cannotRun reports why a command cannot be run, with the exit codes of a shell.
func cannotRun(name string, err error) error {
	fmt.Fprintf(os.Stderr, "aws-web-identity: cannot run %s: %v\n", name, err)
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		return exitCode(127)
	}
	return exitCode(126)
}
