#!/usr/bin/env bash
# What action.yml does: installs the command, and sets up roles for later steps. Inputs are in INPUT_…: see
# docs/action.md.
set -euo pipefail

fail() {
	echo "::error::$*" >&2
	exit 1
}
yes() { # INPUT
	local variable
	variable=INPUT_$(tr a-z- A-Z_ <<<"$1")
	case ${!variable} in
		true | True | TRUE) ;;
		'' | false | False | FALSE) return 1 ;;
		*) fail "$1 must be true or false" ;;
	esac
}
refuse() { # INPUT SENTENCE
	local variable
	variable=INPUT_$(tr a-z- A-Z_ <<<"$1")
	case ${!variable} in '' | false | False | FALSE) ;; *) fail "$1: $2" ;; esac
}

version=${INPUT_VERSION#v}
work=$RUNNER_TEMP/aws-web-identity
bin=$work/$version
mkdir -p "$bin"
chmod 700 "$work"

get() { curl -sSfL --retry 3 -o "$1" "$INPUT_RELEASES/v$version/$1"; }
sha256() { if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d' ' -f1; }

install_command() {
	local system machine suffix=tar.gz archive
	case ${RUNNER_OS:-$(uname -s)} in
		Linux) system=linux ;;
		macOS | Darwin) system=darwin ;;
		Windows) system=windows suffix=zip ;;
		FreeBSD) system=freebsd ;;
		*) fail "there is no release for $RUNNER_OS" ;;
	esac
	case ${RUNNER_ARCH:-$(uname -m)} in
		X64 | x86_64 | amd64) machine=amd64 ;;
		ARM64 | arm64 | aarch64) machine=arm64 ;;
		*) fail "there is no release for ${RUNNER_ARCH:-this machine}" ;;
	esac
	archive=aws-web-identity_${version}_${system}_$machine.$suffix
	cd "$bin"
	if ! get "$archive" || ! get checksums.txt; then
		command -v go >/dev/null ||
			fail "release v$version cannot be fetched from $INPUT_RELEASES, and there is no Go to build it"
		echo "Release v$version cannot be fetched: building the command from the source of this action."
		(cd "$ACTION" && CGO_ENABLED=0 go build -trimpath -o "$bin/" ./cmd/aws-web-identity)
		return
	fi
	test "$(awk -v name="$archive" '$2 == name { print $1 }' checksums.txt)" = "$(sha256 "$archive")" ||
		fail "$archive does not have the checksum that checksums.txt of release v$version has for it"
	if test "${GITHUB_SERVER_URL:-}" = https://github.com && command -v gh >/dev/null; then
		gh attestation verify "$archive" --repo awstokenserver/config \
			--signer-workflow awstokenserver/config/.github/workflows/release.yml ||
			fail "$archive has no provenance from the release workflow of awstokenserver/config"
	else
		echo "The provenance of $archive was not verified: that needs gh, and github.com."
	fi
	if test $suffix = zip; then unzip -q "$archive" aws-web-identity.exe; else tar -xzf "$archive" aws-web-identity; fi
}

if test -n "$INPUT_ACTION_TIMEOUT_S"; then
	(sleep "$INPUT_ACTION_TIMEOUT_S" && echo "::error::timed out after $INPUT_ACTION_TIMEOUT_S s" && kill $$) >&2 &
	trap "kill $! 2>/dev/null || true" EXIT
fi
workspace=$PWD
test -x "$bin/aws-web-identity" || test -x "$bin/aws-web-identity.exe" || (install_command)
echo "$bin" >>"$GITHUB_PATH"
PATH=$PATH:$bin

for name in aws-access-key-id aws-secret-access-key aws-session-token; do
	refuse $name "stored keys are what this action replaces; let the role trust GitHub's tokens"
done
for name in http-proxy no-proxy; do
	refuse $name "later steps fetch credentials themselves; set HTTPS_PROXY and NO_PROXY in env of the job"
done
for name in inline-session-policy managed-session-policies; do
	refuse $name "a profile has no session policies, and the role has more rights without them; restrict the role"
done
refuse special-characters-workaround "keys need not pass through variables; leave it out"
refuse use-existing-credentials "it takes the identity that happens to be there; name a role, or config-file"

line() { # KEY VALUE
	case $2 in '') return ;; *[$'\n\r']*) fail "$1 has a line break" ;; esac
	printf '%s = %s\n' "$1" "$2"
}
# With a role in place of a file, the profiles are those of now, and one more.
profile=$INPUT_AWS_PROFILE
case $profile in *[!A-Za-z0-9_.-]*) fail "aws-profile may have letters, digits, and any of _.-" ;; esac
if test -n "$INPUT_CONFIG_FILE"; then
	for name in aws-region role-to-assume web-identity-token-file role-chaining audience role-duration-seconds \
		role-external-id role-session-name sts-endpoint overwrite-aws-profile \
		force-skip-oidc transitive-tag-keys custom-tags; do
		refuse $name "config-file says that"
	done
	if test -z "$profile"; then
		for name in allowed-account-ids output-credentials output-env-credentials mask-aws-account-id; do
			refuse $name "with config-file, it needs aws-profile"
		done
	fi
	test -f "$INPUT_CONFIG_FILE" || fail "there is no file $INPUT_CONFIG_FILE"
	export AWS_CONFIG_FILE=$INPUT_CONFIG_FILE
else
	case $INPUT_ROLE_TO_ASSUME in arn:aws*) ;; *) fail "set config-file, or role-to-assume to the ARN of a role" ;; esac
	case $INPUT_AWS_REGION in '' | *[!a-z0-9-]*) fail "aws-region must be a region" ;; esac
	server=GitHub
	test -z "$INPUT_AUDIENCE" || server=GitHub,$INPUT_AUDIENCE
	if yes role-chaining; then
		server=
		test -n "${AWS_PROFILE:-}" || fail "role-chaining needs an earlier use of this action, whose role it begins with"
		for name in transitive-tag-keys custom-tags; do refuse $name "a profile has no session tags"; done
	elif test -n "$INPUT_WEB_IDENTITY_TOKEN_FILE"; then
		case $INPUT_WEB_IDENTITY_TOKEN_FILE in
			*[\"\\\$]*) fail 'web-identity-token-file may not have any of "\$' ;;
			/*) file=$INPUT_WEB_IDENTITY_TOKEN_FILE ;;
			*) file=$workspace/$INPUT_WEB_IDENTITY_TOKEN_FILE ;;
		esac
		server=$(printf '{"version": 1, "file": "%s"}' "$file" | aws-web-identity encode -)
	elif yes force-skip-oidc; then
		fail "force-skip-oidc needs web-identity-token-file or role-chaining"
	fi
	if test -n "$server" && test -n "$INPUT_TRANSITIVE_TAG_KEYS$INPUT_CUSTOM_TAGS"; then
		echo "::warning::transitive-tag-keys and custom-tags have no effect: the session tags are those of the token"
	fi
	before=${AWS_CONFIG_FILE:-$HOME/.aws/config}
	export AWS_CONFIG_FILE
	AWS_CONFIG_FILE=$(mktemp "$work/config.XXXXXX")
	test ! -f "$before" || cat "$before" >"$AWS_CONFIG_FILE"
	profile=${profile:-role-$(($(grep -c '^\[profile role-' "$AWS_CONFIG_FILE" || true) + 1))}
	if grep -qxF "[profile $profile]" "$AWS_CONFIG_FILE"; then
		yes overwrite-aws-profile || fail "there is a profile $profile already; overwrite-aws-profile replaces it"
		awk -v name="[profile $profile]" '/^\[/ { skip = $0 == name } !skip' "$AWS_CONFIG_FILE" >"$AWS_CONFIG_FILE.new"
		mv "$AWS_CONFIG_FILE.new" "$AWS_CONFIG_FILE"
	fi
	{
		printf '\n[profile %s]\n' "$profile"
		line region "$INPUT_AWS_REGION"
		line role_arn "$INPUT_ROLE_TO_ASSUME"
		line role_session_name "${INPUT_ROLE_SESSION_NAME:-GitHubActions}"
		line web_identity_token_server "$server"
		if test -z "$server"; then
			line source_profile "$AWS_PROFILE"
			line duration_seconds "$INPUT_ROLE_DURATION_SECONDS"
			line external_id "$INPUT_ROLE_EXTERNAL_ID"
		fi
		if test -n "$INPUT_STS_ENDPOINT"; then
			printf 'services = %s\n\n[services %s]\nsts =\n' "$profile" "$profile"
			printf '  '
			line endpoint_url "$INPUT_STS_ENDPOINT"
		fi
	} >>"$AWS_CONFIG_FILE"
fi

as_profile=()
if test -n "$profile"; then
	as_profile=(--profile "$profile")
	if test -n "$INPUT_ROLE_DURATION_SECONDS" && ! yes role-chaining; then
		as_profile+=(--duration "${INPUT_ROLE_DURATION_SECONDS}s")
	fi
	attempts=${INPUT_RETRY_MAX_ATTEMPTS:-${AWS_MAX_ATTEMPTS:-}}
	if yes disable-retry; then attempts=1; fi
	got=$(AWS_MAX_ATTEMPTS=$attempts aws-web-identity env "${as_profile[@]}" --format dotenv)
	value() { sed -n "s/^$1=//p" <<<"$got"; }
	account=$(value AWS_ACCOUNT_ID)
	if yes mask-aws-account-id; then echo "::add-mask::$account"; fi
	if test -n "$INPUT_ALLOWED_ACCOUNT_IDS"; then
		case ,$(tr -d ' \n' <<<"$INPUT_ALLOWED_ACCOUNT_IDS"), in
			*,"$account",*) ;;
			*) fail "the role is in account $account, which allowed-account-ids does not have" ;;
		esac
	fi
	echo "aws-account-id=$account" >>"$GITHUB_OUTPUT"
	if yes output-credentials; then
		for name in AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN; do echo "::add-mask::$(value $name)"; done
		cat >>"$GITHUB_OUTPUT" <<-OUTPUT
			aws-access-key-id=$(value AWS_ACCESS_KEY_ID)
			aws-secret-access-key=$(value AWS_SECRET_ACCESS_KEY)
			aws-session-token=$(value AWS_SESSION_TOKEN)
			aws-expiration=$(value AWS_CREDENTIAL_EXPIRATION)
		OUTPUT
	fi
fi

if yes output-env-credentials; then
	test -z "$INPUT_AWS_PROFILE" ||
		fail "output-env-credentials: SDKs prefer the variables to aws-profile; leave one of them out"
	aws-web-identity env "${as_profile[@]}" --format github
elif yes role-chaining; then
	printf '%s\n' "AWS_CONFIG_FILE=$AWS_CONFIG_FILE" "AWS_PROFILE=$profile" >>"$GITHUB_ENV"
else
	aws-web-identity setup ${as_profile[@]+"${as_profile[@]}"} --format github
fi
if test -z "$INPUT_CONFIG_FILE$INPUT_AWS_PROFILE"; then
	printf '%s\n' "AWS_REGION=$INPUT_AWS_REGION" "AWS_DEFAULT_REGION=$INPUT_AWS_REGION" >>"$GITHUB_ENV"
fi
