package webidentity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/awstokenserver/config/tokensource"
)

// ClaimTags returns an option that makes a [stscreds.AssumeRoleProvider] pass
// claims of a token of source as session tags. It is for a role that is assumed
// with the credentials of another: STS takes no tags beside a web identity.
//
//	config.WithAssumeRoleCredentialOptions(webidentity.ClaimTags(source, "gh:", "repository", "ref"))
//
// Nobody verifies the tags: whoever has the credentials of the first role can
// pass others. Read [what a trust policy can rely on].
//
// The key of a tag is prefix, which may be empty, and the name of the claim. Its
// value is the claim if that is a string, be it empty; a number or a boolean is
// written as in the token. All tags are transitive. Those that the provider has
// already are kept, and their keys must differ.
//
// A claim that is missing, null, an object or a list is an error of type
// [*tokensource.Error], and so is a tag beyond the [limits of STS]: nothing is
// cut or rewritten, and STS is not asked. How large all tags may be together is
// for STS to say.
//
// Each AssumeRole takes a token of its own from source, with the context of the
// caller and for three minutes at most; with [tokensource.Reuse] it can be that
// with which the first role was assumed. Where upstream's loader chains several
// roles, the first AssumeRole passes the tags and the others inherit them, for
// STS lets nobody set an inherited tag.
//
// The option is safe for concurrent use if source is.
//
// [what a trust policy can rely on]: https://github.com/awstokenserver/config/blob/main/docs/recipes.md#session-tags-from-claims
// [limits of STS]: https://docs.aws.amazon.com/STS/latest/APIReference/API_Tag.html
func ClaimTags(source tokensource.TokenSource, prefix string, claims ...string) func(*stscreds.AssumeRoleOptions) {
	tags := &claimTags{source, prefix, claims}
	return func(o *stscreds.AssumeRoleOptions) {
		switch client := o.Client.(type) {
		case nil: // upstream's loader applies its options twice, first without a client
			return
		case taggingClient:
			if client.tags == tags {
				return
			}
		case *sts.Client:
			// A further role of a chain that upstream's loader makes: nobody
			// else sets CredentialSources.
			if o.CredentialSources != nil &&
				aws.IsCredentialsProvider(client.Options().Credentials, (*stscreds.AssumeRoleProvider)(nil)) {
				return
			}
		}
		o.Client = taggingClient{o.Client, tags}
	}
}

type claimTags struct {
	source tokensource.TokenSource
	prefix string
	claims []string
}

// taggingClient puts tags into every request that it passes to client.
type taggingClient struct {
	client stscreds.AssumeRoleAPIClient
	tags   *claimTags
}

func (c taggingClient) AssumeRole(ctx context.Context, params *sts.AssumeRoleInput,
	optFns ...func(*sts.Options)) (*sts.AssumeRoleOutput, error) {
	tagged := *params
	if err := c.tags.add(ctx, &tagged); err != nil {
		return nil, err
	}
	out, err := c.client.AssumeRole(ctx, &tagged, optFns...)
	var tooLarge *types.PackedPolicyTooLargeException
	if errors.As(err, &tooLarge) {
		return nil, &tokensource.Error{
			Class:      tokensource.ConfigInvalid,
			Problem:    fmt.Sprintf("the session tags for role %s are too large", aws.ToString(params.RoleArn)),
			Hint:       "make tags of fewer claims, under a shorter prefix",
			StatusCode: statusCode(err),
			Err:        err,
		}
	}
	return out, err
}

// add puts the tags into params, whose slices it leaves to the provider.
func (t *claimTags) add(ctx context.Context, params *sts.AssumeRoleInput) error {
	tags, transitive := slices.Clone(params.Tags), slices.Clone(params.TransitiveTagKeys)
	for _, claim := range t.claims {
		key := t.prefix + claim
		problem := unfit(key, 128)
		if key == "" {
			problem = "it is empty"
		}
		if slices.ContainsFunc(tags, func(tag types.Tag) bool { return strings.EqualFold(aws.ToString(tag.Key), key) }) {
			problem = "a tag has it already, if in another case"
		}
		if problem != "" {
			return &tokensource.Error{
				Class:   tokensource.ConfigInvalid,
				Problem: fmt.Sprintf("%q cannot be the key of a session tag: %s", key, problem),
				Hint:    "give ClaimTags another prefix, or leave the claim out",
			}
		}
		tags, transitive = append(tags, types.Tag{Key: &key}), append(transitive, key)
	}
	if len(tags) > 50 {
		return &tokensource.Error{
			Class:   tokensource.ConfigInvalid,
			Problem: fmt.Sprintf("there are %d session tags, and STS takes 50", len(tags)),
			Hint:    "give ClaimTags fewer claims",
		}
	}

	ctx, cancel := context.WithTimeout(ctx, RetrieveTimeout)
	defer cancel()
	token, err := t.source.Token(ctx)
	if err != nil {
		return err
	}
	var claims map[string]json.RawMessage
	if err := token.Claims(&claims); err != nil {
		return &tokensource.Error{Class: tokensource.TokenMalformed,
			Problem: fmt.Sprintf("there are no claims for session tags in %s", err)}
	}
	for i, claim := range t.claims {
		value, problem := tagValue(claims[claim])
		if problem != "" {
			return &tokensource.Error{
				Class:   tokensource.TokenMalformed,
				Problem: fmt.Sprintf("the claim %q cannot be a session tag: %s", claim, problem),
				Hint:    "leave it out of ClaimTags",
			}
		}
		tags[len(params.Tags)+i].Value = &value
	}
	params.Tags, params.TransitiveTagKeys = tags, transitive
	return nil
}

// tagValue returns the value for a claim, or why it cannot be one.
func tagValue(claim json.RawMessage) (value, problem string) {
	switch {
	case claim == nil, string(claim) == "null":
		return "", "the token does not have it"
	case claim[0] == '{', claim[0] == '[':
		return "", "it is an object or a list, and a tag has one value"
	case claim[0] != '"':
		value = string(claim)
	default:
		json.Unmarshal(claim, &value) // it was decoded once
	}
	return value, unfit(value, 256)
}

// unfit returns why STS would refuse text as the key or the value of a tag: see
// https://docs.aws.amazon.com/STS/latest/APIReference/API_Tag.html and, for
// what is reserved,
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html#id_tags_rules
func unfit(text string, limit int) string {
	if n := utf8.RuneCountInString(text); n > limit {
		return fmt.Sprintf("it has %d characters, and STS takes %d", n, limit)
	}
	if strings.HasPrefix(text, "aws:") {
		return "it begins with aws:, which AWS reserves"
	}
	for _, r := range text {
		if !unicode.In(r, unicode.L, unicode.N, unicode.Z) && !strings.ContainsRune("_.:/=+-@", r) {
			return fmt.Sprintf("it has the character %q, and STS takes letters, digits, spaces and _.:/=+-@", r)
		}
	}
	return ""
}
