//go:build unix

package sharedfile_test

import (
	"context"
	"os"
	"syscall"
	"testing"

	"github.com/awstokenserver/config"
	"github.com/awstokenserver/config/internal/testenv"
)

func TestPipeAsConfigFile(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"with the key": "[profile web]\nregion = eu-west-1\nrole_arn = r\nweb_identity_token_server = GitHub\n", "without": "[profile web]\nregion = eu-west-1\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fifo, options := testenv.ProfileFile(t, "web", "")
			os.Remove(fifo)
			if err := syscall.Mkfifo(fifo, 0o600); err != nil {
				t.Fatal(err)
			}
			go os.WriteFile(fifo, []byte(text), 0o600)
			cfg, err := config.LoadDefaultConfig(context.Background(), options...)
			if err != nil || cfg.Region != "eu-west-1" {
				t.Errorf("region %q, %v", cfg.Region, err)
			}
		})
	}
}
