//go:build unix

package sharedfile_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	upstream "github.com/aws/aws-sdk-go-v2/config"

	"github.com/awstokenserver/config"
	"github.com/awstokenserver/config/internal/longtest"
)

func init() {
	children["identity"] = printIdentity
	children["descriptors"] = loadWithFewDescriptors
	children["chroot"] = loadInChroot
	children["parallel"] = loadInParallel
	children["streams"] = loadWithClosedStreams
}

// childEnv is the environment of a child, which must not find the files of whoever
// runs the tests.
func childEnv(t *testing.T, child string, more ...string) []string {
	return slices.Concat(os.Environ(), []string{"CHILD=" + child, "HOME=/nowhere", "GOCOVERDIR=" + t.TempDir()}, more)
}

// inChild runs a child, and returns what it prints and the most memory it took.
func inChild(t *testing.T, child string, args ...string) (output string, peak int64) {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Env = childEnv(t, child)
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %q: %v\n%s%s", child, args, err, stdout.Bytes(), stderr.Bytes())
	}
	return stdout.String(), int64(cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)
}

// identity describes what a load in the process's environment gives.
func identity(load func(context.Context, ...func(*config.LoadOptions) error) (aws.Config, error)) string {
	cfg, err := load(context.Background())
	if err != nil {
		return "error: " + err.Error()
	}
	for _, source := range cfg.ConfigSources {
		if c, ok := source.(config.SharedConfig); ok {
			return strings.Join([]string{c.WebIdentityTokenFile, c.RoleARN, c.Region}, " ")
		}
	}
	return "none"
}

func printIdentity() { fmt.Println(identity(config.LoadDefaultConfig)) }

const configured = "web_identity_token_server:GitHub arn:aws:iam::123456789012:role/r eu-west-1"

// configuration writes a file of about so many bytes that the profile needs all of.
func configuration(t *testing.T, dir string, size int) (name string) {
	return write(t, dir, "config", "[default]\n"+role+"region = eu-west-1\nweb_identity_token_server = GitHub\n"+
		"services = s\n[services s]\n"+strings.Repeat("x =\n  endpoint_url = https://x\n", size/30))
}

// With any number of free descriptors a load is an error, or the one configured.
func TestFewDescriptors(t *testing.T) {
	t.Parallel()
	for _, size := range []int{100, 10 << 10, 200 << 10} {
		succeeded := 0
		output, _ := inChild(t, "descriptors", configuration(t, t.TempDir(), size))
		for i, line := range strings.Split(strings.TrimSpace(output), "\n") {
			switch {
			case line == configured:
				succeeded++
			case !strings.HasPrefix(line, "error: "):
				t.Errorf("%d bytes, %d free descriptors: %s", size, i, line)
			}
		}
		if succeeded == 0 {
			t.Errorf("%d bytes: none succeeds:\n%s", size, output)
		}
	}
}

func loadWithFewDescriptors() {
	os.Setenv("AWS_CONFIG_FILE", os.Args[1])
	identity(config.LoadDefaultConfig) // opens what the runtime keeps open
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 64, Max: 64}); err != nil {
		panic(err)
	}
	var open []*os.File
	for {
		f, err := os.Open(os.DevNull)
		if err != nil {
			break
		}
		open = append(open, f)
	}
	for range 20 {
		fmt.Println(identity(config.LoadDefaultConfig))
		open[len(open)-1].Close()
		open = open[:len(open)-1]
	}
}

// Where /dev and /proc do not name a pipe, the text goes through a FIFO. What stands
// under the names of descriptors is not read.
func TestChroot(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	plant := func(t *testing.T, dir string, make func(name string) error) {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for n := range 64 {
			if err := make(filepath.Join(dir, strconv.Itoa(n))); err != nil {
				t.Fatal(err)
			}
		}
	}
	planted := "[default]\nregion = planted\nrole_arn = planted\nweb_identity_token_file = planted\n"
	asFile := func(name string) error { return os.WriteFile(name, []byte(planted), 0o644) }
	asFIFO := func(name string) error { return syscall.Mkfifo(name, 0o666) }
	for name, test := range map[string]struct {
		prepare func(t *testing.T, root string)
		noFIFO  bool
	}{
		"empty":              {func(*testing.T, string) {}, false},
		"files in /dev/fd":   {func(t *testing.T, root string) { plant(t, root+"/dev/fd", asFile) }, false},
		"FIFOs in /dev/fd":   {func(t *testing.T, root string) { plant(t, root+"/dev/fd", asFIFO) }, false},
		"files in /proc":     {func(t *testing.T, root string) { plant(t, root+"/proc/self/fd", asFile) }, false},
		"no writable folder": {func(t *testing.T, root string) { plant(t, root+"/dev/fd", asFile) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, size := range []int{100, 10 << 10, 200 << 10} {
				root := t.TempDir()
				configuration(t, root, size)
				test.prepare(t, root)
				tmp := filepath.Join(root, "tmp")
				want := configured
				if test.noFIFO {
					want = "error: show shared config file /config to the SDK: "
				} else if err := os.Mkdir(tmp, 0o1777); err != nil {
					t.Fatal(err)
				}
				output, _ := inChild(t, "chroot", root)
				for _, line := range strings.Split(strings.TrimSpace(output), "\n") {
					if !strings.HasPrefix(line, want) {
						t.Errorf("%d bytes: %s", size, line)
					}
				}
				if left, _ := os.ReadDir(tmp); len(left) > 0 {
					t.Errorf("left behind: %s", left)
				}
			}
		})
	}
}

func loadInChroot() {
	os.Setenv("TMPDIR", "/tmp")
	os.Setenv("AWS_CONFIG_FILE", os.Args[1]+"/config")
	identity(config.LoadDefaultConfig) // before, where the pipe has a name
	if err := syscall.Chroot(os.Args[1]); err != nil {
		panic(err)
	}
	os.Chdir("/")
	os.Setenv("AWS_CONFIG_FILE", "/config")
	var group sync.WaitGroup
	for range 8 {
		group.Add(1)
		go func() {
			defer group.Done()
			fmt.Println(identity(config.LoadDefaultConfig))
		}()
	}
	group.Wait()
	// An error of upstream's comes before it opens a file.
	os.Setenv("AWS_MAX_ATTEMPTS", "many")
	config.LoadDefaultConfig(context.Background())
}

// A thousand loads at once need no more descriptors and hardly more memory than
// upstream's.
func TestManyLoads(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("[default]\n" + role + "region = eu-west-1\nweb_identity_token_{key} = GitHub\n")
	for i := 0; text.Len() < 200<<10; i++ {
		fmt.Fprintf(&text, "[profile p%d]\n%sregion = eu-west-1\nweb_identity_token_{key} = GitHub\n", i, role)
	}
	peak := map[string]int64{}
	keys := []string{"server"}
	if longtest.Wanted() {
		keys = append(keys, "file") // upstream, which takes long
	}
	for _, key := range keys {
		file := write(t, t.TempDir(), "config", strings.ReplaceAll(text.String(), "{key}", key))
		output, memory := inChild(t, "parallel", key, file)
		peak[key] = memory
		if !strings.HasPrefix(output, "1000 ") {
			t.Errorf("%s: %s succeed", key, output)
		}
	}
	if peak["file"] == 0 {
		return
	}
	t.Logf("peak memory %d, upstream's %d: %.2f times", peak["server"], peak["file"],
		float64(peak["server"])/float64(peak["file"]))
	if float64(peak["server"]) > 1.2*float64(peak["file"]) {
		t.Errorf("peak memory %d, upstream's %d", peak["server"], peak["file"])
	}
}

func loadInParallel() {
	limit := syscall.Rlimit{Cur: 1024, Max: 1024}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		panic(err)
	}
	load, want := upstream.LoadDefaultConfig, strings.TrimPrefix(configured, "web_identity_token_server:")
	if os.Args[1] == "server" {
		load, want = config.LoadDefaultConfig, configured
	} else {
		want = "GitHub" + strings.TrimPrefix(want, "GitHub")
	}
	os.Setenv("AWS_CONFIG_FILE", os.Args[2])
	found := make(chan string)
	for range 1000 {
		go func() { found <- identity(load) }()
	}
	succeeded, other := 0, ""
	for range 1000 {
		if got := <-found; got == want {
			succeeded++
		} else {
			other = got
		}
	}
	fmt.Println(succeeded, other)
}

// A process without standard streams, whose pipes have their numbers, survives an
// error of upstream's that comes before it reads the files.
func TestClosedStreams(t *testing.T) {
	t.Parallel()
	for _, size := range []int{100, 15 << 10, 200 << 10} {
		dir := t.TempDir()
		result := filepath.Join(dir, "result")
		cmd := exec.Command("sh", "-c", `exec "$0" "$@" <&- >&- 2>&-`, os.Args[0], configuration(t, dir, size), result)
		cmd.Env = childEnv(t, "streams", "AWS_MAX_ATTEMPTS=many")
		if output, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%d bytes: %v\n%s", size, err, output)
		}
		if text, err := os.ReadFile(result); err != nil || string(text) != "error\n"+configured {
			t.Errorf("%d bytes: %q, %v", size, text, err)
		}
	}
}

func loadWithClosedStreams() {
	os.Setenv("AWS_CONFIG_FILE", os.Args[1])
	r, w, err := os.Pipe() // starts the poller, whose descriptors stay
	if err != nil {
		panic(err)
	}
	defer r.Close()
	defer w.Close()
	for descriptor := range 3 {
		syscall.Close(descriptor) // what the runtime opened there
	}
	for range 20 {
		if _, err := config.LoadDefaultConfig(context.Background()); err == nil {
			panic("no error")
		}
	}
	os.Unsetenv("AWS_MAX_ATTEMPTS")
	os.WriteFile(os.Args[2], []byte("error\n"+identity(config.LoadDefaultConfig)), 0o600)
}

// The text is in a pipe: none of it is ever in a folder.
func TestNoFolder(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(os.Args[0])
	cmd.Env = childEnv(t, "identity", "TMPDIR=/nowhere", "AWS_CONFIG_FILE="+configuration(t, t.TempDir(), 100))
	output, err := cmd.Output()
	if err != nil || strings.TrimSpace(string(output)) != configured {
		t.Errorf("%s, %v", output, err)
	}
}
