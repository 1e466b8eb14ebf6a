/** Credentials of profiles that name a token server (KEY). @module */

import { fromTemporaryCredentials } from "@aws-sdk/credential-providers";
import { CredentialsProviderError, getProfileName, parseKnownFiles } from "@smithy/core/config";

import { invalid, named } from "./errors.mjs";
import { keep } from "./keep.mjs";
import { fromTokenServer } from "./sts.mjs";

const KEY = "web_identity_token_server";
const FILE_KEY = "web_identity_token_file";

// On INFO, the SDK's STS client writes the session tokens that AssumeRole returns.
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

/**
 * @typedef {import("@smithy/types").AwsCredentialIdentityProvider} Provider
 * @typedef {NonNullable<Parameters<typeof import("@aws-sdk/credential-providers").fromIni>[0]>} Init
 */

/**
 * Credentials of a profile that names a token server, or whose source_profile
 * does, over any number of steps.
 *
 * @param {Init} [init]
 * @returns {Provider}
 */
export function fromTokenServerProfile(init = {}) {
  return async (identity) => {
    const provider = resolve(getProfileName(init), await parseKnownFiles(init), init);
    if (!provider) throw new CredentialsProviderError("the profile names no token server");
    return provider(identity);
  };
}

/**
 * @param {string} name
 * @param {Record<string, Record<string, string | undefined>>} profiles
 * @param {Init} init
 * @param {string[]} visited the SDK reports a loop
 * @returns {Provider | undefined} undefined leaves the profile to the SDK
 */
function resolve(name, profiles, init, visited = []) {
  const profile = profiles[name];
  if (!profile || visited.includes(name)) return undefined;
  if (profile.role_arn && profile.source_profile) {
    const source = resolve(profile.source_profile, profiles, init, [...visited, name]);
    if (!source) return undefined;
    const { clientConfig, mfaCodeProvider } = init;
    const options = { clientConfig, mfaCodeProvider, logger: SILENT, params: assumeRoleParams(profile) };
    return fromTemporaryCredentials({ ...options, masterCredentials: keep(source) });
  }
  if (!profile[KEY] || (profile.role_arn && (profile.aws_access_key_id || profile.credential_source))) return undefined;
  const setting = `${KEY} of the profile "${name}"`;
  if (profile[FILE_KEY]) throw named(setting, invalid(`both ${KEY} and ${FILE_KEY} are set: remove one of the two`));
  if (!profile.role_arn) throw named(setting, invalid("the profile has no role_arn"));
  const { role_arn: roleArn, role_session_name: roleSessionName } = profile;
  return fromTokenServer({ ...init, value: profile[KEY], setting, roleArn, roleSessionName });
}

/** @param {Record<string, string | undefined>} profile */
const assumeRoleParams = (profile) => ({
  RoleArn: profile.role_arn,
  RoleSessionName: profile.role_session_name,
  ExternalId: profile.external_id,
  SerialNumber: profile.mfa_serial,
  DurationSeconds: Number(profile.duration_seconds) || undefined,
});
