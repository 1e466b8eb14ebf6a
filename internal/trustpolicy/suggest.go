package trustpolicy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// A Suggestion is a trust policy to begin with.
type Suggestion struct {
	// Document is the narrowest policy that lets the token in.
	Document []byte

	// Alternatives are what its condition on sub could be instead, from narrow to wide.
	Alternatives []Alternative

	// Issuer is the URL of the identity provider, and Audience what it must list.
	Issuer, Audience string
}

// An Alternative is an operator and a value for the condition on sub.
type Alternative struct{ Operator, Sub, Admits string }

// Suggest returns the trust policy that a token with these claims needs, for a role of an account in a partition.
func Suggest(claims map[string]any, partition, account string) (Suggestion, error) {
	issuer, _ := claims["iss"].(string)
	sub, _ := claims["sub"].(string)
	provider := strings.TrimPrefix(issuer, "https://")
	audience, _ := claims["azp"].(string)
	if audiences, _ := stringsOf(claims["aud"]); audience == "" && len(audiences) == 1 {
		audience = audiences[0]
	}
	if provider == "" || sub == "" || audience == "" {
		return Suggestion{}, fmt.Errorf("the claims need an iss, a sub, and one aud; they have iss %q, sub %q, aud %q",
			issuer, sub, claims["aud"])
	}
	principal := fmt.Sprintf("arn:%s:iam::%s:oidc-provider/%s", partition, account, provider)
	if provider == google {
		principal = google
	}
	equals := map[string]string{provider + ":aud": audience, provider + ":sub": sub}
	condition := map[string]any{"StringEquals": equals}
	actions := []string{webIdentity}
	if tagsOf(claims).any() {
		actions = append(actions, "sts:TagSession")
	}
	if identity, ok := claims[sourceIdentityClaim].(string); ok {
		actions = append(actions, "sts:SetSourceIdentity")
		equals["sts:SourceIdentity"] = identity
	}
	if claims[rolesClaim] != nil {
		condition["Bool"] = map[string]string{"sts:RoleAuthorizedByIdp": "true"}
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(policyDocument{"2012-10-17",
		[]statementDocument{{"Allow", map[string]string{"Federated": principal}, actions, condition}}})
	return Suggestion{text.Bytes(), alternatives(provider, sub), "https://" + provider, audience}, err
}

type policyDocument struct {
	Version   string
	Statement []statementDocument
}

type statementDocument struct {
	Effect    string
	Principal map[string]string
	Action    []string
	Condition map[string]any
}

var label = regexp.MustCompile(`^([a-z_]+:[^:]+):`)

// alternatives widens a sub step by step, and never beyond the repository or project.
func alternatives(provider, sub string) []Alternative {
	if isGitHub(provider) && strings.HasPrefix(sub, "repo:") {
		r := parseRepository(sub)
		repo := "repo:" + r.owner + "/" + r.name + ":"
		all := []Alternative{{"StringEquals", sub, "what this token is for, and nothing else"}}
		if kind, _ := parseContext(r.context); kind == "branch" {
			all = append(all, Alternative{"StringLike", repo + "ref:refs/heads/*", "every branch"})
		} else if kind == "tag" {
			all = append(all, Alternative{"StringLike", repo + "ref:refs/tags/*", "every tag"})
		}
		if kind, _ := parseContext(r.context); kind != "environment" {
			all = append(all, Alternative{"StringEquals", repo + "environment:NAME",
				"jobs of an environment, whose protection rules then hold for the role"})
		}
		return append(all, Alternative{"StringLike", repo + "*",
			"every branch, tag, environment, and pull request of the repository"})
	}
	all := []Alternative{{"StringEquals", sub, "what this token is for, and nothing else"}}
	// organization:a:pipeline:b:ref:c is wider as organization:a:pipeline:b:*, and not as organization:a:*.
	if first := label.FindString(sub); first != "" {
		if second := label.FindString(sub[len(first):]); second != "" {
			all = append(all, Alternative{"StringLike", first + second + "*",
				"everything of that " + strings.SplitN(second, ":", 2)[0]})
		}
	}
	return all
}
