// Command aws-web-identity shows web_identity_token_server at work, and helps to
// write its values:
//
//	aws-web-identity demo           assumes roles in a world on loopback
//	aws-web-identity encode FILE|-  turns a document into a value
//	aws-web-identity decode VALUE   turns a value into a document
//	aws-web-identity servers [-v]   lists the named servers
//
// None of these needs network, account or setting. Others give the role of a
// profile to programs that do not know web_identity_token_server:
//
//	aws-web-identity credential-process  is for credential_process in a profile
//	aws-web-identity exec -- CMD ...     runs a command
//	aws-web-identity env                 writes variables
//
// And two report on other software:
//
//	aws-web-identity explain      says which credentials are used, and why a role is denied
//	aws-web-identity conformance  runs the conformance suite
//
// The command exits with 0 if all went as it should, 1 if something failed, and
// 2 if it was called wrongly; exec with the exit code of CMD.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/awstokenserver/config/cmd/internal/layout"
)

// verb is what the command can do.
type verb struct {
	name, args, about string
	nargs             int // after the flags; anyNumber for those of another program
	new               func(flags *flag.FlagSet) runner
}

const anyNumber = -1

// runner carries a verb out, after its flags were parsed.
type runner func(ctx context.Context, args []string, out io.Writer) error

// exitCode is an error that has been told already, or is another program's.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit status %d", int(c)) }

var verbs = []verb{
	{"demo", "", `fetch tokens and assume roles in a world on loopback: a token server,
an OIDC issuer and an STS, with every form of web_identity_token_server`, 0, demo},
	{"encode", "FILE|-", `check a JSON document, in a file or on stdin, and print it as a value
of web_identity_token_server`, 1, encode},
	{"decode", "VALUE", `print the JSON document that a value stands for: a name, a pair of
variables or base64, each with an optional audience`, 1, decode},
	{"servers", "[-v] [-detect]", `list the servers that have a name, and whether the variables that they
read are set; with -v, say more of each; with -detect, print the line of a
profile for those whose variables are here`, 0, servers},
	{"explain", "[-profile P] [-fetch] [-trust-policy FILE|-] [-format text|json]", `say which credentials the SDK uses and which it passes over, and where
the token comes from; with -fetch, fetch a token and show its claims;
with -trust-policy, say whether and why that policy lets the token in.
Exit status 0 if the role can be had, as far as was looked, or else 1.
With -claims FILE|- or -token FILE|-, try the policy on those claims, or
on a list of cases, without a token server; -expect allow|deny says what
should come out. With -review, warn of what the policy lets in (exit
status 3). With -suggest, print a policy that lets the token in`, 0, explainProfile},
	{"credential-process", "[-profile P]", `print the credentials of a profile as credential_process in another
profile wants them, for any SDK`, 0, credentialProcess},
	{"exec", "[-profile P] [-static] -- CMD ...", `run a command with the credentials of a profile, renewed for as long as
it runs; with -static, as variables that end with the credentials`, anyNumber, execute},
	{"env", "[-profile P] [-format shell|powershell|dotenv|json|github]", `print the credentials of a profile as variables; github sets them for the
steps that follow in the job`, 0, env},
	{"conformance", "run|list|show|copy ...", `run the conformance suite against an SDK's adapter; docs/conformance.md
says how`, anyNumber, runConformance},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	flag.Usage = usage
	flag.Parse()
	name := flag.Arg(0)
	i := slices.IndexFunc(verbs, func(v verb) bool { return v.name == name })
	if i < 0 {
		if name != "" {
			fmt.Fprintf(os.Stderr, "aws-web-identity: unknown command %q\n\n", name)
		}
		usage()
		os.Exit(2)
	}
	err := verbs[i].run(ctx, flag.Args()[1:])
	var code exitCode
	if errors.As(err, &code) {
		os.Exit(int(code))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "aws-web-identity:", err)
		os.Exit(1)
	}
}

// run runs the verb with its arguments, and exits if they are wrong.
func (v verb) run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet(v.name, flag.ExitOnError)
	flags.Usage = func() { fmt.Fprint(os.Stderr, "usage: aws-web-identity ", v) }
	runner := v.new(flags)
	flags.Parse(args)
	if v.nargs != anyNumber && flags.NArg() != v.nargs {
		flags.Usage()
		os.Exit(2)
	}
	out := bufio.NewWriter(os.Stdout)
	if err := runner(ctx, flags.Args(), out); err != nil {
		out.Flush()
		return err
	}
	return out.Flush()
}

// String returns the verb, its arguments, and what it is about.
func (v verb) String() string {
	return strings.TrimSpace(v.name+" "+v.args) + strings.ReplaceAll("\n"+v.about, "\n", "\n    ") + "\n"
}

func usage() {
	fmt.Fprint(os.Stderr, "usage: aws-web-identity COMMAND\n\n")
	for _, v := range verbs {
		fmt.Fprint(os.Stderr, layout.Indent(v.String()))
	}
	fmt.Fprint(os.Stderr,
		"\nWithout -profile, the profile is that of AWS_PROFILE, or the environment names the role, as for the SDK.\n"+
			"\nexit status: 0 if all went as it should, 1 if something failed, 2 if called wrongly; exec: CMD's own,\n"+
			"128+n if signal n ended it, 127 if it is not found, 126 if it cannot be run\n")
}
