package webidentitytest_test

import (
	"context"
	"fmt"
	"log"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/awstokenserver/config/webidentity/webidentitytest"
)

type identityToken string

func (t identityToken) GetIdentityToken() ([]byte, error) { return []byte(t), nil }

func Example() {
	world := webidentitytest.New()
	defer world.Close()
	world.STS.AddRole(webidentitytest.Role{
		ARN:     "arn:aws:iam::123456789012:role/deploy",
		Subject: "repo:octo-org/octo-repo:*",
	})

	token := world.Issuer.Sign(map[string]any{
		"sub": "repo:octo-org/octo-repo:ref:refs/heads/main",
		"aud": "sts.amazonaws.com",
	})
	options := sts.Options{Region: "us-east-1", BaseEndpoint: &world.STS.URL}
	options.Credentials = aws.NewCredentialsCache(stscreds.NewWebIdentityRoleProvider(
		sts.New(options), "arn:aws:iam::123456789012:role/deploy", identityToken(token),
		func(o *stscreds.WebIdentityRoleOptions) { o.RoleSessionName = "build" }))

	who, err := sts.New(options).GetCallerIdentity(context.Background(), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(*who.Arn)
	for _, request := range world.STS.Requests() {
		fmt.Println(request.Form.Get("Action"))
	}
	// Output:
	// arn:aws:sts::123456789012:assumed-role/deploy/build
	// AssumeRoleWithWebIdentity
	// GetCallerIdentity
}
