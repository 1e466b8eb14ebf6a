/** A token server's document: what the schema allows (DOC-1 to DOC-3, DOC-8, DOC-9). @module */

import { invalid } from "./errors.mjs";
import { details, isExact } from "./json.mjs";
import { checkTemplate, isContainer, isVariable, join, mentionsAudience } from "./template.mjs";
import { checkURL } from "./url.mjs";

const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;
export const HEADER_CONTROL = /[\x00-\x08\x0a-\x1f\x7f]/;
const FORBIDDEN_HEADERS = ["host", "content-length", "transfer-encoding", "connection"];
const HTTP_TEXTS = ["method", "unix_socket", "ca_file", "cert_file", "key_file", "token"];
const DEEPEST = 32;

/**
 * @typedef {any} Document what document.schema.json describes
 */

/** @param {any} value */
const isObject = (value) => isContainer(value) && !Array.isArray(value);

/**
 * Decodes a document, and refuses what the schema does not allow.
 *
 * @param {Buffer} bytes
 * @returns {Document}
 */
export function decode(bytes) {
  let text, document;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    document = JSON.parse(text);
  } catch {
    throw invalid("the document is not JSON in UTF-8");
  }
  refuseDetails(text);
  if (document.version !== 1) {
    throw invalid("version: must be 1"); // of other versions nothing is known (DOC-1)
  }
  checkMembers(document, "", ["about", "audience", "env", "hint"], ["version", "http", "file"]);
  if (/[\x00-\x1f\x7f-\x9f]/.test(document.hint ?? "")) {
    throw invalid("hint: must not hold a control character");
  }
  if (["http", "env", "file"].filter((name) => name in document).length !== 1) {
    throw invalid("exactly one of http, env and file must be there");
  }
  if ("env" in document && !isVariable(document.env)) {
    throw invalid("env: must be the name of a variable");
  }
  if ("file" in document && checkTemplate(document.file, "file") === "") {
    throw invalid("file: must not be empty");
  }
  if ("http" in document) {
    checkHTTP(document.http);
  }
  return document;
}

/**
 * @param {string} text
 */
function refuseDetails(text) {
  const { repeated, numbers, deepest = [] } = details(text);
  for (const path of repeated) throw invalid(`${path.reduce(join, "")}: is there twice`);
  if (deepest.length >= DEEPEST) throw invalid(`${deepest.reduce(join, "").slice(0, 64)}: is nested deeper than ${DEEPEST} levels`);
  if (!numbers.every(isExact)) throw invalid("a number in the document would change on its way (IEEE 754)");
}

/**
 * Refuses unknown members, and those that should be texts and are none.
 *
 * @param {any} value
 * @param {string} path
 * @param {string[]} texts
 * @param {string[]} others
 */
function checkMembers(value, path, texts, others) {
  if (!isObject(value)) {
    throw invalid(`${path}: must be an object`);
  }
  for (const [name, member] of Object.entries(value)) {
    if (texts.includes(name)) {
      if (typeof member !== "string") throw invalid(`${join(path, name)}: must be a string`);
    } else if (!others.includes(name)) {
      throw invalid(`${join(path, name)}: is not known; known are ${[...others, ...texts].join(", ")}`);
    }
  }
}

/** @param {any} request */
function checkHTTP(request) {
  checkMembers(request, "http", HTTP_TEXTS, ["url", "headers", "query", "body", "form", "retry"]);
  const url = checkTemplate(request.url, "http.url");
  if (!url.includes("$")) {
    checkURL(url, "http.url", Boolean(request.unix_socket));
  }
  if (!["GET", "POST"].includes(request.method ?? "GET")) {
    throw invalid("http.method: must be GET or POST");
  }
  if (Boolean(request.cert_file) !== Boolean(request.key_file)) {
    throw invalid("http.cert_file and http.key_file: one does not go without the other");
  }
  if (!/^(\/([^~/]|~[01])*)*$/.test(request.token ?? "")) {
    throw invalid("http.token: must be a JSON Pointer");
  }
  for (const name of ["headers", "query", "form"]) {
    if (name in request && !isObject(request[name])) {
      throw invalid(`http.${name}: must be an object`);
    }
    Object.entries(request[name] ?? {}).forEach(([member, value]) => checkTemplate(value, join(`http.${name}`, member)));
  }
  for (const name of ["query", "form"]) {
    if ("" in (request[name] ?? {})) throw invalid(`http.${name}: a parameter must have a name`);
  }
  const seen = new Set();
  for (const [name, value] of Object.entries(request.headers ?? {})) {
    const path = join("http.headers", name);
    const lower = name.toLowerCase();
    if (!HEADER_NAME.test(name)) throw invalid(`${path}: is not the name of a header`);
    if (FORBIDDEN_HEADERS.includes(lower)) throw invalid(`${path}: cannot be set`);
    if (seen.has(lower)) throw invalid(`${path}: is there twice`);
    if (HEADER_CONTROL.test(value)) throw invalid(`${path}: must not hold a control character`);
    seen.add(lower);
  }
  if ((request.body ?? null) !== null) {
    if (!isObject(request.body)) throw invalid("http.body: must be an object");
    if (request.method !== "POST") throw invalid("http.body: needs the method POST");
    checkBody(request.body, "http.body");
  }
  if ("form" in request) {
    if (request.method !== "POST") throw invalid("http.form: needs the method POST");
    if ((request.body ?? null) !== null) throw invalid("http.form: cannot be beside http.body");
  }
  if ("retry" in request) checkRetry(request.retry);
}

/** @param {any} statuses */
function checkRetry(statuses) {
  if (!Array.isArray(statuses) || statuses.length < 1 || statuses.length > 8) {
    throw invalid("http.retry: must be a list of 1 to 8 numbers");
  }
  if (!statuses.every((status) => Number.isInteger(status) && status >= 400 && status <= 499)) {
    throw invalid("http.retry: must hold whole numbers from 400 to 499");
  }
  if (new Set(statuses).size < statuses.length) throw invalid("http.retry: holds a number twice");
}

/**
 * @param {any} value
 * @param {string} path
 */
function checkBody(value, path) {
  if (typeof value === "string") {
    checkTemplate(value, path);
  } else if (isContainer(value)) {
    Object.entries(value).forEach(([name, member]) => checkBody(member, join(path, name)));
  }
}

/**
 * Whether a document mentions ${audience} anywhere, or where it cannot be left out.
 *
 * @param {Document} document
 * @param {boolean} [inAddress]
 */
export function audienceIsMentioned({ file, http = {} }, inAddress = false) {
  const { url, query, headers, body, form } = http;
  return mentionsAudience(inAddress ? [file, url] : [file, url, query, headers, body, form]);
}
