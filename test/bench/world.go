package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/awstokenserver/config/webidentity/webidentitytest"
)

// environment is where a measurement sets its variables: this process or a test.
type environment interface{ Setenv(name, value string) }

// environ is the environment that this process was started in.
var environ = os.Environ()

// inWorld calls f in a fresh world with n roles and, in dir, a token for them.
// The connections of f's clients end with the world.
func inWorld(env environment, dir string, n int, f func(*webidentitytest.World)) {
	world := webidentitytest.New()
	defer world.Close()
	world.Setenv(env)
	env.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(dir, "nothing")) // as in most jobs
	for i := range n {
		world.STS.AddRole(webidentitytest.Role{ARN: roleARN(i), Subject: "repo:octo-org/octo-repo:*"})
	}
	check(os.WriteFile(tokenFile(dir), []byte(world.Issuer.Sign(map[string]any{
		"sub": "repo:octo-org/octo-repo:ref:refs/heads/main", "aud": "sts.amazonaws.com",
	})), 0o600))
	f(world)
}

func tokenFile(dir string) string { return filepath.Join(dir, "token") }

func roleARN(i int) string { return fmt.Sprintf("arn:aws:iam::123456789012:role/deploy-%d", i) }

func profile(i int) string { return fmt.Sprintf("p%d", i) }

// sharedConfig writes a file with n profiles, each of its own role, that hold a
// further line, and returns its name.
func sharedConfig(dir string, n int, line string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "[profile %s]\nregion = eu-west-1\nrole_arn = %s\n%s\n\n", profile(i), roleARN(i), line)
	}
	f, err := os.CreateTemp(dir, "config-")
	check(err)
	_, err = f.WriteString(b.String())
	check(err)
	check(f.Close())
	return f.Name()
}

func withServer(dir string, n int) string {
	return sharedConfig(dir, n, "web_identity_token_server = GitHub")
}

func withFile(dir string, n int) string {
	return sharedConfig(dir, n, "web_identity_token_file = "+tokenFile(dir))
}
