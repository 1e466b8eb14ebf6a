package trustpolicy

import (
	"fmt"
	"slices"
	"strings"
)

// A Verdict is what the policy says of the token.
type Verdict string

const (
	Allowed   Verdict = "allowed"
	Denied    Verdict = "denied"
	Undecided Verdict = "undecided" // it depends on something that is unknown here
)

// A Status is the outcome of a check, or of a statement, which is held when all its checks are.
type Status string

const (
	Held    Status = "held"
	Failed  Status = "failed"
	Unknown Status = "unknown"
)

// A Result is a policy's verdict on a token and how it came about.
type Result struct {
	Verdict    Verdict     `json:"verdict"`
	Reason     string      `json:"reason"`
	Statements []Statement `json:"statements"`
}

// A Statement is what became of one statement of the policy. It applies to the token if its Status is Held: a Deny then
// denies.
type Statement struct {
	Index      int     `json:"index"` // from 0
	Sid        string  `json:"sid,omitempty"`
	Effect     string  `json:"effect"`
	Status     Status  `json:"status"`
	Principal  Check   `json:"principal"`
	Action     Check   `json:"action"`
	Conditions []Check `json:"conditions"`
}

// A Check compares what the policy wants with what the token has.
type Check struct {
	Status   Status   `json:"status"`
	Operator string   `json:"operator,omitempty"` // of a condition
	Key      string   `json:"key,omitempty"`      // of a condition
	Expected []string `json:"expected,omitempty"`
	Actual   []string `json:"actual,omitempty"` // none: the key is missing
	Why      string   `json:"why,omitempty"`    // one line, unless held: what came nearest, or what is unknown
}

const webIdentity = "sts:AssumeRoleWithWebIdentity"

// Evaluate reports whether the policy lets a token with these claims, as encoding/json decodes them, assume the role, and why.
// The values of other condition keys, such as sts:RoleSessionName, come from context (nil: none is known); a key there with an
// empty list is known to be missing.
func (p *Policy) Evaluate(claims map[string]any, context map[string][]string) Result {
	issuer, _ := claims["iss"].(string)
	r := request{strings.TrimPrefix(issuer, "https://"), p.RoleARN, claims, tagsOf(claims), context}
	result := p.evaluate(r, webIdentity)
	// A token that carries session tags or a source identity needs one more action in the trust policy.
	for _, further := range []struct {
		claim, action string
		needed        bool
	}{
		{tagsClaim, "sts:TagSession", r.tags.any()},
		{sourceIdentityClaim, "sts:SetSourceIdentity", claims[sourceIdentityClaim] != nil},
	} {
		if result.Verdict == Denied || !further.needed {
			continue
		}
		other := p.evaluate(r, further.action)
		if other.Verdict == Denied || result.Verdict == Allowed && other.Verdict != Allowed {
			result.Verdict = other.Verdict
			result.Reason = fmt.Sprintf("the token has the claim %q, which needs %s: %s", further.claim, further.action,
				other.Reason)
		}
	}
	r.authorize(&result)
	return result
}

// authorize adds to the result what STS makes of the token's claim for roles, before it looks at the trust policy.
func (r request) authorize(result *Result) {
	switch named := r.namesRole(); {
	case r.claims[rolesClaim] == nil || named == Held:
	case named == Failed:
		result.Verdict = Denied
		result.Reason = fmt.Sprintf("STS refuses the token (InvalidIdentityToken): its claim %q does not name the role %q", rolesClaim, r.roleARN)
	case result.Verdict == Allowed:
		result.Verdict = Undecided
		result.Reason = fmt.Sprintf("STS compares the token's claim %q with the ARN of the role, which is unknown here",
			rolesClaim)
	}
}

// evaluate follows https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html: an explicit
// Deny wins, and without an Allow the request is denied.
func (p *Policy) evaluate(r request, action string) (result Result) {
	first := map[string]string{} // by effect and status, the first such statement
	for i, s := range p.statements {
		told := Statement{Index: i, Sid: s.sid, Effect: s.effect, Conditions: []Check{},
			Principal: r.principal(s, p.RoleARN), Action: checkAction(s, action)}
		for _, c := range s.conditions {
			told.Conditions = append(told.Conditions, r.condition(c, p.version == "2012-10-17"))
		}
		told.Status = Held
		for _, check := range append([]Check{told.Principal, told.Action}, told.Conditions...) {
			if check.Status == Failed || told.Status == Held {
				told.Status = check.Status
			}
		}
		result.Statements = append(result.Statements, told)
		if kind := s.effect + string(told.Status); first[kind] == "" {
			first[kind] = fmt.Sprintf("Statement[%d]", i)
			if s.sid != "" {
				first[kind] += fmt.Sprintf(" %q", s.sid)
			}
		}
	}
	switch allow, deny := "Allow", "Deny"; {
	case first[deny+string(Held)] != "":
		result.Verdict, result.Reason = Denied,
			first[deny+string(Held)]+" is a Deny that applies: it wins over every Allow"
	case first[allow+string(Held)]+first[allow+string(Unknown)] == "":
		result.Verdict, result.Reason = Denied, "no Allow statement applies"
	case first[deny+string(Unknown)] != "":
		result.Verdict, result.Reason = Undecided,
			first[deny+string(Unknown)]+" is a Deny that may apply: it depends on what is unknown here"
	case first[allow+string(Held)] != "":
		result.Verdict, result.Reason = Allowed, first[allow+string(Held)]+" allows it"
	default:
		result.Verdict, result.Reason = Undecided,
			first[allow+string(Unknown)]+" may allow it: it depends on what is unknown here"
	}
	return result
}

func checkAction(s statement, action string) Check {
	check := Check{Status: Held, Expected: s.actions, Actual: []string{action}}
	named := slices.ContainsFunc(s.actions,
		func(pattern string) bool { return Like(strings.ToLower(pattern), strings.ToLower(action)) })
	switch {
	case named && s.notAction:
		check.Status, check.Why = Failed, fmt.Sprintf("%s is among the NotAction %q", action, s.actions)
	case !named && !s.notAction:
		check.Status, check.Why = Failed, fmt.Sprintf("%s is not among the actions %q", action, s.actions)
	}
	return check
}

// The providers that IAM knows without an ARN:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-federated-web-identity
var builtIn = []string{google, "cognito-identity.amazonaws.com", "graph.facebook.com", "www.amazon.com"}

func (r request) principal(s statement, roleARN string) Check {
	check := Check{Status: Failed, Actual: []string{r.provider}}
	roleAccount, _, _ := strings.Cut(roleARN, ":role/")
	why := miss{"the principal is not Federated: it trusts no identity provider", 9}
	for _, p := range s.principals {
		check.Expected = append(check.Expected, p.kind+": "+p.value)
		account, provider, isARN := strings.Cut(p.value, ":oidc-provider/")
		isARN = isARN && strings.HasPrefix(account, "arn:")
		switch {
		case p.value == "*" && (p.kind == "AWS" || p.kind == "Federated"):
			check.Status = Held
		case p.kind != "Federated":
		case !isARN && !slices.Contains(builtIn, p.value):
			why.nearer(3, "%q is not the ARN of an OIDC provider, nor one that IAM knows without", p.value)
		case isARN && provider == r.provider && roleAccount != "" && account != roleAccount:
			why.nearer(1, "the provider is of %q, the role of %q: both must be in one account", account, roleAccount)
		case provider == r.provider || p.value == r.provider:
			check.Status = Held
		default:
			if !isARN {
				provider = p.value
			}
			why.nearer(2, "another provider: the policy trusts %q, the token is from %q%s", provider, r.provider,
				slash(provider, r.provider))
		}
	}
	switch {
	case r.provider == "":
		check.Status, check.Actual, check.Why = Failed, nil, "the token has no iss"
	case s.notPrincipal:
		check.Status, check.Why = Unknown, "NotPrincipal is not evaluated"
	case check.Status == Failed:
		check.Why = why.text
	}
	return check
}
