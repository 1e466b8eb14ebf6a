package integration

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/awstokenserver/config"
	"github.com/awstokenserver/config/internal/longtest"
	"github.com/awstokenserver/config/internal/testenv"
	"github.com/awstokenserver/config/tokensource"
)

const keycloakPage = "../../docs/recipes/keycloak.md"

// TestKeycloak does what docs/recipes/keycloak.md says: its commands make a realm in a
// Keycloak, its document gets a token there, and MinIO takes the token for a role.
func TestKeycloak(t *testing.T) {
	longtest.Skip(t, "it starts a Keycloak")
	distribution := os.Getenv("KEYCLOAK")
	if distribution == "" {
		t.Skip("no Keycloak here: name the folder of an unpacked keycloak-quarkus-dist 26.0.7 in KEYCLOAK")
	}
	java, err := exec.LookPath("java")
	if err != nil {
		t.Skip(err)
	}
	testenv.Clear(t)
	text, err := os.ReadFile(keycloakPage)
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	home := filepath.Join(t.TempDir(), "keycloak") // it writes there
	if err := os.CopyFS(home, os.DirFS(distribution)); err != nil {
		t.Fatal(err)
	}
	password, secret := rand.Text(), rand.Text()
	env := []string{"PATH=" + strings.Join([]string{filepath.Join(home, "bin"), filepath.Dir(java), "/usr/bin", "/bin"}, ":"),
		"HOME=" + home, "KC_OPTS=-Duser.home=" + home, "KC_CLI_PASSWORD=" + password, "KEYCLOAK_CLIENT_SECRET=" + secret}
	url := startKeycloak(t, home, password, env)

	setUp := exec.CommandContext(t.Context(), "sh", "-e", "-c",
		strings.ReplaceAll(firstBlock(t, page, "sh"), "https://keycloak.example.com", url))
	setUp.Env = env
	out, err := setUp.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	account := regexp.MustCompile(`"id" : "([0-9a-f-]{36})"`).FindSubmatch(out)
	if account == nil {
		t.Fatalf("no id of the service account: %s", out)
	}

	document := strings.ReplaceAll(firstBlock(t, page, "json"), "https://keycloak.example.com", url)
	source, err := tokensource.Document([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("KEYCLOAK_CLIENT_SECRET", "wrong")
	_, err = source.Token(t.Context())
	refusal := regexp.MustCompile(`responded with 401 Unauthorized: (".*")`).FindStringSubmatch(page)
	if refusal == nil {
		t.Fatal("the page shows no refusal")
	}
	testenv.WantError(t, err, tokensource.TokenRefused, refusal[0])
	t.Setenv("KEYCLOAK_CLIENT_SECRET", secret)
	token, err := source.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var claims struct{ Iss, Sub, Aud, Azp string }
	if err := token.Claims(&claims); err != nil {
		t.Fatal(err)
	}
	want := claims
	want.Iss, want.Sub, want.Aud, want.Azp = url+"/realms/shop", string(account[1]), "deploy", "deploy"
	if life := time.Until(token.Expires).Round(time.Minute); claims != want || life != 5*time.Minute {
		t.Errorf("the token has %+v and lives for %v, want %+v", claims, life, want)
	}

	minio, role := startMinIO(t, url+"/realms/shop", "deploy")
	t.Setenv("AWS_CONFIG_FILE", testenv.WriteFile(t, "config", "[profile deploy]\nregion = us-east-1\nservices = minio\n"+
		"role_arn = "+role+"\nweb_identity_token_server = "+base64.StdEncoding.EncodeToString([]byte(document))+
		"\n[services minio]\nsts =\n  endpoint_url = "+minio+"\ns3 =\n  endpoint_url = "+minio+"\n"))
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cfg, err := config.LoadDefaultConfig(ctx, config.WithSharedConfigProfile("deploy"))
	if err != nil {
		t.Fatal(err)
	}
	client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	bucket, key := "shop", "greeting"
	if _, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
		t.Fatal(err)
	}
	writeAndRead(ctx, t, client, bucket, key, "hello from Keycloak")

	if os.Getenv("UPDATE") != "" && !t.Failed() {
		page = regexp.MustCompile(`Last run: .{10}`).ReplaceAllString(page, "Last run: "+time.Now().Format(time.DateOnly))
		if err := os.WriteFile(keycloakPage, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// firstBlock returns the page's first block in a language.
func firstBlock(t *testing.T, page, language string) string {
	t.Helper()
	_, block, found := strings.Cut(page, "```"+language+"\n")
	block, _, closed := strings.Cut(block, "```")
	if !found || !closed {
		t.Fatalf("no block in %s", language)
	}
	return block
}

// startKeycloak starts the Keycloak in a folder, and returns its URL.
func startKeycloak(t *testing.T, home, password string, env []string) string {
	t.Helper()
	log, err := os.Create(filepath.Join(home, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	server := exec.CommandContext(t.Context(), filepath.Join(home, "bin", "kc.sh"), "start-dev",
		"--http-host=127.0.0.1", "--http-port=0")
	server.Env = append(env, "KC_BOOTSTRAP_ADMIN_USERNAME=admin", "KC_BOOTSTRAP_ADMIN_PASSWORD="+password)
	server.Stdout, server.Stderr = log, log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	t.Cleanup(func() {
		<-ended // the test's context has killed it
		if text, err := os.ReadFile(log.Name()); t.Failed() {
			t.Logf("Keycloak says (%v):\n%s", err, text)
		}
	})
	listening := regexp.MustCompile(`Listening on: (http://\S+)`)
	for deadline := time.Now().Add(5 * time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		text, err := os.ReadFile(log.Name())
		if err != nil {
			t.Fatal(err)
		}
		if url := listening.FindSubmatch(text); url != nil {
			return string(url[1])
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatal(err)
		default:
		}
	}
	t.Fatal("Keycloak is not ready after five minutes")
	return ""
}
