//go:build linux || darwin

package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"
)

// asking are the verbs that get a role.
var asking = [][]string{{"env"}, {"credential-process"}, {"exec", "--", "env"}, {"exec", "--static", "--", "env"}}

// No verb takes an identity that nobody has named.
func TestAccidentalIdentity(t *testing.T) {
	t.Parallel()
	keys := []string{"AWS_ACCESS_KEY_ID=AKIAOFSTAGING", "AWS_SECRET_ACCESS_KEY=x"}
	for name, c := range map[string]struct {
		profiles string
		env      []string
		want     string
	}{
		"keys beside AWS_PROFILE":         {deployProfile, append(keys, "AWS_PROFILE=deploy"), "both AWS_PROFILE (deploy) and AWS_ACCESS_KEY_ID are set"},
		"keys beside AWS_DEFAULT_PROFILE": {deployProfile, append(keys, "AWS_DEFAULT_PROFILE=deploy"), "use --profile deploy, or unset one"},
		"IRSA beside AWS_PROFILE": {deployProfile, []string{"AWS_WEB_IDENTITY_TOKEN_FILE=/irsa", "AWS_ROLE_ARN=" + deniedARN, "AWS_PROFILE=deploy"},
			"both AWS_PROFILE (deploy) and AWS_WEB_IDENTITY_TOKEN_FILE are set"},
		"a token server beside AWS_PROFILE": {deployProfile, []string{"AWS_WEB_IDENTITY_TOKEN_SERVER=GitHub", "AWS_ROLE_ARN=" + deniedARN, "AWS_PROFILE=deploy"},
			"AWS_WEB_IDENTITY_TOKEN_SERVER are set"},
		"nothing named":     {deployProfile, nil, "neither a profile nor a role is named"},
		"a default profile": {"[default]\nregion = x\n", nil, "neither a profile nor a role is named"},
		"no credentials":    {"[profile a]\nregion = x\n", []string{"AWS_PROFILE=a"}, "profile a names no credentials, and the role of the machine"},
		"no credentials, and a container": {"[profile a]\nregion = x\n",
			[]string{"AWS_PROFILE=a", "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:1"}, "profile a names no credentials"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, verb := range asking {
				world := newWorld(t)
				cmd := commandIn(t, world, c.profiles, verb...)
				cmd.Env = append(cmd.Env, append(c.env, "AWS_EC2_METADATA_DISABLED=false", "AWS_EC2_METADATA_SERVICE_ENDPOINT="+world.STS.URL)...)
				stdout, stderr, exitCode := finish(t, cmd)
				if exitCode != 1 || strings.Trim(stdout, "false\n") != "" || !strings.Contains(stderr, c.want) || strings.Contains(stderr, "AKIA") {
					t.Errorf("%q: exit %d: %s%s", verb, exitCode, stdout, stderr)
				}
				if n := len(world.STS.Requests()); n > 0 {
					t.Errorf("%q: %d requests", verb, n)
				}
			}
		})
	}
}

// A profile that is named settles it.
func TestNamedIdentity(t *testing.T) {
	t.Parallel()
	cmd := commandIn(t, newWorld(t), deployProfile, "credential-process", "--profile", "deploy")
	cmd.Env = append(cmd.Env, "AWS_PROFILE=other", "AWS_ACCESS_KEY_ID=AKIA", "AWS_SECRET_ACCESS_KEY=x", "AWS_WEB_IDENTITY_TOKEN_FILE=/irsa")
	if stdout, stderr, _ := finish(t, cmd); !strings.Contains(stdout, "123456789012") {
		t.Error(stderr)
	}
}

// What is wrong with a config file is named as what it is, by every verb.
func TestConfigFileProblems(t *testing.T) {
	t.Parallel()
	utf16le := []byte{0xff, 0xfe}
	for _, c := range utf16.Encode([]rune(deployProfile)) {
		utf16le = append(utf16le, byte(c), byte(c>>8))
	}
	misspelt := "[profile deploy]\nrole_arn = " + deployARN + "\nweb_identity_token_servr = GitHub\n"
	for want, text := range map[string]string{
		"begins with a byte order mark":                                "\ufeff[profile deploy]\n",
		"is UTF-16, which no SDK reads":                                string(utf16le),
		"has [deploy], which must be [profile deploy] there":           strings.Replace(deployProfile, "profile deploy", "deploy", 1),
		"has web_identity_token_servr, which no SDK reads: it should ": misspelt,
		"did you mean deplyo?":                                         strings.Replace(deployProfile, "profile deploy", "profile deplyo", 1),
		"there is no file /":                                           "",
	} {
		for _, verb := range [][]string{{"env"}, {"credential-process"}, {"exec", "--", "env"}, {"setup"}, {"check"}, {"explain"}} {
			if verb[0] == "explain" && strings.HasPrefix(want, "did you") {
				continue
			}
			args := append([]string{verb[0], "--profile", "deploy"}, verb[1:]...)
			cmd := commandIn(t, newWorld(t), text, args...)
			if text == "" {
				cmd.Env = append(cmd.Env, "AWS_CONFIG_FILE="+filepath.Join(t.TempDir(), "none"))
			}
			stdout, stderr, exitCode := finish(t, cmd)
			all := strings.Join(strings.Fields(stdout+stderr), " ")
			if exitCode != 1 || !strings.Contains(all+" ", want) {
				t.Errorf("%q: exit %d, want %q in: %s", verb, exitCode, want, all)
			}
		}
	}
}

func TestUnreadableConfigFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd := commandIn(t, newWorld(t), "", "env", "--profile", "deploy")
	cmd.Env = append(cmd.Env, "AWS_CONFIG_FILE="+dir)
	if _, stderr, exitCode := finish(t, cmd); exitCode != 1 || !strings.Contains(stderr, dir+" cannot be read: is a directory") {
		t.Errorf("exit %d: %s", exitCode, stderr)
	}
}

func TestDecodeStdin(t *testing.T) {
	t.Parallel()
	if stdout, stderr, exitCode := run(t, "GitHub\n", "decode", "-"); exitCode != 0 || !strings.Contains(stdout, "ACTIONS_ID_TOKEN_REQUEST_URL") {
		t.Errorf("exit %d: %s", exitCode, stderr)
	}
}

// fishScript says it in fish, which has no set -e.
var fishScript = strings.NewReplacer("set -e\n", "", `eval "$(`, "", `)"; echo`, " --format fish | source; or exit 1; echo")

// After env, nothing is there that belongs to other credentials.
func TestEnvLeavesNothingStale(t *testing.T) {
	t.Parallel()
	world := newWorldOfSeveral(t)
	cmd := commandIn(t, world, severalProfiles+"[profile anywhere]\nrole_arn = "+deployARN+"\nweb_identity_token_server = GitHub\n")
	script := `set -e
eval "$(` + self() + ` env --profile deploy)"; echo "$AWS_REGION $AWS_ACCOUNT_ID $AWS_PROFILE."
eval "$(` + self() + ` env --profile audit)"; echo "$AWS_REGION $AWS_ACCOUNT_ID"
eval "$(` + self() + ` env --profile anywhere)"; echo "$AWS_REGION$AWS_DEFAULT_REGION $AWS_ACCOUNT_ID"
eval "$(` + self() + ` env --profile nope)"; echo unreachable`
	for _, shell := range []string{"sh", "bash", "dash", "zsh", "fish"} {
		path, err := exec.LookPath(shell)
		if err != nil {
			t.Logf("%s is not here", shell)
			continue
		}
		cmd := *cmd
		cmd.Path, cmd.Args = path, []string{shell, "-c", script}
		if shell == "fish" {
			cmd.Args[2] = fishScript.Replace(script)
		}
		cmd.Env = append(cmd.Env, "AWS_PROFILE=other", "AWS_ACCOUNT_ID=999999999999", "AWS_SECURITY_TOKEN=stale")
		stdout, stderr, exitCode := finish(t, &cmd)
		const want = "eu-west-1 123456789012 .\neu-central-1 210987654321\n 123456789012\n"
		if stdout != want || exitCode != 1 {
			t.Errorf("%s: exit %d: %q: %s", shell, exitCode, stdout, stderr)
		}
	}
}

func TestUnset(t *testing.T) {
	t.Parallel()
	set := []variable{{name: "A", value: `it's \ "x"`}, {name: "B", unset: true}}
	for name, want := range map[string]string{
		"shell": "export A='it'\\''s \\ \"x\"'\nunset B\n", "fish": "set -gx A 'it\\'s \\\\ \"x\"'\nset -e B\n",
		"powershell": "$env:A = 'it''s \\ \"x\"'\nRemove-Item -ErrorAction Ignore env:B\n",
		"json":       "{\n  \"A\": \"it's \\\\ \\\"x\\\"\",\n  \"B\": null\n}\n",
	} {
		var b strings.Builder
		if err := formats[name].write(set, &b); err != nil || b.String() != want {
			t.Errorf("%s: %v: %q", name, err, b.String())
		}
	}
	var b strings.Builder
	plain := []variable{{name: "A", value: "a/b+c=="}, {name: "B", unset: true}}
	if err := writeCmd(plain, &b); err != nil || b.String() != "set \"A=a/b+c==\"\r\nset \"B=\"\r\n" {
		t.Errorf("%v: %q", err, b.String())
	}
	for _, value := range []string{`"`, "%PATH%", "a\nb", "a&b"} {
		if err := writeCmd([]variable{{name: "A", value: value}}, &b); err == nil {
			t.Errorf("cmd.exe would read %q otherwise", value)
		}
	}
}
