package integration

import (
	"context"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/awstokenserver/config/tokensource"
	"github.com/awstokenserver/config/webidentity"
	"github.com/awstokenserver/config/webidentity/webidentitytest"
)

// A URL is wanted for a day, and can be promised for as long as the credentials
// last. Nothing is sent to S3 for that.
func Example_presign() {
	world := webidentitytest.New()
	defer world.Close()
	world.STS.AddRole(webidentitytest.Role{ARN: "arn:aws:iam::123456789012:role/deploy", Subject: "workload"})
	source := tokensource.Func(func(context.Context) (tokensource.Token, error) {
		return tokensource.Token{Value: world.Issuer.Sign(map[string]any{"sub": "workload",
			"aud": "sts.amazonaws.com"})}, nil
	})
	client := sts.New(sts.Options{Region: "us-east-1", BaseEndpoint: &world.STS.URL})
	cfg := aws.Config{Region: "us-east-1", Credentials: aws.NewCredentialsCache(
		webidentity.NewProvider(client, "arn:aws:iam::123456789012:role/deploy", source))}
	ctx := context.Background()

	creds, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		log.Fatal(err)
	}
	expiry, capped, err := webidentity.PresignExpiry(creds, 24*time.Hour)
	if err != nil {
		log.Fatal(err)
	}
	presigned, err := s3.NewPresignClient(s3.NewFromConfig(cfg)).PresignGetObject(ctx,
		&s3.GetObjectInput{Bucket: aws.String("releases"), Key: aws.String("shop.tar.gz")},
		s3.WithPresignExpires(expiry))
	if err != nil {
		log.Fatal(err)
	}

	seconds := fmt.Sprintf("X-Amz-Expires=%.0f&", expiry.Seconds())
	fmt.Println(expiry.Round(time.Minute), capped, strings.Contains(presigned.URL, seconds))
	// Output: 1h0m0s true true
}
