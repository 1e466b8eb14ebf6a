package webidentitytest

import (
	"crypto/rand"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
)

// Role is a role and its trust policy. A Role with an ARN alone trusts nobody.
type Role struct {
	// ARN is the role's name: arn:PARTITION:iam::ACCOUNT:role/NAME.
	ARN string

	// Subject is the pattern that the sub claim of a token must match: * stands
	// for any text and ? for any one character, as in IAM's StringLike. Empty
	// means that no token is trusted.
	Subject string

	// Audience is the audience that a token must have: its azp claim, or else
	// one in aud. Empty means sts.amazonaws.com.
	Audience string

	// Principals are the ARNs of the roles and users that may call AssumeRole
	// for this role.
	Principals []string

	// ExternalID is what AssumeRole must pass as ExternalId. Empty means
	// anything or nothing.
	ExternalID string

	// TagSession says that the trust policy allows sts:TagSession. Without it
	// the role is denied to sessions that would have tags, inherited ones too.
	TagSession bool

	// RequestTags are the session tags that the request, or the token, must
	// have: aws:RequestTag/KEY, with patterns like that of Subject by KEY.
	RequestTags map[string]string

	// PrincipalTags are the session tags that the caller of AssumeRole must
	// have: aws:PrincipalTag/KEY, with patterns by KEY.
	PrincipalTags map[string]string
}

type role struct {
	Role
	arn arn.ARN
	id  string
}

// caller is who credentials stand for.
type caller struct {
	aws.Credentials
	principal string // ARN of the role or user
	arn       string // ARN of the session or user
	userID    string
	account   string
	tags      tags
}

// AddRole adds r, or replaces the role of the same ARN. It panics if the ARN is
// not a role's.
func (s *STS) AddRole(r Role) {
	if !roleARN.MatchString(r.ARN) {
		panic(fmt.Sprintf("webidentitytest: %q is not a role's ARN", r.ARN))
	}
	r.Principals = slices.Clone(r.Principals)
	r.RequestTags, r.PrincipalTags = maps.Clone(r.RequestTags), maps.Clone(r.PrincipalTags)

	s.stateMu.Lock()
	defer s.stateMu.Unlock()
	s.roles[r.ARN] = role{Role: r, arn: must(arn.Parse(r.ARN)), id: "AROA" + rand.Text()[:17]}
}

// AddKeys adds long-term keys, which never expire, of the user with the given
// ARN (arn:PARTITION:iam::ACCOUNT:user/NAME). It panics on anything that is no
// ARN.
func (s *STS) AddKeys(userARN, accessKeyID, secretAccessKey string) {
	account := must(arn.Parse(userARN)).AccountID
	s.stateMu.Lock()
	defer s.stateMu.Unlock()
	s.callers[accessKeyID] = caller{
		Credentials: aws.Credentials{AccessKeyID: accessKeyID, SecretAccessKey: secretAccessKey},
		principal:   userARN, arn: userARN, userID: "AIDA" + rand.Text()[:17], account: account,
	}
}
