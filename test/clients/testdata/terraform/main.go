// A program that loads its configuration as Terraform's provider does, for each profile
// in its arguments, and asks STS who it is.
package main

import (
	"context"
	"log"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sts"
	base "github.com/hashicorp/aws-sdk-go-base/v2"
)

func main() {
	for _, profile := range os.Args[1:] {
		ctx, cfg, problems := base.GetAwsConfig(context.Background(), &base.Config{Profile: profile, CallerName: "clients", CallerDocumentationURL: "-"})
		if problems.HasError() {
			log.Fatal(problems)
		}
		client := sts.NewFromConfig(cfg, func(o *sts.Options) { o.Region = cfg.Region })
		for again := true; again; again = loops() {
			if _, err := client.GetCallerIdentity(ctx, nil); err != nil {
				log.Fatal(err)
			}
		}
	}
}

func loops() bool {
	time.Sleep(50 * time.Millisecond)
	_, err := os.Stat(os.Getenv("LOOP"))
	return err == nil
}
