// Package sharedfile reads the shared config and credentials files of a load, and
// shows upstream what the load needs of them: the sections of the profile, with
// web_identity_token_server as a web_identity_token_file that carries a mark.
//
// What was read here is what upstream reads, or the load is an error. Otherwise a
// file that is replaced in the meantime, or cannot be opened again, would silently
// give other credentials than it configures.
//
// The text that is shown lies in memory: in a pipe that has a name. It is in no
// temporary file, and holds no section that the load does not need.
package sharedfile

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"

	"github.com/awstokenserver/config/tokensource"
)

// small is the size of files that upstream parses faster than a selection of their
// sections is made.
const small = 4 << 10

// Request is what a load asks for.
type Request struct {
	// Config and Credentials are the names of the files, as upstream takes them.
	Config, Credentials []string

	// Profile is the profile to load.
	Profile string

	// Whole asks for all sections: a logger is told of those that upstream ignores.
	Whole bool
}

// Files are the files of one load as upstream is shown them.
type Files struct {
	// Config and Credentials are names for upstream. They are not nil.
	Config, Credentials []string

	files []*file // in the order in which upstream merges them
	keys  map[string]*tokenKeys
	names []string // of the shown texts, each followed by the user's own name
	slot  bool     // whether the load has one of the slots

	// unread is set if upstream has not read to its end what it was shown.
	unread error
}

// Load calls load with the files that are to be passed to upstream, and returns
// its error with the user's own file names. load returns the profile that upstream
// has loaded, if it knows. It is called again if the files or the profile changed
// meanwhile. [Files] may be used further when Load has returned.
//
// It waits while many other loads are being shown their files, until ctx is done.
// Any number of goroutines may call it.
func Load(ctx context.Context, r Request, load func(*Files) (profile string, err error)) error {
	files, err := readAllFiles(r, nil)
	if err != nil {
		return err
	}
	for first := true; ; first = false {
		s := prepare(files, r, first)
		profile, err := s.load(ctx, load)
		switch {
		case first && slices.ContainsFunc(s.files, (*file).passedAndChanged):
		case profile != "" && profile != r.Profile && !r.Whole:
			r.Profile, r.Whole = profile, true
		default:
			return err
		}
		if files, err = readAllFiles(r, files); err != nil {
			return err
		}
	}
}

// readAllFiles reads the files. What before holds of transient files it takes from
// there.
func readAllFiles(r Request, before []*file) (files []*file, err error) {
	for i, name := range slices.Concat(r.Config, r.Credentials) {
		if before != nil && before[i].transient {
			files = append(files, before[i])
			continue
		}
		f, err := read(name, i >= len(r.Config))
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

// prepare decides what upstream is shown of the files. If ownNames, those that it
// needs all of may keep their names.
func prepare(files []*file, r Request, ownNames bool) *Files {
	s := &Files{files: files, Config: []string{}, Credentials: []string{}}
	size := 0
	for _, f := range files {
		size += len(f.text)
	}
	whole := r.Whole
	if size > small || slices.ContainsFunc(files, func(f *file) bool { return mentionsKey(f.text) }) {
		profiles, all := selectSections(files, r.Profile)
		whole = whole || all
		s.keys = findKeys(files, func(profile string) bool { return all || slices.Contains(profiles, profile) })
		for _, keys := range s.keys {
			if keys.namesServer() {
				keys.edit()
			}
		}
	} else {
		whole = true
	}
	for _, f := range files {
		text, changed := f.render(whole)
		f.passed = f.unreadable || ownNames && !changed && len(text) > 0 && f.keepsItsName()
		f.toShow = text
		if f.passed {
			f.toShow = nil
		}
		f.sections, f.edits = nil, nil
		if !f.transient {
			f.text = nil // a load keeps only what it shows
		}
	}
	return s
}

// load shows the files and calls load.
func (s *Files) load(ctx context.Context, load func(*Files) (string, error)) (profile string, err error) {
	defer s.Release()
	if err := s.show(ctx); err != nil {
		return "", err
	}
	if profile, err = load(s); err != nil {
		return profile, s.error(err)
	}
	s.Release()
	return profile, s.unread
}

// slots bounds the loads that show files at a time, as each of them holds
// descriptors.
var slots = make(chan struct{}, 32)

func (s *Files) show(ctx context.Context) error {
	for _, f := range s.files {
		name := f.name
		if !f.passed {
			if len(f.toShow) == 0 {
				continue // as upstream makes nothing of it
			}
			if err := s.takeSlot(ctx); err != nil {
				return err
			}
			shown, err := show(f.toShow)
			if err != nil {
				return fmt.Errorf("show shared config file %s to the SDK: %w", f.name, err)
			}
			f.shown, f.toShow = shown, nil
			name = shown.name
			s.names = append(s.names, name, f.name)
		}
		if f.credentials {
			s.Credentials = append(s.Credentials, name)
		} else {
			s.Config = append(s.Config, name)
		}
	}
	return nil
}

func (s *Files) takeSlot(ctx context.Context) error {
	if s.slot {
		return nil
	}
	select {
	case slots <- struct{}{}:
	default:
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return fmt.Errorf("show shared config files to the SDK: %w", ctx.Err())
		}
	}
	s.slot = true
	return nil
}

// Release ends the showing of the files. It is called before a function of the
// program's that upstream calls after it has read the files: such a function may
// itself load a configuration, and must not wait for its own load's turn.
func (s *Files) Release() {
	for _, f := range s.files {
		if f.shown != nil {
			if !f.shown.close() && s.unread == nil {
				s.unread = fmt.Errorf("the SDK has not read shared config file %s, which it was shown as %s", f.name, f.shown.name)
			}
			f.shown = nil
		}
	}
	if s.slot {
		<-slots
		s.slot = false
	}
}

// NamesServer reports whether a profile of the load names a token server.
func (s *Files) NamesServer() bool {
	for _, keys := range s.keys {
		if keys.namesServer() {
			return true
		}
	}
	return false
}

// Setting describes where the token server of c's chain of source profiles was
// named.
func (s *Files) Setting(c config.SharedConfig) string {
	for c.Source != nil {
		c = *c.Source
	}
	keys := s.keys[c.Profile]
	if keys == nil || !keys.namesServer() {
		return ""
	}
	return fmt.Sprintf("%s of profile %q in %s", serverKey, c.Profile, keys.serverFile())
}

// Restore gives c and its source profiles the user's own file names. A profile that
// names both a token server and a token file is an error where upstream refuses two
// types of credentials.
func (s *Files) Restore(c *config.SharedConfig) error {
	for source := c; source != nil; source = source.Source {
		source.Credentials.Source = s.OwnNames(source.Credentials.Source)
		keys := s.keys[source.Profile]
		if !strings.HasPrefix(source.WebIdentityTokenFile, markBoth) || keys == nil || !keys.namesBoth() {
			continue
		}
		if source == c || !source.Credentials.HasKeys() {
			return &tokensource.Error{
				Class:   tokensource.ConfigInvalid,
				Setting: fmt.Sprintf("profile %q", source.Profile),
				Problem: fmt.Sprintf("names both %s (in %s) and %s (in %s)", serverKey, keys.serverFile(), fileKey, keys.fileFile()),
				Hint:    "keep one of the two",
			}
		}
		source.WebIdentityTokenFile = TokenFile(lastValue(keys.server))
	}
	return nil
}

// Shown reports whether upstream read a file by another name than its own.
func (s *Files) Shown() bool { return s.names != nil }

// OwnNames returns text with the user's own file names.
func (s *Files) OwnNames(text string) string {
	for i := 0; i < len(s.names); i += 2 {
		text = replaceName(text, s.names[i], s.names[i+1])
	}
	return text
}

// replaceName replaces a name in text, but not where a digit follows: then it is
// another one, as /dev/fd/10 is not /dev/fd/1.
func replaceName(text, name, with string) string {
	before, after, ok := strings.Cut(text, name)
	if !ok {
		return text
	}
	if after != "" && '0' <= after[0] && after[0] <= '9' {
		with = name
	}
	return before + with + replaceName(after, name, with)
}

// Logger returns a logger that logs to l with the user's own file names.
func (s *Files) Logger(l logging.Logger) logging.Logger {
	if !s.Shown() {
		return l
	}
	return logging.LoggerFunc(func(c logging.Classification, format string, v ...any) {
		l.Logf(c, "%s", s.OwnNames(fmt.Sprintf(format, v...)))
	})
}

// error words an error of upstream's for the key and the files of the user.
func (s *Files) error(err error) error {
	switch e := err.(type) {
	case config.CredentialRequiresARNError:
		if keys := s.keys[e.Profile]; e.Type == fileKey && keys != nil && keys.namesServer() && !keys.namesBoth() {
			e.Type = serverKey
		}
		return e
	case config.SharedConfigLoadError:
		e.Filename = s.OwnNames(e.Filename)
		return e
	}
	if text := s.OwnNames(err.Error()); text != err.Error() {
		return &renamedError{text, err}
	}
	return err
}

// renamedError is err with the user's own file names in its text.
type renamedError struct {
	text string
	err  error
}

func (e *renamedError) Error() string { return e.text }
func (e *renamedError) Unwrap() error { return e.err }
