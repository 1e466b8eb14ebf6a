package tokensource

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// source is the one TokenSource behind all constructors.
type source struct {
	name     string // how errors call it
	doc      *document
	audience string
	options  Options
}

var _ TokenSource = (*source)(nil)

// Document makes a source of a JSON document, version 1, as docs/specification.md
// and document.schema.json describe it. This is the most general constructor:
// it reaches every token server that is asked with one HTTP request.
//
// A document that can never work is an error of class [ConfigInvalid] that names
// the member by path ("http.headers.Authorization"). So is an audience, in the
// options or as the document's default, for a document that mentions ${audience}
// nowhere, and the lack of one for a document whose URL or file mentions it. The
// document may hold a secret; no error repeats what is in it, beyond the names of
// members, variables, files and hosts.
func Document(doc []byte, optFns ...func(*Options)) (TokenSource, error) {
	decoded, err := decode(doc)
	return open("the token server of the document", decoded, err, optFns)
}

// open makes a source of what decode returned.
func open(name string, doc *document, err error, optFns []func(*Options)) (TokenSource, error) {
	s := &source{name: name, doc: doc}
	if err != nil {
		return nil, s.explain(err)
	}
	for _, fn := range optFns {
		fn(&s.options)
	}
	if s.options.HTTPClient == nil {
		s.options.HTTPClient = awshttp.NewBuildableClient()
	}
	if s.options.Retryer == nil {
		s.options.Retryer = retry.NewStandard()
	}
	if s.options.LogMode == 0 {
		s.options.LogMode = aws.LogRetries
	}
	if s.options.Timeout <= 0 {
		s.options.Timeout = 5 * time.Second
	}
	if audience := cmp.Or(s.options.Audience, s.doc.Audience); audience != nil {
		s.audience = *audience
	}
	switch {
	case s.audience != "" && !s.doc.mentionsAudience:
		return nil, s.explain(invalid("it takes no audience"))
	case s.doc.File != nil && s.doc.File.leftOut(s.audience), s.doc.HTTP != nil && s.doc.HTTP.URL.leftOut(s.audience):
		return nil, s.explain(hinted(s.doc.Hint, "it needs an audience"))
	}
	return s, nil
}

// Token fetches a token as the document says.
func (s *source) Token(ctx context.Context) (Token, error) {
	if ctx.Err() != nil {
		return Token{}, s.explain(cancelled(ctx, nil))
	}
	var value string
	var err error
	switch {
	case s.doc.HTTP != nil:
		value, err = s.fetch(ctx)
	case s.doc.File != nil:
		var path string
		if path, err = (&expansion{audience: s.audience}).expand(*s.doc.File); err == nil {
			value, err = readFile(path, maxRead)
		}
	default:
		value, err = readEnv(s.doc.Env)
	}
	if err == nil {
		value, err = checkToken(value)
	}
	if err != nil {
		return Token{}, s.explain(err)
	}
	token := Token{Value: value, Expires: expiry(value)}
	if s.doc.Env != "" && !token.Expires.IsZero() && !time.Now().Before(token.Expires) {
		expired := notConfigured("the token in the variable %s expired at %s", s.doc.Env, token.Expires.UTC().Format(time.RFC3339))
		expired.Expired = true
		expired.Hint = "a variable is a snapshot, so a process that outlives the token in it cannot renew it: " +
			"start the process anew with a fresh token, or name a token server that can be asked"
		return Token{}, s.explain(expired)
	}
	return token, nil
}

// explain adds to err what only the source knows.
func (s *source) explain(err error) error {
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Class: TokenUnavailable, Problem: "failed", Err: err}
	}
	e.Problem = s.name + ": " + e.Problem
	var hint string
	if s.doc != nil {
		hint = s.doc.Hint
	}
	switch e.Class {
	case NotConfigured:
		e.Hint = cmp.Or(e.Hint, hint, "provide it to the process, or name another token server")
	case TokenRefused:
		e.Hint = cmp.Or(hint, e.Hint) // a redirect often leads to a page to sign in
	}
	return e
}

// cancelled is the error for a caller that stopped waiting.
func cancelled(ctx context.Context, last *Error) error {
	e := &Error{Class: TokenUnavailable, Problem: "the caller stopped waiting", Err: ctx.Err()}
	if last != nil {
		e.Problem += fmt.Sprintf(" (the last attempt: %s)", last.Problem)
		e.StatusCode = last.StatusCode
	}
	return e
}

// Format writes the name for every verb and flag: the document may hold a
// secret.
func (s *source) Format(f fmt.State, _ rune) { io.WriteString(f, s.name) }
