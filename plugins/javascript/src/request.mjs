/** The request that a document describes, its references replaced. @module */

import { HEADER_CONTROL } from "./document.mjs";
import { invalid } from "./errors.mjs";
import { readFile } from "./file.mjs";
import { Expansion, join } from "./template.mjs";
import { checkURL, hostOf, isLocal, lookupLocal, setParameters, targetOf } from "./url.mjs";

const LONGEST_WORD = 15; // of a URL's path: what is longer may be a secret
const BUNDLE_LIMIT = 1 << 20; // a system's bundle of authorities has some 200 KiB

/**
 * @typedef {object} Request
 * @property {URL} url
 * @property {import("node:https").RequestOptions} options
 * @property {string} [body]
 * @property {number[]} retry
 * @property {Set<string>} secrets
 */

/**
 * @param {any} http the member of the document
 * @param {string} audience
 * @returns {Request}
 */
export function requestOf(http, audience) {
  const expansion = new Expansion(audience);
  const origin = /^\$\{env:([A-Za-z0-9_]+)/.exec(http.url)?.[1];
  let text = expansion.expand(http.url, true);
  const url = checkURL(text, origin ? `the variable ${origin}` : "http.url", Boolean(http.unix_socket));
  expansion.sends(...url.searchParams.values());
  for (const part of decode(url.pathname).split("/")) {
    if (part.length > LONGEST_WORD) expansion.secrets.add(part);
  }
  text = setParameters(text, expansion.all(http.query));

  /** @type {Record<string, string | number>} */
  const headers = { "accept-encoding": "identity" };
  let body;
  if ((http.body ?? null) !== null) {
    body = JSON.stringify(expansion.body(http.body));
    headers["content-type"] = "application/json";
  }
  if (http.form) {
    body = new URLSearchParams(expansion.all(http.form)).toString();
    headers["content-type"] = "application/x-www-form-urlencoded";
  }
  if (http.method === "POST") {
    headers["content-length"] = Buffer.byteLength(body ?? "");
  }
  for (const [name, value] of Object.entries(http.headers ?? {})) {
    if (expansion.leavesOut(value)) continue;
    const expanded = expansion.expand(value);
    if (HEADER_CONTROL.test(expanded)) {
      throw invalid(`${join("http.headers", name)}: must not hold a control character`);
    }
    headers[name.toLowerCase()] = Buffer.from(expanded).toString("latin1"); // sent as UTF-8
    const blank = name.toLowerCase() === "authorization" ? expanded.indexOf(" ") + 1 : 0;
    expansion.sends(expanded.slice(blank)); // without the scheme
  }
  // HTTP-6. The SDK itself reads neither AWS_CA_BUNDLE nor a proxy's variable.
  /** @param {string | undefined} path */
  const read = (path) => (path ? readFile(path, BUNDLE_LIMIT) : undefined);
  const plain = url.protocol === "http:" && !http.unix_socket && isLocal(hostOf(text));
  const options = {
    method: http.method ?? "GET",
    path: targetOf(text),
    headers,
    agent: /** @type {const} */ (false),
    maxHeaderSize: 64 * 1024,
    lookup: plain ? lookupLocal : undefined,
    ca: read(http.ca_file || (url.protocol === "https:" ? process.env.AWS_CA_BUNDLE : undefined)),
    cert: read(http.cert_file),
    key: read(http.key_file),
    socketPath: http.unix_socket || undefined,
  };
  return { url, options, body, retry: http.retry ?? [], secrets: expansion.secrets };
}

/** @param {string} path */
function decode(path) {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
