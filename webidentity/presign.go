package webidentity

import (
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

const (
	defaultPresignExpiry = 15 * time.Minute   // of the SDK's presign clients
	maxPresignExpiry     = 7 * 24 * time.Hour // that S3 takes
)

// PresignExpiry returns the expiry to presign an S3 URL or form with, which is
// signed with creds and wanted for so long: want, but no longer than creds live,
// nor than the [seven days] that S3 allows. capped reports that one of these is
// less than want. The expiry is in whole seconds, as X-Amz-Expires is, rounded
// down.
//
// S3 refuses what was presigned once the credentials have expired, [even if a
// later time was asked for]. Credentials that cannot expire set no limit.
//
// A want of zero means 15 minutes, as to the SDK. An expiry of less than a second
// is an error, because so little was wanted or because creds have no more left.
//
// [seven days]: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
// [even if a later time was asked for]: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html#PresignedUrl-Expiration
func PresignExpiry(creds aws.Credentials, want time.Duration) (expiry time.Duration, capped bool, err error) {
	if want == 0 {
		want = defaultPresignExpiry
	}
	if want < time.Second {
		return 0, false, fmt.Errorf("an expiry of %v is too short to presign with; want a second or more, or 0 for %v",
			want, defaultPresignExpiry)
	}
	expiry = min(want, maxPresignExpiry)
	if creds.CanExpire {
		expiry = min(expiry, time.Until(creds.Expires))
	}
	if expiry < time.Second {
		return 0, false, fmt.Errorf("nothing can be presigned with credentials that expire at %s; retrieve new ones",
			creds.Expires.Format(time.RFC3339))
	}
	return expiry.Truncate(time.Second), expiry < want, nil
}
