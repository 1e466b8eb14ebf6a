package integration

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/awstokenserver/config"
	"github.com/awstokenserver/config/internal/testenv"
	"github.com/awstokenserver/config/tokensource"
	"github.com/awstokenserver/config/webidentity/webidentitytest"
)

// A token of GitHub has the issuer, audience, subject, and life that the pages say, and gets a role from MinIO's STS, which
// verifies it with GitHub's keys. With REAL_GITHUB=1, in a job with id-token: write, the token server is GitHub's, as in
// .github/workflows/github.yml; without, it is one on loopback, and so is the issuer.
func TestGitHub(t *testing.T) {
	url, requestToken := os.Getenv("ACTIONS_ID_TOKEN_REQUEST_URL"), os.Getenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
	issuer := "https://token.actions.githubusercontent.com"
	testenv.Clear(t)
	if os.Getenv("REAL_GITHUB") == "" {
		local := webidentitytest.NewIssuer("")
		t.Cleanup(local.Close)
		server := webidentitytest.NewTokenServer(local)
		t.Cleanup(server.Close)
		url, requestToken, issuer = server.URL, server.RequestToken, local.URL
	}
	t.Setenv("ACTIONS_ID_TOKEN_REQUEST_URL", url)
	t.Setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", requestToken)

	source, err := tokensource.Parse("GitHub", func(o *tokensource.Options) { o.HTTPClient = http.DefaultClient })
	if err != nil {
		t.Fatal(err)
	}
	token, err := source.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		Issuer   string `json:"iss"`
		Audience string `json:"aud"`
		Subject  string `json:"sub"`
		Issued   int64  `json:"iat"`
		Expires  int64  `json:"exp"`
	}
	if err := token.Claims(&claims); err != nil {
		t.Fatal(err)
	}
	life := time.Duration(claims.Expires-claims.Issued) * time.Second
	t.Logf("iss %s, aud %s, sub %s, lives for %v", claims.Issuer, claims.Audience, claims.Subject, life)
	if claims.Issuer != issuer || claims.Audience != "sts.amazonaws.com" || !strings.HasPrefix(claims.Subject, "repo:") ||
		life < time.Minute || life > time.Hour || token.Expires.Unix() != claims.Expires {
		t.Errorf("unlike what docs/recipes/github-actions.md says: %+v", claims)
	}

	address, role := startMinIO(t, issuer, "sts.amazonaws.com")
	t.Setenv("AWS_CONFIG_FILE", testenv.WriteFile(t, "config", "[profile deploy]\nrole_arn = "+role+
		"\nregion = us-east-1\nservices = minio\nweb_identity_token_server = GitHub\n"+
		"[services minio]\nsts =\n  endpoint_url = "+address+"\ns3 =\n  endpoint_url = "+address+"\n"))
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithSharedConfigProfile("deploy"))
	if err != nil {
		t.Fatal(err)
	}
	client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	bucket := "github"
	if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
		t.Fatal(err)
	}
	writeAndRead(t.Context(), t, client, bucket, "greeting", "hello from GitHub")
}
