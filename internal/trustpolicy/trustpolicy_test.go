package trustpolicy

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

const (
	hub       = "token.actions.githubusercontent.com"
	hubARN    = "arn:aws:iam::123456789012:oidc-provider/" + hub
	onMain    = `"sub":"repo:acme/web:ref:refs/heads/main"`
	prod      = `"sub":"repo:acme/web:environment:prod"`
	allowedBy = "Statement[0] allows it"
)

// trust is a policy of one statement, with one condition after another, and the provider's name for HOST.
func trust(provider string, conditions ...string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Federated":%q},
		"Action":"sts:AssumeRoleWithWebIdentity","Condition":{%s}}}`, provider, host(provider, conditions...))
}

func host(provider string, conditions ...string) string {
	if _, name, ok := strings.Cut(provider, ":oidc-provider/"); ok {
		provider = name
	}
	return strings.ReplaceAll(strings.Join(conditions, ","), "HOST", provider)
}

// hubTrust is a policy for GitHub of several statements, of which the members besides the Principal are given.
func hubTrust(statements ...string) string {
	for i, s := range statements {
		statements[i] = fmt.Sprintf(`{"Principal":{"Federated":%q},%s}`, hubARN, host(hub, s))
	}
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

func token(iss string, claims ...string) string {
	return fmt.Sprintf(`{"iss":%q,%s}`, iss, strings.Join(append(claims, `"exp":1`), ","))
}

func onHub(claims ...string) string {
	return token("https://"+hub, append(claims, `"aud":"sts.amazonaws.com"`)...)
}

// why is the text of the first check that isn't held, or the reason where all are, or where it is about another action.
func why(result Result) string {
	for _, s := range result.Statements {
		for _, check := range append([]Check{s.Principal, s.Action}, s.Conditions...) {
			if check.Status != Held {
				return check.Why
			}
		}
	}
	return result.Reason
}

var cases = []struct {
	name, policy, claims string
	context              map[string][]string
	verdict              Verdict
	why                  string
}{
	// GitHub
	{"branch", trust(hubARN, `"StringEquals":{"HOST:aud":"sts.amazonaws.com","HOST:sub":"repo:acme/web:ref:refs/heads/main"}`), onHub(onMain), nil, Allowed, allowedBy},
	{"another branch", trust(hubARN, `"StringEquals":{"HOST:sub":"repo:acme/web:ref:refs/heads/main"}`), onHub(`"sub":"repo:acme/web:ref:refs/heads/dev"`), nil, Denied, `another branch: the policy wants "main", the token says "dev"`},
	{"pattern of branches", trust(hubARN, `"StringLike":{"HOST:sub":"repo:acme/web:ref:refs/heads/release/*"}`), onHub(`"sub":"repo:acme/web:ref:refs/heads/release/1"`), nil, Allowed, allowedBy},
	{"no branch of the pattern", trust(hubARN, `"StringLike":{"HOST:sub":"repo:acme/web:ref:refs/heads/release/*"}`), onHub(onMain), nil, Denied, `another branch: the policy wants "release/*", the token says "main"`},
	{"any context", trust(hubARN, `"StringLike":{"HOST:sub":"repo:acme/web:*"}`), onHub(prod), nil, Allowed, allowedBy},
	{"one character", trust(hubARN, `"StringLike":{"HOST:sub":"repo:acme/we?:environment:pro?"}`), onHub(prod), nil, Allowed, allowedBy},
	{"? is not none", trust(hubARN, `"StringLike":{"HOST:sub":"repo:acme/web?:*"}`), onHub(onMain), nil, Denied, `another repository: the policy wants "web?", the token says "web"`},
	{"environment for a branch", trust(hubARN, `"StringEquals":{"HOST:sub":"repo:acme/web:ref:refs/heads/main"}`), onHub(prod), nil, Denied, `the policy wants branch "main", the sub says environment "prod": a job with an environment has no ref in its sub`},
	{"branch for an environment", trust(hubARN, `"StringEquals":{"HOST:sub":"repo:acme/web:environment:prod"}`), onHub(onMain), nil, Denied, `the policy wants environment "prod", the sub says branch "main": the job has no environment`},
	{"another environment", trust(hubARN, `"StringEquals":{"HOST:sub":"repo:acme/web:environment:prod"}`), onHub(`"sub":"repo:acme/web:environment:test"`), nil, Denied, `another environment: the policy wants "prod", the token says "test"`},
	{"environment in another case", trust(hubARN, `"StringEquals":{"HOST:sub":["repo:other/x:environment:prod","repo:acme/web:environment:Prod"]}`), onHub(prod), nil, Denied, `"repo:acme/web:environment:Prod" and "repo:acme/web:environment:prod" differ in case only`},
	{"pull request", trust(hubARN, `"StringEquals":{"HOST:sub":"repo:acme/web:ref:refs/heads/main"}`), onHub(`"sub":"repo:acme/web:pull_request"`), nil, Denied, `the policy wants branch "main", the sub says pull request: a pull request has no ref in its sub`},
	{"branch for a pull request", trust(hubARN, `"StringEquals":{"HOST:sub":"repo:acme/web:pull_request"}`), onHub(onMain), nil, Denied, `the policy wants pull request, the sub says branch "main"`},
	{"tag for a branch", trust(hubARN, `"StringLike":{"HOST:sub":"repo:acme/web:ref:refs/heads/*"}`), onHub(`"sub":"repo:acme/web:ref:refs/tags/v1"`), nil, Denied, `the policy wants branch "*", the sub says tag "v1"`},
	{"another tag", trust(hubARN, `"StringLike":{"HOST:sub":"repo:acme/web:ref:refs/tags/v2*"}`), onHub(`"sub":"repo:acme/web:ref:refs/tags/v1"`), nil, Denied, `another tag: the policy wants "v2*", the token says "v1"`},
	{"ref forgotten", trust(hubARN, `"StringEquals":{"HOST:sub":"repo:acme/web:refs/heads/main"}`), onHub(onMain), nil, Denied, `the policy wants context "refs/heads/main", the sub says branch "main"`},
	{"repository alone", trust(hubARN, `"StringEquals":{"HOST:sub":"repo:acme/web"}`), onHub(onMain), nil, Denied, `the policy wants context "", the sub says branch "main"`},
	{"repo: forgotten", trust(hubARN, `"StringLike":{"HOST:sub":"acme/web:*"}`), onHub(onMain), nil, Denied, `the policy wants "acme/web:*", the token says "repo:acme/web:ref:refs/heads/main"`},
	{"another organisation", trust(hubARN, `"StringLike":{"HOST:sub":"repo:other/*"}`), onHub(onMain), nil, Denied, `another organisation: the policy wants "other", the token says "acme"`},
	{"another organisation, no slash", trust(hubARN, `"StringLike":{"HOST:sub":"repo:other*"}`), onHub(onMain), nil, Denied, `another organisation: the policy wants "other*", the token says "acme"`},
	{"another repository and branch", trust(hubARN, `"StringEquals":{"HOST:sub":"repo:acme/api:ref:refs/heads/dev"}`), onHub(onMain), nil, Denied, `another repository: the policy wants "api", the token says "web"; another branch: the policy wants "dev", the token says "main"`},
	{"organisation in another case", trust(hubARN, `"StringEquals":{"HOST:sub":"repo:Acme/web:ref:refs/heads/dev"}`), onHub(onMain), nil, Denied, `the organisation differs in case only: the policy wants "Acme", the token says "acme"; another branch: the policy wants "dev", the token says "main"`},
	{"immutable sub", trust(hubARN, `"StringEquals":{"HOST:sub":"repo:acme/web:ref:refs/heads/main"}`), onHub(`"sub":"repo:acme@1/web@22:ref:refs/heads/main"`), nil, Denied, `the token has an immutable sub, the policy the old form: it must say "repo:acme@1/web@22"`},
	{"immutable sub against a pattern", trust(hubARN, `"StringLike":{"HOST:sub":"repo:acme/*"}`), onHub(`"sub":"repo:acme@1/web@22:environment:prod"`), nil, Denied, `the token has an immutable sub, the policy the old form: it must say "repo:acme@1/web@22"`},
	{"immutable sub of another branch", trust(hubARN, `"StringEquals":{"HOST:sub":"repo:acme/web:ref:refs/heads/main"}`), onHub(`"sub":"repo:acme@1/web@22:pull_request"`), nil, Denied, `the token has an immutable sub, the policy the old form: it must say "repo:acme@1/web@22"; the policy wants branch "main", the sub says pull request: a pull request has no ref in its sub`},
	{"immutable policy", trust(hubARN, `"StringEquals":{"HOST:sub":"repo:acme@1/web@22:ref:refs/heads/main"}`), onHub(onMain), nil, Denied, `the policy has an immutable sub, the token the old form: "repo:acme/web"`},
	{"another custom sub", trust(hubARN, `"StringEquals":{"HOST:sub":"repo:acme/web:actor:me"}`), onHub(`"sub":"repo:acme/web:actor:you"`), nil, Denied, `another context: the policy wants "actor:me", the token says "actor:you"`},
	{"customised sub", trust(hubARN, `"StringLike":{"HOST:sub":"repo:acme/web:*"}`), onHub(`"sub":"repository_owner:acme"`), nil, Denied, `the policy wants "repo:acme/web:*", the token says "repository_owner:acme"`},
	{"audience without the slash", trust(hubARN, `"StringEquals":{"HOST:aud":"https://github.com/acme"}`), token("https://"+hub, `"aud":"https://github.com/acme/"`), nil, Denied, `"https://github.com/acme" and "https://github.com/acme/" differ in a trailing slash only`},
	{"escape sequence", trust(hubARN, `"StringEquals":{"HOST:sub":"repo:acme/web:environment:prod"}`), onHub(`"sub":"repo:acme/web:ref:refs/heads/\u001b[2J\n"`), nil, Denied, `the policy wants environment "prod", the sub says branch "\x1b[2J\n": the job has no environment`},
	{"another id", trust(hubARN, `"StringLike":{"HOST:sub":"repo:acme@1/web@21:*"}`), onHub(`"sub":"repo:acme@1/web@22:ref:refs/heads/main"`), nil, Denied, `another id of the repository "web": the policy wants "21", the token says "22"`},
	{"immutable both", trust(hubARN, `"StringLike":{"HOST:sub":"repo:acme@1/*:ref:refs/heads/main"}`), onHub(`"sub":"repo:acme@1/web@22:ref:refs/heads/main"`), nil, Allowed, allowedBy},
	{"wildcard under StringEquals", trust(hubARN, `"StringEquals":{"HOST:sub":"repo:acme/web:*"}`), onHub(onMain), nil, Denied, `StringEquals takes the wildcard in "repo:acme/web:*" literally: patterns need StringLike`},
	{"wildcard under StringEquals and another repository", trust(hubARN, `"StringEquals":{"HOST:sub":"repo:acme/api:*"}`), onHub(onMain), nil, Denied, `another repository: the policy wants "api", the token says "web"; StringEquals takes the wildcard in "repo:acme/api:*" literally: patterns need StringLike`},
	{"blank", trust(hubARN, `"StringEquals":{"HOST:sub":"repo:acme/web:ref:refs/heads/main "}`), onHub(onMain), nil, Denied, `"repo:acme/web:ref:refs/heads/main " and "repo:acme/web:ref:refs/heads/main" differ in a leading or trailing blank only`},
	{"case ignored", trust(hubARN, `"StringEqualsIgnoreCase":{"HOST:sub":"repo:ACME/Web:ref:refs/heads/main"}`), onHub(onMain), nil, Allowed, allowedBy},
	{"case ignored, another branch", trust(hubARN, `"StringEqualsIgnoreCase":{"HOST:sub":"repo:ACME/Web:ref:refs/heads/DEV"}`), onHub(onMain), nil, Denied, `another branch: the policy wants "dev", the token says "main"`},
	{"one of several values, the nearest told", trust(hubARN, `"StringEquals":{"HOST:sub":["repo:other/x:pull_request","repo:acme/web:ref:refs/heads/dev","gitlab"]}`), onHub(onMain), nil, Denied, `another branch: the policy wants "dev", the token says "main"`},
	{"audience", trust(hubARN, `"StringEquals":{"HOST:aud":"sts.amazonaws.com"}`), token("https://"+hub, onMain, `"aud":"https://github.com/acme"`), nil, Denied, `another audience: the policy wants "sts.amazonaws.com", the token says "https://github.com/acme"`},
	{"audience with a slash", trust(hubARN, `"StringEquals":{"HOST:aud":"https://github.com/acme/"}`), token("https://"+hub, onMain, `"aud":"https://github.com/acme"`), nil, Denied, `"https://github.com/acme/" and "https://github.com/acme" differ in a trailing slash only`},
	{"key in another case", trust(hubARN, `"StringEquals":{"Token.Actions.GithubUserContent.com:SUB":"repo:acme/web:ref:refs/heads/main"}`), onHub(onMain), nil, Allowed, allowedBy},
	{"claim that IAM knows of GitHub", trust(hubARN, `"StringEquals":{"HOST:repository_id":"1234567890"}`), onHub(onMain, `"repository_id":1234567890`), nil, Allowed, allowedBy},
	{"claim that IAM may not know", trust(hubARN, `"StringEquals":{"HOST:runner_environment":"github-hosted"}`), onHub(onMain, `"runner_environment":"github-hosted"`), nil, Undecided, `AWS documents no key "runner_environment" of this provider for such a token: it may be missing`},
	{"claim that differs, known or not", trust(hubARN, `"StringEquals":{"HOST:runner_environment":"github-hosted"}`), onHub(onMain, `"runner_environment":"self-hosted"`), nil, Denied, `the policy wants "github-hosted", the token says "self-hosted"; AWS documents no key "runner_environment" of this provider for such a token: it may be missing`},
	{"claim not there", trust(hubARN, `"StringEquals":{"HOST:environment":"prod"}`), onHub(onMain), nil, Denied, `the token has no claim "environment"`},
	{"claim of no text", trust(hubARN, `"StringEquals":{"HOST:sub":"x"}`), onHub(`"sub":{"a":1}`), nil, Undecided, `the claim "sub" is neither a text nor a list of texts`},
	{"several keys", trust(hubARN, `"StringEquals":{"HOST:aud":"sts.amazonaws.com","HOST:sub":"no"}`), onHub(`"sub":"no "`), nil, Denied, `"no" and "no " differ in a leading or trailing blank only`},
	{"several operators", trust(hubARN, `"StringEquals":{"HOST:aud":"sts.amazonaws.com"},"StringLike":{"HOST:sub":"repo:acme/api:*"}`), onHub(onMain), nil, Denied, `another repository: the policy wants "api", the token says "web"`},

	// Other providers
	{"GitLab", trust("arn:aws:iam::123456789012:oidc-provider/gitlab.com", `"StringLike":{"HOST:sub":"project_path:acme/*:ref_type:branch:ref:main"}`), token("https://gitlab.com", `"sub":"project_path:acme/web:ref_type:branch:ref:main"`), nil, Allowed, allowedBy},
	{"GitLab, another branch", trust("arn:aws:iam::123456789012:oidc-provider/gitlab.com", `"StringEquals":{"HOST:sub":"project_path:acme/web:ref_type:branch:ref:main"}`), token("https://gitlab.com", `"sub":"project_path:acme/web:ref_type:branch:ref:dev"`), nil, Denied, `another ref: the policy wants "main", the token says "dev"`},
	{"GitLab, tag for branch", trust("arn:aws:iam::123456789012:oidc-provider/gitlab.com", `"StringLike":{"HOST:sub":"project_path:acme/web:ref_type:branch:ref:*"}`), token("https://gitlab.com", `"sub":"project_path:acme/web:ref_type:tag:ref:v1"`), nil, Denied, `another ref_type: the policy wants "branch", the token says "tag"`},
	{"GitLab, claim", trust("arn:aws:iam::123456789012:oidc-provider/gitlab.com", `"StringEquals":{"HOST:project_path":"acme/web"}`), token("https://gitlab.com", `"sub":"x"`, `"project_path":"acme/web"`), nil, Undecided, `AWS documents no key "project_path" of this provider for such a token: it may be missing`},
	{"Buildkite", trust("arn:aws:iam::123456789012:oidc-provider/agent.buildkite.com", `"StringLike":{"HOST:sub":"organization:acme:pipeline:web:*"}`), token("https://agent.buildkite.com", `"sub":"organization:acme:pipeline:web:ref:refs/heads/main:commit:0:step:deploy"`), nil, Allowed, allowedBy},
	{"Buildkite, another pipeline", trust("arn:aws:iam::123456789012:oidc-provider/agent.buildkite.com", `"StringLike":{"HOST:sub":"organization:acme:pipeline:api:*"}`), token("https://agent.buildkite.com", `"sub":"organization:acme:pipeline:web:ref:refs/heads/main:commit:0:step:deploy"`), nil, Denied, `another pipeline: the policy wants "api", the token says "web"`},
	{"Buildkite, session tags", trust("arn:aws:iam::123456789012:oidc-provider/agent.buildkite.com", `"StringLike":{"HOST:sub":"*"}`), token("https://agent.buildkite.com", `"sub":"x"`, `"https://aws.amazon.com/tags":{"principal_tags":{"a":["b"]}}`), nil, Denied, `the token has the claim "https://aws.amazon.com/tags", which needs sts:TagSession: no Allow statement applies`},
	{"session tags and the action", hubTrust(`"Effect":"Allow","Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession"]`), onHub(onMain, `"https://aws.amazon.com/tags":{}`), nil, Allowed, allowedBy},
	{"source identity", hubTrust(`"Effect":"Allow","Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession"]`), onHub(onMain, `"https://aws.amazon.com/source_identity":"me"`), nil, Denied, `the token has the claim "https://aws.amazon.com/source_identity", which needs sts:SetSourceIdentity: no Allow statement applies`},
	{"HCP Terraform, another phase", trust("arn:aws:iam::123456789012:oidc-provider/app.terraform.io", `"StringEquals":{"HOST:sub":"organization:acme:project:p:workspace:w:run_phase:apply"}`), token("https://app.terraform.io", `"sub":"organization:acme:project:p:workspace:w:run_phase:plan"`), nil, Denied, `another run_phase: the policy wants "apply", the token says "plan"`},
	{"EKS, path in the URL", trust("arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC", `"StringEquals":{"HOST:sub":"system:serviceaccount:default:web","HOST:aud":"sts.amazonaws.com"}`), token("https://oidc.eks.eu-west-1.amazonaws.com/id/ABC", `"sub":"system:serviceaccount:default:web","aud":["sts.amazonaws.com"]`), nil, Allowed, allowedBy},
	{"EKS, another account", trust("arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC", `"StringEquals":{"HOST:sub":"system:serviceaccount:default:web"}`), token("https://oidc.eks.eu-west-1.amazonaws.com/id/ABC", `"sub":"system:serviceaccount:default:api"`), nil, Denied, `the policy wants "system:serviceaccount:default:web", the token says "system:serviceaccount:default:api"`},

	// Google, and azp
	{"Google", trust("accounts.google.com", `"StringEquals":{"HOST:aud":"1055","HOST:oaud":"aws","HOST:sub":"1055","HOST:email":"sa@x.test"}`), token("https://accounts.google.com", `"azp":"1055","aud":"aws","sub":"1055","email":"sa@x.test"`), nil, Allowed, allowedBy},
	{"Google, aud for azp", trust("accounts.google.com", `"StringEquals":{"HOST:aud":"aws"}`), token("https://accounts.google.com", `"azp":"1055","aud":"aws","sub":"1055"`), nil, Denied, `another audience: the policy wants "aws", the token says "1055"; the key aud is the token's azp, "1055", where it has one; its aud is the key oaud`},
	{"Google, no azp", trust("accounts.google.com", `"StringEquals":{"HOST:aud":"aws"}`), token("accounts.google.com", `"aud":"aws","sub":"1055"`), nil, Allowed, allowedBy},
	{"Google, oaud without azp", trust("accounts.google.com", `"StringEquals":{"HOST:oaud":"aws"}`), token("accounts.google.com", `"aud":"aws","sub":"1055"`), nil, Undecided, `AWS documents no key "oaud" of this provider for such a token: it may be missing`},
	{"Google, oaud without aud", trust("accounts.google.com", `"StringEquals":{"HOST:oaud":"aws"}`), token("accounts.google.com", `"azp":"1055"`), nil, Denied, `the token has no claim "aud"`},
	{"Microsoft, azp beside aud", trust("arn:aws:iam::123456789012:oidc-provider/login.test", `"StringEquals":{"HOST:aud":"api"}`), token("https://login.test", `"azp":"app","aud":"api"`), nil, Undecided, `the token has azp beside aud, and AWS does not say which of them the key aud is`},
	{"azp is aud", trust("arn:aws:iam::123456789012:oidc-provider/login.test", `"StringEquals":{"HOST:aud":"app"}`), token("https://login.test", `"azp":"app","aud":"app"`), nil, Allowed, allowedBy},
	{"neither azp nor aud", trust("arn:aws:iam::123456789012:oidc-provider/login.test", `"StringEquals":{"HOST:aud":"x"}`), token("https://login.test", `"azp":"app","aud":"api"`), nil, Denied, `another audience: the policy wants "x", the token says "app"; the token has azp beside aud, and AWS does not say which of them the key aud is`},
	{"several audiences", trust("arn:aws:iam::123456789012:oidc-provider/login.test", `"StringEquals":{"HOST:aud":"a"}`), token("https://login.test", `"aud":["a","b"]`), nil, Undecided, `several values need ForAnyValue or ForAllValues: AWS does not say what another operator makes of them`},
	{"several audiences, none right", trust("arn:aws:iam::123456789012:oidc-provider/login.test", `"StringEquals":{"HOST:aud":"c"}`), token("https://login.test", `"aud":["a","b"]`), nil, Denied, `another audience: the policy wants "c", the token says "a"; several values need ForAnyValue or ForAllValues: AWS does not say what another operator makes of them`},
	{"several audiences, all right", trust("arn:aws:iam::123456789012:oidc-provider/login.test", `"StringEquals":{"HOST:aud":["a","b"]}`), token("https://login.test", `"aud":["a","b"]`), nil, Allowed, allowedBy},

	// Sets
	{"any value", trust("cognito-identity.amazonaws.com", `"ForAnyValue:StringLike":{"HOST:amr":"authenticated"}`), token("https://cognito-identity.amazonaws.com", `"amr":["authenticated","x"]`), nil, Allowed, allowedBy},
	{"not any value", trust("cognito-identity.amazonaws.com", `"ForAnyValue:StringLike":{"HOST:amr":"authenticated"}`), token("https://cognito-identity.amazonaws.com", `"amr":["unauthenticated"]`), nil, Denied, `the policy wants "authenticated", the token says "unauthenticated"`},
	{"any value of none", trust(hubARN, `"ForAnyValue:StringNotEquals":{"HOST:amr":"x"}`), onHub(onMain), nil, Denied, `the token has no claim "amr"`},
	{"any value of none, if exists", trust(hubARN, `"ForAnyValue:StringEqualsIfExists":{"HOST:amr":"x"}`), onHub(onMain), nil, Undecided, `AWS does not say what ForAnyValue with IfExists makes of a missing key`},
	{"any value that is not", trust(hubARN, `"ForAnyValue:StringNotEquals":{"HOST:amr":"x"}`), onHub(onMain, `"amr":["x","y"]`), nil, Allowed, allowedBy},
	{"all values of none", trust(hubARN, `"ForAllValues:StringEquals":{"HOST:amr":"x"}`), onHub(onMain), nil, Allowed, allowedBy},
	{"all values", trust(hubARN, `"ForAllValues:StringEquals":{"HOST:amr":["x","y"]}`), onHub(`"amr":["y","x"]`), nil, Allowed, allowedBy},
	{"not all values", trust(hubARN, `"ForAllValues:StringEquals":{"HOST:amr":["x","y"]}`), onHub(`"amr":["x","z"]`), nil, Denied, `the policy wants "x", the token says "z"`},
	{"all values that are not", trust(hubARN, `"ForAllValues:StringNotLike":{"HOST:amr":"x*"}`), onHub(`"amr":["a","xy"]`), nil, Denied, `"x*" excludes "xy"`},
	{"another set", trust(hubARN, `"ForSomeValue:StringEquals":{"HOST:amr":"x"}`), onHub(`"amr":"x"`), nil, Undecided, `the operator "ForSomeValue:StringEquals" is not evaluated`},

	// Negation and missing keys
	{"excluded", trust(hubARN, `"StringNotEquals":{"HOST:sub":["a","repo:acme/web:ref:refs/heads/main"]}`), onHub(onMain), nil, Denied, `"repo:acme/web:ref:refs/heads/main" excludes "repo:acme/web:ref:refs/heads/main"`},
	{"not excluded", trust(hubARN, `"StringNotEquals":{"HOST:sub":["a","b"]}`), onHub(onMain), nil, Allowed, allowedBy},
	{"excluded by pattern", trust(hubARN, `"StringNotLike":{"HOST:sub":"*:pull_request"}`), onHub(`"sub":"repo:acme/web:pull_request"`), nil, Denied, `"*:pull_request" excludes "repo:acme/web:pull_request"`},
	{"excluded in any case", trust(hubARN, `"StringNotEqualsIgnoreCase":{"HOST:sub":"A"}`), onHub(`"sub":"a"`), nil, Denied, `"A" excludes "a"`},
	{"missing, positive", trust(hubARN, `"StringLike":{"HOST:email":"*"}`), onHub(onMain), nil, Denied, `the token has no claim "email"`},
	{"missing, negated", trust(hubARN, `"StringNotLike":{"HOST:email":"*"}`), onHub(onMain), nil, Allowed, allowedBy},
	{"missing, if exists", trust(hubARN, `"StringEqualsIfExists":{"HOST:email":"x"}`), onHub(onMain), nil, Allowed, allowedBy},
	{"there, if exists", trust(hubARN, `"StringEqualsIfExists":{"HOST:email":"x"}`), onHub(`"email":"y"`), nil, Denied, `the policy wants "x", the token says "y"`},
	{"null and missing", trust(hubARN, `"Null":{"HOST:email":"true","HOST:sub":false}`), onHub(onMain), nil, Allowed, allowedBy},
	{"null and there", trust(hubARN, `"Null":{"HOST:sub":true}`), onHub(onMain), nil, Denied, `the key is present`},
	{"not null and missing", trust(hubARN, `"Null":{"HOST:email":"false"}`), onHub(onMain), nil, Denied, `the token has no claim "email"`},
	{"an empty list is missing", trust(hubARN, `"Null":{"HOST:amr":"true"}`), onHub(`"amr":[]`), nil, Allowed, allowedBy},
	{"bool", trust(hubARN, `"Bool":{"HOST:email":true}`), onHub(`"email":true`), nil, Allowed, allowedBy},
	{"bool that differs", trust(hubARN, `"Bool":{"HOST:email":"true"}`), onHub(`"email":false`), nil, Denied, `the policy wants Bool "true", the token says "false"`},
	{"no value", trust(hubARN, `"StringEquals":{"HOST:sub":[]}`), onHub(onMain), nil, Denied, `the policy names no value`},

	// Other keys and operators
	{"unknown key", trust(hubARN, `"StringEquals":{"sts:RoleSessionName":"me"}`), onHub(onMain), nil, Undecided, `"sts:RoleSessionName" is unknown here: a token does not determine it`},
	{"unknown key, if exists", trust(hubARN, `"StringEqualsIfExists":{"aws:RequestTag/team":"me"}`), onHub(onMain), nil, Undecided, `"aws:RequestTag/team" is unknown here: a token does not determine it`},
	{"unknown key beside a failed one", trust(hubARN, `"StringEquals":{"HOST:sub":"x","sts:RoleSessionName":"me"}`), onHub(`"sub":"y"`), nil, Denied, `the policy wants "x", the token says "y"`},
	{"known key", trust(hubARN, `"StringEquals":{"sts:RoleSessionName":"me"}`), onHub(onMain), map[string][]string{"STS:rolesessionname": {"me"}}, Allowed, allowedBy},
	{"known key that differs", trust(hubARN, `"StringEquals":{"sts:RoleSessionName":"me"}`), onHub(onMain), map[string][]string{"sts:RoleSessionName": {"you"}}, Denied, `the policy wants "me", the token says "you"`},
	{"key known to be missing", trust(hubARN, `"StringEquals":{"sts:ExternalId":"me"}`), onHub(onMain), map[string][]string{"sts:ExternalId": nil}, Denied, `"sts:ExternalId" is not there`},
	{"context is not the token", trust(hubARN, `"StringEquals":{"HOST:sub":"x"}`), onHub(`"sub":"y"`), map[string][]string{hub + ":sub": {"x"}}, Denied, `the policy wants "x", the token says "y"`},
	{"number", trust(hubARN, `"NumericLessThanEquals":{"sts:DurationSeconds":3600}`), onHub(onMain), map[string][]string{"sts:DurationSeconds": {"3600"}}, Allowed, allowedBy},
	{"number too great", trust(hubARN, `"NumericLessThan":{"sts:DurationSeconds":"3600"}`), onHub(onMain), map[string][]string{"sts:DurationSeconds": {"3600"}}, Denied, `the policy wants NumericLessThan "3600", the token says "3600"`},
	{"number too small", trust(hubARN, `"NumericGreaterThan":{"sts:DurationSeconds":"3600"},"NumericGreaterThanEquals":{"sts:DurationSeconds":3600}`), onHub(onMain), map[string][]string{"sts:DurationSeconds": {"3600"}}, Denied, `the policy wants NumericGreaterThan "3600", the token says "3600"`},
	{"number that is none", trust(hubARN, `"NumericEquals":{"sts:DurationSeconds":"x"}`), onHub(onMain), map[string][]string{"sts:DurationSeconds": {"x"}}, Denied, `the policy wants NumericEquals "x", the token says "x"`},
	{"number that is not", trust(hubARN, `"NumericNotEquals":{"sts:DurationSeconds":"3600"},"NumericEquals":{"sts:DurationSeconds":900.0}`), onHub(onMain), map[string][]string{"sts:DurationSeconds": {"900"}}, Allowed, allowedBy},
	{"date", trust(hubARN, `"DateLessThan":{"aws:CurrentTime":"2030-01-01T00:00:00Z"}`), onHub(onMain), nil, Undecided, `the operator "DateLessThan" is not evaluated`},
	{"no operator", trust(hubARN, `"NotStringEquals":{"HOST:sub":"x"}`), onHub(onMain), nil, Undecided, `the operator "NotStringEquals" is not evaluated`},
	{"policy variable", trust(hubARN, `"StringLike":{"HOST:sub":"repo:acme/${aws:PrincipalTag/repo}:*"}`), onHub(onMain), nil, Undecided, `policy variables, ${…}, are not evaluated`},
	{"no variables in 2008", strings.Replace(trust(hubARN, `"StringEquals":{"HOST:sub":"${x}"}`), "2012-10-17", "2008-10-17", 1), onHub(`"sub":"${x}"`), nil, Allowed, allowedBy},
	{"key of another provider", trust(hubARN, `"StringEquals":{"gitlab.com:sub":"x"}`), onHub(`"sub":"x"`), nil, Denied, `the key is of another provider: the policy names "gitlab.com", the token is from "token.actions.githubusercontent.com"`},
	{"negated key of another provider", trust(hubARN, `"StringNotEquals":{"gitlab.com:sub":"x"}`), onHub(`"sub":"x"`), nil, Allowed, allowedBy},
	{"key with a slash", trust(hubARN, `"StringEquals":{"HOST/:sub":"x"}`), onHub(`"sub":"x"`), nil, Denied, `the key is of another provider: the policy names "token.actions.githubusercontent.com/", the token is from "token.actions.githubusercontent.com": they differ in a trailing slash only`},
	{"key with https", trust(hubARN, `"StringEquals":{"https://HOST:sub":"x"}`), onHub(`"sub":"x"`), nil, Denied, `the key is of another provider: the policy names "https://token.actions.githubusercontent.com", the token is from "token.actions.githubusercontent.com": it is written without https://`},
	{"key without provider", trust(hubARN, `"StringEquals":{"sub":"x"}`), onHub(`"sub":"x"`), nil, Undecided, `"sub" is unknown here: a token does not determine it`},

	// Principals
	{"another provider", trust("arn:aws:iam::123456789012:oidc-provider/gitlab.com"), onHub(onMain), nil, Denied, `another provider: the policy trusts "gitlab.com", the token is from "token.actions.githubusercontent.com"`},
	{"another built-in", trust("www.amazon.com"), onHub(onMain), nil, Denied, `another provider: the policy trusts "www.amazon.com", the token is from "token.actions.githubusercontent.com"`},
	{"provider with a slash", trust(hubARN + "/"), onHub(onMain), nil, Denied, `another provider: the policy trusts "token.actions.githubusercontent.com/", the token is from "token.actions.githubusercontent.com": they differ in a trailing slash only`},
	{"iss with a slash", trust("arn:aws:iam::123456789012:oidc-provider/x.auth0.com"), token("https://x.auth0.com/"), nil, Denied, `another provider: the policy trusts "x.auth0.com", the token is from "x.auth0.com/": they differ in a trailing slash only`},
	{"both with a slash", trust("arn:aws:iam::123456789012:oidc-provider/x.auth0.com/", `"StringEquals":{"HOST:aud":"a"}`), token("https://x.auth0.com/", `"aud":"a"`), nil, Allowed, allowedBy},
	{"provider in another case", trust("arn:aws:iam::123456789012:oidc-provider/GitLab.com"), token("https://gitlab.com"), nil, Denied, `another provider: the policy trusts "GitLab.com", the token is from "gitlab.com": they differ in case only`},
	{"no ARN", trust(hub), onHub(onMain), nil, Denied, `"token.actions.githubusercontent.com" is not the ARN of an OIDC provider, nor one that IAM knows without`},
	{"SAML", trust("arn:aws:iam::123456789012:saml-provider/x"), onHub(onMain), nil, Denied, `"arn:aws:iam::123456789012:saml-provider/x" is not the ARN of an OIDC provider, nor one that IAM knows without`},
	{"China", trust("arn:aws-cn:iam::123456789012:oidc-provider/" + hub), onHub(onMain), nil, Allowed, allowedBy},
	{"account of the role", `{"Role":{"Arn":"arn:aws:iam::210987654321:role/deploy","AssumeRolePolicyDocument":` + trust(hubARN) + `}}`, onHub(onMain), nil, Denied, `the provider is of "arn:aws:iam::123456789012", the role of "arn:aws:iam::210987654321": both must be in one account`},
	{"nearest of several providers", `{"Role":{"AssumeRolePolicyDocument":{"Statement":{"Effect":"Allow","Action":"*","Principal":{"Federated":["x","` + hubARN + `","arn:aws:iam::123456789012:oidc-provider/gitlab.com"]}}},"Arn":"arn:aws:iam::210987654321:role/deploy"}}`, onHub(onMain), nil, Denied, `the provider is of "arn:aws:iam::123456789012", the role of "arn:aws:iam::210987654321": both must be in one account`},
	{"one of several providers", `{"Statement":{"Effect":"Allow","Action":"*","Principal":{"Federated":["` + hubARN + `","x"]}}}`, onHub(onMain), nil, Allowed, allowedBy},
	{"everyone", `{"Statement":{"Effect":"Allow","Action":"*","Principal":"*"}}`, onHub(onMain), nil, Allowed, allowedBy},
	{"every provider", `{"Statement":{"Effect":"Allow","Action":"*","Principal":{"Federated":"*"}}}`, onHub(onMain), nil, Allowed, allowedBy},
	{"every service", `{"Statement":{"Effect":"Allow","Action":"*","Principal":{"Service":"*"}}}`, onHub(onMain), nil, Denied, `the principal is not Federated: it trusts no identity provider`},
	{"a service", `{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"ec2.amazonaws.com"}}}`, onHub(onMain), nil, Denied, `the principal is not Federated: it trusts no identity provider`},
	{"NotPrincipal", `{"Statement":{"Effect":"Allow","Action":"*","NotPrincipal":{"AWS":"x"}}}`, onHub(onMain), nil, Undecided, `NotPrincipal is not evaluated`},
	{"no iss", `{"Statement":{"Effect":"Allow","Action":"*","Principal":"*"}}`, `{"sub":"x"}`, nil, Denied, `the token has no iss`},
	{"iss of no text", `{"Statement":{"Effect":"Allow","Action":"*","NotPrincipal":"*"}}`, `{"iss":["x"]}`, nil, Denied, `the token has no iss`},

	// Actions
	{"AssumeRole alone", hubTrust(`"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession"]`), onHub(onMain), nil, Denied, `sts:AssumeRoleWithWebIdentity is not among the actions ["sts:AssumeRole" "sts:TagSession"]`},
	{"every action of STS", hubTrust(`"Effect":"Allow","Action":"STS:*"`), onHub(onMain), nil, Allowed, allowedBy},
	{"action in another case", hubTrust(`"Effect":"Allow","Action":"sts:assumerolewithwebidentity"`), onHub(onMain), nil, Allowed, allowedBy},
	{"pattern of actions", hubTrust(`"Effect":"Allow","Action":"sts:AssumeRoleWith*"`), onHub(onMain), nil, Allowed, allowedBy},
	{"SAML's action", hubTrust(`"Effect":"Allow","Action":"sts:AssumeRoleWithSAML"`), onHub(onMain), nil, Denied, `sts:AssumeRoleWithWebIdentity is not among the actions ["sts:AssumeRoleWithSAML"]`},
	{"NotAction", hubTrust(`"Effect":"Allow","NotAction":"sts:AssumeRole"`), onHub(onMain), nil, Undecided, `NotAction is not evaluated`},

	// Several statements
	{"the second allows", hubTrust(`"Effect":"Allow","Action":"*","Condition":{"StringEquals":{"HOST:sub":"x"}}`, `"Effect":"Allow","Action":"*"`), onHub(`"sub":"y"`), nil, Allowed, `the policy wants "x", the token says "y"`},
	{"Deny wins", hubTrust(`"Effect":"Allow","Action":"*"`, `"Sid":"NoForks","Effect":"Deny","Action":"*","Condition":{"StringLike":{"HOST:sub":"*:pull_request"}}`), onHub(`"sub":"repo:acme/web:pull_request"`), nil, Denied, `Statement[1] "NoForks" is a Deny that applies: it wins over every Allow`},
	{"Deny that does not apply", hubTrust(`"Effect":"Allow","Action":"*"`, `"Effect":"Deny","Action":"*","Condition":{"StringEquals":{"HOST:sub":"x"}}`), onHub(`"sub":"y"`), nil, Allowed, `the policy wants "x", the token says "y"`},
	{"Deny that may apply", hubTrust(`"Effect":"Allow","Action":"*"`, `"Effect":"Deny","Action":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}`), onHub(onMain), nil, Undecided, `"aws:SecureTransport" is unknown here: a token does not determine it`},
	{"Deny that may apply to nothing", hubTrust(`"Effect":"Deny","Action":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}`), onHub(onMain), nil, Denied, `"aws:SecureTransport" is unknown here: a token does not determine it`},
}

func TestEvaluate(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			policy, err := Parse([]byte(c.policy))
			if err != nil {
				t.Fatal(err)
			}
			var claims map[string]any
			if err := json.Unmarshal([]byte(c.claims), &claims); err != nil {
				t.Fatal(err)
			}
			result := policy.Evaluate(claims, c.context)
			if result.Verdict != c.verdict || why(result) != c.why {
				t.Errorf("got %s: %s\nwant %s: %s", result.Verdict, why(result), c.verdict, c.why)
			}
			sound(t, result)
		})
	}
}

// sound holds for every result.
func sound(t *testing.T, result Result) {
	t.Helper()
	count := map[string]int{}
	for _, s := range result.Statements {
		status := Held
		for _, check := range append([]Check{s.Principal, s.Action}, s.Conditions...) {
			if (check.Status == Held) != (check.Why == "") || strings.Contains(check.Why, "\n") {
				t.Errorf("a check that is %s says %q", check.Status, check.Why)
			}
			switch {
			case check.Status == Failed:
				status = Failed
			case check.Status == Unknown && status == Held:
				status = Unknown
			}
		}
		if s.Status != status {
			t.Errorf("statement %d is %s, its checks are %s", s.Index, s.Status, status)
		}
		count[s.Effect+string(status)]++
	}
	if result.Verdict == Allowed && (count["Allowheld"] == 0 || count["Denyheld"]+count["Denyunknown"] > 0) {
		t.Errorf("allowed by %v", count)
	}
	if result.Reason == "" {
		t.Error("no reason")
	}
}

func TestForms(t *testing.T) {
	document := trust(hubARN, `"StringEquals":{"HOST:sub":"a+b c"}`)
	encoded := url.PathEscape(document)
	const arn = "arn:aws:iam::123456789012:role/deploy"
	for name, form := range map[string]struct{ text, arn string }{
		"document":                  {"\n" + document + "\n", ""},
		"URL-encoded":               {encoded, ""},
		"URL-encoded, in quotes":    {`"` + encoded + `"`, ""},
		"get-role":                  {fmt.Sprintf(`{"Role":{"Path":"/","RoleName":"deploy","Arn":%q,"AssumeRolePolicyDocument":%s}}`, arn, document), arn},
		"get-role, URL-encoded":     {fmt.Sprintf(`{"Role":{"AssumeRolePolicyDocument":%q,"Arn":%q}}`, encoded, arn), arn},
		"get-role, JSON in text":    {fmt.Sprintf(`{"Role":{"AssumeRolePolicyDocument":%q,"Arn":%q}}`, document, arn), arn},
		"get-role --query Role":     {fmt.Sprintf(`{"AssumeRolePolicyDocument":%s,"Arn":%q}`, document, arn), arn},
		"numbers of any JSON go in": {strings.Replace(document, `"a+b c"`, `["a+b c",12345678901,true]`, 1), ""},
	} {
		t.Run(name, func(t *testing.T) {
			policy, err := Parse([]byte(form.text))
			if err != nil {
				t.Fatal(err)
			}
			result := policy.Evaluate(map[string]any{"iss": "https://" + hub, "sub": "a+b c"}, nil)
			if result.Verdict != Allowed || policy.RoleARN != form.arn {
				t.Errorf("%s, role %q", why(result), policy.RoleARN)
			}
		})
	}
}

// TestResult pins the JSON that a command prints.
func TestResult(t *testing.T) {
	policy, err := Parse([]byte(trust(hubARN, `"StringEquals":{"HOST:sub":"x","HOST:email":"e"}`)))
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.MarshalIndent(policy.Evaluate(map[string]any{"iss": "https://" + hub, "sub": "x"}, nil), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	want := `{
 "verdict": "denied",
 "reason": "no Allow statement applies",
 "statements": [
  {
   "index": 0,
   "effect": "Allow",
   "status": "failed",
   "principal": {
    "status": "held",
    "expected": [
     "Federated: arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
    ],
    "actual": [
     "token.actions.githubusercontent.com"
    ]
   },
   "action": {
    "status": "held",
    "expected": [
     "sts:AssumeRoleWithWebIdentity"
    ],
    "actual": [
     "sts:AssumeRoleWithWebIdentity"
    ]
   },
   "conditions": [
    {
     "status": "held",
     "operator": "StringEquals",
     "key": "token.actions.githubusercontent.com:sub",
     "expected": [
      "x"
     ],
     "actual": [
      "x"
     ]
    },
    {
     "status": "failed",
     "operator": "StringEquals",
     "key": "token.actions.githubusercontent.com:email",
     "expected": [
      "e"
     ],
     "why": "the token has no claim \"email\""
    }
   ]
  }
 ]
}`
	if string(got) != want {
		t.Errorf("got %s", got)
	}
}

func TestBadPolicies(t *testing.T) {
	const statement = `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*"},`
	for document, want := range map[string]string{
		``:                                 "not JSON: line 1: unexpected end of JSON input",
		"{\n\"Statement\": [}":             "not JSON: line 2: invalid character '}' looking for beginning of value",
		`%7B%`:                             `invalid URL escape "%"`,
		`"{"`:                              "not JSON: line 1: unexpected end of JSON input",
		`[]`:                               "the document must be an object",
		`null`:                             "the document must be an object",
		`{"Statement":null}`:               "no Statement",
		`{"x":1e999}`:                      `"x" is not a member of a policy`,
		`{}`:                               "no Statement",
		`{"Statement":[]}`:                 "no Statement",
		`{"statement":[]}`:                 `"statement" is not a member of a policy`,
		`{"Statement":{},"Statement":{}}`:  `the document has "Statement" twice`,
		`{"Statement":"x"}`:                "Statement[0] must be an object",
		statement + `7]}`:                  "Statement[1] must be an object",
		`{"Version":"2020-01-01"}`:         `the Version must be "2012-10-17" or "2008-10-17"`,
		`{"Version":1}`:                    `the Version must be "2012-10-17" or "2008-10-17"`,
		statement + `{}]}`:                 "Statement[1] has no Effect",
		statement + `{"Effect":"allow"}]}`: `Statement[1].Effect must be "Allow" or "Deny"`,
		statement + `{"Sid":1}]}`:          "Statement[1].Sid must be a string",
		statement + `{"Effect":"Deny","Action":"*"}]}`:                       "Statement[1] must have either Principal or NotPrincipal",
		statement + `{"Effect":"Deny","Principal":"*"}]}`:                    "Statement[1] must have either Action or NotAction",
		statement + `{"Effect":"Deny","Principal":"*","NotPrincipal":"*"}]}`: "Statement[1] must have either Principal or NotPrincipal",
		statement + `{"Effect":"Deny","Resource":"*"}]}`:                     "Statement[1].Resource is not a member of a statement in a trust policy",
		statement + `{"Principal":"x"}]}`:                                    `Statement[1].Principal must be an object, or "*"`,
		statement + `{"Principal":{"Federated":{}}}]}`:                       "Statement[1].Principal.Federated must be a string or a list of strings",
		statement + `{"Action":null}]}`:                                      "Statement[1].Action must be a string or a list of strings",
		statement + `{"Action":[["*"]]}]}`:                                   "Statement[1].Action must be a string or a list of strings",
		statement + `{"Action":[null]}]}`:                                    "Statement[1].Action must be a string or a list of strings",
		statement + `{"Condition":[]}]}`:                                     "Statement[1].Condition must be an object",
		statement + `{"Condition":{"StringEquals":"x"}}]}`:                   "Statement[1].Condition.StringEquals must be an object",
		statement + `{"Condition":{"StringEquals":{"a:b":{}}}}]}`:            "Statement[1].Condition.StringEquals.a:b must be a string or a list of strings",
		`{"Role":{"Arn":1}}`:                                                 "Role: the Arn must be a string",
		`{"Role":{"AssumeRolePolicyDocument":"{"}}`:                          "Role: AssumeRolePolicyDocument: not JSON: line 1: unexpected end of JSON input",
		`{"Role":{"RoleName":"x"}}`:                                          `"RoleName" is not a member of a policy`,
	} {
		if _, err := Parse([]byte(document)); err == nil || err.Error() != "trust policy: "+want {
			t.Errorf("%s\n got %v\nwant trust policy: %s", document, err, want)
		}
	}
}

func FuzzEvaluate(f *testing.F) {
	for _, c := range cases {
		f.Add([]byte(c.policy), []byte(c.claims), "sts:RoleSessionName", "me")
	}
	f.Fuzz(func(t *testing.T, document, token []byte, key, value string) {
		policy, err := Parse(document)
		if err != nil {
			return
		}
		var claims map[string]any
		if json.Unmarshal(token, &claims) != nil {
			return
		}
		result := policy.Evaluate(claims, map[string][]string{key: {value}})
		sound(t, result)
		if _, err := json.Marshal(result); err != nil {
			t.Error(err)
		}
	})
}
