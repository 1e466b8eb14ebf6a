//go:build go1.25

package webidentity_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go/logging"

	"github.com/awstokenserver/config/tokensource"
	"github.com/awstokenserver/config/webidentity"
)

// provider gives credentials that live for so long, after a while.
type provider struct {
	life time.Duration

	mu    sync.Mutex
	takes time.Duration
	err   error
	asked []time.Time
}

func (p *provider) Retrieve(context.Context) (aws.Credentials, error) {
	p.mu.Lock()
	p.asked = append(p.asked, time.Now())
	key, takes, err := fmt.Sprint("ASIA", len(p.asked)), p.takes, p.err
	p.mu.Unlock()
	time.Sleep(takes)
	if err != nil {
		return aws.Credentials{}, err
	}
	return aws.Credentials{
		AccessKeyID: key, SecretAccessKey: "secret", CanExpire: true, Expires: time.Now().Add(p.life).Round(0),
	}, nil
}

// become changes what the provider does from now on.
func (p *provider) become(err error, takes time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err, p.takes = err, takes
}

// times tells how often the provider has been asked.
func (p *provider) times() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.asked)
}

// pauses are the times between the beginnings of retrievals.
func (p *provider) pauses() (pauses []time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.asked[1:] {
		pauses = append(pauses, p.asked[i+1].Sub(p.asked[i]))
	}
	return pauses
}

// warnings is a logger. Read it where nothing else runs.
type warnings []string

func (w *warnings) Logf(class logging.Classification, format string, v ...any) {
	*w = append(*w, fmt.Sprintf("%s: ", class)+fmt.Sprintf(format, v...))
}

var unavailable = &tokensource.Error{Class: tokensource.TokenUnavailable, Problem: "nobody there"}

// call is what a program does all the time. It returns the key that it got.
func call(t *testing.T, cache *aws.CredentialsCache) string {
	t.Helper()
	before := time.Now()
	creds, err := cache.Retrieve(t.Context())
	if err != nil {
		t.Fatalf("%v", err)
	}
	if waited := time.Since(before); waited > 0 {
		t.Fatalf("a call waited for %v", waited)
	}
	return creds.AccessKeyID
}

// retrieved returns a cache with credentials for an hour, and their provider.
func retrieved(t *testing.T, logger logging.Logger, optFns ...func(*aws.CredentialsCacheOptions)) (*provider,
	*aws.CredentialsCache) {
	t.Helper()
	p := &provider{life: time.Hour}
	cache := webidentity.NewCredentialsCache(p, logger, optFns...)
	call(t, cache)
	return p, cache
}

// A day of calls, one a second: nobody waits but the first.
func TestDay(t *testing.T) {
	for _, test := range []struct {
		life, earliest, latest time.Duration // of a renewal, in the life of credentials
	}{
		{time.Hour, 43*time.Minute + 30*time.Second, 45*time.Minute + time.Second},
		{15 * time.Minute, 9*time.Minute + 30*time.Second, 10*time.Minute + time.Second},
		{12 * time.Hour, 12*time.Hour - 3*66*time.Minute, 9*time.Hour + time.Second},
		{20 * time.Second, 2 * time.Second, 3 * time.Second},
	} {
		t.Run(test.life.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const takes = 300 * time.Millisecond
				p := &provider{life: test.life, takes: takes}
				cache := webidentity.NewCredentialsCache(p, nil)
				if _, err := cache.Retrieve(t.Context()); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				goroutines, heap := runtime.NumGoroutine(), allocated()
				for range 24 * 60 * 60 {
					time.Sleep(time.Second)
					call(t, cache)
				}
				time.Sleep(takes)
				synctest.Wait()
				for i, pause := range p.pauses() {
					if pause -= takes; pause < test.earliest || pause > test.latest {
						t.Errorf("renewal %d after %v, want %v to %v", i+1, pause, test.earliest, test.latest)
					}
				}
				if n, least := p.times(), int(24*time.Hour/(test.latest+takes)); n < least {
					t.Errorf("asked %d times, want %d", n, least)
				}
				p.asked = nil
				if n := runtime.NumGoroutine(); n > goroutines+3 { // the runtime may have begun some
					t.Errorf("%d goroutines, %d before", n, goroutines)
				}
				if n := allocated(); n > heap+256<<10 {
					t.Errorf("%d bytes on the heap, %d before", n, heap)
				}
			})
		})
	}
}

func allocated() uint64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log warnings
		p, cache := retrieved(t, &log)

		p.become(fmt.Errorf("operation error STS: %w", unavailable), 17*time.Second) // as long as a server that hangs
		for range 59 * 60 {
			time.Sleep(time.Second)
			if key := call(t, cache); key != "ASIA1" {
				t.Fatalf("got %s", key)
			}
		}
		synctest.Wait()
		if n := p.times(); n < 14 || n > 18 {
			t.Errorf("asked %d times, want once a minute", n)
		}
		if len(log) != 1 || !strings.HasPrefix(log[0],
			"WARN: credentials that expire at 2000-01-01T01:00:00Z could not be renewed yet") ||
			!strings.HasSuffix(log[0], unavailable.Error()) {
			t.Errorf("logged %q", log)
		}

		time.Sleep(2 * time.Minute) // they have expired
		if _, err := cache.Retrieve(t.Context()); !errors.Is(err, tokensource.TokenUnavailable) ||
			strings.Count(err.Error(), "failed to refresh") != 1 {
			t.Errorf("after their life: %v", err)
		}
		p.become(nil, 0)
		if key := call(t, cache); key != fmt.Sprint("ASIA", p.times()) {
			t.Errorf("after the outage: %s", key)
		}
		time.Sleep(45*time.Minute + time.Second)
		p.become(unavailable, 0)
		call(t, cache)
		synctest.Wait()
		if len(log) != 2 {
			t.Errorf("of two outages logged %q", log)
		}
	})
}

// A token that has expired is no refusal: the credentials outlive it, and a
// program without a renewal would have kept them.
func TestExpiredToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log warnings
		p, cache := retrieved(t, &log)
		p.become(&tokensource.Error{Class: tokensource.NotConfigured, Problem: "too old", Expired: true}, 0)
		for range 59 {
			time.Sleep(time.Minute)
			call(t, cache)
		}
		synctest.Wait()
		if len(log) != 1 || !strings.HasSuffix(log[0], p.err.Error()) {
			t.Errorf("logged %q", log)
		}
		time.Sleep(time.Minute)
		if _, err := cache.Retrieve(t.Context()); !errors.Is(err, tokensource.NotConfigured) {
			t.Errorf("after their life: %v", err)
		}
	})
}

// Of a program that asks when its credentials are about to expire.
func TestLastStretch(t *testing.T) {
	test := func(name, want string, asked int, during func(t *testing.T, p *provider, cache *aws.CredentialsCache)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log warnings
				p, cache := retrieved(t, &log)
				late := time.Now().Add(59*time.Minute + 50*time.Second)
				during(t, p, cache)
				time.Sleep(time.Until(late))
				for range 5 {
					if key := call(t, cache); key != want {
						t.Errorf("got %s", key)
					}
					time.Sleep(time.Second)
				}
				synctest.Wait()
				if n := p.times(); n != asked {
					t.Errorf("asked %d times", n)
				}
				if outage := p.err != nil; outage != (len(log) == 1) {
					t.Errorf("logged %q", log)
				}
				p.become(nil, 0)
				time.Sleep(time.Minute)
				if key := call(t, cache); key == "ASIA1" {
					t.Errorf("got %s when they had expired", key)
				}
			})
		})
	}
	test("idle", "ASIA2", 2, func(*testing.T, *provider, *aws.CredentialsCache) {})
	test("idle, then an outage", "ASIA1", 2,
		func(_ *testing.T, p *provider, _ *aws.CredentialsCache) { p.become(unavailable, 0) })
	test("an outage since", "ASIA1", 3, func(t *testing.T, p *provider, cache *aws.CredentialsCache) {
		time.Sleep(50 * time.Minute)
		p.become(unavailable, time.Second)
		call(t, cache)
	})
	test("a renewal that hangs", "ASIA1", 2, func(t *testing.T, p *provider, cache *aws.CredentialsCache) {
		time.Sleep(59 * time.Minute)
		p.become(nil, time.Minute)
		call(t, cache)
	})
}

// A logger that sends what it logs with the same credentials.
func TestLoggerAsks(t *testing.T) {
	for _, age := range []time.Duration{50 * time.Minute, 59*time.Minute + 50*time.Second} {
		t.Run(age.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &provider{life: time.Hour}
				var cache *aws.CredentialsCache
				logged := 0
				cache = webidentity.NewCredentialsCache(p,
					logging.LoggerFunc(func(logging.Classification, string, ...any) {
						call(t, cache)
						logged++
					}))
				call(t, cache)
				p.become(unavailable, 0)
				time.Sleep(age)
				call(t, cache)
				synctest.Wait()
				call(t, cache)
				if logged != 1 {
					t.Errorf("logged %d times", logged)
				}
			})
		})
	}
}

// What was a refusal at the first retrieval is one at a renewal.
func TestRefusalIsNotHidden(t *testing.T) {
	noFile := &fs.PathError{Op: "open", Path: "token", Err: syscall.ENOENT}
	refusals := map[string]error{"of another's source": noFile}
	for _, class := range []tokensource.Class{
		tokensource.ConfigInvalid, tokensource.NotConfigured, tokensource.TokenRefused, tokensource.TokenMalformed,
		tokensource.RoleDenied,
	} {
		refusals[string(class)] = &tokensource.Error{Class: class, Problem: "no", Err: noFile}
	}
	for name, refusal := range refusals {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log warnings
				p, cache := retrieved(t, &log)
				time.Sleep(50 * time.Minute)
				p.become(refusal, 0)
				call(t, cache)
				time.Sleep(2 * time.Second)
				if _, err := cache.Retrieve(t.Context()); !errors.Is(err, refusal) {
					t.Errorf("got %v", err)
				}
				synctest.Wait()
				if len(log) != 0 {
					t.Errorf("logged %q", log)
				}
			})
		})
	}
}

func TestOptionsOfTheCache(t *testing.T) {
	ahead := func(window time.Duration, jitter float64) func(*aws.CredentialsCacheOptions) {
		return func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow, o.ExpiryWindowJitterFrac = window, jitter }
	}
	for name, test := range map[string]struct {
		option           func(*aws.CredentialsCacheOptions)
		earliest, latest time.Duration
	}{
		"window":               {ahead(time.Minute, 0), 59 * time.Minute, 59*time.Minute + time.Second},
		"jitter":               {ahead(20*time.Minute, 0.5), 40 * time.Minute, 50*time.Minute + time.Second},
		"none":                 {ahead(0, 0), time.Hour, time.Hour + time.Second},
		"more than their life": {ahead(2*time.Hour, 0), time.Minute, time.Minute + time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &provider{life: time.Hour}
				cache := webidentity.NewCredentialsCache(p, nil, test.option)
				for range 3 * 60 * 60 {
					call(t, cache)
					time.Sleep(time.Second)
				}
				for i, pause := range p.pauses() {
					if pause < test.earliest || pause > test.latest {
						t.Errorf("renewal %d after %v", i+1, pause)
					}
				}
			})
		})
	}

	t.Run("calls wait", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, cache := retrieved(t, nil, ahead(10*time.Minute, 0))
			for i, want := range []string{"ASIA2", "ASIA3", "ASIA4"} {
				time.Sleep(51 * time.Minute)
				if i == 2 {
					cache.Invalidate()
				}
				creds, err := cache.Retrieve(t.Context())
				if life := time.Until(creds.Expires); err != nil || creds.AccessKeyID != want ||
					life != 50*time.Minute {
					t.Errorf("got %s for %v: %v", creds.AccessKeyID, life, err)
				}
			}
		})
	})

	t.Run("outage", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var log warnings
			p, cache := retrieved(t, &log, ahead(10*time.Minute, 0))
			p.become(unavailable, 0)
			for range 59 * 60 {
				time.Sleep(time.Second)
				call(t, cache)
			}
			synctest.Wait()
			asked := p.times()
			if asked < 10 || asked > 16 || len(log) != 1 {
				t.Errorf("asked %d times, logged %q", asked, log)
			}
			if creds, err := cache.Retrieve(t.Context()); err != nil || creds.Expired() {
				t.Errorf("has credentials that expire at %v, %v", creds.Expires, err)
			}
			p.become(nil, 0)
			time.Sleep(50 * time.Second)
			call(t, cache)
			time.Sleep(2 * time.Second)
			if key := call(t, cache); key == "ASIA1" || p.times() != asked+1 {
				t.Errorf("got %s, asked %d times", key, p.times())
			}
		})
	})
}

// A program that invalidates its credentials wants others.
func TestInvalidate(t *testing.T) {
	for _, age := range []time.Duration{time.Minute, 50 * time.Minute} {
		t.Run(age.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, cache := retrieved(t, nil)
				p.become(unavailable, 0)
				time.Sleep(age)
				call(t, cache)
				synctest.Wait()
				p.become(nil, 0)
				cache.Invalidate()
				if key := call(t, cache); key == "ASIA1" {
					t.Errorf("got %s", key)
				}
			})
		})
	}
}

// What a program has invalidated does not come back in an outage.
func TestInvalidateInOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, cache := retrieved(t, nil)
		p.become(unavailable, 0)
		time.Sleep(40 * time.Minute)
		cache.Invalidate()
		for range 10 {
			if creds, err := cache.Retrieve(t.Context()); err == nil {
				t.Errorf("got %s", creds.AccessKeyID)
			}
			time.Sleep(time.Minute)
		}
	})
}

// The timer of an outage fires while its end is waited for.
func TestInvalidateAfterOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, cache := retrieved(t, nil)
		p.become(unavailable, 0)
		time.Sleep(50 * time.Minute)
		call(t, cache)
		time.Sleep(9*time.Minute + 59*time.Second)
		call(t, cache)
		time.Sleep(2 * time.Second)
		p.become(nil, 2*time.Minute)
		creds, err := cache.Retrieve(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		p.become(nil, 0)
		cache.Invalidate()
		if key := call(t, cache); key == creds.AccessKeyID {
			t.Errorf("got %s", key)
		}
	})
}

func TestCredentialsWithoutExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		cache := webidentity.NewCredentialsCache(aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			asked++
			return aws.Credentials{AccessKeyID: "AKIA", SecretAccessKey: "secret"}, nil
		}), nil)
		for range 3 {
			call(t, cache)
			time.Sleep(24 * time.Hour)
		}
		if asked != 1 {
			t.Errorf("asked %d times", asked)
		}
	})
}

// However many callers there are, at a renewal and without credentials.
func TestOneRetrieval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour, takes: time.Second}
		cache := webidentity.NewCredentialsCache(p, nil)
		for _, wanted := range []int{1, 2} {
			var failed atomic.Int32
			var group sync.WaitGroup
			for range 10_000 {
				group.Go(func() {
					if _, err := cache.Retrieve(t.Context()); err != nil {
						failed.Add(1)
					}
				})
			}
			group.Wait()
			synctest.Wait()
			if n := p.times(); n != wanted || failed.Load() != 0 {
				t.Errorf("asked %d times, want %d; %d failed", n, wanted, failed.Load())
			}
			time.Sleep(45*time.Minute + time.Second)
		}
	})
}

// A cache that the program has dropped is not kept for its renewal.
func TestDropped(t *testing.T) {
	t.Parallel()
	dropped := make(chan struct{})
	func() {
		p := &provider{life: time.Hour}
		runtime.AddCleanup(p, func(c chan struct{}) { close(c) }, dropped)
		if _, err := webidentity.NewCredentialsCache(p, nil).Retrieve(t.Context()); err != nil {
			t.Fatal(err)
		}
	}()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		runtime.GC()
		select {
		case <-dropped:
			return
		default:
		}
	}
	t.Error("it is still there")
}

func TestProviderIsSeen(t *testing.T) {
	t.Parallel()
	_, client, source := start(t)
	provider := webidentity.NewProvider(client, roleARN, source)
	for _, cache := range []*aws.CredentialsCache{
		webidentity.NewCredentialsCache(provider, nil),
		webidentity.NewCredentialsCache(aws.NewCredentialsCache(provider), nil),
	} {
		if !aws.IsCredentialsProvider(cache, provider) || aws.IsCredentialsProvider(cache, aws.AnonymousCredentials{}) {
			t.Error("it is taken for another")
		}
	}
}
