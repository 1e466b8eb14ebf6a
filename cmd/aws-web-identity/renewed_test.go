package main

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// While credentials are valid nobody waits for new ones, or sees that they
// cannot be had.
func TestRenewed(t *testing.T) {
	t.Parallel()
	var fails atomic.Bool
	var retrievals atomic.Int32
	fresh := func() aws.Credentials {
		return aws.Credentials{AccessKeyID: "ASIA", SecretAccessKey: "x", CanExpire: true, Expires: time.Now().Add(3 * time.Second).Round(0)}
	}
	first := fresh()
	r := &renewed{cache: aws.NewCredentialsCache(aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		retrievals.Add(1)
		if fails.Load() {
			return aws.Credentials{}, errors.New("not now")
		}
		return fresh(), nil
	}))}
	r.current.Store(&first)
	go r.keep(t.Context())

	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		start := time.Now()
		creds, err := r.Retrieve(t.Context())
		if err != nil || time.Until(creds.Expires) < 500*time.Millisecond || time.Since(start) > 500*time.Millisecond {
			t.Fatalf("%v: for another %v", err, time.Until(creds.Expires))
		}
	}
	if n := retrievals.Load(); n != 2 {
		t.Errorf("%d retrievals in 5 seconds", n)
	}

	fails.Store(true)
	last := r.current.Load().Expires
	for retrievals.Load() < 3 {
		if _, err := r.Retrieve(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for time.Until(last) > 0 {
		if creds, err := r.Retrieve(t.Context()); err != nil && time.Now().Before(last) {
			t.Fatal(err)
		} else if err == nil && !creds.Expires.Equal(last) {
			t.Fatal("they were renewed")
		}
		time.Sleep(10 * time.Millisecond)
	}
	if _, err := r.Retrieve(t.Context()); err == nil {
		t.Error("expired credentials were given")
	}
	fails.Store(false)
	if creds, err := r.Retrieve(t.Context()); err != nil || creds.Expired() {
		t.Errorf("not renewed in the end: %v", err)
	}
}
