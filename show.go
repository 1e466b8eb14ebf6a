package config

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"sync"
)

// sharedFile is a shared config or credentials file of the user's.
type sharedFile struct {
	name      string
	profileOf func(section string) (string, bool)
	text      []byte
	once      bool // it is a pipe or the like: upstream could not read it again
	lines     []keyLine
}

// readSharedFile reads a file. One that cannot be read has no text: what to make
// of it is for upstream to say. It is an error if it might be read at another
// time, for upstream would then choose other credentials.
func readSharedFile(name string, profileOf func(string) (string, bool)) (*sharedFile, error) {
	s := &sharedFile{name: name, profileOf: profileOf}
	f, err := os.Open(name)
	if err != nil {
		var reason interface{ Temporary() bool }
		if errors.As(err, &reason) && reason.Temporary() { // no descriptors left
			return nil, fmt.Errorf("read shared config file: %w", err)
		}
		return s, nil
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.IsDir() {
		return s, nil
	}
	var text bytes.Buffer
	text.Grow(int(info.Size()) + bytes.MinRead)
	if _, err := text.ReadFrom(f); err != nil {
		return s, nil
	}
	s.text = text.Bytes()
	// A device without content, as /dev/null, has none the next time either.
	s.once = !info.Mode().IsRegular() && (len(s.text) > 0 || info.Mode()&os.ModeCharDevice == 0)
	return s, nil
}

// shownFile is a text that can be read once under a name.
type shownFile struct {
	name  string
	own   string // the user's file that it stands for
	close func()
}

// pipesHaveNames reports whether the system shows the process its open files
// under /dev/fd.
var pipesHaveNames = sync.OnceValue(func() bool {
	r, w, err := os.Pipe()
	if err != nil {
		return false
	}
	defer r.Close()
	defer w.Close()
	_, err = os.Stat(pipeName(r))
	return err == nil
})

func pipeName(r *os.File) string { return fmt.Sprintf("/dev/fd/%d", r.Fd()) }

// pipeTakes is what every system's pipe takes before it blocks.
const pipeTakes = 4096

// show makes text readable under a name: through a pipe where the system has
// names for pipes, so that no writable folder is needed and nothing is left
// behind by a process that is killed; else through a temporary file that only
// the user may read.
func show(text []byte) (shownFile, error) {
	if !pipesHaveNames() {
		return showTemporary(text)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return shownFile{}, err
	}
	written := make(chan struct{})
	write := func() {
		defer close(written)
		w.Write(text) // fails where nobody reads to the end
		w.Close()
	}
	if len(text) <= pipeTakes {
		write()
	} else {
		go write()
	}
	return shownFile{name: pipeName(r), close: func() { r.Close(); <-written }}, nil
}

func showTemporary(text []byte) (shownFile, error) {
	f, err := os.CreateTemp("", "aws-config-")
	if err != nil {
		return shownFile{}, err
	}
	_, err = f.Write(text)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		os.Remove(f.Name())
		return shownFile{}, err
	}
	return shownFile{name: f.Name(), close: func() { os.Remove(f.Name()) }}, nil
}
