package trustpolicy

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestTerraform(t *testing.T) {
	policy, _ := json.Marshal(trust(hubARN))
	role := func(address, more string) string {
		return fmt.Sprintf(`{"address": %q, "type": "aws_iam_role", "name": "x", "values": {"assume_role_policy": %s%s}}`, address, policy, more)
	}
	for name, test := range map[string]struct {
		text string
		want string // name and ARN of each
	}{
		"plan": {`{"format_version": "1.2", "terraform_version": "1.9.0", "planned_values": {"root_module": {"resources": [` + role("aws_iam_role.b", "") +
			`], "child_modules": [{"address": "module.m", "resources": [` + role("module.m.aws_iam_role.a", "") + `]}]}},
			"prior_state": {"values": {"root_module": {"resources": [` + role("aws_iam_role.old", "") + `]}}}}`, "aws_iam_role.b  module.m.aws_iam_role.a "},
		"state": {`{"format_version": "1.0", "terraform_version": "1.9.0", "values": {"root_module": {"resources": [` +
			role("aws_iam_role.a", `, "arn": "arn:aws:iam::123456789012:role/a"`) + `]}}}`,
			"aws_iam_role.a arn:aws:iam::123456789012:role/a"},
		"state file": {`{"version": 4, "terraform_version": "1.9.0", "resources": [{"mode": "managed", "type": "aws_iam_role", "name": "a",
			"instances": [{"attributes": {"arn": "arn:aws:iam::123456789012:role/a", "assume_role_policy": ` + string(policy) + `}}]}]}`,
			"aws_iam_role.a arn:aws:iam::123456789012:role/a"},
		"policy": {trust(hubARN), " "},
	} {
		t.Run(name, func(t *testing.T) {
			policies, err := ParseAll([]byte(test.text))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range policies {
				got = append(got, p.Name+" "+p.RoleARN)
			}
			if strings.Join(got, " ") != test.want {
				t.Errorf("got %q", got)
			}
		})
	}
	for text, want := range map[string]string{
		`{"terraform_version": "1.9.0", "planned_values": {}}`:                                                                                 "no role of the plan",
		`{"terraform_version": "1.9.0", "values": {"root_module": {"resources": [{"address": "a", "values": {"assume_role_policy": "{}"}}]}}}`: "a: trust policy: no Statement",
		`{}`: "no Statement",
	} {
		if _, err := ParseAll([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// A suggestion lets its token in, has nothing to find fault with but the form of sub, and its alternatives let the token in too.
func TestSuggest(t *testing.T) {
	for name, test := range map[string]struct {
		claims       string
		alternatives int
		findings     int
	}{
		"branch":       {onHub(`"sub":"repo:acme@1/web@2:ref:refs/heads/main"`), 4, 0},
		"tag":          {onHub(`"sub":"repo:acme@1/web@2:ref:refs/tags/v1"`), 4, 0},
		"environment":  {onHub(`"sub":"repo:acme@1/web@2:environment:prod"`), 2, 0},
		"pull request": {onHub(`"sub":"repo:acme@1/web@2:pull_request"`), 3, 0},
		"old form":     {onHub(prod), 2, 1},
		"customized":   {onHub(`"sub":"repository_owner:acme:x"`), 1, 0},
		"GitLab": {token("https://gitlab.com", `"aud":"sts.amazonaws.com"`,
			`"sub":"project_path:acme/web:ref_type:branch:ref:main"`), 2, 0},
		"Buildkite": {token("https://agent.buildkite.com", `"aud":["sts.amazonaws.com"]`,
			`"sub":"organization:acme:pipeline:web:ref:x:commit:0:step:d"`), 2, 0},
		"Google": {token("https://accounts.google.com", `"aud":"aws"`, `"azp":"1"`, `"sub":"1"`), 1, 0},
		"tags": {onHub(`"sub":"x"`, `"https://aws.amazon.com/tags":{"principal_tags":{"a":["b"]}}`,
			`"https://aws.amazon.com/source_identity":"me"`), 1, 0},
		"roles": {onHub(`"sub":"x"`, `"https://aws.amazon.com/roles":"arn:aws:iam::123456789012:role/deploy"`),
			1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var claims map[string]any
			if err := json.Unmarshal([]byte(test.claims), &claims); err != nil {
				t.Fatal(err)
			}
			s, err := Suggest(claims, "aws", "123456789012")
			if err != nil || len(s.Alternatives) != test.alternatives {
				t.Fatalf("%v: %+v", err, s.Alternatives)
			}
			sub, _ := claims["sub"].(string)
			for _, a := range s.Alternatives {
				if strings.Contains(a.Sub, "NAME") {
					continue
				}
				text := strings.Replace(string(s.Document), fmt.Sprintf("%q", sub), fmt.Sprintf("%q", a.Sub), 1)
				policy, err := Parse([]byte(strings.ReplaceAll(text, "StringEquals", a.Operator)))
				if err != nil {
					t.Fatal(err)
				}
				policy.RoleARN = "arn:aws:iam::123456789012:role/deploy"
				if result := policy.Evaluate(claims, nil); result.Verdict != Allowed {
					t.Errorf("%s: %s: %s", a.Sub, result.Verdict, why(result))
				}
			}
			policy, err := Parse(s.Document)
			if err != nil {
				t.Fatal(err)
			}
			if findings := policy.Review(); len(findings) != test.findings {
				t.Errorf("%+v", findings)
			}
		})
	}
	if _, err := Suggest(map[string]any{"iss": "https://x"}, "aws", "1"); err == nil {
		t.Error("no error without a sub")
	}
}
