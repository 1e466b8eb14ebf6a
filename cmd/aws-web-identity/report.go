package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/awstokenserver/config/cmd/internal/layout"
	"github.com/awstokenserver/config/tokensource"
)

// tell writes an error to stderr, in lines of the terminal's width.
func tell(err error) {
	text := program + ": " + describe(err)
	if width, _, notTerminal := term.GetSize(int(os.Stderr.Fd())); notTerminal == nil && width > 20 {
		text = layout.WrapAt(text, width-1)
	}
	fmt.Fprintln(os.Stderr, text)
}

// describe returns what an error says, without what the SDK's cache says of itself.
func describe(err error) string {
	var known *tokensource.Error
	if errors.As(err, &known) {
		text := known.Error()
		if known.Class == tokensource.RoleDenied {
			text += "; " + program + " explain --trust-policy FILE says why, with the policy of the role"
		}
		return text
	}
	text := err.Error()
	for _, words := range []string{"failed to refresh cached credentials, ", "failed to retrieve credentials, "} {
		text = strings.TrimPrefix(text, words)
	}
	return text
}
