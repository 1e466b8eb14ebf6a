package programs

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"testing"

	"github.com/awstokenserver/config/internal/testenv"
	"github.com/awstokenserver/config/webidentity/webidentitytest"
)

const role = "arn:aws:iam::123456789012:role/deploy"

// place is a world with one more server, which sees who calls the services of AWS.
type place struct {
	*webidentitytest.World
	services *httptest.Server

	mu      sync.Mutex
	issued  []string // access keys of the role
	callers []string
}

var accessKey = regexp.MustCompile(`Credential=([^/]+)/`)

func newPlace(t *testing.T) *place {
	p := &place{World: webidentitytest.New()}
	t.Cleanup(p.Close)
	p.STS.AddRole(webidentitytest.Role{ARN: role, Subject: "repo:octo-org/octo-repo:*"})
	p.services = httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(p.services.Close)
	return p
}

// serve forwards what is for STS, and answers as ECR to the rest.
func (p *place) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if m := accessKey.FindStringSubmatch(r.Header.Get("Authorization")); m != nil {
		p.mu.Lock()
		who := "another"
		if slices.Contains(p.issued, m[1]) {
			who = "deploy"
		}
		p.callers = append(p.callers, who)
		p.mu.Unlock()
	}
	if r.Method == http.MethodGet {
		fmt.Fprint(w, `<ListBucketResult/>`) // as S3
		return
	}
	if !bytes.Contains(body, []byte("Action=")) {
		fmt.Fprint(w, `{"authorizationData": [{"authorizationToken": "QVdTOnBhc3N3b3Jk", "expiresAt": 4102444800,
			"proxyEndpoint": "https://123456789012.dkr.ecr.eu-west-1.amazonaws.com"}]}`)
		return
	}
	if bytes.Contains(body, []byte("Action=GetCallerIdentity")) {
		fmt.Fprint(w, `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>`+
			`arn:aws:sts::123456789012:assumed-role/deploy/job</Arn><UserId>AROAEXAMPLE:job</UserId>`+
			`<Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`)
		return
	}
	response, err := http.Post(p.STS.URL, r.Header.Get("Content-Type"), bytes.NewReader(body))
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	var result struct {
		Key string `xml:"AssumeRoleWithWebIdentityResult>Credentials>AccessKeyId"`
	}
	if xml.Unmarshal(text, &result) == nil && result.Key != "" {
		p.mu.Lock()
		p.issued = append(p.issued, result.Key)
		p.mu.Unlock()
	}
	w.WriteHeader(response.StatusCode)
	w.Write(text)
}

// environ is the environment of a job in the place.
func (p *place) environ(t *testing.T) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config")
	text := "[profile deploy]\nregion = eu-west-1\nrole_arn = " + role + "\nweb_identity_token_server = GitHub\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return append(testenv.Environ(), "HOME="+t.TempDir(), "AWS_CONFIG_FILE="+file, "AWS_PROFILE=deploy",
		"AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "AWS_EC2_METADATA_DISABLED=true", "AWS_ENDPOINT_URL="+p.services.URL,
		"AWS_ENDPOINT_URL_STS="+p.services.URL,
		"ACTIONS_ID_TOKEN_REQUEST_URL="+p.TokenServer.URL, "ACTIONS_ID_TOKEN_REQUEST_TOKEN="+p.TokenServer.RequestToken)
}
