package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// table returns a table of Markdown, all but its first column to the right.
func table(columns []string, rows [][]string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| %s |\n|---%s|\n", strings.Join(columns, " | "), strings.Repeat("|--:", len(columns)-1))
	for _, row := range rows {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
	}
	return b.String()
}

// cells returns the name, both medians and the ratio of a result.
func (r result) cells() []string {
	return []string{r.name, duration(r.there), duration(r.here), r.ratioCell()}
}

func (r result) ratioCell() string {
	if r.bound > 0 && r.ratio > r.bound {
		return fmt.Sprintf("**%.2f**", r.ratio)
	}
	return fmt.Sprintf("%.2f", r.ratio)
}

// bytesHere is bold over the bound, as a ratio is.
func (l loading) bytesHere() string {
	if l.memoryHere.bytes > l.memoryBound {
		return "**" + byteCount(l.memoryHere.bytes) + "**"
	}
	return byteCount(l.memoryHere.bytes)
}

func (r result) boundCell() string { return fmt.Sprintf("%.2f", r.bound) }

func duration(d time.Duration) string { return quantity(float64(d), "ns", "µs", "ms", "s") }

func byteCount(n float64) string { return quantity(n, "B", "kB", "MB", "GB") }

// quantity returns v to three digits in the fitting one of units, each a thousand
// times the one before.
func quantity(v float64, units ...string) string {
	for v >= 999.5 && len(units) > 1 {
		v, units = v/1000, units[1:]
	}
	decimals := 0
	if v < 99.95 {
		decimals = 1
	}
	if v < 9.995 {
		decimals = 2
	}
	return fmt.Sprintf("%.*f %s", decimals, v, units[0])
}

func commas(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// count returns n and what it counts.
func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return commas(n) + " " + what
}
