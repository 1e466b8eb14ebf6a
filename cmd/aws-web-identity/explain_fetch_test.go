package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestExplainFetch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		profile, config, audience string
		exit                      int
	}{{"plain", plain, "sts.amazonaws.com", 0}, {"a", three, "mine", 1}} {
		j := newJob(t, c.config)
		token := j.Issuer.Sign(map[string]any{"sub": "<&>\x1b\u202e", "n": int64(1234567890123456789), "aud": "mine",
			"iat": time.Now().Add(-time.Minute).Unix(), "exp": time.Now().Add(time.Hour).Unix()})
		response := func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, `{"value": %q}`, token) }
		j.TokenServer.Script(response, response)
		text, json := j.explain(t, c.exit, "-profile", c.profile, "-fetch")
		wantText(t, text, `header { "alg": "ES256", "kid": "`, `"typ": "JWT" } claims { "aud": "mine", "exp": `,
			`"n": 1234567890123456789`, `"sub": "<&>\u001b\u202e" }`,
			"issued 20", "Z, 1m", "s ago expires 20", "Z, 59m", "s left header")
		wantJSON(t, json, "token.header.alg=ES256", "token.claims.sub=<&>\x1b\u202e", "error=")
		if !strings.Contains(json, `"left_seconds": 35`) {
			t.Error(json)
		}
		for _, part := range strings.Split(token, ".") {
			if strings.Contains(text+json, part) {
				t.Errorf("%s is in:\n%s%s", part, text, json)
			}
		}
		requests := j.TokenServer.Requests()
		if len(requests) != 2 || requests[0].Query.Get("audience") != c.audience || len(j.STS.Requests()) > 0 {
			t.Errorf("asked %v", requests)
		}
	}
}

func TestExplainFetchFails(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]struct {
		env      []string
		response string
	}{
		"token-refused":  {[]string{"ACTIONS_ID_TOKEN_REQUEST_TOKEN=s3cr3t"}, ""},
		"not-configured": {[]string{"ACTIONS_ID_TOKEN_REQUEST_URL="}, ""},
		"token-unavailable": {[]string{"ACTIONS_ID_TOKEN_REQUEST_URL=https://127.0.0.1:1/s3cr3t", "AWS_MAX_ATTEMPTS=1"},
			""},
		"token-malformed": {nil, `{"value": "s3cr3t.s3cr3t.s3cr3t"}`},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			j := newJob(t, plain)
			j.env = append(j.env, c.env...)
			if c.response != "" {
				response := func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, c.response) }
				j.TokenServer.Script(response, response)
			}
			text, json := j.explain(t, 1, "-profile", "plain", "-fetch")
			wantText(t, text, `used: web_identity_token_server of profile "plain"`,
				"Error of the class "+want+" web_identity_token_server of profile", "docs/troubleshooting.md#"+want)
			wantJSON(t, json, "error.class="+want, "token=")
		})
	}
	t.Run("no web identity", func(t *testing.T) {
		t.Parallel()
		j := newJob(t, "[default]\ncredential_process = s3cr3t\n")
		text, json := j.explain(t, 1, "-fetch")
		wantText(t, text, `Error there is no token to fetch: credential_process of profile "default" is used`)
		wantJSON(t, json, "error.class=")
	})
	t.Run("file", func(t *testing.T) {
		t.Parallel()
		j := newJob(t)
		file := filepath.Join(j.dir, "token")
		os.WriteFile(file, []byte(j.Issuer.Sign(map[string]any{"sub": "filed"})), 0o600)
		j.env = append(j.env, inEnvironment, "AWS_WEB_IDENTITY_TOKEN_FILE="+file)
		_, json := j.explain(t, 0, "-fetch")
		wantJSON(t, json, "token.claims.sub=filed", "token_source.files.0.state=readable")
		os.Remove(file)
		_, json = j.explain(t, 1, "-fetch")
		wantJSON(t, json, "error.class=not-configured")
	})
}

// trustPolicy has three conditions, and the subjects of the third.
func trustPolicy(subjects string) string {
	const hub = "token.actions.githubusercontent.com"
	return fmt.Sprintf(`{"Version": "2012-10-17", "Statement": [{"Sid": "Hub", "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
		"Principal": {"Federated": "arn:aws:iam::111111111111:oidc-provider/%s"},
		"Condition": {"StringEquals": {"%[1]s:aud": "sts.amazonaws.com"}, "StringLike": {"%[1]s:sub": %[2]s}, "Null": {"sts:ExternalId": "true"}}}]}`, hub, subjects)
}

func TestExplainTrustPolicy(t *testing.T) {
	t.Parallel()
	onMain := trustPolicy(`["repo:octo-org/octo-repo:ref:refs/heads/main", "repo:octo-org/octo-repo:environment:prod"]`)
	for name, c := range map[string]struct {
		policy     string
		claims     map[string]any
		config     string
		exit       int
		text, json []string
	}{
		"allowed": {
			policy: onMain,
			text: []string{`Trust policy of "arn:aws:iam::111111111111:role/plain" ALLOWED: Statement[0] "Hub" allows it`, `Statement[0] Allow "Hub": held held Principal expected "Federated: arn:aws:`,
				`held StringLike "token.actions.githubusercontent.com:sub" expected "repo:octo-org/octo-repo:ref:refs/heads/main" or "repo:octo-org/octo-repo:environment:prod" actual "repo:octo-org/octo-repo:ref:refs/heads/main"`,
				`held Null "sts:ExternalId" expected "true" actual (missing)`},
			json: []string{"trust_policy.verdict=allowed", "trust_policy.role_arn=arn:aws:iam::111111111111:role/plain",
				`trust_policy.reason=Statement[0] "Hub" allows it`,
				"trust_policy.statements.0.conditions.1.status=held", "error="},
		},
		"get-role": {
			policy: `{"Role": {"Arn": "arn:aws:iam::111111111111:role/plain", "AssumeRolePolicyDocument": ` + onMain +
				`}}`,
			text: []string{"ALLOWED"}, json: []string{"trust_policy.verdict=allowed"},
		},
		"wrong branch": {
			policy: onMain, claims: map[string]any{"sub": "repo:octo-org/octo-repo:ref:refs/heads/topic"}, exit: 1,
			text: []string{"DENIED: no Allow statement applies",
				`failed StringLike "token.actions.githubusercontent.com:sub"`,
				`→ another branch: the policy wants "main", the token says "topic"`},
			json: []string{"trust_policy.verdict=denied", "trust_policy.statements.0.conditions.0.status=held",
				"trust_policy.statements.0.conditions.1.status=failed",
				`trust_policy.statements.0.conditions.1.why=another branch: the policy wants "main", the token says "topic"`, "error="},
		},
		"wrong audience": {
			policy: onMain, config: strings.Replace(plain, "GitHub", "GitHub,mine", 1), exit: 1,
			text: []string{`failed StringEquals "token.actions.githubusercontent.com:aud" expected "sts.amazonaws.com" actual "mine" → another audience`},
			json: []string{"trust_policy.verdict=denied", "trust_policy.statements.0.conditions.0.actual.0=mine"},
		},
		"immutable sub": {
			policy: onMain, claims: map[string]any{"sub": "repo:octo-org@65/octo-repo@74:ref:refs/heads/main"}, exit: 1,
			text: []string{`→ the token has an immutable sub, the policy the old form: it must say "repo:octo-org@65/octo-repo@74"`}, json: []string{"trust_policy.verdict=denied"},
		},
		"undecided": {
			policy: strings.Replace(onMain, "sts:ExternalId", "aws:SourceIp", 1), exit: 1,
			text: []string{`UNDECIDED: Statement[0] "Hub" may allow it`, "unknown Null"},
			json: []string{"trust_policy.verdict=undecided"},
		},
		"session name": {
			policy: strings.Replace(strings.Replace(onMain, "sts:ExternalId", "sts:RoleSessionName", 1), `"true"`,
				`"false"`, 1), config: plain + "role_session_name = me\n",
			text: []string{`held Null "sts:RoleSessionName" expected "false" actual "me"`},
			json: []string{"trust_policy.verdict=allowed"},
		},
		"unknown session name": {
			policy: strings.Replace(onMain, "sts:ExternalId", "sts:RoleSessionName", 1), exit: 1,
			json: []string{"trust_policy.verdict=undecided"},
		},
		"provider in another account": {
			policy: strings.Replace(onMain, "111111111111", "999999999999", 1), exit: 1,
			text: []string{`failed Principal`, "both must be in one account"},
			json: []string{"trust_policy.verdict=denied"},
		},
		"another role": {
			policy: `{"Role": {"Arn": "arn:aws:iam::111111111111:role/other", "AssumeRolePolicyDocument": ` + onMain +
				`}}`, exit: 1,
			text: []string{`the trust policy is that of the role "arn:aws:iam::111111111111:role/other", and the token is for "arn:aws:iam::111111111111:role/plain"`}, json: []string{"trust_policy=", "token="},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := newJob(t, c.config)
			if c.config == "" {
				j = newJob(t, plain)
			}
			for claim, value := range c.claims {
				j.TokenServer.Claims[claim] = value
			}
			file := filepath.Join(j.dir, "policy.json")
			os.WriteFile(file, []byte(c.policy), 0o600)
			text, json := j.explain(t, c.exit, "-profile", "plain", "-trust-policy", file)
			wantText(t, text, c.text...)
			wantJSON(t, json, c.json...)
		})
	}
}

func TestExplainTrustPolicyOnStdin(t *testing.T) {
	t.Parallel()
	cmd, _ := command(t, "explain", "-trust-policy", "-")
	j := newJob(t)
	cmd.Env = append(j.env, "RUN_AWS_WEB_IDENTITY=1", "GOCOVERDIR="+os.Getenv("GOCOVERDIR"), inEnvironment,
		"AWS_WEB_IDENTITY_TOKEN_SERVER=GitHub")
	cmd.Stdin = strings.NewReader(strings.ReplaceAll(trustPolicy(`"*"`), "111111111111", "444444444444"))
	if out, err := cmd.CombinedOutput(); err != nil ||
		!strings.Contains(string(out), `"arn:aws:iam::444444444444:role/env"`) {
		t.Errorf("%v: %s", err, out)
	}
}

func TestExplainRefuses(t *testing.T) {
	t.Parallel()
	broken := filepath.Join(t.TempDir(), "broken")
	os.WriteFile(broken, []byte(`{"Statement": []}`), 0o600)
	for want, args := range map[string][]string{
		"2 must be text or json":       {"-format", "yaml"},
		"2 for usage":                  {"more"},
		"1 open /none: ":               {"-trust-policy", "/none"},
		"1 trust policy: no Statement": {"-trust-policy", broken},
	} {
		stdout, stderr, code := run(t, "", append([]string{"explain"}, args...)...)
		if exit, text, _ := strings.Cut(want, " "); fmt.Sprint(code) != exit || !strings.Contains(stderr, text) ||
			stdout != "" {
			t.Errorf("%q: exit %d, stdout %q: %s", args, code, stdout, stderr)
		}
	}
}
