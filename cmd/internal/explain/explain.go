// Package explain says which credentials the SDK would use for a profile, where their
// token comes from, and what a trust policy says of it.
package explain

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"

	"github.com/awstokenserver/config"
	"github.com/awstokenserver/config/internal/trustpolicy"
	"github.com/awstokenserver/config/tokensource"
)

// Explanation is which credentials the SDK would use, and why. The names of its
// members in JSON are stable.
type Explanation struct {
	Profile     origin       `json:"profile"`
	Region      origin       `json:"region,omitzero"` // of STS: never that of a source profile
	STS         string       `json:"sts,omitempty"`   // the URL that is asked for the role
	Files       []stated     `json:"files"`
	Used        *contender   `json:"used,omitempty"`
	Shadowed    []contender  `json:"shadowed,omitempty"`
	Chain       []hop        `json:"chain,omitempty"`
	TokenSource *tokenSource `json:"token_source,omitempty"`
	Token       *fetched     `json:"token,omitempty"`
	TrustPolicy *judged      `json:"trust_policy,omitempty"`
	Warnings    []warning    `json:"warnings,omitempty"` // of the trust policy
	Problems    []string     `json:"problems,omitempty"` // that keep the role from being had, or another from being used
	Error       *failure     `json:"error,omitempty"`
}

// origin is a value, and the flag, variable or profile that it comes from.
type origin struct {
	Value string `json:"value,omitempty"`
	From  string `json:"from,omitempty"`
}

// stated is a variable or a file, and how it is.
type stated struct {
	Name  string `json:"name"`
	State string `json:"state"`
}

type failure struct {
	Class   tokensource.Class `json:"class,omitempty"`
	Message string            `json:"message"`
}

// Request is what to explain.
type Request struct {
	// Profile is the profile to use. Empty means that of the environment.
	Profile string

	// Fetch fetches a token.
	Fetch bool

	// Policies are trust policies to judge the token by: the one of the role, or the
	// only one.
	Policies []*trustpolicy.Policy
}

// Explain says which credentials the SDK would use, and why. What fails is in the
// explanation too.
func Explain(ctx context.Context, r Request) *Explanation {
	e := &Explanation{}
	source, err := e.load(ctx, r)
	if err == nil && r.Fetch {
		err = e.fetch(ctx, source, r.Policies)
	}
	if err != nil {
		e.Error = &failure{Message: err.Error()}
		if known := (*tokensource.Error)(nil); errors.As(err, &known) {
			e.Error.Class = known.Class
		}
	}
	return e
}

// OK reports whether the role can be had, as far as was looked.
func (e *Explanation) OK() bool {
	return e.Error == nil && len(e.Problems) == 0 &&
		(e.TrustPolicy == nil || e.TrustPolicy.Verdict == trustpolicy.Allowed)
}

// RoleARN returns the role that the token is for, or "".
func (e *Explanation) RoleARN() string {
	if len(e.Chain) == 0 {
		return ""
	}
	return e.Chain[len(e.Chain)-1].RoleARN
}

// load fills in what is known without a token. It returns the token source,
// which is nil where no web identity is used.
func (e *Explanation) load(ctx context.Context, r Request) (source tokensource.TokenSource, err error) {
	env, err := config.NewEnvConfig()
	if err != nil {
		return nil, err
	}
	if e.Profile = (origin{r.Profile, "--profile"}); r.Profile == "" {
		e.Profile = origin{cmp.Or(env.SharedConfigProfile, config.DefaultSharedConfigProfile),
			setVariable("AWS_PROFILE", "AWS_DEFAULT_PROFILE")}
	}
	for _, name := range []string{
		cmp.Or(env.SharedConfigFile, config.DefaultSharedConfigFilename()),
		cmp.Or(env.SharedCredentialsFile, config.DefaultSharedCredentialsFilename()),
	} {
		_, err := os.Stat(name)
		e.Files = append(e.Files, stated{name, state(err, "found")})
	}

	options := []func(*config.LoadOptions) error{
		config.WithSharedConfigProfile(r.Profile),
		config.WithWebIdentityRoleCredentialOptions(func(o *stscreds.WebIdentityRoleOptions) {
			switch retriever := o.TokenRetriever.(type) {
			case tokensource.TokenSource:
				source = retriever
			case stscreds.IdentityTokenFile:
				source = tokensource.File(string(retriever))
			}
		}),
	}
	if !r.Fetch {
		options = append(options, config.WithDefaultsMode(aws.DefaultsModeLegacy)) // "auto" asks the metadata service
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	shared := LoadedProfile(cfg)
	if err != nil {
		// The profile may show why.
		var unreadable error
		shared, unreadable = e.readProfile(ctx, e.Profile.Value)
		if unreadable != nil &&
			(e.Profile.From != "" || !errors.As(unreadable, new(config.SharedConfigProfileNotExistError))) {
			e.findInFiles()
			return nil, err
		}
		cfg.Region = cmp.Or(env.Region, shared.Region)
	}
	e.Region = origin{cfg.Region, setVariable("AWS_REGION", "AWS_DEFAULT_REGION")}
	if e.Region.From == "" && cfg.Region != "" {
		e.Region.From = fmt.Sprintf("profile %q", shared.Profile)
	}
	e.resolve(ctx, env, shared, r.Profile != "")
	if e.Used.webIdentity != "" {
		e.TokenSource = newTokenSource(e.Used)
		if s, ok := source.(tokensource.Named); ok {
			e.TokenSource.Setting = cmp.Or(s.Setting(), e.TokenSource.Setting)
		}
	}
	if err == nil {
		e.resolveSTS(ctx, cfg)
	}
	e.findProblems()
	return source, err
}

// readProfile reads a profile of the files, and of more credentials files.
func (e *Explanation) readProfile(ctx context.Context, profile string, more ...string) (config.SharedConfig, error) {
	return config.LoadSharedConfigProfile(ctx, profile, func(o *config.LoadSharedConfigOptions) {
		o.ConfigFiles = []string{e.Files[0].Name}
		o.CredentialsFiles = append([]string{e.Files[1].Name}, more...)
	})
}

// LoadedProfile returns the profile that cfg was loaded from. It has no name
// where there was none.
func LoadedProfile(cfg aws.Config) (c config.SharedConfig) {
	for _, source := range cfg.ConfigSources {
		if profile, ok := source.(config.SharedConfig); ok {
			c = profile
		}
	}
	return c
}
