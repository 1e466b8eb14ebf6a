package sharedfile_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/awstokenserver/config"
)

// What upstream makes of odd files, it makes of what it is shown of them.
func TestOddFiles(t *testing.T) {
	t.Parallel()
	const profile = "[profile p]\nregion = eu-west-1\naws_access_key_id = AKIA\naws_secret_access_key = secret\n"
	var many strings.Builder
	for i := range 150_000 {
		fmt.Fprintf(&many, "[profile p%d]\n%ssource_profile = p%d\n", i, role, i+1)
	}
	text := func(text string) func(*testing.T, string) error {
		return func(_ *testing.T, name string) error { return os.WriteFile(name, []byte(text), 0o600) }
	}
	for name, test := range map[string]struct {
		make    func(t *testing.T, name string) error
		profile string
	}{
		"none":        {func(*testing.T, string) error { return nil }, "p"},
		"folder":      {func(_ *testing.T, name string) error { return os.Mkdir(name, 0o700) }, "p"},
		"loop":        {func(_ *testing.T, name string) error { return os.Symlink(name, name) }, "p"},
		"broken link": {func(_ *testing.T, name string) error { return os.Symlink(name+".none", name) }, "p"},
		"null device": {func(_ *testing.T, name string) error { return os.Symlink(os.DevNull, name) }, "p"},
		"link": {func(t *testing.T, name string) error {
			return os.Symlink(write(t, filepath.Dir(name), "target", profile), name)
		}, "p"},
		"empty":           {text(""), "p"},
		"line of 5 MB":    {text("[profile q]\nx = " + strings.Repeat("[", 5<<20) + "\n" + profile), "p"},
		"needed, of 5 MB": {text(profile + "source_profile = " + strings.Repeat("x", 5<<20) + "\n"), "p"},
		"large services": {text(profile + "services = s\n[services s]\n" +
			strings.Repeat("x =\n  endpoint_url = https://x\n", 10_000)), "p"},
		"150,000 sections": {text(many.String() + profile), "p"},
		"long chain":       {text(many.String() + profile), "p149999"},
		"chain of all":     {text(many.String()[:100_000]), "p0"},
		"binary":           {text(strings.Repeat("\x00\x01\xff[\n]=\r", 1000) + "\n" + profile), "p"},
		"no line breaks":   {text(strings.ReplaceAll(profile+padding, "\n", "\r")), "p"},
		"byte order mark":  {text("\ufeff" + profile + padding), "p"},
		"UTF-16":           {text(strings.ReplaceAll(profile+padding, "", "\x00")), "p"},
		"a line of brackets": {text(strings.Repeat("[", 10_000) + "\n" + strings.Repeat("]", 10_000) + "\n" + profile),
			"p"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFiles(t)
			if err := test.make(t, f.second); err != nil {
				t.Skip(err)
			}
			write(t, filepath.Dir(f.first), filepath.Base(f.first), "[profile q]\nregion = us-east-1\n")
			f.same(t, test.profile)
		})
	}
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	sparse := write(t, t.TempDir(), "config", "")
	if err := os.Truncate(sparse, 5<<30); err != nil {
		t.Fatal(err)
	}
	names := []string{sparse}
	if runtime.GOOS != "windows" {
		names = append(names, "/dev/zero")
	}
	for _, name := range names {
		_, err := config.LoadSharedConfigProfile(t.Context(), "p", func(o *config.LoadSharedConfigOptions) {
			o.ConfigFiles = []string{name}
		})
		if err == nil || !strings.Contains(err.Error(), name+": it is too large") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
