package explain

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/awstokenserver/config/cmd/internal/profiles"
)

func (e *Explanation) problem(format string, args ...any) {
	e.Problems = append(e.Problems, fmt.Sprintf(format, args...))
}

// resolveSTS fills in the URL of STS, as the SDK resolves it: by the region, FIPS,
// dual-stack, and settings of an endpoint.
func (e *Explanation) resolveSTS(ctx context.Context, cfg aws.Config) {
	if !slices.ContainsFunc(e.Chain, func(h hop) bool { return h.Call != "" }) || cfg.Region == "" {
		return
	}
	o := sts.NewFromConfig(cfg).Options()
	fips := o.EndpointOptions.UseFIPSEndpoint == aws.FIPSEndpointStateEnabled
	endpoint, err := sts.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, sts.EndpointParameters{
		Region:            aws.String(cfg.Region),
		UseDualStack:      aws.Bool(o.EndpointOptions.UseDualStackEndpoint == aws.DualStackEndpointStateEnabled),
		UseFIPS:           aws.Bool(fips),
		UseGlobalEndpoint: aws.Bool(false),
		Endpoint:          o.BaseEndpoint,
	})
	if err != nil {
		e.problem("the SDK finds no endpoint of STS: %v", err)
		return
	}
	e.STS = endpoint.URI.String()
	if fips && o.BaseEndpoint == nil && !slices.Contains(fipsRegions, cfg.Region) {
		e.problem("STS has no FIPS endpoint in %s: unset AWS_USE_FIPS_ENDPOINT and use_fips_endpoint, or use one of %s",
			cfg.Region, strings.Join(fipsRegions, ", "))
	}
}

// https://docs.aws.amazon.com/general/latest/gr/sts.html, November 2026
var fipsRegions = []string{"us-east-1", "us-east-2", "us-gov-east-1", "us-gov-west-1", "us-west-1", "us-west-2"}

// findProblems notes what can be seen without a token of what keeps the role from
// being had.
func (e *Explanation) findProblems() {
	if e.Used.Value == instanceDisabled {
		e.problem("nothing names credentials: set web_identity_token_server and role_arn in the profile, or AWS_WEB_IDENTITY_TOKEN_SERVER and AWS_ROLE_ARN")
	}
	for _, h := range e.Chain {
		if h.Call == "" {
			continue
		}
		if e.Region.Value == "" {
			e.problem("no region is set, and STS cannot be asked: set AWS_REGION, or region in the profile")
			break
		}
	}
	for _, h := range e.Chain {
		e.checkPartition(h.RoleARN)
	}
	if s := e.TokenSource; s != nil {
		for _, v := range s.Variables {
			if v.State != "set" && !strings.HasSuffix(v.State, "default") {
				e.problem("the variable %s is %s", v.Name, v.State)
			}
		}
		for _, f := range s.Files {
			if f.State != "readable" {
				e.problem("the file %s: %s", f.Name, f.State)
			}
		}
	}
	if len(e.Shadowed) > 0 {
		e.problem("%s is set and has no effect: %s comes before it. Unset what is shadowed", &e.Shadowed[0],
			e.Shadowed[0].By)
	}
	e.findInFiles()
}

// checkPartition compares the role's partition with the region's.
func (e *Explanation) checkPartition(roleARN string) {
	parsed, err := arn.Parse(roleARN)
	if err != nil || e.Region.Value == "" {
		return
	}
	of := map[string]string{"cn": "aws-cn", "us-gov": "aws-us-gov"}
	partition := "aws"
	for prefix, name := range of {
		if strings.HasPrefix(e.Region.Value, prefix+"-") {
			partition = name
		}
	}
	known := slices.Contains([]string{"aws", "aws-cn", "aws-us-gov"}, parsed.Partition)
	if known && parsed.Partition != partition {
		e.problem("the role %s is of the partition %s, and the region %s of %s: STS there does not know the role",
			roleARN, parsed.Partition, e.Region.Value, partition)
	}
}

// checkClock compares the token's times with this machine's.
func (e *Explanation) checkClock() {
	const tolerance = 5 * time.Minute // what STS grants
	now := time.Now()
	if t := e.Token.Issued; t != nil && t.After(now.Add(tolerance)) {
		e.problem("the token was issued %v in the future: the clock of this machine or of the token server is wrong",
			t.Sub(now).Round(time.Second))
	}
	if t := e.Token.Expires; t != nil && !now.Before(*t) {
		e.problem("the token expired %v ago: it was kept too long, or a clock is wrong", now.Sub(*t).Round(time.Second))
	}
}

// findInFiles looks for what is wrong with the files, and for keys of the profiles in the
// chain that are nearly one of those that name an identity.
func (e *Explanation) findInFiles() {
	var names []string
	for _, h := range e.Chain {
		names = append(names, h.Profile)
	}
	if len(names) == 0 {
		names = []string{e.Profile.Value}
	}
	files, err := profiles.Read()
	if err != nil {
		return
	}
	missing := e.Files[0].State != "found" && e.Profile.From == "" // which nobody asked for
	for _, problem := range files.Problems(names...) {
		if !missing || !strings.HasPrefix(problem, "there is no file ") {
			e.problem("%s", problem)
		}
	}
}
