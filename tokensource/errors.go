package tokensource

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Class says what kind of failure an [Error] is. A Class is itself an error, so
// that errors.Is(err, tokensource.NotConfigured) works.
type Class string

// The classes. Their values are the names that the conformance vectors and the
// anchors of docs/troubleshooting.md use.
const (
	// ConfigInvalid: a setting can never work as it is written.
	ConfigInvalid Class = "config-invalid"
	// NotConfigured: a variable or a file that the token source needs is
	// missing or empty, or a variable holds a token that has expired.
	NotConfigured Class = "not-configured"
	// TokenRefused: the token server understood and refused (4xx), or sent the
	// request elsewhere (3xx). It is not retried.
	TokenRefused Class = "token-refused"
	// TokenUnavailable: no usable response from the token server (network, 408,
	// 429, 5xx, time-out), after retries.
	TokenUnavailable Class = "token-unavailable"
	// TokenMalformed: the token server responded with something that is not a token.
	TokenMalformed Class = "token-malformed"
	// RoleDenied: STS refused the role for this token.
	RoleDenied Class = "role-denied"
	// STSUnavailable: no usable response from STS, after the SDK's retries.
	STSUnavailable Class = "sts-unavailable"
)

// Error returns the name of the class.
func (c Class) Error() string { return string(c) }

// Error is the type of every error on the way from a setting to a role. It
// holds no secret: neither a token, nor a request token, nor the body of a
// successful response.
type Error struct {
	// Class is the kind of failure. Always set.
	Class Class

	// Setting is where the failing setting was made: a variable, or a profile
	// and its file. Empty for a source that was made in code.
	Setting string

	// Problem says what failed. Always set.
	Problem string

	// Hint says how to resolve it. May be empty.
	Hint string

	// StatusCode is the HTTP status of the response, or 0 where there was none.
	StatusCode int

	// Expired reports whether there was a token that had expired: by its own claim
	// where no other can come, or by the response of STS.
	Expired bool

	// Err is the cause, or nil.
	Err error
}

const troubleshooting = "https://github.com/awstokenserver/config/blob/main/docs/troubleshooting.md#"

// Error returns the setting, the problem, the cause, the hint, and the page that
// explains the class, in one line.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Setting != "" {
		b.WriteString(e.Setting + ": ")
	}
	b.WriteString(e.Problem)
	if e.Err != nil {
		b.WriteString(": " + strings.ReplaceAll(e.Err.Error(), "\n", "; "))
	}
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String() + " (" + troubleshooting + string(e.Class) + ")"
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is the error's [Class].
func (e *Error) Is(target error) bool { return target == error(e.Class) }

func invalid(format string, args ...any) *Error { return hinted("", format, args...) }

func hinted(hint, format string, args ...any) *Error {
	return &Error{Class: ConfigInvalid, Problem: fmt.Sprintf(format, args...), Hint: hint}
}

func notConfigured(format string, args ...any) *Error {
	return &Error{Class: NotConfigured, Problem: fmt.Sprintf(format, args...)}
}

func malformed(problem string) *Error { return &Error{Class: TokenMalformed, Problem: problem} }

// cancelled is the error for a caller that stopped waiting.
func cancelled(ctx context.Context, last *Error) *Error {
	e := &Error{Class: TokenUnavailable, Problem: "the caller stopped waiting", Err: ctx.Err()}
	if last != nil {
		e.Problem += fmt.Sprintf(" (the last attempt: %s)", last.Problem)
		e.StatusCode = last.StatusCode
	}
	return e
}

// inSource returns err as an error of the source of a name, or nil.
func inSource(name string, err error) error {
	if err == nil {
		return nil
	}
	e := Error{Class: TokenUnavailable, Problem: "failed", Err: err}
	if known := (*Error)(nil); errors.As(err, &known) {
		e = *known
	}
	e.Problem = name + ": " + e.Problem
	return &e
}
