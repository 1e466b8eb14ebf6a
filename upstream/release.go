package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

// release has the folder of each of modules.
type release map[string]string

// selected is the release of each module that the program selects: of the go.mod of the current folder's module. What it
// replaces them with need not be there.
func selected() (release, error) {
	out, err := run("", "go", "env", "GOMOD")
	if err != nil {
		return nil, err
	}
	file := strings.TrimSpace(string(out))
	if file == "" || file == os.DevNull {
		return nil, errors.New("no go.mod in this folder or above: run it in the module of the program")
	}
	version, err := requiredVersion(filepath.Dir(file), theirs)
	if err != nil {
		return nil, err
	}
	r, err := releaseOf(version)
	if err != nil {
		return nil, err
	}
	version, err = requiredVersion(filepath.Dir(file), theirCredentials)
	if err == nil {
		r["credentials"], err = download(theirCredentials, version)
	}
	return r, err
}

// releaseOf is a release of config, and the credentials that it requires.
func releaseOf(version string) (release, error) {
	config, err := download(theirs, version)
	if err != nil {
		return nil, err
	}
	version, err = requiredVersion(config, theirCredentials)
	if err != nil {
		return nil, err
	}
	credentials, err := download(theirCredentials, version)
	return release{"config": config, "credentials": credentials}, err
}

// requiredVersion returns the version of a module that the go.mod in dir requires.
func requiredVersion(dir, path string) (string, error) {
	needs, err := readMod(dir)
	if err != nil {
		return "", err
	}
	for _, r := range needs.Require {
		if r.Path == path {
			return r.Version, nil
		}
	}
	return "", fmt.Errorf("%s does not require %s: run go mod tidy if the program uses it", filepath.Join(dir, "go.mod"), path)
}

// download returns the folder of a release of a module. The module in the current folder has no say in it.
func download(path, version string) (string, error) {
	out, err := run(os.TempDir(), "go", "mod", "download", "-json", path+"@"+version)
	if err != nil {
		return "", err
	}
	var module struct{ Dir string }
	err = json.Unmarshal(out, &module)
	return module.Dir, err
}

var moduleVersion = regexp.MustCompile(`(?m)^const goModuleVersion = "(.+)"$`)

// versionIn returns the version of upstream's module in dir, as upstream's own release tool has written it there.
func versionIn(dir string) (string, error) {
	const name = "go_module_metadata.go"
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return "", err
	}
	match := moduleVersion.FindSubmatch(text)
	if match == nil {
		return "", fmt.Errorf("%s has no version", filepath.Join(dir, name))
	}
	return "v" + string(match[1]), nil
}

// ownRoot is the folder of this module's source, which the patch is made of.
func ownRoot() (string, error) {
	_, file, _, _ := runtime.Caller(0)
	if !filepath.IsAbs(file) {
		return "", errors.New("built with -trimpath: use go run without it")
	}
	return filepath.Dir(filepath.Dir(file)), nil
}
