package webidentitytest

import (
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	smithytime "github.com/aws/smithy-go/time"

	"github.com/awstokenserver/config/internal/trustpolicy"
)

// STS is AWS STS, as far as web identity needs it: AssumeRoleWithWebIdentity
// (unsigned), AssumeRole and GetCallerIdentity (signed with SigV4) in its query
// protocol, POST only. It has no roles and no long-term keys until they are
// added. Parameters, conditions, refusals and their codes are those of the
// [API reference]; policies and other optional parameters are accepted and
// ignored, and a role's maximum session duration is twelve hours. Stricter
// than AWS, it refuses AssumeRoleWithWebIdentity with an Authorization header.
//
// Sessions have the tags that AssumeRole passes, that a token has in its claim
// https://aws.amazon.com/tags (in the nested form), and that are inherited
// because they are transitive: see [session tags]. Roles themselves have none.
// What tags take of the packed size, which AWS does not document, is an
// estimate.
//
// [API reference]: https://docs.aws.amazon.com/STS/latest/APIReference/
// [session tags]: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
type STS struct {
	Server

	// Lifetime is how long issued credentials are valid, regardless of what the
	// request asks for, to the millisecond. Zero means as asked, or one hour. Set it
	// before the first request.
	Lifetime time.Duration

	issuer *Issuer

	stateMu sync.Mutex
	roles   map[string]role
	callers map[string]caller // by access key id
}

// NewSTS starts an STS that trusts the tokens of issuer.
func NewSTS(issuer *Issuer) *STS {
	s := &STS{issuer: issuer, roles: map[string]role{}, callers: map[string]caller{}}
	s.start(func(w http.ResponseWriter, r *http.Request, q Request) {
		result, refusal := s.call(r, q)
		if refusal != nil {
			refusal(w, r)
			return
		}
		action := q.Form.Get("Action")
		result.XMLName.Local = action + "Result"
		writeXML(w, http.StatusOK, func(requestID string) any {
			return response{
				XMLName: xml.Name{Local: action + "Response"}, Namespace: namespace,
				Result: result, RequestID: requestID,
			}
		})
	})
	return s
}

// call serves one request. The handler is not nil where it is refused.
func (s *STS) call(r *http.Request, q Request) (*result, http.HandlerFunc) {
	if q.Method != http.MethodPost {
		return nil, STSError(http.StatusMethodNotAllowed, "InvalidAction", "only POST is understood")
	}
	action, version := q.Form.Get("Action"), q.Form.Get("Version")
	if version == apiVersion {
		switch action {
		case "AssumeRoleWithWebIdentity":
			return s.assumeRoleWithWebIdentity(q)
		case "AssumeRole":
			return s.assumeRole(r, q)
		case "GetCallerIdentity":
			c, refusal := s.authenticate(r, q)
			return &result{Arn: c.arn, UserId: c.userID, Account: c.account}, refusal
		}
	}
	return nil, STSError(http.StatusBadRequest, "InvalidAction",
		fmt.Sprintf("Could not find operation %s for version %s", action, version))
}

func (s *STS) assumeRoleWithWebIdentity(q Request) (*result, http.HandlerFunc) {
	if len(q.Header["Authorization"]) > 0 {
		return nil, invalid("AssumeRoleWithWebIdentity takes no Authorization header")
	}
	if refusal := validate(q.Form); refusal != nil {
		return nil, refusal
	}
	token := q.Form.Get("WebIdentityToken")
	if len(token) < 4 || len(token) > 20000 {
		return nil, invalid("Value at 'webIdentityToken' failed to satisfy constraint: Member must have length between 4 and 20000")
	}
	claims, refusal := s.verify(token)
	if refusal != nil {
		return nil, refusal
	}

	requested, refusal := claims.Tags.parse()
	if refusal != nil {
		return nil, refusal
	}

	denied := func(action string) http.HandlerFunc {
		return STSError(http.StatusForbidden, "AccessDenied", "Not authorized to perform "+action)
	}
	s.stateMu.Lock()
	defer s.stateMu.Unlock()
	role, ok := s.roles[q.Form.Get("RoleArn")]
	if !ok {
		return nil, denied("sts:AssumeRoleWithWebIdentity")
	}
	audience := cmp.Or(role.Audience, "sts.amazonaws.com")
	if !claims.audience().Contains(audience) {
		return nil, invalidToken("Incorrect token audience")
	}
	// An empty pattern matches no token: sub is required.
	if !trustpolicy.Like(role.Subject, claims.Subject) || !role.matches(requested, nil) {
		return nil, denied("sts:AssumeRoleWithWebIdentity")
	}
	sessionTags, refusal := role.sessionTags(requested, nil, denied)
	if refusal != nil {
		return nil, refusal
	}
	result := s.issue(role, q.Form, sessionTags)
	result.SubjectFromWebIdentityToken = claims.Subject
	result.Audience = audience
	result.Provider = claims.Issuer
	return result, nil
}

func (s *STS) assumeRole(r *http.Request, q Request) (*result, http.HandlerFunc) {
	c, refusal := s.authenticate(r, q)
	if refusal != nil {
		return nil, refusal
	}
	if refusal := validate(q.Form); refusal != nil {
		return nil, refusal
	}
	if seconds, _ := strconv.Atoi(q.Form.Get("DurationSeconds")); seconds > 3600 && c.CanExpire {
		return nil, invalid("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
	}

	requested, refusal := formTags(q.Form)
	if refusal != nil {
		return nil, refusal
	}

	denied := func(action string) http.HandlerFunc {
		return STSError(http.StatusForbidden, "AccessDenied", fmt.Sprintf(
			"User: %s is not authorized to perform: %s on resource: %s", c.arn, action, q.Form.Get("RoleArn")))
	}
	s.stateMu.Lock()
	defer s.stateMu.Unlock()
	role, ok := s.roles[q.Form.Get("RoleArn")]
	if !ok || !slices.Contains(role.Principals, c.principal) ||
		role.ExternalID != "" && role.ExternalID != q.Form.Get("ExternalId") || !role.matches(requested, c.tags) {
		return nil, denied("sts:AssumeRole")
	}
	sessionTags, refusal := role.sessionTags(requested, c.tags, denied)
	if refusal != nil {
		return nil, refusal
	}
	return s.issue(role, q.Form, sessionTags), nil
}

// issue makes new credentials. The caller holds stateMu.
func (s *STS) issue(r role, form url.Values, t tags) *result {
	lifetime := s.Lifetime
	if lifetime == 0 {
		seconds, _ := strconv.Atoi(cmp.Or(form.Get("DurationSeconds"), "3600"))
		lifetime = time.Duration(seconds) * time.Second
	}
	sessionToken := make([]byte, 300)
	rand.Read(sessionToken)
	name, session := r.ARN[strings.LastIndex(r.ARN, "/")+1:], form.Get("RoleSessionName")
	c := caller{
		Credentials: aws.Credentials{
			AccessKeyID:     "ASIA" + rand.Text()[:16],
			SecretAccessKey: (rand.Text() + rand.Text())[:40],
			SessionToken:    base64.StdEncoding.EncodeToString(sessionToken),
			CanExpire:       true,
			Expires:         time.Now().Add(lifetime).Truncate(time.Millisecond),
		},
		principal: r.ARN,
		arn:       fmt.Sprintf("arn:%s:sts::%s:assumed-role/%s/%s", r.arn.Partition, r.arn.AccountID, name, session),
		userID:    r.id + ":" + session,
		account:   r.arn.AccountID,
		tags:      t,
	}
	s.callers[c.AccessKeyID] = c
	return &result{
		Credentials: &credentials{
			AccessKeyId: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken,
			Expiration: smithytime.FormatDateTime(c.Expires),
		},
		AssumedRoleUser: &assumedRoleUser{Arn: c.arn, AssumedRoleId: c.userID},
	}
}
