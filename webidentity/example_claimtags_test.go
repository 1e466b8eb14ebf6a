package webidentity_test

import (
	"context"
	"fmt"
	"log"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/awstokenserver/config/tokensource"
	"github.com/awstokenserver/config/webidentity"
	"github.com/awstokenserver/config/webidentity/webidentitytest"
)

// A second role wants to know for which repository it is assumed. The world
// stands for an issuer and AWS.
func ExampleClaimTags() {
	world := webidentitytest.New()
	defer world.Close()
	const first, second = "arn:aws:iam::123456789012:role/first", "arn:aws:iam::123456789012:role/second"
	world.STS.AddRole(webidentitytest.Role{ARN: first, Subject: "repo:acme/shop:*"})
	world.STS.AddRole(webidentitytest.Role{
		ARN: second, Principals: []string{first},
		TagSession: true, RequestTags: map[string]string{"gh:repository": "acme/shop"},
	})
	source := tokensource.Func(func(context.Context) (tokensource.Token, error) {
		return tokensource.Token{Value: world.Issuer.Sign(map[string]any{
			"sub": "repo:acme/shop:ref:refs/heads/main", "aud": "sts.amazonaws.com", "repository": "acme/shop",
		})}, nil
	})

	options := sts.Options{Region: "us-east-1", BaseEndpoint: &world.STS.URL}
	options.Credentials = aws.NewCredentialsCache(webidentity.NewProvider(sts.New(options), first, source))
	options.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(
		sts.New(options), second, webidentity.ClaimTags(source, "gh:", "repository"),
		func(o *stscreds.AssumeRoleOptions) { o.RoleSessionName = "build" }))
	who, err := sts.New(options).GetCallerIdentity(context.Background(), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(*who.Arn)
	// Output: arn:aws:sts::123456789012:assumed-role/second/build
}
