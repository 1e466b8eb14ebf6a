package main

import (
	"fmt"
	"slices"
	"strings"
)

// choice is the value of a flag that is one of a few words.
type choice struct {
	value *string
	words []string
}

func oneOf(value *string, words ...string) *choice { return &choice{value, words} }

func (c *choice) String() string { return *c.value }
func (c *choice) Type() string   { return "WORD" }

func (c *choice) Set(text string) error {
	if !slices.Contains(c.words, text) {
		return fmt.Errorf("must be %s or %s", strings.Join(c.words[:len(c.words)-1], ", "), c.words[len(c.words)-1])
	}
	*c.value = text
	return nil
}
