//go:build linux || darwin

package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	stdout, stderr, exitCode := finish(t, commandIn(t, newWorldOfSeveral(t), severalProfiles, "check"))
	text := strings.Join(strings.Fields(stdout), " ")
	if exitCode != 1 || stderr != "" {
		t.Errorf("exit %d: %s", exitCode, stderr)
	}
	for _, want := range []string{
		"PROFILE ACCOUNT ROLE SESSION LIFE", "deploy 123456789012 deploy build 1h0m", "audit 210987654321 audit audit",
		"STS denied role " + deniedARN, " denied: web_", " broken: web_", "explain --trust-policy FILE says why",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in:\n%s", want, stdout)
		}
	}
	if strings.Contains(stdout, "keys") {
		t.Errorf("%s", stdout)
	}
}

func TestCheckJSON(t *testing.T) {
	t.Parallel()
	stdout, _, exitCode := finish(t, commandIn(t, newWorldOfSeveral(t), severalProfiles, "check", "--format", "json", "--profile", "audit"))
	var results []result
	if err := json.Unmarshal([]byte(stdout), &results); err != nil || exitCode != 0 || len(results) != 1 ||
		results[0].Account != "210987654321" || results[0].Role != "audit" || results[0].Error != "" ||
		time.Until(*results[0].Expires) < 14*time.Minute {
		t.Errorf("exit %d, %v: %s", exitCode, err, stdout)
	}
	cmd := commandIn(t, newWorldOfSeveral(t), severalProfiles, "check", "--format", "json", "--profile", "denied")
	stdout, _, exitCode = finish(t, cmd)
	if exitCode != 1 || !strings.Contains(stdout, `"class": "role-denied"`) {
		t.Errorf("exit %d: %s", exitCode, stdout)
	}
}

func TestCheckNothing(t *testing.T) {
	t.Parallel()
	if _, stderr, exitCode := finish(t, commandIn(t, newWorld(t), "[deploy]\nregion = x\n", "check")); exitCode != 1 ||
		!strings.Contains(stderr, "rests on a token server") {
		t.Errorf("exit %d: %s", exitCode, stderr)
	}
}

func TestProfiles(t *testing.T) {
	t.Parallel()
	stdout, stderr, exitCode := finish(t, commandIn(t, newWorldOfSeveral(t), severalProfiles+"[profile doc]\nrole_arn = "+deployARN+
		"\nweb_identity_token_server = eyJ2ZXJzaW9uIjoxLCJmaWxlIjoiL3J1bi9zZWNyZXRzL3Rva2VuIn0=\n", "profiles"))
	text := strings.Join(strings.Fields(stdout), " ")
	if exitCode != 0 || stderr != "" {
		t.Errorf("exit %d: %s", exitCode, stderr)
	}
	for _, want := range []string{
		"PROFILE TOKEN SERVER ROLE REGION SOURCE", "deploy GitHub " + deployARN + " eu-west-1 -",
		"audit - " + auditARN + " eu-central-1 deploy", "broken (invalid)", "doc (document)", "keys - - - -",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in:\n%s", want, stdout)
		}
	}
	stdout, _, _ = finish(t, commandIn(t, newWorldOfSeveral(t), severalProfiles, "profiles", "--format", "json"))
	var listed []listedProfile
	if err := json.Unmarshal([]byte(stdout), &listed); err != nil || len(listed) != 6 || listed[0].TokenServer != "GitHub" {
		t.Errorf("%v: %s", err, stdout)
	}
	if names := mustRunIn(t, severalProfiles, "__complete", "env", "--profile", ""); !strings.HasPrefix(names, "deploy\naudit\n") {
		t.Error(names)
	}
}

// mustRunIn runs a command that only reads the config file.
func mustRunIn(t *testing.T, profiles string, args ...string) string {
	t.Helper()
	stdout, stderr, exitCode := finish(t, commandIn(t, newWorld(t), profiles, args...))
	if exitCode != 0 {
		t.Fatalf("exit %d: %s", exitCode, stderr)
	}
	return stdout
}
