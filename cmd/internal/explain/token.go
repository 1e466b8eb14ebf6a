package explain

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/awstokenserver/config/internal/trustpolicy"
	"github.com/awstokenserver/config/tokensource"
)

// fetched is what is shown of a token: neither its signature nor its text.
type fetched struct {
	Header      map[string]any `json:"header"`
	Claims      map[string]any `json:"claims"`
	Issued      *time.Time     `json:"issued,omitempty"`
	Expires     *time.Time     `json:"expires,omitempty"`
	LeftSeconds *int           `json:"left_seconds,omitempty"`
}

// judged is what a trust policy says of the token.
type judged struct {
	RoleARN string `json:"role_arn"`
	trustpolicy.Result
}

// fetch fills in a token and, where there are policies, what that of the role says of
// it.
func (e *Explanation) fetch(ctx context.Context, source tokensource.TokenSource, policies []*trustpolicy.Policy) error {
	if source == nil {
		return fmt.Errorf("there is no token to fetch: %s is used, which is not a web identity", e.Used)
	}
	with := e.Chain[len(e.Chain)-1]
	policy, err := policyOf(with.RoleARN, policies)
	if err != nil {
		return err
	}
	token, err := source.Token(ctx)
	if err != nil {
		return err
	}
	if e.Token = readToken(token); e.Token == nil {
		return &tokensource.Error{Class: tokensource.TokenMalformed, Setting: e.TokenSource.Setting,
			Problem: "the token is not a JWT: it has no claims that can be read"}
	}
	e.checkClock()
	if policy != nil {
		policy.RoleARN = with.RoleARN
		known := map[string][]string{"sts:ExternalId": {}} // AssumeRoleWithWebIdentity has none
		if with.SessionName != "" {
			known["sts:RoleSessionName"] = []string{with.SessionName}
		}
		e.TrustPolicy = &judged{with.RoleARN, policy.Evaluate(e.Token.Claims, known)}
		for _, f := range policy.Review() {
			e.Warnings = append(e.Warnings, warning{policy.Name, f})
		}
	}
	return nil
}

// policyOf returns the policy of a role: the one with its ARN, or the only one. It is
// nil where there are none.
func policyOf(roleARN string, policies []*trustpolicy.Policy) (*trustpolicy.Policy, error) {
	var others []string
	for _, p := range policies {
		if p.RoleARN == roleARN || p.RoleARN == "" && len(policies) == 1 {
			return p, nil
		}
		others = append(others, fmt.Sprintf("%q", cmp.Or(p.RoleARN, p.Name)))
	}
	if others != nil {
		return nil, fmt.Errorf("the trust policy is that of the role %s, and the token is for %q",
			strings.Join(others, ", "), roleARN)
	}
	return nil, nil
}

// readToken reads a JWT without verifying it. It returns nil for another text.
func readToken(token tokensource.Token) *fetched {
	t := &fetched{}
	header, _, _ := strings.Cut(token.Value, ".")
	text, err := base64.RawURLEncoding.DecodeString(header)
	if err != nil || json.Unmarshal(text, &t.Header) != nil || token.Claims(&t.Claims) != nil || t.Claims == nil {
		return nil
	}
	t.Issued, t.Expires = moment(t.Claims["iat"]), moment(t.Claims["exp"])
	if t.Expires != nil {
		left := int(time.Until(*t.Expires).Seconds())
		t.LeftSeconds = &left
	}
	return t
}

// moment is a NumericDate (RFC 7519), or nil.
func moment(claim any) *time.Time {
	number, _ := claim.(json.Number)
	seconds, err := number.Float64()
	const year9999 = 253402300799
	if err != nil || seconds < 0 || seconds > year9999 {
		return nil
	}
	t := time.Unix(int64(seconds), 0).UTC()
	return &t
}
