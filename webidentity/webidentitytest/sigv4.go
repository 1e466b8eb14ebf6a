package webidentitytest

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"regexp"
	"strings"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

var (
	authorization = regexp.MustCompile(
		`^AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/sts/aws4_request, *SignedHeaders=([a-z0-9;-]+), *Signature=([0-9a-f]{64})$`)
	sigV4 = v4.NewSigner()
)

const maxClockSkew = 5 * time.Minute

// authenticate checks the request's signature (SigV4, in the Authorization
// header and with X-Amz-Date) by making it again, and returns who made it.
// See https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
func (s *STS) authenticate(r *http.Request, q Request) (caller, http.HandlerFunc) {
	refuse := func(code, message string) (caller, http.HandlerFunc) {
		return caller{}, STSError(http.StatusForbidden, code, message)
	}
	if q.Header.Get("Authorization") == "" {
		return refuse("MissingAuthenticationToken", "Request is missing Authentication Token")
	}
	given := authorization.FindStringSubmatch(q.Header.Get("Authorization"))
	date, err := time.Parse("20060102T150405Z", q.Header.Get("X-Amz-Date"))
	if given == nil || err != nil {
		return refuse("IncompleteSignature", "Authorization or X-Amz-Date is not that of a SigV4 request to sts")
	}
	keyID, region, signedHeaders := given[1], given[3], given[4]

	s.stateMu.Lock()
	c, ok := s.callers[keyID]
	s.stateMu.Unlock()
	if !ok || subtle.ConstantTimeCompare([]byte(c.SessionToken), []byte(q.Header.Get("X-Amz-Security-Token"))) == 0 {
		return refuse("InvalidClientTokenId", "The security token included in the request is invalid")
	}
	if c.Expired() {
		return refuse("ExpiredToken", "The security token included in the request is expired")
	}
	if q.Time.Sub(date).Abs() > maxClockSkew {
		return refuse("SignatureDoesNotMatch",
			"Signature expired or not yet current: X-Amz-Date is more than 5 min. away from now")
	}

	again := &http.Request{Method: r.Method, URL: r.URL, Host: r.Host, Header: http.Header{}}
	for _, name := range strings.Split(signedHeaders, ";") {
		switch name {
		case "host": // the signer adds it, from Host
		case "content-length":
			again.ContentLength = r.ContentLength
		default:
			name = http.CanonicalHeaderKey(name)
			again.Header[name] = q.Header[name]
		}
	}
	hash := sha256.Sum256(q.Body)
	err = sigV4.SignHTTP(r.Context(), c.Credentials, again, hex.EncodeToString(hash[:]), "sts", region, date)
	made := authorization.FindStringSubmatch(again.Header.Get("Authorization"))
	if err != nil || made == nil ||
		subtle.ConstantTimeCompare([]byte(strings.Join(made[1:], " ")), []byte(strings.Join(given[1:], " "))) == 0 {
		return refuse("SignatureDoesNotMatch",
			"The request signature we calculated does not match the signature you provided. "+
				"Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
	}
	return c, nil
}
