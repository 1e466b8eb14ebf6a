package trustpolicy

import (
	"fmt"
	"slices"
	"strings"
)

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
	expected := asTexts(c.values)
	holds := func(actual []string) Status { return o.holds(expected, actual) }
	switch {
	case c.operator == "Null":
		holds = func(actual []string) Status { return null(c.values, actual) }
	case o.matches == nil:
		check.Why = fmt.Sprintf("the operator %q is not evaluated", c.operator)
		return check
	case variables && strings.Contains(strings.Join(c.values, "\n"), "${"):
		if expected, check.Why = r.substitute(c.values); check.Why != "" {
			return check
		}
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
	check.Why = note
	switch {
	case check.Status == Held:
		check.Why = ""
	case check.Status == Unknown && len(check.Actual) == 0:
		check.Why = "AWS does not say what ForAnyValue with IfExists makes of a missing key"
	case check.Status == Failed && len(check.Actual) > 0:
		check.Why = strings.TrimSuffix(nearest(c, expected, o, check.Actual)+"; "+note, "; ")
	}
	return check
}

// null compares as the operator Null does.
func null(values, actual []string) Status {
	missing := fmt.Sprint(len(actual) == 0)
	if slices.ContainsFunc(values, func(value string) bool { return strings.EqualFold(value, missing) }) {
		return Held
	}
	return Failed
}
