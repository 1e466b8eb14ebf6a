package trustpolicy

import "strings"

// An evaluation is a policy, the claims of a token, and what AWS says of them.
type evaluation struct {
	name, policy, claims string
	context              map[string][]string
	verdict              Verdict
	why                  string
}

// evaluations are those of which a page of AWS, or what others recorded of AWS, says the verdict: the source of each group.
var evaluations = []struct {
	group, source string
	evaluations   []evaluation
}{
	{
		"GitHub",
		"https://docs.github.com/en/actions/reference/security/oidc; " +
			"https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_String",
		[]evaluation{
			{
				"branch", trust(hubARN,
					`"StringEquals":{"HOST:aud":"sts.amazonaws.com","HOST:sub":"repo:acme/web:ref:refs/heads/main"}`),
				onHub(onMain),
				nil, Allowed, allowedBy,
			},
			{
				"another branch", trust(hubARN, `"StringEquals":{"HOST:sub":"repo:acme/web:ref:refs/heads/main"}`),
				onHub(`"sub":"repo:acme/web:ref:refs/heads/dev"`), nil, Denied,
				`another branch: the policy wants "main", the token says "dev"`,
			},
			{
				"pattern of branches",
				trust(hubARN, `"StringLike":{"HOST:sub":"repo:acme/web:ref:refs/heads/release/*"}`),
				onHub(`"sub":"repo:acme/web:ref:refs/heads/release/1"`), nil, Allowed, allowedBy,
			},
			{
				"no branch of the pattern", trust(hubARN,
					`"StringLike":{"HOST:sub":"repo:acme/web:ref:refs/heads/release/*"}`), onHub(onMain), nil,
				Denied, `another branch: the policy wants "release/*", the token says "main"`,
			},
			{"any context", trust(hubARN, `"StringLike":{"HOST:sub":"repo:acme/web:*"}`), onHub(prod), nil, Allowed,
				allowedBy},
			{"one character", trust(hubARN, `"StringLike":{"HOST:sub":"repo:acme/we?:environment:pro?"}`), onHub(prod),
				nil, Allowed, allowedBy},
			{
				"? is not none", trust(hubARN, `"StringLike":{"HOST:sub":"repo:acme/web?:*"}`), onHub(onMain), nil,
				Denied,
				`another repository: the policy wants "web?", the token says "web"`,
			},
			{
				"environment for a branch", trust(hubARN,
					`"StringEquals":{"HOST:sub":"repo:acme/web:ref:refs/heads/main"}`), onHub(prod), nil, Denied,
				`the policy wants branch "main", the sub says environment "prod": a job with an environment has no ref in its sub`,
			},
			{
				"branch for an environment", trust(hubARN,
					`"StringEquals":{"HOST:sub":"repo:acme/web:environment:prod"}`), onHub(onMain), nil, Denied,
				`the policy wants environment "prod", the sub says branch "main": the job has no environment`,
			},
			{
				"another environment", trust(hubARN, `"StringEquals":{"HOST:sub":"repo:acme/web:environment:prod"}`),
				onHub(`"sub":"repo:acme/web:environment:test"`), nil, Denied,
				`another environment: the policy wants "prod", the token says "test"`,
			},
			{
				"environment in another case",
				trust(hubARN, `"StringEquals":{"HOST:sub":["repo:other/x:environment:prod","repo:acme/web:environment:Prod"]}`), onHub(prod), nil, Denied,
				`"repo:acme/web:environment:Prod" and "repo:acme/web:environment:prod" differ in case only`,
			},
			{
				"pull request", trust(hubARN, `"StringEquals":{"HOST:sub":"repo:acme/web:ref:refs/heads/main"}`),
				onHub(`"sub":"repo:acme/web:pull_request"`), nil, Denied,
				`the policy wants branch "main", the sub says pull request: a pull request has no ref in its sub`,
			},
			{
				"branch for a pull request", trust(hubARN, `"StringEquals":{"HOST:sub":"repo:acme/web:pull_request"}`),
				onHub(onMain), nil, Denied,
				`the policy wants pull request, the sub says branch "main"`,
			},
			{
				"tag for a branch", trust(hubARN, `"StringLike":{"HOST:sub":"repo:acme/web:ref:refs/heads/*"}`),
				onHub(`"sub":"repo:acme/web:ref:refs/tags/v1"`), nil, Denied,
				`the policy wants branch "*", the sub says tag "v1"`,
			},
			{
				"another tag", trust(hubARN, `"StringLike":{"HOST:sub":"repo:acme/web:ref:refs/tags/v2*"}`),
				onHub(`"sub":"repo:acme/web:ref:refs/tags/v1"`), nil, Denied,
				`another tag: the policy wants "v2*", the token says "v1"`,
			},
			{
				"ref forgotten", trust(hubARN, `"StringEquals":{"HOST:sub":"repo:acme/web:refs/heads/main"}`),
				onHub(onMain), nil, Denied,
				`the policy wants context "refs/heads/main", the sub says branch "main"`,
			},
			{
				"repository alone", trust(hubARN, `"StringEquals":{"HOST:sub":"repo:acme/web"}`), onHub(onMain), nil,
				Denied,
				`the policy's sub ends with the repository: append ":*" and use StringLike, or append ":ref:refs/heads/main"`,
			},
			{
				"repo: forgotten", trust(hubARN, `"StringLike":{"HOST:sub":"acme/web:*"}`), onHub(onMain), nil, Denied,
				`the policy wants "acme/web:*", the token says "repo:acme/web:ref:refs/heads/main"`,
			},
			{
				"another organization", trust(hubARN, `"StringLike":{"HOST:sub":"repo:other/*"}`), onHub(onMain), nil,
				Denied,
				`another organization: the policy wants "other", the token says "acme"`,
			},
			{
				"another organization, no slash", trust(hubARN, `"StringLike":{"HOST:sub":"repo:other*"}`),
				onHub(onMain), nil, Denied,
				`another organization: the policy wants "other*", the token says "acme"`,
			},
			{
				"another repository and branch", trust(hubARN,
					`"StringEquals":{"HOST:sub":"repo:acme/api:ref:refs/heads/dev"}`), onHub(onMain), nil,
				Denied, `another repository: the policy wants "api", the token says "web"; another branch: the policy wants "dev", the token says "main"`,
			},
			{
				"organization in another case", trust(hubARN,
					`"StringEquals":{"HOST:sub":"repo:Acme/web:ref:refs/heads/dev"}`), onHub(onMain), nil,
				Denied,
				`the organization differs in case only: the policy wants "Acme", the token says "acme"; another branch: the policy wants "dev", the token says "main"`,
			},
			{
				"immutable sub", trust(hubARN, `"StringEquals":{"HOST:sub":"repo:acme/web:ref:refs/heads/main"}`),
				onHub(`"sub":"repo:acme@1/web@22:ref:refs/heads/main"`), nil, Denied,
				`the token has an immutable sub, the policy the old form: it must say "repo:acme@1/web@22"`,
			},
			{
				"immutable sub against a pattern", trust(hubARN, `"StringLike":{"HOST:sub":"repo:acme/*"}`),
				onHub(`"sub":"repo:acme@1/web@22:environment:prod"`), nil, Denied,
				`the token has an immutable sub, the policy the old form: it must say "repo:acme@1/web@22"`,
			},
			{
				"immutable sub of another branch",
				trust(hubARN, `"StringEquals":{"HOST:sub":"repo:acme/web:ref:refs/heads/main"}`),
				onHub(`"sub":"repo:acme@1/web@22:pull_request"`), nil, Denied,
				`the token has an immutable sub, the policy the old form: it must say "repo:acme@1/web@22"; the policy wants branch "main", the sub says pull request: a pull request has no ref in its sub`,
			},
			{
				"immutable policy", trust(hubARN,
					`"StringEquals":{"HOST:sub":"repo:acme@1/web@22:ref:refs/heads/main"}`), onHub(onMain), nil, Denied,
				`the policy has an immutable sub, the token the old form: "repo:acme/web"`,
			},
			{
				"another custom sub", trust(hubARN, `"StringEquals":{"HOST:sub":"repo:acme/web:actor:me"}`),
				onHub(`"sub":"repo:acme/web:actor:you"`),
				nil, Denied, `another context: the policy wants "actor:me", the token says "actor:you"`,
			},
			{
				"customized sub", trust(hubARN, `"StringLike":{"HOST:sub":"repo:acme/web:*"}`),
				onHub(`"sub":"repository_owner:acme"`), nil, Denied,
				`the organization or repository has a customized sub: the policy wants "repo:acme/web:*", the token says "repository_owner:acme"`,
			},
			{
				"audience without the slash", trust(hubARN, `"StringEquals":{"HOST:aud":"https://github.com/acme"}`),
				token("https://"+hub, `"aud":"https://github.com/acme/"`), nil, Denied,
				`"https://github.com/acme" and "https://github.com/acme/" differ in a trailing slash only`,
			},
			{
				"escape sequence", trust(hubARN, `"StringEquals":{"HOST:sub":"repo:acme/web:environment:prod"}`),
				onHub(`"sub":"repo:acme/web:ref:refs/heads/\u001b[2J\n"`), nil, Denied,
				`the policy wants environment "prod", the sub says branch "\x1b[2J\n": the job has no environment`,
			},
			{
				"another id", trust(hubARN, `"StringLike":{"HOST:sub":"repo:acme@1/web@21:*"}`),
				onHub(`"sub":"repo:acme@1/web@22:ref:refs/heads/main"`),
				nil, Denied, `another id of the repository "web": the policy wants "21", the token says "22"`,
			},
			{
				"immutable both", trust(hubARN, `"StringLike":{"HOST:sub":"repo:acme@1/*:ref:refs/heads/main"}`),
				onHub(`"sub":"repo:acme@1/web@22:ref:refs/heads/main"`), nil, Allowed, allowedBy,
			},
			{
				"wildcard under StringEquals", trust(hubARN, `"StringEquals":{"HOST:sub":"repo:acme/web:*"}`),
				onHub(onMain), nil, Denied,
				`StringEquals takes the wildcard in "repo:acme/web:*" literally: patterns need StringLike`,
			},
			{
				"wildcard under StringEquals and another repository",
				trust(hubARN, `"StringEquals":{"HOST:sub":"repo:acme/api:*"}`), onHub(onMain), nil,
				Denied,
				`another repository: the policy wants "api", the token says "web"; StringEquals takes the wildcard in "repo:acme/api:*" literally: patterns need StringLike`,
			},
			{
				"blank", trust(hubARN, `"StringEquals":{"HOST:sub":"repo:acme/web:ref:refs/heads/main "}`),
				onHub(onMain), nil, Denied,
				`"repo:acme/web:ref:refs/heads/main " and "repo:acme/web:ref:refs/heads/main" differ in leading or trailing whitespace only`,
			},
			{
				"case ignored", trust(hubARN,
					`"StringEqualsIgnoreCase":{"HOST:sub":"repo:ACME/Web:ref:refs/heads/main"}`), onHub(onMain), nil,
				Allowed,
				allowedBy,
			},
			{
				"case ignored, another branch", trust(hubARN,
					`"StringEqualsIgnoreCase":{"HOST:sub":"repo:ACME/Web:ref:refs/heads/DEV"}`), onHub(onMain),
				nil, Denied, `another branch: the policy wants "dev", the token says "main"`,
			},
			{
				"one of several values, the nearest told",
				trust(hubARN, `"StringEquals":{"HOST:sub":["repo:other/x:pull_request","repo:acme/web:ref:refs/heads/dev","gitlab"]}`), onHub(onMain),
				nil, Denied, `another branch: the policy wants "dev", the token says "main"`,
			},
			{
				"audience", trust(hubARN, `"StringEquals":{"HOST:aud":"sts.amazonaws.com"}`),
				token("https://"+hub, onMain, `"aud":"https://github.com/acme"`), nil, Denied,
				`another audience: the policy wants "sts.amazonaws.com", the token says "https://github.com/acme"`,
			},
			{
				"audience with a slash", trust(hubARN, `"StringEquals":{"HOST:aud":"https://github.com/acme/"}`),
				token("https://"+hub, onMain, `"aud":"https://github.com/acme"`), nil, Denied,
				`"https://github.com/acme/" and "https://github.com/acme" differ in a trailing slash only`,
			},
			{
				"key in another case", trust(hubARN,
					`"StringEquals":{"Token.Actions.GithubUserContent.com:SUB":"repo:acme/web:ref:refs/heads/main"}`),
				onHub(onMain), nil, Allowed, allowedBy,
			},
			{
				"claim that IAM knows of GitHub", trust(hubARN, `"StringEquals":{"HOST:repository_id":"1234567890"}`),
				onHub(onMain, `"repository_id":1234567890`), nil, Allowed, allowedBy,
			},
			{
				"claim that IAM may not know",
				trust(hubARN, `"StringEquals":{"HOST:runner_environment":"github-hosted"}`),
				onHub(onMain, `"runner_environment":"github-hosted"`), nil, Undecided,
				`AWS documents no key "runner_environment" of this provider for such a token: it may be missing`,
			},
			{
				"claim that differs, known or not",
				trust(hubARN, `"StringEquals":{"HOST:runner_environment":"github-hosted"}`),
				onHub(onMain, `"runner_environment":"self-hosted"`), nil, Denied,
				`the policy wants "github-hosted", the token says "self-hosted"; AWS documents no key "runner_environment" of this provider for such a token: it may be missing`,
			},
			{
				"claim not there", trust(hubARN, `"StringEquals":{"HOST:environment":"prod"}`), onHub(onMain), nil,
				Denied,
				`the token has no claim "environment"`,
			},
			{
				"claim of no text", trust(hubARN, `"StringEquals":{"HOST:sub":"x"}`), onHub(`"sub":{"a":1}`), nil,
				Undecided,
				`the claim "sub" is neither a text nor a list of texts`,
			},
			{
				"several keys", trust(hubARN, `"StringEquals":{"HOST:aud":"sts.amazonaws.com","HOST:sub":"no"}`),
				onHub(`"sub":"no "`), nil, Denied,
				`"no" and "no " differ in leading or trailing whitespace only`,
			},
			{
				"several operators", trust(hubARN,
					`"StringEquals":{"HOST:aud":"sts.amazonaws.com"},"StringLike":{"HOST:sub":"repo:acme/api:*"}`),
				onHub(onMain), nil, Denied, `another repository: the policy wants "api", the token says "web"`,
			},
		}},
	{
		"Other providers",
		"https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_oidc_secure-by-default.html; " +
			"https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html; " +
			"pages of the vendors in docs/recipes",
		[]evaluation{
			{
				"GitLab",
				trust("arn:aws:iam::123456789012:oidc-provider/gitlab.com",
					`"StringLike":{"HOST:sub":"project_path:acme/*:ref_type:branch:ref:main"}`),
				token("https://gitlab.com", `"sub":"project_path:acme/web:ref_type:branch:ref:main"`), nil, Allowed,
				allowedBy,
			},
			{
				"GitLab, another branch",
				trust("arn:aws:iam::123456789012:oidc-provider/gitlab.com",
					`"StringEquals":{"HOST:sub":"project_path:acme/web:ref_type:branch:ref:main"}`),
				token("https://gitlab.com", `"sub":"project_path:acme/web:ref_type:branch:ref:dev"`), nil, Denied,
				`another ref: the policy wants "main", the token says "dev"`,
			},
			{
				"GitLab, tag for branch",
				trust("arn:aws:iam::123456789012:oidc-provider/gitlab.com",
					`"StringLike":{"HOST:sub":"project_path:acme/web:ref_type:branch:ref:*"}`),
				token("https://gitlab.com", `"sub":"project_path:acme/web:ref_type:tag:ref:v1"`), nil, Denied,
				`another ref_type: the policy wants "branch", the token says "tag"`,
			},
			{
				"GitLab, claim", trust("arn:aws:iam::123456789012:oidc-provider/gitlab.com",
					`"StringEquals":{"HOST:project_path":"acme/web"}`),
				token("https://gitlab.com", `"sub":"x"`, `"project_path":"acme/web"`), nil, Undecided,
				`AWS documents no key "project_path" of this provider for such a token: it may be missing`,
			},
			{
				"Buildkite",
				trust("arn:aws:iam::123456789012:oidc-provider/agent.buildkite.com",
					`"StringLike":{"HOST:sub":"organization:acme:pipeline:web:*"}`),
				token("https://agent.buildkite.com",
					`"sub":"organization:acme:pipeline:web:ref:refs/heads/main:commit:0:step:deploy"`), nil, Allowed,
				allowedBy,
			},
			{
				"Buildkite, another pipeline",
				trust("arn:aws:iam::123456789012:oidc-provider/agent.buildkite.com",
					`"StringLike":{"HOST:sub":"organization:acme:pipeline:api:*"}`),
				token("https://agent.buildkite.com",
					`"sub":"organization:acme:pipeline:web:ref:refs/heads/main:commit:0:step:deploy"`), nil, Denied,
				`another pipeline: the policy wants "api", the token says "web"`,
			},
			{
				"Buildkite, session tags", trust("arn:aws:iam::123456789012:oidc-provider/agent.buildkite.com",
					`"StringLike":{"HOST:sub":"*"}`),
				token("https://agent.buildkite.com", `"sub":"x"`,
					`"https://aws.amazon.com/tags":{"principal_tags":{"a":["b"]}}`), nil, Denied,
				`the token has the claim "https://aws.amazon.com/tags", which needs sts:TagSession: no Allow statement applies`,
			},
			{
				"session tags and the action",
				hubTrust(`"Effect":"Allow","Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession"]`),
				onHub(onMain, `"https://aws.amazon.com/tags":{}`), nil, Allowed, allowedBy,
			},
			{
				"source identity", hubTrust(`"Effect":"Allow","Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession"]`),
				onHub(onMain, `"https://aws.amazon.com/source_identity":"me"`), nil, Denied,
				`the token has the claim "https://aws.amazon.com/source_identity", which needs sts:SetSourceIdentity: no Allow statement applies`,
			},
			{
				"HCP Terraform, another phase",
				trust(
					"arn:aws:iam::123456789012:oidc-provider/app.terraform.io",
					`"StringEquals":{"HOST:sub":"organization:acme:project:p:workspace:w:run_phase:apply"}`,
				),
				token("https://app.terraform.io", `"sub":"organization:acme:project:p:workspace:w:run_phase:plan"`),
				nil, Denied,
				`another run_phase: the policy wants "apply", the token says "plan"`,
			},
			{
				"EKS, path in the URL",
				trust(
					"arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC",
					`"StringEquals":{"HOST:sub":"system:serviceaccount:default:web","HOST:aud":"sts.amazonaws.com"}`,
				),
				token("https://oidc.eks.eu-west-1.amazonaws.com/id/ABC",
					`"sub":"system:serviceaccount:default:web","aud":["sts.amazonaws.com"]`), nil,
				Allowed, allowedBy,
			},
			{
				"EKS, another account",
				trust(
					"arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC",
					`"StringEquals":{"HOST:sub":"system:serviceaccount:default:web"}`,
				),
				token("https://oidc.eks.eu-west-1.amazonaws.com/id/ABC", `"sub":"system:serviceaccount:default:api"`),
				nil, Denied,
				`another service account: the policy wants "web", the token says "api"`,
			},
		}},
	{
		"Google, and azp",
		"https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif; " +
			"aws/aws-sdk-net#3100",
		[]evaluation{
			{
				"Google", trust("accounts.google.com",
					`"StringEquals":{"HOST:aud":"1055","HOST:oaud":"aws","HOST:sub":"1055","HOST:email":"sa@x.test"}`),
				token("https://accounts.google.com", `"azp":"1055","aud":"aws","sub":"1055","email":"sa@x.test"`), nil,
				Allowed, allowedBy,
			},
			{
				"Google, aud for azp", trust("accounts.google.com", `"StringEquals":{"HOST:aud":"aws"}`),
				token("https://accounts.google.com", `"azp":"1055","aud":"aws","sub":"1055"`), nil, Denied,
				`another audience: the policy wants "aws", the token says "1055"; the key aud is the token's azp, "1055", where it has one; its aud is the key oaud`,
			},
			{
				"Google, no azp", trust("accounts.google.com", `"StringEquals":{"HOST:aud":"aws"}`),
				token("accounts.google.com", `"aud":"aws","sub":"1055"`), nil, Allowed, allowedBy,
			},
			{
				"Google, oaud without azp", trust("accounts.google.com", `"StringEquals":{"HOST:oaud":"aws"}`),
				token("accounts.google.com", `"aud":"aws","sub":"1055"`), nil, Undecided,
				`AWS documents no key "oaud" of this provider for such a token: it may be missing`,
			},
			{
				"Google, oaud without aud", trust("accounts.google.com", `"StringEquals":{"HOST:oaud":"aws"}`),
				token("accounts.google.com", `"azp":"1055"`), nil, Denied, `the token has no claim "aud"`,
			},
			{
				"Microsoft, azp beside aud",
				trust("arn:aws:iam::123456789012:oidc-provider/login.test", `"StringEquals":{"HOST:aud":"api"}`),
				token("https://login.test", `"azp":"app","aud":"api"`), nil, Undecided,
				`the token has azp beside aud, and AWS does not say which of them the key aud is`,
			},
			{
				"azp is aud", trust("arn:aws:iam::123456789012:oidc-provider/login.test",
					`"StringEquals":{"HOST:aud":"app"}`),
				token("https://login.test", `"azp":"app","aud":"app"`), nil, Allowed, allowedBy,
			},
			{
				"neither azp nor aud",
				trust("arn:aws:iam::123456789012:oidc-provider/login.test", `"StringEquals":{"HOST:aud":"x"}`),
				token("https://login.test", `"azp":"app","aud":"api"`), nil, Denied,
				`another audience: the policy wants "x", the token says "app"; the token has azp beside aud, and AWS does not say which of them the key aud is`,
			},
			{
				"several audiences", trust("arn:aws:iam::123456789012:oidc-provider/login.test",
					`"StringEquals":{"HOST:aud":"a"}`),
				token("https://login.test", `"aud":["a","b"]`), nil, Undecided,
				`several values need ForAnyValue or ForAllValues: AWS does not say what another operator makes of them`,
			},
			{
				"several audiences, none right",
				trust("arn:aws:iam::123456789012:oidc-provider/login.test", `"StringEquals":{"HOST:aud":"c"}`),
				token("https://login.test", `"aud":["a","b"]`), nil, Denied,
				`another audience: the policy wants "c", the token says "a"; several values need ForAnyValue or ForAllValues: AWS does not say what another operator makes of them`,
			},
			{
				"several audiences, all right", trust("arn:aws:iam::123456789012:oidc-provider/login.test",
					`"StringEquals":{"HOST:aud":["a","b"]}`),
				token("https://login.test", `"aud":["a","b"]`), nil, Allowed, allowedBy,
			},
		}},
	{
		"Sets",
		"https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html; " +
			"iam.cloudcopilot.io/resources/operators",
		[]evaluation{
			{
				"any value", trust("cognito-identity.amazonaws.com",
					`"ForAnyValue:StringLike":{"HOST:amr":"authenticated"}`),
				token("https://cognito-identity.amazonaws.com", `"amr":["authenticated","x"]`), nil, Allowed, allowedBy,
			},
			{
				"not any value", trust("cognito-identity.amazonaws.com",
					`"ForAnyValue:StringLike":{"HOST:amr":"authenticated"}`),
				token("https://cognito-identity.amazonaws.com", `"amr":["unauthenticated"]`), nil, Denied,
				`the policy wants "authenticated", the token says "unauthenticated"`,
			},
			{"any value of none", trust(hubARN, `"ForAnyValue:StringNotEquals":{"HOST:amr":"x"}`), onHub(onMain), nil,
				Denied, `the token has no claim "amr"`},
			{
				"any value of none, if exists", trust(hubARN, `"ForAnyValue:StringEqualsIfExists":{"HOST:amr":"x"}`),
				onHub(onMain), nil, Undecided,
				`AWS does not say what ForAnyValue with IfExists makes of a missing key`,
			},
			{
				"any value that is not", trust(hubARN, `"ForAnyValue:StringNotEquals":{"HOST:amr":"x"}`),
				onHub(onMain, `"amr":["x","y"]`), nil, Allowed,
				allowedBy,
			},
			{"all values of none", trust(hubARN, `"ForAllValues:StringEquals":{"HOST:amr":"x"}`), onHub(onMain), nil,
				Allowed, allowedBy},
			{"all values", trust(hubARN, `"ForAllValues:StringEquals":{"HOST:amr":["x","y"]}`),
				onHub(`"amr":["y","x"]`), nil, Allowed, allowedBy},
			{
				"not all values", trust(hubARN, `"ForAllValues:StringEquals":{"HOST:amr":["x","y"]}`),
				onHub(`"amr":["x","z"]`), nil, Denied,
				`the policy wants "x", the token says "z"`,
			},
			{
				"all values that are not", trust(hubARN, `"ForAllValues:StringNotLike":{"HOST:amr":"x*"}`),
				onHub(`"amr":["a","xy"]`), nil, Denied,
				`"x*" excludes "xy"`,
			},
			{
				"another set", trust(hubARN, `"ForSomeValue:StringEquals":{"HOST:amr":"x"}`), onHub(`"amr":"x"`), nil,
				Undecided,
				`the operator "ForSomeValue:StringEquals" is not evaluated`,
			},
		}},
	{
		"Negation and missing keys",
		"https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_IfExists, #Conditions_Null, #Conditions_Boolean",
		[]evaluation{
			{
				"excluded", trust(hubARN, `"StringNotEquals":{"HOST:sub":["a","repo:acme/web:ref:refs/heads/main"]}`),
				onHub(onMain), nil, Denied,
				`"repo:acme/web:ref:refs/heads/main" excludes "repo:acme/web:ref:refs/heads/main"`,
			},
			{"not excluded", trust(hubARN, `"StringNotEquals":{"HOST:sub":["a","b"]}`), onHub(onMain), nil, Allowed,
				allowedBy},
			{
				"excluded by pattern", trust(hubARN, `"StringNotLike":{"HOST:sub":"*:pull_request"}`),
				onHub(`"sub":"repo:acme/web:pull_request"`), nil,
				Denied, `"*:pull_request" excludes "repo:acme/web:pull_request"`,
			},
			{"excluded in any case", trust(hubARN, `"StringNotEqualsIgnoreCase":{"HOST:sub":"A"}`), onHub(`"sub":"a"`),
				nil, Denied, `"A" excludes "a"`},
			{"missing, positive", trust(hubARN, `"StringLike":{"HOST:email":"*"}`), onHub(onMain), nil, Denied,
				`the token has no claim "email"`},
			{"missing, negated", trust(hubARN, `"StringNotLike":{"HOST:email":"*"}`), onHub(onMain), nil, Allowed,
				allowedBy},
			{"missing, if exists", trust(hubARN, `"StringEqualsIfExists":{"HOST:email":"x"}`), onHub(onMain), nil,
				Allowed, allowedBy},
			{
				"there, if exists", trust(hubARN, `"StringEqualsIfExists":{"HOST:email":"x"}`), onHub(`"email":"y"`),
				nil, Denied,
				`the policy wants "x", the token says "y"`,
			},
			{"null and missing", trust(hubARN, `"Null":{"HOST:email":"true","HOST:sub":false}`), onHub(onMain), nil,
				Allowed, allowedBy},
			{"null and there", trust(hubARN, `"Null":{"HOST:sub":true}`), onHub(onMain), nil, Denied,
				`the key is present`},
			{"not null and missing", trust(hubARN, `"Null":{"HOST:email":"false"}`), onHub(onMain), nil, Denied,
				`the token has no claim "email"`},
			{"an empty list is missing", trust(hubARN, `"Null":{"HOST:amr":"true"}`), onHub(`"amr":[]`), nil, Allowed,
				allowedBy},
			{"bool", trust(hubARN, `"Bool":{"HOST:email":true}`), onHub(`"email":true`), nil, Allowed, allowedBy},
			{
				"bool that differs", trust(hubARN, `"Bool":{"HOST:email":"true"}`), onHub(`"email":false`), nil, Denied,
				`the policy wants Bool "true", the token says "false"`,
			},
			{"no value", trust(hubARN, `"StringEquals":{"HOST:sub":[]}`), onHub(onMain), nil, Denied,
				`the policy names no value`},
		}},
	{
		"Other keys and operators",
		"https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_Numeric; " +
			"https://docs.aws.amazon.com/service-authorization/latest/reference/list_sts.html",
		[]evaluation{
			{
				"unknown key", trust(hubARN, `"StringEquals":{"sts:RoleSessionName":"me"}`), onHub(onMain), nil,
				Undecided,
				`"sts:RoleSessionName" is unknown here: a token does not determine it`,
			},
			{"unknown key, if exists", trust(hubARN, `"StringEqualsIfExists":{"aws:RequestTag/team":"me"}`),
				onHub(onMain), nil, Allowed, allowedBy},
			{
				"unknown key beside a failed one", trust(hubARN,
					`"StringEquals":{"HOST:sub":"x","sts:RoleSessionName":"me"}`), onHub(`"sub":"y"`), nil,
				Denied, `the policy wants "x", the token says "y"`,
			},
			{
				"known key", trust(hubARN, `"StringEquals":{"sts:RoleSessionName":"me"}`), onHub(onMain),
				map[string][]string{"STS:rolesessionname": {"me"}}, Allowed, allowedBy,
			},
			{
				"known key that differs", trust(hubARN, `"StringEquals":{"sts:RoleSessionName":"me"}`), onHub(onMain),
				map[string][]string{"sts:RoleSessionName": {"you"}}, Denied,
				`the policy wants "me", the token says "you"`,
			},
			{
				"key known to be missing", trust(hubARN, `"StringEquals":{"sts:ExternalId":"me"}`), onHub(onMain),
				map[string][]string{"sts:ExternalId": nil}, Denied, `"sts:ExternalId" is not there`,
			},
			{
				"context is not the token", trust(hubARN, `"StringEquals":{"HOST:sub":"x"}`), onHub(`"sub":"y"`),
				map[string][]string{hub + ":sub": {"x"}}, Denied, `the policy wants "x", the token says "y"`,
			},
			{
				"number", trust(hubARN, `"NumericLessThanEquals":{"sts:DurationSeconds":3600}`), onHub(onMain),
				map[string][]string{"sts:DurationSeconds": {"3600"}}, Allowed, allowedBy,
			},
			{
				"number too great", trust(hubARN, `"NumericLessThan":{"sts:DurationSeconds":"3600"}`), onHub(onMain),
				map[string][]string{"sts:DurationSeconds": {"3600"}}, Denied,
				`the policy wants NumericLessThan "3600", the token says "3600"`,
			},
			{
				"number too small",
				trust(hubARN, `"NumericGreaterThan":{"sts:DurationSeconds":"3600"},"NumericGreaterThanEquals":{"sts:DurationSeconds":3600}`),
				onHub(onMain), map[string][]string{"sts:DurationSeconds": {"3600"}}, Denied,
				`the policy wants NumericGreaterThan "3600", the token says "3600"`,
			},
			{
				"number that is none", trust(hubARN, `"NumericEquals":{"sts:DurationSeconds":"x"}`), onHub(onMain),
				map[string][]string{"sts:DurationSeconds": {"x"}}, Denied,
				`the policy wants NumericEquals "x", the token says "x"`,
			},
			{
				"number that is not", trust(hubARN,
					`"NumericNotEquals":{"sts:DurationSeconds":"3600"},"NumericEquals":{"sts:DurationSeconds":900.0}`),
				onHub(onMain), map[string][]string{"sts:DurationSeconds": {"900"}}, Allowed, allowedBy,
			},
			{
				"date", trust(hubARN, `"DateLessThan":{"aws:CurrentTime":"2030-01-01T00:00:00Z"}`), onHub(onMain), nil,
				Undecided,
				`the operator "DateLessThan" is not evaluated`,
			},
			{
				"no operator", trust(hubARN, `"NotStringEquals":{"HOST:sub":"x"}`), onHub(onMain), nil, Undecided,
				`the operator "NotStringEquals" is not evaluated`,
			},
			{
				"policy variable", trust(hubARN, `"StringLike":{"HOST:sub":"repo:acme/${aws:PrincipalTag/repo}:*"}`),
				onHub(onMain), nil, Undecided,
				`the policy variable ${aws:PrincipalTag/repo} is unknown here: a token does not determine it`,
			},
			{
				"no variables in 2008", strings.Replace(trust(hubARN, `"StringEquals":{"HOST:sub":"${x}"}`),
					"2012-10-17", "2008-10-17", 1),
				onHub(`"sub":"${x}"`), nil, Allowed, allowedBy,
			},
			{
				"key of another provider", trust(hubARN, `"StringEquals":{"gitlab.com:sub":"x"}`), onHub(`"sub":"x"`),
				nil, Denied,
				`the key is of another provider: the policy names "gitlab.com", the token is from "token.actions.githubusercontent.com"`,
			},
			{"negated key of another provider", trust(hubARN, `"StringNotEquals":{"gitlab.com:sub":"x"}`),
				onHub(`"sub":"x"`), nil, Allowed, allowedBy},
			{
				"key with a slash", trust(hubARN, `"StringEquals":{"HOST/:sub":"x"}`), onHub(`"sub":"x"`), nil, Denied,
				`the key is of another provider: the policy names "token.actions.githubusercontent.com/", the token is from "token.actions.githubusercontent.com": they differ in a trailing slash only`,
			},
			{
				"key with https", trust(hubARN, `"StringEquals":{"https://HOST:sub":"x"}`), onHub(`"sub":"x"`), nil,
				Denied,
				`the key is of another provider: the policy names "https://token.actions.githubusercontent.com", the token is from "token.actions.githubusercontent.com": it is written without https://`,
			},
			{
				"key without provider", trust(hubARN, `"StringEquals":{"sub":"x"}`), onHub(`"sub":"x"`), nil, Undecided,
				`"sub" is unknown here: a token does not determine it`,
			},
		}},
	{
		"Principals",
		"https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-federated-web-identity",
		[]evaluation{
			{
				"another provider", trust("arn:aws:iam::123456789012:oidc-provider/gitlab.com"), onHub(onMain), nil,
				Denied,
				`another provider: the policy trusts "gitlab.com", the token is from "token.actions.githubusercontent.com"`,
			},
			{
				"another built-in", trust("www.amazon.com"), onHub(onMain), nil, Denied,
				`another provider: the policy trusts "www.amazon.com", the token is from "token.actions.githubusercontent.com"`,
			},
			{
				"provider with a slash", trust(hubARN + "/"), onHub(onMain), nil, Denied,
				`another provider: the policy trusts "token.actions.githubusercontent.com/", the token is from "token.actions.githubusercontent.com": they differ in a trailing slash only`,
			},
			{
				"iss with a slash", trust("arn:aws:iam::123456789012:oidc-provider/x.auth0.com"),
				token("https://x.auth0.com/"), nil, Denied,
				`another provider: the policy trusts "x.auth0.com", the token is from "x.auth0.com/": they differ in a trailing slash only`,
			},
			{
				"both with a slash", trust("arn:aws:iam::123456789012:oidc-provider/x.auth0.com/",
					`"StringEquals":{"HOST:aud":"a"}`),
				token("https://x.auth0.com/", `"aud":"a"`), nil, Allowed, allowedBy,
			},
			{
				"provider in another case", trust("arn:aws:iam::123456789012:oidc-provider/GitLab.com"),
				token("https://gitlab.com"), nil, Denied,
				`another provider: the policy trusts "GitLab.com", the token is from "gitlab.com": they differ in case only`,
			},
			{
				"no ARN", trust(hub), onHub(onMain), nil, Denied,
				`"token.actions.githubusercontent.com" is not the ARN of an OIDC provider, nor one that IAM knows without`,
			},
			{
				"SAML", trust("arn:aws:iam::123456789012:saml-provider/x"), onHub(onMain), nil, Denied,
				`"arn:aws:iam::123456789012:saml-provider/x" is not the ARN of an OIDC provider, nor one that IAM knows without`,
			},
			{"China", trust("arn:aws-cn:iam::123456789012:oidc-provider/" + hub), onHub(onMain), nil, Allowed,
				allowedBy},
			{
				"account of the role",
				`{"Role":{"Arn":"arn:aws:iam::210987654321:role/deploy","AssumeRolePolicyDocument":` +
					trust(hubARN) + `}}`,
				onHub(onMain), nil, Denied,
				`the provider is of "arn:aws:iam::123456789012", the role of "arn:aws:iam::210987654321": both must be in one account`,
			},
			{
				"nearest of several providers",
				`{"Role":{"AssumeRolePolicyDocument":{"Statement":{"Effect":"Allow","Action":"*","Principal":{"Federated":["x","` + hubARN + `","arn:aws:iam::123456789012:oidc-provider/gitlab.com"]}}},"Arn":"arn:aws:iam::210987654321:role/deploy"}}`,
				onHub(onMain), nil, Denied,
				`the provider is of "arn:aws:iam::123456789012", the role of "arn:aws:iam::210987654321": both must be in one account`,
			},
			{
				"one of several providers",
				`{"Statement":{"Effect":"Allow","Action":"*","Principal":{"Federated":["` + hubARN + `","x"]}}}`,
				onHub(onMain), nil, Allowed, allowedBy,
			},
			{"everyone", `{"Statement":{"Effect":"Allow","Action":"*","Principal":"*"}}`, onHub(onMain), nil, Allowed,
				allowedBy},
			{"every provider", `{"Statement":{"Effect":"Allow","Action":"*","Principal":{"Federated":"*"}}}`,
				onHub(onMain), nil, Allowed, allowedBy},
			{
				"every service", `{"Statement":{"Effect":"Allow","Action":"*","Principal":{"Service":"*"}}}`,
				onHub(onMain), nil, Denied,
				`the principal is not Federated: it trusts no identity provider`,
			},
			{
				"a service", `{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"ec2.amazonaws.com"}}}`, onHub(onMain), nil,
				Denied, `the principal is not Federated: it trusts no identity provider`,
			},
			{
				"NotPrincipal", `{"Statement":{"Effect":"Allow","Action":"*","NotPrincipal":{"AWS":"x"}}}`,
				onHub(onMain), nil, Undecided,
				`NotPrincipal is not evaluated`,
			},
			{"no iss", `{"Statement":{"Effect":"Allow","Action":"*","Principal":"*"}}`, `{"sub":"x"}`, nil, Denied,
				`the token has no iss`},
			{"iss of no text", `{"Statement":{"Effect":"Allow","Action":"*","NotPrincipal":"*"}}`, `{"iss":["x"]}`, nil,
				Denied, `the token has no iss`},
		}},
	{
		"Actions",
		"https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html; " +
			"https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notaction.html",
		[]evaluation{
			{
				"AssumeRole alone", hubTrust(`"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession"]`),
				onHub(onMain), nil, Denied,
				`sts:AssumeRoleWithWebIdentity is not among the actions ["sts:AssumeRole" "sts:TagSession"]`,
			},
			{"every action of STS", hubTrust(`"Effect":"Allow","Action":"STS:*"`), onHub(onMain), nil, Allowed,
				allowedBy},
			{"action in another case", hubTrust(`"Effect":"Allow","Action":"sts:assumerolewithwebidentity"`),
				onHub(onMain), nil, Allowed, allowedBy},
			{"pattern of actions", hubTrust(`"Effect":"Allow","Action":"sts:AssumeRoleWith*"`), onHub(onMain), nil,
				Allowed, allowedBy},
			{
				"SAML's action", hubTrust(`"Effect":"Allow","Action":"sts:AssumeRoleWithSAML"`), onHub(onMain), nil,
				Denied,
				`sts:AssumeRoleWithWebIdentity is not among the actions ["sts:AssumeRoleWithSAML"]`,
			},
			{"NotAction", hubTrust(`"Effect":"Allow","NotAction":"sts:AssumeRole"`), onHub(onMain), nil, Allowed,
				allowedBy},
			{
				"NotAction, every action", hubTrust(`"Effect":"Allow","NotAction":"sts:*"`), onHub(onMain), nil, Denied,
				`sts:AssumeRoleWithWebIdentity is among the NotAction ["sts:*"]`,
			},
			{
				"NotAction, Deny",
				hubTrust(`"Effect":"Allow","Action":"*"`,
					`"Effect":"Deny","NotAction":["sts:AssumeRoleWithWebIdentity","sts:TagSession"]`),
				onHub(onMain), nil, Allowed,
				`sts:AssumeRoleWithWebIdentity is among the NotAction ["sts:AssumeRoleWithWebIdentity" "sts:TagSession"]`,
			},
		}},
	{
		"Several statements",
		"https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html",
		[]evaluation{
			{
				"the second allows",
				hubTrust(`"Effect":"Allow","Action":"*","Condition":{"StringEquals":{"HOST:sub":"x"}}`,
					`"Effect":"Allow","Action":"*"`),
				onHub(`"sub":"y"`), nil, Allowed, `the policy wants "x", the token says "y"`,
			},
			{
				"Deny wins",
				hubTrust(`"Effect":"Allow","Action":"*"`,
					`"Sid":"NoForks","Effect":"Deny","Action":"*","Condition":{"StringLike":{"HOST:sub":"*:pull_request"}}`),
				onHub(`"sub":"repo:acme/web:pull_request"`), nil, Denied,
				`Statement[1] "NoForks" is a Deny that applies: it wins over every Allow`,
			},
			{
				"Deny that does not apply",
				hubTrust(`"Effect":"Allow","Action":"*"`,
					`"Effect":"Deny","Action":"*","Condition":{"StringEquals":{"HOST:sub":"x"}}`),
				onHub(`"sub":"y"`), nil, Allowed, `the policy wants "x", the token says "y"`,
			},
			{
				"Deny that may apply",
				hubTrust(`"Effect":"Allow","Action":"*"`,
					`"Effect":"Deny","Action":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}`),
				onHub(onMain), nil, Undecided, `"aws:SecureTransport" is unknown here: a token does not determine it`,
			},
			{
				"Deny that may apply to nothing",
				hubTrust(`"Effect":"Deny","Action":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}`),
				onHub(onMain), nil, Denied, `"aws:SecureTransport" is unknown here: a token does not determine it`,
			},
		}},
	{
		"Roles that the token names",
		"https://awsteele.com/blog/2026/07/13/oidc-tokens-can-restrict-which-aws-roles-they-assume.html; " +
			"https://docs.aws.amazon.com/service-authorization/latest/reference/list_sts.html",
		[]evaluation{
			{
				"the role", `{"Role":{"Arn":"arn:aws:iam::123456789012:role/deploy","AssumeRolePolicyDocument":` +
					trust(hubARN) + `}}`,
				onHub(onMain, `"https://aws.amazon.com/roles":"arn:aws:iam::123456789012:role/deploy"`), nil, Allowed,
				allowedBy,
			},
			{
				"one of the roles", `{"Role":{"Arn":"arn:aws:iam::123456789012:role/deploy","AssumeRolePolicyDocument":` + trust(hubARN) + `}}`,
				onHub(onMain, `"https://aws.amazon.com/roles":["arn:aws:iam::1:role/x","arn:aws:iam::123456789012:role/deploy"]`), nil, Allowed,
				allowedBy,
			},
			{
				"another role", `{"Role":{"Arn":"arn:aws:iam::123456789012:role/deploy","AssumeRolePolicyDocument":` +
					trust(hubARN) + `}}`,
				onHub(onMain, `"https://aws.amazon.com/roles":"arn:aws:iam::123456789012:role/other"`), nil, Denied,
				`STS refuses the token (InvalidIdentityToken): its claim "https://aws.amazon.com/roles" does not name the role "arn:aws:iam::123456789012:role/deploy"`,
			},
			{
				"none of the roles", `{"Role":{"Arn":"arn:aws:iam::123456789012:role/deploy","AssumeRolePolicyDocument":` + trust(hubARN) + `}}`,
				onHub(onMain, `"https://aws.amazon.com/roles":["arn:aws:iam::123456789012:role/other"]`), nil, Denied,
				`STS refuses the token (InvalidIdentityToken): its claim "https://aws.amazon.com/roles" does not name the role "arn:aws:iam::123456789012:role/deploy"`,
			},
			{
				"no role", `{"Role":{"Arn":"arn:aws:iam::123456789012:role/deploy","AssumeRolePolicyDocument":` +
					trust(hubARN) + `}}`,
				onHub(onMain, `"https://aws.amazon.com/roles":[]`), nil, Denied,
				`STS refuses the token (InvalidIdentityToken): its claim "https://aws.amazon.com/roles" does not name the role "arn:aws:iam::123456789012:role/deploy"`,
			},
			{
				"a pattern is no ARN",
				`{"Role":{"Arn":"arn:aws:iam::123456789012:role/deploy","AssumeRolePolicyDocument":` +
					trust(hubARN) + `}}`,
				onHub(onMain, `"https://aws.amazon.com/roles":"arn:aws:iam::123456789012:role/*"`), nil, Denied,
				`STS refuses the token (InvalidIdentityToken): its claim "https://aws.amazon.com/roles" does not name the role "arn:aws:iam::123456789012:role/deploy"`,
			},
			{
				"a name is no ARN", `{"Role":{"Arn":"arn:aws:iam::123456789012:role/deploy","AssumeRolePolicyDocument":` + trust(hubARN) + `}}`,
				onHub(onMain, `"https://aws.amazon.com/roles":"deploy"`), nil, Denied,
				`STS refuses the token (InvalidIdentityToken): its claim "https://aws.amazon.com/roles" does not name the role "arn:aws:iam::123456789012:role/deploy"`,
			},
			{
				"role unknown", trust(hubARN), onHub(onMain,
					`"https://aws.amazon.com/roles":"arn:aws:iam::123456789012:role/deploy"`), nil, Undecided,
				`STS compares the token's claim "https://aws.amazon.com/roles" with the ARN of the role, which is unknown here`,
			},
			{
				"roles in no form that is known",
				`{"Role":{"Arn":"arn:aws:iam::123456789012:role/deploy","AssumeRolePolicyDocument":` + trust(hubARN) +
					`}}`,
				onHub(onMain, `"https://aws.amazon.com/roles":{"a":1}`), nil, Undecided,
				`STS compares the token's claim "https://aws.amazon.com/roles" with the ARN of the role, which is unknown here`,
			},
			{
				"required and there",
				`{"Role":{"Arn":"arn:aws:iam::123456789012:role/deploy","AssumeRolePolicyDocument":` +
					trust(hubARN, `"Bool":{"sts:RoleAuthorizedByIdp":"true"}`) + `}}`,
				onHub(onMain, `"https://aws.amazon.com/roles":"arn:aws:iam::123456789012:role/deploy"`), nil, Allowed,
				allowedBy,
			},
			{
				"required and missing",
				`{"Role":{"Arn":"arn:aws:iam::123456789012:role/deploy","AssumeRolePolicyDocument":` +
					trust(hubARN, `"Bool":{"sts:RoleAuthorizedByIdp":true}`) + `}}`,
				onHub(onMain), nil, Denied,
				`the policy wants Bool "true", the token says "false"; the token has no claim "https://aws.amazon.com/roles"`,
			},
			{
				"required of an unknown role", trust(hubARN, `"Bool":{"sts:RoleAuthorizedByIdp":"true"}`),
				onHub(onMain, `"https://aws.amazon.com/roles":"arn:aws:iam::123456789012:role/deploy"`), nil, Undecided,
				`the ARN of the role is unknown here, and the token has the claim "https://aws.amazon.com/roles"`,
			},
			{
				"forbidden and there",
				`{"Role":{"Arn":"arn:aws:iam::123456789012:role/deploy","AssumeRolePolicyDocument":` +
					trust(hubARN, `"Bool":{"sts:RoleAuthorizedByIdp":"false"}`) + `}}`,
				onHub(onMain, `"https://aws.amazon.com/roles":"arn:aws:iam::123456789012:role/deploy"`), nil, Denied,
				`the policy wants Bool "false", the token says "true"`,
			},
			{
				"false or missing",
				`{"Role":{"Arn":"arn:aws:iam::123456789012:role/deploy","AssumeRolePolicyDocument":` +
					trust(hubARN, `"Bool":{"sts:RoleAuthorizedByIdp":"false"}`) + `}}`,
				onHub(onMain), nil, Undecided, `the token has no claim "https://aws.amazon.com/roles"`,
			},
		}},
	{
		"Session tags",
		"https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_adding-assume-role-idp; " +
			"reference_policies_condition-keys.html#condition-keys-requesttag",
		[]evaluation{
			{
				"tag",
				hubTrust(`"Effect":"Allow","Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession"],"Condition":{"StringEquals":{"aws:RequestTag/Team":"core"}}`),
				onHub(onMain, `"https://aws.amazon.com/tags":{"principal_tags":{"Team":["core"],"a:b":["1"]},"transitive_tag_keys":["Team"]}`), nil,
				Allowed, allowedBy,
			},
			{
				"tag in another case",
				hubTrust(`"Effect":"Allow","Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession"],"Condition":{"StringEquals":{"aws:requesttag/team":"core"}}`),
				onHub(onMain, `"https://aws.amazon.com/tags":{"principal_tags":{"Team":["core"],"a:b":["1"]},"transitive_tag_keys":["Team"]}`), nil,
				Allowed, allowedBy,
			},
			{
				"tag with a colon",
				hubTrust(`"Effect":"Allow","Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession"],"Condition":{"StringEquals":{"aws:RequestTag/a:b":"1"}}`),
				onHub(onMain, `"https://aws.amazon.com/tags":{"principal_tags":{"Team":["core"],"a:b":["1"]},"transitive_tag_keys":["Team"]}`), nil,
				Allowed, allowedBy,
			},
			{
				"another value",
				hubTrust(`"Effect":"Allow","Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession"],"Condition":{"StringEquals":{"aws:RequestTag/Team":"web"}}`),
				onHub(onMain, `"https://aws.amazon.com/tags":{"principal_tags":{"Team":["core"],"a:b":["1"]},"transitive_tag_keys":["Team"]}`), nil,
				Denied, `the policy wants "web", the token says "core"`,
			},
			{
				"value in another case",
				hubTrust(`"Effect":"Allow","Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession"],"Condition":{"StringEquals":{"aws:RequestTag/Team":"Core"}}`),
				onHub(onMain, `"https://aws.amazon.com/tags":{"principal_tags":{"Team":["core"],"a:b":["1"]},"transitive_tag_keys":["Team"]}`), nil,
				Denied, `"Core" and "core" differ in case only`,
			},
			{
				"no such tag",
				hubTrust(`"Effect":"Allow","Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession"],"Condition":{"StringEquals":{"aws:RequestTag/Owner":"me"}}`),
				onHub(onMain, `"https://aws.amazon.com/tags":{"principal_tags":{"Team":["core"],"a:b":["1"]},"transitive_tag_keys":["Team"]}`), nil,
				Denied, `the token asks for nothing that "aws:RequestTag/Owner" is about`,
			},
			{
				"no such tag, negated",
				hubTrust(`"Effect":"Allow","Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession"],"Condition":{"StringNotEquals":{"aws:RequestTag/Owner":"me"}}`),
				onHub(onMain, `"https://aws.amazon.com/tags":{"principal_tags":{"Team":["core"],"a:b":["1"]},"transitive_tag_keys":["Team"]}`), nil,
				Allowed, allowedBy,
			},
			{
				"no tags, null",
				hubTrust(`"Effect":"Allow","Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession"],"Condition":{"Null":{"aws:RequestTag/Team":"True"}}`),
				onHub(onMain), nil, Allowed, allowedBy,
			},
			{
				"tag, not null",
				hubTrust(`"Effect":"Allow","Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession"],"Condition":{"Null":{"aws:RequestTag/Team":"FALSE"}}`),
				onHub(onMain, `"https://aws.amazon.com/tags":{"principal_tags":{"Team":["core"],"a:b":["1"]},"transitive_tag_keys":["Team"]}`), nil,
				Allowed, allowedBy,
			},
			{
				"flat form",
				hubTrust(`"Effect":"Allow","Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession"],"Condition":{"StringLike":{"aws:RequestTag/project:id":"4*"}}`),
				onHub(onMain, `"https://aws.amazon.com/tags/principal_tags/project:id":"42"`), nil, Allowed, allowedBy,
			},
			{
				"flat form without TagSession", trust(hubARN),
				onHub(onMain, `"https://aws.amazon.com/tags/principal_tags/project":"42"`), nil, Denied,
				`the token has the claim "https://aws.amazon.com/tags", which needs sts:TagSession: no Allow statement applies`,
			},
			{
				"keys",
				hubTrust(`"Effect":"Allow","Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession"],"Condition":{"ForAllValues:StringEquals":{"aws:TagKeys":["Team","a:b"]}}`),
				onHub(onMain, `"https://aws.amazon.com/tags":{"principal_tags":{"Team":["core"],"a:b":["1"]},"transitive_tag_keys":["Team"]}`), nil,
				Allowed, allowedBy,
			},
			{
				"another key",
				hubTrust(`"Effect":"Allow","Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession"],"Condition":{"ForAllValues:StringEquals":{"aws:TagKeys":["Team"]}}`),
				onHub(onMain, `"https://aws.amazon.com/tags":{"principal_tags":{"Team":["core"],"a:b":["1"]},"transitive_tag_keys":["Team"]}`), nil,
				Denied, `the policy wants "Team", the token says "a:b"`,
			},
			{
				"any key",
				hubTrust(`"Effect":"Allow","Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession"],"Condition":{"ForAnyValue:StringEquals":{"aws:TagKeys":"Team"}}`),
				onHub(onMain, `"https://aws.amazon.com/tags":{"principal_tags":{"Team":["core"],"a:b":["1"]},"transitive_tag_keys":["Team"]}`), nil,
				Allowed, allowedBy,
			},
			{
				"no keys",
				hubTrust(`"Effect":"Allow","Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession"],"Condition":{"ForAnyValue:StringEquals":{"aws:TagKeys":"Team"}}`),
				onHub(onMain), nil, Denied, `the token asks for nothing that "aws:TagKeys" is about`,
			},
			{
				"transitive",
				hubTrust(`"Effect":"Allow","Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession"],"Condition":{"ForAnyValue:StringEquals":{"sts:TransitiveTagKeys":"Team"}}`),
				onHub(onMain, `"https://aws.amazon.com/tags":{"principal_tags":{"Team":["core"],"a:b":["1"]},"transitive_tag_keys":["Team"]}`), nil,
				Allowed, allowedBy,
			},
			{
				"not transitive",
				hubTrust(`"Effect":"Allow","Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession"],"Condition":{"ForAllValues:StringEquals":{"sts:TransitiveTagKeys":"Owner"}}`),
				onHub(onMain, `"https://aws.amazon.com/tags":{"principal_tags":{"Team":["core"],"a:b":["1"]},"transitive_tag_keys":["Team"]}`), nil,
				Denied, `the policy wants "Owner", the token says "Team"`,
			},
			{
				"flat transitive",
				hubTrust(`"Effect":"Allow","Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession"],"Condition":{"ForAllValues:StringEquals":{"sts:TransitiveTagKeys":"p"}}`),
				onHub(onMain, `"https://aws.amazon.com/tags/principal_tags/p":"1","https://aws.amazon.com/tags/transitive_tag_keys":["p"]`), nil, Allowed,
				allowedBy,
			},
			{
				"two values",
				hubTrust(`"Effect":"Allow","Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession"],"Condition":{"StringEquals":{"aws:RequestTag/Team":"core"}}`),
				onHub(onMain, `"https://aws.amazon.com/tags":{"principal_tags":{"Team":["core","web"]}}`), nil,
				Undecided,
				`the claim "https://aws.amazon.com/tags" is not in the form that AWS documents`,
			},
			{
				"tags are no object",
				hubTrust(`"Effect":"Allow","Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession"],"Condition":{"StringEquals":{"aws:RequestTag/Team":"core"}}`),
				onHub(onMain, `"https://aws.amazon.com/tags":"Team=core"`), nil, Undecided,
				`the claim "https://aws.amazon.com/tags" is not in the form that AWS documents`,
			},
			{
				"a tag twice but for case",
				hubTrust(`"Effect":"Allow","Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession"],"Condition":{"StringEquals":{"aws:RequestTag/team":"core"}}`),
				onHub(onMain, `"https://aws.amazon.com/tags":{"principal_tags":{"Team":["core"],"team":["web"]}}`), nil,
				Undecided,
				`the claim "https://aws.amazon.com/tags" is not in the form that AWS documents`,
			},
		}},
	{
		"Source identity",
		"https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html",
		[]evaluation{
			{
				"source identity, allowed",
				hubTrust(`"Effect":"Allow","Action":["sts:AssumeRoleWithWebIdentity","sts:SetSourceIdentity"]`),
				onHub(onMain, `"https://aws.amazon.com/source_identity":"me"`), nil, Allowed, allowedBy,
			},
			{
				"that source identity",
				hubTrust(`"Effect":"Allow","Action":["sts:AssumeRoleWithWebIdentity","sts:SetSourceIdentity"],"Condition":{"StringEquals":{"sts:SourceIdentity":"me"}}`),
				onHub(onMain, `"https://aws.amazon.com/source_identity":"me"`), nil, Allowed, allowedBy,
			},
			{
				"another source identity",
				hubTrust(`"Effect":"Allow","Action":["sts:AssumeRoleWithWebIdentity","sts:SetSourceIdentity"],"Condition":{"StringEquals":{"sts:SourceIdentity":"you"}}`),
				onHub(onMain, `"https://aws.amazon.com/source_identity":"me"`), nil, Denied,
				`the policy wants "you", the token says "me"`,
			},
			{
				"no source identity",
				hubTrust(`"Effect":"Allow","Action":["sts:AssumeRoleWithWebIdentity","sts:SetSourceIdentity"],"Condition":{"StringLike":{"sts:SourceIdentity":"*"}}`),
				onHub(onMain), nil, Denied, `the token asks for nothing that "sts:SourceIdentity" is about`,
			},
			{
				"no source identity is null",
				hubTrust(`"Effect":"Allow","Action":["sts:AssumeRoleWithWebIdentity","sts:SetSourceIdentity"],"Condition":{"Null":{"sts:sourceidentity":"true"}}`),
				onHub(onMain), nil, Allowed, allowedBy,
			},
			{
				"two source identities",
				hubTrust(`"Effect":"Allow","Action":["sts:AssumeRoleWithWebIdentity","sts:SetSourceIdentity"],"Condition":{"StringEquals":{"sts:SourceIdentity":"me"}}`),
				onHub(onMain, `"https://aws.amazon.com/source_identity":["me","you"]`), nil, Undecided,
				`the claim "https://aws.amazon.com/source_identity" is not a text`,
			},
		}},
	{
		"Keys that AWS makes of claims of a provider",
		"https://docs.aws.amazon.com/service-authorization/latest/reference/list_sts.html (November 2026); " +
			"https://aws.amazon.com/about-aws/whats-new/2026/01/aws-sts-supports-validation-identity-provider-claims/",
		[]evaluation{
			{
				"GitHub: repository owner",
				trust("arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com",
					`"StringEquals":{"HOST:repository_owner_id":"1"}`),
				token("https://token.actions.githubusercontent.com", `"sub":"x"`, `"repository_owner_id":"1"`), nil,
				Allowed, allowedBy,
			},
			{
				"GitHub of an enterprise",
				trust("arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com/acme",
					`"StringEquals":{"HOST:job_workflow_ref":"a@b"}`),
				token("https://token.actions.githubusercontent.com/acme", `"sub":"x"`, `"job_workflow_ref":"a@b"`), nil,
				Allowed, allowedBy,
			},
			{
				"GitHub of an enterprise, two segments",
				trust("arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com/acme/x",
					`"StringEquals":{"HOST:ref":"a"}`),
				token("https://token.actions.githubusercontent.com/acme/x", `"sub":"x"`, `"ref":"a"`), nil, Undecided,
				`AWS documents no key "ref" of this provider for such a token: it may be missing`,
			},
			{
				"GHE.com", trust("arn:aws:iam::123456789012:oidc-provider/token.actions.acme.ghe.com",
					`"StringEquals":{"HOST:environment":"prod"}`),
				token("https://token.actions.acme.ghe.com", `"sub":"x"`, `"environment":"prod"`), nil, Allowed,
				allowedBy,
			},
			{
				"GHE.com, look-alike",
				trust("arn:aws:iam::123456789012:oidc-provider/token.actions.acme.ghe.com.evil.test",
					`"StringEquals":{"HOST:environment":"prod"}`),
				token("https://token.actions.acme.ghe.com.evil.test", `"sub":"x"`, `"environment":"prod"`), nil,
				Undecided,
				`AWS documents no key "environment" of this provider for such a token: it may be missing`,
			},
			{
				"GHE.com, two labels",
				trust("arn:aws:iam::123456789012:oidc-provider/token.actions.a.b.ghe.com",
					`"StringEquals":{"HOST:environment":"prod"}`),
				token("https://token.actions.a.b.ghe.com", `"sub":"x"`, `"environment":"prod"`), nil, Undecided,
				`AWS documents no key "environment" of this provider for such a token: it may be missing`,
			},
			{
				"GitHub, look-alike",
				trust("arn:aws:iam::123456789012:oidc-provider/xtoken.actions.githubusercontent.com",
					`"StringEquals":{"HOST:ref":"a"}`),
				token("https://xtoken.actions.githubusercontent.com", `"sub":"x"`, `"ref":"a"`), nil, Undecided,
				`AWS documents no key "ref" of this provider for such a token: it may be missing`,
			},
			{
				"GitLab, project id", trust("arn:aws:iam::123456789012:oidc-provider/gitlab.com",
					`"StringEquals":{"HOST:project_id":"7"}`),
				token("https://gitlab.com", `"sub":"x"`, `"project_id":"7"`), nil, Allowed, allowedBy,
			},
			{
				"GitLab, protected ref", trust("arn:aws:iam::123456789012:oidc-provider/gitlab.com",
					`"StringEquals":{"HOST:ref_protected":"true"}`),
				token("https://gitlab.com", `"sub":"x"`, `"ref_protected":"true"`), nil, Allowed, allowedBy,
			},
			{
				"GitLab of one's own", trust("arn:aws:iam::123456789012:oidc-provider/gitlab.example.com",
					`"StringEquals":{"HOST:project_id":"7"}`),
				token("https://gitlab.example.com", `"sub":"x"`, `"project_id":"7"`), nil, Undecided,
				`AWS documents no key "project_id" of this provider for such a token: it may be missing`,
			},
			{
				"Buildkite, pipeline", trust("arn:aws:iam::123456789012:oidc-provider/agent.buildkite.com",
					`"StringEquals":{"HOST:pipeline_id":"7"}`),
				token("https://agent.buildkite.com", `"sub":"x"`, `"pipeline_id":"7"`), nil, Allowed, allowedBy,
			},
			{
				"Buildkite of a domain",
				trust("arn:aws:iam::123456789012:oidc-provider/agent.acme.buildkite.site",
					`"StringEquals":{"HOST:cluster_name":"7"}`),
				token("https://agent.acme.buildkite.site", `"sub":"x"`, `"cluster_name":"7"`), nil, Allowed, allowedBy,
			},
			{
				"Buildkite, step", trust("arn:aws:iam::123456789012:oidc-provider/agent.buildkite.com",
					`"StringEquals":{"HOST:step_key":"7"}`),
				token("https://agent.buildkite.com", `"sub":"x"`, `"step_key":"7"`), nil, Undecided,
				`AWS documents no key "step_key" of this provider for such a token: it may be missing`,
			},
			{
				"CircleCI",
				trust(
					"arn:aws:iam::123456789012:oidc-provider/oidc.circleci.com/org/11111111-1111-1111-1111-111111111111",
					`"StringEquals":{"HOST:oidc.circleci.com/project-id":"7"}`,
				),
				token("https://oidc.circleci.com/org/11111111-1111-1111-1111-111111111111", `"sub":"x"`,
					`"oidc.circleci.com/project-id":"7"`), nil,
				Allowed, allowedBy,
			},
			{
				"CircleCI, another claim",
				trust(
					"arn:aws:iam::123456789012:oidc-provider/oidc.circleci.com/org/11111111-1111-1111-1111-111111111111",
					`"StringEquals":{"HOST:oidc.circleci.com/vcs-ref":"7"}`,
				),
				token("https://oidc.circleci.com/org/11111111-1111-1111-1111-111111111111", `"sub":"x"`,
					`"oidc.circleci.com/vcs-ref":"7"`), nil,
				Undecided, `AWS documents no key "oidc.circleci.com/vcs-ref" of this provider for such a token: it may be missing`,
			},
			{
				"Oracle", trust("arn:aws:iam::123456789012:oidc-provider/idcs-0a1b.identity.oraclecloud.com",
					`"StringEquals":{"HOST:rpst_id":"7"}`),
				token("https://idcs-0a1b.identity.oraclecloud.com", `"sub":"x"`, `"rpst_id":"7"`), nil, Allowed,
				allowedBy,
			},
			{
				"Oracle, look-alike",
				trust("arn:aws:iam::123456789012:oidc-provider/idcs-0a1b.identity.oraclecloud.com.test",
					`"StringEquals":{"HOST:rpst_id":"7"}`),
				token("https://idcs-0a1b.identity.oraclecloud.com.test", `"sub":"x"`, `"rpst_id":"7"`), nil, Undecided,
				`AWS documents no key "rpst_id" of this provider for such a token: it may be missing`,
			},
			{
				"Google, organization",
				trust("accounts.google.com", `"NumericEquals":{"HOST:google/organization_number":"7"}`),
				token("https://accounts.google.com", `"sub":"x"`), nil, Undecided,
				`AWS does not say which claim the key "google/organization_number" is made of`,
			},
		}},
	{
		"Names of claims are case-sensitive",
		"https://datatracker.ietf.org/doc/html/rfc7519#section-4; " +
			"https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html (names of keys are not)",
		[]evaluation{
			{
				"another claim in another case", trust(hubARN, `"StringEquals":{"HOST:sub":"good"}`),
				onHub(`"Sub":"good"`, `"sub":"bad"`), nil, Denied,
				`the policy wants "good", the token says "bad"`,
			},
			{
				"claim in another case alone", trust(hubARN, `"StringEquals":{"HOST:sub":"good"}`),
				onHub(`"SUB":"good"`), nil, Denied,
				`the token has no claim "sub"`,
			},
			{"key in another case", trust(hubARN, `"StringEquals":{"HOST:Sub":"good"}`),
				onHub(`"Sub":"bad"`, `"sub":"good"`), nil, Allowed, allowedBy},
			{
				"roles claim in another case",
				`{"Role":{"Arn":"arn:aws:iam::123456789012:role/deploy","AssumeRolePolicyDocument":` + trust(hubARN) +
					`}}`,
				onHub(onMain, `"https://aws.amazon.com/Roles":"x"`), nil, Allowed, allowedBy,
			},
		}},
	{
		"Policy variables",
		"https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html",
		[]evaluation{
			{
				"variable of the token",
				trust(hubARN, `"StringEquals":{"HOST:sub":"repo:${HOST:repository}:ref:refs/heads/main"}`),
				onHub(onMain, `"repository":"acme/web"`), nil, Allowed, allowedBy,
			},
			{
				"variable that differs", trust(hubARN, `"StringLike":{"HOST:sub":"repo:${HOST:repository}:*"}`),
				onHub(onMain, `"repository":"acme/api"`),
				nil, Denied, `another repository: the policy wants "api", the token says "web"`,
			},
			{
				"variable of a tag",
				hubTrust(`"Effect":"Allow","Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession"],"Condition":{"StringEquals":{"aws:RequestTag/Team":"${aws:RequestTag/Also}"}}`),
				onHub(onMain, `"https://aws.amazon.com/tags":{"principal_tags":{"Team":["core"],"Also":["core"]}}`),
				nil, Allowed, allowedBy,
			},
			{
				"variable with a default", trust(hubARN, `"StringEquals":{"HOST:sub":"${aws:RequestTag/Team, 'x'}"}`),
				onHub(`"sub":"x"`), nil, Allowed,
				allowedBy,
			},
			{
				"variable without a value", trust(hubARN, `"StringEquals":{"HOST:sub":"${aws:RequestTag/Team}"}`),
				onHub(`"sub":"x"`), nil, Undecided,
				`the policy variable ${aws:RequestTag/Team} is unknown here: a token does not determine it`,
			},
			{
				"variable with a wildcard in it", trust(hubARN, `"StringLike":{"HOST:sub":"${HOST:workflow}"}`),
				onHub(`"sub":"x"`, `"workflow":"*"`),
				nil, Undecided, `the policy variable ${token.actions.githubusercontent.com:workflow} is unknown here: a token does not determine it`,
			},
			{"an asterisk", trust(hubARN, `"StringLike":{"HOST:sub":"a${*}b*"}`), onHub(`"sub":"a*bc"`), nil, Allowed,
				allowedBy},
			{
				"an asterisk alone", trust(hubARN, `"StringLike":{"HOST:sub":"a${*}b"}`), onHub(`"sub":"axb"`), nil,
				Denied,
				`the policy wants "a*b", the token says "axb"`,
			},
			{"a question mark and a dollar", trust(hubARN, `"StringEquals":{"HOST:sub":"${?}${$}"}`),
				onHub(`"sub":"?$"`), nil, Allowed, allowedBy},
			{
				"session name", trust(hubARN, `"StringEquals":{"sts:RoleSessionName":"${HOST:actor}"}`),
				onHub(onMain, `"actor":"me"`),
				map[string][]string{"sts:RoleSessionName": {"me"}}, Allowed, allowedBy,
			},
		}},
	{
		"Hints",
		"https://docs.github.com/en/actions/reference/security/oidc; " +
			"issues of aws-actions/configure-aws-credentials",
		[]evaluation{
			{
				"environment with a colon",
				trust(hubARN, `"StringEquals":{"HOST:sub":"repo:acme/web:environment:prod:eu"}`),
				onHub(`"sub":"repo:acme/web:environment:prod%3Aeu"`), nil, Denied,
				`GitHub percent-encodes the environment in sub: write "prod%3Aeu" for "prod:eu"`,
			},
			{
				"environment with a blank",
				trust(hubARN, `"StringEquals":{"HOST:sub":"repo:acme/web:environment:my prod"}`),
				onHub(`"sub":"repo:acme/web:environment:my%20prod"`), nil, Denied,
				`GitHub percent-encodes the environment in sub: write "my%20prod" for "my prod"`,
			},
			{
				"sub without an end under StringLike", trust(hubARN, `"StringLike":{"HOST:sub":"repo:acme/web"}`),
				onHub(prod), nil, Denied,
				`the policy's sub ends with the repository: append ":*" and use StringLike, or append ":environment:prod"`,
			},
			{
				"condition on iss", trust(hubARN, `"StringEquals":{"HOST:iss":"https://HOST"}`), onHub(onMain), nil,
				Undecided,
				`AWS documents no key iss: the provider in Principal is the issuer`,
			},
			{
				"condition on another iss", trust(hubARN, `"StringEquals":{"HOST:iss":"https://x"}`), onHub(onMain),
				nil, Denied,
				`the policy wants "https://x", the token says "https://token.actions.githubusercontent.com"; AWS documents no key iss: the provider in Principal is the issuer`,
			},
		}},
	{
		"More operators",
		"https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html",
		[]evaluation{
			{
				"less", trust(hubARN, `"NumericLessThan":{"sts:DurationSeconds":"3600"}`), onHub(onMain),
				map[string][]string{"sts:DurationSeconds": {"900"}}, Allowed, allowedBy,
			},
			{
				"not less", trust(hubARN, `"NumericLessThan":{"sts:DurationSeconds":"900"}`), onHub(onMain),
				map[string][]string{"sts:DurationSeconds": {"3600"}}, Denied,
				`the policy wants NumericLessThan "900", the token says "3600"`,
			},
			{
				"at most", trust(hubARN, `"NumericLessThanEquals":{"sts:DurationSeconds":"3600"}`), onHub(onMain),
				map[string][]string{"sts:DurationSeconds": {"3600"}}, Allowed, allowedBy,
			},
			{
				"more than at most", trust(hubARN, `"NumericLessThanEquals":{"sts:DurationSeconds":"900"}`),
				onHub(onMain),
				map[string][]string{"sts:DurationSeconds": {"901"}}, Denied,
				`the policy wants NumericLessThanEquals "900", the token says "901"`,
			},
			{
				"greater", trust(hubARN, `"NumericGreaterThan":{"sts:DurationSeconds":"900"}`), onHub(onMain),
				map[string][]string{"sts:DurationSeconds": {"901"}}, Allowed, allowedBy,
			},
			{
				"not greater", trust(hubARN, `"NumericGreaterThan":{"sts:DurationSeconds":"3600"}`), onHub(onMain),
				map[string][]string{"sts:DurationSeconds": {"900"}}, Denied,
				`the policy wants NumericGreaterThan "3600", the token says "900"`,
			},
			{
				"at least", trust(hubARN, `"NumericGreaterThanEquals":{"sts:DurationSeconds":"900"}`), onHub(onMain),
				map[string][]string{"sts:DurationSeconds": {"900"}}, Allowed, allowedBy,
			},
			{
				"less than at least", trust(hubARN, `"NumericGreaterThanEquals":{"sts:DurationSeconds":"900"}`),
				onHub(onMain),
				map[string][]string{"sts:DurationSeconds": {"899"}}, Denied,
				`the policy wants NumericGreaterThanEquals "900", the token says "899"`,
			},
			{
				"not that number", trust(hubARN, `"NumericNotEquals":{"sts:DurationSeconds":"900"}`), onHub(onMain),
				map[string][]string{"sts:DurationSeconds": {"3600"}}, Allowed, allowedBy,
			},
			{
				"that number", trust(hubARN, `"NumericNotEquals":{"sts:DurationSeconds":"900"}`), onHub(onMain),
				map[string][]string{"sts:DurationSeconds": {"900"}}, Denied, `"900" excludes "900"`,
			},
			{"any case", trust(hubARN, `"StringEqualsIgnoreCase":{"HOST:sub":"X"}`), onHub(`"sub":"x"`), nil, Allowed,
				allowedBy},
			{
				"any case, another text", trust(hubARN, `"StringEqualsIgnoreCase":{"HOST:sub":"X"}`),
				onHub(`"sub":"y"`), nil, Denied,
				`the policy wants "x", the token says "y"`,
			},
			{"not in any case, another text", trust(hubARN, `"StringNotEqualsIgnoreCase":{"HOST:sub":"X"}`),
				onHub(`"sub":"y"`), nil, Allowed, allowedBy},
			{"not in any case, missing", trust(hubARN, `"StringNotEqualsIgnoreCase":{"HOST:email":"X"}`),
				onHub(`"sub":"y"`), nil, Allowed, allowedBy},
			{
				"NotPrincipal of a Deny",
				`{"Statement":[{"Effect":"Allow","Action":"*","Principal":"*"},{"Effect":"Deny","Action":"*","NotPrincipal":{"AWS":"x"}}]}`,
				onHub(onMain), nil, Undecided, `NotPrincipal is not evaluated`,
			},
		}},
}
