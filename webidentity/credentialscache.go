package webidentity

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"reflect"
	"sync"
	"syscall"
	"time"
	"weak"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go/logging"

	"github.com/awstokenserver/config/tokensource"
)

// storing is more than a cache takes to store what its provider has returned.
const storing = 100 * time.Millisecond

// NewCredentialsCache returns a cache like that of [aws.NewCredentialsCache],
// which renews the credentials of provider in the background before they expire,
// if Retrieve is called in that time:
//
//	life of the   renewed when     Retrieve waits when   after an outage,
//	credentials   this is left     this is left          tried again each
//	1 hour        15 to 16.5 min   1 min                 1 min
//	15 minutes    5 to 5.5 min     20 s                  20 s
//	20 seconds    18 s             1.2 s                 1.2 s
//
// Options replace that: credentials are then renewed in their ExpiryWindow, which
// ExpiryWindowJitterFrac shortens at random, and Retrieve waits for it; new
// credentials have an expiry that is earlier by the window, as with
// [aws.NewCredentialsCache]. Options without a window renew nothing early.
//
// While the token server or STS is unavailable, or the token has expired and there
// is no other, Retrieve returns the credentials there are; the first failure is
// logged to logger as a warning, if it is not nil. Callers see any other failure:
// the credentials are dropped, and each Retrieve asks provider.
//
// Retrievals run one at a time, and callers that wait share one. If provider is a
// cache, it is emptied for each. What provider has of
// [aws.HandleFailRefreshCredentialsCacheStrategy] and
// [aws.AdjustExpiresByCredentialsCacheStrategy] is not used. After Invalidate, the
// next Retrieve may return the same credentials once more.
func NewCredentialsCache(provider aws.CredentialsProvider, logger logging.Logger,
	optFns ...func(*aws.CredentialsCacheOptions)) *aws.CredentialsCache {
	inner, ok := provider.(*aws.CredentialsCache)
	if !ok {
		inner = aws.NewCredentialsCache(provider)
	}
	r := &renewal{flight: flight{inner}, logger: logger, ahead: ahead}
	if len(optFns) > 0 {
		var o aws.CredentialsCacheOptions
		for _, fn := range optFns {
			fn(&o)
		}
		jitter := min(max(o.ExpiryWindowJitterFrac, 0), 1)
		r.ahead = func(time.Duration) time.Duration {
			return time.Duration(float64(max(o.ExpiryWindow, 0)) * (1 - jitter*rand.Float64()))
		}
		r.waits = true
	}
	r.cache = aws.NewCredentialsCache(r, optFns...)
	return r.cache
}

// How long before their expiry credentials are renewed: a quarter of their life, at
// least leastAhead, up to a tenth more at random so that many processes do not ask
// at once, and at most nine tenths.
const (
	aheadPart  = 4
	leastAhead = 5 * time.Minute
	jitterPart = 10

	// retryPart is the part of that time which is between two attempts, and in
	// which Retrieve waits in the end: at least a second, and at most a minute.
	retryPart = 15
)

// ahead returns how long before their expiry credentials with the given remaining
// lifetime are to be renewed.
func ahead(life time.Duration) time.Duration {
	jittered := time.Duration(float64(max(life/aheadPart, leastAhead)) * (1 + rand.Float64()/jitterPart))
	return min(jittered, life*9/10)
}

// renewal is the provider of a cache whose credentials are renewed ahead. It lives
// inside [aws.CredentialsCache] because programs assert that cfg.Credentials has
// that type. The cache returns cached credentials without calling its provider, so
// it is emptied whenever there is something to do: the next Retrieve comes here,
// and without one nothing is done.
type renewal struct {
	flight
	logger logging.Logger
	ahead  func(life time.Duration) time.Duration
	cache  *aws.CredentialsCache

	// waits reports whether callers wait for a renewal whenever it is due.
	waits bool

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
	creds, err := r.settle(r.flight.Retrieve(ctx))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fresh, r.emptied = false, false
	if creds.CanExpire {
		r.emptyAt(r.due)
	}
	return creds, err
}

// keep returns the current credentials if the cache was emptied to look after
// them, and has them renewed if that is due. A program that has emptied the
// cache gets other credentials.
func (r *renewal) keep(ctx context.Context) (aws.Credentials, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	due := !now.Before(r.due)
	if !r.emptied && !r.fresh && !(r.waits && due) {
		r.current = aws.Credentials{}
	}
	r.emptied = false
	if !r.isGood() {
		return aws.Credentials{}, false
	}
	r.fresh = false
	if !due {
		r.emptyAt(r.due)
		return r.current, true
	}
	if !r.running && !now.Before(r.next) {
		r.next = now.Add(r.every)
		if late := r.waits || r.current.Expires.Sub(now) < r.every; late && !r.failed {
			return aws.Credentials{}, false
		}
		r.running = true
		go r.renew(ctx) // which does not end: it is the cache's
	}
	r.emptyAt(now.Add(r.every))
	return r.current, true
}

// AdjustExpiresBy is called where the program has set an ExpiryWindow. It makes
// credentials expire when they are due, but not those that cannot be renewed.
func (r *renewal) AdjustExpiresBy(creds aws.Credentials, _ time.Duration) (aws.Credentials, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if creds.CanExpire && !r.failed {
		creds.Expires = r.due
	}
	return creds, nil
}

// isGood reports whether there are current credentials that expire, but have not.
func (r *renewal) isGood() bool { return r.current.CanExpire && !r.current.Expired() }

func (r *renewal) renew(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, RetrieveTimeout)
	defer cancel()
	r.settle(r.flight.Retrieve(ctx))

	r.mu.Lock()
	defer r.mu.Unlock()
	r.running = false
	if !r.failed {
		r.emptyAt(time.Now())
	}
}

// settle returns what callers get after a retrieval, which is the current
// credentials if it can wait.
func (r *renewal) settle(creds aws.Credentials, err error) (aws.Credentials, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err == nil:
		ahead := r.ahead(time.Until(creds.Expires))
		r.current, r.fresh, r.failed = creds, true, false
		r.due = creds.Expires.Add(-ahead)
		r.every = min(max(ahead/retryPart, time.Second), time.Minute)
		r.next = time.Now().Add(r.every)
	case r.isGood() && isTemporary(err):
		if !r.failed && r.logger != nil { // which may ask this cache for credentials, and wait for r.mu
			go r.logger.Logf(logging.Warn, "credentials that expire at %s could not be renewed yet: %v",
				r.current.Expires.Format(time.RFC3339), err)
		}
		r.failed = true
		return r.current, nil
	default:
		r.current, r.failed = aws.Credentials{}, false
	}
	return creds, err
}

// emptyAt has the cache emptied at t, or when it has stored what it gets now, and
// at no other time. A cache that nobody has any more is not kept for that.
func (r *renewal) emptyAt(t time.Time) {
	if r.timer != nil {
		r.timer.Stop()
	}
	weakly := weak.Make(r)
	r.timer = time.AfterFunc(max(time.Until(t), storing), func() {
		if r := weakly.Value(); r != nil {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.emptied = true
			r.cache.Invalidate()
		}
	})
}

// isTemporary reports whether a retrieval failed because nothing responded, or for lack of a
// token that has not expired, and not for what the response was.
func isTemporary(err error) bool {
	var known *tokensource.Error
	if errors.As(err, &known) {
		return known.Class == tokensource.TokenUnavailable || known.Class == tokensource.STSUnavailable || known.Expired
	}
	var failed net.Error
	errors.As(err, &failed)
	isErrno := reflect.TypeOf(failed) == reflect.TypeOf(syscall.ENOENT) // as of a file
	return classify(err) == tokensource.STSUnavailable || failed != nil && !isErrno
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
