package main

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/awstokenserver/config/tokensource"
)

func TestServers(t *testing.T) {
	t.Parallel()
	for _, verbose := range []bool{false, true} {
		cmd, _ := command(t, "servers")
		if verbose {
			cmd.Args = append(cmd.Args, "-v")
		}
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		cmd.Env = append(cmd.Env, "ACTIONS_ID_TOKEN_REQUEST_URL=https://s3cr3t.example.com",
			"ACTIONS_ID_TOKEN_REQUEST_TOKEN= ",
			"VERCEL_OIDC_TOKEN=s3cr3t")
		out, err := cmd.Output()
		if err != nil || stderr.Len() > 0 {
			t.Fatalf("%v: %s", err, &stderr)
		}
		text := string(out)
		words := strings.Join(strings.Fields(text), " ")
		for _, want := range []string{
			"GitHub sts.amazonaws.com ACTIONS_ID_TOKEN_REQUEST_TOKEN unset ACTIONS_ID_TOKEN_REQUEST_URL set ",
			"Vercel - VERCEL_OIDC_TOKEN set", "AzureIMDS - - -",
		} {
			if !strings.Contains(words, want) {
				t.Errorf("%q is not in:\n%s", want, text)
			}
		}
		for _, s := range tokensource.Servers() {
			if !strings.Contains(text, "\n"+s.Name) {
				t.Errorf("%s is not there", s.Name)
			}
			if strings.Contains(words, strings.Join(strings.Fields(s.About), " ")) != verbose {
				t.Errorf("what %s is about: want %v in:\n%s", s.Name, verbose, text)
			}
		}
		if strings.Contains(text, "s3cr3t") {
			t.Errorf("a secret is in:\n%s", text)
		}
		for line := range strings.Lines(text) {
			if utf8.RuneCountInString(strings.TrimRight(line, "\n")) > 100 && len(strings.Fields(line)) > 1 {
				t.Errorf("more than 100 columns: %s", line)
			}
		}
	}
}

func TestDetect(t *testing.T) {
	t.Parallel()
	const unknown = "No variable says whether this is one of "
	for want, c := range map[string]struct {
		env  []string
		exit int
	}{
		"web_identity_token_server = Spacelift SPACELIFT_OIDC_TOKEN set " +
			unknown: {[]string{"SPACELIFT_OIDC_TOKEN=s3cr3t"}, 0},
		"web_identity_token_server = Forgejo ACTIONS_ID_TOKEN_REQUEST_TOKEN ACTIONS_ID_TOKEN_REQUEST_URL set " +
			"web_identity_token_server = GitHub ": {[]string{"ACTIONS_ID_TOKEN_REQUEST_URL=https://s3cr3t",
			"ACTIONS_ID_TOKEN_REQUEST_TOKEN=s3cr3t"}, 0},
		"not GitHub: of its variables, only ACTIONS_ID_TOKEN_REQUEST_URL is set grant the job": {[]string{"ACTIONS_ID_TOKEN_REQUEST_URL=https://s3cr3t"}, 1},
		"web_identity_token_server = AzureAppService,AUDIENCE":                                 {[]string{"IDENTITY_ENDPOINT=http://s3cr3t", "IDENTITY_HEADER=s3cr3t"}, 0},
		unknown + "AzureIMDS, Fly, GoogleCompute.":                                             {nil, 1},
	} {
		cmd, _ := command(t, "servers", "-detect")
		cmd.Env = append(cmd.Env, c.env...)
		out, _ := cmd.CombinedOutput()
		if words := strings.Join(strings.Fields(string(out)), " "); cmd.ProcessState.ExitCode() != c.exit ||
			!strings.Contains(words, want) || strings.Contains(words, "s3cr3t") {
			t.Errorf("exit %d, want %q in:\n%s", cmd.ProcessState.ExitCode(), want, out)
		}
	}
}
