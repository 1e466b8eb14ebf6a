package tokensource

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go/logging"
)

// Options are the options of a token source that talks HTTP. The zero value is
// ready to use.
type Options struct {
	// Audience is the audience to ask a token for. Nil means the token server's
	// own default, a pointer to an empty string means that none is sent.
	Audience *string

	// HTTPClient sends the requests. Nil means the SDK's default client. A
	// client of type *http.Client or *awshttp.BuildableClient is copied, and
	// the copy speaks HTTP/1.1 and follows no redirect; of any other type it is
	// used as it is, and a response that was reached through a redirect is
	// refused.
	HTTPClient aws.HTTPClient

	// Retryer gives the number of attempts, the delays between them and the
	// retry quota; which failures are retried is for the token source to say.
	// Nil means the SDK's standard retryer.
	Retryer aws.Retryer

	// Logger logs what LogMode says. Nil means no log.
	Logger logging.Logger

	// LogMode has the bits of the SDK's clients: LogRetries logs each retry as a
	// warning; LogRequest and LogResponse, with or without the body, log each
	// request and its response at debug level: method, host, status, time, and
	// attempt, but no path, header, or body, which may hold secrets. Zero means
	// LogRetries.
	LogMode aws.ClientLogMode

	// Timeout bounds each attempt, from connecting to the end of the body. Zero
	// means 5 seconds.
	Timeout time.Duration

	// TotalTimeout bounds all attempts together, regardless of the retryer. Zero
	// means one minute. A retrieval of credentials ends after three minutes in any
	// case.
	TotalTimeout time.Duration
}
