// Command bench measures this module beside upstream's, in turns within one run,
// and prints the ratios with the bound that each is meant to keep.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	upstream "github.com/aws/aws-sdk-go-v2/config"

	"github.com/awstokenserver/config"
	"github.com/awstokenserver/config/webidentity/webidentitytest"
)

type loader func(context.Context, ...func(*config.LoadOptions) error) (aws.Config, error)

// comparison is two ways to the same, and how many times the baseline's cost the
// measured may have.
type comparison struct {
	name               string
	baseline, measured func() time.Duration // one operation each
	bound              float64
}

func main() {
	rounds := flag.Int("rounds", 40, "measure each in this many turns")
	flag.Parse()
	log.SetFlags(0)

	world := webidentitytest.New()
	defer world.Close()
	world.Setenv(processEnv{})
	os.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere") // as in most jobs
	dir, err := os.MkdirTemp("", "bench-")
	check(err)
	defer os.RemoveAll(dir)
	tokenFile := filepath.Join(dir, "token")
	check(os.WriteFile(tokenFile, []byte(world.Issuer.Sign(map[string]any{
		"sub": "repo:octo-org/octo-repo:ref:refs/heads/main", "aud": "sts.amazonaws.com",
	})), 0o600))
	world.STS.AddRole(webidentitytest.Role{ARN: roleARN, Subject: "repo:octo-org/octo-repo:*"})

	var comparisons []comparison
	for _, n := range []int{1, 100, 1000, 10000} {
		plain := sharedConfig(dir, n, "aws_access_key_id = AKIA\naws_secret_access_key = secret")
		withFile := sharedConfig(dir, n, "role_arn = "+roleARN+"\nweb_identity_token_file = "+tokenFile)
		withServer := sharedConfig(dir, n, "role_arn = "+roleARN+"\nweb_identity_token_server = GitHub")
		unused, used := 1.05, 1.3
		if n == 1 {
			unused, used = 1.3, 2.0
		}
		comparisons = append(comparisons,
			comparison{fmt.Sprintf("load, unused, %d profiles", n), load(upstream.LoadDefaultConfig, plain), load(config.LoadDefaultConfig, plain), unused},
			comparison{fmt.Sprintf("load, used, %d profiles", n), load(upstream.LoadDefaultConfig, withFile), load(config.LoadDefaultConfig, withServer), used})
		if n == 1 {
			bare := bareRequest(world)
			file := firstRetrieve(upstream.LoadDefaultConfig, withFile)
			comparisons = append(comparisons, comparison{
				"first Retrieve, against a bare token request and upstream's exchange",
				func() time.Duration { return bare() + file() }, firstRetrieve(config.LoadDefaultConfig, withServer), 1.15,
			})
		}
	}

	fmt.Printf("%s, %s/%s, %d CPUs; medians of %d turns\n\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), *rounds)
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "upstream\there\tratio\tbound\t  ")
	for _, c := range comparisons {
		baseline, measured, ratio := c.measure(*rounds)
		verdict := ""
		if ratio > c.bound {
			verdict = "over"
		}
		fmt.Fprintf(table, "%v\t%v\t%.2f\t%.2f\t%s\t  %s\n", baseline.Round(time.Microsecond), measured.Round(time.Microsecond), ratio, c.bound, verdict, c.name)
	}
	table.Flush()
}

const roleARN = "arn:aws:iam::123456789012:role/deploy"

// sharedConfig writes a file of n profiles with the same settings.
func sharedConfig(dir string, n int, settings string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "[profile p%d]\nregion = eu-west-1\n%s\n\n", i, settings)
	}
	name := filepath.Join(dir, fmt.Sprintf("config-%x", time.Now().UnixNano()))
	check(os.WriteFile(name, []byte(b.String()), 0o600))
	return name
}

func load(load loader, file string) func() time.Duration {
	options := []func(*config.LoadOptions) error{config.WithSharedConfigFiles([]string{file}), config.WithSharedConfigProfile("p0")}
	return func() time.Duration {
		start := time.Now()
		_, err := load(context.Background(), options...)
		check(err)
		return time.Since(start)
	}
}

// firstRetrieve measures the first Retrieve of a configuration, and not the load.
func firstRetrieve(load loader, file string) func() time.Duration {
	return func() time.Duration {
		cfg, err := load(context.Background(), config.WithSharedConfigFiles([]string{file}), config.WithSharedConfigProfile("p0"))
		check(err)
		start := time.Now()
		_, err = cfg.Credentials.Retrieve(context.Background())
		check(err)
		return time.Since(start)
	}
}

// bareRequest asks the token server for a token with net/http alone.
func bareRequest(world *webidentitytest.World) func() time.Duration {
	return func() time.Duration {
		start := time.Now()
		request, err := http.NewRequest("GET", world.TokenServer.URL+"&audience=sts.amazonaws.com", nil)
		check(err)
		request.Header.Set("Authorization", "Bearer "+world.TokenServer.RequestToken)
		transport := &http.Transport{}
		defer transport.CloseIdleConnections()
		response, err := (&http.Client{Transport: transport}).Do(request)
		check(err)
		_, err = io.ReadAll(response.Body)
		check(err)
		response.Body.Close()
		return time.Since(start)
	}
}

// measure takes turns, so that what else the machine does meets both alike. It
// returns medians; that of the ratio is over the pairs of turns.
func (c comparison) measure(rounds int) (baseline, measured time.Duration, ratio float64) {
	const least = 10 * time.Millisecond // in a turn of both
	times := max(1, int(least/(c.baseline()+c.measured())))
	turn := func(operation func() time.Duration) (sum time.Duration) {
		runtime.GC()
		for range times {
			sum += operation()
		}
		return sum / time.Duration(times)
	}
	var (
		baselines, measurements []time.Duration
		ratios                  []float64
	)
	for range rounds {
		b, m := turn(c.baseline), turn(c.measured)
		baselines, measurements, ratios = append(baselines, b), append(measurements, m), append(ratios, float64(m)/float64(b))
	}
	slices.Sort(baselines)
	slices.Sort(measurements)
	slices.Sort(ratios)
	return baselines[rounds/2], measurements[rounds/2], ratios[rounds/2]
}

// processEnv sets variables of this process.
type processEnv struct{}

func (processEnv) Setenv(name, value string) { check(os.Setenv(name, value)) }

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
