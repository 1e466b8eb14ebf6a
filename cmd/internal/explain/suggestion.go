package explain

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/awstokenserver/config/cmd/internal/layout"
	"github.com/awstokenserver/config/internal/trustpolicy"
)

// Suggestion is what an account needs to let a token in.
type Suggestion struct {
	trustpolicy.Suggestion
	role, account string
}

// Suggest suggests a trust policy for claims, for the role of an ARN, which may be
// empty.
func Suggest(claims map[string]any, roleARN string) (*Suggestion, error) {
	s := &Suggestion{role: "ROLE", account: "ACCOUNT_ID"}
	partition := "aws"
	if parsed, err := arn.Parse(roleARN); err == nil {
		s.role, s.account, partition = parsed.Resource[strings.LastIndex(parsed.Resource, "/")+1:], parsed.AccountID,
			parsed.Partition
	}
	var err error
	s.Suggestion, err = trustpolicy.Suggest(claims, partition, s.account)
	return s, err
}

// JSON returns the trust policy.
func (s *Suggestion) JSON() string { return string(s.Document) }

// Text returns the trust policy, its alternatives, and how to make the role with it.
func (s *Suggestion) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Trust policy\n%s\nAlternatives for the condition on sub, from narrow to wide\n",
		layout.Indent(string(s.Document)))
	for _, a := range s.Alternatives {
		fmt.Fprintf(&b, "  %-12s  %q\n                %s\n", a.Operator, a.Sub, a.Admits)
	}
	name := strings.NewReplacer(".", "_", "/", "_", ":", "_").Replace(strings.TrimPrefix(s.Issuer, "https://"))
	fmt.Fprintf(&b, `
AWS CLI, with the policy in trust-policy.json
  aws iam create-open-id-connect-provider \
    --url %q --client-id-list %q
  aws iam create-role --role-name %q \
    --assume-role-policy-document file://trust-policy.json

Terraform, with the policy in trust-policy.json
  resource "aws_iam_openid_connect_provider" %[4]q {
    url            = %[1]q
    client_id_list = [%[2]q]
  }

  resource "aws_iam_role" %[3]q {
    name               = %[3]q
    assume_role_policy = file("${path.module}/trust-policy.json")
  }
`, s.Issuer, s.Audience, s.role, name)
	return printable(b.String())
}
