package trustpolicy

import (
	"cmp"
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
	matches  func(want text, got string) bool
}

var comparisons = map[string]func(want text, got string) bool{
	"StringEquals":             func(want text, got string) bool { return want.plain == got },
	"StringEqualsIgnoreCase":   equalFold,
	"StringLike":               func(want text, got string) bool { return like(want.pattern, []rune(got)) },
	"Bool":                     equalFold,
	"NumericEquals":            numeric(func(order int) bool { return order == 0 }),
	"NumericLessThan":          numeric(func(order int) bool { return order < 0 }),
	"NumericLessThanEquals":    numeric(func(order int) bool { return order <= 0 }),
	"NumericGreaterThan":       numeric(func(order int) bool { return order > 0 }),
	"NumericGreaterThanEquals": numeric(func(order int) bool { return order >= 0 }),
}

func equalFold(want text, got string) bool { return strings.EqualFold(want.plain, got) }

func numeric(holds func(order int) bool) func(want text, got string) bool {
	return func(want text, got string) bool {
		w, errWant := strconv.ParseFloat(want.plain, 64)
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
func (o operator) holds(expected []text, actual []string) Status {
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

func (o operator) passes(expected []text, got string) bool {
	return o.negated != slices.ContainsFunc(expected, func(want text) bool { return o.matches(want, got) })
}
