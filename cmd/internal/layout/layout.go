// Package layout arranges text for a terminal.
package layout

import "strings"

func Indent(text string) string {
	return strings.ReplaceAll("  "+strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n  ")+"\n", "\n  \n", "\n\n")
}

// Wrap breaks a text into lines of at most 96 characters.
func Wrap(text string) string { return WrapAt(text, 96) }

// WrapAt breaks a text into lines of at most width characters, where it has blanks.
func WrapAt(text string, width int) string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimSpace(line + " " + word)
	}
	return strings.Join(append(lines, line), "\n")
}
