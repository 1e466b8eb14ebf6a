/**
 * Credential providers of the AWS SDK for JavaScript that know
 * web_identity_token_server and AWS_WEB_IDENTITY_TOKEN_SERVER.
 *
 * In all that docs/specification.md does not say, a token server is what a token
 * file is to the SDK (KEY-2): the profile goes before the environment, and a
 * source_profile or static keys before the server in a profile.
 *
 * @module
 */

import {
  createCredentialChain,
  fromEnv,
  fromIni,
  fromNodeProviderChain,
  fromProcess,
  fromTemporaryCredentials,
  fromWebToken,
} from "@aws-sdk/credential-providers";
import { CredentialsProviderError, getProfileName, loadConfig, parseKnownFiles } from "@smithy/core/config";
import { isThrottlingError, NODE_MAX_ATTEMPT_CONFIG_OPTIONS } from "@smithy/core/retry";

import { invalid, parse, TokenServerError } from "./token-server.mjs";

export { TokenServerError };

const KEY = "web_identity_token_server";
const FILE_KEY = "web_identity_token_file";
const VARIABLE = "AWS_WEB_IDENTITY_TOKEN_SERVER";
const FILE_VARIABLE = "AWS_WEB_IDENTITY_TOKEN_FILE";

const RETRIEVAL_MS = 3 * 60_000;
const RENEW_MS = 5 * 60_000;

// On INFO, the SDK's STS client writes the session tokens that AssumeRole returns.
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

/**
 * @typedef {import("@smithy/types").AwsCredentialIdentityProvider} Provider
 * @typedef {import("@aws-sdk/credential-providers").FromIniInit} Init
 */

/**
 * The SDK's default chain, with token servers. It keeps credentials until
 * shortly before they expire.
 *
 * @param {Init} [init]
 * @returns {Provider}
 */
export function fromTokenServerProviderChain(init = {}) {
  const links = [fromEnvWithoutProfile(init), fromTokenServerProfile(init)];
  if (process.env[VARIABLE]) {
    // A token file in the environment would come here.
    links.push(fromIni(init), fromProcess(init), fromTokenServerEnvironment(init));
  }
  return keep(createCredentialChain(...links, fromNodeProviderChain(init)), RENEW_MS);
}

/**
 * Keeps credentials until they expire, and renews them behind the scenes from
 * some time before, as the SDK's default chain does. Callers share a renewal.
 *
 * @param {Provider} provider
 * @returns {Provider}
 */
function keep(provider, renewBefore = 0) {
  let credentials, pending;
  return async (identity) => {
    const left = credentials ? (credentials.expiration?.getTime() ?? Infinity) - Date.now() : 0;
    if (left > renewBefore) return credentials;
    pending ??= provider(identity)
      .then((renewed) => (credentials = renewed))
      .finally(() => (pending = undefined));
    if (left <= 0) return pending;
    pending.catch(() => {}); // those that there are have not expired
    return credentials;
  };
}

/** @returns {Provider} */
function fromEnvWithoutProfile(init) {
  return async () => {
    if (init.profile ?? process.env.AWS_PROFILE) throw new CredentialsProviderError("a profile is named");
    return fromEnv(init)();
  };
}

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
  if (!profile[KEY] || profile.aws_access_key_id || (profile.role_arn && profile.credential_source)) return undefined;
  const setting = `${KEY} of the profile "${name}"`;
  if (profile[FILE_KEY]) throw named(setting, invalid(`both ${KEY} and ${FILE_KEY} are set: remove one of the two`));
  if (!profile.role_arn) throw named(setting, invalid("the profile has no role_arn"));
  const { role_arn: roleArn, role_session_name: roleSessionName } = profile;
  return fromTokenServer({ ...init, value: profile[KEY], setting, roleArn, roleSessionName });
}

const assumeRoleParams = (profile) => ({
  RoleArn: profile.role_arn,
  RoleSessionName: profile.role_session_name,
  ExternalId: profile.external_id,
  SerialNumber: profile.mfa_serial,
  DurationSeconds: Number(profile.duration_seconds) || undefined,
});

/**
 * Credentials of the token server that the environment names.
 *
 * @param {Init} [init]
 * @returns {Provider}
 */
export function fromTokenServerEnvironment(init = {}) {
  return async (identity) => {
    const { [VARIABLE]: value, [FILE_VARIABLE]: file, AWS_ROLE_ARN: roleArn, AWS_ROLE_SESSION_NAME } = process.env;
    if (!value) throw new CredentialsProviderError(`${VARIABLE} is not set`);
    if (file) throw named(VARIABLE, invalid(`both ${VARIABLE} and ${FILE_VARIABLE} are set: unset one of the two`));
    if (!roleArn) throw named(VARIABLE, invalid("AWS_ROLE_ARN is not set"));
    const roleSessionName = AWS_ROLE_SESSION_NAME || undefined;
    return fromTokenServer({ ...init, value, setting: VARIABLE, roleArn, roleSessionName })(identity);
  };
}

/**
 * Credentials of a role, for tokens of a token server. A value that can never
 * work is refused here, before anything is sent.
 *
 * @param {object} init
 * @param {string} init.value a value of web_identity_token_server
 * @param {string} init.roleArn
 * @param {string} [init.roleSessionName]
 * @param {string} [init.setting] how errors call what holds the value
 * @param {string} [init.profile] where else the SDK's settings are
 * @param {object} [init.clientConfig] of the STS client
 * @param {import("@smithy/types").Logger} [init.logger]
 * @returns {Provider}
 * @throws {TokenServerError}
 */
export function fromTokenServer({ value, setting = "the token server", ...init }) {
  let server;
  try {
    server = parse(value);
  } catch (error) {
    throw named(setting, error);
  }
  return async (identity) => {
    try {
      return await within(RETRIEVAL_MS, exchange(server, init, identity), init.roleArn);
    } catch (error) {
      throw named(setting, error);
    }
  };
}

/** Gives an error the setting that led to it (ERR-3). */
function named(setting, error) {
  if (!(error instanceof TokenServerError)) return error;
  return new TokenServerError(error.errorClass, `${setting}: ${error.message}`, { cause: error.cause });
}

const TOKEN_REFUSALS = ["ExpiredTokenException", "ExpiredToken", "InvalidIdentityToken", "InvalidIdentityTokenException"];

/** Exchanges a fresh token for credentials, and once more where it is refused (STS-6). */
async function exchange(server, { roleArn, roleSessionName, ...init }, identity) {
  const maxAttempts =
    init.clientConfig?.maxAttempts ?? (await loadConfig(NODE_MAX_ATTEMPT_CONFIG_OPTIONS, { profile: init.profile })());
  for (let again = false; ; again = true) {
    const webIdentityToken = await server.token({ maxAttempts, logger: init.logger });
    try {
      return await fromWebToken({ ...init, roleArn, roleSessionName, webIdentityToken })(identity);
    } catch (error) {
      if (again || !TOKEN_REFUSALS.includes(error.name)) throw explain(error, roleArn, webIdentityToken);
    }
  }
}

/** Says of an error of the SDK what STS was asked. */
function explain(error, roleArn, token) {
  const repeats = error.message?.includes(token.split(".").at(-1)); // STS repeats the token
  const said = repeats ? error.name : `${error.name}: ${error.message}`;
  const options = repeats ? undefined : { cause: error };
  const status = error.$metadata?.httpStatusCode;
  if (!status || status >= 500 || isThrottlingError(error) || error.name.startsWith("IDPCommunicationError")) {
    return new TokenServerError("sts-unavailable", `STS did not answer for the role ${roleArn}: ${said}`, options);
  }
  return new TokenServerError("role-denied", `STS denied the role ${roleArn} to ${describe(token)}: ${said}`, options);
}

/** The claims that a trust policy looks at, not verified (ERR-4). */
function describe(token) {
  const parts = token.split(".");
  try {
    if (parts.length !== 3) throw new SyntaxError();
    const { iss, sub, aud } = JSON.parse(Buffer.from(parts[1], "base64url").toString());
    return `a token with iss ${JSON.stringify(iss)}, sub ${JSON.stringify(sub)}, aud ${JSON.stringify(aud)}`;
  } catch {
    return "a token that is no JWT";
  }
}

/** Stops waiting for a promise after a time (STS-8). */
async function within(milliseconds, promise, roleArn) {
  let timer;
  const timeout = new Promise((_, reject) => {
    const late = new TokenServerError("sts-unavailable", `STS did not answer for the role ${roleArn} in time`);
    timer = setTimeout(reject, milliseconds, late);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
