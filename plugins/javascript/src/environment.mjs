/** Credentials of the token server that the environment names (ENV). @module */

import { CredentialsProviderError } from "@smithy/core/config";

import { invalid, named } from "./errors.mjs";
import { trim } from "./file.mjs";
import { fromTokenServer } from "./sts.mjs";

const VARIABLE = "AWS_WEB_IDENTITY_TOKEN_SERVER";
const FILE_VARIABLE = "AWS_WEB_IDENTITY_TOKEN_FILE";

/**
 * @typedef {import("@smithy/types").AwsCredentialIdentityProvider} Provider
 * @typedef {NonNullable<Parameters<typeof import("@aws-sdk/credential-providers").fromIni>[0]>} Init
 */

/** Whether the environment names a token server. */
export const namesTokenServer = () => trim(process.env[VARIABLE] ?? "") !== "";

/**
 * Credentials of the token server that the environment names.
 *
 * @param {Init} [init]
 * @returns {Provider}
 */
export function fromTokenServerEnvironment(init = {}) {
  return async (identity) => {
    const { [VARIABLE]: value = "", [FILE_VARIABLE]: file, AWS_ROLE_ARN = "", AWS_ROLE_SESSION_NAME } = process.env;
    const roleArn = trim(AWS_ROLE_ARN);
    if (!namesTokenServer()) throw new CredentialsProviderError(`${VARIABLE} is not set`);
    if (file) throw named(VARIABLE, invalid(`both ${VARIABLE} and ${FILE_VARIABLE} are set: unset one of the two`));
    if (!roleArn) throw named(VARIABLE, invalid("AWS_ROLE_ARN is not set"));
    const roleSessionName = AWS_ROLE_SESSION_NAME || undefined;
    return fromTokenServer({ ...init, value, setting: VARIABLE, roleArn, roleSessionName })(identity);
  };
}
