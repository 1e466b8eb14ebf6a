package differential_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	upstream "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/awstokenserver/config"
	"github.com/awstokenserver/config/internal/testenv"
	"github.com/awstokenserver/config/tokensource"
)

// The golden rule: web_identity_token_server behaves as web_identity_token_file
// does. Every configuration here is loaded twice from the same text, by upstream
// with a token file and by this package with a token server that is the document
// of that file, and must give the same requests to STS, the same credentials,
// the same configuration, or an error of the same kind.

// configuration is a text with {key} where the key's last word stands ("file" or
// "server"), {value} for its value, and the variable likewise.
type configuration struct {
	config, credentials string
	env                 map[string]string
	opts                []func(*config.LoadOptions) error
	noToken             bool // the token file does not exist
}

// outcome is what a program sees of a load and a first Retrieve.
type outcome struct {
	LoadErr, RetrieveErr string
	Credentials          aws.Credentials
	Sources              []aws.CredentialSource
	Region               string
	Shared               config.SharedConfig
	Requests             []string
}

func TestGoldenRule(t *testing.T) {
	for name, c := range goldenTable {
		t.Run(name, func(t *testing.T) {
			file := testenv.WriteFile(t, "token", "eyJhbGciOiJub25lIn0.e30.\n")
			if c.noToken {
				os.Remove(file)
			}
			want := c.run(t, file, false)
			if diff := cmp.Diff(want, c.run(t, file, true), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("upstream with a file (-) and this package with a server (+) differ:\n%s", diff)
			}
		})
	}
}

type loader func(context.Context, ...func(*config.LoadOptions) error) (aws.Config, error)

// run loads the configuration with this package, or with upstream, in an
// environment that holds nothing else.
func (c configuration) run(t *testing.T, tokenFile string, server bool) (o outcome) {
	t.Helper()
	key, token, load := "file", tokenFile, loader(upstream.LoadDefaultConfig)
	if server {
		document := fmt.Sprintf(`{"version":1,"file":%q}`, tokenFile)
		key, token, load = "server", base64.StdEncoding.EncodeToString([]byte(document)), config.LoadDefaultConfig
	}
	fill := strings.NewReplacer("{key}", key, "{KEY}", strings.ToUpper(key), "{value}", token).Replace

	testenv.Clear(t)
	dir := filepath.Dir(tokenFile)
	configFile, credentialsFile := filepath.Join(dir, "config"), filepath.Join(dir, "credentials")
	os.WriteFile(configFile, []byte(fill(c.config)), 0o600)
	os.WriteFile(credentialsFile, []byte(fill(c.credentials)), 0o600)
	t.Setenv("AWS_CONFIG_FILE", configFile)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", credentialsFile)
	for name, value := range c.env {
		if name == "AWS_WEB_IDENTITY_TOKEN" {
			name += "_" + strings.ToUpper(key)
		}
		t.Setenv(name, fill(value))
	}

	var recorded testenv.STS
	opts := append([]func(*config.LoadOptions) error{config.WithHTTPClient(&recorded)}, c.opts...)
	cfg, err := load(context.Background(), opts...)
	if len(recorded.Requests) > 0 && !strings.Contains(strings.Join(recorded.Requests, "\n"), "169.254.169.254") {
		t.Errorf("the load sent %q", recorded.Requests)
	}
	if errors.Is(err, tokensource.ConfigInvalid) && strings.Contains(err.Error(), "the value") {
		return outcome{RetrieveErr: "no file"} // a value that can never work is known earlier here
	}
	if err != nil {
		return outcome{LoadErr: kind(err, key)}
	}
	o.Region = cfg.Region
	for _, source := range cfg.ConfigSources {
		if shared, ok := source.(config.SharedConfig); ok {
			o.Shared = shared
			o.Shared.Services = config.Services{} // may hold the key, as it is spelled
			for s := &o.Shared; s != nil; s = s.Source {
				if value, ok := config.TokenServer(*s); ok {
					s.WebIdentityTokenFile = strings.ReplaceAll(value, token, tokenFile)
				}
			}
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if p, ok := cfg.Credentials.(aws.CredentialProviderSource); ok {
		o.Sources = p.ProviderSources()
	}
	if o.Credentials, err = cfg.Credentials.Retrieve(ctx); err != nil {
		o.RetrieveErr = kind(err, key)
		if o.RetrieveErr == "no file" {
			return outcome{RetrieveErr: "no file"}
		}
	}
	o.Requests = recorded.Requests
	return o
}

// kind is what must be the same of two errors: their text, but for the name of
// the key, where upstream made them; the class of failure elsewhere.
func kind(err error, key string) string {
	var (
		api     smithy.APIError
		missing config.CredentialRequiresARNError
		call    *smithy.OperationError
	)
	text := err.Error()
	switch {
	case errors.As(err, &api):
		return "api " + api.ErrorCode()
	case errors.As(err, &missing):
		return fmt.Sprintf("requires ARN: %s, %s", strings.TrimSuffix(missing.Type, "_"+key), missing.Profile)
	case strings.Contains(text, "role ARN is not set"), strings.Contains(text, "AWS_ROLE_ARN is not set"):
		return "no role ARN"
	case strings.Contains(text, "no such file or directory"):
		return "no file"
	case errors.As(err, &call):
		for errors.As(call.Err, &call) {
			// the innermost call, which ours is around
		}
		return call.Error()
	}
	return text
}

const (
	role1     = "role_arn = arn:aws:iam::123456789012:role/one\n"
	role2     = "role_arn = arn:aws:iam::123456789012:role/two\n"
	denied    = "role_arn = arn:aws:iam::123456789012:role/denied\n"
	tokenLine = "web_identity_token_{key} = {value}\n"
	keys      = "aws_access_key_id = AKIA\naws_secret_access_key = secret\n"
	region    = "region = eu-west-1\n"
	deflt     = "[default]\n" + region
	web       = "[profile web]\n" + region + role1 + tokenLine
	chained   = web + "[profile two]\n" + region + role2 + "source_profile = web\n"
)

var (
	useWeb     = config.WithSharedConfigProfile("web")
	useTwo     = config.WithSharedConfigProfile("two")
	staticKeys = map[string]string{"AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": "secret",
		"AWS_REGION": "eu-west-1"}
	envToken = map[string]string{"AWS_WEB_IDENTITY_TOKEN": "{value}",
		"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/env", "AWS_REGION": "eu-west-1"}
	noIMDS = map[string]string{"AWS_EC2_METADATA_DISABLED": "true"}
)

func TestMain(m *testing.M) { testenv.Main(m) }

type opts = []func(*config.LoadOptions) error

// with returns the first map with the others' entries added.
func with(maps ...map[string]string) map[string]string {
	all := map[string]string{}
	for _, m := range maps {
		for k, v := range m {
			all[k] = v
		}
	}
	return all
}

func webOption(fn func(*stscreds.WebIdentityRoleOptions)) func(*config.LoadOptions) error {
	return config.WithWebIdentityRoleCredentialOptions(fn)
}

var goldenTable = map[string]configuration{
	// Where the key stands, and how it is written.
	"default profile":           {config: deflt + role1 + tokenLine},
	"profile default":           {config: "[profile default]\n" + region + role1 + tokenLine},
	"both spellings of default": {config: deflt + role1 + "[profile default]\n" + region + role2 + tokenLine},
	"both, the dropped one empty": {config: "[profile default]\n" + region + tokenLine +
		"[default]\nweb_identity_token_{key} =\n"},
	"named profile by option":      {config: web, opts: opts{useWeb}},
	"named profile by AWS_PROFILE": {config: web, env: map[string]string{"AWS_PROFILE": "web"}},
	"AWS_DEFAULT_PROFILE":          {config: web, env: map[string]string{"AWS_DEFAULT_PROFILE": "web"}},
	"in the credentials file":      {credentials: "[web]\n" + region + role1 + tokenLine, opts: opts{useWeb}},
	"role and key in different files": {config: "[profile web]\n" + region + role1, credentials: "[web]\n" + tokenLine,
		opts: opts{useWeb}},
	"key and role in different files": {config: "[profile web]\n" + region + tokenLine, credentials: "[web]\n" + role1,
		opts: opts{useWeb}},
	"overridden in credentials": {config: "[profile web]\n" + region + role1 +
		"web_identity_token_{key} = /nowhere\n", credentials: "[web]\n" + tokenLine, opts: opts{useWeb}},
	"emptied in credentials": {config: web, credentials: "[web]\nweb_identity_token_{key} =\n", env: noIMDS,
		opts: opts{useWeb}},
	"upper case": {config: "[profile web]\n" + region + role1 +
		"WEB_IDENTITY_TOKEN_{KEY} = {value}\n", opts: opts{useWeb}},
	"mixed case": {config: "[profile web]\n" + region + role1 +
		"Web_Identity_Token_{key} = {value}\n", opts: opts{useWeb}},
	"colon": {config: "[profile web]\n" + region + role1 +
		"web_identity_token_{key}: {value}\n", opts: opts{useWeb}},
	"no blanks": {config: "[profile web]\n" + region + role1 +
		"web_identity_token_{key}={value}\n", opts: opts{useWeb}},
	"double quotes": {config: "[profile web]\n" + region + role1 +
		"web_identity_token_{key} = \"{value}\"\n", opts: opts{useWeb}},
	"single quotes": {config: "[profile web]\n" + region + role1 +
		"web_identity_token_{key} = '{value}'\n", opts: opts{useWeb}},
	"comment behind": {config: "[profile web]\n" + region + role1 +
		"web_identity_token_{key} = {value} # why\n", opts: opts{useWeb}},
	"comment behind a tab": {config: "[profile web]\n" + region + role1 +
		"web_identity_token_{key} = {value}\t; why\n", opts: opts{useWeb}},
	"commented out": {config: "[profile web]\n" + region + role1 +
		"# web_identity_token_{key} = {value}\n", env: noIMDS, opts: opts{useWeb}},
	"CRLF":                     {config: strings.ReplaceAll(web, "\n", "\r\n"), opts: opts{useWeb}},
	"no line break at the end": {config: strings.TrimSpace(web), opts: opts{useWeb}},
	"indented": {config: "[profile web]\n" + region + role1 + "  " + tokenLine,
		opts: opts{useWeb}},
	"indented after an empty key": {config: "[profile web]\n" + region + role1 + "s3 =\n  " + tokenLine,
		env: noIMDS, opts: opts{useWeb}},
	"indented, quoted, commented": {config: "[profile web]\n" + region + role1 +
		"  web_identity_token_{key} = '{value}' # why\n", opts: opts{useWeb}},
	"twice, the last wins": {config: "[profile web]\n" + region + role1 +
		"web_identity_token_{key} = /nowhere\n" + tokenLine, opts: opts{useWeb}},
	"section twice": {config: web + "[profile other]\n" + region +
		"[profile web]\nrole_session_name = later\n", opts: opts{useWeb}},
	"blanks in the section": {config: "[ profile \t web ] ; why\n" + region + role1 + tokenLine,
		opts: opts{useWeb}},
	"before any section":     {config: tokenLine + "[profile web]\n" + region + keys, opts: opts{useWeb}},
	"section without prefix": {config: "[web]\n" + region + role1 + tokenLine, opts: opts{useWeb}},
	"prefix in the credentials file": {credentials: "[profile web]\n" + region + role1 + tokenLine,
		opts: opts{useWeb}},
	"in a services section": {config: "[profile web]\n" + region + keys + "services = s\n[services s]\n" +
		tokenLine, opts: opts{useWeb}},
	"empty": {config: "[profile web]\n" + region + role1 + "web_identity_token_{key} =\n",
		env: noIMDS, opts: opts{useWeb}},
	"only quotes": {config: "[profile web]\n" + region + role1 +
		"web_identity_token_{key} = \"\"\n", env: noIMDS, opts: opts{useWeb}},
	"continued on the next line": {config: "[profile web]\n" + region + role1 +
		"web_identity_token_{key} = /nowhere\n  more\n[default]\n" + region + role1 + tokenLine},
	"more than one file": {config: deflt + role1 + tokenLine, opts: opts{twoFiles}},

	// Which identity it is.
	"no role ARN":       {config: "[profile web]\n" + region + tokenLine, opts: opts{useWeb}},
	"role_session_name": {config: web + "role_session_name = me\n", opts: opts{useWeb}},
	"duration_seconds":  {config: web + "duration_seconds = 3600\n", opts: opts{useWeb}},
	"external_id":       {config: web + "external_id = x\n", opts: opts{useWeb}},
	"mfa_serial": {config: web + "mfa_serial = arn:aws:iam::123456789012:mfa/me\n",
		opts: opts{useWeb}},
	"static keys beside it":               {config: web + keys, opts: opts{useWeb}},
	"half of a static key beside it":      {config: web + "aws_access_key_id = AKIA\n", opts: opts{useWeb}},
	"static keys in the credentials file": {config: web, credentials: "[web]\n" + keys, opts: opts{useWeb}},
	"source_profile beside it": {config: web + "source_profile = other\n[profile other]\n" + keys,
		opts: opts{useWeb}},
	"credential_source beside it":  {config: web + "credential_source = Environment\n", opts: opts{useWeb}},
	"credential_process beside it": {config: web + "credential_process = /bin/false\n", opts: opts{useWeb}},
	"sso beside it": {config: web +
		"sso_start_url = https://example.com\nsso_region = eu-west-1\nsso_account_id = 1\nsso_role_name = r\n",
		opts: opts{useWeb}},
	"login_session beside it": {config: web + "login_session = arn:aws:iam::123456789012:user/me\n",
		opts: opts{useWeb}},
	"no region": {config: "[profile web]\n" + role1 + tokenLine, env: noIMDS,
		opts: opts{useWeb}},
	"region of the environment": {config: "[profile web]\n" + role1 + tokenLine,
		env: map[string]string{"AWS_REGION": "eu-north-1"}, opts: opts{useWeb}},
	"region by option": {config: web, opts: opts{useWeb, config.WithRegion("us-west-2")}},
	"denied role": {config: "[profile web]\n" + region + denied + tokenLine,
		opts: opts{useWeb}},
	"missing profile by option":      {config: web, opts: opts{config.WithSharedConfigProfile("nobody")}},
	"missing profile by AWS_PROFILE": {config: web, env: map[string]string{"AWS_PROFILE": "nobody"}},
	"missing default profile":        {config: web, env: noIMDS},
	"another profile without it": {config: web + "[profile plain]\n" + region + keys,
		opts: opts{config.WithSharedConfigProfile("plain")}},
	"token that does not exist":              {config: web, opts: opts{useWeb}, noToken: true},
	"environment, token that does not exist": {env: envToken, noToken: true},
	"endpoint_url of the profile": {config: web + "endpoint_url = https://sts.example.com\n",
		opts: opts{useWeb}},
	"services section with an STS endpoint": {config: web +
		"services = s\n[services s]\nsts =\n  endpoint_url = https://sts.example.com\n", opts: opts{useWeb}},
	"sdk_ua_app_id":             {config: web + "sdk_ua_app_id = app\n", opts: opts{useWeb}},
	"use_fips_endpoint":         {config: web + "use_fips_endpoint = true\n", opts: opts{useWeb}},
	"invalid setting beside it": {config: web + "defaults_mode = nonsense\n", opts: opts{useWeb}},

	// Chains.
	"chain of 2": {config: chained, opts: opts{useTwo}},
	"chain of 3": {config: chained + "[profile three]\n" + region +
		"role_arn = arn:aws:iam::123456789012:role/three\nsource_profile = two\n",
		opts: opts{config.WithSharedConfigProfile("three")}},
	"chain of 2 over both files": {config: "[profile two]\n" + region + role2 + "source_profile = web\n",
		credentials: "[web]\n" + role1 + tokenLine, opts: opts{useTwo}},
	"chain with external_id":       {config: chained + "external_id = x\n", opts: opts{useTwo}},
	"chain with a long duration":   {config: chained + "duration_seconds = 1800\n", opts: opts{useTwo}},
	"chain with a short duration":  {config: chained + "duration_seconds = 900\n", opts: opts{useTwo}},
	"chain with role_session_name": {config: chained + "role_session_name = me\n", opts: opts{useTwo}},
	"chain with MFA and no token provider": {config: chained + "mfa_serial = arn:aws:iam::123456789012:mfa/me\n",
		opts: opts{useTwo}},
	"chain whose source has no role": {config: "[profile web]\n" + tokenLine + "[profile two]\n" + region +
		role2 + "source_profile = web\n", opts: opts{useTwo}},
	"chain whose source has static keys": {config: web + keys + "[profile two]\n" + region + role2 +
		"source_profile = web\n", opts: opts{useTwo}},
	"chain without a role of its own": {config: web + "[profile two]\n" + region + "source_profile = web\n",
		opts: opts{useTwo}},
	"chain to a missing profile": {config: "[profile two]\n" + region + role2 + "source_profile = nobody\n" +
		web, opts: opts{useTwo}},
	"chain to an empty profile": {config: web + "[profile empty]\n[profile two]\n" + region + role2 +
		"source_profile = empty\n", opts: opts{useTwo}},
	"chain whose first role is denied": {config: "[profile web]\n" + denied + tokenLine + "[profile two]\n" +
		region + role2 + "source_profile = web\n", opts: opts{useTwo}},
	"self-reference": {config: web + "source_profile = web\n", opts: opts{useWeb}},
	"self-reference with static keys": {config: "[profile web]\n" + region + role1 + keys +
		"source_profile = web\n[profile x]\n" + tokenLine, opts: opts{useWeb}},
	"loop of 2": {config: "[profile web]\n" + region + role1 +
		"source_profile = two\n[profile two]\n" + role2 + "source_profile = web\n[profile x]\n" + tokenLine,
		env: noIMDS, opts: opts{useWeb}},
	"loop of 2 with the key": {config: "[profile web]\n" + region + role1 + tokenLine +
		"source_profile = two\n[profile two]\n" + role2 + "source_profile = web\n", opts: opts{useWeb}},
	"source_profile and credential_process": {
		config: web + "[profile two]\n" + region + role2 + "source_profile = web\ncredential_process = /bin/false\n",
		opts:   opts{useTwo},
	},

	// The environment.
	"environment": {env: envToken},
	"environment with a session name": {env: with(envToken,
		map[string]string{"AWS_ROLE_SESSION_NAME": "me"})},
	"environment without a role": {env: map[string]string{"AWS_WEB_IDENTITY_TOKEN": "{value}",
		"AWS_REGION": "eu-west-1"}},
	"environment without a role, with a profile": {config: deflt + role1,
		env: map[string]string{"AWS_WEB_IDENTITY_TOKEN": "{value}"}},
	"environment empty": {config: deflt + keys,
		env: map[string]string{"AWS_WEB_IDENTITY_TOKEN": ""}},
	"environment over the default profile": {config: deflt + keys, env: envToken},
	"environment over AWS_PROFILE": {config: web,
		env: with(envToken, map[string]string{"AWS_PROFILE": "web"})},
	"environment over a profile's chain": {config: chained,
		env: with(envToken, map[string]string{"AWS_PROFILE": "two"})},
	"environment under the profile by option": {config: web, env: envToken, opts: opts{useWeb}},
	"environment under static keys":           {env: with(envToken, staticKeys)},
	"environment under half of a static key":  {env: with(envToken, map[string]string{"AWS_ACCESS_KEY_ID": "AKIA"})},
	"environment under AWS_ACCESS_KEY": {env: with(envToken,
		map[string]string{"AWS_ACCESS_KEY": "AKIA", "AWS_SECRET_KEY": "secret"})},
	"environment beside container credentials": {env: with(envToken,
		map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1/x"})},
	"environment with a missing profile": {config: web,
		env: with(envToken, map[string]string{"AWS_PROFILE": "nobody"})},
	"environment with a broken profile": {config: "[default]\n" + tokenLine, env: envToken},
	"environment with two types in the profile": {config: "[default]\n" + role1 + tokenLine +
		"credential_process = /bin/false\n", env: envToken},
	"environment with no region": {env: map[string]string{"AWS_WEB_IDENTITY_TOKEN": "{value}",
		"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/env", "AWS_EC2_METADATA_DISABLED": "true"}},
	"environment with an invalid variable": {env: with(envToken, map[string]string{"AWS_MAX_ATTEMPTS": "many"})},
	"environment with AWS_ENDPOINT_URL": {env: with(envToken,
		map[string]string{"AWS_ENDPOINT_URL": "https://all.example.com"})},
	"environment with AWS_ENDPOINT_URL_STS": {env: with(envToken,
		map[string]string{"AWS_ENDPOINT_URL_STS": "https://sts.example.com"})},
	"environment with an app ID":        {env: with(envToken, map[string]string{"AWS_SDK_UA_APP_ID": "app"})},
	"environment with AWS_MAX_ATTEMPTS": {env: with(envToken, map[string]string{"AWS_MAX_ATTEMPTS": "1"})},
	"environment with FIPS": {env: with(envToken,
		map[string]string{"AWS_USE_FIPS_ENDPOINT": "true"})},
	"environment with a denied role": {env: with(envToken,
		map[string]string{"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/denied"})},
	"static keys in the environment": {config: web,
		env: with(staticKeys, map[string]string{"AWS_PROFILE": "web"})},
	"static keys and the profile by option": {config: web, env: staticKeys, opts: opts{useWeb}},
	"AWS_ROLE_ARN beside the profile": {config: web,
		env: map[string]string{"AWS_PROFILE": "web", "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/env",
			"AWS_ROLE_SESSION_NAME": "env"}},

	// The program's options.
	"credentials provider by option": {config: web, opts: opts{useWeb, config.WithCredentialsProvider(staticProvider)}},
	"credentials provider over env":  {env: envToken, opts: opts{config.WithCredentialsProvider(staticProvider)}},
	"web identity options": {config: web, opts: opts{useWeb, webOption(func(o *stscreds.WebIdentityRoleOptions) {
		o.Duration, o.Policy, o.RoleSessionName = 20*time.Minute, aws.String("{}"), "mine"
	})}},
	"web identity options over env": {env: envToken, opts: opts{webOption(func(o *stscreds.WebIdentityRoleOptions) {
		o.Duration, o.Policy, o.RoleSessionName = 20*time.Minute, aws.String("{}"), "mine"
	})}},
	"role ARN by option over env": {env: map[string]string{"AWS_WEB_IDENTITY_TOKEN": "{value}",
		"AWS_REGION": "eu-west-1"}, opts: opts{webOption(func(o *stscreds.WebIdentityRoleOptions) {
		o.RoleARN = "arn:aws:iam::123456789012:role/mine"
	})}},
	"token retriever by option": {config: web, opts: opts{useWeb, webOption(func(o *stscreds.WebIdentityRoleOptions) {
		o.TokenRetriever = retriever("mine")
	})}},
	"token retriever over env": {env: envToken, opts: opts{webOption(func(o *stscreds.WebIdentityRoleOptions) {
		o.TokenRetriever = retriever("mine")
	})}},
	"token retriever around the configured one": {config: web,
		opts: opts{useWeb, webOption(func(o *stscreds.WebIdentityRoleOptions) {
			o.TokenRetriever = around{o.TokenRetriever}
		})}},
	"client by option": {config: web, opts: opts{useWeb, webOption(func(o *stscreds.WebIdentityRoleOptions) {
		o.Client = clientOfProgram(false)
	})}},
	"client by option, where there is none": {config: web,
		opts: opts{useWeb, webOption(func(o *stscreds.WebIdentityRoleOptions) {
			if o.Client == nil {
				o.Client = clientOfProgram(false)
			}
		})}},
	"client by option that fails": {config: web, opts: opts{useWeb, webOption(func(o *stscreds.WebIdentityRoleOptions) {
		o.Client = clientOfProgram(true)
	})}},
	"client over env": {env: envToken, opts: opts{webOption(func(o *stscreds.WebIdentityRoleOptions) {
		o.Client = clientOfProgram(false)
	})}},
	"assume role options": {config: chained,
		opts: opts{useTwo, config.WithAssumeRoleCredentialOptions(func(o *stscreds.AssumeRoleOptions) {
			o.Duration = time.Hour
		})}},
	"cache options":                     {env: envToken, opts: opts{hourAhead}},
	"cache options of a profile":        {config: web, opts: opts{useWeb, hourAhead}},
	"cache options of a source profile": {config: chained, opts: opts{useTwo, hourAhead}},
	"option that fails": {config: web,
		opts: opts{func(*config.LoadOptions) error { return errors.New("no") }}},
	"app ID by option": {env: envToken, opts: opts{config.WithAppID("app")}},
	"base endpoint by option over env": {env: envToken,
		opts: opts{config.WithBaseEndpoint("https://base.example.com")}},
	"no files": {env: envToken,
		opts: opts{config.WithSharedConfigFiles([]string{}), config.WithSharedCredentialsFiles([]string{})}},
}

var hourAhead = config.WithCredentialsCacheOptions(func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = time.Hour })

func twoFiles(o *config.LoadOptions) error {
	dir := filepath.Dir(os.Getenv("AWS_CONFIG_FILE"))
	o.SharedConfigFiles = []string{filepath.Join(dir, "none"), filepath.Join(dir, "config"),
		filepath.Join(dir, "token")}
	return nil
}

var staticProvider = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "AKIAOPTION", SecretAccessKey: "secret"}, nil
})

// clientOfProgram answers with the token that it is asked with, or fails.
type clientOfProgram bool

func (fails clientOfProgram) AssumeRoleWithWebIdentity(_ context.Context, in *sts.AssumeRoleWithWebIdentityInput,
	_ ...func(*sts.Options)) (*sts.AssumeRoleWithWebIdentityOutput, error) {
	if fails {
		return nil, &smithy.GenericAPIError{Code: "OfTheProgram"}
	}
	return &sts.AssumeRoleWithWebIdentityOutput{Credentials: &types.Credentials{
		AccessKeyId: aws.String("ASIA" + strings.TrimSpace(*in.WebIdentityToken)), SecretAccessKey: in.RoleArn,
		SessionToken: aws.String("session"), Expiration: aws.Time(time.Unix(1<<33, 0)),
	}}, nil
}

type retriever string

func (r retriever) GetIdentityToken() ([]byte, error) { return []byte(r), nil }

// around wraps the configured retriever, as a program that counts tokens would.
type around struct {
	stscreds.IdentityTokenRetriever
}
