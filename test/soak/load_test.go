package soak

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/awstokenserver/config"
	"github.com/awstokenserver/config/webidentity/webidentitytest"
)

// However many goroutines want credentials at once, there is one token request
// and one exchange: the first time, and at the moment of renewal.
func TestBurst(t *testing.T) {
	world := webidentitytest.New()
	defer world.Close()
	world.Setenv(t)
	world.STS.AddRole(webidentitytest.Role{ARN: role, Subject: "*"})
	t.Setenv("AWS_ROLE_ARN", role)
	t.Setenv("AWS_WEB_IDENTITY_TOKEN_SERVER", "GitHub")
	cfg, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	retrieve := func() error {
		_, err := cfg.Credentials.Retrieve(t.Context())
		return err
	}
	burst := func(moment string, want int) {
		start := make(chan struct{})
		parallel(t, 10_000, func(int) error {
			<-start
			return retrieve()
		}, func() { close(start) })
		for end := time.Now().Add(10 * time.Second); len(world.STS.Requests()) < want && time.Now().Before(end); { // in the background
			time.Sleep(10 * time.Millisecond)
			retrieve() // the cache's timer may be late
		}
		if tokens, exchanges := len(world.TokenServer.Requests()), len(world.STS.Requests()); tokens != want ||
			exchanges != want {
			t.Errorf("%s: %d token requests and %d exchanges, want %d of each", moment, tokens, exchanges, want)
		}
	}
	burst("cold", 1)

	world.STS.Lifetime = 20 * time.Second // renewed after two
	cfg.Credentials.(*aws.CredentialsCache).Invalidate()
	if err := retrieve(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2*time.Second + 100*time.Millisecond)
	world.STS.Lifetime = time.Hour // so that there is one renewal, however long the burst takes
	burst("renewal", 3)
}

// parallel runs n calls of f side by side.
func parallel(t *testing.T, n int, f func(i int) error, started func()) {
	t.Helper()
	var all sync.WaitGroup
	failures := make(chan error, n)
	for i := range n {
		all.Add(1)
		go func() {
			defer all.Done()
			if err := f(i); err != nil {
				failures <- err
			}
		}()
	}
	started()
	all.Wait()
	select {
	case err := <-failures:
		t.Errorf("%d of %d failed, first: %v", len(failures)+1, n, err)
	default:
	}
}

// 200 profiles in one process, cold, side by side.
func TestProfiles(t *testing.T) {
	const n = 200
	world := webidentitytest.New()
	defer world.Close()
	world.Setenv(t)
	var text strings.Builder
	for i := range n {
		arn := fmt.Sprintf("arn:aws:iam::%012d:role/deploy", i)
		world.STS.AddRole(webidentitytest.Role{ARN: arn, Subject: "*"})
		fmt.Fprintf(&text, "[profile p%d]\nrole_arn = %s\nweb_identity_token_server = GitHub\n", i, arn)
	}
	file := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CONFIG_FILE", file)

	before := inUse()
	configs := make([]aws.Config, n)
	patient := config.WithRetryMaxAttempts(10) // on a slow machine attempts at the token server time out
	parallel(t, n, func(i int) (err error) {
		if configs[i], err = config.LoadDefaultConfig(t.Context(), config.WithSharedConfigProfile(fmt.Sprint("p", i)), patient); err != nil {
			return err
		}
		creds, err := configs[i].Credentials.Retrieve(t.Context())
		if want := fmt.Sprintf("%012d", i); err == nil && creds.AccountID != want {
			err = fmt.Errorf("profile p%d is in account %s", i, creds.AccountID)
		}
		return err
	}, func() {})
	if tokens, exchanges := len(world.TokenServer.Requests()), len(world.STS.Requests()); tokens < n || exchanges != n {
		t.Errorf("%d token requests and %d exchanges, want %d of each", tokens, exchanges, n)
	}
	perProfile := (inUse().heap - before.heap) / n
	t.Logf("%d KiB of heap per profile, loaded and retrieved", perProfile>>10)
	if perProfile > 1<<20 {
		t.Errorf("%d bytes per profile", perProfile)
	}
	runtime.KeepAlive(configs)
}

// More renewals than in 24 hours with credentials of 15 minutes, through sockets
// and with the clock left out: nothing is left behind. The servers here keep no
// record of requests, as those of webidentitytest do. That renewal keeps its
// times, with a clock for 24 hours, is shown by TestDay of webidentity.
func TestRenewals(t *testing.T) {
	clearEnv(t)
	tokenServer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"value": "header.payload.signature"}`)
	}))
	defer tokenServer.Close()
	sts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIA</AccessKeyId>"+
			"<SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken><Expiration>%s</Expiration></Credentials>"+
			"</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>",
			time.Now().Add(15*time.Minute).UTC().Format(time.RFC3339))
	}))
	defer sts.Close()
	for name, value := range map[string]string{
		"ACTIONS_ID_TOKEN_REQUEST_URL": tokenServer.URL, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "request-token",
		"AWS_WEB_IDENTITY_TOKEN_SERVER": "GitHub",
		"AWS_ENDPOINT_URL_STS":          sts.URL, "AWS_REGION": "eu-west-1", "AWS_ROLE_ARN": role,
		"AWS_CONFIG_FILE":             os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		t.Setenv(name, value)
	}
	cfg, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	renew := func(n int) {
		for range n {
			cfg.Credentials.(*aws.CredentialsCache).Invalidate()
			if _, err := cfg.Credentials.Retrieve(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	renew(100)
	before := inUse()
	const n = 2000
	renew(n)
	after := inUse()
	more := func() bool {
		return after.goroutines > before.goroutines+3 || after.descriptors > before.descriptors+3 ||
			after.heap > before.heap+n*128
	}
	for end := time.Now().Add(30 * time.Second); more() && time.Now().Before(end); after = inUse() { // connections on their way out
		time.Sleep(10 * time.Millisecond)
	}
	t.Logf("%d renewals; before %+v, after %+v", n, before, after)
	if more() {
		t.Errorf("before %+v, after %+v", before, after)
	}
}

// used is what the process has in use.
type used struct{ heap, goroutines, descriptors int }

func inUse() used {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC() // what finalizers hold, too
	runtime.ReadMemStats(&stats)
	descriptors, _ := os.ReadDir("/proc/self/fd") // none on other systems
	return used{int(stats.HeapAlloc), runtime.NumGoroutine(), len(descriptors)}
}
