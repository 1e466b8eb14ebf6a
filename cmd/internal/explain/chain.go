package explain

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"

	"github.com/awstokenserver/config"
)

// contender is a key or a variable that names credentials.
type contender struct {
	Name    string `json:"name"`
	Profile string `json:"profile,omitempty"`
	Value   string `json:"value,omitempty"` // where that is no secret
	By      string `json:"by,omitempty"`    // what shadows it

	webIdentity string // the value of a token server or token file
}

func (c *contender) String() string {
	if c.Profile == "" {
		return c.Name
	}
	return fmt.Sprintf("%s of profile %q", c.Name, c.Profile)
}

// hop is a profile on the way to the credentials, and the role that it assumes.
type hop struct {
	Profile         string   `json:"profile,omitempty"` // none in the environment
	Call            string   `json:"call,omitempty"`
	RoleARN         string   `json:"role_arn,omitempty"`
	SessionName     string   `json:"role_session_name,omitempty"`
	ExternalID      string   `json:"external_id,omitempty"`
	DurationSeconds *int     `json:"duration_seconds,omitempty"`
	MFASerial       string   `json:"mfa_serial,omitempty"`
	Ignored         []string `json:"ignored,omitempty"` // those of these that the SDK does not send
}

const withWebIdentity = "sts:AssumeRoleWithWebIdentity"

// resolve fills in which credentials are used, which are shadowed, and the chain
// of roles. The order is that of upstream's resolve_credentials.go.
func (e *Explanation) resolve(ctx context.Context, env config.EnvConfig, c config.SharedConfig, explicit bool) {
	environment := ofEnvironment(env, explicit)
	var shadowed []contender
	for ; c.Source != nil; c = *c.Source {
		e.Chain = append(e.Chain, newHop(c, "sts:AssumeRole"))
		if c.Profile != c.Source.Profile {
			for _, other := range e.besideSource(ctx, c.Profile) {
				other.By = fmt.Sprintf("source_profile of profile %q", c.Profile)
				shadowed = append(shadowed, other)
			}
		}
	}
	all := append(ofProfile(c), ofContainer()...)
	if len(all) == 0 && (explicit || len(environment) == 0) {
		all = []contender{ofInstance(env)}
	}
	if explicit {
		if env.SharedConfigProfile != "" && env.SharedConfigProfile != e.Profile.Value {
			environment = append(environment, contender{Name: setVariable("AWS_PROFILE", "AWS_DEFAULT_PROFILE")})
		}
		for i := range environment {
			environment[i].By = "--profile"
		}
		all = append(all, environment...)
	} else {
		all = append(environment, all...)
	}
	e.Used, e.Shadowed = &all[0], append(all[1:], shadowed...)
	for i := range e.Shadowed {
		e.Shadowed[i].By = cmp.Or(e.Shadowed[i].By, e.Used.String())
	}
	e.endChain(env, c, explicit || len(environment) == 0)
}

// endChain adds the hop that the credentials in use are for: of profile c, or of the
// environment.
func (e *Explanation) endChain(env config.EnvConfig, c config.SharedConfig, ofProfile bool) {
	call := "sts:AssumeRole"
	if e.Used.webIdentity != "" {
		call = withWebIdentity
	}
	switch {
	case ofProfile:
		if c.Profile != "" {
			e.Chain = append(e.Chain, newHop(c, call))
		}
	case e.Used.webIdentity != "":
		e.Chain = []hop{newHop(config.SharedConfig{RoleARN: env.RoleARN, RoleSessionName: env.RoleSessionName}, call)}
	default:
		e.Chain = nil
	}
}

// ofEnvironment returns the credentials that variables name.
func ofEnvironment(env config.EnvConfig, explicit bool) (all []contender) {
	if env.Credentials.HasKeys() {
		all = append(all, contender{Name: setVariable("AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY"),
			Value: last4(env.Credentials)})
	}
	server, file := os.Getenv("AWS_WEB_IDENTITY_TOKEN_SERVER"), env.WebIdentityTokenFilePath
	if server != "" {
		all = append(all, contender{Name: "AWS_WEB_IDENTITY_TOKEN_SERVER", webIdentity: server})
	}
	if file != "" && (server == "" || explicit || env.Credentials.HasKeys()) { // or both are an error
		all = append(all, contender{Name: "AWS_WEB_IDENTITY_TOKEN_FILE", webIdentity: file})
	}
	return all
}

// ofContainer returns the credentials of a container.
func ofContainer() (all []contender) {
	for _, name := range []string{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"} {
		if os.Getenv(name) != "" {
			all = append(all, contender{Name: name})
		}
	}
	return all
}

const instanceDisabled = "disabled"

func ofInstance(env config.EnvConfig) contender {
	c := contender{Name: "EC2 instance metadata"}
	if env.EC2IMDSClientEnableState == imds.ClientDisabled {
		c.Value = instanceDisabled
	}
	return c
}

// ofProfile returns the credentials that a profile names.
func ofProfile(c config.SharedConfig) (all []contender) {
	add := func(name string, ok bool, value, webIdentity string) {
		if ok {
			all = append(all, contender{Name: name, Profile: c.Profile, Value: value, webIdentity: webIdentity})
		}
	}
	server, isServer := config.TokenServer(c)
	add("aws_access_key_id", c.Credentials.HasKeys(), last4(c.Credentials), "")
	add("source_profile", c.Source == nil && c.SourceProfileName != "", c.SourceProfileName, "")
	add("credential_source", c.CredentialSource != "", c.CredentialSource, "")
	add("web_identity_token_server", isServer, "", server)
	add("web_identity_token_file", !isServer && c.WebIdentityTokenFile != "", "", c.WebIdentityTokenFile)
	add("sso_session", c.SSOSessionName != "", c.SSOSessionName, "")
	add("sso_start_url", c.SSOSessionName == "" && c.SSORegion+c.SSOAccountID+c.SSOStartURL+c.SSORoleName != "", "", "")
	add("login_session", c.LoginSession != "", "", "")
	add("credential_process", c.CredentialProcess != "", "", "")
	return all
}

// besideSource returns the credentials that a profile names beside its
// source_profile, for which upstream drops them: it loads the profile with that
// key overwritten.
func (e *Explanation) besideSource(ctx context.Context, profile string) []contender {
	overwriting, err := os.CreateTemp("", "aws-web-identity-")
	if err != nil {
		return nil
	}
	defer os.Remove(overwriting.Name())
	fmt.Fprintf(overwriting, "[%s]\nsource_profile =\n", profile)
	overwriting.Close()
	c, err := e.readProfile(ctx, profile, overwriting.Name())
	if err != nil {
		return nil
	}
	return ofProfile(c)
}

func newHop(c config.SharedConfig, call string) hop {
	h := hop{Profile: c.Profile, Call: call, RoleARN: c.RoleARN, SessionName: c.RoleSessionName,
		ExternalID: c.ExternalID, MFASerial: c.MFASerial}
	if c.RoleARN == "" {
		h.Call = ""
	}
	web := call == withWebIdentity
	ignore := func(name string, ignored bool) {
		if ignored {
			h.Ignored = append(h.Ignored, name)
		}
	}
	ignore("external_id", web && c.ExternalID != "")
	if d := c.RoleDurationSeconds; d != nil {
		h.DurationSeconds = aws.Int(int(d.Seconds()))
		ignore("duration_seconds", web || d.Minutes() < 16 && d.Minutes() != 15) // and takes 15 minutes
	}
	ignore("mfa_serial", web && c.MFASerial != "")
	return h
}

// last4 is what may be shown of keys.
func last4(keys aws.Credentials) string {
	id := strings.TrimSpace(keys.AccessKeyID)
	return "…" + id[max(0, len(id)-4):]
}

// setVariable returns the first of the variables that is set.
func setVariable(names ...string) string {
	for _, name := range names {
		if os.Getenv(name) != "" {
			return name
		}
	}
	return ""
}
