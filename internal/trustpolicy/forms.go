package trustpolicy

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// ParseAll reads a trust policy in a form that [Parse] reads, or those of all roles in a plan or state of Terraform: what
// terraform show -json writes (https://developer.hashicorp.com/terraform/internals/json-format), or a state file.
func ParseAll(document []byte) ([]*Policy, error) {
	var top map[string]any
	if json.Unmarshal(document, &top) != nil || top["terraform_version"] == nil {
		policy, err := Parse(document)
		if err != nil {
			return nil, err
		}
		return []*Policy{policy}, nil
	}
	var part any = top
	for _, name := range []string{"planned_values", "values"} { // a plan repeats itself elsewhere
		if top[name] != nil {
			part = top[name]
			break
		}
	}
	roles := terraformRoles(part, "")
	slices.SortFunc(roles, func(a, b terraformRole) int { return cmp.Compare(a.address, b.address) })
	var policies []*Policy
	for _, r := range roles {
		policy, err := Parse([]byte(r.policy))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.address, err)
		}
		policy.Name, policy.RoleARN = r.address, r.arn
		policies = append(policies, policy)
	}
	if len(policies) == 0 {
		return nil, errors.New("trust policy: no role of the plan or state has an assume_role_policy that is known yet")
	}
	return policies, nil
}

type terraformRole struct{ address, arn, policy string }

// terraformRoles finds the roles in v, which is part of the resource at an address.
func terraformRoles(v any, address string) (roles []terraformRole) {
	switch v := v.(type) {
	case []any:
		for _, element := range v {
			roles = append(roles, terraformRoles(element, address)...)
		}
	case map[string]any:
		if own, ok := v["address"].(string); ok {
			address = own
		} else if kind, ok := v["type"].(string); ok && v["instances"] != nil { // of a state file
			address = fmt.Sprint(kind, ".", v["name"])
		}
		if policy, ok := v["assume_role_policy"].(string); ok {
			arn, _ := v["arn"].(string)
			return []terraformRole{{address, arn, policy}}
		}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			roles = append(roles, terraformRoles(v[name], address)...)
		}
	}
	return roles
}
