package guest

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"

	"github.com/awstokenserver/config/internal/longtest"
	"github.com/awstokenserver/config/internal/testenv"
	"github.com/awstokenserver/config/webidentity/webidentitytest"
)

// oldRelease is the oldest of the ten releases of upstream that "upstream check" was last run on.
const oldRelease = "v1.33.9"

var shellBlock = regexp.MustCompile("(?s)\n```sh\n(.*?)```\n")

// A program whose dependency loads upstream's configuration gets the role by what docs/whole-programs.md shows, and is left
// as it was.
func TestWholeProgram(t *testing.T) {
	longtest.Skip(t, "it compiles the SDK several times")
	t.Parallel()
	page, err := os.ReadFile("../../docs/whole-programs.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := shellBlock.FindAllStringSubmatch(string(page), -1)
	if len(blocks) != 5 {
		t.Fatalf("the page has %d blocks of commands", len(blocks))
	}
	take, upgrade, verify, published, leave := blocks[0][1], blocks[1][1], blocks[2][1], blocks[3][1], blocks[4][1]

	dir := t.TempDir()
	env := append(proxy(t), "GOFLAGS=-modcacherw")
	write := func(name, text string) {
		t.Helper()
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("dependency/go.mod", "module dependency.test\n\ngo 1.24.0\n\nrequire (\n\t"+upstream+" "+oldRelease+
		"\n\tgithub.com/aws/aws-sdk-go-v2/service/sts v1.43.5\n)\n")
	write("dependency/dependency.go", `package dependency

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

func Whoami(ctx context.Context) (string, error) {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return "", err
	}
	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, nil)
	if err != nil {
		return "", err
	}
	return *who.Arn, nil
}
`)
	write("main.go", `package main

import (
	"context"
	"fmt"
	"os"

	"dependency.test"
)

func main() {
	arn, err := dependency.Whoami(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Print(arn)
}
`)
	write("go.mod", "module program.test\n\ngo 1.24.0\n\nrequire dependency.test v0.0.0\n\n"+
		"replace dependency.test => ./dependency\n")
	testenv.GoCommand(t, dir, env, "mod", "tidy")

	world := webidentitytest.New()
	t.Cleanup(world.Close)
	const role = "arn:aws:iam::123456789012:role/deploy"
	world.STS.AddRole(webidentitytest.Role{ARN: role, Subject: "*"})
	settings := world.Env()
	maps.Copy(settings, map[string]string{"AWS_PROFILE": "deploy", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": testenv.WriteFile(t, "config",
			"[profile deploy]\nregion = us-east-1\nrole_arn = "+role+"\nweb_identity_token_server = GitHub\n")})
	// built builds the program, and returns what it prints.
	built := func(flags ...string) (string, error) {
		t.Helper()
		testenv.GoCommand(t, dir, env, append(append([]string{"build"}, flags...), "-o", "program.exe", ".")...)
		cmd := exec.Command(filepath.Join(dir, "program.exe"))
		cmd.Env = []string{"HOME=" + dir}
		for name, value := range settings {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	wantRole := func(flags ...string) {
		t.Helper()
		if arn, err := built(flags...); err != nil || !strings.HasPrefix(arn, "arn:aws:sts::123456789012:assumed-role/deploy/") {
			t.Fatalf("%v: %s", err, arn)
		}
	}
	wantUpstream := func() {
		t.Helper()
		if out, err := built(); err == nil || strings.Contains(out, "web_identity_token_server") {
			t.Fatalf("%v: %s", err, out)
		}
	}
	shell := func(commands string) (string, error) {
		cmd := exec.Command("bash", "-euc", strings.ReplaceAll(commands, "@VERSION", "@"+pinned(t)))
		cmd.Dir, cmd.Env = dir, env
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	run := func(commands string) string {
		t.Helper()
		out, err := shell(commands)
		if err != nil {
			t.Fatalf("%s: %v\n%s", commands, err, out)
		}
		return out
	}
	file := func(name string) []byte {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}

	before := file("go.mod")
	wantUpstream()
	if out := run(take); !strings.Contains(out, "config "+oldRelease) {
		t.Errorf("it does not follow go.mod: %s", out)
	}
	taken := file("go.mod")
	wantRole("-mod=readonly")
	run(take) // again
	if !bytes.Equal(file("go.mod"), taken) {
		t.Error("a second time changes go.mod")
	}
	wantRole("-mod=readonly")

	if out := run(verify); !strings.Contains(out, oldRelease) || !strings.Contains(out, "nothing else") {
		t.Errorf("verify: %s", out)
	}
	const changed = "third_party/aws-sdk-go-v2/config/config.go"
	original := file(changed)
	write(changed, string(original)+"\n// a backdoor\n")
	for _, commands := range []string{verify, take} {
		if out, err := shell(commands); err == nil || !strings.Contains(out, "config/config.go: changed") {
			t.Errorf("%s: %v: %s", commands, err, out)
		}
	}
	write(changed, string(original))

	run("go mod vendor")
	wantRole("-mod=vendor")
	if err := os.RemoveAll(filepath.Join(dir, "vendor")); err != nil {
		t.Fatal(err)
	}

	if out := run(upgrade); !strings.Contains(out, "config "+pinned(t)) {
		t.Errorf("it does not follow the upgrade: %s", out)
	}
	wantRole()

	// A repository that has the copies, under tags for the two modules.
	env = append(env, "GOPROXY="+repository(t, filepath.Join(dir, "third_party/aws-sdk-go-v2"), published)+","+setting(env, "GOPROXY"),
		"GONOSUMDB=github.com/awstokenserver/*")
	if err := os.RemoveAll(filepath.Join(dir, "third_party")); err != nil {
		t.Fatal(err)
	}
	run(published)
	wantRole("-mod=readonly")

	write("third_party/aws-sdk-go-v2/x", "") // what leave removes
	run(leave)
	if version := regexp.MustCompile(`replace .*aws-sdk-go-v2.*`).Find(file("go.mod")); version != nil {
		t.Errorf("go.mod keeps %s", version)
	}
	wantUpstream()
	write("go.mod", string(before))
	testenv.GoCommand(t, dir, env, "mod", "tidy")
}

// repository is a module proxy with the copies in dir, under the paths and versions that the commands name.
func repository(t *testing.T, dir, commands string) string {
	t.Helper()
	served := t.TempDir()
	for _, match := range regexp.MustCompile(`=(github\.com/awstokenserver/aws-sdk-go-v2/(\w+))@(v[^\s]+)`).
		FindAllStringSubmatch(commands, -1) {
		serve(t, served, module.Version{Path: match[1], Version: match[3]}, filepath.Join(dir, match[2]))
	}
	return fileURL(served)
}

// setting is the last value of a variable in an environment.
func setting(env []string, name string) (value string) {
	for _, pair := range env {
		if rest, ok := strings.CutPrefix(pair, name+"="); ok {
			value = rest
		}
	}
	return value
}

// serve puts a release of the module in folder into a module proxy.
func serve(t *testing.T, proxy string, m module.Version, folder string) {
	t.Helper()
	versions := filepath.Join(proxy, filepath.FromSlash(m.Path), "@v")
	if err := os.MkdirAll(versions, 0o700); err != nil {
		t.Fatal(err)
	}
	var archive bytes.Buffer
	if err := zip.CreateFromDir(&archive, m, folder); err != nil {
		t.Fatal(err)
	}
	requirements, err := os.ReadFile(filepath.Join(folder, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{
		"list":              []byte(m.Version + "\n"),
		m.Version + ".info": fmt.Appendf(nil, `{"Version": %q}`, m.Version),
		m.Version + ".mod":  requirements,
		m.Version + ".zip":  archive.Bytes(),
	} {
		if err := os.WriteFile(filepath.Join(versions, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
