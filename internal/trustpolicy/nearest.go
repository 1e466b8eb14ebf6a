package trustpolicy

import (
	"cmp"
	"fmt"
	"net/url"
	"strings"
)

// A miss is how a value of the policy failed to be one of the token, and by how much.
type miss struct {
	text     string
	distance int
}

func (m *miss) nearer(distance int, format string, args ...any) {
	if m.text == "" || distance < m.distance {
		*m = miss{fmt.Sprintf(format, args...), distance}
	}
}

// nearest says in one line what failed of a condition whose key has the actual values.
func nearest(c condition, expected []text, o operator, actual []string) string {
	var m miss
	for _, got := range actual {
		if c.operator != "Null" && o.passes(expected, got) {
			continue
		}
		for _, value := range expected {
			want := value.plain
			switch {
			case c.operator == "Null":
				m.nearer(0, "the key is present")
			case o.negated && o.matches(value, got):
				m.nearer(0, "%q excludes %q", want, got)
			case o.negated:
			case strings.HasPrefix(o.name, "String"):
				distance, text := compare(c.key, o.name, want, got)
				m.nearer(distance, "%s", text)
			default:
				m.nearer(0, "the policy wants %s %q, the token says %q", o.name, want, got)
			}
		}
	}
	return cmp.Or(m.text, "the policy names no value")
}

// compare says how two strings differ that a String operator found to differ, and by how much.
func compare(key, operator, want, got string) (distance int, text string) {
	if operator == "StringEqualsIgnoreCase" {
		want, got = strings.ToLower(want), strings.ToLower(got)
	}
	var differences []string
	key = strings.ToLower(key)
	switch {
	case strings.TrimSpace(want) == strings.TrimSpace(got):
		return 0, fmt.Sprintf("%q and %q differ in leading or trailing whitespace only", want, got)
	case strings.TrimRight(want, "/") == strings.TrimRight(got, "/"):
		return 0, fmt.Sprintf("%q and %q differ in a trailing slash only", want, got)
	case Like(want, got):
	case Like(strings.ToLower(want), strings.ToLower(got)):
		differences = []string{fmt.Sprintf("%q and %q differ in case only", want, got)}
	case strings.HasSuffix(key, ":sub"):
		differences = compareSubjects(want, got)
	case strings.HasSuffix(key, ":aud"):
		differences = []string{other("audience", want, got)}
	}
	if operator != "StringLike" && strings.ContainsAny(want, "*?") {
		differences = append(differences,
			fmt.Sprintf("%s takes the wildcard in %q literally: patterns need StringLike", operator, want))
	}
	if len(differences) == 0 {
		return 9, fmt.Sprintf("the policy wants %q, the token says %q", want, got)
	}
	return len(differences), strings.Join(differences, "; ")
}

// compareSubjects knows the subjects of GitHub, https://docs.github.com/actions/reference/openid-connect-reference, and those
// of label:value pairs, as GitLab, Buildkite, HCP Terraform and others write them.
func compareSubjects(want, got string) (differences []string) {
	if strings.HasPrefix(want, "repo:") {
		if !strings.HasPrefix(got, "repo:") {
			return []string{fmt.Sprintf("the organization or repository has a customized sub: the policy wants %q, the token says %q", want, got)}
		}
		return compareRepositories(want, got)
	}
	w, g := strings.Split(want, ":"), strings.Split(got, ":")
	if len(w) < len(g) && strings.HasSuffix(want, "*") {
		g = g[:len(w)]
	}
	if len(w) != len(g) {
		return nil
	}
	for i := range w {
		name := ""
		switch {
		case Like(w[i], g[i]):
			continue
		case strings.HasPrefix(got, "system:serviceaccount:") && i >= 2: // of Kubernetes
			name = []string{"namespace", "service account"}[min(i-2, 1)]
		case i%2 == 1 && g[0] != "system":
			name = g[i-1]
		default:
			return nil
		}
		differences = append(differences, other(name, w[i], g[i]))
	}
	return differences
}

func compareRepositories(want, got string) (differences []string) {
	w, g := parseRepository(want), parseRepository(got)
	immutable := false // and said so
	for _, part := range []struct{ label, want, got string }{{"organization", w.owner, g.owner},
		{"repository", w.name, g.name}} {
		wantName, wantID, wantImmutable := strings.Cut(part.want, "@")
		gotName, gotID, gotImmutable := strings.Cut(part.got, "@")
		switch sameName := Like(wantName, gotName); {
		case Like(part.want, part.got):
		case sameName && wantImmutable && gotImmutable:
			differences = append(differences,
				fmt.Sprintf("another id of the %s %q: the policy wants %q, the token says %q", part.label, gotName,
					wantID, gotID))
		case sameName && !immutable && gotImmutable:
			immutable = true
			differences = append(differences,
				fmt.Sprintf("the token has an immutable sub, the policy the old form: it must say %q",
					"repo:"+g.owner+"/"+g.name))
		case sameName && !immutable:
			immutable = true
			differences = append(differences,
				fmt.Sprintf("the policy has an immutable sub, the token the old form: %q", "repo:"+g.owner+"/"+g.name))
		case sameName:
		default:
			differences = append(differences, other(part.label, part.want, part.got))
		}
	}
	if Like(w.context, g.context) {
		return differences
	}
	return append(differences, compareContexts(w.context, g.context))
}

// compareContexts says how what follows the repository in a sub of GitHub's differs.
func compareContexts(want, got string) string {
	if want == "" {
		return fmt.Sprintf("the policy's sub ends with the repository: append \":*\" and use StringLike, or append %q",
			":"+got)
	}
	wantKind, wantName := parseContext(want)
	gotKind, gotName := parseContext(got)
	if wantKind == gotKind {
		if decoded, err := url.PathUnescape(gotName); err == nil && decoded != gotName && Like(wantName, decoded) {
			return fmt.Sprintf("GitHub percent-encodes the %s in sub: write %q for %q", wantKind, gotName, decoded)
		}
		return other(wantKind, wantName, gotName)
	}
	because := ""
	switch {
	case gotKind == "environment":
		because = ": a job with an environment has no ref in its sub"
	case wantKind == "environment":
		because = ": the job has no environment"
	case gotKind == "pull request":
		because = ": a pull request has no ref in its sub"
	}
	say := func(kind, name string) string {
		if kind == "pull request" {
			return kind
		}
		return fmt.Sprintf("%s %q", kind, name)
	}
	return fmt.Sprintf("the policy wants %s, the sub says %s%s", say(wantKind, wantName), say(gotKind, gotName),
		because)
}

type repository struct{ owner, name, context string }

// parseRepository reads repo:OWNER/NAME:CONTEXT, or a pattern for it, whose last * may stand for several parts.
func parseRepository(sub string) (r repository) {
	path, context, hasContext := strings.Cut(strings.TrimPrefix(sub, "repo:"), ":")
	owner, name, hasName := strings.Cut(path, "/")
	if strings.HasSuffix(path, "*") {
		if !hasName {
			name = "*"
		}
		if !hasContext {
			context = "*"
		}
	}
	return repository{owner, name, context}
}

func parseContext(context string) (kind, name string) {
	if context == "pull_request" {
		return "pull request", ""
	}
	for _, known := range []struct{ prefix, kind string }{
		{"ref:refs/heads/", "branch"}, {"ref:refs/tags/", "tag"}, {"environment:", "environment"},
	} {
		if name, ok := strings.CutPrefix(context, known.prefix); ok {
			return known.kind, name
		}
	}
	return "context", context
}

func other(label, want, got string) string {
	if strings.EqualFold(want, got) {
		return fmt.Sprintf("the %s differs in case only: the policy wants %q, the token says %q", label, want, got)
	}
	return fmt.Sprintf("another %s: the policy wants %q, the token says %q", label, want, got)
}

// slash points out what is easily overlooked between the names of two providers.
func slash(want, got string) string {
	switch {
	case strings.TrimRight(want, "/") == strings.TrimRight(got, "/"):
		return ": they differ in a trailing slash only"
	case strings.EqualFold(want, got):
		return ": they differ in case only"
	case strings.HasSuffix(want, ":oidc-provider/"+got):
		return ": it is written without the rest of the ARN"
	case strings.TrimPrefix(want, "https://") == got:
		return ": it is written without https://"
	}
	return ""
}
