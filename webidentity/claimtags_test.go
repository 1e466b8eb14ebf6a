package webidentity_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"

	"github.com/awstokenserver/config/tokensource"
	"github.com/awstokenserver/config/webidentity"
	. "github.com/awstokenserver/config/webidentity/webidentitytest"
)

const taggedARN = "arn:aws:iam::210987654321:role/tagged"

// startTagged returns a world with a second role, which takes any tags, a
// client that has the credentials of the first, and a source that counts the
// tokens for tags.
func startTagged(t *testing.T) (*World, *sts.Client, *countingSource) {
	t.Helper()
	world, client, source := start(t)
	world.STS.AddRole(Role{ARN: taggedARN, Principals: []string{roleARN}, TagSession: true})
	options := client.Options()
	options.Credentials = aws.NewCredentialsCache(webidentity.NewProvider(client, roleARN, source))
	return world, sts.New(options), &countingSource{issuer: world.Issuer, claims: map[string]any{}}
}

// lastTags returns the tags of the last request to STS.
func lastTags(world *World) (tags map[string]string, transitive []string) {
	requests := world.STS.Requests()
	form := requests[len(requests)-1].Form
	tags = map[string]string{}
	for n := 1; form.Has(fmt.Sprintf("Tags.member.%d.Key", n)); n++ {
		tags[form.Get(fmt.Sprintf("Tags.member.%d.Key", n))] = form.Get(fmt.Sprintf("Tags.member.%d.Value", n))
	}
	for n := 1; form.Has(fmt.Sprintf("TransitiveTagKeys.member.%d", n)); n++ {
		transitive = append(transitive, form.Get(fmt.Sprintf("TransitiveTagKeys.member.%d", n)))
	}
	return tags, transitive
}

// raw is JSON that a claim has as it stands.
type raw string

func (r raw) MarshalJSON() ([]byte, error) { return []byte(r), nil }

func TestClaimTags(t *testing.T) {
	t.Parallel()
	world, client, source := startTagged(t)
	source.claims = map[string]any{
		"repository": "octo-org/octo-repo", "head_ref": "", "big": raw("12345678901234567890"), "precise": raw("1.50"),
		"exponent":  raw("1e+3"),
		"protected": true, "Ünï code": "Zürich 東京_.:/=+-@", "https://idp.example/team": "a",
		"long": strings.Repeat("é", 256), "not_asked_for": "x",
	}
	ownTags, ownKeys := make([]types.Tag, 1, 2), make([]string, 1, 2)
	ownTags[0], ownKeys[0] = types.Tag{Key: aws.String("own"), Value: aws.String("1")}, "own"
	provider := stscreds.NewAssumeRoleProvider(client, taggedARN,
		func(o *stscreds.AssumeRoleOptions) { o.Tags, o.TransitiveTagKeys = ownTags, ownKeys },
		webidentity.ClaimTags(source, "gh:", "repository", "head_ref", "big", "precise", "exponent", "protected",
			"Ünï code", "https://idp.example/team"))
	if source.count != 0 || len(world.STS.Requests()) != 0 {
		t.Error("making the provider uses the network")
	}
	want := map[string]string{
		"own": "1", "gh:repository": "octo-org/octo-repo", "gh:head_ref": "", "gh:big": "12345678901234567890",
		"gh:precise":  "1.50",
		"gh:exponent": "1e+3", "gh:protected": "true", "gh:Ünï code": "Zürich 東京_.:/=+-@",
		"gh:https://idp.example/team": "a",
	}
	for range 2 {
		if _, err := provider.Retrieve(t.Context()); err != nil {
			t.Fatal(err)
		}
		tags, transitive := lastTags(world)
		slices.Sort(transitive)
		if !maps.Equal(tags, want) || !slices.Equal(transitive, slices.Sorted(maps.Keys(want))) {
			t.Errorf("tags %q, transitive %q", tags, transitive)
		}
	}
	if source.count != 2 {
		t.Errorf("%d tokens for two sessions", source.count)
	}
	if ownTags[:2][1].Key != nil || ownKeys[:2][1] != "" {
		t.Error("the provider's own slices are written to")
	}

	_, err := stscreds.NewAssumeRoleProvider(client, taggedARN,
		webidentity.ClaimTags(source, "", "long")).Retrieve(t.Context())
	if tags, _ := lastTags(world); err != nil || tags["long"] != source.claims["long"] {
		t.Errorf("256 characters: %v", err)
	}
}

func TestClaimTagsRefused(t *testing.T) {
	t.Parallel()
	many := make([]string, 50)
	for i := range many {
		many[i] = fmt.Sprint("c", i)
	}
	for name, test := range map[string]struct {
		prefix string
		claims []string
		own    string // a tag that the provider has
		class  tokensource.Class
		text   string
	}{
		"missing": {"", []string{"environment"}, "", tokensource.TokenMalformed,
			`the claim "environment" cannot be a session tag: the token does not have it; leave it out of ClaimTags`},
		"in another case": {"", []string{"Sub"}, "", tokensource.TokenMalformed, "does not have it"},
		"null":            {"", []string{"nothing"}, "", tokensource.TokenMalformed, "does not have it"},
		"list":            {"", []string{"list"}, "", tokensource.TokenMalformed, "it is an object or a list"},
		"object":          {"", []string{"object"}, "", tokensource.TokenMalformed, "it is an object or a list"},
		"too long": {"", []string{"long"}, "", tokensource.TokenMalformed,
			"it has 257 characters, and STS takes 256"},
		"bot": {"", []string{"actor"}, "", tokensource.TokenMalformed,
			"it has the character '[', and STS takes letters, digits, spaces and _.:/=+-@"},
		"reserved value": {"", []string{"arn"}, "", tokensource.TokenMalformed,
			"it begins with aws:, which AWS reserves"},
		"the second": {"", []string{"sub", "actor"}, "", tokensource.TokenMalformed, `"actor"`},
		"named twice": {"", []string{"sub", "sub"}, "", tokensource.ConfigInvalid,
			`"sub" cannot be the key of a session tag: a tag has it already`},
		"twice but for case": {"", []string{"sub", "SUB"}, "", tokensource.ConfigInvalid, `"SUB" cannot be the key`},
		"the provider's own": {
			"gh:", []string{"sub"}, "GH:sub", tokensource.ConfigInvalid,
			`"gh:sub" cannot be the key of a session tag: a tag has it already, if in another case; give ClaimTags another prefix`,
		},
		"long key": {strings.Repeat("k", 126), []string{"sub"}, "", tokensource.ConfigInvalid,
			"it has 129 characters, and STS takes 128"},
		"key's character": {"gh#", []string{"sub"}, "", tokensource.ConfigInvalid, "it has the character '#'"},
		"empty key": {"", []string{""}, "", tokensource.ConfigInvalid,
			`"" cannot be the key of a session tag: it is empty`},
		"reserved key": {"aws:", []string{"sub"}, "", tokensource.ConfigInvalid, "it begins with aws:"},
		"51 tags":      {"", many, "own", tokensource.ConfigInvalid, "there are 51 session tags, and STS takes 50"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world, client, source := startTagged(t)
			source.claims = map[string]any{
				"nothing": nil, "list": []string{"a"}, "object": map[string]any{"a": "b"},
				"long":  strings.Repeat("é", 257),
				"actor": "dependabot[bot]", "arn": "aws:x",
			}
			_, err := stscreds.NewAssumeRoleProvider(client, taggedARN, func(o *stscreds.AssumeRoleOptions) {
				if test.own != "" {
					o.Tags = []types.Tag{{Key: &test.own, Value: aws.String("")}}
				}
			}, webidentity.ClaimTags(source, test.prefix, test.claims...)).Retrieve(t.Context())
			if !errors.Is(err, test.class) || !strings.Contains(err.Error(), test.text) {
				t.Errorf("got %v, want %s: %s", err, test.class, test.text)
			}
			if len(world.STS.Requests()) != 0 {
				t.Error("sts was asked")
			}
			if fetched := source.count > 0; fetched != (test.class == tokensource.TokenMalformed) {
				t.Errorf("%d tokens were fetched", source.count)
			}
		})
	}
}

func TestClaimTagsOfNoJWT(t *testing.T) {
	t.Parallel()
	_, client, _ := startTagged(t)
	for value, text := range map[string]string{
		"s3cret": "in a token that is not a JWT", "a.e30": "in a token that is not a JWT",
		"a.s3cret.c": "in a JWT without readable claims",
	} {
		source := tokensource.Func(func(context.Context) (tokensource.Token, error) { return tokensource.Token{Value: value}, nil })
		_, err := stscreds.NewAssumeRoleProvider(client, taggedARN,
			webidentity.ClaimTags(source, "", "sub")).Retrieve(t.Context())
		if !errors.Is(err, tokensource.TokenMalformed) || !strings.Contains(err.Error(), text) ||
			strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: %v", value, err)
		}
	}
}

func TestClaimTagsTwice(t *testing.T) {
	t.Parallel()
	world, client, source := startTagged(t)
	option := webidentity.ClaimTags(source, "", "sub")
	var none stscreds.AssumeRoleOptions
	if option(&none); none.Client != nil {
		t.Error("a client of nothing: upstream's loader has none at first")
	}
	provider := stscreds.NewAssumeRoleProvider(client, taggedARN, option, option)
	if _, err := provider.Retrieve(t.Context()); err != nil || source.count != 1 {
		t.Errorf("%d tokens, %v", source.count, err)
	}
	provider = stscreds.NewAssumeRoleProvider(client, taggedARN, option, webidentity.ClaimTags(source, "x:", "sub"))
	if _, err := provider.Retrieve(t.Context()); err != nil {
		t.Error(err)
	}
	if tags, _ := lastTags(world); len(tags) != 2 {
		t.Errorf("two sets of tags: %q", tags)
	}
}

func TestClaimTagsCallersContext(t *testing.T) {
	t.Parallel()
	_, client, _ := startTagged(t)
	type key struct{}
	source := tokensource.Func(func(ctx context.Context) (tokensource.Token, error) {
		if _, ok := ctx.Deadline(); !ok || ctx.Value(key{}) != "caller" {
			t.Error("no bound, or not the caller's context")
		}
		return tokensource.Token{}, &tokensource.Error{Class: tokensource.NotConfigured, Problem: "nothing here"}
	})
	_, err := stscreds.NewAssumeRoleProvider(client, taggedARN, webidentity.ClaimTags(source, "", "sub")).
		Retrieve(context.WithValue(context.Background(), key{}, "caller"))
	if !errors.Is(err, tokensource.NotConfigured) {
		t.Error(err)
	}
}

// One token is enough for the first role and for the tags of the second.
func TestClaimTagsOfTheFirstRolesToken(t *testing.T) {
	t.Parallel()
	world, client, counted := startTagged(t)
	source := tokensource.Reuse(tokensource.Func(func(ctx context.Context) (tokensource.Token, error) {
		token, err := counted.Token(ctx)
		token.Expires = time.Now().Add(time.Hour)
		return token, err
	}))
	options := client.Options()
	options.Credentials = webidentity.NewProvider(sts.New(options), roleARN, source)
	_, err := stscreds.NewAssumeRoleProvider(sts.New(options), taggedARN,
		webidentity.ClaimTags(source, "", "jti")).Retrieve(t.Context())
	if tags, _ := lastTags(world); err != nil || counted.count != 1 || tags["jti"] != "1" {
		t.Errorf("%d tokens, tags %q, %v", counted.count, tags, err)
	}
}

// A program that makes a chain of its own says itself which role has the tags.
func TestClaimTagsOfTheThirdRole(t *testing.T) {
	t.Parallel()
	world, client, source := startTagged(t)
	const third = "arn:aws:iam::210987654321:role/third"
	world.STS.AddRole(Role{ARN: third, Principals: []string{taggedARN}, TagSession: true,
		RequestTags: map[string]string{"sub": "repo:octo-org/*"}})
	options := client.Options()
	options.Credentials = stscreds.NewAssumeRoleProvider(client, taggedARN)
	if _, err := stscreds.NewAssumeRoleProvider(sts.New(options), third, webidentity.ClaimTags(source, "", "sub")).Retrieve(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestClaimTagsRefusedBySTS(t *testing.T) {
	t.Parallel()
	world, client, source := startTagged(t)
	source.claims = map[string]any{"one": strings.Repeat("a", 250), "two": strings.Repeat("a", 250)}
	_, err := stscreds.NewAssumeRoleProvider(client, taggedARN,
		webidentity.ClaimTags(source, "", "one", "two")).Retrieve(t.Context())
	var (
		refused  *tokensource.Error
		tooLarge *types.PackedPolicyTooLargeException
	)
	if !errors.As(err, &refused) || refused.Class != tokensource.ConfigInvalid || refused.StatusCode != 400 ||
		!errors.As(err, &tooLarge) {
		t.Fatal(err)
	}
	for _, text := range []string{taggedARN, "Packed size of session tags consumes 111% of allotted space",
		"fewer claims"} {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%q is not in: %v", text, err)
		}
	}

	world.STS.AddRole(Role{ARN: taggedARN, Principals: []string{roleARN}})
	_, err = stscreds.NewAssumeRoleProvider(client, taggedARN,
		webidentity.ClaimTags(source, "", "one")).Retrieve(t.Context())
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != "AccessDenied" ||
		!strings.Contains(api.ErrorMessage(), "sts:TagSession") || errors.As(err, &refused) {
		t.Errorf("another refusal is upstream's own error: %v", err)
	}
}
