package webidentitytest

import (
	"crypto/rand"
	"encoding/xml"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
)

// STSError returns a handler that responds with an error as STS does: for
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

func invalid(message string) http.HandlerFunc {
	return STSError(http.StatusBadRequest, "ValidationError", message)
}

func invalidToken(message string) http.HandlerFunc {
	return STSError(http.StatusBadRequest, "InvalidIdentityToken", message)
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
