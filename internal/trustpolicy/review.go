package trustpolicy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A Finding is a reason not to trust as a statement of the policy does.
type Finding struct {
	Rule      string `json:"rule"`
	Statement int    `json:"statement"` // from 0
	Message   string `json:"message"`
	Better    string `json:"better"`
}

const keysPage = "https://docs.aws.amazon.com/service-authorization/latest/reference/list_sts.html"

// A rule looks at an Allow statement for web identities, of which the identity provider is known, or "".
type rule struct {
	id     string
	better string // HOST is the provider's name
	find   func(s statement, provider, roleARN string) []string
}

var rules = []rule{
	{"everyone", `"Principal": {"Federated": "arn:aws:iam::ACCOUNT:oidc-provider/HOST"}`,
		func(s statement, _, _ string) (found []string) {
			for _, p := range s.principals {
				if p.value == "*" {
					found = append(found,
						fmt.Sprintf("the principal %s: %q is every provider, and every account", p.kind, p.value))
				}
			}
			return found
		}},
	{"not-principal", `"Principal": {"Federated": "arn:aws:iam::ACCOUNT:oidc-provider/HOST"}`,
		func(s statement, _, _ string) (found []string) {
			if s.notPrincipal {
				found = append(found, "NotPrincipal trusts everyone that it does not name")
			}
			return found
		}},
	{"foreign-provider", "the ARN of the provider in the role's own account",
		func(s statement, _, roleARN string) (found []string) {
			roleAccount, _, known := strings.Cut(roleARN, ":role/")
			for _, p := range s.principals {
				account, _, isARN := strings.Cut(p.value, ":oidc-provider/")
				if isARN && known && account != roleAccount {
					found = append(found,
						fmt.Sprintf("the provider is of %q, the role of %q: STS takes none but those of the role's account",
							account, roleAccount))
				}
			}
			return found
		}},
	{"no-sub", `"StringEquals": {"HOST:sub": "…"}, the sub of the one job that needs the role`,
		func(s statement, provider, _ string) (found []string) {
			notByJob := provider != google && slices.Contains(builtIn, provider) // such as Cognito's pools
			if len(s.required(provider+":sub")) == 0 && !notByJob {
				found = append(found, "no condition on sub: every token of the provider for this audience gets in")
			}
			return found
		}},
	{"no-aud", `"StringEquals": {"HOST:aud": "sts.amazonaws.com"}`,
		func(s statement, provider, _ string) (found []string) {
			if len(s.required(provider+":aud")) == 0 {
				found = append(found, "no condition on aud: a token that was made for another service gets in")
			}
			return found
		}},
	{"any-subject", `"StringEquals": {"HOST:sub": "…"}, without a wildcard before the organization's or the project's name`, eachSub(func(_, sub string) string {
		if anySubject.MatchString(sub) {
			return "%q holds for strangers: the wildcard stands where the organization or the project is named"
		}
		return ""
	})},
	{"any-repository", `"HOST:sub": "repo:ORG/REPO:environment:NAME"`, eachSub(func(provider, sub string) string {
		if r := parseRepository(sub); isGitHub(provider) && strings.HasPrefix(sub, "repo:") &&
			!anySubject.MatchString(sub) && strings.ContainsAny(r.name, "*?") {
			return "%q holds for every repository of the organization that matches, and for those that its members create"
		}
		return ""
	})},
	{"any-ref", `"HOST:sub": "repo:ORG/REPO:environment:NAME", or "repo:ORG/REPO:ref:refs/heads/main"`,
		eachSub(func(provider, sub string) string {
			r := parseRepository(sub)
			if isGitHub(provider) && strings.HasPrefix(sub, "repo:") && !strings.ContainsAny(r.owner+r.name, "*?") &&
				strings.HasPrefix(r.context, "*") {
				return "%q holds for every branch, tag, environment, and pull request of the repository"
			}
			return ""
		})},
	{"mutable-sub", `"HOST:sub": "repo:ORG@ORG_ID/REPO@REPO_ID:…", as new tokens have it, beside the old form until all have`,
		eachSub(func(provider, sub string) string {
			if r := parseRepository(sub); provider == github && strings.HasPrefix(sub, "repo:") &&
				!strings.ContainsAny(r.owner, "@*?") {
				return "%q names the repository without its ids: repositories that were created, renamed, or transferred since " +
					"July 15, 2026 have them, and a deleted name can be taken by others"
			}
			return ""
		})},
	{"wildcard-equals", `"StringLike" in place of "StringEquals"`, func(s statement, _, _ string) (found []string) {
		for _, c := range s.conditions {
			if o := parseOperator(c.operator); o.name == "StringEquals" || o.name == "StringEqualsIgnoreCase" {
				for _, value := range c.values {
					if strings.ContainsAny(variable.ReplaceAllString(value, ""), "*?") {
						found = append(found, fmt.Sprintf("%s takes the wildcard in %q literally", c.operator, value))
					}
				}
			}
		}
		return found
	}},
	{"for-all-values", `"StringEquals" or "ForAnyValue:StringEquals"`,
		eachCondition(func(c condition, o operator) string {
			if o.set == "ForAllValues" {
				return fmt.Sprintf("%s on %q holds where the key is missing", c.operator, c.key)
			}
			return ""
		})},
	{"if-exists", "the operator without IfExists", eachCondition(func(c condition, o operator) string {
		if key := strings.ToLower(c.key); o.ifExists &&
			(strings.HasSuffix(key, ":sub") || strings.HasSuffix(key, ":aud")) {
			return fmt.Sprintf("%s on %q holds where the key is missing", c.operator, c.key)
		}
		return ""
	})},
	{"unknown-key", "a key of " + keysPage, func(s statement, provider, _ string) (found []string) {
		for _, c := range s.conditions {
			colon := max(strings.LastIndex(c.key, ":"), 0)
			name := strings.ToLower(strings.TrimPrefix(c.key[colon:], ":"))
			if !strings.EqualFold(c.key[:colon], provider) || name == "oaud" ||
				slices.Contains(notOfClaims[provider], name) {
				continue
			}
			if _, documented := claimOf(provider, name); !documented {
				found = append(found,
					fmt.Sprintf("AWS documents no key %q: it is missing from every request, as far as is known", c.key))
			}
		}
		return found
	}},
}

// anySubject matches a sub whose wildcard stands before any name: "*", "repo:*", "repo:*/x", "project_path:a*".
var anySubject = regexp.MustCompile(`^[^:/]*[*?]|^[a-z_]+:[^:/]*[*?]`)

func isGitHub(provider string) bool {
	_, documented := claimOf(provider, "job_workflow_ref")
	return documented
}

func eachCondition(find func(c condition, o operator) string) func(statement, string, string) []string {
	return func(s statement, _, _ string) (found []string) {
		for _, c := range s.conditions {
			if message := find(c, parseOperator(c.operator)); message != "" {
				found = append(found, message)
			}
		}
		return found
	}
}

// eachSub calls find with the provider and each pattern that the sub may match. The message has a verb for it.
func eachSub(find func(provider, sub string) string) func(statement, string, string) []string {
	return func(s statement, provider, _ string) (found []string) {
		for _, sub := range s.required(provider + ":sub") {
			if message := find(provider, sub); message != "" {
				found = append(found, fmt.Sprintf(message, sub))
			}
		}
		return found
	}
}

// required returns the values of which a key must have one for the statement to hold.
func (s statement) required(key string) (values []string) {
	for _, c := range s.conditions {
		o := parseOperator(c.operator)
		if strings.EqualFold(c.key, key) && strings.HasPrefix(o.name, "String") && !o.negated && !o.ifExists &&
			o.set != "ForAllValues" {
			values = append(values, c.values...)
		}
	}
	return values
}

// Review returns what is wrong with the policy, whichever token comes: an Allow for web identities that lets in more than it
// should, or nobody.
func (p *Policy) Review() []Finding {
	findings := []Finding{}
	for i, s := range p.statements {
		if s.effect != "Allow" || checkAction(s, webIdentity).Status != Held {
			continue
		}
		provider := ""
		federated := s.notPrincipal
		for _, principal := range s.principals {
			if _, name, isARN := strings.Cut(principal.value, ":oidc-provider/"); isARN {
				provider = name
			} else if slices.Contains(builtIn, principal.value) {
				provider = principal.value
			}
			federated = federated || principal.value == "*" || principal.kind == "Federated"
		}
		if !federated {
			continue
		}
		for _, r := range rules {
			for _, message := range r.find(s, provider, p.RoleARN) {
				better := r.better
				if provider != "" {
					better = strings.ReplaceAll(better, "HOST", provider)
				}
				findings = append(findings, Finding{r.id, i, message, better})
			}
		}
	}
	return findings
}
