package main

import "os"

// size is of the binaries of the program, in bytes.
type size struct {
	build       string
	there, here float64
}

func measureSizes(dir string) []size {
	stripped := []string{"-trimpath", "-ldflags=-s -w"}
	return []size{
		{"go build", sizeOf(build(dir, upstreamModule)), sizeOf(build(dir, module))},
		{`go build -trimpath -ldflags="-s -w"`, sizeOf(build(dir, upstreamModule, stripped...)),
			sizeOf(build(dir, module, stripped...))},
	}
}

func sizeOf(file string) float64 {
	info, err := os.Stat(file)
	check(err)
	return float64(info.Size())
}
