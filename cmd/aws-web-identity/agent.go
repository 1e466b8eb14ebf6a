package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/awstokenserver/config"
	"github.com/awstokenserver/config/cmd/internal/explain"
	"github.com/awstokenserver/config/cmd/internal/profiles"
)

// agent serves the credentials of profiles for as long as a command runs: at an endpoint,
// and through a config file of its own.
type agent struct {
	*endpoint
	folder
	profile string // the one that is the command's
}

const endpointPath = "/credentials" // of the command's profile; others have a number below it

// newAgent starts an agent for the credentials of cfg, and for all profiles whose
// credentials rest on a token server, or on what the command does not have. Their
// configuration is loaded now, and what the files say later is not.
func newAgent(cfg aws.Config, files *profiles.Files, s *shared) (*agent, error) {
	a := &agent{profile: cmp.Or(explain.LoadedProfile(cfg).Profile, config.DefaultSharedConfigProfile)}
	s.set(a.profile, cfg.Credentials)
	names := with(s.names, a.profile)
	providers := map[string]aws.CredentialsProvider{endpointPath: s.load(a.profile)}
	for i, name := range names {
		providers[fmt.Sprintf("%s/%d", endpointPath, i+1)] = s.load(name)
	}
	var err error
	if a.dir, err = os.MkdirTemp("", program+"-"); err != nil {
		return nil, fmt.Errorf("there is no place for the command's config file: %w; set TMPDIR to a folder that can be written to", err)
	}
	if err := a.start(files, names, providers); err != nil {
		a.close()
		return nil, err
	}
	return a, nil
}

// shared are the credentials of the profiles that an agent serves, which are also those of
// source profiles: each role is got once.
type shared struct {
	ctx   context.Context
	names []string

	mu     sync.Mutex
	loaded map[string]aws.CredentialsProvider
}

func newShared(ctx context.Context, files *profiles.Files) *shared {
	return &shared{ctx: ctx, names: files.OfProcess(ctx), loaded: map[string]aws.CredentialsProvider{}}
}

// source returns the credentials of a profile that is served, or nil. It may be called
// before they are loaded.
func (s *shared) source(profile string) aws.CredentialsProvider {
	if !slices.Contains(s.names, profile) {
		return nil
	}
	return aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
		return s.load(profile).Retrieve(ctx)
	})
}

func (s *shared) set(profile string, provider aws.CredentialsProvider) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loaded[profile] = &renewing{provider: provider}
}

// load returns the credentials of a profile. An error of the load is for who asks for them.
func (s *shared) load(profile string) aws.CredentialsProvider {
	s.mu.Lock()
	defer s.mu.Unlock()
	provider := s.loaded[profile]
	if provider == nil {
		id := identity{profile: profile, source: s.source}
		cfg, err := id.load(s.ctx)
		provider = cfg.Credentials
		if err != nil {
			provider = aws.CredentialsProviderFunc(
				func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, err })
		}
		provider = &renewing{provider: provider}
		s.loaded[profile] = provider
	}
	return provider
}

// renewing looks after credentials that somebody has asked for, so that they are renewed
// ahead of their expiry when nobody asks: SDKs keep a set for its life, and then need
// another at once.
type renewing struct {
	provider aws.CredentialsProvider
	running  atomic.Bool
}

func (r *renewing) Retrieve(ctx context.Context) (aws.Credentials, error) {
	creds, err := r.provider.Retrieve(ctx)
	if err == nil && creds.CanExpire && r.running.CompareAndSwap(false, true) {
		go r.renew(creds)
	}
	return creds, err
}

// renew asks for the credentials from time to time, for as long as they can be had.
func (r *renewing) renew(creds aws.Credentials) {
	defer r.running.Store(false)
	for err := error(nil); err == nil; creds, err = r.provider.Retrieve(context.Background()) {
		time.Sleep(min(max(time.Until(creds.Expires)/20, time.Second), time.Minute))
	}
}

func (a *agent) start(files *profiles.Files, names []string, providers map[string]aws.CredentialsProvider) (err error) {
	if a.endpoint, err = listen(providers); err != nil {
		return err
	}
	if err := a.replace("token", []byte(a.token)); err != nil {
		return err
	}
	entries := make([]entry, len(names))
	for i, name := range names {
		entries[i] = entry{Profile: name, URL: a.url(endpointPath + "/" + strconv.Itoa(i+1)), TokenFile: a.name("token")}
	}
	return a.write(files, names, entries)
}

// close removes what the agent has written. Its endpoint ends with the process.
func (a *agent) close() { os.RemoveAll(a.dir) }

// environ are the variables through which SDKs find the agent.
func (a *agent) environ() []string {
	return []string{
		"AWS_CONFIG_FILE=" + a.config(),
		"AWS_SHARED_CREDENTIALS_FILE=" + a.credentials,
		"CPL_AWS_CREDENTIALS_FILE=" + a.credentials, // GDAL's
		"AWS_PROFILE=" + a.profile,
		"AWS_SDK_LOAD_CONFIG=1", // for the SDKs for JavaScript v2 and Go v1
		"AWS_CONTAINER_CREDENTIALS_FULL_URI=" + a.url(endpointPath),
		"AWS_CONTAINER_AUTHORIZATION_TOKEN=" + a.token,
		"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=" + a.name("token"), // for object_store
		"AWS_EC2_METADATA_DISABLED=true",
	}
}

// patience is how long a credential_process may take: SDKs wait for 20 s.
const patience = 18 * time.Second

// ask asks the agent of an entry for credentials.
func (e *entry) ask(ctx context.Context) (creds aws.Credentials, err error) {
	gone := func(err error) error {
		return fmt.Errorf("cannot ask the exec that serves profile %s, which may have ended: %w", e.Profile, err)
	}
	token, err := os.ReadFile(e.TokenFile)
	if err != nil {
		return creds, gone(err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, e.URL, nil)
	if err != nil {
		return creds, err
	}
	request.Header.Set("Authorization", string(token))
	client := http.Client{Transport: &http.Transport{}, Timeout: patience} // without a proxy
	response, err := client.Do(request)
	if err != nil {
		return creds, gone(err)
	}
	defer response.Body.Close()
	var answer struct {
		containerCredentials
		Message string `json:"message"`
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(&answer); err != nil {
		return creds, gone(err)
	}
	if response.StatusCode != http.StatusOK {
		return creds, errors.New(answer.Message)
	}
	return aws.Credentials{AccessKeyID: answer.AccessKeyId, SecretAccessKey: answer.SecretAccessKey,
		SessionToken: answer.Token, CanExpire: true, Expires: answer.Expiration, AccountID: answer.AccountId}, nil
}
