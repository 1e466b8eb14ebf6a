package testenv

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
)

// STS is an HTTP client that responds as STS would, and keeps what it was asked.
// It denies roles with "denied" in their ARN.
type STS struct {
	mu       sync.Mutex
	Requests []string
}

var (
	timeName = regexp.MustCompile(`^(aws-go-sdk-)?\d{19}$`)
	signedBy = regexp.MustCompile(`Credential=([^/]+)/\d+(/[^,]+)`)
)

func (s *STS) Do(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	form, _ := url.ParseQuery(string(body))
	if timeName.MatchString(form.Get("RoleSessionName")) {
		form.Set("RoleSessionName", "TIME")
	}
	// Upstream sends a token file with its line break; a token never has one.
	form.Set("WebIdentityToken", strings.TrimSpace(form.Get("WebIdentityToken")))
	signer := signedBy.FindStringSubmatch(r.Header.Get("Authorization"))
	s.Requests = append(s.Requests, fmt.Sprintf("%s %s %s %q %s %s", r.Method, r.URL, form.Encode(), signer,
		r.Header.Get("User-Agent"), r.Header.Get("X-Amz-Security-Token")))

	status, response := http.StatusOK, ""
	switch action := form.Get("Action"); {
	case action == "":
		status = http.StatusNotFound
	case strings.Contains(form.Get("RoleArn"), "denied"):
		status, response = http.StatusForbidden,
			`<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>`
	default:
		n := len(s.Requests)
		response = fmt.Sprintf(`<%[1]sResponse><%[1]sResult><AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/r/s</Arn></AssumedRoleUser>`+
			`<Credentials><AccessKeyId>ASIA%[2]d</AccessKeyId><SecretAccessKey>secret%[2]d</SecretAccessKey><SessionToken>session%[2]d</SessionToken>`+
			`<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></%[1]sResult></%[1]sResponse>`, action, n)
	}
	return &http.Response{
		StatusCode: status, Header: http.Header{}, Request: r,
		Body: io.NopCloser(strings.NewReader(response)),
	}, nil
}
