package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

const (
	ours             = "github.com/awstokenserver/config/"
	theirs           = "github.com/aws/aws-sdk-go-v2/config"
	theirCredentials = "github.com/aws/aws-sdk-go-v2/credentials"
)

// placed are the files of this repository that the patch takes as they are, but for import paths, package comments, and the
// declarations that it leaves out. They become internal packages.
var placed = map[string][]string{
	"tokensource": {
		"client.go", "document.go", "errors.go", "file.go", "http.go", "lazy.go", "nonblocking_other.go",
		"nonblocking_unix.go", "options.go", "parse.go", "reader.go", "redact.go", "request.go",
		"response.go", "retry.go", "secrets.go", "servers.go", "source.go", "template.go", "token.go", "tokensource.go", "url.go",
		"document.schema.json", "servers/GitHub.json",
		"main_test.go", "client_test.go",
	},
	"webidentity": {"errors.go", "webidentity.go"},
}

// leftOut are the declarations in these files that nothing in the patch needs.
var leftOut = []string{
	"NewProvider",
	"Server", "Servers", "serverName", "Register", "GitHub", "File", "Env",
	"document.masked", "template.masked", "part.masked", "template.maskedURL", "template.eachSegment", "maskedAll",
	"maskedValue",
	"mask", "harmless", "hidden",
}

// edit puts text before or after an anchor, which is there exactly once in a declaration of a file of upstream's.
type edit struct {
	file   string
	decl   string // a function, a method, or one of the names that a const, var or type declares
	anchor string
	before string
	after  string
	with   string // takes the place of the anchor, if not empty
}

// step is one of the changes that upstream is offered. It includes those before it.
type step struct {
	name  string // its new files are in upstream/new/NAME
	edits []edit
}

var series = []step{
	{"A", []edit{
		{
			file: "credentials/stscreds/web_identity_provider.go", decl: "IdentityTokenRetriever",
			anchor: "GetIdentityToken() ([]byte, error)\n}",
			after: `

// IdentityTokenRetrieverWithContext is an optional interface of an
// IdentityTokenRetriever. WebIdentityRoleProvider calls it in place of
// GetIdentityToken, with the context of its Retrieve.
type IdentityTokenRetrieverWithContext interface {
	GetIdentityTokenWithContext(ctx context.Context) ([]byte, error)
}

func getIdentityToken(ctx context.Context, retriever IdentityTokenRetriever) ([]byte, error) {
	if r, ok := retriever.(IdentityTokenRetrieverWithContext); ok {
		return r.GetIdentityTokenWithContext(ctx)
	}
	return retriever.GetIdentityToken()
}`,
		},
		{
			file: "credentials/stscreds/web_identity_provider.go", decl: "WebIdentityRoleProvider.Retrieve",
			anchor: "p.options.TokenRetriever.GetIdentityToken()",
			with:   "getIdentityToken(ctx, p.options.TokenRetriever)",
		},
	}},
	{"A2", []edit{
		{
			file: "credentials/stscreds/web_identity_provider.go", decl: "WebIdentityRoleProvider.Retrieve",
			anchor: "		options.Retryer = retry.AddWithErrorCodes(options.Retryer, invalidIdentityTokenExceptionCode)\n",
			after: `		options.APIOptions = append(options.APIOptions, (&freshIdentityToken{
			retriever: p.options.TokenRetriever,
			token:     string(b),
		}).addTo)
`,
		},
		{
			file: "credentials/stscreds/web_identity_provider.go", decl: "WebIdentityRoleProvider.Retrieve",
			anchor: `fmt.Errorf("failed to retrieve credentials, %w", err)`,
			with:   `fmt.Errorf("failed to retrieve credentials for role %s%s, %w", p.options.RoleARN, describeClaims(b), err)`,
		},
	}},
	{"B", server},
	{"C", []edit{
		{
			file: "config/resolve_credentials.go", decl: "assumeWebIdentityWithRetriever",
			anchor: "options.CredentialSources = getCredentialSources(ctx)",
			after: `
		if server, ok := options.TokenRetriever.(*webIdentityTokenServer); ok {
			webidentity.Options(server)(options)
		}`,
		},
		{
			file: "config/resolve_credentials.go", decl: "",
			anchor: `"github.com/aws/aws-sdk-go-v2/aws"`,
			after: `
	"github.com/aws/aws-sdk-go-v2/config/internal/webidentity"`,
		},
	}},
}

// server are the edits of step B: each handles the server where the file is handled.
var server = []edit{
	{
		file: "config/env_config.go", decl: "awsWebIdentityTokenFileEnv",
		anchor: `awsWebIdentityTokenFileEnv = "AWS_WEB_IDENTITY_TOKEN_FILE"`,
		after: `

	awsWebIdentityTokenServerEnv = "AWS_WEB_IDENTITY_TOKEN_SERVER"`,
	},
	{
		file: "config/env_config.go", decl: "EnvConfig",
		anchor: "WebIdentityTokenFilePath string",
		after: `

	// Specifies the token server to fetch WebIdentity tokens from.
	//
	//  AWS_WEB_IDENTITY_TOKEN_SERVER=GitHub
	WebIdentityTokenServer string`,
	},
	{
		file: "config/env_config.go", decl: "NewEnvConfig",
		anchor: "cfg.WebIdentityTokenFilePath = os.Getenv(awsWebIdentityTokenFileEnv)",
		after: `
	cfg.WebIdentityTokenServer = strings.TrimSpace(os.Getenv(awsWebIdentityTokenServerEnv))`,
	},
	{
		file: "config/shared_config.go", decl: "webIdentityTokenFileKey",
		anchor: "webIdentityTokenFileKey = `web_identity_token_file` // optional",
		after: `

	// Web Identity Token Server
	webIdentityTokenServerKey = ` + "`web_identity_token_server` // optional",
	},
	{
		file: "config/shared_config.go", decl: "SharedConfig",
		anchor: "WebIdentityTokenFile string",
		after: `

	// The token server to fetch WebIdentity tokens from.
	//
	//	web_identity_token_server
	WebIdentityTokenServer string`,
	},
	{
		file: "config/shared_config.go", decl: "mergeSections",
		anchor: "webIdentityTokenFileKey,",
		after: `
			webIdentityTokenServerKey,`,
	},
	{
		file: "config/shared_config.go", decl: "SharedConfig.setFromIniSection",
		anchor: "updateString(&c.WebIdentityTokenFile, section, webIdentityTokenFileKey)",
		after: `
	updateString(&c.WebIdentityTokenServer, section, webIdentityTokenServerKey)`,
	},
	{
		file: "config/shared_config.go", decl: "SharedConfig.validateCredentialsRequireARN",
		anchor: "credSource = webIdentityTokenFileKey",
		after: `
	case len(c.WebIdentityTokenServer) != 0:
		credSource = webIdentityTokenServerKey`,
	},
	{
		file: "config/shared_config.go", decl: "SharedConfig.validateCredentialType",
		anchor: "// Only one or no credential type can be defined.",
		before: `if len(c.WebIdentityTokenFile) != 0 && len(c.WebIdentityTokenServer) != 0 {
		return fmt.Errorf("only one of %s and %s may be specified in profile %s",
			webIdentityTokenFileKey, webIdentityTokenServerKey, c.Profile)
	}

	`,
	},
	{
		file: "config/shared_config.go", decl: "SharedConfig.validateCredentialType",
		anchor: "len(c.WebIdentityTokenFile) != 0,",
		after: `
		len(c.WebIdentityTokenServer) != 0,`,
	},
	{
		file: "config/shared_config.go", decl: "SharedConfig.hasCredentials",
		anchor: "case len(c.WebIdentityTokenFile) != 0:",
		after: `
	case len(c.WebIdentityTokenServer) != 0:`,
	},
	{
		file: "config/shared_config.go", decl: "SharedConfig.clearCredentialOptions",
		anchor: `c.WebIdentityTokenFile = ""`,
		after: `
	c.WebIdentityTokenServer = ""`,
	},
	{
		file: "config/resolve_credentials.go", decl: "resolveCredentialChain",
		anchor: "case len(envConfig.WebIdentityTokenFilePath) > 0:",
		before: `case len(envConfig.WebIdentityTokenServer) > 0:
		if len(envConfig.WebIdentityTokenFilePath) > 0 {
			return fmt.Errorf("only one of %s and %s may be set", awsWebIdentityTokenFileEnv, awsWebIdentityTokenServerEnv)
		}
		ctx = addCredentialSource(ctx, aws.CredentialSourceEnvVarsSTSWebIDToken)
		err = assumeWebIdentityFromServer(ctx, cfg, envConfig.WebIdentityTokenServer, awsWebIdentityTokenServerEnv,
			envConfig.RoleARN, envConfig.RoleSessionName, configs)
	`,
	},
	{
		file: "config/resolve_credentials.go", decl: "resolveCredsFromProfile",
		anchor: "case sharedConfig.hasSSOConfiguration():",
		before: `case len(sharedConfig.WebIdentityTokenServer) != 0:
		ctx = addCredentialSource(ctx, aws.CredentialSourceProfileSTSWebIDToken)
		return ctx, assumeWebIdentityFromServer(ctx, cfg, sharedConfig.WebIdentityTokenServer,
			fmt.Sprintf("%s of profile %q", webIdentityTokenServerKey, sharedConfig.Profile), sharedConfig.RoleARN, sharedConfig.RoleSessionName, configs)

	`,
	},
	{
		file: "config/resolve_credentials.go", decl: "assumeWebIdentity",
		anchor: "optFns := []func(*stscreds.WebIdentityRoleOptions){",
		before: `return assumeWebIdentityWithRetriever(ctx, cfg, stscreds.IdentityTokenFile(filepath), roleARN, sessionName, configs)
}

func assumeWebIdentityWithRetriever(ctx context.Context, cfg *aws.Config, tokenRetriever stscreds.IdentityTokenRetriever, roleARN, sessionName string, configs configs) error {
	`,
	},
	{
		file: "config/resolve_credentials.go", decl: "assumeWebIdentity",
		anchor: "stscreds.IdentityTokenFile(filepath)",
		with:   "tokenRetriever",
	},
}

// places is how many lines of upstream's speak of the token file. An edit for each is there, or was found not to be needed.
const places = 16

var tokenFile = regexp.MustCompile("(?m)^.*[wW]ebIdentityTokenFile.*$")

// countPlaces fails where a release speaks of the token file in more or fewer lines than the edits know.
func countPlaces(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	found := 0
	for _, file := range files {
		if !strings.HasSuffix(file, "_test.go") {
			text, readErr := os.ReadFile(file)
			err = errors.Join(err, readErr)
			found += len(tokenFile.FindAll(text, -1))
		}
	}
	if found != places {
		err = errors.Join(err,
			fmt.Errorf("%d lines speak of the token file, and not %d: compare them with the edits", found, places))
	}
	return err
}

// apply makes the edits of one file. All anchors are looked for in the text as upstream has it.
func apply(name string, text []byte, edits []edit) ([]byte, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, text, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	type change struct {
		start, end int
		text       string
	}
	var changes []change
	for _, e := range edits {
		decl, err := find(file, e.decl)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		start, end := fset.Position(decl.Pos()).Offset, fset.Position(decl.End()).Offset
		within := text[start:end]
		if n := bytes.Count(within, []byte(e.anchor)); n != 1 {
			return nil, fmt.Errorf("%s: the anchor %q is %d times in the declaration of %q, and not once", name,
				e.anchor, n, e.decl)
		}
		start += bytes.Index(within, []byte(e.anchor))
		with := e.with
		if with == "" {
			with = e.anchor
		}
		changes = append(changes, change{start, start + len(e.anchor), e.before + with + e.after})
	}
	slices.SortFunc(changes, func(a, b change) int { return a.start - b.start })
	var out bytes.Buffer
	at := 0
	for _, c := range changes {
		if c.start < at {
			return nil, fmt.Errorf("%s: two anchors overlap at %q", name, text[c.start:at])
		}
		out.Write(text[at:c.start])
		out.WriteString(c.text)
		at = c.end
	}
	out.Write(text[at:])
	return out.Bytes(), nil
}

// find returns the top-level declaration of a name, or the imports for "".
func find(file *ast.File, name string) (ast.Decl, error) {
	var found []ast.Decl
	for _, decl := range file.Decls {
		if is(decl, name) {
			found = append(found, decl)
		}
	}
	if len(found) != 1 {
		return nil, fmt.Errorf("%q is declared %d times, and not once", name, len(found))
	}
	return found[0], nil
}

// is reports whether a declaration is that of a function, a method, or one of the names that a const, var or type declares.
func is(decl ast.Decl, name string) bool {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		full := d.Name.Name
		if d.Recv != nil {
			receiver := d.Recv.List[0].Type
			if pointer, ok := receiver.(*ast.StarExpr); ok {
				receiver = pointer.X
			}
			full = fmt.Sprint(receiver, ".", full)
		}
		return full == name
	case *ast.GenDecl:
		return declares(d, name)
	}
	return false
}

func declares(d *ast.GenDecl, name string) bool {
	return d.Tok == token.IMPORT && name == "" || slices.ContainsFunc(d.Specs, func(spec ast.Spec) bool {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			return s.Name.Name == name
		case *ast.ValueSpec:
			return slices.ContainsFunc(s.Names, func(n *ast.Ident) bool { return n.Name == name })
		}
		return false
	})
}

// patch applies the series up to the step named last to dir, which is laid out as upstream's repository: its modules are in
// folders of their names. Ours is the root of this repository.
func patch(dir, ourRoot, last string) error {
	known := slices.IndexFunc(series, func(s step) bool { return s.name == last })
	if known < 0 {
		return fmt.Errorf("%q is not a step of the series", last)
	}
	made := map[string]bool{} // files that are not upstream's
	var failed []error
	for _, s := range series[:known+1] {
		if s.name == "B" {
			failed = append(failed, countPlaces(filepath.Join(dir, "config")))
		}
		failed = append(failed, s.apply(dir, ourRoot, made))
	}
	return errors.Join(failed...)
}

func (s step) apply(dir, ourRoot string, made map[string]bool) error {
	var failed []error
	byFile := map[string][]edit{}
	for _, e := range s.edits {
		byFile[e.file] = append(byFile[e.file], e)
	}
	for name, edits := range byFile {
		path := filepath.Join(dir, name)
		text, err := os.ReadFile(path)
		if err == nil {
			text, err = apply(name, text, edits)
		}
		if err == nil {
			err = os.WriteFile(path, text, 0o644)
		}
		failed = append(failed, err)
	}
	write := func(name string, text []byte) error {
		path := filepath.Join(dir, name)
		if made[name] {
			return os.WriteFile(path, text, 0o644)
		}
		made[name] = true
		return create(path, text)
	}
	if s.name == "C" {
		for name, files := range placed {
			for _, file := range files {
				text, err := os.ReadFile(filepath.Join(ourRoot, name, file))
				if err == nil {
					text, err = rewritten(file, text)
				}
				if err == nil {
					err = write(path.Join("config/internal", name, file), text)
				}
				failed = append(failed, err)
			}
		}
	}
	added := os.DirFS(filepath.Join(ourRoot, "upstream/new", s.name))
	return errors.Join(append(failed, fs.WalkDir(added, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(added, path)
		if err != nil {
			return err
		}
		return write(strings.TrimSuffix(path, ".txt"), text)
	}))...)
}

// rewritten is a file of this repository as upstream has it: with upstream's import paths, and without a comment on the
// package, for that is in upstream/new, and without what is left out.
func rewritten(name string, text []byte) ([]byte, error) {
	if !strings.HasSuffix(name, ".go") {
		return text, nil
	}
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, text, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if constraint := buildConstraint.Find(text); constraint != nil {
		fmt.Fprintf(&out, "%s\n\n", constraint)
	}
	at := fset.Position(file.Package).Offset
	kept, dropped := map[string]bool{}, map[string]bool{} // names of packages
	for _, decl := range file.Decls {
		drop := slices.ContainsFunc(leftOut, func(name string) bool { return is(decl, name) })
		ast.Inspect(decl, func(n ast.Node) bool {
			if selector, ok := n.(*ast.SelectorExpr); ok {
				name := fmt.Sprint(selector.X)
				kept[name], dropped[name] = kept[name] || !drop, dropped[name] || drop
			}
			return true
		})
		if drop {
			start := decl.Pos()
			if doc := docOf(decl); doc != nil {
				start = doc.Pos()
			}
			out.Write(text[at:fset.Position(start).Offset])
			at = fset.Position(decl.End()).Offset
		}
	}
	out.Write(text[at:])
	text = out.Bytes()
	for _, spec := range file.Imports {
		path := spec.Path.Value
		name := strings.Trim(path[strings.LastIndex(path, "/")+1:], `"`)
		if spec.Name != nil {
			name = spec.Name.Name
			path = name + " " + path
		}
		if dropped[name] && !kept[name] {
			text = bytes.Replace(text, []byte("\t"+path+"\n"), nil, 1)
		}
	}
	return format.Source(bytes.ReplaceAll(text, []byte(`"`+ours), []byte(`"`+theirs+"/internal/")))
}

func docOf(decl ast.Decl) *ast.CommentGroup {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		return d.Doc
	case *ast.GenDecl:
		return d.Doc
	}
	return nil
}

var buildConstraint = regexp.MustCompile(`(?m)\A//go:build .*$`)

// create writes a file that must not be there yet.
func create(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}
