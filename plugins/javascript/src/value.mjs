/** A value of web_identity_token_server: a name, a pair of variables, or a document. @module */

import { readFileSync } from "node:fs";

import { decode } from "./document.mjs";
import { invalid } from "./errors.mjs";
import { trim } from "./file.mjs";
import { TokenServer } from "./server.mjs";
import { isVariable } from "./template.mjs";

/**
 * The documents of the named servers (VALUE-9).
 *
 * @type {Record<string, object>}
 */
const SERVERS = JSON.parse(readFileSync(new URL("servers.json", import.meta.url), "utf8"));

/**
 * Reads a value by the grammar of VALUE-1.
 *
 * @param {string} value
 * @returns {TokenServer}
 */
export function parse(value) {
  const [first, rest] = cut(value);
  const names = Object.keys(SERVERS);
  if (names.includes(first)) {
    return new TokenServer(SERVERS[first], rest);
  }
  /** @param {string} text */
  const plain = (text) => text.toLowerCase().replace(/[^a-z0-9]/g, "");
  const meant = names.find((name) => plain(name) === plain(first));
  if (meant) {
    throw invalid(`names are spelled exactly: write ${meant}`);
  }
  const [second, audience] = cut(rest ?? "");
  const isPair = isVariable(first) && isVariable(second);
  const document = decodeBase64(first);
  if (document && !(isPair && !isJSON(document))) {
    return new TokenServer(decode(document), rest);
  }
  if (isPair) {
    return new TokenServer(pair(first, second), audience);
  }
  // The value may be a secret (SECRET-3), so it is not repeated.
  throw invalid(
    "the value names no token server; write a name, or URL_VARIABLE,TOKEN_VARIABLE, or a JSON document in base64, " +
      `each with an optional ,AUDIENCE; the names are ${names.join(", ")}`,
  );
}

/**
 * Cuts a text at its first comma, and drops the blanks around both parts.
 *
 * @param {string} text
 * @returns {[string, string | undefined]}
 */
function cut(text) {
  const comma = text.indexOf(",");
  return comma < 0 ? [trim(text), undefined] : [trim(text.slice(0, comma)), trim(text.slice(comma + 1))];
}

/** @param {Buffer} text */
function isJSON(text) {
  try {
    return JSON.parse(text.toString()) !== undefined;
  } catch {
    return false;
  }
}

/**
 * Decodes a document in either alphabet, with all of its padding or none (VALUE-6).
 *
 * @param {string} text
 * @returns {Buffer | undefined}
 */
function decodeBase64(text) {
  const digits = text.replace(/[ \t\r\n]/g, "");
  const padded = digits.endsWith("=");
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(digits) || (padded ? digits.length % 4 !== 0 : digits.length % 4 === 1)) {
    return undefined;
  }
  const decoded = Buffer.from(digits, "base64"); // of both alphabets
  return trim(decoded.toString("latin1")).startsWith("{") ? decoded : undefined;
}

/**
 * The document that two variables stand for (VALUE-5).
 *
 * @param {string} url
 * @param {string} token
 */
const pair = (url, token) => ({
  version: 1,
  http: {
    url: `\${env:${url}}`,
    headers: { Authorization: `Bearer \${env:${token}}` },
    query: { audience: "${audience}" },
    token: "/value",
  },
});
