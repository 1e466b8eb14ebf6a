package conformance

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"
)

// handler responds as the exchanges say. What they do not say is a problem, and
// gets 400, which no implementation retries.
func (w *world) handler(server string) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		arrived := time.Now()
		body, _ := io.ReadAll(r.Body)
		response, err := w.take(server, r, string(body), arrived)
		if err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
		defer func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.answered = time.Now()
		}()
		wait := time.Duration(response.Delay * float64(time.Second))
		if response.Hang {
			wait = time.Hour
		}
		select {
		case <-time.After(wait):
		case <-r.Context().Done():
		case <-w.closed:
		}
		if response.Close {
			panic(http.ErrAbortHandler)
		}
		w.write(rw, response)
	})
}

// take checks a request against the next exchange, and returns the response.
func (w *world) take(server string, r *http.Request, body string, arrived time.Time) (*Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.log("%s %s %s", server, r.Method, w.names.name(r.URL.String()))
	what := fmt.Sprintf("request %d, %s %s to the server %q", w.next+1, r.Method, w.names.name(r.URL.String()), server)
	if w.next == len(w.Exchanges) || w.Exchanges[w.next].Server != server {
		expected := "no request is"
		if w.next < len(w.Exchanges) {
			expected = fmt.Sprintf("one to the server %q is", w.Exchanges[w.next].Server)
		}
		w.problem("%s: %s expected here", what, expected)
		return nil, errors.New("the case expects another request here")
	}
	exchange := &w.Exchanges[w.next]
	w.next++
	differences := exchange.Request.differences(server, r, body)
	if after := time.Duration(exchange.Request.After * float64(time.Second)); arrived.Sub(w.answered) < after {
		differences = append(differences, fmt.Sprintf("it came %v after the last response, not %v after it or later",
			arrived.Sub(w.answered).Round(time.Millisecond), after))
	}
	for _, difference := range differences {
		w.problem("%s: %s", what, w.names.name(difference))
	}
	if len(differences) > 0 {
		return nil, errors.New("the case expects another request here: " + strings.Join(differences, "; "))
	}
	for name, text := range exchange.Response.Files {
		if err := w.writeFile(name, text); err != nil {
			return nil, err
		}
	}
	return &exchange.Response, nil
}

func (w *world) problem(format string, args ...any) {
	w.problems = append(w.problems, fmt.Sprintf(format, args...))
}

// differences says what of r is not as wanted.
func (want *Request) differences(server string, r *http.Request, body string) (list []string) {
	differ := func(what string, got, want any) {
		list = append(list, fmt.Sprintf("%s is %q, not %q", what, got, want))
	}
	method, path := http.MethodGet, "/token"
	if server == "sts" {
		method, path = http.MethodPost, "/"
	}
	if want.Method != "" {
		method = want.Method
	}
	if want.Path != "" {
		path = want.Path
	}
	if r.Method != method {
		differ("the method", r.Method, method)
	}
	if r.URL.EscapedPath() != path {
		differ("the path", r.URL.EscapedPath(), path)
	}
	if r.ProtoMajor != 1 {
		differ("the protocol", r.Proto, "HTTP/1.1")
	}
	if got := r.TLS != nil && len(r.TLS.PeerCertificates) > 0; got != want.ClientCertificate {
		list = append(list, fmt.Sprintf("with a client certificate: %v, not %v", got, want.ClientCertificate))
	}
	if want.RawQuery != nil {
		if r.URL.RawQuery != *want.RawQuery {
			differ("the query", r.URL.RawQuery, *want.RawQuery)
		}
	} else {
		query, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			differ("the query", r.URL.RawQuery, "well-formed")
		}
		list = append(list, compare("the query parameter", query, want.Query, nil)...)
	}
	for name, value := range want.Headers {
		if got := r.Header.Values(name); len(got) != 1 || !matches(got[0], value) {
			differ("the header "+name, got, []string{value})
		}
	}
	for _, name := range want.AbsentHeaders {
		if got := r.Header.Values(name); len(got) > 0 {
			differ("the header "+name, got, []string{})
		}
	}
	switch {
	case want.Form != nil:
		if kind := r.Header.Get("Content-Type"); !strings.HasPrefix(kind, "application/x-www-form-urlencoded") {
			differ("the content type", kind, "application/x-www-form-urlencoded")
		}
		form, err := url.ParseQuery(body)
		if err != nil {
			differ("the body", body, "a well-formed form")
		}
		list = append(list, compare("the form's", form, want.Form, want.OptionalForm)...)
		if name := form.Get("RoleSessionName"); server == "sts" && !sessionName.MatchString(name) {
			differ("the session name", name, sessionName)
		}
	case want.JSON != nil:
		var gotJSON, wantJSON any
		if err := json.Unmarshal([]byte(body), &gotJSON); err != nil {
			differ("the body", body, "JSON")
		}
		if json.Unmarshal(want.JSON, &wantJSON); !reflect.DeepEqual(gotJSON, wantJSON) {
			differ("the body", body, string(want.JSON))
		}
	case body != "":
		differ("the body", body, "")
	}
	return list
}

// sessionName is what STS takes:
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
var sessionName = regexp.MustCompile(`^[A-Za-z0-9_+=,.@-]{2,64}$`)

// compare says what of the parameters got is not as wanted.
func compare(what string, got url.Values, want map[string]string, optional []string) (list []string) {
	for name, value := range want {
		if values := got[name]; len(values) != 1 || !matches(values[0], value) {
			list = append(list, fmt.Sprintf("%s %s is %q, not %q", what, name, values, []string{value}))
		}
	}
	for name, values := range got {
		if _, wanted := want[name]; !wanted && !slices.Contains(optional, name) {
			list = append(list, fmt.Sprintf("%s %s is %q, and should not be there", what, name, values))
		}
	}
	sort.Strings(list)
	return list
}

// matches reports whether got is what is wanted: a text, the beginning of one
// before a final "*", or anything but nothing for a lone "*".
func matches(got, want string) bool {
	if begin, open := strings.CutSuffix(want, "*"); open {
		return got != "" && strings.HasPrefix(got, begin)
	}
	return got == want
}

// write writes a response.
func (w *world) write(rw http.ResponseWriter, response *Response) {
	status, kind, body := response.Status, "text/plain", ""
	switch {
	case response.Body != nil:
		body = *response.Body
	case response.JSON != nil:
		kind, body = "application/json", string(response.JSON)
	case response.Base64 != nil:
		body = string(response.Base64)
	case response.STS != nil:
		kind, body = "text/xml", w.issue(response.STS)
	case response.STSError != nil:
		kind, body = "text/xml",
			fmt.Sprintf(`<ErrorResponse xmlns="%s"><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error>`+
				`<RequestId>00000000-0000-4000-8000-000000000000</RequestId></ErrorResponse>`,
				stsNamespace, escape(response.STSError.Code), escape(response.STSError.Message))
	}
	rw.Header().Set("Content-Type", kind)
	for name, value := range response.Headers {
		rw.Header().Set(name, value)
	}
	if status == 0 {
		status = http.StatusOK
	}
	if status == http.StatusSwitchingProtocols { // the connection is another protocol's from then on
		connection, _, err := rw.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer connection.Close()
		io.WriteString(connection, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
		connection.SetDeadline(time.Now().Add(time.Minute))
		io.Copy(io.Discard, connection) // until the client closes it
		return
	}
	rw.WriteHeader(status)
	io.WriteString(rw, body)
}

const stsNamespace = "https://sts.amazonaws.com/doc/2011-06-15/"

// issue is the response of STS that holds credentials. AssumeRole's and
// AssumeRoleWithWebIdentity's differ in the names of two elements.
func (w *world) issue(issue *Issue) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	lifetime := issue.Lifetime
	if lifetime == 0 {
		lifetime = 3600
	}
	expires := time.Now().Add(time.Duration(lifetime * float64(time.Second))).UTC().Truncate(time.Second)
	w.expires[issue.Credentials] = expires
	written := expires.Format(time.RFC3339)
	switch issue.Expiration {
	case "fraction":
		written = expires.Format("2006-01-02T15:04:05.000Z")
	case "offset":
		written = expires.In(time.FixedZone("", 3600)).Format(time.RFC3339)
	}
	arn := "arn:aws:sts::123456789012:assumed-role/role/session"
	if issue.ARN != nil {
		arn = *issue.ARN
	}
	action := w.Exchanges[w.next-1].Request.Form["Action"]
	text, _ := w.names.simple(fmt.Sprintf(`<%[1]sResponse xmlns="%[2]s"><%[1]sResult>`+
		`<AssumedRoleUser><Arn>%[5]s</Arn><AssumedRoleId>AROA:session</AssumedRoleId></AssumedRoleUser>`+
		`<Credentials><AccessKeyId>${KEY_ID_%[3]d}</AccessKeyId><SecretAccessKey>${SECRET_KEY_%[3]d}</SecretAccessKey>`+
		`<SessionToken>${SESSION_%[3]d}</SessionToken><Expiration>%[4]s</Expiration></Credentials></%[1]sResult>`+
		`<ResponseMetadata><RequestId>00000000-0000-4000-8000-000000000000</RequestId></ResponseMetadata></%[1]sResponse>`,
		action, stsNamespace, issue.Credentials, written, escape(arn)))
	return text
}

func escape(text string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(text))
	return b.String()
}
