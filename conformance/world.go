package conformance

import (
	"crypto/tls"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// world is what a case runs in: a folder and two servers that follow the
// exchanges of the case.
type world struct {
	*Case   // with its placeholders filled
	dir     string
	servers []*http.Server
	closed  chan struct{}
	log     func(format string, args ...any) // is told of every request

	mu       sync.Mutex
	names    *placeholders
	next     int       // the exchange that is expected now
	answered time.Time // when the last response ended
	expires  map[int]time.Time
	problems []string
}

// open makes the world of a case. Close it after use.
func open(c *Case, logf func(string, ...any)) (w *world, err error) {
	w = &world{closed: make(chan struct{}), expires: map[int]time.Time{}, log: logf}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	if w.dir, err = os.MkdirTemp("", "aws-"); err != nil {
		return w, err
	}
	values := map[string]string{"DIR": w.dir}
	w.names = &placeholders{folder: c.folder, values: values, secrets: map[string]string{}}
	listen := func(server, network, address string, config *tls.Config) (string, error) {
		listener, err := net.Listen(network, address)
		if err != nil {
			return "", err
		}
		s := &http.Server{Handler: w.handler(server), TLSConfig: config, ErrorLog: log.New(io.Discard, "", 0)}
		w.servers = append(w.servers, s)
		if config != nil {
			go s.ServeTLS(listener, "", "")
		} else {
			go s.Serve(listener)
		}
		return listener.Addr().String(), nil
	}

	w.mu.Lock() // the handlers start before all is there
	defer w.mu.Unlock()
	address, err := listen("sts", "tcp", "127.0.0.1:0", nil)
	if err != nil {
		return w, err
	}
	values["STS_URL"] = "http://" + address
	if address, err = listen("token", "tcp", "127.0.0.1:0", nil); err != nil {
		return w, err
	}
	values["TOKEN_URL"] = "http://" + address
	_, values["TOKEN_PORT"], _ = strings.Cut(address, ":")
	if c.mentions("TOKEN_SOCKET") {
		values["TOKEN_SOCKET"] = filepath.Join(w.dir, "socket")
		if _, err := listen("token", "unix", values["TOKEN_SOCKET"], nil); err != nil {
			return w, err
		}
	}
	if c.mentions("TOKEN_TLS_URL") {
		config, err := writeCertificates(filepath.Join(w.dir, "tls"))
		if err != nil {
			return w, err
		}
		if address, err = listen("token", "tcp", "127.0.0.1:0", config); err != nil {
			return w, err
		}
		values["TOKEN_TLS_URL"] = "https://" + address
	}
	if w.Case, err = w.names.fill(c); err != nil {
		return w, err
	}
	return w, w.writeFiles(c.folder)
}

func (w *world) close() {
	close(w.closed)
	for _, s := range w.servers {
		s.Close()
	}
	os.RemoveAll(w.dir)
}

// mentions reports whether a placeholder is in the case or in a file beside it.
func (c *Case) mentions(name string) (found bool) {
	fs.WalkDir(c.folder, ".", func(file string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			text, _ := fs.ReadFile(c.folder, file)
			found = found || strings.Contains(string(text), "${"+name+"}")
		}
		return err
	})
	return found
}

// writeFiles copies what is beside case.json, with its placeholders filled.
func (w *world) writeFiles(folder fs.FS) error {
	for _, dir := range []string{"home", "tmp"} {
		if err := os.Mkdir(filepath.Join(w.dir, dir), 0o700); err != nil {
			return err
		}
	}
	return fs.WalkDir(folder, ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || file == "case.json" {
			return err
		}
		text, err := fs.ReadFile(folder, file)
		if err != nil {
			return err
		}
		filled, err := w.names.expand(string(text))
		if err != nil {
			return err
		}
		return w.writeFile(file, filled)
	})
}

func (w *world) writeFile(name, text string) error {
	name = filepath.Join(w.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	return os.WriteFile(name, []byte(text), 0o600)
}

// environment is the whole environment of the adapter.
func (w *world) environment() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	env := map[string]string{
		"HOME":                         filepath.Join(w.dir, "home"),
		"TMPDIR":                       filepath.Join(w.dir, "tmp"),
		"AWS_CONFIG_FILE":              filepath.Join(w.dir, "config"),
		"AWS_SHARED_CREDENTIALS_FILE":  filepath.Join(w.dir, "credentials"),
		"AWS_ENDPOINT_URL_STS":         w.names.values["STS_URL"],
		"AWS_REGION":                   "us-east-1",
		"AWS_DEFAULT_REGION":           "us-east-1",
		"AWS_EC2_METADATA_DISABLED":    "true",
		"AWS_RETRY_MODE":               "standard",
		"AWS_MAX_ATTEMPTS":             "3",
		"AWS_CONFORMANCE_RETRIEVALS":   strconv.Itoa(len(w.Expect)),
		"AWS_CONFORMANCE_WAIT_SECONDS": strconv.FormatFloat(w.Wait, 'f', -1, 64),
	}
	for _, name := range []string{"PATH", "SYSTEMROOT"} {
		if value, found := os.LookupEnv(name); found {
			env[name] = value
		}
	}
	if w.Profile != "" {
		env["AWS_CONFORMANCE_PROFILE"] = w.Profile
	}
	for name, value := range w.Env {
		if delete(env, name); value != nil {
			env[name] = *value
		}
	}
	var list []string
	for name, value := range env {
		list = append(list, name+"="+value)
	}
	return list
}
