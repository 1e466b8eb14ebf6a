package trustpolicy

import (
	"fmt"
	"regexp"
	"strings"
)

// text is a value of a policy, in which * and ? of a String operator are wildcards.
type text struct {
	plain   string // as it is compared without wildcards
	pattern []rune
}

func asTexts(values []string) []text {
	var all []text
	for _, value := range values {
		all = append(all, text{value, wildcards(value)})
	}
	return all
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
var variable = regexp.MustCompile(`\$\{([^{}]*)\}`)

// substitute puts the values of policy variables into the values of a condition. Why says what is unknown.
func (r request) substitute(values []string) (all []text, why string) {
	for _, value := range values {
		var t text
		end := 0
		add := func(plain string) {
			t.plain += plain
			t.pattern = append(t.pattern, []rune(plain)...)
		}
		for _, m := range variable.FindAllStringSubmatchIndex(value, -1) {
			literal := value[end:m[0]]
			t.plain += literal
			t.pattern = append(t.pattern, wildcards(literal)...)
			end = m[1]
			name, fallback, hasDefault := strings.Cut(value[m[2]:m[3]], ",")
			if name == "*" || name == "?" || name == "$" {
				add(name)
				continue
			}
			readings, _ := r.readings(strings.TrimSpace(name), false)
			fallback = strings.TrimSpace(fallback)
			switch {
			case len(readings) == 1 && len(readings[0]) == 1 && !strings.ContainsAny(readings[0][0], "*?"): // AWS says nothing of wildcards there
				add(readings[0][0])
			case len(readings) == 1 && len(readings[0]) == 0 && hasDefault && len(fallback) > 1 && strings.Trim(fallback, "'") == fallback[1:len(fallback)-1]:
				add(fallback[1 : len(fallback)-1])
			default:
				return nil, fmt.Sprintf("the policy variable ${%s} is unknown here: a token does not determine it",
					name)
			}
		}
		t.plain += value[end:]
		t.pattern = append(t.pattern, wildcards(value[end:])...)
		all = append(all, t)
	}
	return all, ""
}
