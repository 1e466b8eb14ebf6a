package webidentity_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	upstream "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/awstokenserver/config/tokensource"
	"github.com/awstokenserver/config/webidentity"
	"github.com/awstokenserver/config/webidentity/webidentitytest"
)

// A program makes a provider of its own. The world stands for an issuer and AWS.
func ExampleNewProvider() {
	world := webidentitytest.New()
	defer world.Close()
	world.STS.AddRole(webidentitytest.Role{ARN: "arn:aws:iam::123456789012:role/deploy", Subject: "workload"})
	source := tokensource.Func(func(context.Context) (tokensource.Token, error) {
		return tokensource.Token{Value: world.Issuer.Sign(map[string]any{"sub": "workload",
			"aud": "sts.amazonaws.com"})}, nil
	})

	options := sts.Options{Region: "us-east-1", BaseEndpoint: &world.STS.URL}
	options.Credentials = aws.NewCredentialsCache(webidentity.NewProvider(
		sts.New(options), "arn:aws:iam::123456789012:role/deploy", source,
		func(o *stscreds.WebIdentityRoleOptions) { o.RoleSessionName = "build" }))
	who, err := sts.New(options).GetCallerIdentity(context.Background(), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(*who.Arn)
	// Output: arn:aws:sts::123456789012:assumed-role/deploy/build
}

// A program stays on upstream's loader. AWS_ROLE_ARN names the role, and
// AWS_WEB_IDENTITY_TOKEN_FILE must be set to something that is not read.
func ExampleOptions() {
	_, err := upstream.LoadDefaultConfig(context.Background(),
		upstream.WithWebIdentityRoleCredentialOptions(webidentity.Options(tokensource.GitHub())))
	fmt.Println(err)
	// Output: <nil>
}

// A URL is wanted for a day, and can be promised for as long as the credentials
// last. The presign client of S3 takes the expiry: s3.WithPresignExpires(expiry).
func ExamplePresignExpiry() {
	creds := aws.Credentials{CanExpire: true, Expires: time.Now().Add(time.Hour)} // of cfg.Credentials.Retrieve
	expiry, capped, err := webidentity.PresignExpiry(creds, 24*time.Hour)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(expiry.Round(time.Minute), capped)
	// Output: 1h0m0s true
}
