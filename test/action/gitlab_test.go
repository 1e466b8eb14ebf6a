//go:build linux || darwin

package action

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// ofGitLab runs a job that extends the template's, in one shell, as a runner does.
func ofGitLab(t *testing.T, j *job, script string, inputs map[string]string) (string, error) {
	t.Helper()
	text, err := os.ReadFile(root + "/templates/aws-web-identity.yml")
	if err != nil {
		t.Fatal(err)
	}
	var (
		header struct {
			Spec struct {
				Inputs map[string]struct{ Default string }
			}
		}
		jobs map[string]struct {
			IDTokens     map[string]struct{ Aud string } `yaml:"id_tokens"`
			BeforeScript []string                        `yaml:"before_script"`
		}
	)
	first, second, _ := bytes.Cut(text, []byte("\n---\n"))
	if err := yaml.Unmarshal(first, &header); err != nil {
		t.Fatal(err)
	}
	second = regexp.MustCompile(`\$\[\[ inputs\.([a-z-]+) \]\]`).ReplaceAllFunc(second, func(e []byte) []byte {
		name := strings.Fields(string(e))[1][len("inputs."):]
		input, ok := header.Spec.Inputs[name]
		if !ok {
			t.Errorf("there is no input %s", name)
		}
		if value, ok := inputs[name]; ok {
			return []byte(value)
		}
		return []byte(input.Default)
	})
	if err := yaml.Unmarshal(second, &jobs); err != nil {
		t.Fatal(err)
	}
	template := jobs[".aws-web-identity"]
	if template.IDTokens["AWS_ID_TOKEN"].Aud != "sts.amazonaws.com" {
		t.Errorf("%v", template.IDTokens)
	}
	token, _, err := j.run(t, `curl -sSf -H "Authorization: Bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" \
"$ACTIONS_ID_TOKEN_REQUEST_URL&audience=sts.amazonaws.com" | sed 's/.*"value": *"\([^"]*\)".*/\1/'`)
	if err != nil {
		t.Fatal(err)
	}
	out, _, err := j.run(t, strings.Join(append(template.BeforeScript, script), "\n"),
		"AWS_ID_TOKEN="+strings.TrimSpace(token),
		"ACTIONS_ID_TOKEN_REQUEST_URL=", "ACTIONS_ID_TOKEN_REQUEST_TOKEN=")
	return out, err
}

func TestGitLab(t *testing.T) {
	t.Parallel()
	cli := client(t, "aws", "aws")
	j, _ := newJob(t, "")
	page, err := os.ReadFile(root + "/docs/recipes/gitlab.md")
	if err != nil {
		t.Fatal(err)
	}
	value := regexp.MustCompile(`web_identity_token_server = (\S+)`).FindSubmatch(page)[1]
	j.write(t, "aws.ini", strings.ReplaceAll(profiles, "GitHub", string(value)))
	j.env["CLI"] = cli
	script := `for profile in staging production; do
"$CLI" --endpoint-url "$AWS_ENDPOINT_URL_STS" --profile $profile sts get-caller-identity --query Arn --output text
done`
	inputs := map[string]string{"releases": j.releases, "profile": "staging"}
	out, err := ofGitLab(t, j, script, inputs)
	if err != nil || !strings.Contains(out, ":assumed-role/deploy/") || !strings.Contains(out, ":assumed-role/audit/") {
		t.Errorf("%v: %s", err, out)
	}
	inputs["profile"] = "nobody"
	if out, err := ofGitLab(t, j, "echo later", inputs); err == nil || strings.Contains(out, "later") {
		t.Errorf("%v: %s", err, out)
	}
	j, _ = newJob(t, strings.Repeat("0", 64))
	inputs["releases"], inputs["profile"] = j.releases, "staging"
	j.write(t, "aws.ini", strings.ReplaceAll(profiles, "GitHub", string(value)))
	if out, err := ofGitLab(t, j, "echo later", inputs); err == nil || strings.Contains(out, "later") {
		t.Errorf("%v: %s", err, out)
	}
}
