/** Files that hold tokens, secrets, and certificates (DOC-4, DOC-7). @module */

import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

import { invalid, notConfigured, TokenServerError } from "./errors.mjs";

export const READ_LIMIT = 64 * 1024;

/**
 * Drops the blanks around a text, and no other characters.
 *
 * @param {string} text
 */
export const trim = (text) => text.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, "");

/**
 * Reads a file without the blanks around it, a large one in part.
 *
 * @param {string} path
 * @param {number} [limit]
 * @returns {string}
 */
export function readFile(path, limit = READ_LIMIT) {
  let text;
  try {
    text = readRegular(path, limit + 1);
  } catch (/** @type {any} */ error) {
    throw error instanceof TokenServerError ? error : notConfigured(`the file ${path} cannot be read: ${error.code}`);
  }
  if (text.length <= limit) text = trim(text);
  if (text === "") {
    throw notConfigured(`the file ${path} is empty`);
  }
  return text;
}

/**
 * @param {string} path
 * @param {number} most
 */
function readRegular(path, most) {
  // A pipe put in the place of the file must not block.
  const file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    if (!fstatSync(file).isFile()) throw invalid(`${path} is not a regular file`);
    const buffer = Buffer.alloc(most);
    let length = 0;
    for (let n = -1; n !== 0 && length < most; length += n) n = readSync(file, buffer, length, most - length, null);
    return buffer.toString("utf8", 0, length);
  } finally {
    closeSync(file);
  }
}
