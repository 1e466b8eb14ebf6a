package trustpolicy

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

const (
	hub       = "token.actions.githubusercontent.com"
	hubARN    = "arn:aws:iam::123456789012:oidc-provider/" + hub
	onMain    = `"sub":"repo:acme/web:ref:refs/heads/main"`
	prod      = `"sub":"repo:acme/web:environment:prod"`
	allowedBy = "Statement[0] allows it"
)

// trust is a policy of one statement, with one condition after another, and the provider's name for HOST.
func trust(provider string, conditions ...string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Federated":%q},
		"Action":"sts:AssumeRoleWithWebIdentity","Condition":{%s}}}`, provider, host(provider, conditions...))
}

func host(provider string, conditions ...string) string {
	if _, name, ok := strings.Cut(provider, ":oidc-provider/"); ok {
		provider = name
	}
	return strings.ReplaceAll(strings.Join(conditions, ","), "HOST", provider)
}

// hubTrust is a policy for GitHub of several statements, of which the members besides the Principal are given.
func hubTrust(statements ...string) string {
	for i, s := range statements {
		statements[i] = fmt.Sprintf(`{"Principal":{"Federated":%q},%s}`, hubARN, host(hub, s))
	}
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

func token(iss string, claims ...string) string {
	return fmt.Sprintf(`{"iss":%q,%s}`, iss, strings.Join(append(claims, `"exp":1`), ","))
}

func onHub(claims ...string) string {
	return token("https://"+hub, append(claims, `"aud":"sts.amazonaws.com"`)...)
}

// why is the text of the first check that isn't held, or the reason where all are, or where it is about another action.
func why(result Result) string {
	for _, s := range result.Statements {
		for _, check := range append([]Check{s.Principal, s.Action}, s.Conditions...) {
			if check.Status != Held {
				return check.Why
			}
		}
	}
	return result.Reason
}

func allEvaluations() (all []evaluation) {
	for _, group := range evaluations {
		all = append(all, group.evaluations...)
	}
	return all
}

func TestEvaluate(t *testing.T) {
	for _, c := range allEvaluations() {
		t.Run(c.name, func(t *testing.T) {
			policy, err := Parse([]byte(c.policy))
			if err != nil {
				t.Fatal(err)
			}
			var claims map[string]any
			if err := json.Unmarshal([]byte(c.claims), &claims); err != nil {
				t.Fatal(err)
			}
			result := policy.Evaluate(claims, c.context)
			if result.Verdict != c.verdict || why(result) != c.why {
				t.Errorf("got %s: %s\nwant %s: %s", result.Verdict, why(result), c.verdict, c.why)
			}
			sound(t, result)
		})
	}
}

// sound holds for every result.
func sound(t *testing.T, result Result) {
	t.Helper()
	count := map[string]int{}
	for _, s := range result.Statements {
		status := Held
		for _, check := range append([]Check{s.Principal, s.Action}, s.Conditions...) {
			if (check.Status == Held) != (check.Why == "") || strings.Contains(check.Why, "\n") {
				t.Errorf("a check that is %s says %q", check.Status, check.Why)
			}
			switch {
			case check.Status == Failed:
				status = Failed
			case check.Status == Unknown && status == Held:
				status = Unknown
			}
		}
		if s.Status != status {
			t.Errorf("statement %d is %s, its checks are %s", s.Index, s.Status, status)
		}
		count[s.Effect+string(status)]++
	}
	if result.Verdict == Allowed && (count["Allowheld"] == 0 || count["Denyheld"]+count["Denyunknown"] > 0) {
		t.Errorf("allowed by %v", count)
	}
	if result.Reason == "" {
		t.Error("no reason")
	}
}

func TestForms(t *testing.T) {
	document := trust(hubARN, `"StringEquals":{"HOST:sub":"a+b c"}`)
	encoded := url.PathEscape(document)
	const arn = "arn:aws:iam::123456789012:role/deploy"
	for name, form := range map[string]struct{ text, arn string }{
		"document":               {"\n" + document + "\n", ""},
		"URL-encoded":            {encoded, ""},
		"URL-encoded, in quotes": {`"` + encoded + `"`, ""},
		"get-role":               {fmt.Sprintf(`{"Role":{"Path":"/","RoleName":"deploy","Arn":%q,"AssumeRolePolicyDocument":%s}}`, arn, document), arn},
		"get-role, URL-encoded": {fmt.Sprintf(`{"Role":{"AssumeRolePolicyDocument":%q,"Arn":%q}}`, encoded, arn),
			arn},
		"get-role, JSON in text": {fmt.Sprintf(`{"Role":{"AssumeRolePolicyDocument":%q,"Arn":%q}}`, document, arn),
			arn},
		"get-role --query Role":     {fmt.Sprintf(`{"AssumeRolePolicyDocument":%s,"Arn":%q}`, document, arn), arn},
		"numbers of any JSON go in": {strings.Replace(document, `"a+b c"`, `["a+b c",12345678901,true]`, 1), ""},
	} {
		t.Run(name, func(t *testing.T) {
			policy, err := Parse([]byte(form.text))
			if err != nil {
				t.Fatal(err)
			}
			result := policy.Evaluate(map[string]any{"iss": "https://" + hub, "sub": "a+b c"}, nil)
			if result.Verdict != Allowed || policy.RoleARN != form.arn {
				t.Errorf("%s, role %q", why(result), policy.RoleARN)
			}
		})
	}
}

// TestResult pins the JSON that a command prints.
func TestResult(t *testing.T) {
	policy, err := Parse([]byte(trust(hubARN, `"StringEquals":{"HOST:sub":"x","HOST:email":"e"}`)))
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.MarshalIndent(policy.Evaluate(map[string]any{"iss": "https://" + hub, "sub": "x"}, nil), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	want := `{
 "verdict": "denied",
 "reason": "no Allow statement applies",
 "statements": [
  {
   "index": 0,
   "effect": "Allow",
   "status": "failed",
   "principal": {
    "status": "held",
    "expected": [
     "Federated: arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
    ],
    "actual": [
     "token.actions.githubusercontent.com"
    ]
   },
   "action": {
    "status": "held",
    "expected": [
     "sts:AssumeRoleWithWebIdentity"
    ],
    "actual": [
     "sts:AssumeRoleWithWebIdentity"
    ]
   },
   "conditions": [
    {
     "status": "held",
     "operator": "StringEquals",
     "key": "token.actions.githubusercontent.com:sub",
     "expected": [
      "x"
     ],
     "actual": [
      "x"
     ]
    },
    {
     "status": "failed",
     "operator": "StringEquals",
     "key": "token.actions.githubusercontent.com:email",
     "expected": [
      "e"
     ],
     "why": "the token has no claim \"email\""
    }
   ]
  }
 ]
}`
	if string(got) != want {
		t.Errorf("got %s", got)
	}
}

func TestBadPolicies(t *testing.T) {
	const statement = `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*"},`
	for document, want := range map[string]string{
		``:                                 "not JSON: line 1: unexpected end of JSON input",
		"{\n\"Statement\": [}":             "not JSON: line 2: invalid character '}' looking for beginning of value",
		`%7B%`:                             `invalid URL escape "%"`,
		`"{"`:                              "not JSON: line 1: unexpected end of JSON input",
		`[]`:                               "the document must be an object",
		`null`:                             "the document must be an object",
		`{"Statement":null}`:               "no Statement",
		`{"x":1e999}`:                      `"x" is not a member of a policy`,
		`{}`:                               "no Statement",
		`{"Statement":[]}`:                 "no Statement",
		`{"statement":[]}`:                 `"statement" is not a member of a policy`,
		`{"Statement":{},"Statement":{}}`:  `the document has "Statement" twice`,
		`{"Statement":"x"}`:                "Statement[0] must be an object",
		statement + `7]}`:                  "Statement[1] must be an object",
		`{"Version":"2020-01-01"}`:         `the Version must be "2012-10-17" or "2008-10-17"`,
		`{"Version":1}`:                    `the Version must be "2012-10-17" or "2008-10-17"`,
		statement + `{}]}`:                 "Statement[1] has no Effect",
		statement + `{"Effect":"allow"}]}`: `Statement[1].Effect must be "Allow" or "Deny"`,
		statement + `{"Sid":1}]}`:          "Statement[1].Sid must be a string",
		statement + `{"Effect":"Deny","Action":"*"}]}`:                       "Statement[1] must have either Principal or NotPrincipal",
		statement + `{"Effect":"Deny","Principal":"*"}]}`:                    "Statement[1] must have either Action or NotAction",
		statement + `{"Effect":"Deny","Principal":"*","NotPrincipal":"*"}]}`: "Statement[1] must have either Principal or NotPrincipal",
		statement + `{"Effect":"Deny","Resource":"*"}]}`:                     "Statement[1].Resource is not a member of a statement in a trust policy",
		statement + `{"Principal":"x"}]}`:                                    `Statement[1].Principal must be an object, or "*"`,
		statement + `{"Principal":{"Federated":{}}}]}`:                       "Statement[1].Principal.Federated must be a string or a list of strings",
		statement + `{"Action":null}]}`:                                      "Statement[1].Action must be a string or a list of strings",
		statement + `{"Action":[["*"]]}]}`:                                   "Statement[1].Action must be a string or a list of strings",
		statement + `{"Action":[null]}]}`:                                    "Statement[1].Action must be a string or a list of strings",
		statement + `{"Condition":[]}]}`:                                     "Statement[1].Condition must be an object",
		statement + `{"Condition":{"StringEquals":"x"}}]}`:                   "Statement[1].Condition.StringEquals must be an object",
		statement + `{"Condition":{"StringEquals":{"a:b":{}}}}]}`:            "Statement[1].Condition.StringEquals.a:b must be a string or a list of strings",
		`{"Role":{"Arn":1}}`:                                                 "Role: the Arn must be a string",
		`{"Role":{"AssumeRolePolicyDocument":"{"}}`:                          "Role: AssumeRolePolicyDocument: not JSON: line 1: unexpected end of JSON input",
		`{"Role":{"RoleName":"x"}}`:                                          `"RoleName" is not a member of a policy`,
	} {
		if _, err := Parse([]byte(document)); err == nil || err.Error() != "trust policy: "+want {
			t.Errorf("%s\n got %v\nwant trust policy: %s", document, err, want)
		}
	}
}

func FuzzEvaluate(f *testing.F) {
	for _, c := range allEvaluations() {
		f.Add([]byte(c.policy), []byte(c.claims), "sts:RoleSessionName", "me")
	}
	f.Fuzz(func(t *testing.T, document, token []byte, key, value string) {
		policy, err := Parse(document)
		if err != nil {
			return
		}
		var claims map[string]any
		if json.Unmarshal(token, &claims) != nil {
			return
		}
		result := policy.Evaluate(claims, map[string][]string{key: {value}})
		sound(t, result)
		if _, err := json.Marshal(result); err != nil {
			t.Error(err)
		}
	})
}

// Each operator, qualifier, and family of keys is in three evaluations or more, of which there are 150 with a source.
func TestEvaluationsCover(t *testing.T) {
	all := allEvaluations()
	if len(all) < 150 {
		t.Errorf("%d evaluations", len(all))
	}
	for _, group := range evaluations {
		if !strings.Contains(group.source, "https://") {
			t.Errorf("%s: no source", group.group)
		}
	}
	wanted := []string{`"Null":`, "IfExists", "ForAnyValue:", "ForAllValues:", "aws:RequestTag/", "aws:TagKeys",
		"sts:TransitiveTagKeys", "sts:SourceIdentity",
		"sts:RoleAuthorizedByIdp", "sts:RoleSessionName", "sts:DurationSeconds", ":aud", ":sub", ":amr", ":email",
		"NotPrincipal", "NotAction", "${",
		"StringNotEquals", "StringNotLike", "StringNotEqualsIgnoreCase", "NumericNotEquals"}
	for name := range comparisons {
		wanted = append(wanted, `"`+name+`":`)
	}
	for _, text := range wanted {
		n := 0
		for _, c := range all {
			if strings.Contains(c.policy, text) {
				n++
			}
		}
		if n < 3 {
			t.Errorf("%d evaluations have %s", n, text)
		}
	}
}
