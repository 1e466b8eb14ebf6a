package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/awstokenserver/config/internal/progress"
)

// check reports on which of the newest releases each step applies, and passes the tests of what it touches.
func check() error {
	out, err := run("", "go", "list", "-m", "-versions", theirs)
	if err != nil {
		return err
	}
	versions := slices.DeleteFunc(strings.Fields(string(out))[1:], func(version string) bool {
		return strings.Contains(version, "-")
	})
	slices.Reverse(versions)
	failed := 0
	for _, version := range versions[:min(10, len(versions))] {
		release, err := releaseOf(version)
		if err != nil {
			return err
		}
		for _, step := range series {
			name := version + ": step " + step.name
			stop := progress.Show(func() string { return name })
			err := try(release, step.name)
			stop()
			verdict := "it applies and builds, and all tests pass"
			if err != nil {
				failed++
				verdict = err.Error()
			}
			fmt.Printf("%s: %s\n", name, verdict)
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d times a step failed", failed)
	}
	return nil
}

// try patches a release, and tests what the step touches.
func try(r release, step string) error {
	work, err := workIn(r, step)
	if work != "" {
		defer os.RemoveAll(work)
	}
	if err != nil {
		return fmt.Errorf("the anchors do not hold:\n%w", err)
	}
	if err := standAlone(work); err != nil {
		return err
	}
	for _, module := range modules {
		for _, verb := range []string{"build", "vet", "test"} {
			if _, err := run(filepath.Join(work, module), "go", verb, "./..."); err != nil {
				return fmt.Errorf("%s: %w", module, err)
			}
		}
	}
	return nil
}
