package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/awstokenserver/config/tokensource"
	"github.com/awstokenserver/config/webidentity/webidentitytest"
)

// block returns the README's code block of a language.
func block(t *testing.T, language string) string {
	t.Helper()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?s)```" + language + "\n(.*?)```").FindSubmatch(text)
	if found == nil {
		t.Fatalf("no block in %s", language)
	}
	return string(found[1])
}

// The README's program runs with the README's config file, as its workflow says.
func TestREADME(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	program := filepath.Join(dir, "main.go")
	os.WriteFile(program, []byte(block(t, "go")), 0o600)
	os.WriteFile(filepath.Join(dir, "aws.ini"), []byte(block(t, "ini")), 0o600)
	workflow := regexp.MustCompile(`(?s)AWS_CONFIG_FILE: (\S+)\}.*go run \. ([a-z ]+)`).FindStringSubmatch(block(t,
		"yaml"))

	binary := filepath.Join(dir, "program.exe")
	if out, err := exec.Command("go", "build", "-o", binary, program).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	world := webidentitytest.New()
	defer world.Close()
	world.STS.AddRole(webidentitytest.Role{ARN: "arn:aws:iam::111111111111:role/deploy",
		Subject: "repo:octo-org/octo-repo:*"})
	world.STS.AddRole(webidentitytest.Role{ARN: "arn:aws:iam::222222222222:role/deploy",
		Subject: "repo:octo-org/octo-repo:*"})
	run := exec.Command(binary, strings.Fields(workflow[2])...)
	run.Dir = dir
	run.Env = []string{"AWS_CONFIG_FILE=" + workflow[1], "SYSTEMROOT=" + os.Getenv("SYSTEMROOT")}
	for name, value := range world.Env() {
		run.Env = append(run.Env, name+"="+value)
	}
	out, err := run.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{
		"staging is arn:aws:sts::111111111111:assumed-role/deploy/",
		"production is arn:aws:sts::222222222222:assumed-role/deploy/",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q is not in: %s", want, out)
		}
	}
}

// The README's command changes the import in any form, and gofmt has nothing to say.
func TestREADMESwap(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	rule := regexp.MustCompile(`gofmt -w -r '(.*)' \.`).FindSubmatch(text)
	if rule == nil {
		t.Fatal("no gofmt in the README")
	}
	file := filepath.Join(t.TempDir(), "main.go")
	os.WriteFile(file, []byte(`package main

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

var _ = []any{aws.Config{}, config.LoadDefaultConfig, awsconfig.LoadDefaultConfig, sts.New}
`), 0o600)
	for _, args := range [][]string{{"-w", "-r", string(rule[1])}, {"-l"}} {
		if out, err := exec.Command("gofmt", append(args, file)...).CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("gofmt %q: %v %s", args, err, out)
		}
	}
	swapped, err := os.ReadFile(file)
	if err != nil || strings.Contains(string(swapped), "aws-sdk-go-v2/config") ||
		strings.Count(string(swapped), `"github.com/awstokenserver/config"`) != 2 {
		t.Errorf("%v: %s", err, swapped)
	}
}

// The README's values are values.
func TestREADMEValues(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	values := regexp.MustCompile("(?m)^\\| `([A-Z][A-Za-z_,]+)`").FindAllSubmatch(text, -1)
	if len(values) != 4 {
		t.Errorf("%d values", len(values))
	}
	for _, value := range values {
		if _, err := tokensource.Parse(string(value[1])); err != nil {
			t.Error(err)
		}
	}
}

// Errors link to a section for their class.
func TestTroubleshooting(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, class := range []tokensource.Class{
		tokensource.ConfigInvalid, tokensource.NotConfigured, tokensource.TokenRefused, tokensource.TokenUnavailable,
		tokensource.TokenMalformed, tokensource.RoleDenied, tokensource.STSUnavailable,
	} {
		if err := (&tokensource.Error{Class: class}).Error(); !strings.Contains(err, "docs/troubleshooting.md#"+string(class)) {
			t.Errorf("%s links elsewhere", err)
		}
		if !strings.Contains(string(text), "\n## "+string(class)+"\n") {
			t.Errorf("%s has no section", class)
		}
	}
}

var notInAnchors = regexp.MustCompile(`[^\p{L}\p{N} _-]`)

// Every relative link in the documents leads somewhere, and to a heading where it names one.
func TestLinks(t *testing.T) {
	t.Parallel()
	documents, _ := filepath.Glob("*.md")
	recipes, _ := filepath.Glob("recipes/*.md")
	top, _ := filepath.Glob("../*.md")
	for _, name := range slices.Concat(documents, recipes, top) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range regexp.MustCompile(`\]\(([^)#:]*)(#[^)]*)?\)`).FindAllSubmatch(text, -1) {
			file := filepath.Join(filepath.Dir(name), string(link[1]))
			if len(link[1]) == 0 {
				file = name
			}
			if len(link[2]) == 0 {
				if _, err := os.Stat(file); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				continue
			}
			target, err := os.ReadFile(file)
			if err != nil || !slices.Contains(anchors(string(target)), string(link[2][1:])) {
				t.Errorf("%s: %s leads nowhere: %v", name, link[0], err)
			}
		}
	}
}

// anchors are what GitHub makes of the headings of a page, and those written in it.
func anchors(page string) (anchors []string) {
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(page, -1) {
		text := notInAnchors.ReplaceAllString(strings.ToLower(heading[1]), "")
		anchors = append(anchors, strings.ReplaceAll(text, " ", "-"))
	}
	for _, written := range regexp.MustCompile(`<a id="([^"]+)">`).FindAllStringSubmatch(page, -1) {
		anchors = append(anchors, written[1])
	}
	return anchors
}

// The page on session tokens shows what an example runs.
func TestSessionTokensPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("session-tokens.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("../test/integration/example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile("(?s)```go\n(.*?)```").FindSubmatch(page)
	if shown == nil || !strings.Contains(string(example), string(shown[1])) {
		t.Errorf("the example does not run the code of the page")
	}
}

// docs/platforms.md and .ci/platforms name the same.
func TestPlatforms(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("platforms.md")
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile("../.ci/platforms")
	if err != nil {
		t.Fatal(err)
	}
	steps := regexp.MustCompile(`\b(?:linux|darwin|windows)/\w+|fips140|chroot|/dev/fd as in Lambda`)
	for _, match := range steps.FindAllString(string(script), -1) {
		if !strings.Contains(strings.ReplaceAll(string(page), "`", ""), match) {
			t.Errorf("the page does not name %s", match)
		}
	}
	for _, match := range steps.FindAllString(strings.ReplaceAll(string(page), "`", ""), -1) {
		if match != "linux/amd64" && !strings.Contains(string(script), match) {
			t.Errorf("the script does not do %s", match)
		}
	}
}
