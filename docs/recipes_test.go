package docs_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"go/format"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/awstokenserver/config"
	"github.com/awstokenserver/config/internal/testenv"
	"github.com/awstokenserver/config/tokensource"
	"github.com/awstokenserver/config/webidentity"
	"github.com/awstokenserver/config/webidentity/webidentitytest"
)

// A recipe is a page of docs/recipes and its row of the table in docs/recipes.md.
type recipe struct {
	title, text              string
	value, audience, renewed string
	blocks                   []recipeBlock
	profiles                 []recipeProfile
	provider                 string   // that the trust policy names
	account                  string   // that the trust policy names; "" for a provider that IAM has built in
	trusted                  string   // the policy's audience
	subjects                 []string // the policy's patterns for sub
}

type recipeBlock struct{ language, text string }

// A recipeProfile is the profile "deploy" of an ini block.
type recipeProfile struct {
	value, role, file string
	document          string // the JSON before the block, or ""
}

func (p recipeProfile) load(optFns ...func(*config.LoadOptions) error) (aws.Config, error) {
	return config.LoadDefaultConfig(context.Background(), append(optFns, config.WithSharedConfigFiles([]string{p.file}),
		config.WithSharedCredentialsFiles([]string{}), config.WithSharedConfigProfile("deploy"))...)
}

const tagsHeading = "\n## Session tags from claims\n" // of the section after those of the platforms

const registered = "SPIFFE" // a value that a program registers, see TestRecipesSPIFFE

var (
	recipeRow  = regexp.MustCompile(`(?m)^\| \[(.+)\]\(recipes/(.+)\.md\) \| (.+) \| (.+) \| (yes|no) \|$`)
	fence      = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")
	code       = regexp.MustCompile("`([^`]+)`")
	notInNames = regexp.MustCompile(`[^a-z0-9 -]`)
	space      = regexp.MustCompile(`\s+`)
)

func recipes(t *testing.T) (recipes []recipe) {
	t.Helper()
	text, err := os.ReadFile("recipes.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := recipeRow.FindAllStringSubmatch(string(text), -1)
	pages, err := filepath.Glob("recipes/*.md")
	if err != nil || len(rows) != len(pages) || len(rows) == 0 {
		t.Fatalf("%d rows and %d pages: %v", len(rows), len(pages), err)
	}
	for _, row := range rows {
		r := recipe{value: row[3], audience: row[4], renewed: row[5]}
		page, err := os.ReadFile("recipes/" + row[2] + ".md")
		if err != nil {
			t.Fatal(err)
		}
		r.title, r.text, _ = strings.Cut(strings.TrimPrefix(string(page), "# "), "\n")
		name := strings.ReplaceAll(notInNames.ReplaceAllString(strings.ToLower(r.title), ""), " ", "-")
		if r.title != row[1] || name != row[2] {
			t.Errorf("the row of %s is of %s, and leads to %s", r.title, row[1], row[2])
		}
		document := ""
		for _, b := range fence.FindAllStringSubmatch(r.text, -1) {
			block := recipeBlock{b[1], b[2]}
			r.blocks = append(r.blocks, block)
			switch {
			case block.language == "ini":
				r.profiles = append(r.profiles, readProfile(t, block.text, document))
				document = ""
			case block.language != "json":
			case strings.Contains(block.text, "2012-10-17"):
				r.readPolicy(t, block.text)
			default:
				document = block.text
			}
		}
		if document != "" {
			t.Errorf("%s: no profile follows the document", r.title)
		}
		recipes = append(recipes, r)
	}
	return recipes
}

func readProfile(t *testing.T, ini, document string) recipeProfile {
	t.Helper()
	if !strings.HasPrefix(ini, "[profile deploy]\n") || strings.Count(ini, "[") != 1 {
		t.Fatalf("not the one profile deploy: %s", ini)
	}
	p := recipeProfile{file: testenv.WriteFile(t, "aws.ini", ini), document: document}
	c, err := config.LoadSharedConfigProfile(context.Background(), "deploy", func(o *config.LoadSharedConfigOptions) {
		o.ConfigFiles, o.CredentialsFiles = []string{p.file}, []string{}
	})
	if err != nil {
		t.Fatal(err)
	}
	p.role = c.RoleARN
	p.value, _ = config.TokenServer(c)
	return p
}

// readPolicy reads a trust policy, which must name an audience and a subject of
// its provider and nothing else.
func (r *recipe) readPolicy(t *testing.T, text string) {
	t.Helper()
	var policy struct {
		Version   string
		Statement []struct {
			Effect, Action string
			Principal      struct{ Federated string }
			Condition      map[string]map[string]any
		}
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&policy); err != nil || decoder.More() || len(policy.Statement) != 1 || r.trusted != "" {
		t.Fatalf("%s: not one policy of one statement: %v", r.title, err)
	}
	s := policy.Statement[0]
	if policy.Version != "2012-10-17" || s.Effect != "Allow" || s.Action != "sts:AssumeRoleWithWebIdentity" {
		t.Errorf("%s: it does not allow sts:AssumeRoleWithWebIdentity: %s", r.title, text)
	}
	provider := s.Principal.Federated
	if provider != "accounts.google.com" {
		arn := regexp.MustCompile(`^arn:aws:iam::(\d{12}):oidc-provider/([a-z0-9.-]+\.[a-z]+(/.*)?)$`).FindStringSubmatch(provider)
		if arn == nil {
			t.Fatalf("%s: Principal.Federated is %q", r.title, provider)
		}
		r.account, provider = arn[1], arn[2]
	}
	r.provider = provider
	for operator, keys := range s.Condition {
		for key, value := range keys {
			values := []string{fmt.Sprint(value)}
			if list, ok := value.([]any); ok {
				values = nil
				for _, v := range list {
					values = append(values, fmt.Sprint(v))
				}
			}
			for _, v := range values {
				wanted := "StringEquals"
				if strings.ContainsAny(v, "*?") {
					wanted = "StringLike"
				}
				if operator != wanted || v[0] == '*' {
					t.Errorf("%s: %s of %q", r.title, operator, v)
				}
			}
			switch claim, _ := strings.CutPrefix(key, provider+":"); claim {
			case "aud", "oaud":
				r.trusted = values[0]
			case "sub":
				r.subjects = values
			default:
				t.Errorf("%s: a condition on %q, with the provider %q", r.title, key, provider)
			}
		}
	}
	if r.trusted == "" || r.subjects == nil {
		t.Errorf("%s: the policy needs a condition on the audience and one on sub", r.title)
	}
}

// explained is the document that a value stands for.
type explained struct {
	text     string
	Audience string
	Env      string
	Hint     string
	HTTP     *struct {
		URL, Token string
	}
}

func explainValue(t *testing.T, value string) (e explained) {
	t.Helper()
	described, err := tokensource.Describe(value)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(described.Document, &e); err != nil {
		t.Fatal(err)
	}
	e.text = string(described.Document)
	return e
}

// What the page says is what the code takes: values, documents, audiences.
func TestRecipes(t *testing.T) {
	t.Parallel()
	examples := map[string]string{} // by text
	files, _ := filepath.Glob("../tokensource/testdata/documents/*.json")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		examples[string(text)] = file
	}
	for _, r := range recipes(t) {
		t.Run(r.title, func(t *testing.T) {
			if len(r.profiles) == 0 || r.trusted == "" {
				t.Fatal("it needs a profile and a trust policy")
			}
			if first := r.blocks[0].language; !slices.Contains([]string{"yaml", "hcl", "toml", "groovy", "sh"}, first) {
				t.Errorf("its first block is %s, and not what makes the platform vend tokens", first)
			}
			if said := code.FindStringSubmatch(r.audience); said != nil && said[1] != r.trusted {
				t.Errorf("the table says %q, the policy %q", said[1], r.trusted)
			}
			for _, p := range r.profiles {
				if account := strings.Split(p.role, ":")[4]; r.account != "" && r.account != account {
					t.Errorf("the role is in account %s, its provider in %s", account, r.account)
				}
				if said := code.FindStringSubmatch(r.value); said != nil {
					if known, open := strings.CutSuffix(said[1], "APPLICATION"); !strings.HasPrefix(p.value, known) ||
						!open && p.value != known {
						t.Errorf("the table says %q, the profile %q", said[1], p.value)
					}
				} else if !strings.Contains(r.value, "a document") {
					t.Errorf("the table says %q", r.value)
				}
				if p.value == registered {
					continue
				}
				if _, err := p.load(); err != nil {
					t.Error(err)
				}
				if _, err := tokensource.Parse(p.value); err != nil {
					t.Error(err)
				}
				e := explainValue(t, p.value)
				if e.Audience != "" && e.Audience != r.trusted {
					t.Errorf("a token is asked for %q, and trusted for %q", e.Audience, r.trusted)
				}
				exchanged := strings.Contains(e.text, "~token") // for a token in a variable
				if renewed := map[bool]string{true: "yes", false: "no"}[e.Env == "" && !exchanged]; renewed != r.renewed {
					t.Errorf("renewed: the table says %s, the code %s", r.renewed, renewed)
				}
				if p.document == "" {
					continue
				}
				if _, err := tokensource.Document([]byte(p.document)); err != nil {
					t.Error(err)
				}
				var compact bytes.Buffer
				json.Compact(&compact, []byte(p.document))
				encoded := base64.StdEncoding.EncodeToString(compact.Bytes())
				if p.value != encoded || explainValue(t, encoded).text != e.text {
					t.Errorf("the profile's value is not the document's, which is\n%s", encoded)
				}
				if examples[p.document] == "" {
					t.Error("the document is not one of tokensource/testdata/documents, which are tested")
				}
				delete(examples, p.document)
			}
		})
	}
	for _, file := range examples {
		t.Errorf("no page quotes %s", file)
	}
}

// Each named server has a page, which says what is not confirmed of it, and
// is in the README.
func TestRecipesNamedServers(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	plain := func(text string) string { return strings.ReplaceAll(space.ReplaceAllString(text, " "), "`", "") }
	all := recipes(t)
	for _, server := range tokensource.Servers() {
		if !strings.Contains(string(readme), "`"+server.Name+"`") {
			t.Errorf("the README does not name %s", server.Name)
		}
		i := slices.IndexFunc(all, func(r recipe) bool {
			name, _, _ := strings.Cut(r.profiles[0].value, ",")
			return name == server.Name
		})
		if i < 0 {
			t.Errorf("no page is on %s", server.Name)
			continue
		}
		_, doubt, found := strings.Cut(server.About, "Not confirmed")
		if doubt = "Not confirmed" + strings.TrimSuffix(doubt, "."); found &&
			!strings.Contains(plain(all[i].text), plain(doubt)) {
			t.Errorf("%s: the page lacks %q", all[i].title, doubt)
		}
	}
}

// Where the trust policy has a pattern, this is what a token has: the vendors'
// documentation says so.
var recipeSubjects = map[string]string{
	"Buildkite": "organization:acme:pipeline:shop:ref:refs/heads/main:commit:9f3182061f1e2cca4702c368cbc039b7dc9d4485:step:deploy",
	"CircleCI": "org/11111111-1111-1111-1111-111111111111/project/22222222-2222-2222-2222-222222222222" +
		"/user/33333333-3333-3333-3333-333333333333/vcs-origin/github.com/acme/shop/vcs-ref/refs/heads/main",
	"Bitbucket Pipelines": "{22222222-2222-2222-2222-222222222222}:{33333333-3333-3333-3333-333333333333}",
	"Depot CI":            "spiffe://identity.depot.dev/org/org_1111/ci/github/acme/shop/ref/refs/heads/main/sandbox/snd_1",
	"Codefresh":           "account:11111111:pipeline:22222222:initiator:33333333",
	"Modal":               "modal:workspace_id:ac-1:environment_name:main:app_name:shop:function_name:deploy:container_id:1",
	"HCP Terraform":       "organization:acme:project:shop:workspace:production:run_phase:apply",
}

// elsewhere are the profiles that read files or a socket of a machine, which
// tests of tokensource put in a folder of theirs.
var elsewhere = regexp.MustCompile(`"/var/run/|"/etc/workload/|"/run/|NOMAD_SECRETS_DIR|\$\{file:|"unix_socket"`)

// The page's profiles assume roles with the page's trust policies, in a world
// where every platform is on loopback.
func TestRecipesAssume(t *testing.T) {
	world := webidentitytest.New()
	defer world.Close()
	world.Setenv(t)
	skipped := 0
	for _, r := range recipes(t) {
		for _, p := range r.profiles {
			if p.value == registered {
				continue
			}
			e := explainValue(t, p.value)
			if elsewhere.MatchString(e.text) {
				skipped++
				continue
			}
			for _, pattern := range r.subjects {
				t.Run(r.title, func(t *testing.T) {
					subject := pattern
					if strings.Contains(pattern, "*") {
						subject = recipeSubjects[r.title]
					}
					world.STS.AddRole(webidentitytest.Role{ARN: p.role, Subject: pattern, Audience: r.trusted})
					cfg, err := p.load(config.WithHTTPClient(servePlatform(t, world, e,
						map[string]any{"aud": r.trusted, "sub": subject})))
					if err != nil {
						t.Fatal(err)
					}
					if _, err := cfg.Credentials.Retrieve(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
		}
	}
	if skipped != 5 { // Fly, Kubernetes, Nomad, client certificate, spiffe-helper
		t.Errorf("%d profiles were skipped", skipped)
	}
}

// servePlatform sets the variables that a document reads, starts the server that
// it asks, and returns a client for which all hosts but loopback are that server.
func servePlatform(t *testing.T, world *webidentitytest.World, e explained, claims map[string]any) *http.Client {
	t.Helper()
	if e.Env != "" {
		t.Setenv(e.Env, world.Issuer.Sign(claims))
		return http.DefaultClient
	}
	var url, secret, address string
	if e.HTTP.Token == "/value" { // GitHub's contract
		server := webidentitytest.NewTokenServer(world.Issuer)
		t.Cleanup(server.Close)
		server.Claims = map[string]any{"sub": claims["sub"]}
		url, secret = server.URL, server.RequestToken
	} else {
		var response any = world.Issuer.Sign(claims)
		for _, member := range slices.Backward(strings.Split(e.HTTP.Token, "/")[1:]) {
			response = map[string]any{member: response}
		}
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if text, ok := response.(string); ok {
				io.WriteString(w, text)
				return
			}
			json.NewEncoder(w).Encode(response)
		}))
		t.Cleanup(server.Close)
		url, secret, address = server.URL, "request-token", server.Listener.Addr().String()
	}
	for _, variable := range regexp.MustCompile(`\$\{env:(\w+)`).FindAllStringSubmatch(e.text, -1) {
		if strings.HasPrefix(e.HTTP.URL, variable[0]) {
			t.Setenv(variable[1], url)
		} else {
			t.Setenv(variable[1], secret)
		}
	}
	return reach(address)
}

var headings = []string{"Job", "Profile", "Trust policy", "Provider", "Life and renewal", "Failures",
	"Terraform and the AWS CLI", "Sources"}

// Every page is of one template, and says when its facts were looked up.
func TestRecipesTemplate(t *testing.T) {
	t.Parallel()
	for _, r := range recipes(t) {
		sections := map[string]string{}
		var got []string
		for _, section := range strings.Split(r.text, "\n## ")[1:] {
			heading, text, _ := strings.Cut(section, "\n")
			got, sections[heading] = append(got, heading), text
		}
		if !slices.Equal(got, headings) {
			t.Errorf("%s: the headings are %q", r.title, got)
		}
		checked := regexp.MustCompile(`(?m)^Facts checked: (.+)$`).FindStringSubmatch(sections["Sources"])
		if checked == nil || !strings.Contains(sections["Sources"], "\n- https://") {
			t.Fatalf("%s: it needs \"Facts checked: YEAR-MONTH-DAY\" and the URL of a source", r.title)
		}
		if _, err := time.Parse(time.DateOnly, checked[1]); err != nil {
			t.Errorf("%s: %v", r.title, err)
		}
		if !strings.Contains(sections["Terraform and the AWS CLI"], "aws-web-identity exec deploy -- aws s3 ls") {
			t.Errorf("%s: no job with the AWS CLI", r.title)
		}
		if r.account == "" {
			continue // IAM has it built in
		}
		want := "--url https://" + r.provider + " \\\n  --client-id-list " + r.trusted + "\n"
		if !strings.Contains(sections["Provider"], want) {
			t.Errorf("%s: the provider is not %s", r.title, want)
		}
	}
}

var (
	responded = regexp.MustCompile(`: (\S+) responded with (\d+) [^:;]*(?:: ("(?:[^"\\]|\\.)*"))?`)
	expired   = regexp.MustCompile(` expired at ([^;]+)`)
	onMachine = regexp.MustCompile(`(["}:])((/var)?/run/)`)
)

// The failures that a page shows are what the code says: before them are the
// profile and its file, after them a link, and … stands for the words of a system.
func TestRecipesFailures(t *testing.T) {
	issuer := webidentitytest.NewIssuer("ES256")
	defer issuer.Close()
	for _, r := range recipes(t) {
		i := slices.IndexFunc(r.blocks, func(b recipeBlock) bool { return b.language == "text" })
		if i < 0 {
			t.Errorf("%s: no failures", r.title)
			continue
		}
		for _, line := range strings.Split(strings.TrimSuffix(r.blocks[i].text, "\n"), "\n") {
			t.Run(r.title, func(t *testing.T) {
				root := filepath.ToSlash(t.TempDir())
				err := failAs(t, r.profiles[0].value, line, root, issuer)
				if err == nil {
					t.Fatal("no failure")
				}
				got, _, _ := strings.Cut(strings.ReplaceAll(err.Error(), root, ""), " (https://github.com/awstokenserver/")
				if start, open := strings.CutSuffix(line, "…"); got != line && (!open || !strings.HasPrefix(got, start)) {
					t.Errorf("the page says\n%s\nand the code\n%s", line, got)
				}
			})
		}
	}
}

// failAs asks for a token where a line of a page is what goes wrong. The files of a
// machine are below root, where there are none.
func failAs(t *testing.T, value, line, root string, issuer *webidentitytest.Issuer) error {
	t.Helper()
	if value == registered {
		_, err := tokensource.Parse(value)
		return err
	}
	e := explainValue(t, value)
	for _, variable := range regexp.MustCompile(`\$\{env:(\w+)`).FindAllStringSubmatch(e.text+"${env:"+e.Env, -1) {
		t.Setenv(variable[1], "") // so that it is restored
		os.Unsetenv(variable[1])
	}
	options := func(o *tokensource.Options) { o.Retryer = aws.NopRetryer{} }
	if at := expired.FindStringSubmatch(line); at != nil {
		exp, err := time.Parse(time.RFC3339, at[1])
		if err != nil {
			t.Fatal(err)
		}
		t.Setenv(e.Env, issuer.Sign(map[string]any{"exp": exp.Unix()}))
	} else if response := responded.FindStringSubmatch(line); response != nil {
		client := respond(t, e, response[1], response[2], response[3])
		options = func(o *tokensource.Options) { o.HTTPClient, o.Retryer = client, aws.NopRetryer{} }
	}
	source, err := tokensource.Parse(value, options)
	if text := onMachine.ReplaceAllString(e.text, "${1}"+root+"${2}"); text != e.text {
		source, err = tokensource.Document([]byte(text), options)
	}
	if err != nil {
		t.Fatal(err)
	}
	_, err = source.Token(t.Context())
	return err
}

// respond starts the token server of a document, at any host, with one response.
func respond(t *testing.T, e explained, host, status, body string) *http.Client {
	t.Helper()
	code, _ := strconv.Atoi(status)
	body, _ = strconv.Unquote(body)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	scheme := "https://"
	if name, _, _ := strings.Cut(host, ":"); net.ParseIP(name) != nil {
		scheme = "http://"
	}
	for _, variable := range regexp.MustCompile(`\$\{env:(\w+)`).FindAllStringSubmatch(e.text, -1) {
		if strings.HasPrefix(e.HTTP.URL, variable[0]) {
			t.Setenv(variable[1], scheme+host)
		} else {
			t.Setenv(variable[1], "request-token")
		}
	}
	return reach(server.Listener.Addr().String())
}

// reach returns a client for which all hosts but loopback are at an address, in clear text for https too.
func reach(address string) *http.Client {
	dial := func(ctx context.Context, network, to string) (net.Conn, error) {
		if host, _, _ := net.SplitHostPort(to); !net.ParseIP(host).IsLoopback() {
			to = address
		}
		return new(net.Dialer).DialContext(ctx, network, to)
	}
	return &http.Client{Transport: &http.Transport{DialContext: dial, DialTLSContext: dial}}
}

// The error for a variable whose token has expired is what the page quotes.
func TestRecipesExpired(t *testing.T) {
	world := webidentitytest.New()
	defer world.Close()
	world.Setenv(t)
	text, err := os.ReadFile("recipes.md")
	if err != nil {
		t.Fatal(err)
	}
	quoted := regexp.MustCompile("class `([a-z-]+)`, \"(.+) … (.+) …\"").FindSubmatch(text)
	if quoted == nil {
		t.Fatal("the page quotes no error")
	}
	for _, r := range recipes(t) {
		if r.renewed == "yes" {
			continue
		}
		t.Run(r.title, func(t *testing.T) {
			e := explainValue(t, r.profiles[0].value)
			if e.Env == "" {
				t.Skip("the token server judges what it exchanges")
			}
			claims := map[string]any{"aud": r.trusted, "sub": "me", "exp": time.Now().Add(-time.Minute).Unix()}
			servePlatform(t, world, e, claims)
			cfg, err := r.profiles[0].load()
			if err != nil {
				t.Fatal(err)
			}
			_, err = cfg.Credentials.Retrieve(t.Context())
			testenv.WantError(t, err, tokensource.Class(quoted[1]), string(quoted[2])+" "+e.Env+" "+string(quoted[3]),
				"snapshot")
		})
	}
	if len(world.STS.Requests()) != 0 {
		t.Error("an expired token was sent to STS")
	}
}

const spiffeProgram = `package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/awstokenserver/config"
)

type agent struct{}

func (agent) JWTSVID(_ context.Context, audience string) (string, time.Time, error) {
	return os.Getenv("SVID_FOR_" + audience), time.Time{}, nil
}

func main() {
	if err := RegisterSPIFFE(agent{}); err != nil {
		log.Fatal(err)
	}
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(context.Background(), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(*who.Arn)
}
`

// The page's token source compiles, and a program with it assumes the role.
func TestRecipesSPIFFE(t *testing.T) {
	t.Parallel()
	all := recipes(t)
	i := slices.IndexFunc(all, func(r recipe) bool { return r.profiles[0].value == registered })
	if i < 0 {
		t.Fatal("no page is on SPIFFE")
	}
	r := all[i]
	source := r.blocks[slices.IndexFunc(r.blocks, func(b recipeBlock) bool { return b.language == "go" })].text
	run := buildProgram(t, source, spiffeProgram)
	world := webidentitytest.New()
	defer world.Close()
	world.STS.AddRole(webidentitytest.Role{ARN: r.profiles[0].role, Subject: r.subjects[0], Audience: r.trusted})
	out, err := run(world, r.profiles[0].file,
		"SVID_FOR_"+r.trusted+"="+world.Issuer.Sign(map[string]any{"aud": r.trusted, "sub": r.subjects[0]}))
	if err != nil || !strings.HasPrefix(out, "arn:aws:sts::123456789012:assumed-role/deploy/") {
		t.Errorf("%v: %s", err, out)
	}
}

// buildProgram builds a program, and returns a function that runs it in a world
// with the profile deploy of a config file.
func buildProgram(t *testing.T, sources ...string) func(world *webidentitytest.World, configFile string,
	env ...string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	binary := filepath.Join(dir, "program.exe")
	build := exec.Command("go", "build", "-o", binary)
	for i, source := range sources {
		if formatted, err := format.Source([]byte(source)); err != nil || string(formatted) != source {
			t.Errorf("gofmt says: %v\n%s", err, formatted)
		}
		file := filepath.Join(dir, fmt.Sprintf("%d.go", i))
		os.WriteFile(file, []byte(source), 0o600)
		build.Args = append(build.Args, file)
	}
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return func(world *webidentitytest.World, configFile string, env ...string) (string, error) {
		run := exec.Command(binary)
		run.Env = append(env, "AWS_CONFIG_FILE="+configFile, "AWS_PROFILE=deploy",
			"SYSTEMROOT="+os.Getenv("SYSTEMROOT"))
		for name, value := range world.Env() {
			run.Env = append(run.Env, name+"="+value)
		}
		out, err := run.CombinedOutput()
		return string(out), err
	}
}

// The section on session tags: its program assumes the second role with the
// page's profiles and trust policy, which deny another repository; and the claim
// that it shows makes tags of the first role's session.
func TestRecipesSessionTags(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("recipes.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), tagsHeading)
	blocks := fence.FindAllStringSubmatch(section, -1)
	if !found || len(blocks) != 4 {
		t.Fatalf("%d blocks", len(blocks))
	}
	ini, program, policyText, claimText := blocks[0][2], blocks[1][2], blocks[2][2], blocks[3][2]

	var policy struct {
		Version   string
		Statement []struct {
			Effect    string
			Action    []string
			Principal struct{ AWS string }
			Condition struct{ StringEquals, StringLike map[string]string }
		}
	}
	decoder := json.NewDecoder(strings.NewReader(policyText))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&policy); err != nil || len(policy.Statement) != 1 {
		t.Fatalf("not a policy of one statement: %v", err)
	}
	s := policy.Statement[0]
	if policy.Version != "2012-10-17" || s.Effect != "Allow" ||
		!slices.Equal(s.Action, []string{"sts:AssumeRole", "sts:TagSession"}) {
		t.Errorf("it does not allow sts:AssumeRole and sts:TagSession: %s", policyText)
	}
	second := webidentitytest.Role{Principals: []string{s.Principal.AWS}, TagSession: true,
		RequestTags: map[string]string{}}
	for operator, conditions := range map[string]map[string]string{"StringEquals": s.Condition.StringEquals,
		"StringLike": s.Condition.StringLike} {
		for condition, value := range conditions {
			key, ok := strings.CutPrefix(condition, "aws:RequestTag/")
			if !ok || strings.Contains(value, "*") != (operator == "StringLike") {
				t.Errorf("%s of %s: %q", operator, condition, value)
			}
			second.RequestTags[key] = value
		}
	}
	roles := regexp.MustCompile(`role_arn = (.+)`).FindAllStringSubmatch(ini, -1)
	second.ARN = roles[0][1]
	first := webidentitytest.Role{ARN: roles[1][1], Subject: "repo:acme/*"}

	run, file := buildProgram(t, program), testenv.WriteFile(t, "aws.ini", ini)
	for repository, want := range map[string]string{"acme/shop": "arn:aws:sts::123456789012:assumed-role/deploy/",
		"acme/web": "AccessDenied"} {
		world := newWorld(t, map[string]any{"sub": "repo:" + repository + ":ref:refs/heads/main",
			"repository": repository})
		world.TokenServer.Script() // the race detector sees that the claims were set before another process asked
		world.STS.AddRole(first)
		world.STS.AddRole(second)
		if out, err := run(world, file); !strings.Contains(out, want) {
			t.Errorf("%s: %v: %s", repository, err, out)
		}
		if tokens := len(world.TokenServer.Requests()); tokens != 1 {
			t.Errorf("%d tokens, and not one for both roles", tokens)
		}
	}

	world := newWorld(t, nil)
	world.STS.AddRole(first)
	claims := map[string]any{"aud": "sts.amazonaws.com", "sub": "repo:acme/shop:x"}
	if err := json.Unmarshal([]byte(claimText), &claims); err != nil {
		t.Fatal(err)
	}
	source := tokensource.Func(func(context.Context) (tokensource.Token, error) {
		return tokensource.Token{Value: world.Issuer.Sign(claims)}, nil
	})
	provider := webidentity.NewProvider(sts.New(sts.Options{Region: "us-east-1", BaseEndpoint: &world.STS.URL}),
		first.ARN, source)
	_, err = provider.Retrieve(t.Context())
	testenv.WantError(t, err, tokensource.RoleDenied, "sts:TagSession")
	first.TagSession, first.RequestTags = true, map[string]string{"Project": "shop"}
	world.STS.AddRole(first)
	if _, err := provider.Retrieve(t.Context()); err != nil {
		t.Error(err)
	}
}
