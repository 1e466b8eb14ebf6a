// Command aws-web-identity shows web_identity_token_server at work, and helps to
// write its values:
//
//	aws-web-identity demo           assumes roles in a world on loopback
//	aws-web-identity encode FILE|-  turns a document into a value
//	aws-web-identity decode VALUE   turns a value into a document
//	aws-web-identity servers [-v]   lists the named servers
//
// No verb needs network, account or setting. The command exits with 0 if all
// went as it should, 1 if something failed, and 2 if it was called wrongly.
package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// verb is what the command can do.
type verb struct {
	name, args, about string
	nargs             int // behind the flags; anyNumber for those of another program
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
	{"servers", "[-v]", `list the servers that have a name, and whether the variables that they
read are set; with -v, say more of each`, 0, servers},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	flag.Usage = usage
	flag.Parse()
	for _, v := range verbs {
		if v.name != flag.Arg(0) {
			continue
		}
		flags := flag.NewFlagSet(v.name, flag.ExitOnError)
		flags.Usage = usage
		run := v.new(flags)
		flags.Parse(flag.Args()[1:])
		if v.nargs != anyNumber && flags.NArg() != v.nargs {
			break
		}
		out := bufio.NewWriter(os.Stdout)
		err := cmp.Or(run(ctx, flags.Args(), out), out.Flush())
		var code exitCode
		if errors.As(err, &code) {
			os.Exit(int(code))
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "aws-web-identity:", err)
			os.Exit(1)
		}
		return
	}
	usage()
	os.Exit(2)
}

func usage() {
	fmt.Fprint(os.Stderr, "usage: aws-web-identity VERB\n\n")
	for _, v := range verbs {
		fmt.Fprintf(os.Stderr, "  %-14s  %s\n", v.name+" "+v.args, strings.ReplaceAll(v.about, "\n", "\n"+strings.Repeat(" ", 18)))
	}
	fmt.Fprint(os.Stderr, "\nexit status: 0 if all went as it should, 1 if something failed, 2 if called wrongly\n")
}
