// A program on the SDK for Go v1 that asks STS who it is for each profile in its arguments.
package main

import (
	"log"
	"os"
	"time"

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
		client := sts.New(s)
		for again := true; again; again = loops() {
			if _, err := client.GetCallerIdentity(nil); err != nil {
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
