package trustpolicy

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// A request is what IAM sees of an exchange, as far as it is known here.
type request struct {
	provider string // the token's iss without https://
	roleARN  string // "" where it is unknown
	claims   map[string]any
	tags     sessionTags
	context  map[string][]string
}

const (
	google = "accounts.google.com"
	github = "token.actions.githubusercontent.com"
)

var (
	gitHubClaims = []string{"actor", "actor_id", "enterprise_id", "environment", "job_workflow_ref", "ref",
		"repository", "repository_id",
		"repository_owner_id", "workflow"}
	buildkiteClaims = []string{"build_branch", "cluster_id", "cluster_name", "organization_id", "organization_slug",
		"pipeline_id", "pipeline_slug"}
	gitLabClaims = []string{"namespace_id", "pipeline_source", "project_id", "ref_protected", "runner_environment",
		"user_access_level",
		"user_email", "user_id", "user_login"}
)

// providers are the claims that IAM makes condition keys of, beside those of every provider, for which issuers. This is the
// table of https://docs.aws.amazon.com/service-authorization/latest/reference/list_sts.html, as of November 2026. Of any other
// claim IAM has been seen to make no key: a condition on it fails as if the claim were missing (windmill-labs/windmilldocs#635).
var providers = []struct {
	issuer *regexp.Regexp
	claims []string
}{
	{regexp.MustCompile(`^token\.actions\.githubusercontent\.com(/[A-Za-z0-9_-]+)?$`), gitHubClaims},
	{regexp.MustCompile(`^token\.actions\.[a-z0-9-]+\.ghe\.com$`), gitHubClaims},
	{regexp.MustCompile(`^github\.com/enterprises/[A-Za-z0-9_-]+$`), gitHubClaims},
	{regexp.MustCompile(`^gitlab\.com$`), gitLabClaims},
	{regexp.MustCompile(`^agent\.buildkite\.com$`), buildkiteClaims},
	{regexp.MustCompile(`^agent\.[a-z0-9-]+\.buildkite\.(dev|site)$`), buildkiteClaims},
	{regexp.MustCompile(`^oidc\.circleci\.com/org/[A-Za-z0-9-]+$`), []string{"oidc.circleci.com/project-id"}},
	{regexp.MustCompile(`^idcs-[a-z0-9]+\.identity\.oraclecloud\.com$`), []string{"rpst_id"}},
}

// ofEveryProvider are the claims that IAM makes condition keys of for every provider:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif
var ofEveryProvider = []string{"amr", "aud", "email", "sub"}

// notOfClaims are the keys of AWS's table that are not named after a claim.
var notOfClaims = map[string][]string{
	google:               {"google/organization_number"},
	"graph.facebook.com": {"app_id", "id"},
	"www.amazon.com":     {"app_id", "user_id"},
}

// claimOf returns the claim that IAM makes a key of, whose name is in lower case. Names of claims are case-sensitive, those of
// keys are not.
func claimOf(provider, name string) (claim string, documented bool) {
	known := ofEveryProvider
	for _, p := range providers {
		if p.issuer.MatchString(provider) {
			known = slices.Concat(known, p.claims)
		}
	}
	return name, slices.Contains(known, name)
}

// readings returns the values that IAM may have under a key; a reading without a value is that of a missing key. There is
// one reading where AWS's documentation settles it, several where it doesn't, none where the key is unknown here. Note
// says why.
func (r request) readings(key string, set bool) (readings [][]string, note string) {
	if readings, note, known := r.ofAWS(key); known {
		return alone(readings, set, note)
	}
	colon := max(strings.LastIndex(key, ":"), 0)
	provider, name := key[:colon], strings.TrimPrefix(key[colon:], ":")
	if strings.EqualFold(provider, r.provider) {
		return r.ofProvider(name, set)
	}
	if given := lookup(r.context, key); given != "" {
		if len(r.context[given]) == 0 {
			return [][]string{nil}, fmt.Sprintf("%q is not there", key)
		}
		return alone([][]string{r.context[given]}, set, "")
	}
	if strings.Contains(provider, ".") && !isOfAWS(key) {
		return [][]string{nil},
			fmt.Sprintf("the key is of another provider: the policy names %q, the token is from %q%s",
				provider, r.provider, slash(provider, r.provider))
	}
	return nil, fmt.Sprintf("%q is unknown here: a token does not determine it", key)
}

// isOfAWS reports whether a key is AWS's own, and not of a provider.
func isOfAWS(key string) bool {
	prefix, _, _ := strings.Cut(strings.ToLower(key), ":")
	return prefix == "aws" || prefix == "sts" || prefix == "iam"
}

// ofProvider returns the readings of a key of the token's provider.
//
// AWS documents that accounts.google.com:aud is the token's azp where it has one, and :oaud then its aud
// (reference_policies_iam-condition-keys.html#condition-keys-wif). For other providers nothing is documented, while STS has been
// seen to take azp for the audience of Microsoft's tokens (aws/aws-sdk-net#3100): both readings are tried.
func (r request) ofProvider(spelled string, set bool) (readings [][]string, note string) {
	name := strings.ToLower(spelled)
	if slices.Contains(notOfClaims[r.provider], name) {
		return nil, fmt.Sprintf("AWS does not say which claim the key %q is made of", name)
	}
	claim, documented := claimOf(r.provider, name)
	if !documented {
		claim = cmp.Or(lookup(r.claims, spelled), spelled)
	}
	if name == "oaud" {
		claim = "aud"
	}
	value, ok := stringsOf(r.claims[claim])
	party, _ := r.claims["azp"].(string)
	switch {
	case !ok:
		return nil, fmt.Sprintf("the claim %q is neither a text nor a list of texts", claim)
	case name == "iss":
		return [][]string{value, nil}, "AWS documents no key iss: the provider in Principal is the issuer"
	case name == "aud" && party != "" && r.provider == google:
		return [][]string{{party}},
			fmt.Sprintf("the key aud is the token's azp, %q, where it has one; its aud is the key oaud", party)
	case name == "aud" && party != "":
		return alone([][]string{{party}, value}, set,
			"the token has azp beside aud, and AWS does not say which of them the key aud is")
	case len(value) == 0:
		return [][]string{nil}, fmt.Sprintf("the token has no claim %q", claim)
	case documented, name == "oaud" && party != "" && r.provider == google:
		return alone([][]string{value}, set, "")
	}
	return alone([][]string{value, nil}, set,
		fmt.Sprintf("AWS documents no key %q of this provider for such a token: it may be missing", name))
}

// alone reads several values under an operator that is not one for sets, for which AWS documents nothing, as each of them.
func alone(readings [][]string, set bool, note string) ([][]string, string) {
	if set {
		return readings, note
	}
	var all [][]string
	for _, reading := range readings {
		if len(reading) < 2 {
			all = append(all, reading)
			continue
		}
		note = cmp.Or(note, "several values need ForAnyValue or ForAllValues: AWS does not say what another operator makes of them")
		for _, value := range reading {
			all = append(all, []string{value})
		}
	}
	return all, note
}

// lookup returns a key as m spells it: condition keys are case-insensitive. An exact match comes first.
func lookup[V any](m map[string]V, key string) string {
	if _, found := m[key]; found {
		return key
	}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if strings.EqualFold(k, key) {
			return k
		}
	}
	return ""
}
