// Package conformance holds the conformance suite of web_identity_token_server,
// and runs it against any implementation, in any language, through an adapter.
// docs/conformance.md says how to write one, docs/specification.md what is
// tested.
package conformance

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

//go:embed vectors case.schema.json CHANGELOG.md
var embedded embed.FS

// Version is the version of the suite.
func Version() string {
	text, _ := embedded.ReadFile("vectors/VERSION")
	return strings.TrimSpace(string(text))
}

// Case is a case as case.json says it: case.schema.json explains the members.
type Case struct {
	Schema    string             `json:"$schema"`
	ID        string             `json:"id"`
	Title     string             `json:"title"`
	Clauses   []string           `json:"clauses"`
	Requires  []string           `json:"requires"`
	Env       map[string]*string `json:"env"`
	Profile   string             `json:"profile"`
	Wait      float64            `json:"wait"`
	Exchanges []Exchange         `json:"exchanges"`
	Expect    []Expectation      `json:"expect"`

	text   []byte
	folder fs.FS
}

// Exchange is a request that one of the runner's servers expects, and the
// response to it.
type Exchange struct {
	Server   string   `json:"server"`
	Optional bool     `json:"optional"`
	Request  Request  `json:"request"`
	Response Response `json:"response"`
}

// Request is what is asserted of a request.
type Request struct {
	Method            string            `json:"method"`
	Path              string            `json:"path"`
	Query             map[string]string `json:"query"`
	RawQuery          *string           `json:"raw_query"`
	Headers           map[string]string `json:"headers"`
	AbsentHeaders     []string          `json:"absent_headers"`
	Form              map[string]string `json:"form"`
	OptionalForm      []string          `json:"optional_form"`
	JSON              json.RawMessage   `json:"json"`
	ClientCertificate bool              `json:"client_certificate"`
	After             float64           `json:"after"`
}

// Response is what a server responds with.
type Response struct {
	Status   int               `json:"status"`
	Headers  map[string]string `json:"headers"`
	Body     *string           `json:"body"`
	Base64   []byte            `json:"base64"`
	JSON     json.RawMessage   `json:"json"`
	STS      *Issue            `json:"sts"`
	STSError *STSError         `json:"sts_error"`
	Delay    float64           `json:"delay"`
	Hang     bool              `json:"hang"`
	Close    bool              `json:"close"`
	Files    map[string]string `json:"files"`
}

// Issue makes the fake STS issue the credentials with a number.
type Issue struct {
	Credentials int     `json:"credentials"`
	Lifetime    float64 `json:"lifetime"`
	Expiration  string  `json:"expiration"`
	ARN         *string `json:"arn"`
}

// STSError is a refusal by the fake STS.
type STSError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Expectation is what one retrieval must come to: the credentials that STS
// issued under a number, static keys, or a refusal.
type Expectation struct {
	Credentials int      `json:"credentials"`
	AccountID   *string  `json:"account_id"`
	Keys        *Keys    `json:"keys"`
	Error       *Refusal `json:"error"`
}

// Keys are static keys.
type Keys struct {
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string `json:"SecretAccessKey"`
	SessionToken    string `json:"SessionToken"`
}

// Refusal is an expected error. An empty class is any.
type Refusal struct {
	Class    string   `json:"class"`
	Mentions []string `json:"mentions"`
}

// Group is the folder that the case is in, and the first word of its id.
func (c *Case) Group() string {
	group, _, _ := strings.Cut(c.ID, "-")
	return group
}

// Load returns the cases of the suite, in the order of their ids.
func Load() ([]*Case, error) {
	vectors, err := fs.Sub(embedded, "vectors")
	if err != nil {
		return nil, err
	}
	return LoadFS(vectors)
}

// LoadFS returns the cases below a folder of vectors: <group>/<id>/case.json.
func LoadFS(vectors fs.FS) ([]*Case, error) {
	var cases []*Case
	files, err := fs.Glob(vectors, "*/*/case.json")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		text, err := fs.ReadFile(vectors, file)
		if err != nil {
			return nil, err
		}
		c, err := decode(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if want := path.Join(c.Group(), c.ID, "case.json"); file != want {
			return nil, fmt.Errorf("%s: a case with the id %q must be in %s", file, c.ID, want)
		}
		c.text = text
		if c.folder, err = fs.Sub(vectors, path.Dir(file)); err != nil {
			return nil, err
		}
		cases = append(cases, c)
	}
	if len(cases) == 0 {
		return nil, fmt.Errorf("there is no case; a case is a file <group>/<id>/case.json")
	}
	return cases, nil
}

func decode(text []byte) (*Case, error) {
	var c Case
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&c); err != nil {
		return nil, err
	}
	return &c, nil
}
