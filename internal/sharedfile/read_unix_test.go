//go:build unix

package sharedfile_test

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	upstream "github.com/aws/aws-sdk-go-v2/config"

	"github.com/awstokenserver/config"
	"github.com/awstokenserver/config/internal/sharedfile"
)

// A pipe can be read once: what was read is what upstream reads, even where the
// load is done again.
func TestPipes(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"small":    "[profile p]\nregion = eu-west-1\n",
		"large":    "[profile p]\nregion = eu-west-1\n" + padding,
		"with key": "[profile p]\nregion = eu-west-1\nweb_identity_token_server = S\n" + role,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fifo := write(t, t.TempDir(), "fifo", "")
			os.Remove(fifo)
			if err := syscall.Mkfifo(fifo, 0o600); err != nil {
				t.Fatal(err)
			}
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			go func() { w.WriteString(text); w.Close() }()
			for _, file := range []string{fifo, fmt.Sprintf("/dev/fd/%d", r.Fd())} {
				if file == fifo {
					go os.WriteFile(fifo, []byte(text), 0o600)
				}
				calls := 0
				var c config.SharedConfig
				err := sharedfile.Load(t.Context(), sharedfile.Request{Config: []string{file}, Profile: "q"},
					func(files *sharedfile.Files) (string, error) {
						calls++
						var err error
						c, err = upstream.LoadSharedConfigProfile(t.Context(), "p",
							func(o *config.LoadSharedConfigOptions) {
								o.ConfigFiles, o.CredentialsFiles = files.Config, files.Credentials
							})
						return "p", err
					})
				_, ok := config.TokenServer(c)
				if err != nil || calls != 2 || c.Region != "eu-west-1" || ok != strings.Contains(text, "server") {
					t.Errorf("%s: %d calls, %q, region %q, %v", file, calls, c.WebIdentityTokenFile, c.Region, err)
				}
			}
		})
	}
}

// The offset of a descriptor that others share is left where it was.
func TestSharedOffset(t *testing.T) {
	t.Parallel()
	f, err := os.Open(write(t, t.TempDir(), "config", "[profile p]\nregion = eu-west-1\n"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for range 3 {
		c, err := config.LoadSharedConfigProfile(t.Context(), "p", func(o *config.LoadSharedConfigOptions) {
			o.ConfigFiles, o.CredentialsFiles = []string{fmt.Sprintf("/dev/fd/%d", f.Fd())}, []string{}
		})
		if err != nil || c.Region != "eu-west-1" {
			t.Fatalf("region %q, %v", c.Region, err)
		}
	}
}
