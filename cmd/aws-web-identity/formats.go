package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// variable is an environment variable to set, or with unset one to remove.
type variable struct {
	name, value string
	secret      bool
	unset       bool
}

// format is a way to write variables down.
type format struct {
	write func([]variable, io.Writer) error

	// failure is what makes the shell fail that evaluates the output.
	failure string
}

var formats = map[string]format{
	"shell":      {writeShell, "false"},
	"fish":       {writeFish, "false"},
	"powershell": {writePowerShell, "throw 'aws-web-identity failed'"},
	"cmd":        {writeCmd, "exit /b 1"},
	"dotenv":     {writeDotenv, ""},
	"json":       {writeJSON, ""},
	"github":     {writeGitHub, ""},
}

// formatNames are the names of formats.
func formatNames() []string { return slices.Sorted(maps.Keys(formats)) }

// forEval marks a command whose output is for eval: its failure is to be one of the shell.
const forEval = "eval"

func addFormat(cmd *cobra.Command, name *string) {
	*name = "shell"
	cmd.Flags().Var(oneOf(name, formatNames()...), "format", strings.Join(formatNames(), ", "))
	cmd.Annotations = map[string]string{forEval: ""}
}

// failEval writes what makes the shell fail that evaluates the output of a command.
func failEval(cmd *cobra.Command) {
	if _, ok := cmd.Annotations[forEval]; !ok {
		return
	}
	if text := formats[cmd.Flag("format").Value.String()].failure; text != "" {
		fmt.Println(text)
	}
}

func writeShell(set []variable, out io.Writer) error {
	for _, v := range set {
		if v.unset {
			fmt.Fprintf(out, "unset %s\n", v.name)
			continue
		}
		fmt.Fprintf(out, "export %s='%s'\n", v.name, strings.ReplaceAll(v.value, `'`, `'\''`))
	}
	return nil
}

func writeFish(set []variable, out io.Writer) error {
	escape := strings.NewReplacer(`\`, `\\`, `'`, `\'`)
	for _, v := range set {
		if v.unset {
			fmt.Fprintf(out, "set -e %s\n", v.name)
			continue
		}
		fmt.Fprintf(out, "set -gx %s '%s'\n", v.name, escape.Replace(v.value))
	}
	return nil
}

// PowerShell takes four more characters for an apostrophe.
var apostrophe = regexp.MustCompile(`['\x{2018}-\x{201b}]`)

func writePowerShell(set []variable, out io.Writer) error {
	for _, v := range set {
		if v.unset {
			fmt.Fprintf(out, "Remove-Item -ErrorAction Ignore env:%s\n", v.name)
			continue
		}
		fmt.Fprintf(out, "$env:%s = '%s'\n", v.name, apostrophe.ReplaceAllString(v.value, "$0$0"))
	}
	return nil
}

var cmdPlain = regexp.MustCompile(`^[^"%!^&|<>\pC]*$`)

func writeCmd(set []variable, out io.Writer) error {
	for _, v := range set {
		if !cmdPlain.MatchString(v.value) {
			return fmt.Errorf("%s holds a character that cmd.exe would not leave as it is: use --format powershell or json", v.name)
		}
		fmt.Fprintf(out, "set \"%s=%s\"\r\n", v.name, v.value)
	}
	return nil
}

var (
	dotenvPlain  = regexp.MustCompile(`^[\w./:=+@-]+$`)
	dotenvQuoted = regexp.MustCompile(`^[^'\\\pC]+$`)
)

// writeDotenv quotes only where it must: docker run --env-file takes quotes as
// a part of the value.
func writeDotenv(set []variable, out io.Writer) error {
	var b strings.Builder
	for _, v := range set {
		switch {
		case v.unset: // which a file cannot do
		case dotenvPlain.MatchString(v.value):
			fmt.Fprintf(&b, "%s=%s\n", v.name, v.value)
		case dotenvQuoted.MatchString(v.value):
			fmt.Fprintf(&b, "%s='%s'\n", v.name, v.value)
		default:
			return fmt.Errorf("%s holds a character that programs read differently in --format dotenv: use --format json",
				v.name)
		}
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func writeJSON(set []variable, out io.Writer) error {
	object := map[string]*string{}
	for _, v := range set {
		object[v.name] = &v.value
		if v.unset {
			object[v.name] = nil
		}
	}
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(object)
}

// writeGitHub masks the secrets in the log of a job, and then sets the variables
// for the steps that follow:
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
func writeGitHub(set []variable, _ io.Writer) error {
	name := os.Getenv("GITHUB_ENV")
	if name == "" {
		return errors.New("GITHUB_ENV is not set: --format github is for a step of GitHub Actions")
	}
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return fmt.Errorf("GITHUB_ENV: %w", err)
	}
	defer file.Close()
	var b strings.Builder
	for _, v := range set {
		if v.secret {
			// At once: it must be out before the file is written.
			masked := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(v.value)
			if _, err := fmt.Fprintf(os.Stdout, "::add-mask::%s\n", masked); err != nil {
				return err
			}
		}
		if v.unset && strings.HasSuffix(v.name, "_PROFILE") { // botocore takes an empty one for a name
			fmt.Fprintf(os.Stderr, "%s is set, and a step cannot unset it for others: remove it from env in the workflow\n", v.name)
			continue
		}
		delimiter := rand.Text()
		fmt.Fprintf(&b, "%s<<%s\n%s\n%[2]s\n", v.name, delimiter, v.value)
	}
	_, err = file.WriteString(b.String())
	return err
}
