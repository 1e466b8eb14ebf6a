//go:build linux

package faults

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"log"
	"net"
	"net/http/httptrace"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go/logging"

	"github.com/awstokenserver/config"
	"github.com/awstokenserver/config/tokensource"
)

// child is a process of its own, in which a row's credentials are retrieved.
type child struct {
	ctx context.Context // of the caller
}

// outcome is how a load and a Retrieve went.
type outcome struct {
	Text  string // of the error, or what the credentials are like
	Full  string // the text with setting, advice and link
	Class string
	Took  time.Duration

	TokenRequests, STSRequests int32 // that were sent, or could not be
}

// rest is what is left in the end.
type rest struct {
	Descriptors, Goroutines int
	Stacks                  string
}

// runChild writes an outcome with the fault, one without it, and the rest. It
// waits for a line before each but the first.
func runChild(r row) {
	debug.SetGCPercent(-1) // it closes files that were forgotten
	answers, told := json.NewEncoder(os.Stdout), bufio.NewReader(os.Stdin)
	c := &child{ctx: context.Background()}
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", os.Getenv("DNS"))
	}}
	// The first use leaves something for good.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGTERM)
	if l, err := net.Listen("tcp", "127.0.0.1:0"); err == nil {
		l.Close()
	}
	before := held()

	fix := func() {}
	if r.load {
		fix = r.child(c)
	}
	start := time.Now()
	cfg, err := load()
	if r.child != nil && !r.load {
		fix = r.child(c)
		start = time.Now()
	}
	answers.Encode(c.retrieve(cfg, err, start))

	told.ReadString('\n')
	fix()
	if err != nil {
		cfg, err = load()
	}
	c.ctx = context.Background()
	answers.Encode(c.retrieve(cfg, err, time.Now()))

	told.ReadString('\n')
	left := held()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end) && left != before; left = held() {
		time.Sleep(10 * time.Millisecond)
	}
	left.Descriptors -= before.Descriptors
	left.Goroutines -= before.Goroutines
	if left.Goroutines != 0 {
		var stacks strings.Builder
		pprof.Lookup("goroutine").WriteTo(&stacks, 1)
		left.Stacks = stacks.String()
	}
	answers.Encode(left)
}

// held is what the process holds now.
func held() rest {
	descriptors, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		log.Fatal(err)
	}
	return rest{Descriptors: len(descriptors), Goroutines: runtime.NumGoroutine()}
}

func load() (aws.Config, error) {
	return config.LoadDefaultConfig(context.Background(), config.WithLogger(logging.NewStandardLogger(os.Stderr)),
		config.WithClientLogMode(aws.LogRetries))
}

func (c *child) retrieve(cfg aws.Config, err error, start time.Time) (o outcome) {
	var tokenRequests, stsRequests atomic.Int32
	ctx := httptrace.WithClientTrace(c.ctx, &httptrace.ClientTrace{GetConn: func(address string) {
		if address == host(os.Getenv("AWS_ENDPOINT_URL_STS")) {
			stsRequests.Add(1)
		} else {
			tokenRequests.Add(1)
		}
	}})
	var creds aws.Credentials
	if err == nil {
		creds, err = cfg.Credentials.Retrieve(ctx)
	}
	o.Took = time.Since(start)
	o.TokenRequests, o.STSRequests = tokenRequests.Load(), stsRequests.Load()
	var e *tokensource.Error
	switch {
	case err == nil && creds.Expired():
		o.Text = "credentials that every call asks for anew"
	case err == nil:
		o.Text = "credentials"
	case errors.As(err, &e):
		o.Class = string(e.Class)
		o.Text, _, _ = strings.Cut(strings.TrimPrefix(e.Error(), e.Setting+": "), " (https://")
		o.Text = strings.TrimSuffix(o.Text, "; "+e.Hint)
	default:
		o.Text = err.Error()
	}
	if err != nil {
		o.Full = err.Error()
		log.Printf("%+v", err) // for the eye that looks for secrets
	}
	return o
}

// file returns the path of a file in the row's folder.
func (c *child) file(name string) string {
	return filepath.Join(filepath.Dir(os.Getenv("AWS_CONFIG_FILE")), name)
}

// bringBack returns a function that gives the file NAME.away its name back.
func (c *child) bringBack(name string) func() {
	return func() { c.check(os.Rename(c.file(name+".away"), c.file(name))) }
}

func (c *child) check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
