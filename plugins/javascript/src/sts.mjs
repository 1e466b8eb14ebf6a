/** The exchange of a token for credentials (STS). @module */

import { fromWebToken } from "@aws-sdk/credential-providers";
import { loadConfig } from "@smithy/core/config";
import { isThrottlingError, NODE_MAX_ATTEMPT_CONFIG_OPTIONS } from "@smithy/core/retry";

import { backoff, sleep } from "./client.mjs";
import { named, TokenServerError } from "./errors.mjs";
import { holdsSecret, WITHHELD } from "./secrets.mjs";
import { parse } from "./value.mjs";

/** @typedef {import("@smithy/types").AwsCredentialIdentityProvider} Provider */

const RETRIEVAL_MS = 3 * 60_000;

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

const EXPIRED = ["ExpiredTokenException", "ExpiredToken"];
const INVALID = ["InvalidIdentityToken", "InvalidIdentityTokenException"];

/**
 * Exchanges fresh tokens for credentials (STS-6).
 *
 * @param {import("./server.mjs").TokenServer} server
 * @param {any} init
 * @param {any} identity
 */
async function exchange(server, { roleArn, roleSessionName, ...init }, identity) {
  const maxAttempts =
    init.clientConfig?.maxAttempts ?? (await loadConfig(NODE_MAX_ATTEMPT_CONFIG_OPTIONS, { profile: init.profile })());
  let expired = { token: "", failure: /** @type {TokenServerError | undefined} */ (undefined) };
  for (let attempt = 1; ; attempt++) {
    const webIdentityToken = await server.token({ maxAttempts, logger: init.logger });
    if (expired.failure && webIdentityToken === expired.token) throw expired.failure;
    try {
      const keys = await fromWebToken({ ...init, roleArn, roleSessionName, webIdentityToken })(identity);
      if (!keys.sessionToken || !keys.expiration) throw new Error("its answer holds no complete credentials");
      return keys;
    } catch (/** @type {any} */ error) {
      const failure = explain(error, roleArn, webIdentityToken);
      const most = EXPIRED.includes(error.name) ? 2 : INVALID.includes(error.name) ? maxAttempts : 1;
      if (attempt >= most) throw failure;
      expired = { token: webIdentityToken, failure: EXPIRED.includes(error.name) ? failure : undefined };
      await sleep(backoff(attempt));
    }
  }
}

/**
 * What STS refuses of a setting, and what to do about it (STS-5).
 *
 * @type {Record<string, string>}
 */
const SETTINGS = {
  ValidationError: "correct the role's ARN, the session name, or the duration",
  PackedPolicyTooLarge: "pass fewer or shorter session tags and policies",
  MalformedPolicyDocument: "correct the session policy",
  RegionDisabled: "activate STS in this region for the role's account, or set another region",
};

/**
 * Says of an error of the SDK what STS was asked.
 *
 * @param {any} error
 * @param {string} roleArn
 * @param {string} token
 */
function explain(error, roleArn, token) {
  const status = error.$metadata?.httpStatusCode;
  const code = error.Code ?? error.name ?? "";
  const secrets = [token, ...token.split(".")];
  const withheld = holdsSecret(`${code} ${error.message}`, secrets);
  const options = withheld ? undefined : { cause: error };
  const name = holdsSecret(code, secrets) ? "" : `${code}: `;
  const said = withheld ? `${name}its message is ${WITHHELD}` : `${code}: ${error.message}`;
  if (!isRefusal(error, status)) {
    return new TokenServerError("sts-unavailable", `no usable answer from STS for the role ${roleArn}: ${said}`, options);
  }
  const setting = Object.keys(SETTINGS).find((name) => error.name.startsWith(name));
  if (setting) {
    const problem = `STS refused the request for the role ${roleArn}: ${said}; ${SETTINGS[setting]}`;
    return new TokenServerError("config-invalid", problem, options);
  }
  return new TokenServerError("role-denied", `STS denied the role ${roleArn} to ${describe(token)}: ${said}`, options);
}

/**
 * Whether STS itself refused. What is not its answer has no code.
 *
 * @param {any} error
 * @param {number | undefined} status
 */
function isRefusal(error, status) {
  if (!status || status < 400 || status > 499 || isThrottlingError(error)) return false;
  return !error.name.startsWith("IDPCommunicationError") && Boolean(error.Code ?? error.Error?.Code);
}

/**
 * The claims that a trust policy looks at, not verified (ERR-4).
 *
 * @param {string} token
 */
function describe(token) {
  const parts = token.split(".");
  try {
    if (parts.length !== 3) throw new SyntaxError();
    const { iss, sub, aud } = JSON.parse(Buffer.from(parts[1], "base64url").toString());
    return `a token with iss ${JSON.stringify(iss)}, sub ${JSON.stringify(sub)}, aud ${JSON.stringify(aud)}`;
  } catch {
    return "a token that is not a JWT";
  }
}

/**
 * Stops waiting for a promise after a time (STS-8).
 *
 * @template T
 * @param {number} milliseconds
 * @param {Promise<T>} promise
 * @param {string} roleArn
 * @returns {Promise<T>}
 */
async function within(milliseconds, promise, roleArn) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  const timeout = /** @type {Promise<never>} */ (
    new Promise((_, reject) => {
    const late = new TokenServerError("sts-unavailable", `STS did not answer for the role ${roleArn} in time`);
    timer = setTimeout(reject, milliseconds, late);
    })
  );
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
