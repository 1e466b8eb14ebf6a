package config_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	upstream "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"

	"github.com/awstokenserver/config"
	"github.com/awstokenserver/config/internal/testenv"
	"github.com/awstokenserver/config/tokensource"
)

const (
	role1  = "role_arn = arn:aws:iam::123456789012:role/one\n"
	role2  = "role_arn = arn:aws:iam::123456789012:role/two\n"
	keys   = "aws_access_key_id = AKIA\naws_secret_access_key = secret\n"
	region = "region = eu-west-1\n"
	deflt  = "[default]\n" + region
)

type loader = func(context.Context, ...func(*config.LoadOptions) error) (aws.Config, error)

func TestMain(m *testing.M) { testenv.Main(m) }

const serverProfile = "[profile web]\n" + region + role1 + "web_identity_token_server = GitHub\n"

func TestUnusedIsUpstream(t *testing.T) {
	for name, text := range map[string]string{
		"no file":                 "",
		"static keys":             deflt + keys,
		"token file":              deflt + role1 + "web_identity_token_file = /token\n",
		"the key in a comment":    deflt + keys + "# web_identity_token_server = GitHub\n",
		"the key in a value":      deflt + keys + "x = web_identity_token_server\n",
		"a file named like a key": deflt + role1 + "web_identity_token_file = web_identity_token_server:GitHub\n",
	} {
		t.Run(name, func(t *testing.T) {
			testenv.Clear(t)
			t.Setenv("AWS_CONFIG_FILE", testenv.WriteFile(t, "config", text))
			client := &testenv.STS{}
			option := config.WithHTTPClient(client)
			want, err := upstream.LoadDefaultConfig(context.Background(), option, config.WithRegion("us-east-1"))
			if err != nil {
				t.Fatal(err)
			}
			got, err := config.LoadDefaultConfig(context.Background(), option, config.WithRegion("us-east-1"))
			if err != nil {
				t.Fatal(err)
			}
			if g, w := fmt.Sprintf("%#v", got.ConfigSources), fmt.Sprintf("%#v", want.ConfigSources); g != w {
				t.Errorf("sources differ:\n%s\n%s", g, w)
			}
			if g, w := fmt.Sprintf("%T", got.Credentials), fmt.Sprintf("%T", want.Credentials); g != w {
				t.Errorf("%s, want %s", g, w)
			}
			gotKeys, gotErr := got.Credentials.Retrieve(context.Background())
			wantKeys, wantErr := want.Credentials.Retrieve(context.Background())
			if gotKeys != wantKeys || fmt.Sprint(gotErr) != fmt.Sprint(wantErr) {
				t.Errorf("%v, %v; want %v, %v", gotKeys, gotErr, wantKeys, wantErr)
			}
		})
	}
}

func TestDefaultSharedConfigFiles(t *testing.T) {
	testenv.Clear(t)
	name := testenv.WriteFile(t, "config",
		"[default]\nregion = eu-north-1\nrole_arn = r\nweb_identity_token_server = GitHub\n")
	for who, variable := range map[string]*[]string{"ours": &config.DefaultSharedConfigFiles,
		"upstream's": &upstream.DefaultSharedConfigFiles} {
		t.Run(who, func(t *testing.T) {
			defer func(was []string) { *variable = was }(*variable)
			*variable = []string{name}
			cfg, err := config.LoadDefaultConfig(context.Background())
			if err != nil || cfg.Region != "eu-north-1" {
				t.Errorf("region %q, %v", cfg.Region, err)
			}
			c, err := config.LoadSharedConfigProfile(context.Background(), "default")
			if value, ok := config.TokenServer(c); err != nil || value != "GitHub" || !ok {
				t.Errorf("%q, %v, %v", value, ok, err)
			}
			*variable = nil
			if _, err := config.LoadSharedConfigProfile(context.Background(), "default"); err == nil {
				t.Error("a profile was found in no file")
			}
		})
	}
}

func TestBothKeys(t *testing.T) {
	for name, text := range map[string]string{
		"server first": "web_identity_token_server = GitHub\nweb_identity_token_file = /token\n",
		"file first":   "web_identity_token_file = /token\nweb_identity_token_server = GitHub\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file, options := testenv.ProfileFile(t, "web", "[profile web]\n"+region+role1+text)
			_, err := config.LoadDefaultConfig(context.Background(), options...)
			testenv.WantError(t, err, tokensource.ConfigInvalid, `profile "web"`, "web_identity_token_server",
				"web_identity_token_file", file)
			_, err = config.LoadSharedConfigProfile(context.Background(), "web",
				func(o *config.LoadSharedConfigOptions) {
					o.ConfigFiles, o.CredentialsFiles = []string{file}, []string{}
				})
			testenv.WantError(t, err, tokensource.ConfigInvalid)

			_, options = testenv.ProfileFile(t, "other", "[profile web]\n"+role1+text+"[profile other]\n"+region+keys)
			if _, err := config.LoadDefaultConfig(context.Background(), options...); err != nil {
				t.Errorf("the profile is not used: %v", err)
			}
		})
	}
	t.Run("in both spellings of default", func(t *testing.T) {
		t.Parallel()
		c, err := config.LoadSharedConfigProfile(context.Background(), "default",
			func(o *config.LoadSharedConfigOptions) {
				o.CredentialsFiles = []string{}
				o.ConfigFiles = []string{testenv.WriteFile(t, "config",
					"[profile default]\n"+role1+"web_identity_token_server = GitHub\n"+
						"[default]\nweb_identity_token_file = /token\n")}
			})
		if value, _ := config.TokenServer(c); err != nil || value != "GitHub" {
			t.Errorf("upstream drops [default] where there is [profile default]: %q, %v", c.WebIdentityTokenFile, err)
		}
	})
	for name, test := range map[string]struct{ config, credentials, want string }{
		"in different files": {"web_identity_token_server = GitHub\n", "web_identity_token_file = /token\n",
			"both"},
		"an empty server": {"web_identity_token_file = /token\nweb_identity_token_server =\n", "", "/token"},
		"an empty file": {"web_identity_token_server = GitHub\nweb_identity_token_file =\n", "",
			"web_identity_token_server:GitHub"},
		"a server emptied later": {"web_identity_token_server = GitHub\n",
			"web_identity_token_server =\nweb_identity_token_file = /token\n", "/token"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := config.LoadSharedConfigProfile(context.Background(), "web",
				func(o *config.LoadSharedConfigOptions) {
					o.ConfigFiles = []string{testenv.WriteFile(t, "config", "[profile web]\n"+role1+test.config)}
					o.CredentialsFiles = []string{testenv.WriteFile(t, "credentials", "[web]\n"+test.credentials)}
				})
			if test.want == "both" {
				testenv.WantError(t, err, tokensource.ConfigInvalid)
			} else if err != nil || c.WebIdentityTokenFile != test.want {
				t.Errorf("%q, %v", c.WebIdentityTokenFile, err)
			}
		})
	}
}

func TestBothVariables(t *testing.T) {
	testenv.Clear(t)
	t.Setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/r")
	t.Setenv("AWS_REGION", "eu-west-1")
	t.Setenv("AWS_WEB_IDENTITY_TOKEN_SERVER", "GitHub")
	t.Setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/token")
	_, err := config.LoadDefaultConfig(context.Background())
	testenv.WantError(t, err, tokensource.ConfigInvalid, "AWS_WEB_IDENTITY_TOKEN_SERVER", "AWS_WEB_IDENTITY_TOKEN_FILE",
		"unset one")

	_, options := testenv.ProfileFile(t, "web", serverProfile)
	if _, err := config.LoadDefaultConfig(context.Background(), options...); err != nil {
		t.Errorf("the profile is explicit: %v", err)
	}
}

func TestInvalidValue(t *testing.T) {
	const broken = "web_identity_token_server = github\n"
	file, options := testenv.ProfileFile(t, "web", "[profile web]\n"+region+role1+broken)
	_, err := config.LoadDefaultConfig(context.Background(), options...)
	testenv.WantError(t, err, tokensource.ConfigInvalid, "GitHub",
		`web_identity_token_server of profile "web" in `+file)

	_, options = testenv.ProfileFile(t, "two",
		"[profile web]\n"+role1+broken+"[profile two]\n"+region+role2+"source_profile = web\n")
	_, err = config.LoadDefaultConfig(context.Background(), options...)
	testenv.WantError(t, err, tokensource.ConfigInvalid, `profile "web"`)

	_, options = testenv.ProfileFile(t, "plain", "[profile web]\n"+role1+broken+"[profile plain]\n"+region+keys)
	if _, err := config.LoadDefaultConfig(context.Background(), options...); err != nil {
		t.Errorf("the profile is not used: %v", err)
	}

	testenv.Clear(t)
	t.Setenv("AWS_WEB_IDENTITY_TOKEN_SERVER", "Github,sts.amazonaws.com")
	t.Setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/r")
	_, err = config.LoadDefaultConfig(context.Background())
	testenv.WantError(t, err, tokensource.ConfigInvalid, "AWS_WEB_IDENTITY_TOKEN_SERVER: ", "GitHub")
}

func TestRequiresARNNamesTheKey(t *testing.T) {
	t.Parallel()
	_, options := testenv.ProfileFile(t, "web", "[profile web]\nweb_identity_token_server = GitHub\n")
	_, err := config.LoadDefaultConfig(context.Background(), options...)
	var missing config.CredentialRequiresARNError
	if !errors.As(err, &missing) || missing.Type != "web_identity_token_server" || missing.Profile != "web" {
		t.Errorf("%v", err)
	}
	_, options = testenv.ProfileFile(t, "web",
		"[profile web]\nweb_identity_token_file = /token\n[profile x]\nweb_identity_token_server = GitHub\n")
	_, err = config.LoadDefaultConfig(context.Background(), options...)
	if !errors.As(err, &missing) || missing.Type != "web_identity_token_file" {
		t.Errorf("%v", err)
	}
}

func TestOwnFileNames(t *testing.T) {
	t.Parallel()
	file, options := testenv.ProfileFile(t, "plain",
		serverProfile+"[profile plain]\n"+keys+region+"[profile half]\naws_access_key_id = x\n")
	cfg, err := config.LoadDefaultConfig(context.Background(), options...)
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range cfg.ConfigSources {
		switch c := source.(type) {
		case config.LoadOptions:
			if !slices.Equal(c.SharedConfigFiles, []string{file}) {
				t.Errorf("files %q, want %q", c.SharedConfigFiles, file)
			}
		case config.SharedConfig:
			if want := "SharedConfigCredentials: " + file; c.Credentials.Source != want {
				t.Errorf("source %q, want %q", c.Credentials.Source, want)
			}
		}
	}
	keys, err := cfg.Credentials.Retrieve(context.Background())
	if want := "SharedConfigCredentials: " + file; err != nil || keys.Source != want {
		t.Errorf("source %q, %v, want %q", keys.Source, err, want)
	}
}

func TestOwnFileNamesInLog(t *testing.T) {
	t.Parallel()
	file, options := testenv.ProfileFile(t, "web", serverProfile+"[profile web]\nregion = eu-north-1\n")
	var log strings.Builder
	logger := logging.LoggerFunc(func(_ logging.Classification, format string, v ...any) { fmt.Fprintf(&log, format, v...) })
	_, err := config.LoadDefaultConfig(context.Background(),
		append(options, config.WithLogConfigurationWarnings(true), config.WithLogger(logger))...)
	if err != nil || !strings.Contains(log.String(), file) || strings.Contains(log.String(), "/dev/fd") {
		t.Errorf("%v, logged %q", err, log.String())
	}
}

func TestTokenServerOfSources(t *testing.T) {
	t.Parallel()
	_, options := testenv.ProfileFile(t, "web", serverProfile)
	cfg, err := config.LoadDefaultConfig(context.Background(), options...)
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range cfg.ConfigSources {
		if c, ok := source.(config.SharedConfig); ok {
			if value, ok := config.TokenServer(c); !ok || value != "GitHub" {
				t.Errorf("%q, %v", value, ok)
			}
		}
	}
	if value, ok := config.TokenServer(config.SharedConfig{WebIdentityTokenFile: "/token"}); ok || value != "" {
		t.Errorf("a file is the server %q", value)
	}
}

func TestWithTokenSource(t *testing.T) {
	t.Parallel()
	source := tokensource.Func(func(context.Context) (tokensource.Token, error) {
		return tokensource.Token{Value: "of-the-program"}, nil
	})
	for name, test := range map[string]struct {
		key  string
		load loader
	}{
		"server":                    {"web_identity_token_server = GitHub\n", config.LoadDefaultConfig},
		"broken server":             {"web_identity_token_server = github\n", config.LoadDefaultConfig},
		"file":                      {"web_identity_token_file = /nowhere\n", config.LoadDefaultConfig},
		"file, upstream's function": {"web_identity_token_file = /nowhere\n", upstream.LoadDefaultConfig},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, options := testenv.ProfileFile(t, "web", "[profile web]\n"+region+role1+test.key)
			var sts testenv.STS
			named := upstream.WithWebIdentityRoleCredentialOptions(func(o *stscreds.WebIdentityRoleOptions) { o.RoleSessionName = "mine" })
			cfg, err := test.load(context.Background(),
				append(options, config.WithHTTPClient(&sts), named, config.WithTokenSource(source))...)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := cfg.Credentials.Retrieve(context.Background()); err != nil {
				t.Fatal(err)
			}
			if len(sts.Requests) != 1 || !strings.Contains(sts.Requests[0], "of-the-program") ||
				!strings.Contains(sts.Requests[0], "RoleSessionName=mine") {
				t.Errorf("%q", sts.Requests)
			}
		})
	}
}

// The options of the program come after those of the STS client, and before the first request.
func TestWithTokenServerOptions(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(*tokensource.Options){
		"each attempt": func(o *tokensource.Options) { o.Timeout = time.Millisecond },
		"all attempts": func(o *tokensource.Options) { o.TotalTimeout = time.Millisecond },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ended := make(chan struct{})
			defer close(ended)
			silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-ended }))
			t.Cleanup(silent.Close)
			server := base64.StdEncoding.EncodeToString(fmt.Appendf(nil, `{"version":1,"http":{"url":%q}}`, silent.URL))
			_, options := testenv.ProfileFile(t, "web", "[profile web]\n"+region+role1+"web_identity_token_server = "+server+"\n")
			called := false
			cfg, err := config.LoadDefaultConfig(t.Context(), append(options,
				config.WithHTTPClient(http.DefaultClient),
				config.WithRetryMaxAttempts(1),
				config.WithTokenServerOptions(func(o *tokensource.Options) {
					called = o.HTTPClient != nil && o.Retryer != nil
					set(o)
				}))...)
			if err != nil {
				t.Fatal(err)
			}
			_, err = cfg.Credentials.Retrieve(t.Context())
			testenv.WantError(t, err, tokensource.TokenUnavailable, "after 1ms")
			if !called {
				t.Error("the options do not come after those of the STS client")
			}
		})
	}
}

func TestLoadLeavesNothing(t *testing.T) {
	testenv.Clear(t)
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	text := strings.Repeat("# a comment that makes the file larger than a pipe\n", 4000) + serverProfile
	_, good := testenv.ProfileFile(t, "web", text)
	_, bad := testenv.ProfileFile(t, "nobody", text)
	unread := append(slices.Clone(good), config.WithDefaultsMode("nonsense"))
	t.Setenv("AWS_MAX_ATTEMPTS", "")
	run := func() {
		config.LoadDefaultConfig(context.Background(), good...)
		config.LoadDefaultConfig(context.Background(), bad...)
		config.LoadDefaultConfig(context.Background(), unread...)
		os.Setenv("AWS_MAX_ATTEMPTS", "many") // fails before upstream reads a file
		config.LoadDefaultConfig(context.Background(), good...)
		os.Setenv("AWS_MAX_ATTEMPTS", "")
	}
	run()
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // it would close what is left open
	goroutines, files := runtime.NumGoroutine(), openFiles(t)
	for range 20 {
		run()
	}
	if now := openFiles(t); now > files {
		t.Errorf("%d open files, %d before", now, files)
	}
	for deadline := time.Now().Add(30 * time.Second); runtime.NumGoroutine() > goroutines; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<16)
			t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), goroutines,
				stacks[:runtime.Stack(stacks, true)])
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/dev/fd")
	if err != nil {
		t.Skip("this system does not show a process its open files")
	}
	return len(list)
}

func TestNoWritableFolder(t *testing.T) {
	openFiles(t)
	_, options := testenv.ProfileFile(t, "web", serverProfile)
	testenv.Clear(t)
	t.Setenv("TMPDIR", "/nowhere")
	if _, err := config.LoadDefaultConfig(context.Background(), options...); err != nil {
		t.Error(err)
	}
}

func TestParallelLoads(t *testing.T) {
	t.Parallel()
	var wg sync.WaitGroup
	for i := range 32 {
		profile := fmt.Sprintf("web%d", i)
		_, options := testenv.ProfileFile(t, profile,
			fmt.Sprintf("[profile %s]\nregion = region-%d\n%sweb_identity_token_server = GitHub,%d\n", profile, i,
				role1, i))
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range 10 {
				cfg, err := config.LoadDefaultConfig(context.Background(), options...)
				if err != nil || cfg.Region != fmt.Sprintf("region-%d", i) {
					t.Errorf("%s: region %q, %v", profile, cfg.Region, err)
				}
			}
		}()
	}
	wg.Wait()
}

func TestMegabytes(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for i := 0; text.Len() < 5<<20; i++ {
		fmt.Fprintf(&text, "[profile p%d]\nregion = eu-west-1\nrole_arn = arn:aws:iam::123456789012:role/r%d\nweb_identity_token_server = GitHub,%d\n", i, i, i)
	}
	_, options := testenv.ProfileFile(t, "p4321", text.String())
	cfg, err := config.LoadDefaultConfig(context.Background(), options...)
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range cfg.ConfigSources {
		if c, ok := source.(config.SharedConfig); ok {
			if value, _ := config.TokenServer(c); value != "GitHub,4321" {
				t.Errorf("%q", value)
			}
		}
	}
}

func TestUnreadableFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, options := testenv.ProfileFile(t, "web", serverProfile)
	for _, files := range [][]string{{dir}, {filepath.Join(dir, "none")}} {
		_, want := upstream.LoadDefaultConfig(context.Background(),
			append(options, config.WithSharedConfigFiles(files))...)
		_, got := config.LoadDefaultConfig(context.Background(),
			append(options, config.WithSharedConfigFiles(files))...)
		if got == nil || got.Error() != want.Error() {
			t.Errorf("%v, want %v", got, want)
		}
	}
}

// The STS client for AWS_WEB_IDENTITY_TOKEN_SERVER is made here, not by upstream:
// its options must be those that upstream's would have.
func TestEnvironmentClientIsUpstreams(t *testing.T) {
	testenv.Clear(t)
	for name, value := range map[string]string{
		"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/r", "AWS_REGION": "eu-west-1", "AWS_SDK_UA_APP_ID": "app",
		"AWS_ENDPOINT_URL":                "https://example.com",
		"AWS_DISABLE_REQUEST_COMPRESSION": "true", "AWS_RETRY_MODE": "adaptive", "AWS_MAX_ATTEMPTS": "7",
		"AWS_USE_FIPS_ENDPOINT": "true", "AWS_DEFAULTS_MODE": "mobile",
		"AWS_ACCOUNT_ID_ENDPOINT_MODE": "required", "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
		"AWS_AUTH_SCHEME_PREFERENCE": "sigv4a",
	} {
		t.Setenv(name, value)
	}
	clientOf := func(load loader, variable, value string) (options string) {
		t.Setenv(variable, value)
		defer os.Unsetenv(variable)
		hook := func(o *stscreds.WebIdentityRoleOptions) {
			if c, ok := o.Client.(*sts.Client); ok {
				o := c.Options()
				options = fmt.Sprintf("%v %v %v %v %v %v %v %v %v %d %T %T", o.AppID, aws.ToString(o.BaseEndpoint),
					o.ClientLogMode, o.DefaultsMode, o.EndpointOptions,
					o.Region, o.RetryMode, o.RuntimeEnvironment, o.AuthSchemePreference, o.Retryer.MaxAttempts(),
					o.Retryer, o.HTTPClient)
			}
		}
		if _, err := load(context.Background(), config.WithWebIdentityRoleCredentialOptions(hook), config.WithClientLogMode(aws.LogRetries)); err != nil {
			t.Fatal(err)
		}
		return options
	}
	want := clientOf(upstream.LoadDefaultConfig, "AWS_WEB_IDENTITY_TOKEN_FILE", "/token")
	if got := clientOf(config.LoadDefaultConfig, "AWS_WEB_IDENTITY_TOKEN_SERVER", "GitHub"); got != want || got == "" {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestHangingTokenServer(t *testing.T) {
	t.Parallel()
	_, options := testenv.ProfileFile(t, "web", "[profile web]\n"+region+role1+"web_identity_token_server = "+
		base64.StdEncoding.EncodeToString([]byte(`{"version":1,"http":{"url":"https://example.com"}}`))+"\n")
	hang := make(hangingClient)
	defer close(hang)
	cfg, err := config.LoadDefaultConfig(context.Background(), append(options, config.WithHTTPClient(hang))...)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err = cfg.Credentials.Retrieve(ctx)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

// hangingClient answers when it is closed.
type hangingClient chan struct{}

func (c hangingClient) Do(r *http.Request) (*http.Response, error) {
	select {
	case <-c:
		return nil, errors.New("closed")
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// What upstream's provider does for the role of a chain ends by itself too.
func TestChainIsBounded(t *testing.T) {
	testenv.Clear(t)
	bounded := false
	_, options := testenv.ProfileFile(t, "two", "[profile one]\n"+region+role1+"web_identity_token_server = GitHub\n"+
		"[profile two]\n"+region+"source_profile = one\nrole_arn = arn:aws:iam::123456789012:role/two\n")
	cfg, err := config.LoadDefaultConfig(t.Context(),
		append(options, config.WithAssumeRoleCredentialOptions(func(o *stscreds.AssumeRoleOptions) {
			o.Client = clientOfChain(func(ctx context.Context) { _, bounded = ctx.Deadline() })
		}))...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cfg.Credentials.Retrieve(context.Background()); err == nil || !bounded {
		t.Errorf("bounded: %v, %v", bounded, err)
	}
}

type clientOfChain func(context.Context)

func (c clientOfChain) AssumeRole(ctx context.Context, _ *sts.AssumeRoleInput,
	_ ...func(*sts.Options)) (*sts.AssumeRoleOutput, error) {
	c(ctx)
	return nil, fmt.Errorf("nobody there")
}
