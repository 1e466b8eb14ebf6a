package testenv

import (
	"os"
	"regexp"
	"testing"
)

// Block compares what a page has between the comments NAME and /NAME with what it should be, but for what varies matches
// outside of its first group. With UPDATE=1 the page is made to say so.
func Block(t *testing.T, page, name, now string, varies *regexp.Regexp) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile(`(?s)<!-- ` + name + ` -->\n(.*?)<!-- /` + name + ` -->`)
	found := block.FindSubmatch(text)
	if found == nil {
		t.Fatalf("%s has no block %s", page, name)
	}
	if os.Getenv("UPDATE") != "" {
		updated := block.ReplaceAllLiteral(text, []byte("<!-- "+name+" -->\n"+now+"<!-- /"+name+" -->"))
		if err := os.WriteFile(page, updated, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	before := string(found[1])
	if varies != nil {
		now, before = varies.ReplaceAllString(now, "$1"), varies.ReplaceAllString(before, "$1")
	}
	if now != before {
		t.Errorf("%s says\n%s\nbut it is\n%s", page, before, now)
	}
}
