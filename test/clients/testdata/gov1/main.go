// A program on the SDK for Go v1 that prints who it is for each profile in its arguments,
// and the region.
package main

import (
	"fmt"
	"log"
	"os"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/session"
	"github.com/aws/aws-sdk-go/service/sts"
)

func main() {
	for _, profile := range os.Args[1:] {
		s, err := session.NewSessionWithOptions(session.Options{Profile: profile, SharedConfigState: session.SharedConfigEnable,
			Config: aws.Config{Endpoint: aws.String(os.Getenv("AWS_ENDPOINT_URL_STS"))}})
		if err != nil {
			log.Fatal(err)
		}
		who, err := sts.New(s).GetCallerIdentity(nil)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(*who.Arn, *s.Config.Region)
	}
}
