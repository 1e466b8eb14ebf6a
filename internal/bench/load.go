package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	upstream "github.com/aws/aws-sdk-go-v2/config"

	"github.com/awstokenserver/config"
	"github.com/awstokenserver/config/webidentity/webidentitytest"
)

// loading is a load from a file of so many profiles.
type loading struct {
	result
	profiles                int
	used                    bool // the feature
	memoryThere, memoryHere memory
}

var profileCounts = []int{1, 100, 1000, 10000}

func measureLoads(env environment, dir string, rounds int) []loading {
	var unused, used []loading
	inWorld(env, dir, 0, func(*webidentitytest.World) {
		for _, n := range profileCounts { // the small before the large, which leave the process a large heap
			file, server := withFile(dir, n), withServer(dir, n)
			measure := func(name, here string, bound float64) loading {
				c := comparison{fmt.Sprintf("%s, %s", name, count(n, "profile")), load(upstream.LoadDefaultConfig, file), load(config.LoadDefaultConfig, here), bound}
				return loading{c.measure(rounds), n, here == server, allocated(c.there), allocated(c.here)}
			}
			unusedBound, usedBound := 1.05, 1.3
			if n == 1 {
				unusedBound, usedBound = 1.3, 2
			}
			unused = append(unused, measure("unused", file, unusedBound))
			used = append(used, measure("used", server, usedBound))
		}
	})
	return append(unused, used...)
}

type loader func(context.Context, ...func(*config.LoadOptions) error) (aws.Config, error)

// profile loads a profile of a file.
func (load loader) profile(file string, i int) aws.Config {
	cfg, err := load(context.Background(), config.WithSharedConfigFiles([]string{file}), config.WithSharedConfigProfile(profile(i)))
	check(err)
	return cfg
}

func load(load loader, file string) func() time.Duration {
	return func() time.Duration {
		start := time.Now()
		load.profile(file, 0)
		return time.Since(start)
	}
}

// measureOpening compares what upstream opens and reads for a profile with a
// token file, and for one with a token server.
func measureOpening(dir string, rounds int) result {
	file := withServer(dir, 1)
	text, err := os.ReadFile(file)
	check(err)
	return comparison{"a file, and a pipe", func() time.Duration {
		start := time.Now()
		open(file)
		return time.Since(start)
	}, func() time.Duration {
		start := time.Now()
		r, w, err := os.Pipe()
		check(err)
		_, err = w.Write(text)
		check(err)
		check(w.Close())
		open(fmt.Sprintf("/dev/fd/%d", r.Fd()))
		check(r.Close())
		return time.Since(start)
	}, 0}.measure(rounds)
}

func open(name string) {
	f, err := os.Open(name)
	check(err)
	_, err = io.ReadAll(f)
	check(err)
	check(f.Close())
}
