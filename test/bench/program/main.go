// Command program gets the credentials of the profile that AWS_PROFILE names.
// The benchmark builds it also with upstream's package in the place of this
// module's.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/awstokenserver/config"
)

func main() {
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	credentials, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(credentials.AccessKeyID)
}
