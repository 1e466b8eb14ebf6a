package tokensource

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/aws/smithy-go/logging"
)

// failure is how an attempt failed.
type failure struct {
	err   *Error
	retry bool          // the same request may succeed later
	after time.Duration // what Retry-After says
}

// attempt sends the request once.
func (c *call) attempt(ctx context.Context) (string, *failure) {
	all := ctx
	ctx, cancel := context.WithTimeout(all, c.source.options.Timeout)
	defer cancel()
	noResponse := func(err error) *failure {
		if ctx.Err() != nil {
			timeout := c.source.options.Timeout
			if all.Err() != nil {
				timeout = c.source.options.TotalTimeout
			}
			err = fmt.Errorf("after %v: %w", timeout, os.ErrDeadlineExceeded)
		}
		return c.noResponse(err)
	}
	request, err := http.NewRequestWithContext(ctx, c.source.doc.HTTP.Method, c.url.String(), bytes.NewReader(c.body))
	if err != nil {
		return "", c.noResponse(err)
	}
	request.Header = c.header.Clone()
	request.Close = true // no connection outlives the token
	c.attempts++
	mode, started := c.source.options.LogMode, time.Now()
	if mode.IsRequest() || mode.IsRequestWithBody() {
		c.trace(ctx, "%s to %s", request.Method, c.url.Host)
	}
	response, err := c.client.Do(request)
	if mode.IsResponse() || mode.IsResponseWithBody() {
		status := "no response"
		if err == nil {
			status = fmt.Sprintf("status %d", response.StatusCode)
		}
		c.trace(ctx, "%s from %s after %v", status, c.url.Host, time.Since(started).Round(time.Millisecond))
	}
	if err != nil {
		return "", noResponse(err)
	}
	defer response.Body.Close()
	if c.foreign && redirected(response, c.url) {
		return "", &failure{err: &Error{Class: TokenRefused, Problem: c.url.Host + " redirected, and the HTTP client followed"}}
	}
	if response.StatusCode == http.StatusSwitchingProtocols {
		return "", c.refusal(response, nil) // such a body heeds no context
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxRead+1))
	if response.StatusCode/100 != 2 {
		return "", c.refusal(response, body)
	}
	if err != nil {
		return "", noResponse(err)
	}
	token, problem := extract(body, c.source.doc.HTTP.Token)
	if problem != "" {
		return "", &failure{err: &Error{Class: TokenMalformed, Problem: c.url.Host + " " + problem, StatusCode: response.StatusCode}}
	}
	return token, nil
}

// trace logs what is no secret of an attempt.
func (c *call) trace(ctx context.Context, format string, args ...any) {
	logging.WithContext(ctx, c.source.options.Logger).Logf(logging.Debug, "%s: attempt %d: %s",
		c.source.name, c.attempts, fmt.Sprintf(format, args...))
}

func redirected(response *http.Response, asked *url.URL) bool {
	if response.Request == nil || response.Request.URL == nil {
		return false
	}
	got := response.Request.URL
	return got.String() != asked.String()
}

// noResponse is the failure of a request that had no complete response.
func (c *call) noResponse(err error) *failure {
	var withURL *url.Error
	if errors.As(err, &withURL) {
		err = withURL.Err // the URL may hold a secret
	}
	if errors.Is(err, errNotLocal) {
		return &failure{err: invalid("%s is not an address of this machine or a metadata service, so plain http is refused", c.url.Host)}
	}
	f := &failure{retry: true, err: &Error{Class: TokenUnavailable, Problem: "no complete response from " + c.url.Host, Err: err}}
	if errors.As(err, new(*tls.CertificateVerificationError)) {
		f.retry = false
		f.err.Hint = "name the certificate authority in the document's ca_file, or in AWS_CA_BUNDLE, which replaces " +
			"the system's authorities and is not added to them"
	}
	// net/http repeats lines of a response that it cannot read.
	text := strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '\uFFFD'
	}, excerpt(err.Error()))
	if holdsSecret(err.Error(), c.secrets) {
		text = "the cause is " + withheld
	}
	if text != err.Error() {
		f.err.Err = errors.New(text)
	}
	return f
}

// refusal is the failure of a request whose response has no status of success.
func (c *call) refusal(response *http.Response, body []byte) *failure {
	status := response.StatusCode
	e := &Error{
		Class:      TokenRefused,
		Problem:    strings.TrimSpace(fmt.Sprintf("%s responded with %d %s", c.url.Host, status, http.StatusText(status))),
		StatusCode: status,
	}
	f := &failure{err: e, after: retryAfter(response.Header.Get("Retry-After"))}
	if status/100 == 3 {
		e.Problem += ", a redirect, which is never followed"
		e.Hint = "set the URL that responds with the token itself"
		return f
	}
	// The page of a proxy says nothing about the token server, whose own failure is a 500.
	ownText := status == http.StatusInternalServerError && !bytes.HasPrefix(bytes.TrimSpace(body), []byte("<"))
	if status < 500 || json.Valid(body) || ownText {
		e.Problem += c.quote(body)
	}
	pending := status == http.StatusForbidden &&
		bytes.Contains(body, []byte("Can't issue ID_TOKEN")) && bytes.Contains(body, []byte("'Pending' state"))
	f.retry = status/100 == 5 || status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || pending ||
		slices.Contains(c.source.doc.HTTP.Retry, status)
	// A status that does not exist says nothing (RFC 9110, 15).
	if f.retry || status >= 600 || status < 100 {
		e.Class = TokenUnavailable
	}
	return f
}

// retryAfter reads the header Retry-After (RFC 9110, 10.2.3).
func retryAfter(value string) time.Duration {
	if seconds, err := strconv.Atoi(value); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(max(seconds, 0), 3600)) * time.Second
	}
	if date, err := http.ParseTime(value); err == nil {
		return time.Until(date)
	}
	return 0
}
