package main

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
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
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("forward.go is stale: run go generate (-generated +committed):\n%s", diff)
	}
}
