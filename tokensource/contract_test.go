package tokensource_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/awstokenserver/config/tokensource"
)

// contract is what a vendor's token server takes and answers, from the vendor's
// documentation or source.
type contract struct {
	env map[string]string // of a job or a machine of the vendor's

	// requests are all of what is sent, by value. The URI has scheme and host.
	requests map[string]seen
	status   int
	response string // TOKEN stands for the token

	// variable holds the token itself, where nothing is sent.
	variable string

	// file holds the token itself, in the folder that the variable folder names.
	folder, file string

	refused  map[string]string // values that cannot work, and what the error says
	failures []vendorFailure
}

type vendorFailure struct {
	status int
	body   string
	class  tokensource.Class
	want   string
}

const (
	refused     = tokensource.TokenRefused
	unavailable = tokensource.TokenUnavailable
	malformed   = tokensource.TokenMalformed
	signInPage  = "<!DOCTYPE html><html><title>Azure DevOps Services | Sign In</title></html>"
)

var contracts = map[string]contract{
	"GitHub": {
		env: map[string]string{
			"ACTIONS_ID_TOKEN_REQUEST_URL":   "https://pipelines.actions.githubusercontent.com/serverA/00000000-1111/_apis/distributedtask/hubs/Actions/plans/2/jobs/3/idtoken?api-version=2.0",
			"ACTIONS_ID_TOKEN_REQUEST_TOKEN": requestToken,
		},
		requests: map[string]seen{
			"GitHub":      githubRequest("&audience=sts.amazonaws.com"),
			"GitHub,":     githubRequest(""),
			"GitHub,a, b": githubRequest("&audience=a%2C+b"),
		},
		status:   200,
		response: `{"count": 2345, "value": "TOKEN"}`,
		failures: []vendorFailure{
			{401, `{"message": "The token provided is invalid"}`, refused, "invalid"},
			{403, pendingState, unavailable, "Pending"},
			{502, "upstream connect error or disconnect/reset before headers", unavailable,
				"responded with 502 Bad Gateway ("},
			{502, "<html><h1>502 Bad Gateway</h1></html>", unavailable, "responded with 502 Bad Gateway ("},
			{200, `{"count": 0}`, malformed, "nothing at /value"},
		},
	},
	// codeberg.org/forgejo/forgejo, services/actions/task.go and tests/integration
	"Forgejo": {
		env: map[string]string{
			"ACTIONS_ID_TOKEN_REQUEST_URL":   "https://codeberg.org/api/actions/_apis/pipelines/workflows/792/idtoken?placeholder=true",
			"ACTIONS_ID_TOKEN_REQUEST_TOKEN": requestToken,
		},
		requests: map[string]seen{
			"Forgejo":  forgejoRequest("&audience=sts.amazonaws.com"),
			"Forgejo,": forgejoRequest(""),
		},
		status:   200,
		response: `{"value": "TOKEN"}`,
		failures: []vendorFailure{
			{400, "run-id does not match", refused, "run-id does not match"},
			{401, "Bad authorization header", refused, "Bad authorization header"},
			{500, "Error runner api parsing authorization token", unavailable, "500 Internal Server Error: " +
				`"Error runner api parsing authorization token"; if it stays so: set ` + "`enable-openid-connect: true`"},
			// placeholder=true may be a secret, and "not running" without its space may hold a part of it.
			{500, "Error runner api getting task: task is not running", unavailable, "withheld: it may contain a secret); if it"},
			{500, "<html>Internal Server Error</html>", unavailable, "500 Internal Server Error; if it stays so: "},
		},
	},
	"Buildkite": {
		env: map[string]string{"BUILDKITE_JOB_ID": "0190046e-e199-453b-a302-a21a4d649d31",
			"BUILDKITE_AGENT_ACCESS_TOKEN": requestToken},
		requests: map[string]seen{
			"Buildkite":    buildkiteRequest(`{"audience":"sts.amazonaws.com"}`),
			"Buildkite,":   buildkiteRequest(`{}`),
			"Buildkite,me": buildkiteRequest(`{"audience":"me"}`),
		},
		status:   200,
		response: `{"token": "TOKEN"}`,
		failures: []vendorFailure{
			{401, `{"message": "Invalid access token"}`, refused, "Invalid access token"},
			{422, `{"message": "Audience is invalid"}`, refused, "Audience is invalid"},
			{429, `{"message": "Rate limited"}`, unavailable, "Rate limited"},
			{500, "", unavailable, "500"},
		},
	},
	"AzurePipelines": {
		env: map[string]string{
			"SYSTEM_OIDCREQUESTURI": "https://dev.azure.com/org/1111-2222/_apis/distributedtask/hubs/build/plans/3/jobs/4/oidctoken",
			"SYSTEM_ACCESSTOKEN":    requestToken,
		},
		requests: map[string]seen{
			"AzurePipelines": {"POST",
				"https://dev.azure.com/org/1111-2222/_apis/distributedtask/hubs/build/plans/3/jobs/4/oidctoken?api-version=7.1", "",
				map[string]string{"Authorization": "Bearer " + requestToken, "Content-Type": "application/json",
					"X-Tfs-Fedauthredirect": "Suppress"}},
		},
		status:   200,
		response: `{"oidcToken": "TOKEN"}`,
		refused:  map[string]string{"AzurePipelines,sts.amazonaws.com": "takes no audience"},
		failures: []vendorFailure{
			{203, signInPage, malformed, "not JSON"},
			{302, signInPage, refused, "redirect"},
			{401, `{"message": "TF400813"}`, refused, "TF400813"},
		},
	},
	"CircleCI":     {variable: "CIRCLE_OIDC_TOKEN_V2"},
	"Bitbucket":    {variable: "BITBUCKET_STEP_OIDC_TOKEN"},
	"HCPTerraform": {variable: "TFC_WORKLOAD_IDENTITY_TOKEN"},
	"Vercel":       {variable: "VERCEL_OIDC_TOKEN"},
	// docs.spacelift.io, docs.semaphoreci.com, www.pulumi.com/docs, docs.envzero.com, and modal.com/docs
	"Spacelift":         {variable: "SPACELIFT_OIDC_TOKEN"},
	"Semaphore":         {variable: "SEMAPHORE_OIDC_TOKEN"},
	"PulumiDeployments": {variable: "PULUMI_OIDC_TOKEN"},
	"EnvZero":           {variable: "ENV0_OIDC_TOKEN"},
	"Modal":             {variable: "MODAL_IDENTITY_TOKEN"},
	// hashicorp/nomad, client/allocrunner/taskrunner/identity_hook.go
	"Nomad": {folder: "NOMAD_SECRETS_DIR", file: "nomad_aws.jwt"},
	// codefresh-io/steps, incubating/obtain-oidc-id-token/step.yaml
	"Codefresh": {
		env: map[string]string{"CF_OIDC_REQUEST_URL": "https://oidc.codefresh.io/api/token?a=1",
			"CF_OIDC_REQUEST_TOKEN": requestToken},
		requests: map[string]seen{
			"Codefresh": {"GET", "https://oidc.codefresh.io/api/token?a=1&audience=sts.amazonaws.com", "",
				map[string]string{"Authorization": requestToken}},
			"Codefresh,": {"GET", "https://oidc.codefresh.io/api/token?a=1", "",
				map[string]string{"Authorization": requestToken}},
		},
		status:   200,
		response: `{"id_token": "TOKEN"}`,
		failures: []vendorFailure{{401, `{"message": "Unauthorized"}`, refused, "Unauthorized"},
			{500, "", unavailable, "500"}},
	},
	// bitrise-steplib/bitrise-step-get-identity-token, api/client.go
	"Bitrise": {
		env: map[string]string{"BITRISE_BUILD_URL": "https://app.bitrise.io/build/1",
			"BITRISE_BUILD_API_TOKEN": requestToken},
		requests: map[string]seen{
			"Bitrise": {"POST", "https://app.bitrise.io/build/1/id_token.json", `{"aud":"sts.amazonaws.com","sub":""}`,
				map[string]string{"Authorization": requestToken, "Build_api_token": requestToken,
					"Content-Type": "application/json"}},
		},
		status:   200,
		response: `{"id_token": "TOKEN", "token_type": "Bearer", "expires_in": 600}`,
		failures: []vendorFailure{{400, `{"error_msg": "no"}`, refused, "error_msg"}, {503, "", unavailable, "503"}},
	},
	// vercel/vercel, packages/oidc/src/exchange-vercel-oidc-token.ts
	"VercelExchange": {
		env: map[string]string{"VERCEL_OIDC_TOKEN": requestToken},
		requests: map[string]seen{
			"VercelExchange": {"POST", "https://oidc.vercel.com/~token",
				`{"aud":"sts.amazonaws.com","token":"` + requestToken + `"}`,
				map[string]string{"Content-Type": "application/json"}},
		},
		status:   200,
		response: `{"token": "TOKEN"}`,
		failures: []vendorFailure{{401, `{"error": "invalid_token"}`, refused, "invalid_token"},
			{500, "", unavailable, "500"}},
	},
	"Fly": {
		requests: map[string]seen{
			"Fly":    flyRequest(`{"aud":"sts.amazonaws.com"}`),
			"Fly,":   flyRequest(`{}`),
			"Fly,me": flyRequest(`{"aud":"me"}`),
		},
		status:   200,
		response: "TOKEN",
		failures: []vendorFailure{{404, "404 page not found", refused, "not found"}, {503, "", unavailable, "503"}},
	},
	"GoogleCompute": {
		requests: map[string]seen{
			"GoogleCompute":               googleRequest("sts.amazonaws.com"),
			"GoogleCompute,https://a/b c": googleRequest("https%3A%2F%2Fa%2Fb%20c"),
		},
		status:   200,
		response: "TOKEN",
		refused:  map[string]string{"GoogleCompute,": "needs an audience"},
		failures: []vendorFailure{
			{404, "<html>Error 404 (Not Found)</html>", refused, "Not Found"}, // no service account
			{503, "", unavailable, "503"},
		},
	},
	"AzureIMDS": {
		requests: map[string]seen{
			"AzureIMDS,api://app": {"GET",
				"http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=api%3A%2F%2Fapp",
				"",
				map[string]string{"Metadata": "true"}},
		},
		status:   200,
		response: `{"access_token": "TOKEN", "client_id": "1", "expires_in": "3599", "resource": "api://app", "token_type": "Bearer"}`,
		refused:  map[string]string{"AzureIMDS": "needs an audience", "AzureIMDS,": "needs an audience"},
		failures: []vendorFailure{
			{400, `{"error": "invalid_request", "error_description": "Identity not found"}`, refused,
				"Identity not found"},
			{404, "", unavailable, "404"},
			{410, "", unavailable, "410"}, // passes in 70 seconds: longer than all attempts may take
			{429, "", unavailable, "429"},
			{500, `{"error": "unknown"}`, unavailable, "unknown"},
		},
	},
	"AzureAppService": {
		env: map[string]string{"IDENTITY_ENDPOINT": "http://169.254.130.3:8081/msi/token",
			"IDENTITY_HEADER": requestToken},
		requests: map[string]seen{
			"AzureAppService,api://app": {"GET",
				"http://169.254.130.3:8081/msi/token?api-version=2019-08-01&resource=api%3A%2F%2Fapp", "",
				map[string]string{"X-Identity-Header": requestToken}},
		},
		status:   200,
		response: `{"access_token": "TOKEN", "expires_on": "1586984735", "resource": "api://app", "token_type": "Bearer", "client_id": "1"}`,
		refused:  map[string]string{"AzureAppService": "needs an audience"},
		failures: []vendorFailure{
			{400, `{"statusCode": 400, "message": "No User Assigned or Delegated Managed Identity found"}`, refused,
				"No User Assigned"},
			{500, `{"statusCode": 500}`, unavailable, "500"},
		},
	},
}

func githubRequest(query string) seen {
	return seen{"GET", "https://pipelines.actions.githubusercontent.com/serverA/00000000-1111/_apis/distributedtask/hubs/Actions/plans/2/jobs/3/idtoken?api-version=2.0" + query, "",
		map[string]string{"Authorization": "Bearer " + requestToken}}
}

func forgejoRequest(query string) seen {
	return seen{"GET", "https://codeberg.org/api/actions/_apis/pipelines/workflows/792/idtoken?placeholder=true" + query, "",
		map[string]string{"Authorization": "Bearer " + requestToken}}
}

func buildkiteRequest(body string) seen {
	return seen{"POST", "https://agent.buildkite.com/v3/jobs/0190046e-e199-453b-a302-a21a4d649d31/oidc/tokens", body,
		map[string]string{"Authorization": "Token " + requestToken, "Content-Type": "application/json"}}
}

func flyRequest(body string) seen {
	return seen{"POST", "http://localhost/v1/tokens/oidc", body, map[string]string{"Content-Type": "application/json"}}
}

func googleRequest(audience string) seen {
	return seen{"GET", "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/identity?format=full&audience=" + audience, "",
		map[string]string{"Metadata-Flavor": "Google"}}
}

// fakeVendor answers every request alike and keeps the last.
type fakeVendor struct {
	status   int
	body     string
	last     seen
	requests atomic.Int64
	client   *http.Client
	socket   string // or "", where client reaches the fake
}

// newFakeVendor starts a fake. Hosts are the vendor's own, so the fake's client
// ends every connection at the fake, in clear text for https too. A connection
// to a unix socket is not for a client to make: socket is what to put for the
// path in the document.
func newFakeVendor(t *testing.T, overSocket bool) *fakeVendor {
	t.Helper()
	v := &fakeVendor{}
	scheme := "http"
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.requests.Add(1)
		body, _ := io.ReadAll(r.Body)
		v.last = seen{r.Method, scheme + "://" + r.Host + r.RequestURI, string(body), map[string]string{}}
		for name, values := range r.Header {
			switch name {
			case "User-Agent", "Accept-Encoding", "Connection", "Content-Length": // net/http's own
			default:
				v.last.Header[name] = strings.Join(values, "|")
			}
		}
		if v.status/100 == 3 {
			w.Header().Set("Location", "https://login.example.com/")
		}
		w.WriteHeader(v.status)
		io.WriteString(w, v.body)
	}))
	if overSocket {
		server.Listener.Close()
		server.Listener, v.socket = listenUnix(t)
	}
	server.Start()
	t.Cleanup(server.Close)
	address := server.Listener.Addr().String()
	dial := func(of string) func(context.Context, string, string) (net.Conn, error) {
		return func(ctx context.Context, _, _ string) (net.Conn, error) {
			scheme = of
			return new(net.Dialer).DialContext(ctx, "tcp", address)
		}
	}
	v.client = &http.Client{Transport: &http.Transport{DialContext: dial("http"), DialTLSContext: dial("https")}}
	return v
}

// parse makes the source of a value, with the fake in the place of a socket.
func (v *fakeVendor) parse(t *testing.T, value string) tokensource.TokenSource {
	t.Helper()
	if v.socket != "" {
		text, err := describe(value)
		if err != nil {
			t.Fatal(err)
		}
		value = base64.StdEncoding.EncodeToString([]byte(strings.Replace(string(text), `"/.fly/api"`, quoted(v.socket),
			1)))
	}
	source, err := tokensource.Parse(value, useClient(v.client), retries(2))
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// unsetVendors keeps the variables of the CI system that runs the tests away.
func unsetVendors(t *testing.T) {
	for _, s := range tokensource.Servers() {
		for _, name := range s.Variables {
			t.Setenv(name, "") // so that it is restored
			os.Unsetenv(name)
		}
	}
}

func TestContracts(t *testing.T) {
	files, err := filepath.Glob("servers/*.json")
	if err != nil || len(files) != len(contracts) {
		t.Errorf("%d servers and %d contracts: %v", len(files), len(contracts), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(name, func(t *testing.T) {
			c, found := contracts[name]
			if !found {
				t.Fatal("a server without a contract")
			}
			var doc struct {
				Hint string
				HTTP struct {
					Socket string `json:"unix_socket"`
				}
			}
			text, err := os.ReadFile(file)
			if err == nil {
				err = json.Unmarshal(text, &doc)
			}
			if err != nil {
				t.Fatal(err)
			}
			unsetVendors(t)
			if c.variable != "" {
				testVariable(t, name, c.variable, doc.Hint)
				return
			}
			if c.file != "" {
				testFile(t, name, c.folder, c.file, doc.Hint)
				return
			}
			for variable, value := range c.env {
				t.Setenv(variable, value)
			}
			vendor := newFakeVendor(t, doc.HTTP.Socket != "")

			vendor.status, vendor.body = c.status, strings.ReplaceAll(c.response, "TOKEN", theJWT)
			for value, want := range c.requests {
				wantToken(t, vendor.parse(t, value))
				if !reflect.DeepEqual(vendor.last, want) {
					t.Errorf("%s: got %+v\nwant %+v", value, vendor.last, want)
				}
			}
			for value, want := range c.refused {
				_, err := tokensource.Parse(value)
				e := wantError(t, err, tokensource.ConfigInvalid, name+": ", want)
				if want == "needs an audience" && e.Hint != doc.Hint {
					t.Errorf("%s: fixed by %q", value, e.Hint)
				}
			}

			var value string
			for value = range c.requests {
			}
			for _, f := range c.failures {
				vendor.status, vendor.body = f.status, f.body
				vendor.requests.Store(0)
				e := failToken(t, vendor.parse(t, value), f.class, f.want)
				if n, want := vendor.requests.Load(), map[bool]int64{true: 2, false: 1}[f.class == unavailable]; n != want {
					t.Errorf("%d: %d requests, want %d", f.status, n, want)
				}
				if f.class == refused && e.Hint != doc.Hint {
					t.Errorf("%d: fixed by %q", f.status, e.Hint)
				}
			}

			vendor.requests.Store(0)
			for variable := range c.env {
				t.Run("without "+variable, func(t *testing.T) {
					t.Setenv(variable, "")
					failToken(t, vendor.parse(t, value), tokensource.NotConfigured,
						"the variable "+variable+" is empty", "; "+doc.Hint+" (")
					os.Unsetenv(variable)
					failToken(t, vendor.parse(t, value), tokensource.NotConfigured,
						"the variable "+variable+" is not set", "; "+doc.Hint+" (")
				})
			}
			if n := vendor.requests.Load(); n != 0 {
				t.Errorf("%d requests without all variables", n)
			}
		})
	}
}

// testVariable tests a server whose tokens are in a variable.
func testVariable(t *testing.T, name, variable, hint string) {
	source, err := tokensource.Parse(name)
	if err != nil {
		t.Fatal(err)
	}
	failToken(t, source, tokensource.NotConfigured, name+": the variable "+variable+" is not set; "+hint+" (")
	t.Setenv(variable, theJWT)
	if token := wantToken(t, source); token.Expires.IsZero() {
		t.Error("no expiry")
	}
	t.Setenv(variable, newJWT(time.Unix(1700000000, 0)))
	failToken(t, source, tokensource.NotConfigured,
		name+": the token in the variable "+variable+" expired at 2023-11-14T22:13:20Z; a variable is a snapshot")
	_, err = tokensource.Parse(name + ",sts.amazonaws.com")
	wantError(t, err, tokensource.ConfigInvalid, "takes no audience")
}

func testFile(t *testing.T, name, folder, file, hint string) {
	source, err := tokensource.Parse(name)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	t.Setenv(folder, dir)
	failToken(t, source, tokensource.NotConfigured, name+": the file ", file, hint+" (")
	if err := os.WriteFile(filepath.Join(dir, file), []byte(theJWT+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantToken(t, source)
}

// What is not there, or refuses, is not a token server that refuses a token.
func TestFlySocket(t *testing.T) {
	t.Parallel()
	listener, path := listenUnix(t)
	listener.(*net.UnixListener).SetUnlinkOnClose(false)
	listener.Close()
	for path, want := range map[string]string{path: "refused", path + "-missing": "no such file"} {
		failToken(t, (&fakeVendor{socket: path, client: &http.Client{}}).parse(t, "Fly"), tokensource.TokenUnavailable,
			"no complete response from localhost", want)
	}
}

// A token in a file is for its writer to renew and for STS to judge, as with
// web_identity_token_file, and one from a token server for STS alone.
func TestExpiredElsewhere(t *testing.T) {
	t.Parallel()
	expired := newJWT(time.Now().Add(-time.Minute))
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte(expired), 0o600); err != nil {
		t.Fatal(err)
	}
	inFile, err := tokensource.Document([]byte(`{"version": 1, "file": ` + quoted(path) + `}`))
	if err != nil {
		t.Fatal(err)
	}
	url, _ := serve(t, answerStatus(200, fmt.Sprintf(`{"value": %q}`, expired)))
	for _, source := range []tokensource.TokenSource{inFile, tokensource.File(path), pair(t, url)} {
		if token, err := source.Token(t.Context()); err != nil || token.Value != expired {
			t.Errorf("%v: %v", source, err)
		}
	}
	if err := failToken(t, tokensource.Env(setenv(t, expired)), tokensource.NotConfigured, "expired at", "snapshot"); !err.Expired {
		t.Error("Expired is false")
	}
}

func TestVariableDefault(t *testing.T) {
	t.Parallel()
	var got seen
	url, _ := serve(t, record(&got))
	set, empty := setenv(t, url), setenv(t, " ")
	for members, want := range map[string]string{
		`"url": "${env:` + set +
			`:-http://localhost:1}/a"`: "/a",
		`"url": "${env:TOKENSOURCE_TEST_MISSING:-` + url +
			`}/b"`: "/b",
		`"url": "${env:` + empty + `:-` + url +
			`}/c"`: "/c",
		`"url": "${env:` + set + `}/d${env:` + empty +
			`:-}", "headers": {"X-Empty": "${env:TOKENSOURCE_TEST_MISSING:-}"}`: "/d",
		`"url": "${env:` + set + `}/e", "query": {"q": "${env:` + empty +
			`:-a:-b c}"}`: "/e?q=a%3A-b+c",
	} {
		wantToken(t, mustDocument(t, members+`, "token": "/value"`))
		if got.URI != want {
			t.Errorf("%s: %s", members, got.URI)
		}
	}
	failToken(t, mustDocument(t, `"url": "${env:`+empty+`:-http://example.com}/path"`), tokensource.ConfigInvalid,
		"the variable "+empty+": must be an https URL")
	failToken(t, mustDocument(t,
		`"url": "${env:TOKENSOURCE_TEST_MISSING:-`+url+`}", "headers": {"A": "${env:`+empty+`}"}`),
		tokensource.NotConfigured, empty+" is empty")
}
