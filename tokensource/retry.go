package tokensource

import (
	"context"
	"time"

	"github.com/aws/smithy-go/logging"
)

// retry calls attempt until it succeeds or there is no sense or time in another. It is
// not the SDK's retry middleware, which takes from the retryer's quota: that is for AWS,
// and the retryer may be one that the program shares between clients.
func (s *source) retry(ctx context.Context, attempt func(context.Context) (string, *failure)) (string, error) {
	bounded, cancel := context.WithTimeout(ctx, s.options.TotalTimeout)
	defer cancel()
	retryer := s.options.Retryer
	for n := 1; ; n++ {
		token, failed := attempt(bounded)
		if failed == nil {
			return token, nil
		}
		if ctx.Err() != nil {
			return "", cancelled(ctx, failed.err)
		}
		if most := retryer.MaxAttempts(); !failed.retry || most > 0 && n >= most {
			return "", failed.err
		}
		delay, err := retryer.RetryDelay(n, failed.err)
		if err != nil {
			return "", failed.err
		}
		delay = max(delay, failed.after)
		if end, _ := bounded.Deadline(); time.Until(end) <= delay {
			return "", failed.err
		}
		if s.options.LogMode.IsRetries() {
			logging.WithContext(ctx, s.options.Logger).Logf(logging.Warn,
				"%s: attempt %d failed: %v; the next is in %v",
				s.name, n, failed.err, delay)
		}
		select {
		case <-ctx.Done():
			return "", cancelled(ctx, failed.err)
		case <-time.After(delay):
		}
	}
}
