package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/awstokenserver/config/cmd/internal/profiles"
)

// folder is a private folder with a config file in which profiles have a
// credential_process that asks this command, by an entry in the folder.
type folder struct {
	dir         string
	credentials string // the shared credentials file that goes with the config file
}

// entry is how the credentials of a profile are to be had.
type entry struct {
	Profile string `json:"profile,omitempty"` // none: the environment names the role

	// Of an agent.
	URL       string `json:"url,omitempty"`
	TokenFile string `json:"token_file,omitempty"`

	// Without an agent.
	ConfigFile      string `json:"config_file,omitempty"`
	CredentialsFile string `json:"credentials_file,omitempty"`
	Duration        string `json:"duration,omitempty"`
	SessionName     string `json:"session_name,omitempty"`
	Cache           bool   `json:"cache,omitempty"`
}

func (f *folder) name(file string) string { return filepath.Join(f.dir, file) }

func (f *folder) config() string { return f.name("config") }

// write writes the files, with an entry for each of the profiles, which are names in the
// config file.
func (f *folder) write(files *profiles.Files, names []string, entries []entry) error {
	executable, err := f.executable()
	if err != nil {
		return err
	}
	processes := map[string]string{}
	for i, name := range names {
		text, err := json.Marshal(entries[i])
		if err != nil {
			return err
		}
		if err := f.replace(strconv.Itoa(i+1)+".json", append(text, '\n')); err != nil {
			return err
		}
		processes[name] = processLine(executable, "credential-process", "--from", f.dir, strconv.Itoa(i+1))
	}
	config, credentials := files.WithProcesses(processes)
	if err := f.replace("config", config); err != nil {
		return err
	}
	f.credentials = files.CredentialsFile
	if _, err := os.Stat(f.credentials); err != nil {
		f.credentials = os.DevNull
	}
	if credentials != nil {
		f.credentials = f.name("credentials")
		return f.replace("credentials", credentials)
	}
	return nil
}

// replace writes a file at once: those that read it see the old one or the new one.
func (f *folder) replace(name string, text []byte) error {
	temporary, err := os.CreateTemp(f.dir, name+".*") // 0600
	if err != nil {
		return err
	}
	_, err = temporary.Write(text)
	if closed := temporary.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(temporary.Name(), f.name(name))
	}
	if err != nil {
		os.Remove(temporary.Name())
	}
	return err
}

// executable returns a path of this command, if it can be, without characters that need
// quotes.
func (f *folder) executable() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	link := f.name(program)
	if needsNoQuotes(path) || runtime.GOOS == "windows" {
		return path, nil
	}
	os.Remove(link)
	return link, os.Symlink(path, link)
}

var plainWord = regexp.MustCompile(`^[\w@%+:,./=-]+$`)

func needsNoQuotes(word string) bool { return plainWord.MatchString(word) }

// processLine returns a value of credential_process. botocore splits it as a shell does,
// the others give it to a shell; Go's reader of the file removes quotes at its beginning
// and end, so a path has backslashes. cmd.exe has none, and the last word needs no quotes.
func processLine(words ...string) string {
	special := regexp.MustCompile(`[^\w@%+:,./=-]`)
	for i, word := range words {
		switch {
		case runtime.GOOS != "windows":
			words[i] = special.ReplaceAllString(word, `\$0`)
		case strings.ContainsAny(word, " &()[]{}^=;!'+,`~"):
			words[i] = `"` + word + `"`
		}
	}
	return strings.Join(words, " ")
}

// readEntry reads an entry of a folder.
func readEntry(dir, number string) (e entry, err error) {
	if _, err := strconv.Atoi(number); err != nil {
		return e, wrongly("%q is not the number of an entry in %s", number, dir)
	}
	text, err := os.ReadFile(filepath.Join(dir, number+".json"))
	if err == nil {
		err = json.Unmarshal(text, &e)
	}
	if err != nil {
		err = fmt.Errorf("the config file in %s is of an exec or a setup that is gone: %w", dir, err)
	}
	return e, err
}

// with returns names with one more, if it is not there.
func with(names []string, name string) []string {
	if slices.Contains(names, name) {
		return names
	}
	return append(names, name)
}
