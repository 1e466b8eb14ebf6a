package soak

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"

	"github.com/awstokenserver/config"
	"github.com/awstokenserver/config/internal/longtest"
	"github.com/awstokenserver/config/webidentity/webidentitytest"
)

// Credentials of 20 seconds, renewed for 45 seconds, of which the token server,
// or STS for exchanges, is down for 15: no call fails, and the failure is logged
// once.
func TestOutage(t *testing.T) {
	longtest.Skip(t, "it takes 45 seconds")
	clearEnv(t)
	var all sync.WaitGroup
	for name, down := range map[string]func(w *webidentitytest.World) (front *front, tokenURL, stsURL string){
		"token server refuses": func(w *webidentitytest.World) (*front, string, string) {
			f := newFront(t, w.TokenServer.URL, nil)
			return f, f.url, w.STS.URL
		},
		"token server hangs": func(w *webidentitytest.World) (*front, string, string) {
			f := newFront(t, w.TokenServer.URL, func(w http.ResponseWriter, r *http.Request) bool {
				<-r.Context().Done()
				return true
			})
			return f, f.url, w.STS.URL
		},
		"STS is unavailable": func(w *webidentitytest.World) (*front, string, string) {
			f := newFront(t, w.STS.URL, func(w http.ResponseWriter, r *http.Request) bool {
				body, _ := io.ReadAll(r.Body)
				r.Body = io.NopCloser(strings.NewReader(string(body)))
				if !strings.Contains(string(body), "Action=AssumeRoleWithWebIdentity") {
					return false
				}
				webidentitytest.STSError(http.StatusServiceUnavailable, "ServiceUnavailable", "not now")(w, r)
				return true
			})
			return f, w.TokenServer.URL, f.url
		},
	} {
		variable := "SOAK_" + strings.ToUpper(strings.ReplaceAll(name, " ", "_"))
		world := webidentitytest.New()
		t.Cleanup(world.Close)
		world.STS.Lifetime = 20 * time.Second // renewed after two
		world.STS.AddRole(webidentitytest.Role{ARN: role, Subject: "*", Audience: "soak"})
		front, tokenURL, stsURL := down(world)
		t.Setenv(variable+"_URL", tokenURL)
		t.Setenv(variable+"_TOKEN", world.TokenServer.RequestToken)
		file := filepath.Join(t.TempDir(), "config")
		text := fmt.Sprintf("[profile soak]\nregion = eu-west-1\nrole_arn = %s\nweb_identity_token_server = %s_URL,%s_TOKEN,soak\n"+
			"services = world\n[services world]\nsts =\n  endpoint_url = %s\n", role, variable, variable, stsURL)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var log logger
		cfg, err := config.LoadDefaultConfig(t.Context(), config.WithSharedConfigFiles([]string{file}),
			config.WithSharedCredentialsFiles([]string{}), config.WithSharedConfigProfile("soak"),
			config.WithLogger(&log))
		if err != nil {
			t.Fatal(err)
		}
		all.Add(1)
		go func() { // t.Parallel would run as many as there are processors
			defer all.Done()
			soak(t, name, cfg, world, front, &log)
		}()
	}
	all.Wait()
}

func soak(t *testing.T, name string, cfg aws.Config, world *webidentitytest.World, front *front, log *logger) {
	client := sts.NewFromConfig(cfg)

	ctx, stop := context.WithTimeout(t.Context(), 45*time.Second)
	defer stop()
	var calls, failed atomic.Int32
	var longest atomic.Int64
	var group sync.WaitGroup
	for range 50 {
		group.Add(1)
		go func() {
			defer group.Done()
			for ctx.Err() == nil {
				start := time.Now()
				if _, err := client.GetCallerIdentity(context.WithoutCancel(ctx), nil); err != nil &&
					failed.Add(1) == 1 {
					t.Errorf("%v", err)
				}
				calls.Add(1)
				for took, l := int64(time.Since(start)), longest.Load(); took > l && !longest.CompareAndSwap(l, took); {
					l = longest.Load()
				}
				time.Sleep(500 * time.Millisecond)
			}
		}()
	}
	time.Sleep(15 * time.Second)
	front.goDown()
	down := time.Now()
	time.Sleep(15 * time.Second)
	front.comeUp(t)
	seconds := int32(time.Since(down).Seconds())
	group.Wait()

	exchanges, keys := 0, map[string]bool{}
	for _, r := range world.STS.Requests() {
		if r.Form.Get("Action") == "AssumeRoleWithWebIdentity" {
			exchanges++
		} else if key := accessKey.FindString(r.Header.Get("Authorization")); key != "" {
			keys[key] = true
		}
	}
	t.Logf("%s: %d calls, %d failed, the longest took %v; %d exchanges, %d sets of credentials, %d requests while down",
		name, calls.Load(), failed.Load(), time.Duration(longest.Load()).Round(time.Millisecond), exchanges, len(keys),
		front.refused.Load())
	if failed.Load() > 0 || calls.Load() < 250 {
		t.Errorf("%s: %d of %d calls failed", name, failed.Load(), calls.Load())
	}
	if exchanges < 5 || exchanges > len(keys)+1 { // the last may not have been used yet
		t.Errorf("%s: %d exchanges for %d sets of credentials", name, exchanges, len(keys))
	}
	if n := front.refused.Load(); n > 3*seconds {
		t.Errorf("%s: %d requests in %d seconds", name, n, seconds)
	}
	log.mu.Lock()
	defer log.mu.Unlock()
	// A renewal makes three requests. Where they hang, the last may get through.
	if n := front.refused.Load(); len(log.warnings) == 0 && n > 0 && n < 3 {
		return
	}
	if len(log.warnings) != 1 || !strings.Contains(log.warnings[0], "could not be renewed yet") {
		t.Errorf("%s: logged %q", name, log.warnings)
	}
}

var accessKey = regexp.MustCompile(`ASIA\w+`)

// front is a server that can go down in front of another.
type front struct {
	url     string
	refused atomic.Int32

	down    func(http.ResponseWriter, *http.Request) bool // nil: nobody listens
	isDown  atomic.Bool
	server  *httptest.Server
	handler http.Handler
}

func newFront(t *testing.T, target string, down func(http.ResponseWriter, *http.Request) bool) *front {
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	f := &front{down: down}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: u.Scheme, Host: u.Host})
	proxy.ErrorLog = log.New(io.Discard, "", 0)
	f.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f.isDown.Load() && f.down(w, r) {
			f.refused.Add(1)
			return
		}
		proxy.ServeHTTP(w, r)
	})
	f.server = httptest.NewUnstartedServer(f.handler)
	if own, err := net.Listen("tcp", "127.0.0.2:0"); err == nil { // where nobody takes the port while the server is down
		f.server.Listener.Close()
		f.server.Listener = own
	}
	f.server.Start()
	t.Cleanup(func() { f.server.Close() })
	f.url = strings.Replace(target, "http://"+u.Host, f.server.URL, 1)
	return f
}

func (f *front) goDown() {
	f.isDown.Store(true)
	if f.down == nil {
		f.server.CloseClientConnections()
		f.server.Close()
	}
}

func (f *front) comeUp(t *testing.T) {
	f.isDown.Store(false)
	if f.down != nil {
		f.server.CloseClientConnections() // that hang
		return
	}
	address := f.server.Listener.Addr().String()
	f.server = httptest.NewUnstartedServer(f.handler)
	f.server.Listener.Close()
	var err error
	if f.server.Listener, err = net.Listen("tcp", address); err != nil {
		t.Error(err)
		return
	}
	f.server.Start()
}

type logger struct {
	mu       sync.Mutex
	warnings []string
}

func (l *logger) Logf(_ logging.Classification, format string, v ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.warnings = append(l.warnings, fmt.Sprintf(format, v...))
}
