package webidentitytest

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/awstokenserver/config/internal/trustpolicy"
)

// tags are those of a session, by key in lower case: keys are case-insensitive.
type tags map[string]tag

type tag struct {
	value      string
	transitive bool
}

// tagsClaim is a token's claim https://aws.amazon.com/tags.
type tagsClaim struct {
	PrincipalTags     map[string][]string `json:"principal_tags"`
	TransitiveTagKeys []string            `json:"transitive_tag_keys"`
}

func (c tagsClaim) parse() (tags, http.HandlerFunc) {
	var pairs [][2]string
	for key, values := range c.PrincipalTags {
		if len(values) != 1 {
			return nil, invalidToken("A session tag must have a single value")
		}
		pairs = append(pairs, [2]string{key, values[0]})
	}
	return newTags(pairs, c.TransitiveTagKeys)
}

// formTags returns the tags that AssumeRole passes.
func formTags(form url.Values) (tags, http.HandlerFunc) {
	var pairs [][2]string
	for i, key := range members(form, "Tags.member.%d.Key") {
		pairs = append(pairs, [2]string{key, form.Get(fmt.Sprintf("Tags.member.%d.Value", i+1))})
	}
	return newTags(pairs, members(form, "TransitiveTagKeys.member.%d"))
}

func members(form url.Values, format string) (values []string) {
	for n := 1; form.Has(fmt.Sprintf(format, n)); n++ {
		values = append(values, form.Get(fmt.Sprintf(format, n)))
	}
	return values
}

var tagText = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)

// newTags refuses what is not in the limits of
// https://docs.aws.amazon.com/STS/latest/APIReference/API_Tag.html and
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html. What AWS says
// to keys that do not go together was recorded by localstack/localstack#12508.
func newTags(pairs [][2]string, transitiveKeys []string) (tags, http.HandlerFunc) {
	if len(pairs) > 50 {
		return nil, invalid("Value at 'tags' failed to satisfy constraint: Member must have length less than or equal to 50")
	}
	t := tags{}
	for _, pair := range pairs {
		for i, limit := range []int{128, 256} {
			if utf8.RuneCountInString(pair[i]) > limit || !tagText.MatchString(pair[i]) ||
				strings.HasPrefix(pair[i], "aws:") || pair[0] == "" {
				return nil, invalid(fmt.Sprintf("Value at 'tags.member.%s' failed to satisfy constraint: "+
					"Member must have length less than or equal to %d, not begin with aws: and satisfy regular expression pattern: %s",
					[]string{"key", "value"}[i], limit, tagText))
			}
		}
		key := strings.ToLower(pair[0])
		if _, twice := t[key]; twice {
			return nil, invalidParameter("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		t[key] = tag{value: pair[1]}
	}
	for _, key := range transitiveKeys {
		tagged, ok := t[strings.ToLower(key)]
		if !ok {
			return nil, invalidParameter("The specified transitive tag key must be included in the requested tags.")
		}
		tagged.transitive = true
		t[strings.ToLower(key)] = tagged
	}
	return t, nil
}

// matches reports whether the role's conditions on tags hold.
func (r role) matches(requested, ofCaller tags) bool {
	return requested.match(r.RequestTags) && ofCaller.match(r.PrincipalTags)
}

func (t tags) match(patterns map[string]string) bool {
	for key, pattern := range patterns {
		if tagged, ok := t[strings.ToLower(key)]; !ok || !trustpolicy.Like(pattern, tagged.value) {
			return false
		}
	}
	return true
}

// packedSize is how many characters of keys and values a session can have. It
// is an estimate: 2,268 were seen to take 498 % of the space
// (aws-actions/configure-aws-credentials#1898).
const packedSize = 455

// sessionTags returns the tags of a session of r: those of the request and those
// that the caller's session passes on.
func (r role) sessionTags(requested, ofCaller tags, denied func(action string) http.HandlerFunc) (tags,
	http.HandlerFunc) {
	all := maps.Clone(requested)
	for key, inherited := range ofCaller {
		if !inherited.transitive {
			continue
		}
		if _, set := requested[key]; set {
			return nil, invalidParameter("One of the specified transitive tag keys can't be set because " +
				"it conflicts with a transitive tag key from the calling session.")
		}
		all[key] = inherited
	}
	if len(all) > 0 && !r.TagSession {
		return nil, denied("sts:TagSession")
	}
	size := 0
	for key, tagged := range all {
		size += utf8.RuneCountInString(key + tagged.value)
	}
	if size > packedSize {
		return nil, STSError(http.StatusBadRequest, "PackedPolicyTooLarge",
			fmt.Sprintf("Packed size of session tags consumes %d%% of allotted space.", size*100/packedSize))
	}
	return all, nil
}

func invalidParameter(message string) http.HandlerFunc {
	return STSError(http.StatusBadRequest, "InvalidParameterValue", message)
}
