package clients

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

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

	down atomic.Bool // the token server

	mu     sync.Mutex
	issued map[string]string // the role's name by access key
	seen   []string          // who called, and in which region
}

func newPlace(t *testing.T) *place {
	p := &place{World: webidentitytest.New(), issued: map[string]string{}}
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
		w.Header().Set("Content-Type", "application/xml")
		fmt.Fprint(w, `<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bucket</Name>`+
			`<Prefix></Prefix><KeyCount>0</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated></ListBucketResult>`)
	})
	p.machine = start(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/api/token"):
			w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "21600")
			fmt.Fprint(w, "token")
		case strings.HasSuffix(r.URL.Path, "/security-credentials/"):
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
		Key  string `xml:"AssumeRoleWithWebIdentityResult>Credentials>AccessKeyId"`
		Role string `xml:"AssumeRoleWithWebIdentityResult>AssumedRoleUser>Arn"`
	}
	if xml.Unmarshal(body, &result) == nil && result.Key != "" {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.issued[result.Key] = strings.Split(result.Role, "/")[1]
	}
	return nil
}

var scope = regexp.MustCompile(`Credential=([^/]+)/\d+/([^/]+)/`)

// see notes who made a request.
func (p *place) see(r *http.Request) {
	who := "nobody"
	p.mu.Lock()
	defer p.mu.Unlock()
	if m := scope.FindStringSubmatch(r.Header.Get("Authorization")); m != nil {
		role := p.issued[m[1]]
		if role == "" {
			role = m[1]
		}
		who = role + " " + m[2]
	}
	p.seen = append(p.seen, who)
}

// callers returns who has called, each once for each time in a row.
func (p *place) callers() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Compact(slices.Clone(p.seen))
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
	for _, profile := range []struct{ name, arn, region string }{
		{"deploy", deployARN, "eu-west-1"}, {"audit", auditARN, "us-west-2"}, {"denied", deployARN + "2", "us-west-1"},
	} {
		text += fmt.Sprintf("[profile %s]\nregion = %s\nrole_arn = %s\nrole_session_name = build\nweb_identity_token_server = GitHub\n"+
			"[profile by-hand-%[1]s]\nregion = %[2]s\ncredential_process = %[4]s credential-process --profile %[1]s\n",
			profile.name, profile.region, profile.arn, command)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	tokens, err := url.Parse(p.TokenServer.URL)
	if err != nil {
		t.Fatal(err)
	}
	environ := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "AWS_") })
	return append(environ, "AWS_CONFIG_FILE="+file, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "AWS_PAGER=",
		"AWS_EC2_METADATA_SERVICE_ENDPOINT="+p.machine.URL+"/", "AWS_ENDPOINT_URL_STS="+p.sts.URL,
		"AWS_ENDPOINT_URL_S3="+p.objects.URL, "TMPDIR="+t.TempDir(),
		"ACTIONS_ID_TOKEN_REQUEST_URL="+p.tokens.URL+tokens.RequestURI(),
		"ACTIONS_ID_TOKEN_REQUEST_TOKEN="+p.TokenServer.RequestToken)
}
