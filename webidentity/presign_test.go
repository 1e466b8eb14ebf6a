package webidentity_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/awstokenserver/config/webidentity"
)

func TestPresignExpiry(t *testing.T) {
	t.Parallel()
	const week, forever = 7 * 24 * time.Hour, 1<<63 - 1
	for name, test := range map[string]struct {
		left   time.Duration // of the credentials' life; 0: they cannot expire
		want   time.Duration
		expiry time.Duration // 0: what is left
		capped bool
		err    string
	}{
		"credentials last longer":      {left: time.Hour, want: 10 * time.Minute, expiry: 10 * time.Minute},
		"credentials end first":        {left: time.Hour - 1, want: 12 * time.Hour, capped: true},
		"credentials cannot expire":    {want: 12 * time.Hour, expiry: 12 * time.Hour},
		"a week":                       {want: week, expiry: week},
		"more than a week":             {want: week + time.Nanosecond, expiry: week, capped: true},
		"credentials of a year":        {left: 365 * 24 * time.Hour, want: forever, expiry: week, capped: true},
		"rounded down, but not capped": {left: time.Hour, want: 1999 * time.Millisecond, expiry: time.Second},
		"zero":                         {left: time.Hour, expiry: 15 * time.Minute},
		"zero, credentials end first":  {left: time.Minute - 1, capped: true},
		"negative":                     {left: time.Hour, want: -time.Hour, err: "-1h0m0s is too short"},
		"less than a second":           {want: time.Second - 1, err: "999.999999ms is too short"},
		"less than a second left":      {left: 900 * time.Millisecond, want: time.Hour, err: "retrieve new ones"},
		"expired":                      {left: -time.Hour, want: time.Hour, err: "retrieve new ones"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			creds := aws.Credentials{CanExpire: test.left != 0, Expires: time.Now().Add(test.left)}
			expiry, capped, err := webidentity.PresignExpiry(creds, test.want)
			least, most := test.expiry, test.expiry
			if test.capped && test.expiry == 0 {
				least, most = time.Until(creds.Expires).Truncate(time.Second), test.left.Truncate(time.Second)
			}
			if expiry < least || expiry > most || expiry%time.Second != 0 || capped != test.capped {
				t.Errorf("%v, %v; want %v to %v, %v", expiry, capped, least, most, test.capped)
			}
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("error %v, want %q", err, test.err)
			}
		})
	}
}
