/** Credentials that are kept until they expire (REFRESH). @module */

/** @typedef {import("@smithy/types").AwsCredentialIdentityProvider} Provider */

/**
 * Keeps credentials until they expire, and renews them behind the scenes from
 * some time before, as the SDK's default chain does. Callers share a renewal.
 *
 * @param {Provider} provider
 * @param {number} [renewBefore] milliseconds
 * @returns {Provider}
 */
export function keep(provider, renewBefore = 0) {
  /** @type {import("@smithy/types").AwsCredentialIdentity | undefined} */
  let credentials;
  /** @type {Promise<import("@smithy/types").AwsCredentialIdentity> | undefined} */
  let pending;
  return async (identity) => {
    const left = credentials ? (credentials.expiration?.getTime() ?? Infinity) - Date.now() : 0;
    if (credentials && left > renewBefore) return credentials;
    pending ??= provider(identity)
      .then((renewed) => (credentials = renewed))
      .finally(() => (pending = undefined));
    if (!credentials || left <= 0) return pending;
    pending.catch(() => {}); // those that there are have not expired
    return credentials;
  };
}
