package conformance

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

const flawFlag = "-flaw="

// flaws are what an adapter can do wrong in the case value-github, and what the
// runner must say of it.
var flaws = map[string]string{
	"asks twice":             "one to the server \"sts\" is expected",
	"asks once more":         "no request is expected",
	"asks STS first":         "one to the server \"token\" is expected",
	"sends no audience":      "the query parameter audience is []",
	"sends two audiences":    "the query parameter audience is [",
	"drops the URL's query":  "the query parameter api-version is []",
	"sends another query":    "the query parameter more is",
	"posts":                  "the method is",
	"another path":           "the path is",
	"sends a body":           "the body is",
	"no request token":       "the header Authorization is []",
	"basic, not bearer":      "the header Authorization is [",
	"two request tokens":     "the header Authorization is [",
	"skips STS":              "request 2, to the server \"sts\", was not sent",
	"another token":          "the form's WebIdentityToken",
	"no session name":        "the form's RoleSessionName",
	"odd session name":       "the session name is \"a b\"",
	"another role":           "the form's RoleArn",
	"sends a duration":       "the form's DurationSeconds",
	"signs":                  "the header Authorization is [",
	"token on stderr":        "the secret ${TOKEN_1} is in stderr",
	"token on stdout":        "the secret ${TOKEN_1} is in stdout",
	"request token on error": "the secret ${SECRET_1} is in the error's message",
	"request token in lines": "the secret ${SECRET_1} is in the error's message",
	"secret key on stderr":   "the secret ${SECRET_KEY_1} is in stderr",
	"hangs":                  "did not end in time",
	"leaves a child":         "did not end in time",
	"crashes":                "exit code 3",
	"is killed":              "crashed",
	"prints garbage":         "not JSON",
	"prints no version":      "not JSON with the Version 1",
	"prints nothing":         "wrote 0 lines, not 1",
	"prints twice":           "wrote 2 lines, not 1",
	"wrong exit code":        "the exit code is 1",
	"another key":            "the credentials are",
	"no session token":       "the credentials are",
	"no expiration":          "the expiration is",
	"another expiration":     "the expiration is",
	"an error":               "an error came, not credentials",
}

func TestRunnerBites(t *testing.T) {
	t.Parallel()
	cases, err := choose(load(t), "value-github")
	if err != nil {
		t.Fatal(err)
	}
	judge := func(t *testing.T, flaw string, known map[string]string) Result {
		t.Helper()
		r := Runner{Adapter: []string{os.Args[0], flawFlag + flaw}, Parallel: 1, Timeout: time.Minute, Known: known}
		if flaw != "" { // saves a process
			r.Capabilities = []string{"token-server", ErrorClass}
		}
		if flaw == "hangs" || flaw == "leaves a child" {
			r.Timeout = 2 * time.Second
		}
		report, err := r.Run(t.Context(), cases)
		if err != nil {
			t.Fatal(err)
		}
		return report.Results[0]
	}
	for flaw, want := range flaws {
		t.Run(flaw, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			result := judge(t, flaw, nil)
			if reasons := strings.Join(result.Reasons, "\n"); result.Status != Failed ||
				!strings.Contains(reasons, want) {
				t.Errorf("%s, %s", result.Status, reasons)
			}
			if time.Since(began) > 30*time.Second {
				t.Error("a process was not killed")
			}
		})
	}
	t.Run("no flaw", func(t *testing.T) {
		t.Parallel()
		if result := judge(t, "", nil); result.Status != Passed {
			t.Error(result.Status, result.Reasons)
		}
	})
	t.Run("known to fail, and passes", func(t *testing.T) {
		t.Parallel()
		if result := judge(t, "", map[string]string{"value-github": "why"}); result.Status != Failed {
			t.Error(result.Status, result.Reasons)
		}
	})
	t.Run("known to fail", func(t *testing.T) {
		t.Parallel()
		if result := judge(t, "crashes", map[string]string{"value-github": "why"}); result.Status != Known ||
			result.Reasons[0] != "why" {
			t.Error(result.Status, result.Reasons)
		}
	})
}

// An adapter that is not there could not be run, which is no failure of the case.
func TestCouldNotRun(t *testing.T) {
	t.Parallel()
	cases, err := choose(load(t), "baseline-nothing")
	if err != nil {
		t.Fatal(err)
	}
	r := Runner{Adapter: []string{"./no-such-adapter"}, Capabilities: []string{}, Parallel: 1, Timeout: time.Minute}
	report, err := r.Run(t.Context(), cases)
	if err != nil || report.Count(CouldNot) != 1 || report.OK() {
		t.Errorf("%v, %v", err, report)
	}
	r.Capabilities = nil
	if _, err := r.Run(t.Context(), cases); err == nil {
		t.Error("capabilities of an adapter that is not there")
	}
}

// What the adapters' capabilities and error classes decide.
func TestErrorClass(t *testing.T) {
	t.Parallel()
	w := &world{names: &placeholders{}}
	got := retrieval{Error: &struct{ Class, Message string }{"role-denied", "no"}}
	want := Expectation{Error: &Refusal{Class: "role-denied", Mentions: []string{"me"}}}
	if w.difference(got, want, true) == "" || w.difference(got, want, false) == "" {
		t.Error("a message without what it should mention")
	}
	got.Error.Message = "it is me"
	if difference := w.difference(got, want, true); difference != "" {
		t.Error(difference)
	}
	got.Error.Class = "token-refused"
	if w.difference(got, want, true) == "" || w.difference(got, want, false) != "" {
		t.Error("another class")
	}
	if w.difference(retrieval{}, want, false) == "" {
		t.Error("credentials, not an error")
	}
}

// brokenAdapter does what the case value-github wants, but for a flaw.
func brokenAdapter(flaw string, args []string) {
	if len(args) > 0 {
		fmt.Println(`["token-server", "error-class"]`)
		return
	}
	is := func(name string) bool { return flaw == name }
	tokenURL, _ := url.Parse(os.Getenv("ACTIONS_ID_TOKEN_REQUEST_URL"))
	requestToken := os.Getenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
	sts := os.Getenv("AWS_ENDPOINT_URL_STS")

	var token string
	ask := func() {
		u, method, body := *tokenURL, "GET", ""
		query := u.Query()
		if is("drops the URL's query") {
			query = url.Values{}
		}
		if !is("sends no audience") {
			query.Add("audience", "sts.amazonaws.com")
		}
		switch {
		case is("sends two audiences"):
			query.Add("audience", "me")
		case is("sends another query"):
			query.Add("more", "1")
		case is("posts"):
			method = "POST"
		case is("another path"):
			u.Path += "/"
		case is("sends a body"):
			body = "hello"
		}
		u.RawQuery = query.Encode()
		r, _ := http.NewRequest(method, u.String(), strings.NewReader(body))
		switch {
		case is("no request token"):
		case is("basic, not bearer"):
			r.Header.Add("Authorization", "Basic "+requestToken)
		case is("two request tokens"):
			r.Header.Add("Authorization", "Bearer "+requestToken)
			fallthrough
		default:
			r.Header.Add("Authorization", "Bearer "+requestToken)
		}
		if response, err := http.DefaultClient.Do(r); err == nil {
			var got struct{ Value string }
			json.NewDecoder(response.Body).Decode(&got)
			token = got.Value
		}
	}
	var issued struct {
		Credentials struct{ AccessKeyId, SecretAccessKey, SessionToken, Expiration string } `xml:"AssumeRoleWithWebIdentityResult>Credentials"`
	}
	assume := func() {
		form := url.Values{
			"Action": {"AssumeRoleWithWebIdentity"}, "Version": {"2011-06-15"}, "RoleArn": {os.Getenv("AWS_ROLE_ARN")},
			"RoleSessionName": {"me"}, "WebIdentityToken": {token},
		}
		switch {
		case is("another token"):
			form.Set("WebIdentityToken", "another")
		case is("no session name"):
			form.Set("RoleSessionName", "")
		case is("odd session name"):
			form.Set("RoleSessionName", "a b")
		case is("another role"):
			form.Add("RoleArn", "another")
		case is("sends a duration"):
			form.Set("DurationSeconds", "900")
		}
		r, _ := http.NewRequest("POST", sts, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if is("signs") {
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=")
		}
		if response, err := http.DefaultClient.Do(r); err == nil {
			text, _ := io.ReadAll(response.Body)
			xml.Unmarshal(text, &issued)
		}
	}
	switch {
	case is("asks STS first"):
		assume()
	case is("asks twice"):
		ask()
	}
	ask()
	if !is("skips STS") {
		assume()
	}
	if is("asks once more") {
		ask()
	}

	got := &issued.Credentials
	switch flaw {
	case "token on stderr":
		fmt.Fprintln(os.Stderr, "token:", token)
	case "secret key on stderr":
		fmt.Fprintf(os.Stderr, "%+v\n", got)
	case "token on stdout":
		fmt.Printf("{\"Version\":1,\"Token\":%q}\n", token)
	case "request token on error":
		fmt.Printf("{\"Version\":1,\"Error\":{\"Class\":\"\",\"Message\":%q}}\n", "not "+requestToken)
		os.Exit(1)
	case "request token in lines":
		fmt.Printf("{\"Version\":1,\"Error\":{\"Class\":\"\",\"Message\":%q}}\n", requestToken[:20]+"\r\n"+requestToken[20:])
		os.Exit(1)
	case "an error":
		fmt.Println(`{"Version":1,"Error":{"Class":"role-denied","Message":"no"}}`)
		os.Exit(1)
	case "hangs":
		time.Sleep(time.Hour)
	case "leaves a child":
		child := exec.Command(os.Args[0], flawFlag+"hangs")
		child.Env, child.Stdout, child.Stderr = os.Environ(), os.Stdout, os.Stderr
		child.Run()
	case "crashes":
		os.Exit(3)
	case "is killed":
		self, _ := os.FindProcess(os.Getpid())
		self.Kill()
		time.Sleep(time.Minute)
	case "prints garbage":
		fmt.Println("hello")
	case "prints nothing":
		return
	case "another key":
		got.AccessKeyId = "ASIAANOTHER"
	case "no session token":
		got.SessionToken = ""
	case "no expiration":
		got.Expiration = ""
	case "another expiration":
		got.Expiration = "2099-01-01T00:00:00Z"
	}
	line := map[string]any{
		"Version": 1, "AccessKeyId": got.AccessKeyId, "SecretAccessKey": got.SecretAccessKey,
		"SessionToken": got.SessionToken, "Expiration": got.Expiration,
	}
	if is("prints no version") {
		delete(line, "Version")
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.Encode(line)
	if is("prints twice") {
		encoder.Encode(line)
	}
	if is("wrong exit code") {
		os.Exit(1)
	}
}
