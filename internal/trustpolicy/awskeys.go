package trustpolicy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The claims that are for AWS:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_adding-assume-role-idp,
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html, and what
// https://awsteele.com/blog/2026/07/13/oidc-tokens-can-restrict-which-aws-roles-they-assume.html found of the roles.
const (
	tagsClaim           = "https://aws.amazon.com/tags"
	principalTagsClaim  = tagsClaim + "/principal_tags/"
	transitiveClaim     = tagsClaim + "/transitive_tag_keys"
	sourceIdentityClaim = "https://aws.amazon.com/source_identity"
	rolesClaim          = "https://aws.amazon.com/roles"
)

// sessionTags are the tags that a token asks for.
type sessionTags struct {
	values     map[string]string // by key, as it is spelled
	transitive []string
	malformed  bool
}

func (t sessionTags) any() bool { return len(t.values) > 0 || t.malformed }

// tagsOf reads the tags of a token, in the nested or the flat form.
func tagsOf(claims map[string]any) sessionTags {
	t := sessionTags{values: map[string]string{}}
	add := func(key string, v any) {
		values, ok := stringsOf(v)
		if ok = ok && len(values) == 1 && lookup(t.values, key) == ""; !ok {
			t.malformed = true
			return
		}
		t.values[key] = values[0]
	}
	nested, isObject := claims[tagsClaim].(map[string]any)
	t.malformed = claims[tagsClaim] != nil && !isObject
	principal, isObject := nested["principal_tags"].(map[string]any)
	t.malformed = t.malformed || nested["principal_tags"] != nil && !isObject
	for _, key := range slices.Sorted(maps.Keys(principal)) {
		add(key, principal[key])
	}
	for _, name := range slices.Sorted(maps.Keys(claims)) {
		if key, ok := strings.CutPrefix(name, principalTagsClaim); ok {
			add(key, claims[name])
		}
	}
	for _, v := range []any{nested["transitive_tag_keys"], claims[transitiveClaim]} {
		keys, ok := stringsOf(v)
		t.transitive = append(t.transitive, keys...)
		t.malformed = t.malformed || !ok
	}
	return t
}

// ofAWS returns the readings of a key of AWS's own that the token determines.
func (r request) ofAWS(key string) (readings [][]string, note string, known bool) {
	name := strings.ToLower(key)
	tagKey, isTag := strings.CutPrefix(name, "aws:requesttag/")
	switch {
	case isTag, name == "aws:tagkeys", name == "sts:transitivetagkeys":
		if r.tags.malformed {
			return nil, fmt.Sprintf("the claim %q is not in the form that AWS documents", tagsClaim), true
		}
	}
	var values []string
	switch {
	case isTag:
		if spelled := lookup(r.tags.values, tagKey); spelled != "" {
			values = []string{r.tags.values[spelled]}
		}
	case name == "aws:tagkeys":
		values = slices.Sorted(maps.Keys(r.tags.values))
	case name == "sts:transitivetagkeys":
		values = r.tags.transitive
	case name == "sts:sourceidentity":
		var ok bool
		if values, ok = stringsOf(r.claims[sourceIdentityClaim]); !ok || len(values) > 1 {
			return nil, fmt.Sprintf("the claim %q is not a text", sourceIdentityClaim), true
		}
	case name == "sts:roleauthorizedbyidp":
		return r.authorizedByIdP()
	default:
		return nil, "", false
	}
	if len(values) == 0 {
		note = fmt.Sprintf("the token asks for nothing that %q is about", key)
	}
	return [][]string{values}, note, true
}

// authorizedByIdP returns the readings of sts:RoleAuthorizedByIdp, which is true for a token that names the role. AWS does not
// say whether it is false or missing for a token that names none.
func (r request) authorizedByIdP() (readings [][]string, note string, known bool) {
	switch r.namesRole() {
	case Held:
		return [][]string{{"true"}}, "", true
	case Failed:
		return [][]string{{"false"}}, "", true
	}
	if r.claims[rolesClaim] == nil {
		return [][]string{{"false"}, nil}, fmt.Sprintf("the token has no claim %q", rolesClaim), true
	}
	return nil, fmt.Sprintf("the ARN of the role is unknown here, and the token has the claim %q", rolesClaim), true
}

// namesRole reports whether the token's claim for roles names the role: Unknown where there is no such claim, or where the role
// is unknown.
func (r request) namesRole() Status {
	roles, ok := stringsOf(r.claims[rolesClaim])
	switch {
	case r.claims[rolesClaim] == nil, !ok:
		return Unknown
	case r.roleARN == "":
		return Unknown
	case slices.Contains(roles, r.roleARN):
		return Held
	}
	return Failed
}
