package trustpolicy

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// An oracle decides a policy a second time, slowly and plainly: in every world that the claims leave open, which says of each
// key what values it has.

// world is what IAM sees in one of them: the values of a key for operators on sets and for others.
type world map[string][]string

func worldKey(key string, set bool) string { return fmt.Sprint(strings.ToLower(key), set) }

// oracleKeys are the keys that a generated policy has, and what the claims leave open of each.
var oracleKeys = map[string]func(claims map[string]any) (options [][]string){
	hub + ":sub":                 oracleClaim("sub"),
	hub + ":SUB":                 oracleClaim("sub"),
	hub + ":aud":                 oracleAudience,
	hub + ":ref":                 oracleClaim("ref"),
	hub + ":amr":                 oracleClaim("amr"),
	hub + ":other":               oracleOptional("other"),
	"gitlab.com:sub":             func(map[string]any) [][]string { return [][]string{nil} },
	"aws:RequestTag/t":           oracleTag,
	"aws:requesttag/T":           oracleTag,
	"aws:TagKeys":                oracleTagKeys,
	"sts:SourceIdentity":         oracleClaim(sourceIdentityClaim),
	"sts:RoleSessionName":        func(map[string]any) [][]string { return [][]string{{"a"}} },
	"sts:ExternalId":             func(map[string]any) [][]string { return [][]string{nil} },
	"token.actions.other.ab:sub": func(map[string]any) [][]string { return [][]string{nil} },
}

func oracleList(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var all []string
		for _, element := range v {
			all = append(all, element.(string))
		}
		return all
	}
	return nil
}

func oracleClaim(name string) func(map[string]any) [][]string {
	return func(claims map[string]any) [][]string { return [][]string{oracleList(claims[name])} }
}

func oracleOptional(name string) func(map[string]any) [][]string {
	return func(claims map[string]any) [][]string {
		if claims[name] == nil {
			return [][]string{nil}
		}
		return [][]string{oracleList(claims[name]), nil}
	}
}

func oracleAudience(claims map[string]any) [][]string {
	if claims["azp"] == nil {
		return [][]string{oracleList(claims["aud"])}
	}
	return [][]string{oracleList(claims["aud"]), oracleList(claims["azp"])}
}

func oracleTag(claims map[string]any) [][]string {
	tag, _ := claims[principalTagsClaim+"t"].(string)
	if tag == "" {
		return [][]string{nil}
	}
	return [][]string{{tag}}
}

func oracleTagKeys(claims map[string]any) [][]string {
	if oracleTag(claims)[0] == nil {
		return [][]string{nil}
	}
	return [][]string{{"t"}}
}

// worlds are all combinations of what is open.
func worlds(claims map[string]any) []world {
	all := []world{{}}
	done := map[string]bool{}
	for key, options := range oracleKeys {
		for _, set := range []bool{false, true} {
			name := worldKey(key, set)
			if done[name] {
				continue
			}
			done[name] = true
			var open [][]string
			for _, values := range options(claims) {
				if set || len(values) < 2 {
					open = append(open, values)
					continue
				}
				for _, value := range values {
					open = append(open, []string{value})
				}
			}
			var next []world
			for _, w := range all {
				for _, values := range open {
					copied := world{name: values}
					for k, v := range w {
						copied[k] = v
					}
					next = append(next, copied)
				}
			}
			all = next
		}
	}
	return all
}

func oraclePattern(pattern string) *regexp.Regexp {
	quoted := strings.NewReplacer(`\*`, `(?s:.*)`, `\?`, `(?s:.)`).Replace(regexp.QuoteMeta(pattern))
	return regexp.MustCompile(`^` + quoted + `$`)
}

// oracleCompare compares one value with one, by the operator without its qualifiers.
func oracleCompare(operator, want, got string) bool {
	w, wErr := strconv.ParseFloat(want, 64)
	g, gErr := strconv.ParseFloat(got, 64)
	numbers := wErr == nil && gErr == nil
	switch operator {
	case "StringEquals":
		return want == got
	case "StringEqualsIgnoreCase", "Bool":
		return strings.EqualFold(want, got)
	case "StringLike":
		return oraclePattern(want).MatchString(got)
	case "NumericEquals":
		return numbers && g == w
	case "NumericLessThan":
		return numbers && g < w
	case "NumericGreaterThanEquals":
		return numbers && g >= w
	}
	panic(operator)
}

// oracleCondition says whether a condition holds for the values of its key.
func oracleCondition(operator string, wanted, got []string) bool {
	if operator == "Null" {
		return slices.ContainsFunc(wanted,
			func(want string) bool { return strings.EqualFold(want, fmt.Sprint(len(got) == 0)) })
	}
	set, operator, isSet := strings.Cut(operator, ":")
	if !isSet {
		set, operator = "", set
	}
	operator, ifExists := strings.CutSuffix(operator, "IfExists")
	positive := strings.Replace(operator, "Not", "", 1)
	negated := positive != operator
	one := func(got string) bool {
		for _, want := range wanted {
			if oracleCompare(positive, want, got) {
				return !negated
			}
		}
		return negated
	}
	switch {
	case set == "ForAllValues":
		for _, value := range got {
			if !one(value) {
				return false
			}
		}
		return true
	case len(got) == 0:
		return ifExists || negated && set == ""
	}
	return slices.ContainsFunc(got, one)
}

type oracleStatement struct {
	effect     string
	actions    []string
	operators  []string
	keys       []string
	conditions [][]string
}

// allows says whether a policy allows an action in a world.
func (w world) allows(policy []oracleStatement, action string) bool {
	allowed := false
	for _, s := range policy {
		applies := slices.Contains(s.actions, action)
		for i, operator := range s.operators {
			applies = applies && oracleCondition(operator, s.conditions[i],
				w[worldKey(s.keys[i], strings.Contains(operator, ":"))])
		}
		if applies && s.effect == "Deny" {
			return false
		}
		allowed = allowed || applies
	}
	return allowed
}

// choices are bytes that choose.
type choices []byte

func (c *choices) of(n int) int {
	if len(*c) == 0 {
		return 0
	}
	b := (*c)[0]
	*c = (*c)[1:]
	return int(b) % n
}

func one[T any](c *choices, all ...T) T { return all[c.of(len(all))] }

func (c *choices) texts() []string {
	texts := []string{"a", "b", "A", "a*", "?", "*", "ab", "1", "2", "true", "t"}
	values := []string{one(c, texts...)}
	if c.of(3) == 0 {
		values = append(values, one(c, texts...))
	}
	return values
}

func (c *choices) policy() (document string, policy []oracleStatement) {
	keys := make([]string, 0, len(oracleKeys))
	for key := range oracleKeys {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	var statements []map[string]any
	for range 1 + c.of(3) {
		s := oracleStatement{effect: one(c, "Allow", "Allow", "Deny"), actions: []string{webIdentity}}
		s.actions = append(s.actions,
			one(c, [][]string{nil, {"sts:TagSession"}, {"sts:SetSourceIdentity", "sts:TagSession"}}...)...)
		condition := map[string]map[string][]string{}
		for range c.of(3) {
			operator := one(c, "StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringLike",
				"StringNotLike", "Bool", "Null",
				"NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericGreaterThanEquals")
			if operator != "Null" {
				operator = one(c, "", "", "ForAnyValue:", "ForAllValues:") + operator
				if !strings.HasPrefix(operator, "ForAnyValue:") { // of which AWS does not say what IfExists does
					operator += one(c, "", "IfExists")
				}
			}
			key, values := one(c, keys...), c.texts()
			if condition[operator] == nil {
				condition[operator] = map[string][]string{}
			}
			if condition[operator][key] != nil {
				continue
			}
			condition[operator][key] = values
			s.operators, s.keys, s.conditions = append(s.operators, operator), append(s.keys, key),
				append(s.conditions, values)
		}
		policy = append(policy, s)
		statements = append(statements,
			map[string]any{"Effect": s.effect, "Principal": map[string]string{"Federated": hubARN},
				"Action": s.actions, "Condition": condition})
	}
	text, _ := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
	return string(text), policy
}

func (c *choices) claims() map[string]any {
	claims := map[string]any{"iss": "https://" + hub}
	for _, name := range []string{"sub", "Sub", "aud", "azp", "ref", "other", "amr", principalTagsClaim + "t",
		sourceIdentityClaim} {
		switch c.of(4) {
		case 0:
		case 1:
			if name == "aud" || name == "amr" {
				claims[name] = []any{one(c, "a", "b", "t"), one(c, "ab", "1")}
				continue
			}
			fallthrough
		default:
			claims[name] = one(c, "a", "b", "A", "ab", "1", "true", "t")
		}
	}
	return claims
}

// FuzzOracle compares the evaluator with the oracle, which never disagrees with a yes or a no.
func FuzzOracle(f *testing.F) {
	for i := range 64 {
		seed := make([]byte, 40)
		for j := range seed {
			seed[j] = byte(i*31 + j*j*7 + i*j)
		}
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed []byte) {
		c := choices(seed)
		claims := c.claims()
		document, plain := c.policy()
		policy, err := Parse([]byte(document))
		if err != nil {
			t.Fatalf("%v: %s", err, document)
		}
		result := policy.Evaluate(claims, map[string][]string{"sts:RoleSessionName": {"a"}, "sts:ExternalId": nil})
		yes, no := 0, 0
		for _, w := range worlds(claims) {
			allowed := w.allows(plain, webIdentity)
			if claims[principalTagsClaim+"t"] != nil {
				allowed = allowed && w.allows(plain, "sts:TagSession")
			}
			if claims[sourceIdentityClaim] != nil {
				allowed = allowed && w.allows(plain, "sts:SetSourceIdentity")
			}
			if allowed {
				yes++
			} else {
				no++
			}
		}
		wrong := result.Verdict == Allowed && no > 0 || result.Verdict == Denied && yes > 0 ||
			result.Verdict == Undecided && yes+no == 1
		if wrong {
			t.Errorf("%s (%s), and the oracle says yes in %d worlds and no in %d\n%s\n%v", result.Verdict,
				result.Reason, yes, no, document, claims)
		}
	})
}
