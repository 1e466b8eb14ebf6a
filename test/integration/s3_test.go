package integration

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/awstokenserver/config"
	"github.com/awstokenserver/config/internal/testenv"
	"github.com/awstokenserver/config/webidentity"
	"github.com/awstokenserver/config/webidentity/webidentitytest"
)

const tokenName = "X-Amz-Security-Token"

var bucket = aws.String("bucket")

// s3FromTokenServer starts a MinIO with a bucket, and loads the configuration of
// a job whose tokens live for so long. So do the credentials: where it is asked
// for no duration, MinIO takes the token's, and a duration must be 15 minutes or
// more.
func s3FromTokenServer(t *testing.T, lifetime time.Duration) (aws.Config, *s3.Client) {
	t.Helper()
	testenv.Clear(t)
	issuer := webidentitytest.NewIssuer("ES256")
	t.Cleanup(issuer.Close)
	minio, role := startMinIO(t, issuer.URL, "minio")
	server := webidentitytest.NewTokenServer(issuer)
	t.Cleanup(server.Close)
	server.Lifetime = lifetime
	for name, value := range map[string]string{
		"AWS_ROLE_ARN": role, "AWS_WEB_IDENTITY_TOKEN_SERVER": "GitHub,minio",
		"ACTIONS_ID_TOKEN_REQUEST_URL": server.URL, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": server.RequestToken,
		"AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL_STS": minio, "AWS_ENDPOINT_URL_S3": minio,
	} {
		t.Setenv(name, value)
	}
	cfg, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: bucket}); err != nil {
		t.Fatal(err)
	}
	return cfg, client
}

func retrieve(t *testing.T, cfg aws.Config) aws.Credentials {
	t.Helper()
	creds, err := cfg.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return creds
}

// TestSessionToken shows where the session token is in all that can be signed,
// and that nothing works without it.
func TestSessionToken(t *testing.T) {
	cfg, client := s3FromTokenServer(t, time.Hour)
	presigner := s3.NewPresignClient(client)
	other := retrieve(t, cfg)
	cfg.Credentials.(*aws.CredentialsCache).Invalidate()
	creds := retrieve(t, cfg)
	if creds.AccessKeyID == other.AccessKeyID {
		t.Fatal("the emptied cache has the same credentials")
	}
	carries := func(t *testing.T, token string) {
		t.Helper()
		if token != creds.SessionToken {
			t.Error("the session token is not there")
		}
	}

	// Each sends what the SDK signs, but with that token, and returns S3's error code.
	for name, send := range map[string]func(t *testing.T, object *s3.PutObjectInput, token string) (code string){
		"call": func(t *testing.T, object *s3.PutObjectInput, token string) string {
			_, err := client.PutObject(t.Context(), object, func(o *s3.Options) {
				o.HTTPClient = smithyhttp.ClientDoFunc(func(r *http.Request) (*http.Response, error) {
					carries(t, r.Header.Get(tokenName))
					r.Header.Del(tokenName)
					if token != "" {
						r.Header.Set(tokenName, token)
					}
					return http.DefaultClient.Do(r)
				})
			})
			if failure := smithy.APIError(nil); errors.As(err, &failure) {
				return failure.ErrorCode()
			} else if err != nil {
				t.Error(err)
			}
			return ""
		},
		"presigned GET": func(t *testing.T, object *s3.PutObjectInput, token string) string {
			if _, err := client.PutObject(t.Context(), object); err != nil {
				t.Fatal(err)
			}
			presigned, err := presigner.PresignGetObject(t.Context(),
				&s3.GetObjectInput{Bucket: bucket, Key: object.Key})
			if err != nil {
				t.Fatal(err)
			}
			url, had := withToken(t, presigned.URL, token)
			carries(t, had)
			code, body := plain(t, "GET", url, "", nil)
			if code == "" && body != *object.Key {
				t.Errorf("got %q", body)
			}
			return code
		},
		"presigned PUT": func(t *testing.T, object *s3.PutObjectInput, token string) string {
			presigned, err := presigner.PresignPutObject(t.Context(),
				&s3.PutObjectInput{Bucket: bucket, Key: object.Key})
			if err != nil {
				t.Fatal(err)
			}
			url, had := withToken(t, presigned.URL, token)
			carries(t, had)
			code, _ := plain(t, "PUT", url, "", object.Body)
			return code
		},
		"presigned POST": func(t *testing.T, object *s3.PutObjectInput, token string) string {
			presigned, err := presigner.PresignPostObject(t.Context(),
				&s3.PutObjectInput{Bucket: bucket, Key: object.Key})
			if err != nil {
				t.Fatal(err)
			}
			carries(t, presigned.Values[tokenName])
			carries(t, conditions(t, presigned.Values["policy"])[tokenName])
			delete(presigned.Values, tokenName)
			if token != "" {
				presigned.Values[tokenName] = token
			}
			var form bytes.Buffer
			w := multipart.NewWriter(&form)
			for name, value := range presigned.Values {
				w.WriteField(name, value)
			}
			file, _ := w.CreateFormFile("file", "file")
			io.Copy(file, object.Body)
			w.Close()
			code, _ := plain(t, "POST", presigned.URL, w.FormDataContentType(), &form)
			return code
		},
	} {
		t.Run(name, func(t *testing.T) {
			for what, test := range map[string]struct{ token, code string }{
				"its own":           {creds.SessionToken, ""},
				"none":              {"", "InvalidTokenId"},
				"a changed one":     {creds.SessionToken + "x", "InvalidTokenId"},
				"another session's": {other.SessionToken, "InvalidTokenId"},
			} {
				key := name + " with " + what
				code := send(t, &s3.PutObjectInput{Bucket: bucket, Key: &key, Body: strings.NewReader(key)}, test.token)
				if code != test.code {
					t.Errorf("%s: %q, want %q", what, code, test.code)
				}
				if test.code == "" {
					wantObject(t, client, key, []byte(key))
				}
			}
		})
	}
}

// withToken returns a presigned URL with another session token, "" for none, and
// the one it had.
func withToken(t *testing.T, presigned, token string) (changed, had string) {
	t.Helper()
	u, err := url.Parse(presigned)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	had = query.Get(tokenName)
	query.Del(tokenName)
	if token != "" {
		query.Set(tokenName, token)
	}
	u.RawQuery = query.Encode()
	return u.String(), had
}

// conditions returns those of a POST policy that set a field to a value.
func conditions(t *testing.T, policy string) map[string]string {
	t.Helper()
	text, err := base64.StdEncoding.DecodeString(policy)
	if err != nil {
		t.Fatal(err)
	}
	var document struct{ Conditions []json.RawMessage }
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, condition := range document.Conditions {
		json.Unmarshal(condition, &all) // into what is there; the others are lists
	}
	return all
}

// plain sends a request as any program can, and returns S3's error code, or "" and the body.
func plain(t *testing.T, method, url, contentType string, content io.Reader) (code, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, content)
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode < 300 {
		return "", string(text)
	}
	var failure struct{ Code string }
	if err := xml.Unmarshal(text, &failure); err != nil || failure.Code == "" {
		t.Fatalf("%s: %s", response.Status, text)
	}
	return failure.Code, ""
}

func wantObject(t *testing.T, client *s3.Client, key string, want []byte) {
	t.Helper()
	object, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: &key})
	if err != nil {
		t.Error(err)
		return
	}
	defer object.Body.Close()
	if got, err := io.ReadAll(object.Body); !bytes.Equal(got, want) || err != nil {
		t.Errorf("%s: %d bytes, want other %d, %v", key, len(got), len(want), err)
	}
}

// TestShortCredentials has credentials that live for seconds: they are renewed by
// themselves, and what they have presigned ends with them.
func TestShortCredentials(t *testing.T) {
	const life = 30 * time.Second
	cfg, client := s3FromTokenServer(t, life)

	t.Run("multipart upload", func(t *testing.T) {
		t.Parallel()
		const least = 5 << 20 // of all parts but the last
		key, content := "large", bytes.Repeat([]byte("0123456789abcdef"), (least+1<<20)/16)
		upload, err := client.CreateMultipartUpload(t.Context(),
			&s3.CreateMultipartUploadInput{Bucket: bucket, Key: &key})
		if err != nil {
			t.Fatal(err)
		}
		// put uploads a part, and returns the access key that has signed it.
		var parts []types.CompletedPart
		put := func(content []byte) (signer string) {
			t.Helper()
			number := aws.Int32(int32(len(parts) + 1))
			part, err := client.UploadPart(t.Context(), &s3.UploadPartInput{
				Bucket: bucket, Key: &key, UploadId: upload.UploadId, PartNumber: number,
				Body: bytes.NewReader(content),
			}, func(o *s3.Options) {
				o.HTTPClient = smithyhttp.ClientDoFunc(func(r *http.Request) (*http.Response, error) {
					signer, _, _ = strings.Cut(r.Header.Get("Authorization"), "/")
					return http.DefaultClient.Do(r)
				})
			})
			if err != nil {
				t.Fatal(err)
			}
			parts = append(parts, types.CompletedPart{PartNumber: number, ETag: part.ETag})
			return signer
		}

		first := put(content[:least])
		before := retrieve(t, cfg)
		for deadline := before.Expires.Add(time.Minute); retrieve(t, cfg).AccessKeyID == before.AccessKeyID; time.Sleep(100 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("the credentials are not renewed")
			}
		}
		if second := put(content[least:]); second == first {
			t.Error("the same access key has signed both parts")
		}
		if _, err := client.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{
			Bucket: bucket, Key: &key, UploadId: upload.UploadId,
			MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
		}); err != nil {
			t.Fatal(err)
		}
		wantObject(t, client, key, content)
	})

	t.Run("presigned URL", func(t *testing.T) {
		t.Parallel()
		key := "small"
		if _, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: &key, Body: strings.NewReader("hello")}); err != nil {
			t.Fatal(err)
		}
		creds := retrieve(t, cfg)
		if expiry, capped, err := webidentity.PresignExpiry(creds, time.Hour); !capped || expiry > life || err != nil {
			t.Errorf("%v, %v, %v", expiry, capped, err)
		}
		presigned, err := s3.NewPresignClient(client).PresignGetObject(t.Context(),
			&s3.GetObjectInput{Bucket: bucket, Key: &key},
			s3.WithPresignExpires(time.Hour), s3.WithPresignClientFromClientOptions(func(o *s3.Options) {
				o.Credentials = credentials.StaticCredentialsProvider{Value: creds}
			}))
		if err != nil {
			t.Fatal(err)
		}
		if code, body := plain(t, "GET", presigned.URL, "", nil); body != "hello" {
			t.Errorf("got %q, %s", body, code)
		}
		time.Sleep(time.Until(creds.Expires))
		// AWS says ExpiredToken.
		if code, _ := plain(t, "GET", presigned.URL, "", nil); code != "InvalidAccessKeyId" {
			t.Errorf("%q from credentials that have expired", code)
		}
	})
}
