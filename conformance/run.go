package conformance

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"
)

// Runner runs cases against an implementation.
type Runner struct {
	// Adapter is the program that stands for the implementation, and its
	// arguments. Required.
	Adapter []string

	// Capabilities are what the implementation can do. Nil: the adapter is
	// asked.
	Capabilities []string

	// Known says of cases that must fail why they do, by id.
	Known map[string]string

	// Parallel is the number of cases that run at a time. Required.
	Parallel int

	// Timeout bounds a case. Required.
	Timeout time.Duration

	ran atomic.Int64
}

// Status is what became of a case.
type Status string

// What becomes of a case. A case that could not be run has not failed, but the
// run has.
const (
	Passed   Status = "passed"
	Failed   Status = "failed"
	Skipped  Status = "skipped"
	Known    Status = "known to fail"
	CouldNot Status = "could not run"
)

// Result is what became of a case, and why.
type Result struct {
	ID      string   `json:"id"`
	Title   string   `json:"title"`
	Clauses []string `json:"clauses"`
	Status  Status   `json:"status"`
	Reasons []string `json:"reasons,omitempty"`
	Seconds float64  `json:"seconds"`
	Stderr  string   `json:"stderr,omitempty"`
}

// Run runs the cases. An error means that nothing could be run.
func (r *Runner) Run(ctx context.Context, cases []*Case) (*Report, error) {
	capabilities := r.Capabilities
	if capabilities == nil {
		var err error
		if capabilities, err = r.capabilities(ctx); err != nil {
			return nil, err
		}
	}
	report := &Report{
		Version: Version(), Adapter: strings.Join(r.Adapter, " "), Capabilities: capabilities,
		Results: make([]Result, len(cases)),
	}
	slots := make(chan struct{}, r.Parallel)
	var running sync.WaitGroup
	for i, c := range cases {
		slots <- struct{}{}
		running.Add(1)
		go func() {
			defer running.Done()
			report.Results[i] = r.run(ctx, c, capabilities)
			r.ran.Add(1)
			<-slots
		}()
	}
	running.Wait()
	return report, ctx.Err()
}

func (r *Runner) run(ctx context.Context, c *Case, capabilities []string) Result {
	result := Result{ID: c.ID, Title: c.Title, Clauses: c.Clauses, Status: Skipped}
	for _, capability := range c.Requires {
		if !slices.Contains(capabilities, capability) {
			result.Reasons = append(result.Reasons, "the adapter lacks the capability "+capability)
		}
	}
	if len(result.Reasons) > 0 {
		return result
	}
	began := time.Now()
	w, err := open(c, func(string, ...any) {})
	if err == nil {
		defer w.close()
		limit, cancel := context.WithTimeout(ctx, r.Timeout)
		defer cancel()
		var o outcome
		if o, err = start(limit, r.Adapter, w.environment()); err == nil {
			result.Reasons, result.Stderr = w.judge(o, slices.Contains(capabilities, ErrorClass))
		}
	}
	result.Seconds = time.Since(began).Seconds()
	reason, known := r.Known[c.ID]
	switch failed := len(result.Reasons) > 0; {
	case err != nil:
		result.Status, result.Reasons = CouldNot, []string{err.Error()}
	case known && failed:
		result.Status, result.Reasons = Known, []string{reason}
	case known:
		result.Status, result.Reasons = Failed, []string{"it passes, though it is known to fail: take it from the list"}
	case failed:
		result.Status = Failed
	default:
		result.Status, result.Stderr = Passed, ""
	}
	return result
}

// ErrorClass is the capability without which no class of error is asserted.
const ErrorClass = "error-class"

// judge says what is wrong with what the adapter did, and what is on stderr.
func (w *world) judge(o outcome, classes bool) (problems []string, stderr string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.next < len(w.Exchanges) && !w.Exchanges[w.next].Optional {
		w.problem("request %d, to the server %q, was not sent", w.next+1, w.Exchanges[w.next].Server)
	}
	got, err := o.retrievals()
	switch {
	case err != nil:
		w.problem("%s", w.names.name(err.Error()))
	case len(got) != len(w.Expect):
		w.problem("the adapter wrote %d lines, not %d", len(got), len(w.Expect))
	default:
		for i, want := range w.Expect {
			if difference := w.difference(got[i], want, classes); difference != "" {
				w.problem("retrieval %d: %s", i+1, w.names.name(difference))
			}
		}
	}
	w.findSecrets("stderr", o.stderr, "")
	for _, line := range got {
		if line.Error != nil {
			w.findSecrets("the error's message", line.Error.Message, "")
		}
	}
	w.findSecrets("stdout", o.stdout, "SECRET_KEY_ SESSION_")
	return w.problems, head(w.names.name(o.stderr))
}

// findSecrets finds every secret in text but those whose names begin with one
// of allowed.
func (w *world) findSecrets(where, text, allowed string) {
	text = bare(text)
	for name, secret := range w.names.secrets {
		if strings.Contains(text, bare(secret)) &&
			!slices.ContainsFunc(strings.Fields(allowed),
				func(begin string) bool { return strings.HasPrefix(name, begin) }) {
			w.problem("the secret ${%s} is in %s", name, where)
		}
	}
}

// bare keeps letters and digits: an error quotes what is quoted already, and has lines of
// its own.
func bare(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, strings.NewReplacer(`\r`, "", `\n`, "").Replace(text))
}

// difference says how a retrieval is not as wanted.
func (w *world) difference(got retrieval, want Expectation, classes bool) string {
	if want.Error != nil {
		switch {
		case got.Error == nil:
			return fmt.Sprintf("credentials with the key %s came, not an error of class %q", got.AccessKeyID,
				want.Error.Class)
		case classes && want.Error.Class != "" && got.Error.Class != want.Error.Class:
			return fmt.Sprintf("the error's class is %q, not %q: %s", got.Error.Class, want.Error.Class,
				got.Error.Message)
		}
		for _, text := range want.Error.Mentions {
			if !strings.Contains(got.Error.Message, text) {
				return fmt.Sprintf("the error does not mention %s: %s", text, got.Error.Message)
			}
		}
		return ""
	}
	if got.Error != nil {
		return fmt.Sprintf("an error came, not credentials: %s: %s", got.Error.Class, got.Error.Message)
	}
	keys, expiration := want.Keys, time.Time{}
	if keys == nil {
		n := want.Credentials
		value := func(kind string) string { return w.names.values[fmt.Sprintf("%s_%d", kind, n)] }
		keys, expiration = &Keys{value("KEY_ID"), value("SECRET_KEY"), value("SESSION")}, w.expires[n]
	}
	if (Keys{got.AccessKeyID, got.SecretAccessKey, got.SessionToken}) != *keys {
		return fmt.Sprintf("the credentials are %s, %s, %s, not %s, %s, %s",
			got.AccessKeyID, got.SecretAccessKey, got.SessionToken, keys.AccessKeyID, keys.SecretAccessKey,
			keys.SessionToken)
	}
	if want.AccountID != nil && got.AccountID != *want.AccountID {
		return fmt.Sprintf("the account is %q, not %q", got.AccountID, *want.AccountID)
	}
	if expiration.IsZero() && got.Expiration == "" {
		return ""
	}
	if expires, err := time.Parse(time.RFC3339, got.Expiration); err != nil || !expires.Equal(expiration) {
		return fmt.Sprintf("the expiration is %q, not %q", got.Expiration, expiration.Format(time.RFC3339))
	}
	return ""
}
