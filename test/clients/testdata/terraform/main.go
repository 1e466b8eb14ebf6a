// A program that loads its configuration as Terraform's provider does, for each profile
// in its arguments, and prints who it is there, and the region.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/aws/aws-sdk-go-v2/service/sts"
	base "github.com/hashicorp/aws-sdk-go-base/v2"
)

func main() {
	for _, profile := range os.Args[1:] {
		ctx, cfg, problems := base.GetAwsConfig(context.Background(), &base.Config{Profile: profile, CallerName: "clients", CallerDocumentationURL: "-"})
		if problems.HasError() {
			log.Fatal(problems)
		}
		who, err := sts.NewFromConfig(cfg, func(o *sts.Options) { o.Region = cfg.Region }).GetCallerIdentity(ctx, nil)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(*who.Arn, cfg.Region)
	}
}
