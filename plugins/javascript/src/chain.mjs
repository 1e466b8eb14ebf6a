/** The SDK's default chain, with token servers in it (PREC). @module */

import { createCredentialChain, fromEnv, fromIni, fromNodeProviderChain, fromProcess } from "@aws-sdk/credential-providers";
import { CredentialsProviderError } from "@smithy/core/config";

import { fromTokenServerEnvironment, namesTokenServer } from "./environment.mjs";
import { keep } from "./keep.mjs";
import { fromTokenServerProfile } from "./profile.mjs";

const RENEW_MS = 5 * 60_000;

/**
 * @typedef {import("@smithy/types").AwsCredentialIdentityProvider} Provider
 * @typedef {NonNullable<Parameters<typeof import("@aws-sdk/credential-providers").fromIni>[0]>} Init
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
  if (namesTokenServer()) {
    // A token file in the environment would come here.
    links.push(fromIni(init), fromProcess(init), fromTokenServerEnvironment(init));
  }
  return keep(createCredentialChain(...links, fromNodeProviderChain(init)), RENEW_MS);
}

/**
 * @param {Init} init
 * @returns {Provider}
 */
function fromEnvWithoutProfile(init) {
  return async () => {
    if (init.profile ?? process.env.AWS_PROFILE) throw new CredentialsProviderError("a profile is named");
    return fromEnv(init)();
  };
}
