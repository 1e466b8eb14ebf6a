package explain

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/awstokenserver/config/cmd/internal/layout"
	"github.com/awstokenserver/config/internal/trustpolicy"
	"github.com/awstokenserver/config/tokensource"
)

// Trial is trust policies tried on claims, and reviewed. The names of its members in
// JSON are stable.
type Trial struct {
	Results  []result  `json:"results"`
	Warnings []warning `json:"warnings"`
}

// result is what a trust policy says of a case.
type result struct {
	Case   string `json:"case,omitempty"`
	Policy string `json:"policy,omitempty"`
	Expect string `json:"expect,omitempty"`
	Met    bool   `json:"met"` // whether the verdict is the one that is expected, by default an allow
	judged
}

// warning is a finding in a policy.
type warning struct {
	Policy string `json:"policy,omitempty"`
	trustpolicy.Finding
}

// Case is claims, and what policies should say of them.
type Case struct {
	Name   string         `json:"name"`
	Claims map[string]any `json:"claims"`
	Expect string         `json:"expect"` // "allow", "deny", or nothing
	Role   string         `json:"role"`   // the ARN or address of the role; nothing for all
}

// ReadCases reads the claims of a token, or a list of cases.
func ReadCases(text []byte) ([]Case, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("[")) {
		decoder.DisallowUnknownFields()
		var cases []Case
		if err := decoder.Decode(&cases); err != nil {
			return nil, err
		}
		for i, c := range cases {
			if c.Claims == nil || c.Expect != "" && c.Expect != "allow" && c.Expect != "deny" {
				return nil, fmt.Errorf(`case %d: it needs claims, and expect must be "allow" or "deny"`, i)
			}
		}
		return cases, nil
	}
	var claims map[string]any
	if err := decoder.Decode(&claims); err != nil {
		return nil, err
	}
	return []Case{{Claims: claims}}, nil
}

// ReadToken reads the claims of a token, without verifying it.
func ReadToken(text []byte) ([]Case, error) {
	token := readToken(tokensource.Token{Value: strings.TrimSpace(string(text))})
	if token == nil {
		return nil, errors.New("it is not a JWT with claims that can be read")
	}
	return []Case{{Claims: token.Claims}}, nil
}

// Try evaluates each policy for each case, and reviews it.
func Try(policies []*trustpolicy.Policy, cases []Case) *Trial {
	t := &Trial{Results: []result{}, Warnings: []warning{}}
	for _, p := range policies {
		for _, f := range p.Review() {
			t.Warnings = append(t.Warnings, warning{p.Name, f})
		}
		for _, c := range cases {
			if c.Role != "" && c.Role != p.Name && c.Role != p.RoleARN {
				continue
			}
			evaluated := p.Evaluate(c.Claims, map[string][]string{"sts:ExternalId": {}})
			want := trustpolicy.Allowed
			if c.Expect == "deny" {
				want = trustpolicy.Denied
			}
			t.Results = append(t.Results,
				result{c.Name, p.Name, c.Expect, evaluated.Verdict == want, judged{p.RoleARN, evaluated}})
		}
	}
	return t
}

// OK reports whether all verdicts are as expected. Without a result they are not,
// unless there was no case.
func (t *Trial) OK(cases []Case) bool {
	for _, r := range t.Results {
		if !r.Met {
			return false
		}
	}
	return len(t.Results) >= len(cases)
}

// JSON returns the trial as JSON.
func (t *Trial) JSON() string { return printable(toJSON(t, "") + "\n") }

// Text returns the trial for people.
func (t *Trial) Text() string {
	var b strings.Builder
	for i, r := range t.Results {
		if r.Case == "" && r.Expect == "" {
			r.text(&b)
			continue
		}
		if i > 0 && r.Met != t.Results[i-1].Met {
			b.WriteString("\n")
		}
		outcome := "as expected"
		if !r.Met {
			outcome = fmt.Sprintf("expected: %s", r.Expect)
		}
		fmt.Fprintf(&b, "%s: %s, %s\n", cmp.Or(strings.TrimSpace(r.Policy+" "+r.Case), "The policy"), r.Verdict,
			outcome)
		if !r.Met {
			r.text(&b)
		}
	}
	writeWarnings(&b, t.Warnings)
	return printable(strings.TrimPrefix(b.String(), "\n"))
}

func writeWarnings(b *strings.Builder, warnings []warning) {
	var items []string
	for _, w := range warnings {
		where := strings.TrimSpace(fmt.Sprintf("%s Statement[%d]", w.Policy, w.Statement))
		items = append(items,
			layout.Wrap(fmt.Sprintf("%s: %s (%s)", where, w.Message, w.Rule))+"\n"+layout.Wrap("better: "+w.Better))
	}
	writeList(b, "Warnings", items)
}
