package main

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// renewed are credentials that are renewed ahead of their expiry.
type renewed struct {
	cache   *aws.CredentialsCache
	current atomic.Pointer[aws.Credentials]
}

// Retrieve returns the current credentials at once, unless they could not be
// renewed in time.
func (r *renewed) Retrieve(ctx context.Context) (aws.Credentials, error) {
	if current := r.current.Load(); !current.Expired() {
		return *current, nil
	}
	return r.cache.Retrieve(ctx)
}

// keep renews the credentials whenever two thirds of what was left of their
// life are over, for ever. Of an hour, 20 minutes remain: clients ask for new
// ones 15 minutes ahead or later.
func (r *renewed) keep(ctx context.Context) {
	atLeast := time.Second
	for {
		current := r.current.Load()
		if !current.CanExpire {
			return
		}
		time.Sleep(max(time.Until(current.Expires)*2/3, atLeast))
		r.cache.Invalidate()
		creds, err := r.cache.Retrieve(ctx)
		if err != nil {
			fmt.Fprintf(os.Stderr, "aws-web-identity: credentials that expire at %s could not be renewed yet: %v\n",
				current.Expires.Format(time.RFC3339), err)
			atLeast = time.Minute
			continue
		}
		r.current.Store(&creds)
		atLeast = time.Second
	}
}
