package webidentitytest_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/awstokenserver/config/webidentity/webidentitytest"
)

const (
	tagged   = "arn:aws:iam::123456789012:role/tagged"
	further  = "arn:aws:iam::123456789012:role/further"
	furthest = "arn:aws:iam::123456789012:role/furthest"
)

func sessionTags(pairs ...string) (tags []types.Tag) {
	for i := 0; i < len(pairs); i += 2 {
		tags = append(tags, types.Tag{Key: &pairs[i], Value: &pairs[i+1]})
	}
	return tags
}

func assumeWithTags(t *testing.T, w *webidentitytest.World, creds aws.Credentials, role string, transitive []string,
	pairs ...string) (aws.Credentials, error) {
	t.Helper()
	out, err := client(w.STS, creds).AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: &role, RoleSessionName: aws.String("me"), Tags: sessionTags(pairs...), TransitiveTagKeys: transitive,
	})
	if err != nil {
		return aws.Credentials{}, err
	}
	return fromSTS(out.Credentials), nil
}

func TestSessionTags(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.STS.AddRole(webidentitytest.Role{ARN: tagged, Principals: []string{deploy}, TagSession: true})
	w.STS.AddRole(webidentitytest.Role{ARN: further, Principals: []string{deploy}, TagSession: true,
		RequestTags: map[string]string{"Repository": "octo-org/*", "ref": "refs/heads/main"}})
	w.STS.AddRole(webidentitytest.Role{ARN: furthest, Principals: []string{deploy}})
	creds := session(t, w)
	long := strings.Repeat("é", 129)
	var many []string
	for i := range 51 {
		many = append(many, fmt.Sprint("k", i), "")
	}
	for name, c := range map[string]struct {
		role       string
		transitive []string
		tags       []string
		status     int
		code       string // none: it is accepted
	}{
		"accepted": {tagged, []string{"gh:ref", "B"},
			[]string{"gh:ref", "refs/heads/main", "b", "", "Ü nï_.:/=+-@", long}, 0, ""},
		"none":                      {furthest, nil, nil, 0, ""},
		"50":                        {tagged, nil, many[:100], 0, ""},
		"51":                        {tagged, nil, many, 400, "ValidationError"},
		"empty key":                 {tagged, nil, []string{"", "x"}, 400, "ValidationError"},
		"long key":                  {tagged, nil, []string{long, "x"}, 400, "ValidationError"},
		"long value":                {tagged, nil, []string{"x", long + long}, 400, "ValidationError"},
		"character in the key":      {tagged, nil, []string{"a#", "x"}, 400, "ValidationError"},
		"character in the value":    {tagged, nil, []string{"a", "dependabot[bot]"}, 400, "ValidationError"},
		"reserved key":              {tagged, nil, []string{"aws:x", "x"}, 400, "ValidationError"},
		"reserved value":            {tagged, nil, []string{"x", "aws:x"}, 400, "ValidationError"},
		"same key":                  {tagged, nil, []string{"a", "x", "A", "y"}, 400, "InvalidParameterValue"},
		"transitive, and not there": {tagged, []string{"b"}, []string{"a", "x"}, 400, "InvalidParameterValue"},
		"too large": {tagged, nil,
			[]string{"a", strings.Repeat("x", 250), "b", strings.Repeat("x", 250)}, 400, "PackedPolicyTooLarge"},
		"no sts:TagSession": {furthest, nil, []string{"a", "x"}, 403, "AccessDenied"},
		"as the role wants": {further, nil,
			[]string{"repository", "octo-org/octo-repo", "REF", "refs/heads/main", "more", "x"}, 0, ""},
		"another value": {further, nil, []string{"repository", "evil/repo", "ref", "refs/heads/main"},
			403, "AccessDenied"},
		"value in another case": {further, nil,
			[]string{"repository", "octo-org/octo-repo", "ref", "refs/heads/Main"}, 403, "AccessDenied"},
		"a tag that the role wants": {further, nil, []string{"repository", "octo-org/octo-repo"}, 403,
			"AccessDenied"},
		"all tags that the role wants": {further, nil, nil, 403, "AccessDenied"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := assumeWithTags(t, w, creds, c.role, c.transitive, c.tags...)
			if c.code != "" {
				wantRefusal(t, err, c.status, c.code)
			} else if err != nil {
				t.Error(err)
			}
			if tooLarge := (*types.PackedPolicyTooLargeException)(nil); errors.As(err, &tooLarge) != (c.code == "PackedPolicyTooLarge") {
				t.Errorf("%T", err)
			}
		})
	}
}

// Transitive tags are those of every session that follows, and no session can
// change them.
func TestTransitiveTags(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.STS.AddRole(webidentitytest.Role{ARN: tagged, Principals: []string{deploy}, TagSession: true})
	w.STS.AddRole(webidentitytest.Role{ARN: further, Principals: []string{tagged}, TagSession: true,
		PrincipalTags: map[string]string{"Stays": "1", "goes": "2"}})
	w.STS.AddRole(webidentitytest.Role{ARN: furthest, Principals: []string{further}, TagSession: true,
		PrincipalTags: map[string]string{"stays": "?", "new": "3"}})
	first, err := assumeWithTags(t, w, session(t, w), tagged, []string{"STAYS"}, "stays", "1", "goes", "2")
	if err != nil {
		t.Fatal(err)
	}
	second, err := assumeWithTags(t, w, first, further, []string{"new"}, "new", "3")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := assumeWithTags(t, w, second, furthest, nil); err != nil {
		t.Error(err)
	}

	_, err = assumeWithTags(t, w, first, further, nil, "Stays", "1")
	wantRefusal(t, err, 400, "InvalidParameterValue")
	if _, err := assumeWithTags(t, w, first, further, nil, "goes", "3"); err != nil {
		t.Errorf("a tag that is not inherited: %v", err)
	}

	w.STS.AddRole(webidentitytest.Role{ARN: furthest, Principals: []string{further}, TagSession: true,
		PrincipalTags: map[string]string{"goes": "*"}})
	_, err = assumeWithTags(t, w, second, furthest, nil)
	wantRefusal(t, err, 403, "AccessDenied")
	w.STS.AddRole(webidentitytest.Role{ARN: furthest, Principals: []string{further}, TagSession: true,
		RequestTags: map[string]string{"stays": "*"}})
	_, err = assumeWithTags(t, w, second, furthest, nil)
	wantRefusal(t, err, 403, "AccessDenied")
	w.STS.AddRole(webidentitytest.Role{ARN: furthest, Principals: []string{further}})
	_, err = assumeWithTags(t, w, second, furthest, nil)
	wantRefusal(t, err, 403, "AccessDenied")
	if !strings.Contains(err.Error(), "sts:TagSession") {
		t.Error(err)
	}
}

func TestTagsOfAToken(t *testing.T) {
	t.Parallel()
	claim := func(tags map[string]any, transitive ...string) map[string]any {
		return map[string]any{"sub": "repo:octo-org/octo-repo:x", "aud": "sts.amazonaws.com",
			"https://aws.amazon.com/tags": map[string]any{"principal_tags": tags, "transitive_tag_keys": transitive}}
	}
	for name, c := range map[string]struct {
		claims     map[string]any
		tagSession bool
		status     int
		code       string // none: it is accepted
	}{
		"accepted":      {claim(map[string]any{"Project": []string{"a"}}, "project"), true, 0, ""},
		"another value": {claim(map[string]any{"Project": []string{"b"}}), true, 403, "AccessDenied"},
		"no tags": {map[string]any{"sub": "repo:octo-org/octo-repo:x", "aud": "sts.amazonaws.com"}, true, 403,
			"AccessDenied"},
		"no sts:TagSession": {claim(map[string]any{"Project": []string{"a"}}), false, 403, "AccessDenied"},
		"two values":        {claim(map[string]any{"Project": []string{"a", "b"}}), true, 400, "InvalidIdentityToken"},
		"no list":           {claim(map[string]any{"Project": 1}), true, 400, "InvalidIdentityToken"},
		"same key": {claim(map[string]any{"Project": []string{"a"}, "project": []string{"a"}}), true, 400,
			"InvalidParameterValue"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.STS.AddRole(webidentitytest.Role{ARN: deploy, Subject: "*", TagSession: c.tagSession,
				RequestTags: map[string]string{"Project": "a"}})
			w.STS.AddRole(webidentitytest.Role{ARN: tagged, Principals: []string{deploy}, TagSession: true,
				PrincipalTags: map[string]string{"Project": "a"}})
			w.STS.AddRole(webidentitytest.Role{ARN: further, Principals: []string{tagged}, TagSession: true,
				PrincipalTags: map[string]string{"Project": "a"}})
			out, err := client(w.STS, aws.Credentials{}).AssumeRoleWithWebIdentity(t.Context(),
				assumeInput(w.Issuer.Sign(c.claims)))
			if c.code != "" {
				wantRefusal(t, err, c.status, c.code)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			second, err := assumeWithTags(t, w, fromSTS(out.Credentials), tagged, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := assumeWithTags(t, w, second, further, nil); err != nil {
				t.Error(err)
			}
		})
	}
}
