package integration

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/awstokenserver/config"
	"github.com/awstokenserver/config/internal/testenv"
	"github.com/awstokenserver/config/tokensource"
	"github.com/awstokenserver/config/webidentity/webidentitytest"
)

// TestMinIO goes all the way from a setting to an object, with an STS and an S3
// that know nothing of this project.
func TestMinIO(t *testing.T) {
	testenv.Clear(t)
	issuer := webidentitytest.NewIssuer("ES256")
	t.Cleanup(issuer.Close)
	url, role := startMinIO(t, issuer.URL, "minio")

	profile := "role_arn = " + role + "\nregion = us-east-1\nservices = minio\nweb_identity_token_server = "
	t.Setenv("AWS_CONFIG_FILE", testenv.WriteFile(t, "config", ""+
		"[profile named]\n"+profile+"GitHub,minio\n"+
		"[profile pair]\n"+profile+"CI_URL,CI_TOKEN,minio\n"+
		"[profile default-audience]\n"+profile+"GitHub\n"+
		"[services minio]\nsts =\n  endpoint_url = "+url+"\ns3 =\n  endpoint_url = "+url+"\n"))
	named := map[string]string{"AWS_PROFILE": "named"}

	for name, c := range map[string]struct {
		env       map[string]string
		variables string // of the token server; ACTIONS_ID_TOKEN_REQUEST if empty
		spoil     func(*webidentitytest.TokenServer)
		denial    []string
	}{
		"named": {env: named},
		"pair":  {env: map[string]string{"AWS_PROFILE": "pair"}, variables: "CI"},
		"environment": {env: map[string]string{
			"AWS_ROLE_ARN": role, "AWS_WEB_IDENTITY_TOKEN_SERVER": "GitHub,minio",
			"AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL_STS": url, "AWS_ENDPOINT_URL_S3": url,
		}},
		"wrong-audience": {
			env: map[string]string{"AWS_PROFILE": "default-audience"},
			denial: []string{"InvalidParameterValue", "must match configured OpenID Client ID",
				`aud "sts.amazonaws.com"`},
		},
		"expired": {
			env:    named,
			spoil:  func(s *webidentitytest.TokenServer) { s.Lifetime = -time.Minute },
			denial: []string{"InvalidParameterValue", "Token is expired"},
		},
		"tampered": {
			env: named,
			spoil: func(s *webidentitytest.TokenServer) {
				s.Script(func(w http.ResponseWriter, _ *http.Request) {
					token, other := issuer.Sign(map[string]any{"aud": "minio", "sub": "me"}), issuer.Sign(nil)
					json.NewEncoder(w).Encode(map[string]string{
						"value": token[:strings.LastIndex(token, ".")] + other[strings.LastIndex(other, "."):],
					})
				})
			},
			denial: []string{"InvalidParameterValue", "verification error", `sub "me"`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := webidentitytest.NewTokenServer(issuer)
			defer server.Close()
			if c.spoil != nil {
				c.spoil(server)
			}
			variables := cmp.Or(c.variables, "ACTIONS_ID_TOKEN_REQUEST")
			t.Setenv(variables+"_URL", server.URL)
			t.Setenv(variables+"_TOKEN", server.RequestToken)
			for name, value := range c.env {
				t.Setenv(name, value)
			}

			ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
			defer cancel()
			cfg, err := config.LoadDefaultConfig(ctx)
			if err != nil {
				t.Fatal(err)
			}
			client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
			key := "greeting"
			_, err = client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &name})
			if c.denial != nil {
				testenv.WantError(t, err, tokensource.RoleDenied, c.denial...)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			writeAndRead(ctx, t, client, name, key, "hello from "+name)
			list, err := client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &name})
			if err != nil || len(list.Contents) != 1 || *list.Contents[0].Key != key {
				t.Errorf("listed %+v, %v", list, err)
			}
		})
	}
}

// writeAndRead writes an object, and reads it back.
func writeAndRead(ctx context.Context, t *testing.T, client *s3.Client, bucket, key, content string) {
	t.Helper()
	_, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(content)})
	if err != nil {
		t.Fatal(err)
	}
	object, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	defer object.Body.Close()
	if got, err := io.ReadAll(object.Body); string(got) != content || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

// startMinIO starts a MinIO that takes issuer's tokens for audience, and returns
// its address and the ARN of the role that they are good for.
func startMinIO(t *testing.T, issuer, audience string) (url, role string) {
	t.Helper()
	binary := os.Getenv("MINIO_BINARY")
	if binary == "" {
		var err error
		if binary, err = exec.LookPath("minio"); err != nil {
			t.Skip("no MinIO here: go install github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c, " +
				"and have it on PATH or its name in MINIO_BINARY")
		}
	}
	folder := t.TempDir()
	log, err := os.Create(filepath.Join(folder, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	server := exec.CommandContext(t.Context(), binary, "server",
		"--address", "127.0.0.1:0", "--console-address", "127.0.0.1:0", filepath.Join(folder, "data"))
	server.Env = []string{
		"HOME=" + folder, "MINIO_BROWSER=off", "MINIO_UPDATE=off", "MINIO_PROMETHEUS_AUTH_TYPE=public",
		"MINIO_IDENTITY_OPENID_CONFIG_URL=" + issuer + "/.well-known/openid-configuration",
		"MINIO_IDENTITY_OPENID_CLIENT_ID=" + audience,
		"MINIO_IDENTITY_OPENID_ROLE_POLICY=readwrite",
	}
	server.Stdout, server.Stderr = log, log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		server.Wait() // the test's context has killed it
		if text, err := os.ReadFile(log.Name()); t.Failed() {
			t.Logf("MinIO says (%v):\n%s", err, text)
		}
	})

	address, arn := regexp.MustCompile(`API: (http://\S+)\s`), regexp.MustCompile(`(arn:minio:iam:\S+)\s`)
	client := http.Client{Timeout: 10 * time.Second}
	says := func(url, text string) bool {
		response, err := client.Get(url)
		if err != nil {
			return false
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		return err == nil && response.StatusCode == http.StatusOK && strings.Contains(string(body), text)
	}
	for deadline := time.Now().Add(3 * time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		text, err := os.ReadFile(log.Name())
		if err != nil {
			t.Fatal(err)
		}
		url, role := address.FindSubmatch(text), arn.FindSubmatch(text)
		if url == nil || role == nil {
			continue
		}
		// None of its /minio/health waits until the role's policy is loaded.
		if says(string(url[1])+"/minio/health/cluster", "") &&
			says(string(url[1])+"/minio/metrics/v3/cluster/iam", "\nminio_cluster_iam_sync_successes 1\n") {
			return string(url[1]), string(role[1])
		}
	}
	t.Fatal("MinIO is not ready after three minutes")
	return "", ""
}
