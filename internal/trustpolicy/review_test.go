package trustpolicy

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// What a reviewer finds in a policy, by rule. None is a policy that is as narrow as can be.
func TestReview(t *testing.T) {
	const aud = `"StringEqualsIgnoreCase":{"HOST:aud":"sts.amazonaws.com"},`
	sub := func(operator, sub string) string { return trust(hubARN, aud+`"`+operator+`":{"HOST:sub":"`+sub+`"}`) }
	const gitlab = "arn:aws:iam::123456789012:oidc-provider/gitlab.com"
	found := map[string]bool{}
	for name, test := range map[string]struct {
		policy string
		want   []string
	}{
		"none":           {sub("StringLike", "repo:acme@1/web@2:environment:prod"), nil},
		"none, a branch": {sub("StringLike", "repo:acme@1/web@2:ref:refs/heads/release/*"), nil},
		"GitLab": {trust(gitlab,
			aud+`"StringLike":{"HOST:sub":"project_path:acme/web:ref_type:branch:ref:*"}`), nil},
		"no sub": {trust(hubARN, strings.TrimSuffix(aud, ",")), []string{"no-sub"}},
		"no sub, negated": {trust(hubARN, aud+`"StringNotLike":{"HOST:sub":"repo:evil/*"}`),
			[]string{"no-sub"}},
		"no condition": {trust(hubARN), []string{"no-sub", "no-aud"}},
		"no aud": {trust(hubARN, `"StringEquals":{"HOST:sub":"repo:acme@1/web@2:pull_request"}`),
			[]string{"no-aud"}},
		"any subject":             {sub("StringLike", "*"), []string{"any-subject"}},
		"any owner":               {sub("StringLike", "repo:*"), []string{"any-subject"}},
		"any owner, a repository": {sub("StringLike", "repo:*/web:*"), []string{"any-subject"}},
		"part of an owner":        {sub("StringLike", "repo:acme*:*"), []string{"any-subject"}},
		"any project of any group": {trust(gitlab,
			aud+`"StringLike":{"HOST:sub":"project_path:*:ref_type:branch:ref:main"}`), []string{"any-subject"}},
		"any repository": {sub("StringLike", "repo:acme@1/*"), []string{"any-repository"}},
		"any repository, a branch": {sub("StringLike", "repo:acme@1/*:ref:refs/heads/main"),
			[]string{"any-repository"}},
		"any ref":  {sub("StringLike", "repo:acme@1/web@2:*"), []string{"any-ref"}},
		"old form": {sub("StringEquals", "repo:acme/web:environment:prod"), []string{"mutable-sub"}},
		"old form of GHE.com": {trust("arn:aws:iam::123456789012:oidc-provider/token.actions.acme.ghe.com",
			aud+`"StringEquals":{"HOST:sub":"repo:acme/web:environment:prod"}`), nil},
		"wildcard under Equals": {sub("StringEquals", "repo:acme@1/web@2:ref:refs/heads/*"),
			[]string{"wildcard-equals"}},
		"asterisk by variable": {sub("StringEquals", "repo:acme@1/web@2:ref:refs/heads/${*}"), nil},
		"all values": {trust(hubARN,
			aud+`"ForAllValues:StringEquals":{"HOST:sub":"repo:acme@1/web@2:pull_request"}`),
			[]string{"no-sub", "for-all-values"}},
		"if exists": {trust(hubARN,
			aud+`"StringEqualsIfExists":{"HOST:sub":"repo:acme@1/web@2:pull_request"}`),
			[]string{"no-sub", "if-exists"}},
		"a claim that is no key": {trust(hubARN,
			aud+`"StringEquals":{"HOST:sub":"repo:acme@1/web@2:pull_request","HOST:repository_owner":"acme"}`),
			[]string{"unknown-key"}},
		"a claim that is a key": {trust(hubARN,
			aud+`"StringEquals":{"HOST:sub":"repo:acme@1/web@2:pull_request","HOST:repository_owner_id":"1"}`), nil},
		"everyone": {`{"Statement":{"Effect":"Allow","Action":"*","Principal":"*"}}`,
			[]string{"everyone", "no-sub", "no-aud"}},
		"everyone but": {`{"Statement":{"Effect":"Allow","Action":"*","NotPrincipal":{"AWS":"x"}}}`,
			[]string{"not-principal", "no-sub", "no-aud"}},
		"another account": {`{"Role":{"Arn":"arn:aws:iam::210987654321:role/r","AssumeRolePolicyDocument":` +
			sub("StringEquals", "repo:acme@1/web@2:pull_request") + `}}`, []string{"foreign-provider"}},
		"Cognito": {trust("cognito-identity.amazonaws.com", `"StringEquals":{"HOST:aud":"pool"}`),
			nil},
		"a Deny":         {hubTrust(`"Effect":"Deny","Action":"*"`), nil},
		"another action": {hubTrust(`"Effect":"Allow","Action":"sts:TagSession"`), nil},
		"a service": {`{"Statement":{"Effect":"Allow","Action":"*","Principal":{"Service":"ec2.amazonaws.com"}}}`,
			nil},
		"several subs, each looked": {
			trust(hubARN, aud+`"StringLike":{"HOST:sub":["repo:acme@1/web@2:*","repo:acme/web:pull_request"]}`),
			[]string{"any-ref", "mutable-sub"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			policy, err := Parse([]byte(test.policy))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range policy.Review() {
				got = append(got, f.Rule)
				found[f.Rule] = true
				if f.Message == "" || f.Better == "" || strings.Contains(f.Better, "HOST") &&
					strings.Contains(test.policy, "oidc-provider") {
					t.Errorf("%+v", f)
				}
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
	page, err := os.ReadFile("../../docs/command.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules {
		if !strings.Contains(string(page), "`"+r.id+"`") {
			t.Errorf("docs/command.md says nothing of the rule %s", r.id)
		}
		if !found[r.id] {
			t.Errorf("no test finds %s", r.id)
		}
	}
}
