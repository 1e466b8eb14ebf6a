package main

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/term"
)

// showProgress writes what text returns on a terminal, from two seconds on, until it is
// stopped. Elsewhere it writes nothing.
func showProgress(text func() string) (stop func()) {
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		return func() {}
	}
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		wait, shown := 2*time.Second, false
		for {
			select {
			case <-end:
				if shown {
					fmt.Fprint(os.Stderr, "\r\x1b[K")
				}
				return
			case <-time.After(wait):
				fmt.Fprintf(os.Stderr, "\r\x1b[K%s", text())
				wait, shown = time.Second/5, true
			}
		}
	}()
	return func() { close(end); <-ended }
}
