package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/awstokenserver/config"
	"github.com/awstokenserver/config/cmd/internal/explain"
	"github.com/awstokenserver/config/cmd/internal/profiles"
)

func setupCommand() *cobra.Command {
	var (
		id        identity
		name, dir string
		cache     bool
	)
	cmd := &cobra.Command{
		Use:   "setup [--profile P] [--format F] [--cache]",
		Short: "Write a config file with all profiles, for the steps that follow",
		Long: `Writes a config file in which every profile that rests on a token server has a
credential_process, and prints the variables that name it. Every step that has them
has all profiles, in any SDK, renewed by whoever uses them. The folder of the file is
private, holds no secret without --cache, and stays.

--duration and --session-name are for the role of --profile, which is to be
AWS_PROFILE.`,
		Example: `  aws-web-identity setup --profile deploy --format github
  eval "$(aws-web-identity setup)"; aws --profile audit s3 ls`,
		Args: cobra.NoArgs,
	}
	id.addFlags(cmd)
	addFormat(cmd, &name)
	cmd.Flags().StringVar(&dir, "dir", "", "`folder` to write to (default: a new temporary one)")
	cmd.Flags().BoolVar(&cache, "cache", false, "keep credentials in the folder, so that processes share them")
	cmd.RunE = runE(func(ctx context.Context, _ []string, out io.Writer) error {
		set, err := setup(ctx, id, dir, cache)
		if err != nil {
			return err
		}
		return formats[name].write(set, out)
	})
	return cmd
}

// setup writes a folder, and returns the variables that name it.
func setup(ctx context.Context, id identity, dir string, cache bool) ([]variable, error) {
	profile, ofEnvironment := "", false
	if id.explicit() || namedByEnvironment() {
		cfg, err := id.load(ctx)
		if err != nil {
			return nil, err
		}
		profile = cmp.Or(explain.LoadedProfile(cfg).Profile, config.DefaultSharedConfigProfile)
		ofEnvironment = !id.explicit() && strings.TrimSpace(os.Getenv("AWS_WEB_IDENTITY_TOKEN_SERVER")) != ""
	} else if err := id.check(); err != nil {
		return nil, err
	}
	if profile == "" && (id.duration != 0 || id.sessionName != "") {
		return nil, wrongly("--duration and --session-name need --profile")
	}
	if len(piped) > 0 {
		return nil, fmt.Errorf("%s is a pipe, and later steps need a file: write it to one", piped[0])
	}
	files, err := profiles.Read()
	if err != nil {
		return nil, err
	}
	names := files.OnTokenServer(ctx)
	if ofEnvironment {
		names = with(names, profile)
	}
	if len(names) == 0 {
		return nil, id.withProblems(fmt.Errorf("no profile of %s rests on a token server", files.ConfigFile))
	}
	f := &folder{}
	if f.dir, err = privateFolder(dir); err != nil {
		return nil, err
	}
	entries := make([]entry, len(names))
	for i, name := range names {
		e := entry{Profile: name, Cache: cache}
		if name == profile {
			e.SessionName = id.sessionName
			if id.duration != 0 {
				e.Duration = id.duration.String()
			}
			if ofEnvironment {
				e.Profile = ""
			}
		}
		if e.ConfigFile, err = filepath.Abs(files.ConfigFile); err != nil {
			return nil, err
		}
		if e.CredentialsFile, err = filepath.Abs(files.CredentialsFile); err != nil {
			return nil, err
		}
		entries[i] = e
	}
	if err := f.write(files, names, entries); err != nil {
		return nil, err
	}
	set := []variable{
		{name: "AWS_CONFIG_FILE", value: f.config()},
		{name: "AWS_SHARED_CREDENTIALS_FILE", value: f.credentials},
		{name: "CPL_AWS_CREDENTIALS_FILE", value: f.credentials}, // GDAL's
		{name: "AWS_SDK_LOAD_CONFIG", value: "1"},
	}
	if profile != "" {
		set = append(set, variable{name: "AWS_PROFILE", value: profile})
	}
	sources := files.CredentialSources()
	if !slices.Contains(sources, "Ec2InstanceMetadata") {
		set = append(set, variable{name: "AWS_EC2_METADATA_DISABLED", value: "true"})
	}
	keep := []string{"AWS_REGION", "AWS_DEFAULT_REGION"}
	if slices.Contains(sources, "EcsContainer") {
		keep = append(keep, ofContainer...)
	} else { // programs that read neither profiles nor AWS_EC2_METADATA_DISABLED fail at an address where nothing listens
		set = append(set, variable{name: "AWS_CONTAINER_CREDENTIALS_FULL_URI", value: "http://127.0.0.1:1/"},
			variable{name: "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", value: os.DevNull})
	}
	return withoutStale(set, keep...), nil
}

// privateFolder makes a folder that only this user may enter, or takes the one that is
// named, without what a setup before has kept there.
func privateFolder(dir string) (string, error) {
	if dir == "" {
		dir, err := os.MkdirTemp(os.Getenv("RUNNER_TEMP"), program+"-")
		if err != nil {
			return "", fmt.Errorf("there is no place for the config file: %w; name a folder with --dir", err)
		}
		return filepath.Abs(dir)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	info, err := os.Stat(dir)
	if err != nil {
		return "", err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return "", errors.New(dir + " is open to other users: chmod 700 it, or name another with --dir")
	}
	kept, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return "", err
	}
	for _, name := range kept {
		if err := os.Remove(name); err != nil {
			return "", err
		}
	}
	return filepath.Abs(dir)
}
