package sharedfile_test

import (
	"os"
	"testing"

	"github.com/awstokenserver/config/internal/testenv"
)

// children are what this program does in a process of its own, by the variable
// CHILD.
var children = map[string]func(){}

func TestMain(m *testing.M) {
	if child := children[os.Getenv("CHILD")]; child != nil {
		child()
		return
	}
	testenv.Main(m)
}
