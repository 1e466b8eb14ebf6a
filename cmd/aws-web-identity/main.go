// Command aws-web-identity shows web_identity_token_server at work:
//
//	aws-web-identity demo
//
// needs no network, no account and no setting. It exits with 0 if all went as it
// should, 1 if something failed, and 2 if it was called wrongly.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

const usage = `usage: aws-web-identity demo

demo  fetch tokens and assume roles in a world on loopback: a token server,
      an OIDC issuer and an STS, with every form of web_identity_token_server
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) != 2 || os.Args[1] != "demo" {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	if err := demo(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "aws-web-identity:", err)
		os.Exit(1)
	}
}
