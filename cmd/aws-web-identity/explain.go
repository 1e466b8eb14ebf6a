package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"

	"github.com/awstokenserver/config"
	"github.com/awstokenserver/config/internal/trustpolicy"
	"github.com/awstokenserver/config/tokensource"
)

// explanation is what explain tells. The names of its members in JSON are
// stable.
type explanation struct {
	Profile     origin       `json:"profile"`
	Region      origin       `json:"region,omitzero"` // of STS: never that of a source profile
	Files       []stated     `json:"files"`
	Used        *contender   `json:"used,omitempty"`
	Shadowed    []contender  `json:"shadowed,omitempty"`
	Chain       []hop        `json:"chain,omitempty"`
	TokenSource *tokenSource `json:"token_source,omitempty"`
	Token       *fetched     `json:"token,omitempty"`
	TrustPolicy *judged      `json:"trust_policy,omitempty"`
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

// explain writes which credentials the SDK would use, and why.
func explain(flags *flag.FlagSet) runner {
	profile := flags.String("profile", "", "")
	fetch := flags.Bool("fetch", false, "")
	policyFile := flags.String("trust-policy", "", "")
	format := (*explanation).text
	flags.Func("format", "", func(name string) error {
		switch name {
		case "text":
			format = (*explanation).text
		case "json":
			format = (*explanation).json
		default:
			return errors.New("must be text or json")
		}
		return nil
	})
	return func(ctx context.Context, _ []string, out io.Writer) error {
		var policy *trustpolicy.Policy
		if *policyFile != "" {
			*fetch = true
			read := os.ReadFile
			if *policyFile == "-" {
				read = func(string) ([]byte, error) { return io.ReadAll(os.Stdin) }
			}
			text, err := read(*policyFile)
			if err != nil {
				return err
			}
			if policy, err = trustpolicy.Parse(text); err != nil {
				return fmt.Errorf("%s: %w", *policyFile, err)
			}
		}
		e := &explanation{}
		source, err := e.load(ctx, *profile, *fetch)
		if err == nil && *fetch {
			err = e.fetch(ctx, source, policy)
		}
		if err != nil {
			e.Error = &failure{Message: err.Error()}
			if told := (*tokensource.Error)(nil); errors.As(err, &told) {
				e.Error.Class = told.Class
			}
		}
		if _, err := io.WriteString(out, printable(format(e))); err != nil {
			return err
		}
		if e.Error != nil || e.TrustPolicy != nil && e.TrustPolicy.Verdict != trustpolicy.Allowed {
			return exitCode(1)
		}
		return nil
	}
}

// load fills in what is known without a token. It returns the token source,
// which is nil where no web identity is used.
func (e *explanation) load(ctx context.Context, profile string, network bool) (source tokensource.TokenSource, err error) {
	env, err := config.NewEnvConfig()
	if err != nil {
		return nil, err
	}
	if e.Profile = (origin{profile, "-profile"}); profile == "" {
		e.Profile = origin{cmp.Or(env.SharedConfigProfile, config.DefaultSharedConfigProfile), setVariable("AWS_PROFILE", "AWS_DEFAULT_PROFILE")}
	}
	for _, name := range []string{
		cmp.Or(env.SharedConfigFile, config.DefaultSharedConfigFilename()),
		cmp.Or(env.SharedCredentialsFile, config.DefaultSharedCredentialsFilename()),
	} {
		_, err := os.Stat(name)
		e.Files = append(e.Files, stated{name, state(err, "found")})
	}

	options := []func(*config.LoadOptions) error{config.WithSharedConfigProfile(profile)}
	if !network {
		options = append(options, config.WithDefaultsMode(aws.DefaultsModeLegacy)) // "auto" asks the metadata service
	}
	cfg, err := config.LoadDefaultConfig(ctx, append(options, config.WithCredentialsProvider(aws.AnonymousCredentials{}))...)
	if err != nil {
		return nil, err
	}
	shared := loadedProfile(cfg)
	if e.Region = (origin{cfg.Region, setVariable("AWS_REGION", "AWS_DEFAULT_REGION")}); e.Region.From == "" && cfg.Region != "" {
		e.Region.From = fmt.Sprintf("profile %q", shared.Profile)
	}
	e.contend(ctx, env, shared, profile != "")
	if e.Used.webIdentity == "" {
		return nil, nil
	}

	options = append(options, config.WithWebIdentityRoleCredentialOptions(func(o *stscreds.WebIdentityRoleOptions) {
		switch r := o.TokenRetriever.(type) {
		case tokensource.TokenSource:
			source = r
		case stscreds.IdentityTokenFile:
			source = tokensource.File(string(r))
		}
	}))
	_, err = config.LoadDefaultConfig(ctx, options...)
	e.TokenSource = describe(e.Used)
	if s, ok := source.(tokensource.Named); ok {
		e.TokenSource.Setting = cmp.Or(s.Setting(), e.TokenSource.Setting)
	}
	return source, err
}
