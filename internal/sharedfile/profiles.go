package sharedfile

import (
	"bytes"
	"slices"
	"strings"
)

// Profiles are all profiles of a shared config file and a shared credentials file, by
// upstream's rules.
type Profiles struct {
	config, credentials *file

	names   []string
	lines   map[string][]profileLine
	headers map[string]int // of the first section in the config file: where its line ends
}

// profileLine is a line that gives a profile a key.
type profileLine struct {
	keyLine
	key string
}

// ReadProfiles reads both files. One that cannot be read is as one without text.
func ReadProfiles(config, credentials string) (*Profiles, error) {
	p := &Profiles{lines: map[string][]profileLine{}, headers: map[string]int{}}
	var err error
	if p.config, err = read(config, false); err != nil {
		return nil, err
	}
	if p.credentials, err = read(credentials, true); err != nil {
		return nil, err
	}
	files := []*file{p.config, p.credentials}
	for _, f := range files {
		f.sections = newIndex(f.text).all(f.text)
	}
	eachProfile(files, func(f *file, s section, profile string) {
		if strings.HasPrefix(s.name, "sso-session ") || strings.HasPrefix(s.name, "services ") {
			return
		}
		if !slices.Contains(p.names, profile) {
			p.names = append(p.names, profile)
		}
		if _, found := p.headers[profile]; !f.credentials && !found {
			p.headers[profile] = lineEnd(f.text, s.start)
		}
		s.eachKey(f, func(l keyLine, key string) { p.lines[profile] = append(p.lines[profile], profileLine{l, key}) })
	})
	return p, nil
}

// Names are the names of the profiles, in their order.
func (p *Profiles) Names() []string { return p.names }

// Value returns the value that a profile has for a key, as upstream reads it in one line.
func (p *Profiles) Value(profile, key string) (value string) {
	for _, l := range p.lines[profile] {
		if l.key == key {
			value = l.value
		}
	}
	return value
}

// naming are the keys that name credentials, and whether their value is a secret.
var naming = map[string]bool{
	"aws_access_key_id": true, "aws_secret_access_key": true, "aws_session_token": true, "aws_security_token": true,
	"role_arn": false, "source_profile": false, "credential_source": false, fileKey: false, serverKey: false,
	"credential_process": false, "login_session": false,
	"sso_session": false, "sso_start_url": false, "sso_region": false, "sso_account_id": false, "sso_role_name": false,
}

// WithProcesses returns both files with a credential_process for each profile in
// processes, in place of what names its credentials. All else is as it was. The
// credentials are nil if they have nothing of these profiles.
func (p *Profiles) WithProcesses(processes map[string]string) (config, credentials []byte) {
	p.config.edits, p.credentials.edits = nil, nil
	var last string // in the section that the file ends with
	var added bytes.Buffer
	for _, profile := range slices.Concat(p.names, missing(p.names, processes)) {
		process, ok := processes[profile]
		if !ok {
			continue
		}
		line := "credential_process = " + process
		written := false
		for _, l := range p.lines[profile] {
			secret, names := naming[l.key]
			if !names {
				continue
			}
			end := l.start + len(strings.TrimRight(l.text, "\r"))
			start := l.start + len(l.indent())
			switch {
			case !written && !l.file.credentials:
				l.file.edits = append(l.file.edits, edit{start, end, line})
				written = true
			case secret:
				l.file.edits = append(l.file.edits, edit{start, end, l.key + "_unused = -"})
			default:
				l.file.edits = append(l.file.edits, edit{start, l.start + l.separator, l.key + "_unused "})
			}
		}
		header, found := p.headers[profile]
		switch {
		case written:
		case found && header == len(p.config.text):
			last = "\n" + line + "\n"
		case found:
			next, _, _ := bytes.Cut(p.config.text[header+1:], []byte("\n"))
			indent := next[:len(next)-len(bytes.TrimLeft(next, " \t"))]
			p.config.edits = append(p.config.edits, edit{header, header, "\n" + string(indent) + line})
		case profile == "default":
			added.WriteString("\n[default]\n" + line + "\n")
		default:
			added.WriteString("\n[" + prefix + profile + "]\n" + line + "\n")
		}
	}
	config, _ = p.config.render(true)
	config = slices.Concat(config, []byte(last), added.Bytes())
	if len(p.credentials.edits) > 0 {
		credentials, _ = p.credentials.render(true)
	}
	return config, credentials
}

// missing returns the keys of processes that are not among names.
func missing(names []string, processes map[string]string) (rest []string) {
	for profile := range processes {
		if !slices.Contains(names, profile) {
			rest = append(rest, profile)
		}
	}
	slices.Sort(rest)
	return rest
}
