// Package progress shows how far a command has come.
package progress

import (
	"fmt"
	"os"
	"time"
)

// Show writes what text returns to stderr, from two seconds on, until it is stopped. If
// stderr is not a terminal, nothing is written.
func Show(text func() string) (stop func()) {
	info, err := os.Stderr.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
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
