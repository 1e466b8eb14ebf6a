package main

import (
	"fmt"
	"io"
	"os"
)

// readInput reads a file, or stdin for "-", of at most so many bytes.
func readInput(name string, most int64) ([]byte, error) {
	file := os.Stdin
	if name != "-" {
		var err error
		if file, err = os.Open(name); err != nil {
			return nil, err
		}
		defer file.Close()
	}
	text, err := io.ReadAll(io.LimitReader(file, most+1))
	if err == nil && int64(len(text)) > most {
		err = fmt.Errorf("%s is larger than %d KiB", file.Name(), most>>10)
	}
	return text, err
}
