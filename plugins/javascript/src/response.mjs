/** The token in the answer of a token server (TOKEN), and when to ask again (RETRY-5). @module */

import { malformed } from "./errors.mjs";
import { READ_LIMIT, trim } from "./file.mjs";
import { details } from "./json.mjs";
import { isContainer } from "./template.mjs";

/**
 * The token in a successful answer (TOKEN-1).
 *
 * @param {Buffer} content
 * @param {string} pointer
 * @returns {string}
 */
export function findToken(content, pointer) {
  if (content.length > READ_LIMIT) throw malformed("the answer is longer than 64 KiB");
  /** @type {any} */
  let value;
  let text;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(content); // without a byte order mark
  } catch {
    throw malformed("the answer is not UTF-8");
  }
  if (pointer === "") return text;
  try {
    value = JSON.parse(text);
  } catch {
    throw malformed("the answer is not JSON");
  }
  const names = pointer.split("/").slice(1).map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~"));
  if (details(text).repeated.some((path) => path.every((name, i) => name === names[i]))) {
    throw malformed(`the answer holds a member twice on the way to ${pointer}`);
  }
  for (const name of names) {
    const isMember = Array.isArray(value) ? /^(0|[1-9][0-9]*)$/.test(name) : isContainer(value) && Object.hasOwn(value, name);
    value = isMember ? value[name] : undefined;
  }
  if (typeof value !== "string") throw malformed(`the answer holds no text at ${pointer}`);
  return value;
}

/** @param {string} text */
export function checkToken(text) {
  const token = trim(text);
  if (!/^[!-~]{4,20000}$/.test(token)) {
    throw malformed("the token is not 4 to 20,000 characters of printable ASCII without white space");
  }
  return token;
}

/**
 * @param {string | undefined} value of the header Retry-After
 * @returns {number} milliseconds
 */
export function retryAfter(value = "") {
  const milliseconds = /^[0-9]+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(milliseconds) ? 0 : milliseconds;
}
