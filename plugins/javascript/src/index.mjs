/**
 * Credential providers of the AWS SDK for JavaScript that know
 * web_identity_token_server and AWS_WEB_IDENTITY_TOKEN_SERVER. The ids in comments are
 * clauses of https://github.com/awstokenserver/config/blob/main/docs/specification.md.
 *
 * In all that it does not say, a token server is what a token file is to the SDK: the
 * profile goes before the environment, and a source_profile or static keys before the
 * server in a profile.
 *
 * @module
 */

export { fromTokenServerProviderChain } from "./chain.mjs";
export { fromTokenServerEnvironment } from "./environment.mjs";
export { TokenServerError } from "./errors.mjs";
export { fromTokenServerProfile } from "./profile.mjs";
export { fromTokenServer } from "./sts.mjs";
