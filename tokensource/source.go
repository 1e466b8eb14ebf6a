package tokensource

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// source is the TokenSource that all constructors return.
type source struct {
	name     string // as errors have it
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
	if err != nil {
		return nil, inSource(ofDocument, err)
	}
	return open(ofDocument, decoded, optFns)
}

const ofDocument = "the token server of the document"

// EnvPair is the source of a token server with GitHub's contract under other
// variables: a GET of the URL in urlVariable, with the bearer token in
// tokenVariable, and with a query parameter "audience" if the options name one.
// A variable that is missing fails with [NotConfigured] at Token; a name that
// is not one is an error here, of class [ConfigInvalid].
func EnvPair(urlVariable, tokenVariable string, optFns ...func(*Options)) (TokenSource, error) {
	for _, name := range []string{urlVariable, tokenVariable} {
		if !isVariable(name) {
			return nil, invalid("%s is not the name of a variable", shown(name))
		}
	}
	name, doc, err := pair(urlVariable, tokenVariable)
	if err != nil {
		return nil, err
	}
	return open(name, doc, optFns)
}

const pairDocument = `{
	"version": 1,
	"http": {
		"url": "${env:%s}",
		"headers": {"Authorization": "Bearer ${env:%s}"},
		"query": {"audience": "${audience}"},
		"token": "/value"
	}
}`

func pair(urlVariable, tokenVariable string) (name string, doc *document, err error) {
	doc, err = decode(fmt.Appendf(nil, pairDocument, urlVariable, tokenVariable))
	return fmt.Sprintf("the token server named by the variables %s and %s", urlVariable, tokenVariable), doc, err
}

// GitHub is the source of GitHub Actions' tokens, and of those of Forgejo
// Actions, which has the same contract. The audience is sts.amazonaws.com
// unless the options name another.
//
// The request URL and token come from the variables
// ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN, which exist
// only in a job with `permissions: id-token: write`; elsewhere Token fails with
// [NotConfigured]. Source: https://docs.github.com/en/actions/reference/security/oidc
func GitHub(optFns ...func(*Options)) TokenSource {
	server, _ := lookUp("GitHub")
	doc, err := server.doc()
	if err == nil {
		var source TokenSource
		if source, err = open(server.name, doc, optFns); err == nil {
			return source
		}
	}
	return Func(func(context.Context) (Token, error) { return Token{}, err })
}

// File is the source of a token that something else writes to a file and keeps
// fresh: it is read for every token. A file that is missing or empty fails with
// [NotConfigured], one that is not regular (a pipe) with [ConfigInvalid].
func File(path string) TokenSource {
	file := template(strings.ReplaceAll(path, "$", "$$"))
	return &source{name: "the token file", doc: &document{File: &file}}
}

// Env is the source of a token in a variable, which is read for every token. A
// variable that is missing or empty fails with [NotConfigured], and so does one
// whose token has expired: nothing renews it in a process that runs.
func Env(name string) TokenSource {
	return &source{name: "the token variable", doc: &document{Env: name}}
}

// open makes a source of a document.
func open(name string, doc *document, optFns []func(*Options)) (TokenSource, error) {
	s := &source{name: name, doc: doc}
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
	if s.options.TotalTimeout <= 0 {
		s.options.TotalTimeout = time.Minute // aws.CredentialsCache calls with a context that never ends
	}
	if audience := cmp.Or(s.options.Audience, s.doc.Audience); audience != nil {
		s.audience = *audience
	}
	switch {
	case s.audience != "" && !s.doc.mentionsAudience:
		return nil, s.fail(invalid("it takes no audience"))
	case s.doc.File != nil && s.doc.File.leftOut(s.audience), s.doc.HTTP != nil && s.doc.HTTP.URL.leftOut(s.audience):
		return nil, s.fail(hinted(s.doc.Hint, "it needs an audience"))
	}
	return s, nil
}

// Token fetches a token as the document says.
func (s *source) Token(ctx context.Context) (Token, error) {
	if ctx.Err() != nil {
		return Token{}, s.fail(cancelled(ctx, nil))
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
		return Token{}, s.fail(err)
	}
	token := Token{Value: value, Expires: expiry(value)}
	if s.doc.Env != "" && !token.Expires.IsZero() && !time.Now().Before(token.Expires) {
		expired := notConfigured("the token in the variable %s expired at %s", s.doc.Env,
			token.Expires.UTC().Format(time.RFC3339))
		expired.Expired = true
		expired.Hint = "a variable is a snapshot, so a process that outlives the token in it cannot renew it: " +
			"start the process anew with a fresh token, or name a token server that can be asked"
		return Token{}, s.fail(expired)
	}
	return token, nil
}

// fail returns err as an error of the source, with the hint of its document.
func (s *source) fail(err error) error {
	e := inSource(s.name, err).(*Error)
	switch e.Class {
	case NotConfigured:
		e.Hint = cmp.Or(e.Hint, s.doc.Hint, "provide it to the process, or name another token server")
	case TokenRefused:
		e.Hint = cmp.Or(s.doc.Hint, e.Hint) // a redirect often leads to a page to sign in
	case TokenUnavailable:
		if e.StatusCode == http.StatusInternalServerError && s.doc.Hint != "" { // Forgejo refuses so
			e.Hint = "if it stays so: " + s.doc.Hint
		}
	}
	return e
}
