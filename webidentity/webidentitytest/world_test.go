package webidentitytest_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/awstokenserver/config/webidentity/webidentitytest"
)

const (
	deploy  = "arn:aws:iam::123456789012:role/ci/deploy"
	publish = "arn:aws:iam::210987654321:role/publish"
	alice   = "arn:aws:iam::123456789012:user/alice"
)

func newWorld(t *testing.T) *webidentitytest.World {
	w := webidentitytest.New()
	t.Cleanup(w.Close)
	w.STS.AddRole(webidentitytest.Role{ARN: deploy, Subject: "repo:octo-org/octo-?epo:*"})
	w.STS.AddRole(webidentitytest.Role{ARN: publish, Principals: []string{deploy}, ExternalID: "42"})
	w.STS.AddKeys(alice, "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
	return w
}

var aliceKeys = aws.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE",
	SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}

// client returns the real client of STS. It doesn't retry.
func client(s *webidentitytest.STS, creds aws.Credentials, optFns ...func(*sts.Options)) *sts.Client {
	return sts.New(sts.Options{
		Region: "us-east-1", BaseEndpoint: &s.URL, Retryer: aws.NopRetryer{},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return creds, nil }),
	}, optFns...)
}

func assumeInput(token string) *sts.AssumeRoleWithWebIdentityInput {
	return &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: aws.String(deploy), RoleSessionName: aws.String("build"), WebIdentityToken: &token,
	}
}

func getToken(t *testing.T, s *webidentitytest.TokenServer, audience string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", s.URL+"&audience="+audience, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.RequestToken)
	var response struct {
		Value string
		Count int
	}
	if status := getJSON(t, r, &response); status != 200 || response.Count != len(response.Value) {
		t.Fatalf("status %d, count %d for %d characters", status, response.Count, len(response.Value))
	}
	return response.Value
}

func getJSON(t *testing.T, r *http.Request, v any) int {
	t.Helper()
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(v); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode
}

func session(t *testing.T, w *webidentitytest.World) aws.Credentials {
	t.Helper()
	out, err := client(w.STS, aws.Credentials{}).AssumeRoleWithWebIdentity(t.Context(),
		assumeInput(getToken(t, w.TokenServer, "sts.amazonaws.com")))
	if err != nil {
		t.Fatal(err)
	}
	return fromSTS(out.Credentials)
}

func fromSTS(c *types.Credentials) aws.Credentials {
	return aws.Credentials{
		AccessKeyID: *c.AccessKeyId, SecretAccessKey: *c.SecretAccessKey, SessionToken: *c.SessionToken,
		CanExpire: true, Expires: *c.Expiration,
	}
}

func wantRefusal(t *testing.T, err error, status int, code string) {
	t.Helper()
	var api smithy.APIError
	var response interface{ HTTPStatusCode() int }
	if !errors.As(err, &api) || !errors.As(err, &response) {
		t.Fatalf("got %v, want %s", err, code)
	}
	if api.ErrorCode() != code || response.HTTPStatusCode() != status {
		t.Errorf("got %d %s (%s), want %d %s", response.HTTPStatusCode(), api.ErrorCode(), api.ErrorMessage(), status,
			code)
	}
}

func TestTokenToRoleToRole(t *testing.T) {
	t.Parallel()
	for _, alg := range []jose.SignatureAlgorithm{jose.RS256, jose.ES256} {
		t.Run(string(alg), func(t *testing.T) {
			t.Parallel()
			issuer := webidentitytest.NewIssuer(alg)
			w := &webidentitytest.World{
				Issuer:      issuer,
				TokenServer: webidentitytest.NewTokenServer(issuer),
				STS:         webidentitytest.NewSTS(issuer),
			}
			t.Cleanup(w.Close)
			w.STS.AddRole(webidentitytest.Role{ARN: deploy, Subject: "repo:octo-org/*"})
			w.STS.AddRole(webidentitytest.Role{ARN: publish, Principals: []string{deploy}, ExternalID: "42"})

			before := time.Now()
			in := assumeInput(getToken(t, w.TokenServer, "sts.amazonaws.com"))
			in.DurationSeconds = aws.Int32(900)
			out, err := client(w.STS, aws.Credentials{}).AssumeRoleWithWebIdentity(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			const sub = "repo:octo-org/octo-repo:ref:refs/heads/main"
			if *out.SubjectFromWebIdentityToken != sub || *out.Audience != "sts.amazonaws.com" ||
				*out.Provider != issuer.URL {
				t.Errorf("subject %s, audience %s, provider %s", *out.SubjectFromWebIdentityToken, *out.Audience,
					*out.Provider)
			}
			if life := out.Credentials.Expiration.Sub(before); life < 899*time.Second || life > 16*time.Minute {
				t.Errorf("credentials live %v, want 900 s", life)
			}
			if !strings.HasPrefix(*out.Credentials.AccessKeyId, "ASIA") || len(*out.Credentials.AccessKeyId) != 20 ||
				len(*out.Credentials.SecretAccessKey) != 40 {
				t.Errorf("access key id %s with a secret of %d characters", *out.Credentials.AccessKeyId,
					len(*out.Credentials.SecretAccessKey))
			}

			first := client(w.STS, fromSTS(out.Credentials))
			who, err := first.GetCallerIdentity(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if want := "arn:aws:sts::123456789012:assumed-role/deploy/build"; *who.Arn != want ||
				*out.AssumedRoleUser.Arn != want {
				t.Errorf("caller %s, assumed role user %s, want %s", *who.Arn, *out.AssumedRoleUser.Arn, want)
			}
			if *who.Account != "123456789012" || *who.UserId != *out.AssumedRoleUser.AssumedRoleId {
				t.Errorf("account %s, user id %s", *who.Account, *who.UserId)
			}

			chained, err := first.AssumeRole(t.Context(), &sts.AssumeRoleInput{
				RoleArn: aws.String(publish), RoleSessionName: aws.String("release"), ExternalId: aws.String("42"),
			})
			if err != nil {
				t.Fatal(err)
			}
			who, err = client(w.STS, fromSTS(chained.Credentials)).GetCallerIdentity(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if want := "arn:aws:sts::210987654321:assumed-role/publish/release"; *who.Arn != want {
				t.Errorf("caller %s, want %s", *who.Arn, want)
			}

			requests := w.STS.Requests()
			var actions []string
			for _, r := range requests {
				actions = append(actions, r.Form.Get("Action"))
			}
			if want := []string{"AssumeRoleWithWebIdentity", "GetCallerIdentity", "AssumeRole", "GetCallerIdentity"}; !slices.Equal(actions, want) {
				t.Errorf("actions %q, want %q", actions, want)
			}
			if r := requests[0]; r.Method != "POST" || r.Path != "/" ||
				r.Form.Get("WebIdentityToken") != *in.WebIdentityToken || r.Time.Before(before) {
				t.Errorf("first request: %s %s at %v", r.Method, r.Path, r.Time)
			}
		})
	}
}

func TestAssumeRoleWithWebIdentityRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.STS.AddRole(webidentitytest.Role{ARN: "arn:aws:iam::123456789012:role/trusts-nobody"})
	w.STS.AddRole(webidentitytest.Role{ARN: "arn:aws:iam::123456789012:role/other-audience", Subject: "*",
		Audience: "other"})
	stranger := webidentitytest.New()
	t.Cleanup(stranger.Close)
	now := time.Now().Unix()

	// claims returns those of a good token, changed.
	claims := func(kv ...any) map[string]any {
		c := map[string]any{"sub": "repo:octo-org/octo-repo:environment:prod", "aud": "sts.amazonaws.com"}
		for i := 0; i < len(kv); i += 2 {
			c[kv[i].(string)] = kv[i+1]
		}
		return c
	}
	good := w.Issuer.Sign(claims())
	header, rest, _ := strings.Cut(good, ".")
	payload, _, _ := strings.Cut(rest, ".")

	other := w.Issuer.Sign(claims())

	hmac, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: []byte(strings.Repeat("k", 32))}, nil)
	if err != nil {
		t.Fatal(err)
	}
	symmetric, err := jwt.Signed(hmac).Claims(claims("iss", w.Issuer.URL, "iat", now, "exp", now+300)).Serialize()
	if err != nil {
		t.Fatal(err)
	}

	input := func(change func(*sts.AssumeRoleWithWebIdentityInput)) *sts.AssumeRoleWithWebIdentityInput {
		in := assumeInput(good)
		change(in)
		return in
	}
	for name, c := range map[string]struct {
		in     *sts.AssumeRoleWithWebIdentityInput
		status int
		code   string // none: it is accepted
	}{
		"accepted":             {in: assumeInput(good)},
		"accepted, azp":        {in: assumeInput(w.Issuer.Sign(claims("aud", "x", "azp", "sts.amazonaws.com")))},
		"accepted, one of aud": {in: assumeInput(w.Issuer.Sign(claims("aud", []string{"x", "sts.amazonaws.com"})))},
		"accepted, 12 hours":   {in: input(func(in *sts.AssumeRoleWithWebIdentityInput) { in.DurationSeconds = aws.Int32(43200) })},
		"expired":              {assumeInput(w.Issuer.Sign(claims("exp", now-1))), 400, "ExpiredTokenException"},
		"not yet valid":        {assumeInput(w.Issuer.Sign(claims("nbf", now+3600))), 400, "InvalidIdentityToken"},
		"no exp":               {assumeInput(w.Issuer.Sign(claims("exp", nil))), 400, "InvalidIdentityToken"},
		"no iat":               {assumeInput(w.Issuer.Sign(claims("iat", nil))), 400, "InvalidIdentityToken"},
		"no sub":               {assumeInput(w.Issuer.Sign(claims("sub", ""))), 400, "InvalidIdentityToken"},
		"no aud":               {assumeInput(w.Issuer.Sign(claims("aud", nil))), 400, "InvalidIdentityToken"},
		"other audience": {assumeInput(w.Issuer.Sign(claims("aud", "https://github.com/octo-org"))), 400,
			"InvalidIdentityToken"},
		"azp before aud": {assumeInput(w.Issuer.Sign(claims("azp", "x"))), 400, "InvalidIdentityToken"},
		"unknown issuer": {assumeInput(stranger.Issuer.Sign(claims())), 400, "InvalidIdentityToken"},
		"own key, other issuer": {assumeInput(w.Issuer.Sign(claims("iss",
			"https://token.actions.githubusercontent.com"))), 400, "InvalidIdentityToken"},
		"another's key": {assumeInput(stranger.Issuer.Sign(claims("iss", w.Issuer.URL))), 400,
			"InvalidIdentityToken"},
		"no signature": {assumeInput(header + "." + payload + "."), 400, "InvalidIdentityToken"},
		"another's signature": {assumeInput(header + "." + payload + other[strings.LastIndex(other, "."):]), 400,
			"InvalidIdentityToken"},
		"HS256":           {assumeInput(symmetric), 400, "InvalidIdentityToken"},
		"no JWT":          {assumeInput("ghs_1234"), 400, "InvalidIdentityToken"},
		"token too short": {assumeInput("abc"), 400, "ValidationError"},
		"token too long":  {assumeInput(strings.Repeat("a", 20001)), 400, "ValidationError"},
		"other subject": {assumeInput(w.Issuer.Sign(claims("sub",
			"repo:octo-org/octo-repoo:environment:prod"))), 403, "AccessDenied"},
		"subject in other case": {assumeInput(w.Issuer.Sign(claims("sub", "REPO:octo-org/octo-repo:environment:prod"))),
			403, "AccessDenied"},
		"subject, only a part": {assumeInput(w.Issuer.Sign(claims("sub", "x:repo:octo-org/octo-repo:x"))), 403,
			"AccessDenied"},
		"unknown role": {input(func(in *sts.AssumeRoleWithWebIdentityInput) { *in.RoleArn += "2" }), 403,
			"AccessDenied"},
		"role trusts nobody": {input(func(in *sts.AssumeRoleWithWebIdentityInput) {
			in.RoleArn = aws.String("arn:aws:iam::123456789012:role/trusts-nobody")
		}), 403, "AccessDenied"},
		"role's other audience": {input(func(in *sts.AssumeRoleWithWebIdentityInput) {
			in.RoleArn = aws.String("arn:aws:iam::123456789012:role/other-audience")
		}), 400, "InvalidIdentityToken"},
		"no ARN":                 {input(func(in *sts.AssumeRoleWithWebIdentityInput) { in.RoleArn = aws.String("deploy") }), 400, "ValidationError"},
		"user's ARN":             {input(func(in *sts.AssumeRoleWithWebIdentityInput) { in.RoleArn = aws.String(alice) }), 400, "ValidationError"},
		"session name too short": {input(func(in *sts.AssumeRoleWithWebIdentityInput) { in.RoleSessionName = aws.String("a") }), 400, "ValidationError"},
		"session name too long":  {input(func(in *sts.AssumeRoleWithWebIdentityInput) { in.RoleSessionName = aws.String(strings.Repeat("a", 65)) }), 400, "ValidationError"},
		"session name, blank":    {input(func(in *sts.AssumeRoleWithWebIdentityInput) { in.RoleSessionName = aws.String("a b") }), 400, "ValidationError"},
		"duration too short":     {input(func(in *sts.AssumeRoleWithWebIdentityInput) { in.DurationSeconds = aws.Int32(899) }), 400, "ValidationError"},
		"duration too long":      {input(func(in *sts.AssumeRoleWithWebIdentityInput) { in.DurationSeconds = aws.Int32(43201) }), 400, "ValidationError"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := client(w.STS, aws.Credentials{}).AssumeRoleWithWebIdentity(t.Context(), c.in)
			if c.code != "" {
				wantRefusal(t, err, c.status, c.code)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestErrorsHaveTheSDKsTypes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := client(w.STS, aws.Credentials{}).AssumeRoleWithWebIdentity(t.Context(),
		assumeInput(w.Issuer.Sign(map[string]any{
			"sub": "repo:octo-org/octo-repo:x", "aud": "sts.amazonaws.com", "exp": time.Now().Unix() - 1,
		})))
	if expired := (*types.ExpiredTokenException)(nil); !errors.As(err, &expired) {
		t.Errorf("got %v, want an ExpiredTokenException", err)
	}
	_, err = client(w.STS, aws.Credentials{}).AssumeRoleWithWebIdentity(t.Context(),
		assumeInput(getToken(t, w.TokenServer, "x")))
	if invalid := (*types.InvalidIdentityTokenException)(nil); !errors.As(err, &invalid) ||
		*invalid.Message != "Incorrect token audience" {
		t.Errorf("got %v, want an InvalidIdentityTokenException", err)
	}
	w.STS.Script(webidentitytest.STSError(400, "IDPCommunicationError", "try again"))
	_, err = client(w.STS, aws.Credentials{}).AssumeRoleWithWebIdentity(t.Context(), assumeInput("abcd"))
	if idp := (*types.IDPCommunicationErrorException)(nil); !errors.As(err, &idp) || *idp.Message != "try again" {
		t.Errorf("got %v, want an IDPCommunicationErrorException", err)
	}
}

// tamper changes requests after they were signed.
type tamper func(*http.Request)

func (f tamper) Do(r *http.Request) (*http.Response, error) {
	f(r)
	return http.DefaultClient.Do(r)
}

func TestSignedRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	creds := session(t, w)
	changed := func(change func(*aws.Credentials)) aws.Credentials {
		c := creds
		change(&c)
		return c
	}
	resign := func(offset time.Duration) tamper {
		return func(r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(body))
			hash := sha256.Sum256(body)
			if err := v4.NewSigner().SignHTTP(r.Context(), creds, r, hex.EncodeToString(hash[:]), "sts", "us-east-1", time.Now().Add(offset)); err != nil {
				t.Error(err)
			}
		}
	}
	for name, c := range map[string]struct {
		creds  aws.Credentials
		tamper tamper
		status int
		code   string // none: it is accepted
	}{
		"accepted":            {creds: creds},
		"accepted, long-term": {creds: aliceKeys},
		"unsigned": {creds, func(r *http.Request) { r.Header.Del("Authorization") }, 403,
			"MissingAuthenticationToken"},
		"no SigV4": {creds, func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, 403,
			"IncompleteSignature"},
		"no date": {creds, func(r *http.Request) { r.Header.Del("X-Amz-Date") }, 403,
			"IncompleteSignature"},
		"wrong secret": {changed(func(c *aws.Credentials) { c.SecretAccessKey += "x" }), nil, 403,
			"SignatureDoesNotMatch"},
		"unknown key": {changed(func(c *aws.Credentials) { c.AccessKeyID = "ASIAIOSFODNN7EXAMPLE" }), nil,
			403, "InvalidClientTokenId"},
		"changed session token": {changed(func(c *aws.Credentials) { c.SessionToken += "x" }), nil, 403,
			"InvalidClientTokenId"},
		"no session token": {changed(func(c *aws.Credentials) { c.SessionToken = "" }), nil, 403,
			"InvalidClientTokenId"},
		"surplus session token": {aliceKeys, func(r *http.Request) { r.Header.Set("X-Amz-Security-Token", "x") }, 403,
			"InvalidClientTokenId"},
		"changed body": {creds, func(r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader("Version=2011-06-15&Action=GetCallerIdentity"))
		}, 403, "SignatureDoesNotMatch"},
		"changed path": {creds, func(r *http.Request) { r.URL.Path = "/x" }, 403, "SignatureDoesNotMatch"},
		"changed query": {creds, func(r *http.Request) { r.URL.RawQuery = "x=y" }, 403,
			"SignatureDoesNotMatch"},
		"changed signed header": {creds, func(r *http.Request) { r.Header.Set("Amz-Sdk-Invocation-Id", "x") }, 403,
			"SignatureDoesNotMatch"},
		"missing signed header": {creds, func(r *http.Request) { r.Header.Del("Amz-Sdk-Invocation-Id") }, 403,
			"SignatureDoesNotMatch"},
		"unsigned host": {creds, func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), ";host", "", 1))
		}, 403, "SignatureDoesNotMatch"},
		"other day": {creds, func(r *http.Request) {
			r.Header.Set("Authorization",
				regexp.MustCompile(`/\d{8}/`).ReplaceAllString(r.Header.Get("Authorization"), "/20200101/"))
		}, 403, "SignatureDoesNotMatch"},
		"other service": {creds, func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "/sts/", "/s3/", 1))
		}, 403, "IncompleteSignature"},
		"four minutes ago": {creds: creds, tamper: resign(-4 * time.Minute)},
		"six minutes ago":  {creds, resign(-6 * time.Minute), 403, "SignatureDoesNotMatch"},
		"in six minutes":   {creds, resign(6 * time.Minute), 403, "SignatureDoesNotMatch"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := client(w.STS, c.creds, func(o *sts.Options) {
				if c.tamper != nil {
					o.HTTPClient = c.tamper
				}
			}).GetCallerIdentity(t.Context(), nil)
			if c.code != "" {
				wantRefusal(t, err, c.status, c.code)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestExpiredCredentials(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.STS.Lifetime = 300 * time.Millisecond
	creds := session(t, w)
	time.Sleep(time.Until(creds.Expires))
	_, err := client(w.STS, creds).GetCallerIdentity(t.Context(), nil)
	wantRefusal(t, err, 403, "ExpiredToken")
}

func TestAssumeRole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.STS.AddRole(webidentitytest.Role{ARN: "arn:aws-cn:iam::123456789012:role/a", Principals: []string{deploy, alice}})
	creds := session(t, w)
	for name, c := range map[string]struct {
		creds                  aws.Credentials
		role, name, externalID string
		seconds                int32
		status                 int
		code                   string // none: it is accepted
	}{
		"role":                {creds: creds, role: publish, externalID: "42"},
		"user":                {creds: aliceKeys, role: "arn:aws-cn:iam::123456789012:role/a", seconds: 43200},
		"surplus external id": {creds: creds, role: "arn:aws-cn:iam::123456789012:role/a", externalID: "42"},
		"no external id":      {creds: creds, role: publish, status: 403, code: "AccessDenied"},
		"wrong external id":   {creds: creds, role: publish, externalID: "43", status: 403, code: "AccessDenied"},
		"other principal":     {creds: aliceKeys, role: publish, externalID: "42", status: 403, code: "AccessDenied"},
		"itself":              {creds: creds, role: deploy, status: 403, code: "AccessDenied"},
		"unknown role":        {creds: creds, role: deploy + "2", status: 403, code: "AccessDenied"},
		"session name": {creds: creds, role: publish, externalID: "42", name: "é", status: 400,
			code: "ValidationError"},
		"chained for too long": {creds: creds, role: publish, externalID: "42", seconds: 3601, status: 400,
			code: "ValidationError"},
		"unknown caller": {creds: aws.Credentials{AccessKeyID: "AKIA", SecretAccessKey: "x"}, role: publish,
			status: 403, code: "InvalidClientTokenId"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := &sts.AssumeRoleInput{RoleArn: &c.role, RoleSessionName: aws.String("me")}
			if c.name != "" {
				in.RoleSessionName = &c.name
			}
			if c.externalID != "" {
				in.ExternalId = &c.externalID
			}
			if c.seconds != 0 {
				in.DurationSeconds = &c.seconds
			}
			_, err := client(w.STS, c.creds).AssumeRole(t.Context(), in)
			if c.code != "" {
				wantRefusal(t, err, c.status, c.code)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestSTSRawRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	form := func(s string) *http.Request {
		r, err := http.NewRequest("POST", w.STS.URL, strings.NewReader(s))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return r
	}
	token := w.Issuer.Sign(map[string]any{"sub": "repo:octo-org/octo-repo:x", "aud": "sts.amazonaws.com"})
	assume := "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=" + deploy + "&WebIdentityToken=" + token
	get, _ := http.NewRequest("GET", w.STS.URL+"?"+assume+"&RoleSessionName=build", nil)
	signed := form(assume + "&RoleSessionName=build")
	signed.Header.Set("Authorization", "x")
	for name, c := range map[string]struct {
		request *http.Request
		status  int
		body    string
	}{
		"accepted": {form(assume + "&RoleSessionName=build"), 200,
			`<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIA`},
		"signed":          {signed, 400, "<Code>ValidationError</Code>"},
		"no session name": {form(assume), 400, "<Code>ValidationError</Code>"},
		"no role":         {form("Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=build&WebIdentityToken=" + token), 400, "<Code>ValidationError</Code>"},
		"duration, no number": {form(assume + "&RoleSessionName=build&DurationSeconds=1h"), 400,
			"<Code>ValidationError</Code>"},
		"unknown action": {form("Action=GetSessionToken&Version=2011-06-15"), 400,
			`<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>InvalidAction</Code>`},
		"other version": {form("Action=GetCallerIdentity&Version=2010-01-01"), 400,
			"<Code>InvalidAction</Code>"},
		"nothing": {form(""), 400, "<Code>InvalidAction</Code>"},
		"GET":     {get, 405, "<Code>InvalidAction</Code>"},
		"GetCallerIdentity ()": {form("Action=GetCallerIdentity&Version=2011-06-15"), 403,
			"<Code>MissingAuthenticationToken</Code>"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			response, err := http.DefaultClient.Do(c.request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			body, _ := io.ReadAll(response.Body)
			if response.StatusCode != c.status || !strings.Contains(string(body), c.body) {
				t.Errorf("got %d %s, want %d %s", response.StatusCode, body, c.status, c.body)
			}
			if id := response.Header.Get("X-Amzn-Requestid"); id == "" ||
				!strings.Contains(string(body), "<RequestId>"+id+"</RequestId>") {
				t.Errorf("request id %q is not in %s", id, body)
			}
		})
	}
}

func TestTokenServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct {
		method string
		url    string
		auth   []string
		status int
		want   string // the audience, or a part of the refusal
	}{
		"default audience": {"GET", w.TokenServer.URL, []string{"bearer " + w.TokenServer.RequestToken}, 200,
			"https://github.com/octo-org"},
		"audience": {"GET", w.TokenServer.URL + "&audience=a%2Cb",
			[]string{"BEARER " + w.TokenServer.RequestToken}, 200, "a,b"},
		"no request token":  {"GET", w.TokenServer.URL, nil, 401, "not authorized"},
		"bad request token": {"GET", w.TokenServer.URL, []string{"Bearer x"}, 401, "not authorized"},
		"other scheme": {"GET", w.TokenServer.URL, []string{"token " + w.TokenServer.RequestToken}, 401,
			"not authorized"},
		"two authorizations": {"GET", w.TokenServer.URL, []string{"Bearer " + w.TokenServer.RequestToken,
			"Bearer " + w.TokenServer.RequestToken}, 401, "not authorized"},
		"POST": {"POST", w.TokenServer.URL, []string{"Bearer " + w.TokenServer.RequestToken}, 405,
			"POST"},
		"query lost": {"GET", strings.Replace(w.TokenServer.URL, "?api-version=2.0", "?audience=x", 1),
			[]string{"Bearer " + w.TokenServer.RequestToken}, 400, "api-version"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := http.NewRequest(c.method, c.url, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header["Authorization"] = c.auth
			var response struct{ Value, Message string }
			if status := getJSON(t, r, &response); status != c.status {
				t.Errorf("status %d, want %d", status, c.status)
			}
			if c.status != 200 {
				if !strings.Contains(response.Message, c.want) {
					t.Errorf("got %q, want %q", response.Message, c.want)
				}
				return
			}
			if claims := verified(t, w.Issuer, response.Value); claims["aud"] != c.want {
				t.Errorf("audience %v, want %s", claims["aud"], c.want)
			}
		})
	}
}

// verified returns the claims of token, having found the key as a client of
// OIDC does.
func verified(t *testing.T, issuer *webidentitytest.Issuer, token string) (claims map[string]any) {
	t.Helper()
	var metadata struct {
		Issuer  string
		JWKSURI string   `json:"jwks_uri"`
		Algs    []string `json:"id_token_signing_alg_values_supported"`
	}
	r, _ := http.NewRequest("GET", issuer.URL+"/.well-known/openid-configuration", nil)
	getJSON(t, r, &metadata)
	if metadata.Issuer != issuer.URL || len(metadata.Algs) != 1 {
		t.Fatalf("metadata %+v", metadata)
	}
	var keys jose.JSONWebKeySet
	r, _ = http.NewRequest("GET", metadata.JWKSURI, nil)
	getJSON(t, r, &keys)
	if !keys.Keys[0].IsPublic() {
		t.Fatal("the issuer shows its private key")
	}
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(metadata.Algs[0])})
	if err != nil {
		t.Fatal(err)
	}
	if err := parsed.Claims(keys, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

func TestTokenServerClaims(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	claims := verified(t, w.Issuer, getToken(t, w.TokenServer, ""))
	if claims["exp"].(float64)-claims["iat"].(float64) != 300 || claims["jti"] == "" ||
		claims["repository"] != "octo-org/octo-repo" {
		t.Errorf("claims %v", claims)
	}

	w = newWorld(t)
	w.TokenServer.Lifetime = time.Minute
	w.TokenServer.Claims = map[string]any{"sub": "s", "repository_owner": "hub",
		"https://aws.amazon.com/tags": map[string]any{"k": "v"}}
	claims = verified(t, w.Issuer, getToken(t, w.TokenServer, ""))
	if claims["exp"].(float64)-claims["iat"].(float64) != 60 || claims["sub"] != "s" ||
		claims["aud"] != "https://github.com/hub" || claims["https://aws.amazon.com/tags"] == nil {
		t.Errorf("claims %v", claims)
	}
}

func TestScript(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.STS.Script(
		webidentitytest.STSError(503, "ServiceUnavailable", "later"),
		func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		nil,
		func(w http.ResponseWriter, r *http.Request) {
			if r.FormValue("Action") != "GetCallerIdentity" {
				t.Errorf("a scripted handler cannot read the form: %v", r.Form)
			}
			webidentitytest.STSError(400, "Throttling", "slow down")(w, r)
		},
	)
	c := client(w.STS, aliceKeys)
	get := func() error { _, err := c.GetCallerIdentity(t.Context(), nil); return err }
	wantRefusal(t, get(), 503, "ServiceUnavailable")
	if err := get(); err == nil || errors.As(err, new(smithy.APIError)) {
		t.Errorf("got %v, want a dropped connection", err)
	}
	if err := get(); err != nil {
		t.Error(err)
	}
	wantRefusal(t, get(), 400, "Throttling")
	if err := get(); err != nil {
		t.Error(err)
	}
	if n := len(w.STS.Requests()); n != 5 {
		t.Errorf("%d requests, want 5", n)
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const n = 16
	var wg sync.WaitGroup
	for range n {
		wg.Add(1)
		go func() {
			defer wg.Done()
			w.STS.AddRole(webidentitytest.Role{ARN: publish, Principals: []string{deploy}})
			w.STS.AddKeys(alice, aliceKeys.AccessKeyID, aliceKeys.SecretAccessKey)
			w.TokenServer.Script(nil)
			out, err := client(w.STS, aws.Credentials{}).AssumeRoleWithWebIdentity(t.Context(),
				assumeInput(getToken(t, w.TokenServer, "sts.amazonaws.com")))
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := client(w.STS, fromSTS(out.Credentials)).GetCallerIdentity(t.Context(), nil); err != nil {
				t.Error(err)
			}
			w.STS.Requests()
		}()
	}
	wg.Wait()
	if got := len(w.STS.Requests()); got != 2*n {
		t.Errorf("%d requests, want %d", got, 2*n)
	}
}

// Not parallel: it counts goroutines, and parallel tests wait for it.
func TestCloseLeavesNothing(t *testing.T) {
	http.DefaultClient.CloseIdleConnections()
	before := runtime.NumGoroutine()
	w := webidentitytest.New()
	hanging := make(chan struct{})
	w.STS.Script(func(_ http.ResponseWriter, r *http.Request) {
		close(hanging)
		<-r.Context().Done()
	})
	refused := make(chan error)
	go func() {
		_, err := client(w.STS, aliceKeys,
			func(o *sts.Options) { o.HTTPClient = http.DefaultClient }).GetCallerIdentity(context.Background(), nil)
		refused <- err
	}()
	getToken(t, w.TokenServer, "")
	<-hanging
	start := time.Now()
	w.Close()
	w.Close()
	if err := <-refused; err == nil {
		t.Error("the hanging request was answered")
	}
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("closing took %v", took)
	}
	for deadline := time.Now().Add(30 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<16)
			t.Fatalf("%d goroutines, were %d:\n%s", runtime.NumGoroutine(), before,
				stacks[:runtime.Stack(stacks, true)])
		}
	}
	for _, url := range []string{w.Issuer.URL, w.TokenServer.URL, w.STS.URL} {
		if response, err := http.Get(url); err == nil {
			response.Body.Close()
			t.Errorf("%s still answers", url)
		}
	}
}

func TestSetenv(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIA")
	t.Setenv("https_proxy", "http://proxy.example")
	w := newWorld(t)
	w.Setenv(t)
	for name, want := range map[string]string{
		"AWS_ACCESS_KEY_ID": "", "https_proxy": "", "AWS_CONFIG_FILE": os.DevNull, "AWS_REGION": "us-east-1",
		"AWS_ENDPOINT_URL_STS": w.STS.URL, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": w.TokenServer.RequestToken,
	} {
		if got := os.Getenv(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestPanics(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, f := range map[string]func(){
		"alg":  func() { webidentitytest.NewIssuer(jose.HS256) },
		"role": func() { w.STS.AddRole(webidentitytest.Role{ARN: alice}) },
		"user": func() { w.STS.AddKeys("alice", "AKIA", "x") },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		})
	}
}
