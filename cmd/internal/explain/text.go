package explain

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"

	"github.com/awstokenserver/config/cmd/internal/layout"
	"github.com/awstokenserver/config/internal/trustpolicy"
)

// JSON returns the explanation as JSON.
func (e *Explanation) JSON() string {
	return printable(toJSON(e, "") + "\n")
}

// toJSON encodes v with <, > and & as they are, each line after prefix.
func toJSON(v any, prefix string) string {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent(prefix, "  ")
	encoder.Encode(v)
	return prefix + strings.TrimSuffix(text.String(), "\n")
}

// printable writes what a terminal could take for a command as JSON writes it.
func printable(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r == '\n' || unicode.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}

// Text returns the explanation for people.
func (e *Explanation) Text() string {
	var b strings.Builder
	from := func(o origin, unset string) string {
		if o.From == "" {
			return cmp.Or(o.Value, unset)
		}
		return fmt.Sprintf("%s (%s)", o.Value, o.From)
	}
	fmt.Fprintf(&b, "Profile  %s\n", from(e.Profile, ""))
	if e.Used != nil {
		fmt.Fprintf(&b, "Region   %s\n", from(e.Region, "not set"))
	}
	if e.STS != "" {
		fmt.Fprintf(&b, "STS      %s\n", e.STS)
	}
	for i, f := range e.Files {
		fmt.Fprintf(&b, "%-7s  %s: %s\n", []string{"Files", ""}[min(i, 1)], f.Name, f.State)
	}
	if e.Used != nil {
		e.textOfCredentials(&b)
	}
	if e.TokenSource != nil {
		e.TokenSource.text(&b)
	}
	if e.Token != nil {
		e.Token.text(&b)
	}
	if e.TrustPolicy != nil {
		e.TrustPolicy.text(&b)
	}
	writeWarnings(&b, e.Warnings)
	var problems []string
	for _, problem := range e.Problems {
		problems = append(problems, layout.Wrap(problem))
	}
	writeList(&b, "Problems", problems)
	if e.Error != nil {
		fmt.Fprint(&b, "\nError")
		if e.Error.Class != "" {
			fmt.Fprintf(&b, " of the class %s", e.Error.Class)
		}
		fmt.Fprint(&b, "\n", layout.Indent(layout.Wrap(e.Error.Message)))
	}
	return printable(b.String())
}

// writeList writes items, of lines, under a title.
func writeList(b *strings.Builder, title string, items []string) {
	if len(items) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s\n", title)
	for _, item := range items {
		fmt.Fprintf(b, "  - %s\n", strings.ReplaceAll(item, "\n", "\n    "))
	}
}

func (e *Explanation) textOfCredentials(b *strings.Builder) {
	named := func(c contender) string {
		if c.Value == "" {
			return c.String()
		}
		return fmt.Sprintf("%s (%s)", &c, c.Value)
	}
	fmt.Fprintf(b, "\nCredentials\n  used: %s\n", named(*e.Used))
	by := ""
	for _, c := range e.Shadowed {
		if c.By != by {
			by = c.By
			fmt.Fprintf(b, "  shadowed by %s:\n", by)
		}
		fmt.Fprintf(b, "    %s\n", named(c))
	}
	if len(e.Chain) == 0 {
		return
	}
	fmt.Fprint(b, "\nChain\n")
	margin := "  "
	for i, h := range e.Chain {
		switch {
		case h.Profile == "":
			fmt.Fprint(b, margin, "environment\n")
		case i == 0:
			fmt.Fprintf(b, "%sprofile %q\n", margin, h.Profile)
		default:
			fmt.Fprintf(b, "%s└─ source_profile %q\n", margin, h.Profile)
			margin += "   "
		}
		row := func(label, member, value string) {
			if slices.Contains(h.Ignored, member) {
				value += " (ignored by the SDK)"
			}
			fmt.Fprintf(b, "%s│  %-12s  %s\n", margin, label, value)
		}
		if h.Call != "" {
			row("role", "", h.RoleARN)
			row("call", "", h.Call)
			row("session name", "", cmp.Or(h.SessionName, "not set: the SDK makes one up from the time"))
		}
		if h.ExternalID != "" {
			row("external id", "external_id", h.ExternalID)
		}
		if h.DurationSeconds != nil {
			row("duration", "duration_seconds", (time.Duration(*h.DurationSeconds) * time.Second).String())
		}
		if h.MFASerial != "" {
			row("MFA serial", "mfa_serial", h.MFASerial)
		}
	}
	value := e.Used.Value
	if e.TokenSource != nil {
		value = e.TokenSource.Value
	}
	fmt.Fprintf(b, "%s└─ %s\n", margin, strings.TrimSuffix(e.Used.Name+" = "+value, " = "))
}

// aside are the members of a document that are for people.
var aside = regexp.MustCompile(`(?m)^  "about": .*\n|,\n  "hint": .*`)

func (s *tokenSource) text(b *strings.Builder) {
	fmt.Fprint(b, "\nToken source\n")
	fmt.Fprint(b, layout.Indent(layout.Wrap(strings.TrimPrefix(s.Value+", from "+s.Setting, ", from "))))
	rows := func(label string, all []stated) (ok bool) {
		ok = true
		width := 0
		for _, v := range all {
			width = max(width, len(v.Name))
		}
		for i, v := range all {
			fmt.Fprintf(b, "  %-9s  %-*s  %s\n", []string{label, ""}[min(i, 1)], width, v.Name, v.State)
			ok = ok && (v.State == "set" || v.State == "readable" || strings.HasSuffix(v.State, "default"))
		}
		return ok
	}
	variables, files := rows("variables", s.Variables), rows("files", s.Files)
	if s.Hint != "" && !(variables && files) {
		fmt.Fprint(b, layout.Indent(layout.Wrap("hint: "+s.Hint)))
	}
	if s.Document != nil {
		fmt.Fprint(b, "\n", layout.Indent(aside.ReplaceAllString(string(s.Document), "")))
	}
	if s.Masked {
		fmt.Fprint(b, "  (\"…\" hides possible secrets; run decode to see them)\n")
	}
}

func (t *fetched) text(b *strings.Builder) {
	fmt.Fprint(b, "\nToken\n")
	if t.Issued != nil {
		fmt.Fprintf(b, "  issued   %s, %v ago\n", t.Issued.Format(time.RFC3339),
			time.Since(*t.Issued).Round(time.Second))
	}
	if t.Expires != nil {
		fmt.Fprintf(b, "  expires  %s, %v left\n", t.Expires.Format(time.RFC3339),
			time.Duration(*t.LeftSeconds)*time.Second)
	}
	fmt.Fprintf(b, "  header\n%s\n  claims\n%s\n", toJSON(t.Header, "  "), toJSON(t.Claims, "  "))
}

func (j *judged) text(b *strings.Builder) {
	fmt.Fprintf(b, "\nTrust policy of %q\n", j.RoleARN)
	fmt.Fprint(b, layout.Indent(layout.Wrap(fmt.Sprintf("%s: %s", strings.ToUpper(string(j.Verdict)), j.Reason))))
	for _, s := range j.Statements {
		fmt.Fprintf(b, "\n  Statement[%d] %s", s.Index, s.Effect)
		if s.Sid != "" {
			fmt.Fprintf(b, " %q", s.Sid)
		}
		fmt.Fprintf(b, ": %s\n", s.Status)
		s.Principal.Operator, s.Action.Operator = "Principal", "Action"
		for _, check := range append([]trustpolicy.Check{s.Principal, s.Action}, s.Conditions...) {
			fmt.Fprintf(b, "    %-7s  %s", check.Status, check.Operator)
			if check.Key != "" {
				fmt.Fprintf(b, " %q", check.Key)
			}
			fmt.Fprint(b, "\n")
			for i, value := range check.Expected {
				fmt.Fprintf(b, "%13s%-8s  %q\n", "", []string{"expected", "or"}[min(i, 1)], value)
			}
			for i, value := range check.Actual {
				fmt.Fprintf(b, "%13s%-8s  %q\n", "", []string{"actual", "and"}[min(i, 1)], value)
			}
			if len(check.Actual) == 0 {
				fmt.Fprintf(b, "%13s%-8s  (missing)\n", "", "actual")
			}
			if check.Why != "" {
				fmt.Fprintf(b, "    %s\n", strings.ReplaceAll(layout.Wrap("→ "+check.Why), "\n", "\n      "))
			}
		}
	}
}
