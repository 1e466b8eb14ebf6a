package config

import (
	"context"
	"fmt"
	"slices"
	"strings"

	upstream "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"

	"github.com/awstokenserver/config/tokensource"
)

const (
	tokenServerKey = "web_identity_token_server"
	tokenFileKey   = "web_identity_token_file"

	// serverMark begins a WebIdentityTokenFile that stands for a token server.
	serverMark = tokenServerKey + ":"

	// bothKeys is the WebIdentityTokenFile of a profile that has both keys.
	bothKeys = serverMark + "\x00"
)

// TokenServer returns the token server that profile c names, as it is written
// after web_identity_token_server, and whether it names one. Source profiles
// are asked by themselves (c.Source).
//
// [SharedConfig] is upstream's type, so the value is kept behind a prefix in
// c.WebIdentityTokenFile.
func TokenServer(c SharedConfig) (value string, ok bool) {
	return strings.CutPrefix(c.WebIdentityTokenFile, serverMark)
}

// LoadSharedConfigProfile is upstream's [upstream.LoadSharedConfigProfile] that
// also understands web_identity_token_server; see [TokenServer]. The value is
// not parsed. A profile that names both a token server and a token file is an
// error of type [*tokensource.Error].
func LoadSharedConfigProfile(ctx context.Context, profile string, optFns ...func(*LoadSharedConfigOptions)) (SharedConfig, error) {
	var options LoadSharedConfigOptions
	for _, fn := range optFns {
		fn(&options)
	}
	configFiles, credentialsFiles := options.ConfigFiles, options.CredentialsFiles
	if configFiles == nil {
		configFiles = defaultConfigFiles()
	}
	if credentialsFiles == nil {
		credentialsFiles = defaultCredentialsFiles()
	}
	files, err := showFiles(configFiles, credentialsFiles)
	if err != nil {
		return SharedConfig{}, err
	}
	defer files.close()

	options.ConfigFiles, options.CredentialsFiles = files.config, files.credentials
	if options.Logger != nil {
		options.Logger = files.logger(options.Logger)
	}
	c, err := upstream.LoadSharedConfigProfile(ctx, profile, func(o *LoadSharedConfigOptions) { *o = options })
	if err != nil {
		return SharedConfig{}, files.error(err)
	}
	if err := files.restore(&c); err != nil {
		return SharedConfig{}, err
	}
	return c, nil
}

// sharedFiles are the shared config and credentials files of one load as
// upstream is shown them: in the files that hold the key
// web_identity_token_server it is renamed to web_identity_token_file, with
// serverMark before its value.
type sharedFiles struct {
	config, credentials []string // the names for upstream

	files  []*sharedFile // in the order in which upstream merges them
	hasKey bool          // whether any profile names a token server

	// profileDefault tells whether a config file has a section [profile default],
	// for which upstream drops the sections [default].
	profileDefault bool

	// withFile holds the profiles that name a token file, whatever else they name.
	withFile map[string]*profileKeys

	shown []shownFile
	own   *strings.Replacer // from the names for upstream to the user's, or nil
}

// profileKeys are the last values of the two keys in a profile, and the files
// that they stand in.
type profileKeys struct {
	server, file     string
	serverIn, fileIn string // empty where the key is absent
}

// value is what upstream is shown for the two keys. An empty value is no value.
func (p *profileKeys) value() string {
	switch {
	case p.server == "":
		return p.file
	case p.file == "":
		return serverMark + p.server
	default:
		return bothKeys
	}
}

// showFiles reads the files and prepares them for upstream. Close the result
// after upstream has read them.
func showFiles(configFiles, credentialsFiles []string) (*sharedFiles, error) {
	s := &sharedFiles{config: configFiles, credentials: credentialsFiles}
	for i, name := range slices.Concat(configFiles, credentialsFiles) {
		profileOf := s.configProfile
		if i >= len(configFiles) {
			profileOf = credentialsProfile
		}
		f, err := readSharedFile(name, profileOf)
		if err != nil {
			return nil, err
		}
		s.files = append(s.files, f)
	}
	if slices.ContainsFunc(s.files, func(f *sharedFile) bool { return mentionsKey(f.text) }) {
		s.findKeys()
	}
	var names []string
	for _, f := range s.files {
		name := f.name
		text, changed := s.renamed(f)
		if changed || f.once {
			shown, err := show(text)
			if err != nil {
				s.close()
				return nil, fmt.Errorf("show shared config file %s to the SDK: %w", f.name, err)
			}
			shown.own = f.name
			s.shown = append(s.shown, shown)
			name = shown.name
		}
		names = append(names, name)
	}
	if len(s.shown) == 0 {
		return s, nil
	}
	s.config, s.credentials = names[:len(configFiles):len(configFiles)], names[len(configFiles):]
	// The longest first: /dev/fd/9 must not match in /dev/fd/90.
	slices.SortFunc(s.shown, func(a, b shownFile) int { return len(b.name) - len(a.name) })
	var pairs []string
	for _, f := range s.shown {
		pairs = append(pairs, f.name, f.own)
	}
	s.own = strings.NewReplacer(pairs...)
	return s, nil
}

func (s *sharedFiles) close() {
	for _, f := range s.shown {
		f.close()
	}
}

// configProfile returns the profile that a section of a shared config file is.
func (s *sharedFiles) configProfile(section string) (string, bool) {
	if section == "profile default" {
		s.profileDefault = true
	}
	if name, ok := strings.CutPrefix(section, "profile "); ok {
		return name, true
	}
	return section, strings.EqualFold(section, "default")
}

// findKeys finds the lines of all files that hold one of the keys, and what the
// profiles with a token file hold.
func (s *sharedFiles) findKeys() {
	for _, f := range s.files {
		f.lines = scan(string(f.text), f.profileOf)
	}
	if s.profileDefault {
		for _, f := range s.files[:len(s.config)] {
			f.lines = slices.DeleteFunc(f.lines, func(l keyLine) bool { return l.section == "default" })
		}
	}
	s.withFile = make(map[string]*profileKeys)
	for _, f := range s.files {
		for _, l := range f.lines {
			if l.server {
				s.hasKey = true
			} else if s.withFile[l.profile] == nil {
				s.withFile[l.profile] = &profileKeys{}
			}
		}
	}
	for _, f := range s.files {
		for _, l := range f.lines {
			if keys := s.withFile[l.profile]; keys != nil {
				keys.note(l, f)
			}
		}
	}
}

func (p *profileKeys) note(l keyLine, f *sharedFile) {
	if l.server {
		p.server, p.serverIn = l.value, f.name
	} else {
		p.file, p.fileIn = l.value, f.name
	}
}

// keys returns what the files say of a profile.
func (s *sharedFiles) keys(profile string) profileKeys {
	var p profileKeys
	for _, f := range s.files {
		for _, l := range f.lines {
			if l.profile == profile {
				p.note(l, f)
			}
		}
	}
	return p
}

// renamed returns the text of f for upstream, and whether it differs from f's.
func (s *sharedFiles) renamed(f *sharedFile) (text []byte, changed bool) {
	end := 0
	for _, l := range f.lines {
		value := l.value
		keys := s.withFile[l.profile]
		switch {
		case keys != nil && keys.serverIn == "":
			continue
		case keys != nil:
			value = keys.value()
		case value != "":
			value = serverMark + value
		}
		if end == 0 {
			text = make([]byte, 0, len(f.text)+len(f.lines)*(len(serverMark)+8))
		}
		text = append(text, f.text[end:l.start]...)
		text = append(text, tokenFileKey+" = "...)
		text = append(text, value...)
		end = l.end
	}
	if end == 0 {
		return f.text, false
	}
	return append(text, f.text[end:]...), true
}

// restore gives c and its source profiles the user's own file names. It refuses
// both keys in one profile, where upstream refuses two types of credentials.
func (s *sharedFiles) restore(c *SharedConfig) error {
	for source := c; source != nil; source = source.Source {
		if s.own != nil {
			source.Credentials.Source = s.own.Replace(source.Credentials.Source)
		}
		if source.WebIdentityTokenFile == bothKeys && (source == c || !source.Credentials.HasKeys()) {
			keys := s.keys(source.Profile)
			return &tokensource.Error{
				Class:   tokensource.ConfigInvalid,
				Setting: fmt.Sprintf("profile %q", source.Profile),
				Problem: fmt.Sprintf("names both %s (in %s) and %s (in %s)", tokenServerKey, keys.serverIn, tokenFileKey, keys.fileIn),
				Mend:    "keep one of the two",
			}
		}
	}
	return nil
}

// setting says where the token server of c's chain of source profiles was named.
func (s *sharedFiles) setting(c SharedConfig) string {
	for c.Source != nil {
		c = *c.Source
	}
	return fmt.Sprintf("%s of profile %q in %s", tokenServerKey, c.Profile, s.keys(c.Profile).serverIn)
}

// error words an error of upstream's for the key and the files of the user.
func (s *sharedFiles) error(err error) error {
	switch e := err.(type) {
	case CredentialRequiresARNError:
		if e.Type == tokenFileKey && s.keys(e.Profile).server != "" {
			e.Type = tokenServerKey
		}
		return e
	case SharedConfigLoadError:
		if s.own != nil {
			e.Filename = s.own.Replace(e.Filename)
		}
		return e
	}
	if s.own == nil || s.own.Replace(err.Error()) == err.Error() {
		return err
	}
	return &renamedError{s.own.Replace(err.Error()), err}
}

// renamedError is err with the user's own file names in its text.
type renamedError struct {
	text string
	err  error
}

func (e *renamedError) Error() string { return e.text }
func (e *renamedError) Unwrap() error { return e.err }

// logger returns l, or one that logs to l with the user's own file names.
func (s *sharedFiles) logger(l logging.Logger) logging.Logger {
	if s.own == nil {
		return l
	}
	return logging.LoggerFunc(func(c logging.Classification, format string, v ...any) {
		l.Logf(c, "%s", s.own.Replace(fmt.Sprintf(format, v...)))
	})
}
