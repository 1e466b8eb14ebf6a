package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const narrow = `{"Statement": {"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
	"Principal": {"Federated": "arn:aws:iam::111111111111:oidc-provider/token.actions.githubusercontent.com"},
	"Condition": {"StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
		"token.actions.githubusercontent.com:sub": "repo:acme@1/web@2:environment:prod"}}}}`

const claimsOfProd = `{"iss": "https://token.actions.githubusercontent.com", "aud": "sts.amazonaws.com", "sub": "repo:acme@1/web@2:environment:prod"}`

// Policies are tried on claims, cases, and tokens, and reviewed, where there is no
// token server and no profile.
func TestTrial(t *testing.T) {
	t.Parallel()
	wide := strings.Replace(narrow, "repo:acme@1/web@2:environment:prod", "repo:*", 1)
	wide = strings.Replace(wide, "StringEquals", "StringLike", 1)
	onDev := strings.Replace(claimsOfProd, "prod", "dev", 1)
	planned, _ := json.Marshal(narrow)
	token := "e30." + base64.RawURLEncoding.EncodeToString([]byte(claimsOfProd)) + ".s3cr3t"
	plan := fmt.Sprintf(`{"terraform_version": "1", "planned_values": {"root_module": {"resources": [
		{"address": "aws_iam_role.a", "values": {"assume_role_policy": %s}}, {"address": "aws_iam_role.b", "values": {"assume_role_policy": %s}}]}}}`,
		planned, strings.Replace(string(planned), "prod", "dev", 1))
	cases := fmt.Sprintf(`[{"name": "prod", "claims": %s, "expect": "allow", "role": "aws_iam_role.a"},
		{"name": "dev", "claims": %s, "expect": "deny", "role": "aws_iam_role.a"}, {"name": "dev", "claims": %[2]s, "expect": "allow", "role": "aws_iam_role.b"}]`,
		claimsOfProd, onDev)
	for name, c := range map[string]struct {
		policy, claims string
		args           []string
		exit           int
		text, json     []string
	}{
		"allowed": {narrow, claimsOfProd, nil, 0, []string{"ALLOWED: Statement[0] allows it"},
			[]string{"results.0.verdict=allowed", "results.0.met=true", "warnings.0="}},
		"denied": {
			narrow, onDev, nil, 1,
			[]string{"DENIED", `another environment: the policy wants "prod", the token says "dev"`},
			[]string{"results.0.met=false"},
		},
		"denied, as expected": {narrow, onDev, []string{"-expect", "deny"}, 0, []string{"denied, as expected"},
			[]string{"results.0.met=true", "results.0.expect=deny"}},
		"allowed, against expectation": {narrow, claimsOfProd, []string{"-expect", "deny"}, 1,
			[]string{"allowed, expected: deny", "ALLOWED"}, nil},
		"token": {narrow, token, nil, 0, []string{"ALLOWED"}, nil},
		"plan, one claim": {plan, claimsOfProd, nil, 1, []string{"ALLOWED", "DENIED"},
			[]string{"results.0.policy=aws_iam_role.a", "results.1.policy=aws_iam_role.b", "results.1.verdict=denied"}},
		"plan, cases": {plan, cases, nil, 0, []string{"aws_iam_role.a prod: allowed, as expected",
			"aws_iam_role.a dev: denied, as expected", "aws_iam_role.b dev: allowed, as expected"}, nil},
		"a case for no role": {narrow, cases, nil, 1, nil, []string{"results=[]"}},
		"warnings": {wide, claimsOfProd, nil, 0,
			[]string{"ALLOWED", `Warnings - Statement[0]: "repo:*" holds for strangers`, "(any-subject)", "better:"},
			[]string{"warnings.0.rule=any-subject"}},
		"review": {wide, "", []string{"-review"}, 3, []string{`Statement[0]: "repo:*" holds for strangers`},
			[]string{"warnings.0.rule=any-subject", "results=[]"}},
		"review, sound":    {narrow, "", []string{"-review"}, 0, nil, []string{"warnings=[]"}},
		"review and trial": {wide, onDev, []string{"-review"}, 3, []string{"ALLOWED", "Warnings"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := newJob(t)
			write := func(name, text string) string {
				name = filepath.Join(j.dir, name)
				os.WriteFile(name, []byte(text), 0o600)
				return name
			}
			args := append([]string{"-trust-policy", write("policy.json", c.policy)}, c.args...)
			switch {
			case c.claims == token:
				args = append(args, "-token", write("token", c.claims))
			case c.claims != "":
				args = append(args, "-claims", write("claims.json", c.claims))
			}
			text, json := j.explain(t, c.exit, args...)
			wantText(t, text, c.text...)
			wantJSON(t, json, c.json...)
			if n := len(j.TokenServer.Requests()) + len(j.STS.Requests()); n > 0 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

func TestTrialCalledWrongly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		name = filepath.Join(dir, name)
		os.WriteFile(name, []byte(text), 0o600)
		return name
	}
	policy, claims := write("policy", narrow), write("claims", claimsOfProd)
	for want, args := range map[string][]string{
		"[claims token] were all set":                    {"-trust-policy", policy, "-claims", claims, "-token", claims},
		"need --trust-policy":                            {"-claims", claims},
		"--review, --expect, --claims, and --token need": {"-review"},
		"--expect needs --claims or --token":             {"-trust-policy", policy, "-expect", "deny"},
		"must be allow or deny": {"-trust-policy", policy, "-claims", claims, "-expect",
			"maybe"},
		"it is not a JWT": {"-trust-policy", policy, "-token", claims},
		"case 0: it needs claims": {"-trust-policy", policy, "-claims",
			write("cases", `[{"name": "x"}]`)},
		"unknown field": {"-trust-policy", policy, "-claims",
			write("more", `[{"clams": {}}]`)},
		"--suggest needs the claims of one token":    {"-suggest", "-claims", write("none", `[]`)},
		"the claims need an iss, a sub, and one aud": {"-suggest", "-claims", write("few", `{"iss": "https://x"}`)},
	} {
		cmd, _ := command(t, append([]string{"explain"}, args...)...)
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%q: %v, want %s in %s", args, err, want, out)
		}
	}
}

// A policy is suggested for claims, and for the token of a profile, whose role it is for.
func TestSuggest(t *testing.T) {
	t.Parallel()
	j := newJob(t, plain)
	file := filepath.Join(j.dir, "claims.json")
	os.WriteFile(file, []byte(claimsOfProd), 0o600)
	text, json := j.explain(t, 0, "-suggest", "-claims", file)
	wantText(t, text, `"token.actions.githubusercontent.com:sub": "repo:acme@1/web@2:environment:prod"`,
		"oidc-provider/token.actions.githubusercontent.com",
		`StringLike "repo:acme@1/web@2:*"`,
		`aws iam create-open-id-connect-provider \ --url "https://token.actions.githubusercontent.com" --client-id-list "sts.amazonaws.com"`,
		`--role-name "ROLE"`, `resource "aws_iam_role" "ROLE"`)
	wantJSON(t, json, "Version=2012-10-17", "Statement.0.Action.0=sts:AssumeRoleWithWebIdentity")

	text, _ = j.explain(t, 0, "-suggest", "-profile", "plain")
	wantText(t, text, `"arn:aws:iam::111111111111:oidc-provider/token.actions.githubusercontent.com"`,
		`--role-name "plain"`)

	// It is a policy that the verb takes.
	policy := filepath.Join(j.dir, "policy.json")
	os.WriteFile(policy, []byte(json), 0o600)
	j.explain(t, 0, "-trust-policy", policy, "-claims", file, "-review")
}

// What keeps the role from being had is a problem, and an exit status that is not 0.
func TestProblems(t *testing.T) {
	t.Parallel()
	const region = "AWS_REGION="
	for name, c := range map[string]struct {
		files, env []string
		text       []string
		exit       int
	}{
		"none": {[]string{plain}, nil, []string{"STS http://127.0.0.1:"}, 0},
		"STS of a region": {[]string{plain}, []string{"AWS_ENDPOINT_URL_STS=", "AWS_REGION=eu-west-1"},
			[]string{"STS https://sts.eu-west-1.amazonaws.com"}, 0},
		"dual-stack": {[]string{plain}, []string{"AWS_ENDPOINT_URL_STS=", "AWS_USE_DUALSTACK_ENDPOINT=true"},
			[]string{"STS https://sts.us-east-1.api.aws"}, 0},
		"FIPS": {[]string{plain}, []string{"AWS_ENDPOINT_URL_STS=", "AWS_USE_FIPS_ENDPOINT=true"},
			[]string{"STS https://sts-fips.us-east-1.amazonaws.com"}, 0},
		"FIPS where is none": {
			[]string{plain}, []string{"AWS_ENDPOINT_URL_STS=", "AWS_USE_FIPS_ENDPOINT=true", "AWS_REGION=eu-west-1"},
			[]string{"STS has no FIPS endpoint in eu-west-1"}, 1,
		},
		"endpoint URL": {[]string{plain}, []string{"AWS_ENDPOINT_URL_STS=https://sts.example.com"},
			[]string{"STS https://sts.example.com"}, 0},
		"no region": {[]string{strings.Replace(plain, "region = eu-west-1\n", "", 1)}, []string{region},
			[]string{"Region not set", "Problems - no region is set, and STS cannot be asked"}, 1},
		"role of China": {[]string{strings.Replace(plain, "arn:aws:", "arn:aws-cn:", 1)}, nil,
			[]string{"is of the partition aws-cn, and the region us-east-1 of aws"}, 1},
		"role in China": {[]string{strings.Replace(plain, "arn:aws:", "arn:aws-cn:", 1)},
			[]string{"AWS_REGION=cn-north-1"}, []string{"arn:aws-cn:iam"}, 0},
		"role outside China": {
			[]string{plain}, []string{"AWS_REGION=cn-north-1"},
			[]string{"is of the partition aws, and the region cn-north-1 of aws-cn"}, 1,
		},
		"GovCloud": {[]string{strings.Replace(plain, "arn:aws:", "arn:aws-us-gov:", 1)}, nil,
			[]string{"is of the partition aws-us-gov"}, 1},
		"misspelt": {[]string{strings.Replace(plain, "web_identity_token_server", "web_identity_token_sever",
			1)}, nil, []string{"has web_identity_token_sever, which no SDK reads: it should be web_identity_token_server"}, 1},
		"misspelt elsewhere": {[]string{plain + "[profile other]\nrole_arm = x\n"}, nil, []string{"STS"}, 0},
		"misspelt beside": {[]string{plain + "role-session-name = x\n"}, nil,
			[]string{"has role-session-name, which no SDK reads: it should be role_session_name"}, 1},
		"shadowed": {[]string{plain + "login_session = x\n"}, nil,
			[]string{`- login_session of profile "plain" is set and has no effect`}, 1},
		"missing variable": {[]string{plain}, []string{"ACTIONS_ID_TOKEN_REQUEST_URL="},
			[]string{"- the variable ACTIONS_ID_TOKEN_REQUEST_URL is empty"}, 1},
		"missing token file": {
			[]string{strings.Replace(plain, "server = GitHub", "file = /nowhere", 1)}, nil,
			[]string{"- the file /nowhere: no such file"}, 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := newJob(t, c.files...)
			j.env = append(j.env, c.env...)
			text, _ := j.explain(t, c.exit, "-profile", "plain")
			wantText(t, text, c.text...)
		})
	}
}
