package sharedfile_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	upstream "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"

	"github.com/awstokenserver/config"
)

// padding makes a file larger than those of which upstream is shown all.
var padding = "[profile padding]\n" + strings.Repeat("# a comment that makes the file larger\n", 110)

// fragments are what texts are made of.
var fragments = []string{
	"[default]\n", "[profile default]\n", "[DEFAULT]\n", "[profile DEFAULT]\n", "[profile a]\n", "[profile b]\n",
	"[a]\n", "[b]\n", "[zoo]\n",
	"[profile zoo]\n", "[profile profile zoo]\n", "[profile profile a]\n", "[profile services s]\n",
	"[profile sso-session s]\n",
	"  [profile a]\n", "\t[ profile \t b ] ; why\r\n", "[profile a] x\n", "[profile a", "[\"a\"]\n", "[a] = ]\n",
	"[profile a] [b]\n", "[profile a#b]\n",
	"\ufeff[profile a]\n", "[profile\u00a0a]\n", "[]\n", "[profile ]\n", "[profile a\x00]\n", "[services s]\n",
	"[sso-session s]\n", "[services  s ]\n",
	"source_profile = a\n", "source_profile = b\n", "source_profile = zoo\n", "source_profile = default\n",
	"source_profile = profile zoo\n",
	"SOURCE_PROFİLE : b\n", "source_profile = \"a\"\n", " source_profile = \"b # c\"\n", "source_profile = \"b # c\"\n",
	"  source_profile = 'a' ; b\n",
	"source_profile =\n", "source_profile = sso-session s\n", "source_profile = DEFAULT\n", "sso_session = s\n",
	"sso_session = \" s \"\n", "services = s\n",
	"services = \"s\" # c\n", " services = s\n", "sso_start_url = https://x\n", "sso_region = eu-west-1\n",
	"sso_account_id = 1\n", "sso_role_name = r\n",
	role, "region = eu-west-1\n", "region = us-east-1\n", "  region = ap-south-1\n", "aws_access_key_id = AKIA\n",
	"aws_secret_access_key = secret\n",
	"aws_session_token = t\n", "credential_source = Environment\n", "credential_process = /bin/false\n",
	"web_identity_token_file = /B\n",
	"  web_identity_token_file = /C\n", "web_identity_token_file =\n", "s3 =\n", "  endpoint_url = https://x\n",
	"sts =\n", "endpoint_url = https://y\n",
	"defaults_mode = nonsense\n", "retry_mode = adaptive\n", "duration_seconds = 900\n", "external_id = x\n",
	"# comment\n", " ; comment\n",
	"  continued\n", "\n", "\r", "\t", " ", "=\n", ":", "x", "]", "\"\n", "= x\n", "mfa_serial = m\n",
	"login_session = arn:aws:iam::1:user/u\n",
}

func text(choice []byte) string {
	var b strings.Builder
	for _, c := range choice[:min(len(choice), 40)] {
		b.WriteString(fragments[int(c)%len(fragments)])
	}
	return b.String()
}

var profiles = []string{
	"", "a", "b", "default", "DEFAULT", "zoo", "profile zoo", "profile a", "nobody",
	"services s", "sso-session s", "profile", "\"a\"", "a] [b", "a\x00", "padding",
}

// Each text needs a section that only one rule of upstream's parser leads to.
func TestSelection(t *testing.T) {
	t.Parallel()
	const (
		b    = "[profile b]\nregion = eu-west-1\n" + "aws_access_key_id = AKIA\naws_secret_access_key = secret\n"
		toB  = "[profile a]\n" + role
		sso  = "[sso-session s]\nsso_region = eu-west-1\nsso_start_url = https://x\n"
		svcs = "[services s]\nsts =\n  endpoint_url = https://x\n"
	)
	for name, test := range map[string]struct{ first, second, credentials, profile string }{
		"source profile":                    {first: toB + "source_profile = b\n" + b},
		"source profile after a colon":      {first: toB + "source_profile: b\n" + b},
		"source profile in upper case":      {first: toB + "SOURCE_PROFILE = b\n" + b},
		"source profile in Turkish":         {first: toB + "SOURCE_PROF\u0130LE = b\n" + b},
		"source profile in quotes":          {first: toB + "source_profile = 'b'\n" + b},
		"source profile before a comment":   {first: toB + "source_profile = b # c\n" + b},
		"indented source profile":           {first: toB + "  source_profile = b\n" + b},
		"quotes before a comment, indented": {first: toB + "  source_profile = \"b # c\"\n" + b},
		"quotes after a comment, indented": {first: toB + "  source_profile = \"b\" # c\"\n" + b +
			"[profile \"b\"]\n" + b},
		"quotes in a comment":                    {first: toB + "source_profile = \"b # c\"\n" + b + "[profile \"b]\n"},
		"source profile in the credentials file": {first: toB + b, credentials: "[a]\nsource_profile = b\n"},
		"source profile in the second file":      {first: b + toB, second: "[profile a]\nsource_profile = b\n"},
		"source profile of credentials": {first: toB + "source_profile = b\n",
			credentials: "[b]\naws_access_key_id = a\naws_secret_access_key = s\n"},
		"chain": {first: toB + "source_profile = c\n" + b + "[profile c]\n" + role +
			"source_profile = b\n"},
		"loop": {first: toB + "source_profile = b\n" + "[profile b]\n" + role +
			"source_profile = a\n"},
		"itself": {first: toB +
			"source_profile = a\naws_access_key_id = a\naws_secret_access_key = s\n"},
		"session":             {first: "[profile a]\nsso_session = s\n" + sso},
		"session with spaces": {first: "[profile a]\nsso_session = ' s '\n" + sso},
		"session of a source profile": {first: toB + "source_profile = c\n[profile c]\nsso_session = s\n" +
			sso},
		"session in the credentials file": {first: "[profile a]\nsso_session = s\n", credentials: sso},
		"session that is a profile":       {first: "[profile a]\nsso_session = s\n[profile sso-session s]\nsso_region = x\n" + sso},
		"services":                        {first: "[profile a]\nservices = s\n" + svcs},
		"services that are a profile":     {first: "[profile a]\nservices = s\n[profile services s]\nsts =\n  endpoint_url = https://y\n" + svcs},
		"services of an emptied section": {first: "[profile a]\n",
			second: "[profile a]\nservices = s\n" + svcs},
		"parts of a section": {first: "[profile a]\nregion = x\n" + b +
			"[profile a]\nregion = y\n"},
		"empty parts of a section": {first: "[profile a]\n",
			second: "[profile a]\ns3 =\n  x = y\nendpoint_url = https://x\n"},
		"tab in a header":               {first: "[profile\ta]\nregion = x\n"},
		"spaces in a header":            {first: "\t [  profile \t  a  ] # c\r\nregion = x\n"},
		"other spaces in a header":      {first: "\u00a0[profile a\u2003]\u3000\nregion = x\n"},
		"no-break space after the type": {first: "[profile\u00a0a]\nregion = x\n[profile a]\nregion = y\n"},
		"text after a header":           {first: "[profile a]\nregion = x\n[profile b] x\nregion = y\n"},
		"comment in a header":           {first: "[profile a]\nregion = x\n[profile b;]\nregion = y\n"},
		"brackets in a name":            {first: "[profile a] [b]\nregion = x\n", profile: "a] [b"},
		"header in a nested block":      {first: "[profile b]\ns3 =\n  [profile a]\n  region = x\n"},
		"carriage returns alone":        {first: "[profile a]\rregion = x\r[profile b]\rregion = y\n"},
		"byte order mark":               {first: "\ufeff[profile a]\nregion = x\n[profile a]\nregion = y\n"},
		"NUL":                           {first: "[profile a\x00]\nregion = x\n", profile: "a\x00"},
		"section without a name":        {first: "[profile a]\nregion = x\n[]\nregion = y\n"},
		"profile without a name": {first: "[profile a]\n", credentials: "[]\nregion = y\n",
			profile: " "},
		"section named profile": {first: "[profile ]\nregion = x\n",
			credentials: "[profile]\nregion = y\n", profile: "profile"},
		"prefix twice": {first: "[profile profile zoo]\nregion = x\n[profile zoo]\nregion = y\n",
			profile: "zoo"},
		"prefix twice, asked for once": {first: "[profile profile zoo]\nregion = x\n[profile zoo]\nregion = y\n",
			profile: "profile zoo"},
		"default in both spellings": {first: "[default]\nregion = x\n",
			second: "[profile default]\noutput = y\n", profile: "default"},
		"default in upper case": {first: "[DEFAULT]\nregion = x\n[profile DEFAULT]\noutput = y\n",
			profile: "DEFAULT"},
		"half of a key": {first: "[profile a]\nregion = x\n",
			credentials: "[a]\naws_access_key_id = x\n"},
		"lines before any section":     {first: "region = x\n[profile a]\noutput = y\n"},
		"no line break at the end":     {first: b + "[profile a]\nregion = x"},
		"missing profile":              {first: b, profile: "nobody"},
		"empty files":                  {},
		"more names than are followed": {first: longChain(100), profile: "0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			newFiles(t).compare(t, test.first, test.second, test.credentials, cmp.Or(test.profile, "a"))
		})
	}
}

func longChain(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "[profile %d]\n%ssource_profile = %d\n", i, role, i+1)
	}
	return b.String() + fmt.Sprintf("[profile %d]\naws_access_key_id = a\naws_secret_access_key = s\n", n)
}

// Random texts find what the table forgets.
func TestSelectionOfRandomTexts(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	bytes := func() []byte {
		b := make([]byte, random.IntN(16))
		for i := range b {
			b[i] = byte(random.IntN(256))
		}
		return b
	}
	files := newFiles(t)
	for range 1000 {
		files.compare(t, text(bytes()), text(bytes()), text(bytes()), profiles[random.IntN(len(profiles))])
		if t.Failed() {
			return
		}
	}
}

// FuzzSelection holds what upstream finds in the selected sections against what it
// finds in the whole text.
func FuzzSelection(f *testing.F) {
	f.Add([]byte{4, 30, 5, 52}, []byte{6, 57}, []byte{}, byte(1), "")
	files := newFiles(f)
	f.Fuzz(func(t *testing.T, first, second, credentials []byte, profile byte, raw string) {
		files.compare(t, text(first)+raw, text(second), text(credentials)+raw, profiles[int(profile)%len(profiles)])
	})
}

// files are the names of three files that are written for each comparison.
type files struct{ first, second, credentials string }

func newFiles(t testing.TB) files {
	dir := t.TempDir()
	name := func(name string) string { return filepath.Join(dir, fmt.Sprint(name, os.Getpid())) }
	return files{name("first"), name("second"), name("credentials")}
}

func (f files) compare(t *testing.T, first, second, credentials, profile string) {
	if strings.Contains(strings.ToLower(first+second+credentials), "token_server") {
		return // upstream does not know it
	}
	for name, text := range map[string]string{f.first: first + "\n" + padding, f.second: second,
		f.credentials: credentials} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if !f.same(t, profile) {
		t.Logf("%q of\n%q\n%q\n%q", profile, first, second, credentials)
	}
}

// same reports whether upstream finds the same in what it is shown as in the files.
func (f files) same(t *testing.T, profile string) bool {
	t.Helper()
	want, panics := f.load(upstream.LoadSharedConfigProfile, upstream.LoadDefaultConfig, profile)
	if panics {
		return true
	}
	got, panics := f.load(config.LoadSharedConfigProfile, config.LoadDefaultConfig, profile)
	if panics {
		t.Error("it panics")
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("upstream from the selection:\n%+v\nfrom the whole:\n%+v", got, want)
	}
	return !t.Failed()
}

// outcome is what a program sees of its files.
type outcome struct {
	Shared, InDefault       config.SharedConfig
	SharedErr, DefaultErr   string
	SharedType, DefaultType string
	Region                  string
	Source                  string
	Log                     string
}

func (f files) load(
	shared func(context.Context, string, ...func(*config.LoadSharedConfigOptions)) (config.SharedConfig, error),
	deflt func(context.Context, ...func(*config.LoadOptions) error) (aws.Config, error), profile string,
) (o outcome, panics bool) {
	defer func() {
		if r := recover(); r != nil {
			panics = true
		}
	}()
	ctx := context.Background()
	in := func(logger logging.Logger) func(*config.LoadSharedConfigOptions) {
		return func(o *config.LoadSharedConfigOptions) {
			o.ConfigFiles, o.CredentialsFiles, o.Logger = []string{f.first, f.second}, []string{f.credentials}, logger
		}
	}
	var err error
	o.Shared, err = shared(ctx, profile, in(nil))
	o.SharedErr, o.SharedType = fmt.Sprint(err), exportedType(err)
	var log strings.Builder
	shared(ctx, profile, in(logging.LoggerFunc(func(c logging.Classification, format string, v ...any) {
		fmt.Fprintf(&log, string(c)+" "+format+"\n", v...)
	})))
	o.Log = log.String()

	// Two names are compared: of the load with a server, and of static keys.
	cfg, err := deflt(ctx, config.WithSharedConfigFiles([]string{f.first, f.second}),
		config.WithSharedCredentialsFiles([]string{f.credentials}),
		config.WithSharedConfigProfile(profile), config.WithRegion(""), func(o *config.LoadOptions) error {
			o.EC2IMDSClientEnableState = 1 // disabled
			return nil
		})
	o.DefaultErr, o.DefaultType = fmt.Sprint(err), exportedType(err)
	o.Region = cfg.Region
	for _, source := range cfg.ConfigSources {
		switch c := source.(type) {
		case config.SharedConfig:
			o.InDefault = c
		case config.LoadOptions:
			o.Source += fmt.Sprint(c.SharedConfigFiles, c.SharedCredentialsFiles)
		}
	}
	if cache, ok := cfg.Credentials.(*aws.CredentialsCache); ok && o.InDefault.Credentials.HasKeys() &&
		o.InDefault.RoleARN == "" {
		credentials, err := cache.Retrieve(ctx)
		o.Source += fmt.Sprint(credentials.Source, err, cache.ProviderSources())
	}
	return o, false
}

// exportedType returns the type of an error, if programs can ask for it.
func exportedType(err error) string {
	if name := fmt.Sprintf("%T", err); strings.HasPrefix(name, "config.") {
		return name
	}
	return ""
}
