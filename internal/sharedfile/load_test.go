package sharedfile_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	upstream "github.com/aws/aws-sdk-go-v2/config"

	"github.com/awstokenserver/config"
	"github.com/awstokenserver/config/internal/sharedfile"
)

// version is a file of which each version has a role, a token server, and a region
// of its own.
func version(n int) string {
	return fmt.Sprintf("[profile p]\nrole_arn = arn:aws:iam::123456789012:role/%[1]d\nregion = region-%[1]d\nweb_identity_token_server = S%[1]d\n", n)
}

// settle waits until a load lets upstream open the file by its own name.
func settle(t *testing.T, file string) {
	t.Helper()
	for own := false; !own; time.Sleep(10 * time.Millisecond) {
		sharedfile.Load(t.Context(), sharedfile.Request{Config: []string{file}},
			func(files *sharedfile.Files) (string, error) {
				own = slices.Equal(files.Config, []string{file})
				return "", errors.New("enough")
			})
	}
}

// A file changes after it was read, and before upstream opens it.
func TestChangedMeanwhile(t *testing.T) {
	t.Parallel()
	const plain = "[profile p]\nregion = eu-west-1\n"
	for name, change := range map[string]func(t *testing.T, name string){
		"replaced": func(t *testing.T, name string) {
			write(t, filepath.Dir(name), "new", version(1))
			if err := os.Rename(filepath.Join(filepath.Dir(name), "new"), name); err != nil {
				t.Fatal(err)
			}
		},
		"replaced by one of its size": func(t *testing.T, name string) {
			write(t, filepath.Dir(name), "new", strings.Replace(plain, "eu-west-1", "us-west-1", 1))
			if err := os.Rename(filepath.Join(filepath.Dir(name), "new"), name); err != nil {
				t.Fatal(err)
			}
		},
		"rewritten": func(t *testing.T, name string) { write(t, filepath.Dir(name), "config", version(1)) },
		"rewritten with its size and time": func(t *testing.T, name string) {
			info, err := os.Stat(name)
			if err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Dir(name), "config", strings.Replace(plain, "eu-west-1", "us-west-1", 1))
			if err := os.Chtimes(name, time.Time{}, info.ModTime()); err != nil {
				t.Fatal(err)
			}
		},
		"removed": func(t *testing.T, name string) { os.Remove(name) },
		"replaced by a folder": func(t *testing.T, name string) {
			os.Remove(name)
			os.Mkdir(name, 0o700)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "rewritten with its size and time" && runtime.GOOS == "windows" {
				t.Skip("package os does not tell the time of a change there")
			}
			file := write(t, t.TempDir(), "config", plain)
			settle(t, file)
			calls := 0
			var c config.SharedConfig
			err := sharedfile.Load(t.Context(), sharedfile.Request{Config: []string{file}, Profile: "p"},
				func(files *sharedfile.Files) (string, error) {
					if calls++; calls == 1 {
						if len(files.Config) != 1 || files.Config[0] != file {
							t.Fatalf("it is shown as %s", files.Config)
						}
						change(t, file)
					}
					var err error
					c, err = upstream.LoadSharedConfigProfile(t.Context(), "p",
						func(o *config.LoadSharedConfigOptions) {
							o.ConfigFiles, o.CredentialsFiles = files.Config, files.Credentials
						})
					return "p", err
				})
			want, wantErr := config.LoadSharedConfigProfile(t.Context(), "p", func(o *config.LoadSharedConfigOptions) {
				o.ConfigFiles, o.CredentialsFiles = []string{file}, []string{}
			})
			if calls != 2 || c.WebIdentityTokenFile != want.WebIdentityTokenFile || c.Region != want.Region ||
				fmt.Sprint(err) != fmt.Sprint(wantErr) {
				t.Errorf("%d calls, %q, region %q, %v, want %v", calls, c.WebIdentityTokenFile, c.Region, err, wantErr)
			}
		})
	}
}

// A file that is absent when the files are read is not opened when it appears.
func TestAppearsMeanwhile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	err := sharedfile.Load(t.Context(),
		sharedfile.Request{Config: []string{filepath.Join(dir, "config")}, Profile: "p"},
		func(files *sharedfile.Files) (string, error) {
			if files.Config == nil || len(files.Config) > 0 {
				t.Errorf("upstream opens %q", files.Config)
			}
			return "", nil
		})
	if err != nil {
		t.Error(err)
	}
}

// While a file is replaced again and again, each load is of one of its versions.
func TestReplacedAgainAndAgain(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("a file that is open cannot be replaced there")
	}
	for name, profiles := range map[string]string{"small": "", "large": padding} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			file := filepath.Join(dir, "config")
			replace := func(n int) {
				text := version(n) + profiles
				if n%2 == 1 {
					text = strings.Replace(text, "web_identity_token_server = S", "web_identity_token_file = S", 1)
				}
				write(t, dir, "new", text)
				if err := os.Rename(filepath.Join(dir, "new"), file); err != nil {
					t.Error(err)
				}
			}
			replace(0)
			done, ended := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(ended)
				for n := 1; ; n++ {
					select {
					case <-done:
						return
					default:
						replace(n)
					}
				}
			}()
			for range 3000 {
				c, err := config.LoadSharedConfigProfile(context.Background(), "p",
					func(o *config.LoadSharedConfigOptions) {
						o.ConfigFiles, o.CredentialsFiles = []string{file}, []string{}
					})
				token, server := config.TokenServer(c)
				if !server {
					token = c.WebIdentityTokenFile
				}
				n := strings.TrimPrefix(c.Region, "region-")
				var number int
				fmt.Sscan(n, &number)
				if err != nil || token != "S"+n || c.RoleARN != "arn:aws:iam::123456789012:role/"+n ||
					server != (number%2 == 0) {
					t.Errorf("%q, role %s, region %q, %v", c.WebIdentityTokenFile, c.RoleARN, c.Region, err)
					break
				}
			}
			close(done)
			<-ended
		})
	}
}

// The environment changes which profile upstream loads, after the sections were
// selected.
func TestProfileChangedMeanwhile(t *testing.T) {
	t.Parallel()
	file := write(t, t.TempDir(), "config",
		"[profile p]\nregion = eu-west-1\n[profile q]\nregion = us-east-1\nweb_identity_token_server = S\n"+role+padding)
	for _, found := range []bool{true, false} {
		calls := 0
		var c config.SharedConfig
		err := sharedfile.Load(t.Context(), sharedfile.Request{Config: []string{file}, Profile: "p"},
			func(files *sharedfile.Files) (string, error) {
				calls++
				var err error
				c, err = upstream.LoadSharedConfigProfile(t.Context(), "q", func(o *config.LoadSharedConfigOptions) {
					o.ConfigFiles, o.CredentialsFiles = files.Config, files.Credentials
				})
				var missing config.SharedConfigProfileNotExistError
				if found && errors.As(err, &missing) {
					err = nil // as where upstream only wants the default profile
				}
				return "q", err
			})
		if value, _ := config.TokenServer(c); err != nil || calls != 2 || value != "S" || c.Region != "us-east-1" {
			t.Errorf("%d calls, %+v, %v", calls, c, err)
		}
	}
}

// Upstream does not read what it is shown: the load is an error, not another
// identity.
func TestNotRead(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 10 << 10, 1 << 20} {
		file := write(t, t.TempDir(), "config", version(1)+"x = "+strings.Repeat("x", size)+"\n")
		request := sharedfile.Request{Config: []string{file}, Profile: "p"}
		for part := range 2 {
			err := sharedfile.Load(t.Context(), request, func(files *sharedfile.Files) (string, error) {
				if part == 1 {
					f, err := os.Open(files.Config[0])
					if err != nil {
						t.Fatal(err)
					}
					defer f.Close()
					f.Read(make([]byte, 100))
				}
				return "p", nil
			})
			if err == nil || !strings.Contains(err.Error(), file) {
				t.Errorf("%d bytes: %v", size, err)
			}
		}
		failed := errors.New("of upstream")
		if err := sharedfile.Load(t.Context(), request, func(*sharedfile.Files) (string, error) { return "", failed }); err != failed {
			t.Error(err)
		}
	}
}

// A panic of upstream's leaves no pipe, no goroutine, and no turn behind.
func TestPanic(t *testing.T) {
	t.Parallel()
	file := write(t, t.TempDir(), "config", version(1)+"x = "+strings.Repeat("x", 1<<20)+"\n")
	for range 100 {
		func() {
			defer func() { recover() }()
			sharedfile.Load(t.Context(), sharedfile.Request{Config: []string{file}, Profile: "p"},
				func(*sharedfile.Files) (string, error) { panic("") })
			t.Error("no panic")
		}()
	}
}

// Loads wait for their turn, and for no longer than their context says.
func TestTurns(t *testing.T) {
	file := write(t, t.TempDir(), "config", version(1))
	request := sharedfile.Request{Config: []string{file}, Profile: "p"}
	started, done := make(chan *sharedfile.Files), make(chan struct{})
	ended := make(chan error)
	failed := errors.New("failed")
	load := func(files *sharedfile.Files) (string, error) {
		started <- files
		<-done
		return "", failed
	}
	const turns = 32
	var files *sharedfile.Files
	for range turns {
		go func() { ended <- sharedfile.Load(context.Background(), request, load) }()
		files = <-started
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := sharedfile.Load(ctx, request, load); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("with all turns taken: %v", err)
	}
	files.Release() // as before a function of the program's, which loads a configuration itself
	if err := sharedfile.Load(t.Context(), request, func(*sharedfile.Files) (string, error) { return "", failed }); err != failed {
		t.Errorf("with one turn left: %v", err)
	}
	close(done)
	for range turns {
		if err := <-ended; err != failed {
			t.Error(err)
		}
	}
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	if err := sharedfile.Load(ctx, request, func(*sharedfile.Files) (string, error) { return "", failed }); err != failed {
		t.Errorf("canceled, though no turn is waited for: %v", err)
	}
}
