/**
 * The adapter of the AWS SDK for JavaScript: as it is, or with this package.
 *
 *     node adapter.mjs [plugin]
 *
 * See docs/conformance.md.
 */

import { fromNodeProviderChain } from "@aws-sdk/credential-providers";

const AS_IT_IS = ["refresh", "account-id", "profile-over-env", "keys-profile-over-env", "keys-over-role", "unused-profile", "global-endpoint-url"];
const PLUGIN = ["token-server", "document", "form", "servers", "tls", "ca-bundle", "unix-socket", "error-class", "no-merge"];

const plugin = process.argv.includes("plugin") ? await import("@awstokenserver/credential-provider") : undefined;
if (process.argv.includes("capabilities")) {
  console.log(JSON.stringify([...AS_IT_IS, ...(plugin ? PLUGIN : [])]));
  process.exit();
}

const logger = { debug: console.error, info: console.error, warn: console.error, error: console.error };
const init = { profile: process.env.AWS_CONFORMANCE_PROFILE, logger };
const provider = plugin ? plugin.fromTokenServerProviderChain(init) : fromNodeProviderChain(init);

for (let n = 0; n < Number(process.env.AWS_CONFORMANCE_RETRIEVALS); n++) {
  if (n > 0) {
    await new Promise((done) => setTimeout(done, 1000 * Number(process.env.AWS_CONFORMANCE_WAIT_SECONDS)));
  }
  try {
    const { accessKeyId, secretAccessKey, sessionToken, expiration, accountId } = await provider();
    write({
      AccessKeyId: accessKeyId,
      SecretAccessKey: secretAccessKey,
      SessionToken: sessionToken,
      Expiration: expiration,
      AccountId: accountId,
    });
  } catch (error) {
    write({ Error: { Class: error.errorClass ?? "", Message: error.message } });
    process.exitCode = 1;
  }
}

function write(line) {
  console.log(JSON.stringify({ Version: 1, ...line }));
}
