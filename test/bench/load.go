package main

import (
	"context"
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
	memoryBound             float64 // of the bytes that are allocated here
}

var profileCounts = []int{1, 100, 1000, 10000, 150000}

// loadBound is what the ratio of a load from a file of n profiles is meant to keep.
func loadBound(n int, used bool) float64 {
	switch {
	case n < 100 && used:
		return 1.7
	case n < 100:
		return 1.2
	case n < 1000:
		return 0.7
	case n < 10000:
		return 0.15
	default:
		return 0.05
	}
}

// measureLoads measures LoadDefaultConfig, and LoadSharedConfigProfile.
func measureLoads(env environment, dir string, rounds int) (loads, profileLoads []loading) {
	inWorld(env, dir, 0, func(*webidentitytest.World) {
		var withFiles, withServers []string
		for _, n := range profileCounts {
			withFiles, withServers = append(withFiles, withFile(dir, n)), append(withServers, withServer(dir, n))
		}
		time.Sleep(3 * time.Second) // a file that has just changed is not read as others are
		for _, used := range []bool{false, true} {
			for i, n := range profileCounts { // the small before the large, which leave the process a large heap
				there, here, name := withFiles[i], withFiles[i], "unused"
				if used {
					here, name = withServers[i], "used"
				}
				name += ", " + count(n, "profile")
				info, err := os.Stat(here)
				check(err)
				measure := func(what string, there, here func() time.Duration) loading {
					l := loading{profiles: n, used: used, memoryThere: allocated(there), memoryHere: allocated(here)}
					l.memoryBound = min(1.3*l.memoryThere.bytes, 1.5*float64(info.Size())+20_000)
					l.result = comparison{what + ", " + name, there, here, loadBound(n, used)}.measure(rounds)
					l.name = name
					return l
				}
				loads = append(loads,
					measure("load", load(upstream.LoadDefaultConfig, there), load(config.LoadDefaultConfig, here)))
				profileLoads = append(profileLoads, measure("profile",
					loadProfile(upstream.LoadSharedConfigProfile, there),
					loadProfile(config.LoadSharedConfigProfile, here)))
			}
		}
	})
	return loads, profileLoads
}

type profileLoader func(context.Context, string, ...func(*config.LoadSharedConfigOptions)) (config.SharedConfig, error)

func loadProfile(load profileLoader, file string) func() time.Duration {
	return func() time.Duration {
		start := time.Now()
		_, err := load(context.Background(), profile(0), func(o *config.LoadSharedConfigOptions) {
			o.ConfigFiles, o.CredentialsFiles = []string{file}, []string{}
		})
		check(err)
		return time.Since(start)
	}
}

type loader func(context.Context, ...func(*config.LoadOptions) error) (aws.Config, error)

// profile loads a profile of a file.
func (load loader) profile(file string, i int) aws.Config {
	cfg, err := load(context.Background(), config.WithSharedConfigFiles([]string{file}),
		config.WithSharedConfigProfile(profile(i)))
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
