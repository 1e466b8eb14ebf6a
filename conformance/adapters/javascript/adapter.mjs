/**
 * The adapter of the AWS SDK for JavaScript: as it is, or with the providers
 * beside this file.
 *
 *     node adapter.mjs [provider]
 *
 * See docs/conformance.md.
 */

import { fromNodeProviderChain } from "@aws-sdk/credential-providers";

import { fromTokenServerProviderChain } from "./credentials.mjs";

const AS_IT_IS = ["refresh", "profile-over-env"];
const PROVIDER = ["token-server", "document", "servers", "tls", "unix-socket", "error-class", "no-merge"];

const withProvider = process.argv.includes("provider");
if (process.argv.includes("capabilities")) {
  console.log(JSON.stringify([...AS_IT_IS, ...(withProvider ? PROVIDER : [])]));
  process.exit();
}

const logger = { debug: console.error, info: console.error, warn: console.error, error: console.error };
const init = { profile: process.env.AWS_CONFORMANCE_PROFILE, logger };
const provider = withProvider ? fromTokenServerProviderChain(init) : fromNodeProviderChain(init);

for (let n = 0; n < Number(process.env.AWS_CONFORMANCE_RETRIEVALS); n++) {
  if (n > 0) {
    await new Promise((done) => setTimeout(done, 1000 * Number(process.env.AWS_CONFORMANCE_WAIT_SECONDS)));
  }
  try {
    const { accessKeyId, secretAccessKey, sessionToken, expiration } = await provider();
    write({ AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, SessionToken: sessionToken, Expiration: expiration });
  } catch (error) {
    write({ Error: { Class: error.errorClass ?? "", Message: error.message } });
    process.exitCode = 1;
  }
}

function write(line) {
  console.log(JSON.stringify({ Version: 1, ...line }));
}
