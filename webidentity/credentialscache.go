package webidentity

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"sync"
	"time"
	"weak"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go/logging"

	"github.com/awstokenserver/config/tokensource"
)

// pickUp is when the cache looks for what a renewal has brought.
const pickUp = time.Second

// NewCredentialsCache returns a cache like that of [aws.NewCredentialsCache],
// which renews the credentials of provider ahead of their expiry: when a quarter
// of their life is left, but at least five minutes and at most nine tenths of
// it, and up to a tenth earlier at random. Options replace that by their
// ExpiryWindow and ExpiryWindowJitterFrac, and nothing is renewed ahead where
// they set none.
//
// A renewal starts when Retrieve is called in that time. It runs in the
// background, one at a time, and Retrieve goes on to return the credentials that
// there are, with their own expiry (with options, earlier by the ExpiryWindow). A
// renewal that fails because a token server or STS is unavailable is tried again
// after a fifteenth of that time, at least a second and at most a minute, as long
// as Retrieve is called; the first failure is logged to logger, if it is not nil,
// as a warning. Any other failure is for the callers to see: Retrieve no longer
// returns the credentials that there were, and asks provider each time.
//
// A cache as provider is emptied for each retrieval. No two retrievals run at a
// time, and the callers that must wait for one share it.
func NewCredentialsCache(provider aws.CredentialsProvider, logger logging.Logger, optFns ...func(*aws.CredentialsCacheOptions)) *aws.CredentialsCache {
	inner, ok := provider.(*aws.CredentialsCache)
	if !ok {
		inner = aws.NewCredentialsCache(provider)
	}
	r := &renewal{flight: flight{inner}, logger: logger, ahead: ahead}
	if len(optFns) > 0 {
		var options aws.CredentialsCacheOptions
		for _, fn := range optFns {
			fn(&options)
		}
		r.ahead = func(time.Duration) time.Duration { return max(options.ExpiryWindow, 0) }
		r.byOptions = true
	}
	r.cache = aws.NewCredentialsCache(r, optFns...)
	return r.cache
}

// ahead returns how long before their expiry credentials with so much life left
// are to be renewed.
func ahead(life time.Duration) time.Duration {
	jittered := time.Duration(float64(max(life/4, 5*time.Minute)) * (1 + rand.Float64()/10))
	return min(jittered, life*9/10)
}

// renewal is the provider of a cache whose credentials are renewed ahead. The
// cache returns what it holds without a word to its provider, and so it is
// emptied whenever there is something to do: the next Retrieve comes here, and
// without one nothing is done.
type renewal struct {
	flight
	logger logging.Logger
	ahead  func(life time.Duration) time.Duration
	cache  *aws.CredentialsCache

	// byOptions tells that the cache has an expiry window of its own, after which
	// it asks by itself.
	byOptions bool

	mu      sync.Mutex
	current aws.Credentials // zero: none
	due     time.Time       // when current is to be renewed
	every   time.Duration   // between attempts
	timer   *time.Timer     // empties the cache
	emptied bool            // by the timer, not by the program
	fresh   bool            // the cache does not have current yet
	running bool
	next    time.Time // attempt, not before
	failed  bool      // the last attempt
}

// Retrieve is called when the cache is empty or its credentials have expired.
func (r *renewal) Retrieve(ctx context.Context) (aws.Credentials, error) {
	if creds, ok := r.keep(ctx); ok {
		return creds, nil
	}
	creds, err := r.flight.Retrieve(ctx)
	if err != nil {
		return aws.Credentials{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.obtained(creds)
	r.fresh = false
	if creds.CanExpire {
		r.emptyAt(r.due)
	}
	return creds, nil
}

// keep returns the current credentials if the cache was emptied to look after
// them, and has them renewed if that is due. A program that has emptied the
// cache gets other credentials.
func (r *renewal) keep(ctx context.Context) (aws.Credentials, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	due := !now.Before(r.due)
	asked := r.emptied || r.fresh || r.byOptions && due
	r.emptied = false
	if !asked || !r.current.CanExpire || r.current.Expired() {
		return aws.Credentials{}, false
	}
	r.fresh = false
	if !due {
		r.emptyAt(r.due)
		return r.current, true
	}
	if !r.running && !now.Before(r.next) {
		r.running, r.next = true, now.Add(r.every)
		go r.renew(ctx) // which does not end: it is the cache's
	}
	r.emptyAt(now.Add(r.every))
	return r.current, true
}

func (r *renewal) renew(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, exchangeTimeout)
	defer cancel()
	creds, err := r.flight.Retrieve(ctx)

	r.mu.Lock()
	defer r.mu.Unlock()
	r.running = false
	switch {
	case err == nil:
		r.obtained(creds)
		r.emptyAt(time.Now().Add(pickUp))
	case !isUnavailable(err):
		r.current = aws.Credentials{}
		r.emptyAt(time.Now().Add(pickUp))
	case !r.failed:
		r.failed = true
		if r.logger != nil {
			r.logger.Logf(logging.Warn, "credentials that expire at %s could not be renewed yet: %v",
				r.current.Expires.Format(time.RFC3339), err)
		}
	}
}

// obtained makes creds the current ones.
func (r *renewal) obtained(creds aws.Credentials) {
	r.current, r.fresh, r.failed = creds, true, false
	ahead := r.ahead(time.Until(creds.Expires))
	r.due = creds.Expires.Add(-ahead)
	r.every = min(max(ahead/15, time.Second), time.Minute)
	r.next = time.Time{}
}

// emptyAt has the cache emptied at t, and at no other time. A cache that nobody
// has any more is not kept for that.
func (r *renewal) emptyAt(t time.Time) {
	if r.byOptions {
		return
	}
	if r.timer != nil {
		r.timer.Stop()
	}
	weakly := weak.Make(r)
	r.timer = time.AfterFunc(time.Until(t), func() {
		if r := weakly.Value(); r != nil {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.emptied = true
			r.cache.Invalidate()
		}
	})
}

// isUnavailable reports whether a retrieval failed for want of an answer, and
// not for what the answer was.
func isUnavailable(err error) bool {
	class := classify(err)
	if e := (*tokensource.Error)(nil); errors.As(err, &e) {
		class = e.Class
	}
	return class == tokensource.TokenUnavailable || class == tokensource.STSUnavailable || errors.As(err, new(net.Error))
}

// flight is a cache for the sake of its retrievals, one at a time.
type flight struct{ *aws.CredentialsCache }

// Retrieve joins the retrieval that runs, or begins one.
func (f flight) Retrieve(ctx context.Context) (aws.Credentials, error) {
	f.Invalidate()
	creds, err := f.CredentialsCache.Retrieve(ctx)
	if cause := errors.Unwrap(err); cause != nil {
		err = cause // without the cache's words, which the one around says too
	}
	return creds, err
}
