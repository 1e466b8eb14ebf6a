package main

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	upstream "github.com/aws/aws-sdk-go-v2/config"

	"github.com/awstokenserver/config"
	"github.com/awstokenserver/config/webidentity/webidentitytest"
)

// measureRetrieval compares the first Retrieve of a configuration, without the
// load, to what it cannot do without.
func measureRetrieval(env environment, dir string, rounds int) result {
	first := func(load loader, file string, before func(*webidentitytest.World)) func() time.Duration {
		return func() (taken time.Duration) {
			inWorld(env, dir, 1, func(world *webidentitytest.World) {
				cfg := load.profile(file, 0)
				start := time.Now()
				before(world)
				retrieve(cfg)
				taken = time.Since(start)
			})
			return taken
		}
	}
	return comparison{
		"first `Retrieve`",
		first(upstream.LoadDefaultConfig, withFile(dir, 1), requestToken),
		first(config.LoadDefaultConfig, withServer(dir, 1), nothing),
		1.15,
	}.measure(rounds)
}

func retrieve(cfg aws.Config) {
	_, err := cfg.Credentials.Retrieve(context.Background())
	check(err)
}

// requestToken asks the token server for a token with net/http alone.
func requestToken(world *webidentitytest.World) {
	request, err := http.NewRequest("GET", world.TokenServer.URL+"&audience=sts.amazonaws.com", nil)
	check(err)
	request.Header.Set("Authorization", "Bearer "+world.TokenServer.RequestToken)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Do(request)
	check(err)
	_, err = io.ReadAll(response.Body)
	check(err)
	check(response.Body.Close())
}

func nothing(*webidentitytest.World) {}
