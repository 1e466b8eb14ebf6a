package main

import (
	"encoding/base64"
	"strings"
	"testing"
)

const (
	plain = "[profile plain]\nregion = eu-west-1\nrole_arn = arn:aws:iam::111111111111:role/plain\nweb_identity_token_server = GitHub\n"
	three = `[profile a]
role_arn = arn:aws:iam::333333333333:role/a
source_profile = b
external_id = partner
duration_seconds = 3600
aws_access_key_id = AKIAABCDEFGHSHOW
aws_secret_access_key = s3cr3t
[profile b]
role_arn = arn:aws:iam::222222222222:role/b
role_session_name = release
duration_seconds = 60
source_profile = c
[profile c]
region = ap-south-1
role_arn = arn:aws:iam::111111111111:role/c
web_identity_token_server = GitHub,mine
external_id = unused
mfa_serial = unused
duration_seconds = 3600
sso_session = unused
login_session = s3cr3t
[sso-session unused]
sso_region = us-east-1
sso_start_url = https://s3cr3t.example.com
`
	inEnvironment = "AWS_ROLE_ARN=arn:aws:iam::444444444444:role/env"
)

func TestExplain(t *testing.T) {
	t.Parallel()
	inBase64 := base64.StdEncoding.EncodeToString([]byte(`{"version": 1, "audience": "shown", "http": {"method": "POST", "url": "https://host/p?code=s3cr3t",
		"headers": {"Authorization": "Bearer ${env:T}", "X": "${env:U:-s3cr3t}", "Y": "s3cr3t & \"${file:/none}\"", "Metadata": "true"},
		"body": {"a": ["s3cr3t", "${audience}", "$$s3cr3t"]}, "ca_file": "."}, "hint": "ask around"}`))
	for name, c := range map[string]struct {
		files, env, args []string
		exit             int
		text, json       []string
	}{
		"plain": {
			files: []string{plain}, args: []string{"-profile", "plain"},
			text: []string{`Profile plain (--profile)`, `Region us-east-1 (AWS_REGION)`, `config: found`,
				`credentials: no such file`,
				`used: web_identity_token_server of profile "plain" Chain`,
				`profile "plain" │ role arn:aws:iam::111111111111:role/plain │ call sts:AssumeRoleWithWebIdentity │ session name not set`,
				`└─ web_identity_token_server = GitHub`,
				`GitHub, from web_identity_token_server of profile "plain" in /`,
				`variables ACTIONS_ID_TOKEN_REQUEST_TOKEN set ACTIONS_ID_TOKEN_REQUEST_URL set {`,
				`"Authorization": "Bearer ${env:ACTIONS_ID_TOKEN_REQUEST_TOKEN}"`},
			json: []string{"profile.value=plain", "profile.from=--profile", "region.value=us-east-1",
				"files.0.state=found", "files.1.state=no such file or directory",
				"used.name=web_identity_token_server", "used.profile=plain", "shadowed=",
				"chain.0.role_arn=arn:aws:iam::111111111111:role/plain",
				"chain.0.call=sts:AssumeRoleWithWebIdentity", "chain.0.role_session_name=", "chain.1=",
				"token_source.value=GitHub", "token_source.document.version=1",
				"token_source.variables.1.name=ACTIONS_ID_TOKEN_REQUEST_URL", "token_source.variables.1.state=set",
				"token=", "error="},
		},
		"region of the profile": {
			files: []string{plain}, env: []string{"AWS_REGION=", "AWS_PROFILE=plain"},
			text: []string{"Profile plain (AWS_PROFILE)", `Region eu-west-1 (profile "plain")`},
			json: []string{"profile.from=AWS_PROFILE", "region.value=eu-west-1", `region.from=profile "plain"`},
		},
		"chain": {
			files: []string{three}, args: []string{"-profile", "a"}, env: []string{"AWS_REGION="},
			exit: 1,
			text: []string{"Region not set",
				`used: web_identity_token_server of profile "c" shadowed by web_identity_token_server of profile "c":`,
				`sso_session of profile "c" (unused) login_session of profile "c" shadowed by source_profile of profile "a": aws_access_key_id of profile "a" (…SHOW)`,
				`profile "a" │ role arn:aws:iam::333333333333:role/a │ call sts:AssumeRole │ session name not set: the SDK makes one up from the time │ external id partner │ duration 1h0m0s`,
				`└─ source_profile "b" │ role arn:aws:iam::222222222222:role/b │ call sts:AssumeRole │ session name release │ duration 1m0s (ignored by the SDK)`,
				`└─ source_profile "c" │ role arn:aws:iam::111111111111:role/c │ call sts:AssumeRoleWithWebIdentity`,
				`external id unused (ignored by the SDK) │ duration 1h0m0s (ignored by the SDK) │ MFA serial unused (ignored by the SDK) └─ web_identity_token_server = GitHub,mine`, `"audience": "mine"`},
			json: []string{"region=", "used.profile=c", "shadowed.2.name=aws_access_key_id", "shadowed.2.value=…SHOW",
				`shadowed.2.by=source_profile of profile "a"`,
				"chain.0.profile=a", "chain.0.external_id=partner", "chain.0.duration_seconds=3600", "chain.0.ignored=",
				"chain.1.role_session_name=release",
				"chain.1.ignored.0=duration_seconds", "chain.2.role_arn=arn:aws:iam::111111111111:role/c",
				"chain.2.mfa_serial=unused",
				"chain.2.ignored=[external_id duration_seconds mfa_serial]", "chain.3=",
				"token_source.value=GitHub,mine"},
		},
		"environment": {
			files: []string{plain}, env: []string{"AWS_WEB_IDENTITY_TOKEN_SERVER=GitHub", inEnvironment,
				"AWS_ROLE_SESSION_NAME=session", "AWS_PROFILE=plain"},
			exit: 1,
			text: []string{"used: AWS_WEB_IDENTITY_TOKEN_SERVER shadowed by AWS_WEB_IDENTITY_TOKEN_SERVER:",
				`web_identity_token_server of profile "plain" Chain environment`,
				"role arn:aws:iam::444444444444:role/env", "session name session",
				"└─ AWS_WEB_IDENTITY_TOKEN_SERVER = GitHub", "GitHub, from AWS_WEB_IDENTITY_TOKEN_SERVER"},
			json: []string{"used.name=AWS_WEB_IDENTITY_TOKEN_SERVER", "used.profile=", "shadowed.0.profile=plain",
				"chain.0.profile=", "chain.0.role_session_name=session",
				"chain.1=", "token_source.setting=AWS_WEB_IDENTITY_TOKEN_SERVER"},
		},
		"static keys win": {
			env: []string{"AWS_ACCESS_KEY_ID=AKIAABCDEFGHSHOW", "AWS_SECRET_ACCESS_KEY=s3cr3t",
				"AWS_SESSION_TOKEN=s3cr3t", "AWS_WEB_IDENTITY_TOKEN_SERVER=GitHub",
				"AWS_WEB_IDENTITY_TOKEN_FILE=/token", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/s3cr3t",
				"AWS_CONTAINER_AUTHORIZATION_TOKEN=s3cr3t"},
			files: []string{"[default]\ncredential_process = s3cr3t\n"},
			exit:  1,
			text: []string{"Profile default Region",
				"used: AWS_ACCESS_KEY_ID (…SHOW) shadowed by AWS_ACCESS_KEY_ID: AWS_WEB_IDENTITY_TOKEN_SERVER AWS_WEB_IDENTITY_TOKEN_FILE " +
					`credential_process of profile "default" AWS_CONTAINER_CREDENTIALS_RELATIVE_URI`},
			json: []string{"used.name=AWS_ACCESS_KEY_ID", "used.value=…SHOW", "shadowed.3.by=AWS_ACCESS_KEY_ID",
				"chain=", "token_source="},
		},
		"explicit profile wins": {
			files: []string{plain}, args: []string{"-profile", "plain"},
			env: []string{"AWS_ACCESS_KEY_ID=AKIAABCDEFGHSHOW", "AWS_SECRET_ACCESS_KEY=s3cr3t",
				"AWS_WEB_IDENTITY_TOKEN_SERVER=github", "AWS_WEB_IDENTITY_TOKEN_FILE=/token",
				"AWS_PROFILE=nobody", "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://s3cr3t.invalid"},
			exit: 1,
			text: []string{`shadowed by web_identity_token_server of profile "plain": AWS_CONTAINER_CREDENTIALS_FULL_URI shadowed by --profile: AWS_ACCESS_KEY_ID (…SHOW) ` +
				"AWS_WEB_IDENTITY_TOKEN_SERVER AWS_WEB_IDENTITY_TOKEN_FILE AWS_PROFILE Chain"},
			json: []string{"used.profile=plain", "shadowed.0.name=AWS_CONTAINER_CREDENTIALS_FULL_URI",
				"shadowed.4.name=AWS_PROFILE", "shadowed.4.by=--profile", "shadowed.5="},
		},
		"keys of the source profile": {
			files: []string{"[profile top]\nrole_arn = arn:aws:iam::111111111111:role/top\nsource_profile = keys\n[profile keys]\nsource_profile = never\nrole_arn = arn:aws:iam::111111111111:role/keys\nweb_identity_token_server = GitHub\n",
				"[keys]\naws_access_key_id = AKIAABCDEFGHSHOW\naws_secret_access_key = s3cr3t\n"},
			args: []string{"-profile", "top"},
			exit: 1,
			text: []string{`used: aws_access_key_id of profile "keys" (…SHOW) shadowed by aws_access_key_id of profile "keys": source_profile of profile "keys" (never) web_identity_token_server of profile "keys"`,
				`└─ source_profile "keys" │ role arn:aws:iam::111111111111:role/keys │ call sts:AssumeRole`,
				"└─ aws_access_key_id = …SHOW"},
			json: []string{"used.name=aws_access_key_id", "shadowed.1.name=web_identity_token_server",
				"chain.1.call=sts:AssumeRole", "token_source="},
		},
		"profile that is its own source": {
			files: []string{"[default]\nrole_arn = arn:aws:iam::111111111111:role/r\nsource_profile = default\naws_access_key_id = AKIAABCDEFGHSHOW\naws_secret_access_key = s3cr3t\n"},
			text: []string{`used: aws_access_key_id of profile "default" (…SHOW) Chain profile "default" │ role`,
				`└─ source_profile "default" └─ aws_access_key_id = …SHOW`},
			json: []string{"shadowed=", "chain.1.profile=default", "chain.1.call="},
		},
		"multi-factor authentication": {
			files: []string{plain +
				"[profile mfa]\nrole_arn = arn:aws:iam::111111111111:role/r\nsource_profile = plain\nmfa_serial = device\n"},
			args: []string{"-profile", "mfa"}, env: []string{"AWS_PROFILE=mfa"}, exit: 1,
			text: []string{"│ MFA serial device └─ source_profile",
				`GitHub, from web_identity_token_server of profile "plain" variables`,
				"Error assume role with MFA enabled"},
			json: []string{"shadowed=", "error.class="},
		},
		"missing variable": {
			files: []string{plain}, args: []string{"-profile", "plain"},
			env:  []string{"ACTIONS_ID_TOKEN_REQUEST_TOKEN= "},
			exit: 1,
			text: []string{"ACTIONS_ID_TOKEN_REQUEST_TOKEN empty ACTIONS_ID_TOKEN_REQUEST_URL set hint: grant the job `permissions: id-token: write`, and so the job that calls a reusable workflow"},
			json: []string{"token_source.variables.0.state=empty",
				"token_source.hint=grant the job `permissions: id-token: write`, and so the job that calls a reusable workflow"},
		},
		"pair": {
			env:  []string{inEnvironment, "AWS_WEB_IDENTITY_TOKEN_SERVER=MY_URL, MY_TOKEN,mine", "MY_TOKEN=s3cr3t"},
			exit: 1,
			text: []string{"= MY_URL, MY_TOKEN,mine", "variables MY_TOKEN set MY_URL missing { ",
				`"url": "${env:MY_URL}"`, `"Bearer ${env:MY_TOKEN}"`},
			json: []string{"token_source.value=MY_URL, MY_TOKEN,mine", "token_source.document.audience=mine",
				"token_source.variables.1.state=missing", "token_source.masked="},
		},
		"document": {
			env:  []string{inEnvironment, "AWS_WEB_IDENTITY_TOKEN_SERVER=" + inBase64},
			exit: 1,
			text: []string{"a document in base64, from AWS_WEB_IDENTITY_TOKEN_SERVER",
				"variables T missing U missing, and has a default",
				"files . not a regular file /none no such file or directory hint: ask around", `"audience": "shown"`,
				`"https://host/p?…"`, `"Bearer ${env:T}"`,
				`"${env:U:-…}"`, `"…${file:/none}…"`, `"Metadata": "true"`, `"…", "${audience}", "$$…"`,
				"hides possible secrets; run decode"},
			json: []string{"token_source.value=a document in base64", "token_source.masked=true",
				"token_source.document.http.headers.X=${env:U:-…}",
				"token_source.document.http.url=https://host/p?…",
				"token_source.files.1.state=no such file or directory", "token_source.document.hint=ask around"},
		},
		"token file": {
			env:  []string{inEnvironment, "AWS_WEB_IDENTITY_TOKEN_FILE=/none"},
			exit: 1,
			text: []string{"└─ AWS_WEB_IDENTITY_TOKEN_FILE = /none",
				"/none, from AWS_WEB_IDENTITY_TOKEN_FILE files /none no such file or directory"},
			json: []string{"used.name=AWS_WEB_IDENTITY_TOKEN_FILE", "token_source.files.0.name=/none",
				"token_source.document="},
		},
		"nothing": {
			exit: 1,
			text: []string{"Profile default Region", "used: EC2 instance metadata (disabled)"},
			json: []string{"used.value=disabled", "chain="},
		},
		"both keys": {
			files: []string{plain + "web_identity_token_file = /token\n"}, args: []string{"-profile", "plain"}, exit: 1,
			text: []string{"Profile plain", "config: found", "Error of the class config-invalid",
				"names both web_identity_token_server", "keep one of the two", "troubleshooting.md#config-invalid"},
			json: []string{"error.class=config-invalid", "used="},
		},
		"both variables": {
			env:  []string{inEnvironment, "AWS_WEB_IDENTITY_TOKEN_SERVER=GitHub", "AWS_WEB_IDENTITY_TOKEN_FILE=/token"},
			exit: 1,
			text: []string{"both AWS_WEB_IDENTITY_TOKEN_SERVER and AWS_WEB_IDENTITY_TOKEN_FILE are set"},
			json: []string{"error.class=config-invalid", "shadowed="},
		},
		"near miss": {
			files: []string{strings.Replace(plain, "GitHub", "github,s3cr3t", 1)}, args: []string{"-profile", "plain"},
			exit: 1,
			text: []string{`web_identity_token_server of profile "plain" in /`,
				`"github" is not the name of a token server, GitHub is`},
			json: []string{"error.class=config-invalid", "token_source.value=", "token_source.document=",
				"chain.0.profile=plain"},
		},
		"no role": {
			env: []string{"AWS_WEB_IDENTITY_TOKEN_SERVER=GitHub"}, exit: 1,
			text: []string{"AWS_ROLE_ARN is not set"}, json: []string{"error.class=config-invalid", "chain.0.call="},
		},
		"unknown profile": {
			args: []string{"-profile", "nobody"}, exit: 1,
			text: []string{"credentials: no such file or directory Problems", "Error failed to get shared config profile, nobody"},
			json: []string{"error.class=", "error.message=failed to get shared config profile, nobody"},
		},
		"metadata service is not asked": {
			files: []string{plain}, args: []string{"-profile", "plain"},
			env: []string{"AWS_DEFAULTS_MODE=auto", "AWS_EC2_METADATA_DISABLED="},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := newJob(t, c.files...)
			j.env = append(j.env, c.env...)
			text, json := j.explain(t, c.exit, c.args...)
			wantText(t, text, c.text...)
			wantJSON(t, json, c.json...)
			if n := len(j.TokenServer.Requests()) + len(j.STS.Requests()); n > 0 {
				t.Errorf("%d requests", n)
			}
		})
	}
}
