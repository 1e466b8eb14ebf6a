package main

import (
	"sync"
	"time"

	upstream "github.com/aws/aws-sdk-go-v2/config"

	"github.com/awstokenserver/config"
	"github.com/awstokenserver/config/webidentity/webidentitytest"
)

// roles is as many roles at once, each from the load of its profile to its
// credentials, beside two ways to get them with upstream.
type roles struct {
	n           int
	withToken   result // with a token file that is there
	withRequest result // with a bare token request for each role before
}

var roleCounts = []int{1, 10, 100, 200}

func measureRoles(env environment, dir string, rounds int) (all []roles) {
	for _, n := range roleCounts {
		atOnce := func(load loader, file string, before func(*webidentitytest.World)) func() time.Duration {
			return func() (taken time.Duration) {
				inWorld(env, dir, n, func(world *webidentitytest.World) {
					var running sync.WaitGroup
					start := time.Now()
					for i := range n {
						running.Add(1)
						go func() {
							defer running.Done()
							before(world)
							retrieve(load.profile(file, i))
						}()
					}
					running.Wait()
					taken = time.Since(start)
				})
				return taken
			}
		}
		file := withFile(dir, n)
		here := atOnce(config.LoadDefaultConfig, withServer(dir, n), nothing)
		all = append(all, roles{
			n,
			comparison{count(n, "role") + ", token file there", atOnce(upstream.LoadDefaultConfig, file, nothing), here,
				0}.measure(rounds),
			comparison{count(n, "role") + ", token requested", atOnce(upstream.LoadDefaultConfig, file, requestToken),
				here, 0}.measure(rounds),
		})
	}
	return all
}
