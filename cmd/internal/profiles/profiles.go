// Package profiles says what profiles the shared config files have, and what is wrong
// with the files where a profile is not what its author meant.
package profiles

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/awstokenserver/config"
	"github.com/awstokenserver/config/internal/sharedfile"
)

// Files are the shared config and credentials files.
type Files struct {
	*sharedfile.Profiles
	ConfigFile, CredentialsFile string
}

// Read reads the files that the environment names.
func Read() (*Files, error) {
	f := &Files{
		ConfigFile:      cmp.Or(os.Getenv("AWS_CONFIG_FILE"), config.DefaultSharedConfigFilename()),
		CredentialsFile: cmp.Or(os.Getenv("AWS_SHARED_CREDENTIALS_FILE"), config.DefaultSharedCredentialsFilename()),
	}
	var err error
	f.Profiles, err = sharedfile.ReadProfiles(f.ConfigFile, f.CredentialsFile)
	return f, err
}

// OnTokenServer are the names of the profiles whose credentials rest on a token server:
// their own, or that of a source profile.
func (f *Files) OnTokenServer(ctx context.Context) []string {
	return f.ending(ctx, func(c config.SharedConfig) bool {
		_, named := config.TokenServer(c)
		return named && c.CredentialSource == ""
	})
}

// OfProcess are those, and the names of the profiles whose credentials rest on what this
// process has around it: with credential_source, its variables, container, or machine.
func (f *Files) OfProcess(ctx context.Context) []string {
	return f.ending(ctx, func(c config.SharedConfig) bool {
		_, named := config.TokenServer(c)
		return named || c.CredentialSource != ""
	})
}

// ending are the names of the profiles of which the last source profile, or they
// themselves, have no keys and are as ends says.
func (f *Files) ending(ctx context.Context, ends func(config.SharedConfig) bool) (names []string) {
	for _, name := range f.Names() {
		if f.Value(name, "web_identity_token_server")+f.Value(name, "source_profile")+f.Value(name, "credential_source") == "" {
			continue // without a load of it
		}
		c, err := f.Load(ctx, name)
		for c.Source != nil {
			c = *c.Source
		}
		if err == nil && !c.Credentials.HasKeys() && ends(c) {
			names = append(names, name)
		}
	}
	return names
}

// CredentialSources are the values of credential_source in the files.
func (f *Files) CredentialSources() (sources []string) {
	for _, name := range f.Names() {
		if source := f.Value(name, "credential_source"); source != "" {
			sources = append(sources, source)
		}
	}
	return sources
}

// Load loads a profile.
func (f *Files) Load(ctx context.Context, name string) (config.SharedConfig, error) {
	return config.LoadSharedConfigProfile(ctx, name, func(o *config.LoadSharedConfigOptions) {
		o.ConfigFiles, o.CredentialsFiles = []string{f.ConfigFile}, []string{f.CredentialsFile}
	})
}

// NamesCredentials reports whether a profile says where its credentials come from.
func NamesCredentials(c config.SharedConfig) bool {
	return c.Credentials.HasKeys() || c.SourceProfileName+c.CredentialSource+c.WebIdentityTokenFile+
		c.CredentialProcess+c.SSOSessionName+c.SSOStartURL+c.LoginSession != ""
}

// Nearest returns the name of a profile that is nearly name, or "".
func (f *Files) Nearest(name string) (nearest string) {
	best := max(2, len(name)/3) + 1
	for _, candidate := range f.Names() {
		if d := distance(strings.ToLower(name), strings.ToLower(candidate)); d < best {
			best, nearest = d, candidate
		}
	}
	return nearest
}

// Problems says what keeps a profile of the files from being what its author meant.
func (f *Files) Problems(profiles ...string) (problems []string) {
	add := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	for _, name := range []string{f.ConfigFile, f.CredentialsFile} {
		text, err := os.ReadFile(name)
		var path *fs.PathError
		switch {
		case errors.Is(err, fs.ErrNotExist):
			if name == f.ConfigFile {
				add("there is no file %s", name)
			}
			continue
		case errors.As(err, &path):
			add("%s cannot be read: %v", name, path.Err)
			continue
		case bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")) || bytes.IndexByte(text, 0) >= 0:
			add("%s is UTF-16, which no SDK reads: save it as UTF-8 (in PowerShell, with Set-Content -Encoding ascii)", name)
			continue
		case bytes.HasPrefix(text, []byte("\ufeff")):
			add("%s begins with a byte order mark, which hides its first line: save it as UTF-8 without one", name)
		case !utf8.Valid(text):
			add("%s is not UTF-8", name)
		}
		section := ""
		for line := range strings.Lines(string(text)) {
			if m := sectionLine.FindStringSubmatch(line); m != nil {
				section = m[2]
				if name == f.ConfigFile && m[1] == "" && section != "default" && slices.Contains(profiles, section) {
					add("%s has [%s], which must be [profile %[2]s] there", name, section)
				}
			}
			if m := keyLine.FindStringSubmatch(line); m != nil && slices.Contains(profiles, section) {
				if right := spelled(m[1]); right != "" {
					add("profile %q in %s has %s, which no SDK reads: it should be %s", section, name, m[1], right)
				}
			}
		}
	}
	return problems
}

var (
	sectionLine = regexp.MustCompile(`^\s*\[\s*(profile\s+)?(.*?)\s*\]`)
	keyLine     = regexp.MustCompile(`^([A-Za-z_-]+)\s*[=:]`)
)

// identityKeys are the keys whose near misses change which identity is used.
var identityKeys = []string{"web_identity_token_server", "web_identity_token_file", "role_arn", "role_session_name",
	"source_profile", "credential_source"}

// spelled returns the key that a key nearly is, or "".
func spelled(key string) string {
	key = strings.ToLower(key)
	for _, right := range identityKeys {
		if !slices.Contains(identityKeys, key) && distance(key, right) <= 2 {
			return right
		}
	}
	return ""
}

// distance is the number of letters to insert, delete, or replace to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
