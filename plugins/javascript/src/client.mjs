/** Sends a request to a token server until there is an answer, within bounds (HTTP, RETRY). @module */

import http from "node:http";
import https from "node:https";

import { Again, TokenServerError } from "./errors.mjs";
import { READ_LIMIT } from "./file.mjs";
import { retryAfter } from "./response.mjs";
import { quoted } from "./secrets.mjs";

const ATTEMPT_MS = 5_000;
const ALL_ATTEMPTS_MS = 60_000;

/**
 * @typedef {object} FetchOptions
 * @property {number} maxAttempts
 * @property {import("@smithy/types").Logger} [logger]
 */

/** @typedef {import("./request.mjs").Request} Request */

/**
 * The delay of the SDK's standard retry strategy.
 *
 * @param {number} attempt the first is 1
 * @returns {number} milliseconds
 */
export const backoff = (attempt) => Math.random() * Math.min(20_000, 100 * 2 ** (attempt - 1));

/** @param {number} milliseconds */
export const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

/**
 * @param {Request} request
 * @param {FetchOptions} options
 * @returns {Promise<Buffer>} the body of a successful answer, which may be longer than the limit
 */
export async function fetchAnswer(request, { maxAttempts, logger }) {
  const deadline = Date.now() + ALL_ATTEMPTS_MS;
  const host = request.url.hostname;
  for (let attempt = 1; ; attempt++) {
    try {
      return await tryOnce(request, Math.min(ATTEMPT_MS, deadline - Date.now()));
    } catch (error) {
      if (!(error instanceof Again)) throw error;
      const delay = Math.max(error.after, backoff(attempt));
      if (attempt >= maxAttempts || Date.now() + delay >= deadline) {
        throw new TokenServerError("token-unavailable", `${host} ${error.message}, in ${attempt} attempt(s)`);
      }
      logger?.info?.(`token server: ${host} ${error.message}; attempt ${attempt + 1} in ${Math.round(delay)} ms`);
      await sleep(delay);
    }
  }
}

/**
 * Sends a request once. It follows no redirect, as Node.js never does.
 *
 * @param {Request} request
 * @param {number} milliseconds
 */
async function tryOnce({ url, options, body, retry, secrets }, milliseconds) {
  let answer;
  try {
    answer = await send(url, { ...options, signal: AbortSignal.timeout(Math.max(milliseconds, 0)) }, body);
  } catch (/** @type {any} */ error) {
    if (error instanceof TokenServerError) throw error;
    // The error's own text may hold the URL (SECRET-4).
    if (CERTIFICATE_ERRORS.test(error.code ?? "")) {
      throw new TokenServerError(
        "token-unavailable",
        `the certificate of ${url.hostname} is not trusted (${error.code}); name its authority in the document's ca_file, ` +
          "or in AWS_CA_BUNDLE, which replaces the system's authorities and is not added to them",
      );
    }
    throw new Again(error.name === "AbortError" ? "did not answer in time" : `cannot be reached (${error.code ?? error.name})`);
  }
  const { status, headers, content } = answer;
  if (status >= 200 && status < 300) return content;
  const problem = `answered ${status}${quoted(content, secrets)}`;
  const pending = status === 403 && content.includes("Can't issue ID_TOKEN") && content.includes("'Pending' state");
  if (pending || [408, 429, ...retry].includes(status) || (status >= 500 && status < 600)) {
    throw new Again(problem, retryAfter(headers["retry-after"]));
  }
  // A status that does not exist says nothing (RFC 9110, 15).
  throw new TokenServerError(status < 500 ? "token-refused" : "token-unavailable", `${url.hostname} ${problem}`);
}

const CERTIFICATE_ERRORS = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|HOSTNAME_MISMATCH/;

/**
 * Sends one request, and reads the answer up to a byte more than the limit.
 *
 * @param {URL} url
 * @param {https.RequestOptions} options
 * @param {string} [body]
 * @returns {Promise<{status: number, headers: http.IncomingHttpHeaders, content: Buffer}>}
 */
function send(url, options, body) {
  return new Promise((resolve, reject) => {
    const request = (url.protocol === "https:" ? https : http).request(url, options, (response) => {
      /** @type {Buffer[]} */
      const chunks = [];
      let length = 0;
      const finish = () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, content: Buffer.concat(chunks) });
        request.destroy();
      };
      response.on("data", (chunk) => {
        chunks.push(chunk);
        length += chunk.length;
        if (length > READ_LIMIT) finish();
      });
      response.on("end", finish);
      // Half a success is none; a refusal is one without all of its page.
      response.on("error", (error) => (Math.floor((response.statusCode ?? 0) / 100) === 2 ? reject(error) : finish()));
    });
    request.on("upgrade", (response, socket) => {
      socket.destroy(); // another protocol begins there
      resolve({ status: response.statusCode ?? 0, headers: response.headers, content: Buffer.alloc(0) });
    });
    request.on("error", reject);
    request.end(body);
  });
}
