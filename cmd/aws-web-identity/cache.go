package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/awstokenserver/config"
	"github.com/awstokenserver/config/cmd/internal/explain"
	"github.com/awstokenserver/config/tokensource"
)

// kept are credentials in the cache of a setup.
type kept struct {
	Configuration string          `json:"configuration"` // a hash: they are for no other
	Credentials   aws.Credentials `json:"credentials"`
	Since         time.Time       `json:"since"`
}

// usable reports whether credentials are for a configuration, and have not expired.
func (k *kept) usable(configuration string) bool {
	return k.Configuration == configuration && k.Credentials.HasKeys() && k.Credentials.CanExpire && !k.Credentials.Expired()
}

// due reports whether credentials are to be renewed: when a quarter of their life is left,
// or five minutes, or a tenth of it is over.
func (k *kept) due() bool {
	life := k.Credentials.Expires.Sub(k.Since)
	return time.Until(k.Credentials.Expires) < min(max(life/4, 5*time.Minute), life*9/10)
}

// fetch fetches the credentials of an entry without an agent.
func (e *entry) fetch(ctx context.Context, f *folder, number string) (aws.Credentials, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	os.Setenv("AWS_CONFIG_FILE", e.ConfigFile)
	os.Setenv("AWS_SHARED_CREDENTIALS_FILE", e.CredentialsFile)
	os.Unsetenv("AWS_PROFILE")
	os.Unsetenv("AWS_DEFAULT_PROFILE")
	id := identity{profile: e.Profile, sessionName: e.SessionName}
	if e.Duration != "" {
		var err error
		if id.duration, err = time.ParseDuration(e.Duration); err != nil {
			return aws.Credentials{}, err
		}
	}
	if !e.Cache {
		_, creds, err := id.retrieve(ctx)
		return creds, late(ctx, err)
	}
	cfg, err := id.load(ctx)
	if err != nil {
		return aws.Credentials{}, err
	}
	configuration := e.configuration(cfg)
	unlock, err := lock(ctx, f.name(number+".lock"))
	if err != nil {
		return aws.Credentials{}, fmt.Errorf("the cache of setup cannot be locked: %w", err)
	}
	defer unlock()
	file := number + ".cache.json"
	var before kept
	if text, err := os.ReadFile(f.name(file)); err == nil {
		json.Unmarshal(text, &before) // what is no JSON is not usable
	}
	usable := before.usable(configuration)
	if usable && !before.due() {
		return before.Credentials, nil
	}
	since := time.Now()
	creds, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		if usable && isOutage(err) { // it goes unnoticed; a refusal does not
			return before.Credentials, nil
		}
		return creds, late(ctx, err)
	}
	text, err := json.Marshal(kept{configuration, creds, since})
	if err != nil {
		return creds, err
	}
	return creds, f.replace(file, text)
}

// isOutage reports whether the same request may succeed later.
func isOutage(err error) bool {
	return errors.Is(err, tokensource.TokenUnavailable) || errors.Is(err, tokensource.STSUnavailable)
}

// late replaces an error that came because the time was over.
func late(ctx context.Context, err error) error {
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("neither the token server nor STS has given credentials within %v", patience)
	}
	return err
}

// configuration is a hash of all that decides which credentials an entry has.
func (e *entry) configuration(cfg aws.Config) string {
	hash := sha256.New()
	c := explain.LoadedProfile(cfg)
	add := func(words ...string) { fmt.Fprintf(hash, "%q\n", words) }
	add(e.Profile, e.SessionName, e.Duration, cfg.Region, os.Getenv("AWS_ENDPOINT_URL_STS"), os.Getenv("AWS_ENDPOINT_URL"))
	server := os.Getenv("AWS_WEB_IDENTITY_TOKEN_SERVER")
	if e.Profile == "" {
		add(os.Getenv("AWS_ROLE_ARN"), os.Getenv("AWS_ROLE_SESSION_NAME"), server)
	} else {
		for p := &c; p != nil; p = p.Source {
			add(p.Profile, p.RoleARN, p.RoleSessionName, p.ExternalID, p.Region, p.WebIdentityTokenFile)
			server, _ = config.TokenServer(*p)
		}
	}
	if described, err := tokensource.Describe(server); err == nil {
		for _, v := range described.Variables {
			add(v.Name, os.Getenv(v.Name))
		}
	}
	return hex.EncodeToString(hash.Sum(nil))
}
