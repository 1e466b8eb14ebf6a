package main

import (
	"bytes"
	"os"
	"testing"
)

func TestForwardIsFresh(t *testing.T) {
	want, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../forward.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("forward.go is stale: run go generate")
	}
}
