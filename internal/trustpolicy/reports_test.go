package trustpolicy

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// Public reports of "Not authorized to perform sts:AssumeRoleWithWebIdentity", and of policies that let in too many: what each
// comes down to, with other names. The sentence is what would have helped, and the rule what a review says of the policy.
var reports = []struct {
	issue, policy, claims string
	verdict               Verdict
	sentence, rule        string
}{
	{
		"aws-actions/configure-aws-credentials#271",
		trust(hubARN, `"StringEquals":{"HOST:sub":"repo:acme/api:ref:refs/heads/main"}`), onHub(onMain),
		Denied, `another repository: the policy wants "api", the token says "web"`, "",
	},
	{
		"aws-actions/configure-aws-credentials#280",
		trust("arn:aws:iam::123456789012:oidc-provider/vstoken.actions.githubusercontent.com"),
		onHub(onMain), Denied, `another provider: the policy trusts "vstoken.actions.githubusercontent.com"`, "",
	},
	{
		"aws-actions/configure-aws-credentials#306",
		trust(hubARN, `"StringEquals":{"HOST:actor":"me","HOST:aud":"sts.amazonaws.com"}`),
		onHub(onMain, `"actor":"me"`), Allowed, `allows it`, "no-sub",
	},
	{
		"aws-actions/configure-aws-credentials#318", trust(hubARN, `"StringLike":{"HOST:sub":"repo:Acme/*"}`),
		onHub(onMain), Denied,
		`differ in case only`, "any-repository",
	},
	{
		"aws-actions/configure-aws-credentials#318, a later comment",
		trust(hubARN, `"ForAllValues:StringLike":{"HOST:sub":"repo:acme/*"}`),
		onHub(onMain), Allowed, `allows it`, "for-all-values",
	},
	{
		"aws-actions/configure-aws-credentials#331",
		trust(hubARN, `"StringEquals":{"HOST:sub":"repo:acme/web:ref:refs/heads/main"}`),
		onHub(`"sub":"repo:acme/caller:ref:refs/heads/main"`), Denied,
		`another repository: the policy wants "web", the token says "caller"`, "",
	},
	{
		"aws-actions/configure-aws-credentials#357",
		trust(hubARN, `"StringEquals":{"HOST:sub":"repo:acme/*"},"ForAllValues:StringEquals":{"HOST:aud":"sts.amazonaws.com"}`), onHub(onMain),
		Denied, `StringEquals takes the wildcard in "repo:acme/*" literally`, "wildcard-equals",
	},
	{
		"aws-actions/configure-aws-credentials#452",
		trust(hubARN, `"ForAllValues:StringLike":{"HOST:sub":"repo:acme/*:ref:refs/heads/*"}`),
		onHub(`"sub":"repo:acme/web:environment:dev"`), Denied, `a job with an environment has no ref in its sub`,
		"for-all-values",
	},
	{
		"aws-actions/configure-aws-credentials#454", trust(hubARN, `"StringLike":{"HOST:sub":"repo:acme/web:ref:*"}`),
		onHub(`"sub":"repo:acme/web:environment:prod"`), Denied, `a job with an environment has no ref in its sub`, "",
	},
	{
		"aws-actions/configure-aws-credentials#511",
		trust(hubARN, `"StringLike":{"HOST:sub":"repo:acme/web:ref:refs/heads/main"}`),
		onHub(`"sub":"repo:acme/web:environment:prod"`), Denied, `a job with an environment has no ref in its sub`, "",
	},
	{
		"aws-actions/configure-aws-credentials#672",
		trust(hubARN, `"StringEquals":{"HOST:sub":"repo:acme/web:environment:dev","HOST:iss":"https://HOST","HOST:aud":"sts.amazonaws.com"}`),
		onHub(`"sub":"repo:acme/web:environment:dev"`), Undecided, `AWS documents no key iss`, "unknown-key",
	},
	{
		"aws-actions/configure-aws-credentials#672, of GitHub Enterprise Server",
		trust(hubARN, `"StringEquals":{"HOST:sub":"repo:acme/web:environment:dev"}`), onHub(onMain), Denied,
		`the sub says branch "main": the job has no environment`, "",
	},
	{
		"aws-actions/configure-aws-credentials#690",
		trust(hubARN, `"StringLike":{"HOST:sub":"repo:acme/web:*"},"ForAllValues:StringEquals":{"HOST:aud":"sts.amazonaws.com","HOST:iss":"https://HOST"}`),
		onHub(onMain), Allowed, `allows it`, "unknown-key",
	},
	{
		"aws-actions/configure-aws-credentials#701", trust(hubARN, `"StringEquals":{"HOST:job_workflow_sha":"0a1b"}`),
		onHub(onMain, `"job_workflow_sha":"0a1b"`), Undecided, `AWS documents no key "job_workflow_sha"`, "unknown-key",
	},
	{
		"aws-actions/configure-aws-credentials#746",
		trust(hubARN, `"StringEquals":{"HOST:sub":"repo:acme/web:ref:refs/heads/main"}`),
		onHub(`"sub":"repo:acme/web:job_workflow_ref:acme/web/.github/workflows/x.yml@refs/heads/main"`), Denied,
		`the policy wants branch "main", the sub says context "job_workflow_ref`, "",
	},
	{
		"aws-actions/configure-aws-credentials#912",
		trust(hubARN, `"StringEquals":{"HOST:job_workflow_ref":"acme/w/.github/workflows/x.yml@refs/heads/main"}`),
		onHub(onMain, `"job_workflow_ref":"acme/w/.github/workflows/x.yml@refs/heads/main"`), Allowed, `allows it`,
		"no-sub",
	},
	{
		"aws-actions/configure-aws-credentials#1024",
		trust(hubARN, `"StringLike":{"HOST:sub":"repo:acme/web:ref:refs/heads/*"}`),
		onHub(`"sub":"repo:acme/web:environment:develop"`), Denied, `a job with an environment has no ref in its sub`,
		"",
	},
	{
		"aws-actions/configure-aws-credentials#1100", trust(hubARN, `"StringLike":{"HOST:sub":"repo:ACME/web:*"}`),
		onHub(onMain), Denied,
		`differ in case only`, "",
	},
	{
		"aws-actions/configure-aws-credentials#1137",
		trust(hubARN, `"StringEquals":{"HOST:sub":"repo:acme/*","HOST:aud":"sts.amazonaws.com"}`),
		onHub(onMain), Denied, `StringEquals takes the wildcard in "repo:acme/*" literally`, "wildcard-equals",
	},
	{
		"aws-actions/configure-aws-credentials#1309",
		trust(hubARN, `"StringEquals":{"HOST:aud":"https://sts.amazonaws.com"}`), onHub(onMain), Denied,
		`another audience: the policy wants "https://sts.amazonaws.com", the token says "sts.amazonaws.com"`, "",
	},
	{
		"aws-actions/configure-aws-credentials#1888",
		trust(hubARN, `"StringEquals":{"HOST:sub":"repo:acme/new:ref:refs/heads/main"}`),
		onHub(`"sub":"repo:acme@1/new@2:ref:refs/heads/main"`), Denied,
		`the token has an immutable sub, the policy the old form: it must say "repo:acme@1/new@2"`, "mutable-sub",
	},
	{
		"terraform-aws-modules/terraform-aws-iam#659", trust(hubARN, `"StringLike":{"HOST:sub":"repo:acme/web:*"}`),
		onHub(`"sub":"repo:acme@1/web@2:pull_request"`), Denied, `the token has an immutable sub`, "mutable-sub",
	},
	{
		"ministryofjustice/modernisation-platform#3909", trust(hubARN, `"StringLike":{"HOST:sub":"repo:acme/web"}`),
		onHub(`"sub":"repo:acme/web:pull_request"`), Denied,
		`the policy's sub ends with the repository: append ":*" and use StringLike`, "",
	},
	{
		"aws/karpenter-provider-aws#1666",
		trust(
			"arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC",
			`"StringLike":{"arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC:sub":"system:serviceaccount:karpenter:karpenter"}`,
		),
		token("https://oidc.eks.eu-west-1.amazonaws.com/id/ABC", `"sub":"system:serviceaccount:karpenter:karpenter"`,
			`"aud":["sts.amazonaws.com"]`),
		Denied, `it is written without the rest of the ARN`, "",
	},
	{
		"aws/amazon-eks-pod-identity-webhook#30",
		trust("arn:aws:iam::123456789012:oidc-provider/oidc.eu-west-1.eks.amazonaws.com/id/ABC"),
		token("https://oidc.eks.eu-west-1.amazonaws.com/id/ABC", `"sub":"system:serviceaccount:a:b"`,
			`"aud":["sts.amazonaws.com"]`), Denied,
		`another provider: the policy trusts "oidc.eu-west-1.eks.amazonaws.com/id/ABC", the token is from "oidc.eks.eu-west-1.amazonaws.com/id/ABC"`,
		"",
	},
	{
		"terraform-aws-modules/terraform-aws-eks#801",
		trust(
			"arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC",
			`"StringEquals":{"HOST:sub":"system:serviceaccount:kube-system:autoscaler"}`,
		),
		token("https://oidc.eks.eu-west-1.amazonaws.com/id/ABC", `"sub":"system:serviceaccount:default:autoscaler"`,
			`"aud":["sts.amazonaws.com"]`),
		Denied, `another namespace: the policy wants "kube-system", the token says "default"`, "",
	},
	{
		"kubernetes-sigs/external-dns#1979",
		trust(
			"arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC",
			`"StringEquals":{"HOST:sub":"system:serviceaccount:default:external-dns"}`,
		),
		token("https://oidc.eks.eu-west-1.amazonaws.com/id/ABC",
			`"sub":"system:serviceaccount:kube-system:external-dns"`, `"aud":["sts.amazonaws.com"]`),
		Denied, `the policy wants "default", the token says "kube-system"`, "",
	},
	{
		"cert-manager/aws-privateca-issuer#277",
		trust(
			"arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC",
			`"StringEquals":{"HOST:sub":"system:serviceaccount:aws-privateca-issuer:cert-manager"}`,
		),
		token(
			"https://oidc.eks.eu-west-1.amazonaws.com/id/ABC",
			`"sub":"system:serviceaccount:cert-manager:aws-privateca-issuer"`,
			`"aud":["sts.amazonaws.com"]`,
		),
		Denied, `another namespace: the policy wants "aws-privateca-issuer", the token says "cert-manager"; another service account`, "",
	},
	{
		"crossplane/crossplane#5578",
		trust(
			"arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC",
			`"StringEquals":{"HOST:sub":"system:serviceaccount:crossplane-system:provider-aws-*","HOST:aud":"sts.amazonaws.com"}`,
		),
		token(
			"https://oidc.eks.eu-west-1.amazonaws.com/id/ABC",
			`"sub":"system:serviceaccount:crossplane-system:provider-aws-s3"`,
			`"aud":["sts.amazonaws.com"]`,
		),
		Denied, `StringEquals takes the wildcard`, "wildcard-equals",
	},
	{
		"crossplane/crossplane#2454",
		trust(
			"arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC",
			`"StringEquals":{"HOST:sub":"system:serviceaccount:crossplane-system:provider-aws-*"}`,
		),
		token(
			"https://oidc.eks.eu-west-1.amazonaws.com/id/ABC",
			`"sub":"system:serviceaccount:crossplane-system:provider-aws-0a1b"`,
			`"aud":["sts.amazonaws.com"]`,
		),
		Denied, `StringEquals takes the wildcard`, "wildcard-equals",
	},
	{
		"terraform-aws-modules/terraform-aws-iam#486",
		trust(
			"arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC",
			`"StringLike":{"HOST:sub":"system:serviceaccount:crossplane-system:provider-aws-*"}`,
		),
		token(
			"https://oidc.eks.eu-west-1.amazonaws.com/id/ABC",
			`"sub":"system:serviceaccount:crossplane-system:provider-aws-s3"`,
			`"aud":["sts.amazonaws.com"]`,
		),
		Allowed, `allows it`, "",
	},
	{
		"CircleCI-Public/server-terraform#291",
		trust(
			"arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC",
			`"StringEquals":{"HOST:sub":"system:serviceaccount:*:nomad-autoscaler"}`,
		),
		token("https://oidc.eks.eu-west-1.amazonaws.com/id/ABC", `"sub":"system:serviceaccount:nomad:nomad-autoscaler"`,
			`"aud":["sts.amazonaws.com"]`),
		Denied, `StringEquals takes the wildcard`, "wildcard-equals",
	},
	{
		"ministryofjustice/cloud-platform-infrastructure#1262",
		trust(
			"arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC",
			`"StringEquals":{"HOST:sub":"system:serviceaccount:other:irsa-test"}`,
		),
		token("https://oidc.eks.eu-west-1.amazonaws.com/id/ABC", `"sub":"system:serviceaccount:ns:irsa-test"`,
			`"aud":["sts.amazonaws.com"]`), Denied,
		`the policy wants "other", the token says "ns"`, "",
	},
	{
		"percona/k8spsmdb-docs#329",
		trust("arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC",
			`"StringEquals":{"HOST:aud":"sts.amazonaws.com"}`),
		token("https://oidc.eks.eu-west-1.amazonaws.com/id/ABC", `"sub":"system:serviceaccount:any:any"`,
			`"aud":["sts.amazonaws.com"]`), Allowed,
		`allows it`, "no-sub",
	},
	{
		"awslabs/amazon-eks-irsa-cfn#18",
		trust("arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC",
			`"StringEquals":{"HOST:aud":"sts.amazonaws.com"}`),
		token("https://oidc.eks.eu-west-1.amazonaws.com/id/ABC", `"sub":"x"`, `"aud":"sts.amazon.com"`), Denied,
		`another audience: the policy wants "sts.amazonaws.com", the token says "sts.amazon.com"`, "",
	},
	{
		"windmill-labs/windmilldocs#635",
		trust("arn:aws:iam::123456789012:oidc-provider/w.example.com", `"StringEquals":{"HOST:sub":"x"}`),
		token("https://w.example.com/api/oidc", `"sub":"x"`), Denied,
		`another provider: the policy trusts "w.example.com", the token is from "w.example.com/api/oidc"`, "",
	},
	{
		"circleci/circleci-docs#10653",
		trust(
			"arn:aws:iam::123456789012:oidc-provider/oidc.circleci.com/org/11111111-1111-1111-1111-111111111111",
			`"StringEquals":{"HOST:aud":"sts.amazonaws.com"}`,
		),
		token(
			"https://oidc.circleci.com/org/11111111-1111-1111-1111-111111111111", `"sub":"org/1/project/2/user/3"`,
			`"aud":"11111111-1111-1111-1111-111111111111"`,
		),
		Denied, `another audience: the policy wants "sts.amazonaws.com"`, "",
	},
	{
		"circleci/circleci-docs#10376",
		trust(
			"arn:aws:iam::123456789012:oidc-provider/oidc.circleci.com/org/11111111-1111-1111-1111-111111111111",
			`"StringEquals":{"HOST:oidc.circleci.com/project-id":"2"}`,
		),
		token(
			"https://oidc.circleci.com/org/11111111-1111-1111-1111-111111111111", `"sub":"org/1/project/2/user/3"`,
			`"aud":"11111111-1111-1111-1111-111111111111","oidc.circleci.com/project-id":"2"`,
		),
		Allowed, `allows it`, "no-sub",
	},
	{
		"circleci/circleci-docs#7801",
		trust(
			"arn:aws:iam::123456789012:oidc-provider/oidc.circleci.com/org/11111111-1111-1111-1111-111111111111",
			`"StringLike":{"HOST:sub":"org/1/project/*/user/*/vcs-origin/github.com/acme/*/vcs-ref/refs/heads/main"}`,
		),
		token(
			"https://oidc.circleci.com/org/11111111-1111-1111-1111-111111111111", `"sub":"org/1/project/2/user/3"`,
			`"aud":"11111111-1111-1111-1111-111111111111"`,
		),
		Denied, `the policy wants "org/1/project/*`, "",
	},
	{
		"ministryofjustice/modernisation-platform#13994",
		trust(
			"arn:aws:iam::123456789012:oidc-provider/oidc.circleci.com/org/11111111-1111-1111-1111-111111111111",
			`"StringLike":{"HOST:sub":["org/1/project/2/user/*","org/1/project/3/user/*"]}`,
		),
		token(
			"https://oidc.circleci.com/org/11111111-1111-1111-1111-111111111111", `"sub":"org/1/project/4/user/3"`,
			`"aud":"11111111-1111-1111-1111-111111111111"`,
		),
		Denied, `the token says "org/1/project/4/user/3"`, "",
	},
	{
		"buildkite-plugins/aws-assume-role-with-web-identity-buildkite-plugin#31",
		trust("arn:aws:iam::123456789012:oidc-provider/agent.buildkite.com",
			`"StringEquals":{"HOST:aud":"sts.amazonaws.com"}`),
		token("https://agent.buildkite.com", `"sub":"organization:acme:x"`, `"aud":"sts.amazonaws.com"`), Allowed,
		`allows it`, "no-sub",
	},
	{
		"aws/aws-sdk-net#3071",
		trust("arn:aws:iam::123456789012:oidc-provider/login.microsoftonline.com/t/v2.0",
			`"StringEquals":{"HOST:aud":"app-2"}`),
		token("https://login.microsoftonline.com/t/v2.0", `"sub":"x"`, `"aud":"app-2","azp":"app-1"`), Undecided,
		`the token has azp beside aud`, "",
	},
	{
		"noobaa/noobaa-core#9930",
		trust("arn:aws:iam::123456789012:oidc-provider/keycloak.example.com/realms/a",
			`"StringEquals":{"aws:PrincipalTag/Department":"Engineering"}`),
		token("https://keycloak.example.com/realms/a", `"sub":"x"`), Undecided, `a token does not determine it`, "",
	},
	{
		"ceph/ceph#39849", hubTrust(`"Effect":"Allow","Action":"sts:AssumeRoleWithWebIdentity"`),
		onHub(onMain, `"https://aws.amazon.com/tags":{"principal_tags":{"Department":["Engineering"]}}`), Denied,
		`which needs sts:TagSession`, "",
	},
	{
		"aripalo/aws-cdk-github-oidc#42",
		trust(hubARN+"/acme",
			`"StringEquals":{"token.actions.githubusercontent.com:sub":"repo:acme/web:ref:refs/heads/main"}`),
		token("https://"+hub+"/acme", onMain), Denied, `the key is of another provider`, "",
	},
	{
		"pulumi/pulumi-hugo#4128", trust("arn:aws:iam::123456789012:oidc-provider/api.pulumi.com/oidc",
			`"StringLike":{"HOST:aud":"contoso*"}`),
		token("https://api.pulumi.com/oidc", `"sub":"pulumi:deploy:org:contoso-malicious:x"`,
			`"aud":"contoso-malicious"`), Allowed, `allows it`,
		"no-sub",
	},
}

func TestReports(t *testing.T) {
	for _, r := range reports {
		t.Run(r.issue, func(t *testing.T) {
			policy, err := Parse([]byte(r.policy))
			if err != nil {
				t.Fatal(err)
			}
			var claims map[string]any
			if err := json.Unmarshal([]byte(r.claims), &claims); err != nil {
				t.Fatal(err)
			}
			result := policy.Evaluate(claims, nil)
			if said := why(result) + "; " + result.Reason; result.Verdict != r.verdict ||
				!strings.Contains(said, r.sentence) {
				t.Errorf("got %s: %s\nwant %s: %s", result.Verdict, said, r.verdict, r.sentence)
			}
			if r.rule != "" && !slices.ContainsFunc(policy.Review(), func(f Finding) bool { return f.Rule == r.rule }) {
				t.Errorf("the review does not find %s: %+v", r.rule, policy.Review())
			}
		})
	}
}
