package clients

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/awstokenserver/config/internal/testenv"
	"github.com/awstokenserver/config/webidentity/webidentitytest"
)

const (
	deployARN = "arn:aws:iam::123456789012:role/deploy"
	auditARN  = "arn:aws:iam::210987654321:role/audit"
)

// place is a world in which it is seen who calls: STS, an object store, and the metadata
// service of a machine that has a role of its own.
type place struct {
	*webidentitytest.World
	tokens, sts, objects, machine *httptest.Server

	down    atomic.Bool // the token server
	endless atomic.Bool // the listing of the bucket

	grace time.Duration // for how long credentials are good after the end that clients are told

	looping string // while there is a file of that name, clients go on

	mu     sync.Mutex
	issued map[string]*credentials // by access key
	first  *credentials            // those of the first call
	later  bool                    // whether there was a call with others when these had expired
	seen   []string                // who called, and in which region
}

type credentials struct {
	role    string
	expires time.Time
}

var regions = map[string]string{"deploy": "eu-west-1", "audit": "us-west-2", "denied": "us-west-1"}

func newPlace(t *testing.T) *place {
	p := &place{World: webidentitytest.New(), looping: filepath.Join(t.TempDir(), "looping"),
		issued: map[string]*credentials{}}
	t.Cleanup(p.Close)
	for _, arn := range []string{deployARN, auditARN} {
		p.STS.AddRole(webidentitytest.Role{ARN: arn, Subject: "repo:octo-org/octo-repo:*"})
	}
	start := func(handler http.HandlerFunc) *httptest.Server {
		server := httptest.NewServer(handler)
		t.Cleanup(server.Close)
		return server
	}
	forward := func(to string, seen func(*http.Response) error) http.HandlerFunc {
		target, err := url.Parse(to)
		if err != nil {
			t.Fatal(err)
		}
		proxy := &httputil.ReverseProxy{
			Rewrite: func(r *httputil.ProxyRequest) {
				r.Out.URL.Scheme, r.Out.URL.Host = target.Scheme, target.Host
				r.Out.Host = r.In.Host
			},
			ModifyResponse: seen,
		}
		return proxy.ServeHTTP
	}
	toSTS, toTokens := forward(p.STS.URL, p.issue), forward(p.TokenServer.URL, nil)
	p.sts = start(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		if bytes.Contains(body, []byte("Action=GetCallerIdentity")) {
			p.see(r)
		}
		toSTS(w, r)
	})
	p.tokens = start(func(w http.ResponseWriter, r *http.Request) {
		if p.down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		toTokens(w, r)
	})
	p.objects = start(func(w http.ResponseWriter, r *http.Request) {
		p.see(r)
		more := "<IsTruncated>false</IsTruncated>"
		if p.endless.Load() {
			time.Sleep(50 * time.Millisecond)
			next := rand.Text()
			more = "<IsTruncated>true</IsTruncated><NextContinuationToken>" + next + "</NextContinuationToken>" +
				"<NextMarker>" + next + "</NextMarker>"
		}
		w.Header().Set("Content-Type", "application/xml")
		fmt.Fprint(w, `<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bucket</Name>`+
			`<Prefix></Prefix><KeyCount>0</KeyCount><MaxKeys>1000</MaxKeys>`+more+`</ListBucketResult>`)
	})
	p.machine = start(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/api/token"):
			w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "21600")
			fmt.Fprint(w, "token")
		case strings.HasSuffix(strings.TrimSuffix(r.URL.Path, "/"), "/security-credentials"): // C++ sends no slash
			fmt.Fprint(w, "machine")
		case strings.HasSuffix(r.URL.Path, "/machine"):
			fmt.Fprint(w, `{"Code":"Success","Type":"AWS-HMAC","AccessKeyId":"ASIAMACHINE","SecretAccessKey":"x","Token":"x",`+
				`"Expiration":"2099-01-01T00:00:00Z","LastUpdated":"2026-01-01T00:00:00Z"}`)
		default:
			http.NotFound(w, r)
		}
	})
	return p
}

// issue notes whose keys STS gives out.
func (p *place) issue(r *http.Response) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var result struct {
		Key  string    `xml:"AssumeRoleWithWebIdentityResult>Credentials>AccessKeyId"`
		End  time.Time `xml:"AssumeRoleWithWebIdentityResult>Credentials>Expiration"`
		Role string    `xml:"AssumeRoleWithWebIdentityResult>AssumedRoleUser>Arn"`
	}
	if xml.Unmarshal(body, &result) == nil && result.Key != "" {
		p.mu.Lock()
		defer p.mu.Unlock()
		told := result.End.Add(-p.grace)
		p.issued[result.Key] = &credentials{strings.Split(result.Role, "/")[1], told}
		body = expiration.ReplaceAll(body, []byte("<Expiration>"+told.Format(time.RFC3339)+"</Expiration>"))
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		r.Header.Set("Content-Length", strconv.Itoa(len(body)))
	}
	return nil
}

var expiration = regexp.MustCompile(`<Expiration>.*</Expiration>`)

var scope = regexp.MustCompile(`Credential=([^/]+)/\d+/([^/]+)/`)

// see notes who made a request.
func (p *place) see(r *http.Request) {
	who := "nobody"
	p.mu.Lock()
	defer p.mu.Unlock()
	if m := scope.FindStringSubmatch(r.Header.Get("Authorization")); m != nil {
		who = m[1] + " " + m[2]
		if used := p.issued[m[1]]; used != nil {
			who = used.role + " " + m[2]
			if p.first == nil {
				p.first = used
			}
			if time.Now().After(used.expires.Add(p.grace)) {
				who = "expired " + who
			} else if used != p.first && time.Now().After(p.first.expires) {
				p.later = true
			}
		}
	}
	p.seen = append(p.seen, who)
}

// callers returns who has called, each once for each time in a row.
func (p *place) callers() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Compact(slices.Clone(p.seen))
}

// outlived reports whether there was a call when the credentials of the first one had
// expired, with others.
func (p *place) outlived() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.later
}

// sets counts the sets of credentials that STS gave out.
func (p *place) sets() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.issued)
}

// loop has the process of a client call until enough says so, or until it ends.
func (p *place) loop(cmd *exec.Cmd, enough func() bool) (string, error) {
	if err := os.WriteFile(p.looping, nil, 0o600); err != nil {
		return "", err
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		return "", err
	}
	ended := make(chan error)
	go func() { ended <- cmd.Wait() }()
	for deadline := time.Now().Add(3 * time.Minute); !enough() && time.Now().Before(deadline); {
		select {
		case err := <-ended:
			return out.String(), cmp.Or(err, errors.New("it ended before that"))
		case <-time.After(20 * time.Millisecond):
		}
	}
	p.endless.Store(false)
	os.Remove(p.looping)
	err := <-ended
	return out.String(), err
}

// exchanges counts the exchanges by role.
func (p *place) exchanges() map[string]int {
	n := map[string]int{}
	for _, r := range p.STS.Requests() {
		if arn := r.Form.Get("RoleArn"); arn != "" {
			n[arn[strings.LastIndex(arn, "/")+1:]]++
		}
	}
	return n
}

// environ is the environment of a job in the place, on a machine with a role. The default
// profile is of no use to any client. The profiles by-hand-… have credential_process.
func (p *place) environ(t *testing.T) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config")
	text := "[default]\nrole_arn = " + deployARN + "\nweb_identity_token_server = GitHub\nregion = us-east-1\n"
	for name, arn := range map[string]string{"deploy": deployARN, "audit": auditARN, "denied": deployARN + "2"} {
		text += fmt.Sprintf("[profile %s]\nregion = %s\nrole_arn = %s\nrole_session_name = build\nweb_identity_token_server = GitHub\n"+
			"[profile by-hand-%[1]s]\nregion = %[2]s\ncredential_process = %[4]s credential-process --profile %[1]s\n",
			name, regions[name], arn, command)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	tokens, err := url.Parse(p.TokenServer.URL)
	if err != nil {
		t.Fatal(err)
	}
	return append(testenv.Environ(), "HOME="+t.TempDir(), "LOOP="+p.looping, "AWS_CONFIG_FILE="+file,
		"AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "AWS_PAGER=",
		"AWS_EC2_METADATA_SERVICE_ENDPOINT="+p.machine.URL+"/", "AWS_METADATA_ENDPOINT="+p.machine.URL,
		"CPL_AWS_EC2_API_ROOT_URL="+p.machine.URL, "AWS_ENDPOINT_URL_STS="+p.sts.URL,
		"AWS_ENDPOINT_URL_S3="+p.objects.URL, "TMPDIR="+t.TempDir(),
		"ACTIONS_ID_TOKEN_REQUEST_URL="+p.tokens.URL+tokens.RequestURI(),
		"ACTIONS_ID_TOKEN_REQUEST_TOKEN="+p.TokenServer.RequestToken)
}
