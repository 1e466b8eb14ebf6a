// Package trustpolicy explains why a role's trust policy lets a web identity token in, or keeps it out. It evaluates the
// policy for sts:AssumeRoleWithWebIdentity as AWS documents that IAM does, and names for each condition that failed what
// came nearest. What AWS leaves open, or what only AWS can see, is unknown and never guessed.
package trustpolicy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
)

// A Policy is a role's trust policy.
type Policy struct {
	// RoleARN is the role's, where known: it names the account in which the identity provider must be. Parse sets it
	// from the output of aws iam get-role.
	RoleARN string

	// Name is the role's address in Terraform, or empty.
	Name string

	version    string
	statements []statement
}

type statement struct {
	sid, effect             string
	principals              []principal
	actions                 []string
	notPrincipal, notAction bool
	conditions              []condition
}

type principal struct{ kind, value string }

type condition struct {
	operator, key string
	values        []string
}

// Parse reads a trust policy: the document itself, as JSON or URL-encoded as the IAM API returns it
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRole.html), or the whole output of aws iam get-role.
func Parse(document []byte) (*Policy, error) {
	policy := new(Policy)
	members, err := policy.unwrap(document)
	if err == nil {
		err = policy.parse(members)
	}
	if err != nil {
		return nil, fmt.Errorf("trust policy: %w", err)
	}
	return policy, nil
}

// unwrap takes off URL encoding, JSON quotes and what aws iam get-role puts around a document.
func (p *Policy) unwrap(document []byte) ([]member, error) {
	document = bytes.TrimSpace(document)
	if bytes.HasPrefix(document, []byte("%")) {
		decoded, err := url.PathUnescape(string(document))
		if err != nil {
			return nil, err
		}
		document = []byte(decoded)
	}
	var syntax *json.SyntaxError
	if err := json.Unmarshal(document, new(json.RawMessage)); errors.As(err, &syntax) {
		return nil, fmt.Errorf("not JSON: line %d: %w", 1+bytes.Count(document[:syntax.Offset], []byte("\n")), err)
	}
	var text *string
	if json.Unmarshal(document, &text) == nil && text != nil {
		return p.unwrap([]byte(*text))
	}
	members, err := object("the document", document)
	for _, m := range members {
		switch m.name {
		case "Arn":
			if json.Unmarshal(m.value, &p.RoleARN) != nil {
				return nil, errors.New("the Arn must be a string")
			}
		case "Role", "AssumeRolePolicyDocument":
			// The Arn may come after the document: the loop goes on.
			if members, err = p.unwrap(m.value); err != nil {
				return nil, fmt.Errorf("%s: %w", m.name, err)
			}
		}
	}
	return members, err
}

func (p *Policy) parse(members []member) error {
	for _, m := range members {
		switch m.name {
		case "Version":
			// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html
			if json.Unmarshal(m.value, &p.version) != nil || p.version != "2012-10-17" && p.version != "2008-10-17" {
				return errors.New(`the Version must be "2012-10-17" or "2008-10-17"`)
			}
		case "Id":
		case "Statement":
			var statements []json.RawMessage
			if json.Unmarshal(m.value, &statements) != nil {
				statements = []json.RawMessage{m.value}
			}
			for i, raw := range statements {
				s, err := parseStatement(fmt.Sprintf("Statement[%d]", i), raw)
				if err != nil {
					return err
				}
				p.statements = append(p.statements, s)
			}
		default:
			return fmt.Errorf("%q is not a member of a policy", m.name)
		}
	}
	if len(p.statements) == 0 {
		return errors.New("no Statement")
	}
	return nil
}

func parseStatement(path string, raw json.RawMessage) (s statement, err error) {
	members, err := object(path, raw)
	if err != nil {
		return s, err
	}
	var names []string
	for _, m := range members {
		names = append(names, m.name)
		path := path + "." + m.name
		switch m.name {
		case "Sid":
			if json.Unmarshal(m.value, &s.sid) != nil {
				return s, fmt.Errorf("%s must be a string", path)
			}
		case "Effect":
			if json.Unmarshal(m.value, &s.effect) != nil || s.effect != "Allow" && s.effect != "Deny" {
				return s, fmt.Errorf(`%s must be "Allow" or "Deny"`, path)
			}
		case "Principal":
			s.principals, err = parsePrincipals(path, m.value)
		case "NotPrincipal":
			s.notPrincipal = true
		case "Action":
			s.actions, err = texts(path, m.value)
		case "NotAction":
			s.notAction = true
			s.actions, err = texts(path, m.value)
		case "Condition":
			s.conditions, err = parseConditions(path, m.value)
		default:
			return s, fmt.Errorf("%s is not a member of a statement in a trust policy", path)
		}
		if err != nil {
			return s, err
		}
	}
	if s.effect == "" {
		return s, fmt.Errorf("%s has no Effect", path)
	}
	for _, name := range []string{"Principal", "Action"} {
		if slices.Contains(names, name) == slices.Contains(names, "Not"+name) {
			return s, fmt.Errorf("%s must have either %s or Not%[2]s", path, name)
		}
	}
	return s, nil
}

// parsePrincipals makes of "*" what AWS says it is, {"AWS": "*"}:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
func parsePrincipals(path string, raw json.RawMessage) (all []principal, err error) {
	var everyone string
	if json.Unmarshal(raw, &everyone) == nil && everyone == "*" {
		return []principal{{"AWS", "*"}}, nil
	}
	kinds, err := object(path, raw)
	if err != nil {
		return nil, fmt.Errorf(`%w, or "*"`, err)
	}
	for _, m := range kinds {
		values, err := texts(path+"."+m.name, m.value)
		if err != nil {
			return nil, err
		}
		for _, value := range values {
			all = append(all, principal{m.name, value})
		}
	}
	return all, nil
}

func parseConditions(path string, raw json.RawMessage) (all []condition, err error) {
	operators, err := object(path, raw)
	if err != nil {
		return nil, err
	}
	for _, operator := range operators {
		path := path + "." + operator.name
		keys, err := object(path, operator.value)
		if err != nil {
			return nil, err
		}
		for _, key := range keys {
			values, err := texts(path+"."+key.name, key.value)
			if err != nil {
				return nil, err
			}
			all = append(all, condition{operator.name, key.name, values})
		}
	}
	return all, nil
}

type member struct {
	name  string
	value json.RawMessage
}

// object returns the members in the document's order. A policy with a member twice is refused, as IAM refuses it: with a
// map one of both would be lost in silence. raw is valid JSON.
func object(path string, raw json.RawMessage) (members []member, err error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return nil, fmt.Errorf("%s must be an object", path)
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		m := member{name: name.(string)}
		if err := decoder.Decode(&m.value); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(members, func(other member) bool { return other.name == m.name }) {
			return nil, fmt.Errorf("%s has %q twice", path, m.name)
		}
		members = append(members, m)
	}
	return members, nil
}

// texts reads one value or a list of them; in a policy true and "true", 1 and "1" are the same.
func texts(path string, raw json.RawMessage) ([]string, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value any
	err := decoder.Decode(&value)
	values, ok := stringsOf(value)
	if err != nil || !ok || value == nil {
		return nil, fmt.Errorf("%s must be a string or a list of strings", path)
	}
	return values, nil
}

// stringsOf returns a JSON value as the strings that IAM compares; ok is false where it holds an object or a list in a list.
func stringsOf(value any) (all []string, ok bool) {
	list, ok := value.([]any)
	if !ok && value != nil {
		list = []any{value}
	}
	for _, element := range list {
		switch v := element.(type) {
		case string:
			all = append(all, v)
		case bool, json.Number:
			all = append(all, fmt.Sprint(v))
		case float64:
			all = append(all, strconv.FormatFloat(v, 'f', -1, 64))
		default:
			return nil, false
		}
	}
	return all, true
}
