package webidentity_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	upstream "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"

	"github.com/awstokenserver/config/internal/testenv"
	"github.com/awstokenserver/config/tokensource"
	"github.com/awstokenserver/config/webidentity"
	. "github.com/awstokenserver/config/webidentity/webidentitytest"
)

const roleARN = "arn:aws:iam::123456789012:role/deploy"

// start returns a world with a role, an STS client that waits little between
// attempts, and a source of tokens that counts them.
func start(t *testing.T) (*World, *sts.Client, *countingSource) {
	t.Helper()
	world := New()
	t.Cleanup(world.Close)
	world.STS.AddRole(Role{ARN: roleARN, Subject: "repo:octo-org/octo-repo:*"})
	client := sts.New(sts.Options{
		Region: "us-east-1", BaseEndpoint: &world.STS.URL,
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = time.Millisecond }),
	})
	return world, client, &countingSource{issuer: world.Issuer, claims: map[string]any{}}
}

// countingSource signs a token for every call. Not safe for concurrent use.
type countingSource struct {
	issuer *Issuer
	claims map[string]any
	count  int
}

func (s *countingSource) Token(context.Context) (tokensource.Token, error) {
	s.count++
	claims := map[string]any{"sub": "repo:octo-org/octo-repo:ref:refs/heads/main", "aud": "sts.amazonaws.com",
		"jti": fmt.Sprint(s.count)}
	for name, value := range s.claims {
		claims[name] = value
	}
	return tokensource.Token{Value: s.issuer.Sign(claims)}, nil
}

// tokens returns the tokens that STS was shown.
func tokens(world *World) (values []string) {
	for _, r := range world.STS.Requests() {
		values = append(values, r.Form.Get("WebIdentityToken"))
	}
	return values
}

func TestNewProvider(t *testing.T) {
	t.Parallel()
	world, client, source := start(t)
	provider := webidentity.NewProvider(client, roleARN, source,
		func(o *stscreds.WebIdentityRoleOptions) { o.RoleSessionName = "build" })
	for want := 1; want <= 2; want++ {
		keys, err := provider.Retrieve(context.Background())
		if err != nil || !keys.HasKeys() || !keys.CanExpire {
			t.Fatalf("%v, %v", keys, err)
		}
		if source.count != want {
			t.Errorf("%d tokens after %d exchanges", source.count, want)
		}
	}
	if sent := tokens(world); sent[0] == sent[1] {
		t.Error("the token was used twice")
	}
}

func TestOptionsOnUpstream(t *testing.T) {
	world, _, source := start(t)
	world.Setenv(t)
	t.Setenv("AWS_ROLE_ARN", roleARN)
	t.Setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/nowhere")
	cfg, err := upstream.LoadDefaultConfig(context.Background(),
		upstream.WithWebIdentityRoleCredentialOptions(webidentity.Options(source)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sts.NewFromConfig(cfg).GetCallerIdentity(context.Background(), nil); err != nil {
		t.Error(err)
	}
}

// A client that the program sets only where there is none must not ask twice.
func TestOptionsTwice(t *testing.T) {
	t.Parallel()
	_, client, source := start(t)
	option := webidentity.Options(source)
	provider := stscreds.NewWebIdentityRoleProvider(client, roleARN, nil, option, option)
	if _, err := provider.Retrieve(context.Background()); err != nil || source.count != 1 {
		t.Errorf("%d tokens, %v", source.count, err)
	}
}

func TestCallersContext(t *testing.T) {
	t.Parallel()
	_, client, _ := start(t)
	type key struct{}
	source := tokensource.Func(func(ctx context.Context) (tokensource.Token, error) {
		if ctx.Value(key{}) != "caller" {
			t.Error("not the caller's context")
		}
		if _, ok := ctx.Deadline(); !ok {
			t.Error("no bound")
		}
		return tokensource.Token{}, &tokensource.Error{Class: tokensource.NotConfigured, Problem: "nothing here"}
	})
	_, err := webidentity.NewProvider(client, roleARN,
		source).Retrieve(context.WithValue(context.Background(), key{}, "caller"))
	if !errors.Is(err, tokensource.NotConfigured) {
		t.Error(err)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	refuse := func(status int, code string) http.HandlerFunc { return STSError(status, code, "no") }
	respond := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			io.WriteString(w, body)
		}
	}
	invalid := refuse(400, "InvalidIdentityToken")
	incomplete := func(keys string) http.HandlerFunc {
		return respond(200, `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">`+
			`<AssumeRoleWithWebIdentityResult><Credentials>`+keys+`</Credentials></AssumeRoleWithWebIdentityResult>`+
			`</AssumeRoleWithWebIdentityResponse>`)
	}
	const expiration = `<Expiration>2130-01-01T00:00:00Z</Expiration>`
	for name, test := range map[string]struct {
		script   []http.HandlerFunc
		class    tokensource.Class // empty: credentials
		tokens   int
		requests int
	}{
		"expired, then good":      {[]http.HandlerFunc{refuse(400, "ExpiredTokenException")}, "", 2, 2},
		"invalid, then good":      {[]http.HandlerFunc{invalid, invalid}, "", 3, 3},
		"invalid":                 {[]http.HandlerFunc{invalid, invalid, invalid, invalid}, tokensource.RoleDenied, 3, 3},
		"ExpiredToken, then good": {[]http.HandlerFunc{refuse(400, "ExpiredToken")}, "", 2, 2},
		"expired twice": {[]http.HandlerFunc{refuse(400, "ExpiredTokenException"),
			refuse(400, "ExpiredTokenException")}, tokensource.RoleDenied, 2, 2},
		"invalid, then expired": {[]http.HandlerFunc{refuse(400, "InvalidIdentityToken"),
			refuse(400, "ExpiredTokenException")}, tokensource.RoleDenied, 2, 2},
		"denied":            {[]http.HandlerFunc{refuse(403, "AccessDenied")}, tokensource.RoleDenied, 1, 1},
		"invalid parameter": {[]http.HandlerFunc{refuse(400, "ValidationError")}, tokensource.ConfigInvalid, 1, 1},
		"region":            {[]http.HandlerFunc{refuse(403, "RegionDisabledException")}, tokensource.ConfigInvalid, 1, 1},
		"page of a proxy":   {[]http.HandlerFunc{respond(403, "<html><body>no")}, tokensource.STSUnavailable, 1, 1},
		"text of a proxy":   {[]http.HandlerFunc{respond(400, "Bad Request")}, tokensource.STSUnavailable, 1, 1},
		"JSON of a gateway": {[]http.HandlerFunc{respond(404, `{"message": "no"}`)}, tokensource.STSUnavailable, 1, 1},
		"429 of a proxy": {[]http.HandlerFunc{respond(429, ""), respond(429, ""), respond(429, "")},
			tokensource.STSUnavailable, 1, 3},
		"redirect": {[]http.HandlerFunc{respond(302, "")}, tokensource.STSUnavailable, 1, 1},
		"no key":   {[]http.HandlerFunc{incomplete(expiration)}, tokensource.STSUnavailable, 1, 1},
		"no expiration": {[]http.HandlerFunc{incomplete(`<AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s</SecretAccessKey>` +
			`<SessionToken>t</SessionToken>`)}, tokensource.STSUnavailable, 1, 1},
		"no session": {[]http.HandlerFunc{incomplete(`<AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s</SecretAccessKey>` +
			expiration)}, tokensource.STSUnavailable, 1, 1},
		"server error, then good": {[]http.HandlerFunc{refuse(500, "InternalFailure")}, "", 1, 2},
		"server errors": {[]http.HandlerFunc{refuse(500, "InternalFailure"),
			refuse(503, "ServiceUnavailable"), refuse(500, "InternalFailure")}, tokensource.STSUnavailable, 1, 3},
		"throttled": {[]http.HandlerFunc{refuse(400, "Throttling"), refuse(400, "Throttling"),
			refuse(400, "Throttling")}, tokensource.STSUnavailable, 1, 3},
		"provider does not respond": {[]http.HandlerFunc{refuse(400, "IDPCommunicationError"),
			refuse(400, "IDPCommunicationError"), refuse(400, "IDPCommunicationError")}, tokensource.STSUnavailable, 1,
			3},
		"no XML": {[]http.HandlerFunc{func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>") }},
			tokensource.STSUnavailable, 1, 1},
		"nothing": {[]http.HandlerFunc{func(http.ResponseWriter, *http.Request) {}},
			tokensource.STSUnavailable, 1, 1},
		"denied after an expired one": {
			[]http.HandlerFunc{refuse(400, "ExpiredTokenException"), refuse(403, "AccessDenied")},
			tokensource.RoleDenied, 2, 2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world, client, source := start(t)
			world.STS.Script(test.script...)
			_, err := webidentity.NewProvider(client, roleARN, source).Retrieve(context.Background())
			if test.class == "" && err != nil || test.class != "" && !errors.Is(err, test.class) {
				t.Errorf("got %v, want class %q", err, test.class)
			}
			if source.count != test.tokens || len(world.STS.Requests()) != test.requests {
				t.Errorf("%d tokens and %d requests, want %d and %d", source.count, len(world.STS.Requests()),
					test.tokens, test.requests)
			}
		})
	}
}

// aws-sdk-go-v2#2962: upstream does not read the token again when it has expired.
func TestAWSSDKGoV2_2962_ExpiredToken(t *testing.T) {
	t.Parallel()
	world, client, source := start(t)
	source.claims["exp"] = time.Now().Add(-time.Minute).Unix()
	fresh := tokensource.Func(func(ctx context.Context) (tokensource.Token, error) {
		token, err := source.Token(ctx)
		delete(source.claims, "exp")
		return token, err
	})
	if _, err := webidentity.NewProvider(client, roleARN, fresh).Retrieve(context.Background()); err != nil {
		t.Error(err)
	}
	if sent := tokens(world); len(sent) != 2 || sent[0] == sent[1] {
		t.Errorf("%d requests", len(sent))
	}

	source.claims["exp"] = time.Now().Add(-time.Minute).Unix()
	_, err := webidentity.NewProvider(client, roleARN, source).Retrieve(context.Background())
	if refused := (*tokensource.Error)(nil); !errors.As(err, &refused) || refused.Class != tokensource.RoleDenied ||
		!refused.Expired {
		t.Errorf("no other token: %v", err)
	}
}

func TestDeniedIsExplained(t *testing.T) {
	t.Parallel()
	for name, claims := range map[string]map[string]any{
		"one audience":  {"sub": "repo:evil/repo:ref:refs/heads/main"},
		"two audiences": {"sub": "repo:evil/repo:ref:refs/heads/main", "aud": []string{"sts.amazonaws.com", "other"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world, client, source := start(t)
			source.claims = claims
			_, err := webidentity.NewProvider(client, roleARN, source).Retrieve(context.Background())
			var (
				refused  *tokensource.Error
				api      interface{ ErrorCode() string }
				upstream *types.ExpiredTokenException
			)
			if !errors.As(err, &refused) || refused.StatusCode != http.StatusForbidden || refused.Expired ||
				!errors.As(err, &api) || api.ErrorCode() != "AccessDenied" || errors.As(err, &upstream) {
				t.Fatal(err)
			}
			for _, text := range []string{roleARN, world.Issuer.URL, "repo:evil/repo:ref:refs/heads/main",
				"sts.amazonaws.com", "docs/troubleshooting.md#role-denied"} {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("%s is not in: %v", text, err)
				}
			}
			for _, sent := range tokens(world) {
				if signature := sent[strings.LastIndex(sent, ".")+1:]; strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), signature) {
					t.Error("the error holds the token's signature")
				}
			}
		})
	}
}

// An STS of somebody else's may repeat what it was sent.
func TestRepeatedToken(t *testing.T) {
	t.Parallel()
	for name, response := range map[string]func(token string) http.HandlerFunc{
		"in the message": func(token string) http.HandlerFunc { return STSError(403, "AccessDenied", "cannot use "+token) },
		"in the code":    func(token string) http.HandlerFunc { return STSError(403, token, "no") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world, client, source := start(t)
			token, _ := source.Token(context.Background())
			world.STS.Script(response(token.Value))
			same := tokensource.Func(func(context.Context) (tokensource.Token, error) { return token, nil })
			_, err := webidentity.NewProvider(client, roleARN, same).Retrieve(context.Background())
			signature := token.Value[strings.LastIndex(token.Value, ".")+1:]
			if !errors.Is(err, tokensource.RoleDenied) || strings.Contains(fmt.Sprintf("%v %+v", err, err), signature) {
				t.Errorf("%v", err)
			}
			var api smithy.APIError
			if !errors.As(err, &api) || strings.Contains(api.ErrorMessage()+api.ErrorCode(), signature) {
				t.Errorf("%#v", api)
			}
		})
	}
}

func TestNoJWT(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"opaque", "a.b.", "a.!.c", "a.bm8.c"} {
		_, client, _ := start(t)
		source := tokensource.Func(func(context.Context) (tokensource.Token, error) { return tokensource.Token{Value: value}, nil })
		_, err := webidentity.NewProvider(client, roleARN, source).Retrieve(context.Background())
		if !errors.Is(err, tokensource.RoleDenied) || !strings.Contains(err.Error(), "JWT") {
			t.Errorf("%q: %v", value, err)
		}
	}
}

func TestNothingToAsk(t *testing.T) {
	t.Parallel()
	_, _, source := start(t)
	_, err := webidentity.NewProvider(sts.New(sts.Options{}), roleARN, source).Retrieve(context.Background())
	if !errors.Is(err, tokensource.ConfigInvalid) || !strings.Contains(err.Error(), "Region") {
		t.Errorf("no region: %v", err)
	}

	_, err = webidentity.NewProvider(sts.New(sts.Options{Region: "us-east-1",
		BaseEndpoint: aws.String("http://127.0.0.1:1"), Retryer: aws.NopRetryer{}}), roleARN,
		source).Retrieve(context.Background())
	if !errors.Is(err, tokensource.STSUnavailable) {
		t.Errorf("nobody listens: %v", err)
	}
}

// An expired token is not sent again.
func TestSameToken(t *testing.T) {
	t.Parallel()
	for code, requests := range map[string]int{"ExpiredToken": 1, "InvalidIdentityToken": 3} {
		world, client, _ := start(t)
		refuse := STSError(400, code, "no")
		world.STS.Script(refuse, refuse, refuse, refuse)
		source := tokensource.Func(func(context.Context) (tokensource.Token, error) {
			return tokensource.Token{Value: "0123456789.0123456789.0123456789"}, nil
		})
		_, err := webidentity.NewProvider(client, roleARN, source).Retrieve(t.Context())
		testenv.WantError(t, err, tokensource.RoleDenied, code)
		if n := len(world.STS.Requests()); n != requests {
			t.Errorf("%s: %d requests", code, n)
		}
	}
}

// A token server or an STS that hangs holds no caller past its context.
func TestHang(t *testing.T) {
	t.Parallel()
	world, client, source := start(t)
	world.STS.Script(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err := webidentity.NewProvider(client, roleARN, source).Retrieve(ctx)
	if !errors.Is(err, tokensource.STSUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// aws.CredentialsCache calls its provider with a context that never ends: the
// flight that its callers share must end by itself.
func TestSharedFlightEnds(t *testing.T) {
	t.Parallel()
	world, client, _ := start(t)
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	world.TokenServer.Script(hang, hang, hang, hang) // for two flights, where the first ends before the second caller comes
	document := fmt.Sprintf(`{"version": 1, "http": {"url": %q}}`, world.TokenServer.URL)
	source, err := tokensource.Document([]byte(document), func(o *tokensource.Options) {
		o.Timeout = time.Second
		o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = 2, time.Millisecond })
	})
	if err != nil {
		t.Fatal(err)
	}
	cache := aws.NewCredentialsCache(webidentity.NewProvider(client, roleARN, source))
	impatient, cancel := context.WithTimeout(context.Background(), 0)
	defer cancel()
	if _, err := cache.Retrieve(impatient); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a caller with a context that ended: %v", err)
	}
	if _, err := cache.Retrieve(context.Background()); !errors.Is(err, tokensource.TokenUnavailable) {
		t.Errorf("a caller that waits forever: %v", err)
	}
}

// clientFunc is a client of STS.
type clientFunc func(*sts.AssumeRoleWithWebIdentityInput, sts.Options) (*sts.AssumeRoleWithWebIdentityOutput, error)

func (f clientFunc) AssumeRoleWithWebIdentity(
	_ context.Context, params *sts.AssumeRoleWithWebIdentityInput, optFns ...func(*sts.Options),
) (*sts.AssumeRoleWithWebIdentityOutput, error) {
	options := sts.Options{Retryer: aws.NopRetryer{}}
	for _, fn := range optFns {
		fn(&options)
	}
	return f(params, options)
}

// What a provider adds to its request is for a token that it retrieves itself.
func TestOptionsOfProvider(t *testing.T) {
	t.Parallel()
	refused := errors.New("refused")
	options := stscreds.WebIdentityRoleOptions{
		Client: clientFunc(func(params *sts.AssumeRoleWithWebIdentityInput, o sts.Options) (*sts.AssumeRoleWithWebIdentityOutput, error) {
			if _, given := o.Retryer.(aws.NopRetryer); !given || len(o.APIOptions) != 0 {
				t.Errorf("the client gets the retryer %T and %d API options", o.Retryer, len(o.APIOptions))
			}
			return nil, refused
		}),
	}
	webidentity.Options(tokensource.Func(func(context.Context) (tokensource.Token, error) {
		return tokensource.Token{Value: "token"}, nil
	}))(&options)
	_, err := options.Client.AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{}, func(o *sts.Options) {
		o.Retryer = retry.NewStandard()
		o.APIOptions = append(o.APIOptions, func(*middleware.Stack) error { return nil })
	})
	if !errors.Is(err, refused) {
		t.Error(err)
	}
}

// section is the part of docs/troubleshooting.md about a class.
func section(t *testing.T, class tokensource.Class) string {
	t.Helper()
	page, err := os.ReadFile("../docs/troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(page), "\n## "+string(class)+"\n")
	text, _, _ = strings.Cut(text, "\n## ")
	return text
}

// Each refusal of STS has advice that fits, and a place on the page that errors name.
func TestHints(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ code, message, hint string }{
		{"AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity", "compare the role's trust policy"},
		{"InvalidIdentityToken", "No OpenIDConnect provider found in your account for https://x",
			"create an identity provider"},
		{"InvalidIdentityToken", "Incorrect token audience", "to the audiences of the account's identity provider"},
		{"InvalidIdentityToken", "Couldn't retrieve verification key from your identity provider",
			"AWS must reach iss"},
		{"ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.", "or the duration"},
		{"ValidationError", "Value at 'roleSessionName'", "the session name"},
		{"PackedPolicyTooLarge", "Packed size of session tags consumes 101% of allotted space.",
			"fewer or shorter session tags"},
		{"MalformedPolicyDocument", "", "correct the session policy"},
		{"RegionDisabledException", "STS is not activated in this region", "activate STS in this region"},
	} {
		world := New()
		defer world.Close()
		refuse := STSError(http.StatusBadRequest, test.code, test.message)
		world.STS.Script(refuse, refuse)
		source := tokensource.Func(func(context.Context) (tokensource.Token, error) {
			return tokensource.Token{Value: world.Issuer.Sign(map[string]any{"sub": "me"})}, nil
		})
		client := sts.New(sts.Options{Region: "us-east-1", BaseEndpoint: &world.STS.URL, Retryer: aws.NopRetryer{}})
		_, err := webidentity.NewProvider(client, "arn:aws:iam::123456789012:role/deploy", source).Retrieve(t.Context())
		class := tokensource.ConfigInvalid
		if test.code == "AccessDenied" || test.code == "InvalidIdentityToken" {
			class = tokensource.RoleDenied
		}
		testenv.WantError(t, err, class, test.code, test.hint)
		if text := strings.Join(strings.Fields(section(t, class)), " "); !strings.Contains(text, test.code) ||
			!strings.Contains(text, strings.TrimSuffix(strings.TrimSuffix(test.message, " for https://x"), ".")) {
			t.Errorf("docs/troubleshooting.md does not have %s: %s under %s", test.code, test.message, class)
		}
	}
}
