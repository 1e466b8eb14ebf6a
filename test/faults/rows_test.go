//go:build linux

package faults

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/awstokenserver/config/webidentity/webidentitytest"
)

// row is a fault, and what brings it about.
type row struct {
	fault string

	conn  conn                      // what the component's server does with a connection
	times int                       // how many connections have that; 0 means all, until it is fixed
	world func(*world)              // in the process of the test, before the child starts
	child func(*child) (fix func()) // in the child, between its load and its Retrieve
	load  bool                      // child is for the time before the load

	args []string // run the command with these instead of the child
	slow bool     // it takes minutes
}

type component struct {
	name  string
	front func(*world) *front
	rows  []row
}

var components = []component{
	{"Token server", func(w *world) *front { return w.token }, tokenServerRows},
	{"STS", func(w *world) *front { return w.sts }, stsRows},
	{"The process and its files", func(w *world) *front { return w.token }, processRows},
	{"The command", func(w *world) *front { return w.token }, commandRows},
}

var tokenServerRows = []row{
	{fault: "refuses connections", world: func(w *world) { w.token.refuses = true }},
	{fault: "drops packets", world: func(w *world) { w.token.dropsPackets() }},
	{fault: "closes the connection", conn: readRequest},
	{fault: "closes its side of the connection", conn: then(readRequest, finish, hang)},
	{fault: "resets the connection", conn: then(readRequest, reset)},
	{fault: "takes the request and never answers", conn: hang},
	{fault: "stops in the header", conn: then(sends("HTTP/1.1 200 OK\r\nContent-Ty"), hang)},
	{fault: "stops in the body", conn: then(sends("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"val"), hang)},
	{fault: "sends its response byte by byte",
		conn: then(sends("HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n"), repeats(" ", 100*time.Millisecond))},
	{fault: "sends a header without end",
		conn: then(sends("HTTP/1.1 200 OK\r\n"), repeats("X-Filler: "+strings.Repeat("x", 4000)+"\r\n", 0))},
	{fault: "sends a body without end",
		conn: then(sends("HTTP/1.1 200 OK\r\n\r\n"), repeats(strings.Repeat("x", 4000), 0))},
	{fault: "speaks another protocol", conn: sends("SSH-2.0-OpenSSH_9.2\r\n")},
	{fault: "sends less than its Content-Length",
		conn: sends("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"value\": \"e")},
	{fault: "sends more than its Content-Length",
		conn: sends("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{\"value\": \"e\"}")},
	{fault: "sends invalid chunks",
		conn: sends("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfive\r\n{\"val\r\n")},
	{fault: "sends gzip, which nobody asked for", conn: status(200, "Content-Encoding: gzip", "\x1f\x8b\x08\x00")},
	{fault: "sends more than 64 KiB", conn: status(200, "", `{"value": "`+strings.Repeat("x", 64<<10)+`"}`)},
	{fault: "sends nothing, with 200", conn: status(200, "", "")},
	{fault: "sends a page to sign in, with 200", conn: status(200, "Content-Type: text/html", "<html>Sign in</html>")},
	{fault: "sends JSON without the token", conn: status(200, "", `{"token": "x"}`)},
	{fault: "sends a token with a blank in it", conn: status(200, "", `{"value": "two words"}`)},
	{fault: "sends a token of 20,001 characters", conn: status(200, "", `{"value": "`+strings.Repeat("x", 20001)+`"}`)},
	{fault: "101 Switching Protocols", conn: status(101, "Upgrade: websocket", "")},
	{fault: "302 to a page to sign in", conn: status(302, "Location: https://login.invalid/", "")},
	{fault: "308 to another server", conn: status(308, "Location: https://token.invalid/", "")},
	{fault: "400", conn: status(400, "", `{"message": "no audience"}`)},
	{fault: "401", conn: status(401, "", "")},
	{fault: "403", conn: status(403, "", "")},
	{fault: "403 at first, for GitHub's job is pending",
		conn: status(403, "", `{"message": "Can't issue ID_TOKEN for job in 'Pending' state"}`), times: 1},
	{fault: "404", conn: status(404, "", "")},
	{fault: "408", conn: status(408, "", "")},
	{fault: "410", conn: status(410, "", "")},
	{fault: "429", conn: status(429, "", "")},
	{fault: "429 with `Retry-After: 2`", conn: status(429, "Retry-After: 2", "")},
	{fault: "429 with `Retry-After: 3600`", conn: status(429, "Retry-After: 3600", "")},
	{fault: "429 with a date in an hour as `Retry-After`", conn: func(c net.Conn) {
		status(429, "Retry-After: "+time.Now().Add(time.Hour).UTC().Format(http.TimeFormat), "")(c)
	}},
	{fault: "500", conn: status(500, "", `{"message": "the database is down"}`)},
	{fault: "500 at first", conn: status(500, "", ""), times: 1},
	{fault: "502 with a proxy's page", conn: status(502, "Content-Type: text/html", "<html>Bad gateway</html>")},
	{fault: "503", conn: status(503, "", "")},
	{fault: "its certificate is of an unknown authority", world: func(w *world) {
		w.https()
		w.badCertificate = unknown.certificate("token.invalid", time.Hour)
	}},
	{fault: "its certificate has another name", world: func(w *world) {
		w.https()
		w.badCertificate = known.certificate("other.invalid", time.Hour)
	}},
	{fault: "its certificate has expired", world: func(w *world) {
		w.https()
		w.badCertificate = known.certificate("token.invalid", -time.Hour)
	}},
	{fault: "speaks http where https is due", conn: sends("HTTP/1.1 400 Bad Request\r\n\r\n"), world: (*world).https},
	{fault: "stops in the TLS handshake", conn: hang, world: (*world).https},
	{fault: "its name does not resolve", world: func(w *world) {
		w.https()
		w.resolve = noSuchHost
	}},
	{fault: "DNS does not respond", world: func(w *world) {
		w.https()
		w.resolve = silence
	}},
	{fault: "the proxy refuses connections", world: func(w *world) {
		w.behindProxy()
		w.proxy.refuses = true
	}},
	{fault: "the proxy asks for a password", world: func(w *world) {
		w.behindProxy()
		w.proxy.fault = status(407, "", "")
	}},
	{fault: "its unix socket is missing", world: func(w *world) {
		address := strings.Replace(w.TokenServer.URL, host(w.TokenServer.URL), "localhost", 1)
		w.document(`{"version": 1, "audience": "sts.amazonaws.com", "http": {"url": "` + address + `", "unix_socket": "DIR/socket",
			"headers": {"Authorization": "Bearer ${env:ACTIONS_ID_TOKEN_REQUEST_TOKEN}"}, "query": {"audience": "${audience}"}, "token": "/value"}}`)
		l, err := net.Listen("unix", filepath.Join(w.dir, "socket.away"))
		if err != nil {
			w.t.Error(err)
			return
		}
		w.t.Cleanup(func() { l.Close() })
		w.token.serve(l)
	}, child: func(c *child) func() { return c.bringBack("socket") }},
}

// credentials is what STS answers with, around the given XML.
func credentials(inner string) conn {
	return status(200, "Content-Type: text/xml",
		`<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">`+
			`<AssumeRoleWithWebIdentityResult>`+inner+`</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`)
}

const keys = `<AccessKeyId>ASIAIOSFODNN7EXAMPLE</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>session</SessionToken>`

// refusal is what STS answers with otherwise.
func refusal(code int, name, message string) conn {
	return status(code, "Content-Type: text/xml",
		fmt.Sprintf(`<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">`+
			`<Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>1</RequestId></ErrorResponse>`, name, message))
}

var (
	invalidToken = refusal(400, "InvalidIdentityToken",
		"Couldn't retrieve verification key from your identity provider")
	expiredToken = refusal(400, "ExpiredTokenException",
		"Token expired: current date/time must be before the expiration date/time")
)

func hangs(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

var stsRows = []row{
	{fault: "refuses connections", world: func(w *world) { w.sts.refuses = true }},
	{fault: "drops packets", world: func(w *world) { w.sts.dropsPackets() }, slow: true},
	{fault: "closes the connection", conn: readRequest},
	{fault: "resets the connection", conn: then(readRequest, reset)},
	{fault: "takes the request and never answers", conn: hang, slow: true},
	{fault: "never answers, and the caller has a deadline", conn: hang, child: deadline},
	{fault: "stops in the body", conn: then(sends("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n<Assume"), hang),
		slow: true},
	{fault: "its name does not resolve", world: func(w *world) {
		w.env["AWS_ENDPOINT_URL_STS"] = strings.Replace(w.env["AWS_ENDPOINT_URL_STS"], "127.0.0.1", "sts.invalid", 1)
		w.resolve = noSuchHost
	}},
	{fault: "throttles", conn: refusal(400, "Throttling", "Rate exceeded")},
	{fault: "throttles at first", conn: refusal(400, "Throttling", "Rate exceeded"), times: 1},
	{fault: "500", conn: refusal(500, "InternalFailure", "The request processing has failed")},
	{fault: "502 with a proxy's page", conn: status(502, "Content-Type: text/html", "<html>Bad gateway</html>")},
	{fault: "503", conn: refusal(503, "ServiceUnavailable",
		"The request has failed due to a temporary failure of the server")},
	{fault: "IDPCommunicationError",
		conn: refusal(400, "IDPCommunicationError", "Couldn't reach your identity provider")},
	{fault: "InvalidIdentityToken", conn: invalidToken},
	{fault: "InvalidIdentityToken at first", conn: invalidToken, times: 1},
	{fault: "ExpiredTokenException", conn: expiredToken},
	{fault: "ExpiredTokenException at first", conn: expiredToken, times: 1},
	{fault: "its clock is behind the token server's", world: func(w *world) {
		w.token.fault = status(200, "", `{"value": "`+w.jwt("nbf", time.Hour)+`"}`)
	}},
	{fault: "AccessDenied",
		conn: refusal(403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")},
	{fault: "a page to sign in, with 200", conn: status(200, "Content-Type: text/html", "<html>Sign in<br></html>")},
	{fault: "sends nothing, with 200", conn: status(200, "", "")},
	{fault: "sends half of its XML",
		conn: status(200, "Content-Type: text/xml", "<AssumeRoleWithWebIdentityResponse><Assume")},
	{fault: "sends no credentials", conn: credentials("")},
	{fault: "sends credentials that have expired by our clock",
		conn: credentials("<Credentials>" + keys + "<Expiration>2020-01-01T00:00:00Z</Expiration></Credentials>")},
	{fault: "sends credentials without an expiry", conn: credentials("<Credentials>" + keys + "</Credentials>")},
	{fault: "AccessDenied, for a role behind `source_profile`", world: func(w *world) {
		w.chained()
		w.STS.Script(nil, webidentitytest.STSError(403, "AccessDenied",
			"User: base is not authorized to perform: sts:AssumeRole"))
	}},
	{fault: "503, for a role behind `source_profile`", world: func(w *world) {
		w.chained()
		unavailable := webidentitytest.STSError(503, "ServiceUnavailable",
			"The request has failed due to a temporary failure of the server")
		w.STS.Script(nil, unavailable, nil, unavailable, nil, unavailable)
	}},
	{fault: "never answers, for a role behind `source_profile`", world: func(w *world) {
		w.chained()
		w.STS.Script(nil, hangs)
	}, slow: true},
}

// soon is time enough to send the first requests, and less than the time-out of
// an attempt at the token server.
const soon = 4 * time.Second

// deadline is that of the caller.
func deadline(c *child) func() {
	ctx, cancel := context.WithTimeout(c.ctx, soon)
	c.ctx = ctx
	return cancel
}

// variable replaces a variable, or removes it where value is nil.
func variable(name string, value *string) func(*child) func() {
	return func(*child) func() {
		before := os.Getenv(name)
		os.Unsetenv(name)
		if value != nil {
			os.Setenv(name, *value)
		}
		return func() { os.Setenv(name, before) }
	}
}

// instead puts something else in the place of the token file.
func instead(replace func(path string) error) func(*child) func() {
	return func(c *child) func() {
		path := c.file("token")
		err := os.Rename(path, path+".away")
		if err == nil {
			err = replace(path)
		}
		c.check(err)
		return func() {
			os.Remove(path)
			c.bringBack("token")()
		}
	}
}

func withTokenFile(w *world) { w.tokenFile(w.jwt("exp", time.Hour)) }

// descriptors leaves none.
func descriptors(c *child) func() {
	free, err := syscall.Dup(0)
	c.check(err)
	syscall.Close(free)
	var before syscall.Rlimit
	c.check(syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before))
	c.check(syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: uint64(free), Max: before.Max}))
	return func() { c.check(syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before)) }
}

var processRows = []row{
	{fault: "a variable of the token server is not set", child: variable("ACTIONS_ID_TOKEN_REQUEST_URL", nil)},
	{fault: "a variable of the token server is empty", child: variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN", new(string))},
	{fault: "the token in a variable has expired", world: func(w *world) {
		w.document(`{"version": 1, "env": "ID_TOKEN"}`)
		w.env["ID_TOKEN"] = w.jwt("exp", time.Hour)
		w.env["EXPIRED"] = w.jwt("exp", -time.Hour)
	}, child: func(c *child) func() { expired := os.Getenv("EXPIRED"); return variable("ID_TOKEN", &expired)(c) }},
	{fault: "the token file vanishes after the load", world: withTokenFile,
		child: instead(func(string) error { return nil })},
	{fault: "the token file is empty", world: withTokenFile,
		child: instead(func(path string) error { return os.WriteFile(path, nil, 0o600) })},
	{fault: "the token file is a folder", world: withTokenFile,
		child: instead(func(path string) error { return os.Mkdir(path, 0o700) })},
	{fault: "the token file is a named pipe", world: withTokenFile,
		child: instead(func(path string) error { return syscall.Mkfifo(path, 0o600) })},
	{fault: "the token file holds more than 64 KiB", world: withTokenFile, child: instead(func(path string) error {
		return os.WriteFile(path, []byte(strings.Repeat("x", 64<<10+1)), 0o600)
	})},
	{fault: "the token file may not be read", world: withTokenFile, child: func(c *child) func() {
		c.check(os.Chmod(c.file("token"), 0))
		if os.Geteuid() != 0 {
			return func() { c.check(os.Chmod(c.file("token"), 0o600)) }
		}
		c.check(syscall.Setresuid(-1, 65534, 0))
		return func() { c.check(syscall.Setresuid(-1, 0, 0)) }
	}},
	{fault: "the token file is read while it is half written", world: func(w *world) {
		whole := w.jwt("exp", time.Hour)
		w.tokenFile(whole[:len(whole)/2])
		w.sts.times = 1
		w.sts.fault = func(c net.Conn) {
			w.write("token", whole)
			w.sts.pipe(c)
		}
	}},
	{fault: "the config file vanishes after the load", child: func(c *child) func() {
		c.check(os.Rename(c.file("config"), c.file("config.away")))
		return c.bringBack("config")
	}},
	{fault: "there are no descriptors left", child: descriptors},
	{fault: "there are no descriptors left for the load", child: descriptors, load: true},
	{fault: "the caller gives up", conn: hang, child: func(c *child) func() {
		ctx, cancel := context.WithCancel(c.ctx)
		c.ctx = ctx
		time.AfterFunc(soon, cancel)
		return cancel
	}},
	{fault: "the caller's deadline ends", conn: hang, child: deadline},
	{fault: "SIGTERM, which ends the caller's context", conn: hang, child: func(c *child) func() {
		ctx, stop := signal.NotifyContext(c.ctx, syscall.SIGTERM)
		c.ctx = ctx
		time.AfterFunc(soon, func() { syscall.Kill(os.Getpid(), syscall.SIGTERM) })
		return stop
	}},
}

// terminates sends SIGTERM to the command as soon as the token server is asked.
func terminates(w *world) {
	w.token.fault = func(c net.Conn) {
		w.terminate()
		hang(c)
	}
}

var commandRows = []row{
	{fault: "`exec`: the token server says 403", conn: status(403, "", ""),
		args: []string{"exec", "--", "echo", "started"}},
	{fault: "`exec`: SIGTERM while the token server does not respond", world: terminates,
		args: []string{"exec", "--", "echo", "started"}},
	{fault: "`credential-process`: the token server says 403", conn: status(403, "", ""),
		args: []string{"credential-process"}},
	{fault: "`credential-process`: SIGTERM while the token server does not respond", world: terminates,
		args: []string{"credential-process"}},
}
