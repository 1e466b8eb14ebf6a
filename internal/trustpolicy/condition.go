package trustpolicy

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// An operator compares as https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
// and, for the sets, https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
// say.
type operator struct {
	set      string // ForAnyValue, ForAllValues or ""
	name     string // without "Not"
	negated  bool
	ifExists bool
	matches  func(want, got string) bool
}

var comparisons = map[string]func(want, got string) bool{
	"StringEquals":             func(want, got string) bool { return want == got },
	"StringEqualsIgnoreCase":   strings.EqualFold,
	"StringLike":               Like,
	"Bool":                     strings.EqualFold,
	"NumericEquals":            numeric(func(order int) bool { return order == 0 }),
	"NumericLessThan":          numeric(func(order int) bool { return order < 0 }),
	"NumericLessThanEquals":    numeric(func(order int) bool { return order <= 0 }),
	"NumericGreaterThan":       numeric(func(order int) bool { return order > 0 }),
	"NumericGreaterThanEquals": numeric(func(order int) bool { return order >= 0 }),
}

func numeric(holds func(order int) bool) func(want, got string) bool {
	return func(want, got string) bool {
		w, errWant := strconv.ParseFloat(want, 64)
		g, errGot := strconv.ParseFloat(got, 64)
		return errWant == nil && errGot == nil && holds(cmp.Compare(g, w))
	}
}

// parseOperator returns an operator without matches for one that is not evaluated here.
func parseOperator(text string) (o operator) {
	if set, rest, ok := strings.Cut(text, ":"); ok {
		if set != "ForAnyValue" && set != "ForAllValues" {
			return operator{}
		}
		o.set, text = set, rest
	}
	text, o.ifExists = strings.CutSuffix(text, "IfExists")
	o.name = text
	if o.negated = text == "NumericNotEquals" || strings.HasPrefix(text, "StringNot"); o.negated {
		o.name = strings.Replace(text, "Not", "", 1)
	}
	o.matches = comparisons[o.name]
	return o
}

// holds compares the values of a key, of which none means that the key is missing. Then a negated operator holds and
// another doesn't, IfExists holds, ForAllValues holds and ForAnyValue doesn't.
func (o operator) holds(expected, actual []string) Status {
	passes := func(got string) bool { return o.passes(expected, got) }
	held := false
	switch {
	case o.set == "ForAllValues":
		held = !slices.ContainsFunc(actual, func(got string) bool { return !passes(got) })
	case len(actual) == 0 && o.set == "ForAnyValue" && o.ifExists:
		// AWS's page says that IfExists makes it true; https://iam.cloudcopilot.io/resources/operators found that
		// ForAnyValue ignores IfExists.
		return Unknown
	case len(actual) == 0:
		held = o.ifExists || o.negated && o.set == ""
	default:
		held = slices.ContainsFunc(actual, passes)
	}
	if held {
		return Held
	}
	return Failed
}

func (o operator) passes(expected []string, got string) bool {
	return o.negated != slices.ContainsFunc(expected, func(want string) bool { return o.matches(want, got) })
}

func (r request) condition(c condition, variables bool) Check {
	check := Check{Status: Unknown, Operator: c.operator, Key: c.key, Expected: c.values}
	o := parseOperator(c.operator)
	readings, note := r.readings(c.key, o.set != "")
	for _, reading := range readings {
		for _, value := range reading {
			if !slices.Contains(check.Actual, value) {
				check.Actual = append(check.Actual, value)
			}
		}
	}
	holds := func(actual []string) Status { return o.holds(c.values, actual) }
	switch {
	case c.operator == "Null":
		holds = func(actual []string) Status {
			if slices.Contains(c.values, fmt.Sprint(len(actual) == 0)) {
				return Held
			}
			return Failed
		}
	case o.matches == nil:
		check.Why = fmt.Sprintf("the operator %q is not evaluated", c.operator)
		return check
	case variables && strings.Contains(strings.Join(c.values, "\n"), "${"):
		check.Why = "policy variables, ${…}, are not evaluated"
		return check
	}
	if len(readings) == 0 {
		check.Why = note
		return check
	}
	check.Status = holds(readings[0])
	for _, reading := range readings[1:] {
		if holds(reading) != check.Status {
			check.Status = Unknown
		}
	}
	switch {
	case check.Status == Failed && len(check.Actual) == 0:
		check.Why = note
	case check.Status == Failed:
		check.Why = nearest(c, o, check.Actual)
		if note != "" {
			check.Why += "; " + note
		}
	case check.Status == Unknown && len(check.Actual) == 0:
		check.Why = "AWS does not say what ForAnyValue with IfExists makes of a missing key"
	case check.Status == Unknown:
		check.Why = note
	}
	return check
}

// A request is what IAM sees of an exchange, as far as it is known here.
type request struct {
	provider string // the token's iss without https://
	claims   map[string]any
	context  map[string][]string
}

const (
	google = "accounts.google.com"
	github = "token.actions.githubusercontent.com"
)

// IAM makes condition keys of a few claims only: of every provider the first ones, and since February 2026 of some
// providers a few more (https://aws.amazon.com/about-aws/whats-new/2026/01/aws-sts-supports-validation-identity-provider-claims/,
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif). A
// condition on any other claim has been seen to fail as if the claim were missing (windmill-labs/windmilldocs#635).
var (
	documented       = []string{"amr", "aud", "email", "sub"}
	documentedGitHub = []string{"actor", "actor_id", "enterprise_id", "environment", "job_workflow_ref", "ref", "repository", "repository_id", "workflow"}
)

// readings returns the values that IAM may have under a key; a reading without a value is that of a missing key. There is
// one reading where AWS's documentation settles it, several where it doesn't, none where the key is unknown here. Note
// says why.
//
// AWS documents that accounts.google.com:aud is the token's azp where it has one, and :oaud then its aud
// (reference_policies_iam-condition-keys.html#condition-keys-wif). For other providers nothing is documented, while STS has been
// seen to take azp for the audience of Microsoft's tokens (aws/aws-sdk-net#3100): both readings are tried.
func (r request) readings(key string, set bool) (readings [][]string, note string) {
	colon := max(strings.LastIndex(key, ":"), 0)
	provider, name := key[:colon], strings.ToLower(strings.TrimPrefix(key[colon:], ":"))
	if !strings.EqualFold(provider, r.provider) {
		if given := lookup(r.context, key); given != "" {
			if len(r.context[given]) == 0 {
				return [][]string{nil}, fmt.Sprintf("%q is not there", key)
			}
			return alone([][]string{r.context[given]}, set, "")
		}
		if strings.Contains(provider, ".") {
			return [][]string{nil}, fmt.Sprintf("the key is of another provider: the policy names %q, the token is from %q%s", provider, r.provider, slash(provider, r.provider))
		}
		return nil, fmt.Sprintf("%q is unknown here: a token does not determine it", key)
	}
	claim := name
	if name == "oaud" {
		claim = "aud"
	}
	value, ok := stringsOf(r.claims[lookup(r.claims, claim)])
	party, _ := r.claims["azp"].(string)
	switch {
	case !ok:
		return nil, fmt.Sprintf("the claim %q is neither a text nor a list of texts", claim)
	case name == "aud" && party != "" && r.provider == google:
		return [][]string{{party}}, fmt.Sprintf("the key aud is the token's azp, %q, where it has one; its aud is the key oaud", party)
	case name == "aud" && party != "":
		return alone([][]string{{party}, value}, set, "the token has azp beside aud, and AWS does not say which of them the key aud is")
	case len(value) == 0:
		return [][]string{nil}, fmt.Sprintf("the token has no claim %q", claim)
	case slices.Contains(documented, name),
		slices.Contains(documentedGitHub, name) && strings.HasPrefix(r.provider+"/", github+"/"),
		name == "oaud" && party != "" && r.provider == google:
		return alone([][]string{value}, set, "")
	}
	return alone([][]string{value, nil}, set, fmt.Sprintf("AWS documents no key %q of this provider for such a token: it may be missing", name))
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

// lookup returns a key as m spells it: condition keys are case-insensitive.
func lookup[V any](m map[string]V, key string) string {
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if strings.EqualFold(k, key) {
			return k
		}
	}
	return ""
}

// Like matches as StringLike does: * is any text, ? any one character.
func Like(pattern, text string) bool {
	p, t := []rune(pattern), []rune(text)
	star, mark, i := -1, 0, 0
	for j := 0; j < len(t); {
		switch {
		case i < len(p) && p[i] == '*':
			star, mark = i, j
			i++
		case i < len(p) && (p[i] == '?' || p[i] == t[j]):
			i++
			j++
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(string(p[i:]), "*") == ""
}
