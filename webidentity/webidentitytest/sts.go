package webidentitytest

import (
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	smithytime "github.com/aws/smithy-go/time"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

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

	// Lifetime is how long issued credentials are valid, whatever the request
	// asks for, to the millisecond. Zero means as asked, or one hour. Set it
	// before the first request.
	Lifetime time.Duration

	issuer *Issuer

	stateMu sync.Mutex
	roles   map[string]role
	callers map[string]caller // by access key id
}

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

// STSError returns a handler that answers with an error as STS does: for
// [Server.Script]. The status is that of HTTP (400, 403, 500, …), the code is
// one of the [API reference] (AccessDenied, Throttling, IDPCommunicationError, …).
//
// [API reference]: https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
func STSError(status int, code, message string) http.HandlerFunc {
	fault := "Sender"
	if status >= 500 {
		fault = "Receiver"
	}
	return func(w http.ResponseWriter, _ *http.Request) {
		writeXML(w, status, func(requestID string) any {
			return errorResponse{Namespace: namespace, Type: fault, Code: code, Message: message, RequestID: requestID}
		})
	}
}

const (
	namespace  = "https://sts.amazonaws.com/doc/2011-06-15/"
	apiVersion = "2011-06-15"
)

type response struct {
	XMLName   xml.Name
	Namespace string `xml:"xmlns,attr"`
	Result    *result
	RequestID string `xml:"ResponseMetadata>RequestId"`
}

type result struct {
	XMLName                     xml.Name
	Credentials                 *credentials     `xml:",omitempty"`
	AssumedRoleUser             *assumedRoleUser `xml:",omitempty"`
	SubjectFromWebIdentityToken string           `xml:",omitempty"`
	Audience                    string           `xml:",omitempty"`
	Provider                    string           `xml:",omitempty"`
	Arn                         string           `xml:",omitempty"`
	UserId                      string           `xml:",omitempty"`
	Account                     string           `xml:",omitempty"`
}

type credentials struct{ AccessKeyId, SecretAccessKey, SessionToken, Expiration string }

type assumedRoleUser struct{ Arn, AssumedRoleId string }

type errorResponse struct {
	XMLName   xml.Name `xml:"ErrorResponse"`
	Namespace string   `xml:"xmlns,attr"`
	Type      string   `xml:"Error>Type"`
	Code      string   `xml:"Error>Code"`
	Message   string   `xml:"Error>Message"`
	RequestID string   `xml:"RequestId"`
}

func writeXML(w http.ResponseWriter, status int, body func(requestID string) any) {
	requestID := rand.Text()
	w.Header().Set("Content-Type", "text/xml")
	w.Header().Set("X-Amzn-Requestid", requestID)
	w.WriteHeader(status)
	xml.NewEncoder(w).Encode(body(requestID))
}

// call answers one request. The handler is not nil where it is refused.
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

var (
	roleARN     = regexp.MustCompile(`^arn:[\w-]+:iam::\d{12}:role/.*[\w+=,.@-]$`)
	sessionName = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
)

// validate checks the parameters that both AssumeRole actions have.
func validate(form url.Values) http.HandlerFunc {
	if !roleARN.MatchString(form.Get("RoleArn")) {
		return invalid("RoleArn must be the ARN of a role")
	}
	if !sessionName.MatchString(form.Get("RoleSessionName")) {
		return invalid("Value at 'roleSessionName' failed to satisfy constraint: " +
			`Member must have length between 2 and 64 and satisfy regular expression pattern: [\w+=,.@-]*`)
	}
	if form.Has("DurationSeconds") {
		if seconds, err := strconv.Atoi(form.Get("DurationSeconds")); err != nil || seconds < 900 || seconds > 43200 {
			return invalid("Value at 'durationSeconds' failed to satisfy constraint: Member must have value between 900 and 43200")
		}
	}
	return nil
}

type claims struct {
	jwt.Claims
	AuthorizedParty string    `json:"azp"`
	Tags            tagsClaim `json:"https://aws.amazon.com/tags"`
}

// audience follows
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#ck_aud
func (c claims) audience() jwt.Audience {
	if c.AuthorizedParty != "" {
		return jwt.Audience{c.AuthorizedParty}
	}
	return c.Audience
}

func (s *STS) verify(token string) (c claims, refusal http.HandlerFunc) {
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{
		jose.RS256, jose.RS384, jose.RS512, jose.ES256, jose.ES384, jose.ES512,
	})
	if err != nil || parsed.UnsafeClaimsWithoutVerification(&c) != nil {
		return c, invalidToken("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
	}
	if c.Issuer != s.issuer.URL {
		return c, invalidToken("No OpenIDConnect provider found in your account for " + c.Issuer)
	}
	if parsed.Claims(s.issuer.keys) != nil {
		return c, invalidToken("The signature of the ID Token is invalid")
	}
	if c.Subject == "" || len(c.Audience) == 0 || c.Expiry == nil || c.IssuedAt == nil {
		return c, invalidToken("Missing a required claim: sub, aud, exp or iat")
	}
	now := time.Now()
	if !now.Before(c.Expiry.Time()) {
		return c, STSError(http.StatusBadRequest, "ExpiredTokenException",
			"Token expired: current date/time must be before the expiration date/time")
	}
	if c.NotBefore != nil && now.Before(c.NotBefore.Time()) {
		return c, invalidToken("The ID Token is not valid yet")
	}
	return c, nil
}

func invalid(message string) http.HandlerFunc {
	return STSError(http.StatusBadRequest, "ValidationError", message)
}

func invalidToken(message string) http.HandlerFunc {
	return STSError(http.StatusBadRequest, "InvalidIdentityToken", message)
}
