/**
 * Token servers: from a value of web_identity_token_server to a token, as
 * docs/specification.md says. The ids in comments are its clauses.
 *
 * @module
 */

import { readdirSync, readFileSync, statSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { BlockList, isIPv4, isIPv6 } from "node:net";

/** The documents of the named servers. A release of the SDK would ship them. */
const SERVERS = new URL("../../../tokensource/servers/", import.meta.url);

const READ_LIMIT = 64 * 1024;
const QUOTE_LIMIT = 256;
const ATTEMPT_MS = 5_000;
const ALL_ATTEMPTS_MS = 60_000;

/**
 * Why a setting did not lead to a role. It holds no secret.
 *
 * @property {string} errorClass one of the classes of ERR-1
 * @property {false} tryNextLink a server that fails ends a chain (PREC-6)
 */
export class TokenServerError extends Error {
  name = "TokenServerError";
  tryNextLink = false;

  /**
   * @param {string} errorClass
   * @param {string} problem
   * @param {ErrorOptions} [options]
   */
  constructor(errorClass, problem, options) {
    super(problem, options);
    this.errorClass = errorClass;
  }
}

/** A failed attempt that may be repeated, after so many milliseconds at least. */
class Again extends Error {
  constructor(problem, after = 0) {
    super(problem);
    this.after = after;
  }
}

/** @param {string} problem */
export const invalid = (problem) => new TokenServerError("config-invalid", problem);
const notConfigured = (problem) => new TokenServerError("not-configured", problem);
const malformed = (problem) => new TokenServerError("token-malformed", problem);

// The value -------------------------------------------------------------------

/** @param {string} text */
const trim = (text) => text.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, "");
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Reads a value by the grammar of VALUE-1.
 *
 * @param {string} value
 * @returns {TokenServer}
 */
export function parse(value) {
  const [first, rest] = cut(value);
  const names = readdirSync(SERVERS).map((file) => file.replace(/\.json$/, ""));
  if (names.includes(first)) {
    return new TokenServer(decode(readFileSync(new URL(`${first}.json`, SERVERS))), rest);
  }
  const plain = (text) => text.toLowerCase().replace(/[^a-z0-9]/g, "");
  const meant = names.find((name) => plain(name) === plain(first));
  if (meant) {
    throw invalid(`names are spelled exactly: write ${meant}`);
  }
  const document = decodeBase64(first);
  if (document) {
    return new TokenServer(decode(document), rest);
  }
  const [second, audience] = cut(rest ?? "");
  if (VARIABLE.test(first) && VARIABLE.test(second)) {
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

/**
 * Decodes a document in any spelling of base64 (VALUE-6).
 *
 * @param {string} text
 * @returns {Buffer | undefined}
 */
function decodeBase64(text) {
  const digits = text.replace(/[ \t\r\n]/g, "").replace(/={1,2}$/, "");
  if (!/^[A-Za-z0-9+/_-]+$/.test(digits) || digits.length % 4 === 1) {
    return undefined;
  }
  const decoded = Buffer.from(digits, "base64"); // of both alphabets
  return trim(decoded.toString("latin1")).startsWith("{") ? decoded : undefined;
}

/** The document that two variables stand for (VALUE-5). */
const pair = (url, token) => ({
  version: 1,
  http: {
    url: `\${env:${url}}`,
    headers: { Authorization: `Bearer \${env:${token}}` },
    query: { audience: "${audience}" },
    token: "/value",
  },
});

// The document ----------------------------------------------------------------

// A dollar that begins no reference matches too, alone.
const REFERENCE =
  /\$(?:(?<dollar>\$)|\{env:(?<env>[A-Za-z_][A-Za-z0-9_]*)(?::-(?<fallback>[^${}]*))?\}|\{file:(?<file>[^${}]+)\}|(?<audience>\{audience\}))?/g;
const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;
const HEADER_CONTROL = /[\x00-\x08\x0a-\x1f\x7f]/;
const FORBIDDEN_HEADERS = ["host", "content-length", "transfer-encoding", "connection"];
const HTTP_TEXTS = ["method", "unix_socket", "ca_file", "cert_file", "key_file", "token"];

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const isContainer = (value) => typeof value === "object" && value !== null;

/** The path of a member. What a name could do to a log is neutralised. */
function join(path, name) {
  const shown = /^[A-Za-z0-9_-]{1,64}$/.test(name) ? name : JSON.stringify(name).slice(0, 64);
  return path ? `${path}.${shown}` : shown;
}

/**
 * Decodes a document, and refuses what the schema does not allow.
 *
 * @param {Buffer} bytes
 * @returns {object}
 */
function decode(bytes) {
  let text, document;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    document = JSON.parse(text);
  } catch {
    throw invalid("the document is not JSON in UTF-8");
  }
  refuseTwice(text);
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
  if ("env" in document && !VARIABLE.test(document.env)) {
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

/** Refuses a member that is there twice, which JSON.parse lets pass (DOC-2). */
function refuseTwice(text) {
  /** @type {{path: string, names?: Set<string>, name: string | number}[]} */
  const open = [];
  let last;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]:,]/g)) {
    const top = open.at(-1);
    if (token === "{" || token === "[") {
      const path = top ? join(top.path, String(top.name)) : "";
      open.push({ path, names: token === "{" ? new Set() : undefined, name: 0 });
    } else if (token === "}" || token === "]") {
      open.pop();
    } else if (token === ":") {
      top.name = JSON.parse(last);
      if (top.names.has(top.name)) {
        throw invalid(`${join(top.path, top.name)}: is there twice`);
      }
      top.names.add(top.name);
    } else if (token === "," && !top.names) {
      top.name++;
    }
    last = token;
  }
}

/** Refuses unknown members, and those that should be texts and are none. */
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

function checkHTTP(request) {
  checkMembers(request, "http", HTTP_TEXTS, ["url", "headers", "query", "body"]);
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
  for (const name of ["headers", "query"]) {
    if (!isObject(request[name] ?? {}) || request[name] === null) {
      throw invalid(`http.${name}: must be an object`);
    }
    Object.entries(request[name] ?? {}).forEach(([member, value]) => checkTemplate(value, join(`http.${name}`, member)));
  }
  if ("" in (request.query ?? {})) {
    throw invalid("http.query: a parameter must have a name");
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
}

function checkBody(value, path) {
  if (typeof value === "string") {
    checkTemplate(value, path);
  } else if (isContainer(value)) {
    Object.entries(value).forEach(([name, member]) => checkBody(member, join(path, name)));
  }
}

function checkTemplate(value, path) {
  if (typeof value !== "string") {
    throw invalid(`${path}: must be a string`);
  }
  if ([...value.matchAll(REFERENCE)].some(([reference]) => reference === "$")) {
    throw invalid(
      `${path}: holds a $ that is none of \${env:NAME}, \${env:NAME:-DEFAULT}, \${file:PATH}, \${audience} and $$`,
    );
  }
  return value;
}

/** Whether a text, or any text below a value, mentions ${audience}. */
function mentionsAudience(value) {
  if (typeof value === "string") {
    return [...value.matchAll(REFERENCE)].some(({ groups }) => groups.audience);
  }
  return isContainer(value) && Object.values(value).some(mentionsAudience);
}

/**
 * Reads a URL, and refuses what HTTP-2 and HTTP-3 refuse. No error holds a part
 * of the URL.
 */
function checkURL(text, origin, overSocket) {
  let url;
  try {
    url = new URL(text);
  } catch {
    throw invalid(`${origin}: is not a URL`);
  }
  if (/[\x00-\x20\x7f\\]/.test(text)) throw invalid(`${origin}: holds a blank, a backslash or a control character`);
  if (/^[^/]*\/\/[^/?#]*@/.test(text)) throw invalid(`${origin}: must not hold a user`);
  if (text.includes("#")) throw invalid(`${origin}: must not hold a fragment`);
  if (!["https:", "http:"].includes(url.protocol)) throw invalid(`${origin}: must be an https URL`);
  if (url.protocol === "http:" && !overSocket && !isLocal(url)) {
    throw invalid(`${origin}: must be an https URL, for its host is neither loopback nor a metadata service`);
  }
  return url;
}

const LOCAL = new BlockList();
LOCAL.addSubnet("127.0.0.0", 8);
LOCAL.addAddress("169.254.169.254");
LOCAL.addSubnet("169.254.128.0", 22);
LOCAL.addAddress("::1", "ipv6");
LOCAL.addAddress("fd00:ec2::254", "ipv6");

/**
 * Whether plain http is allowed to the host of a URL (HTTP-2).
 *
 * @param {URL} url
 */
function isLocal({ hostname }) {
  const host = hostname.replace(/^\[|\]$/g, "");
  if (isIPv4(host) || isIPv6(host)) {
    return LOCAL.check(host, isIPv4(host) ? "ipv4" : "ipv6");
  }
  return host === "localhost" || host === "metadata.google.internal";
}

/** What the references of a document stand for, for one token. */
class Expansion {
  /** @type {Set<string>} */
  secrets = new Set();

  /** @param {string} audience */
  constructor(audience) {
    this.audience = audience;
  }

  /** @param {string} text */
  expand(text, inURL = false) {
    return text.replace(REFERENCE, (...match) => {
      const { dollar, audience, file, env, fallback } = match.at(-1);
      if (dollar) return "$";
      if (audience) return inURL ? encodeURIComponent(this.audience) : this.audience;
      const value = file ? readReferenced(file) : readVariable(env, fallback);
      this.secrets.add(trim(value));
      return value;
    });
  }

  /** Whether what a text is the value of is not sent (DOC-6). */
  leavesOut(text) {
    return this.audience === "" && typeof text === "string" && mentionsAudience(text);
  }

  body(value) {
    if (typeof value === "string") return this.expand(value);
    if (Array.isArray(value)) return value.filter((e) => !this.leavesOut(e)).map((e) => this.body(e));
    if (!isContainer(value)) return value;
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, member]) => !this.leavesOut(member))
        .map(([name, member]) => [name, this.body(member)]),
    );
  }
}

function readVariable(name, fallback) {
  const value = process.env[name];
  if (trim(value ?? "") !== "") return value;
  if (fallback !== undefined) return fallback;
  throw notConfigured(`the variable ${name} is ${value === undefined ? "not set" : "empty"}`);
}

/** Reads a file without the blanks around it. */
function readFile(path) {
  let text;
  try {
    if (!statSync(path).isFile()) {
      throw invalid(`${path} is not a regular file`); // a pipe could block for ever
    }
    text = trim(readFileSync(path, "utf8"));
  } catch (error) {
    throw error instanceof TokenServerError ? error : notConfigured(`the file ${path} cannot be read: ${error.code}`);
  }
  if (text === "") {
    throw notConfigured(`the file ${path} is empty`);
  }
  return text;
}

function readReferenced(path) {
  const text = readFile(path);
  if (statSync(path).size > READ_LIMIT) {
    throw invalid(`the file ${path} is larger than 64 KiB`);
  }
  return text;
}

// The token server ------------------------------------------------------------

/** Gets tokens as a document says. It holds the document, which may hold a secret. */
export class TokenServer {
  #document;
  #audience;

  /**
   * @param {object} document
   * @param {string} [audience] without one, the document's default (VALUE-4)
   */
  constructor(document, audience = document.audience ?? "") {
    const { url, query, headers, body } = document.http ?? {};
    if (audience !== "" && !mentionsAudience([document.file, url, query, headers, body])) {
      throw invalid("the token server takes no audience");
    }
    if (audience === "" && mentionsAudience([document.file, url])) {
      throw invalid("the token server needs an audience");
    }
    this.#document = document;
    this.#audience = audience;
  }

  /**
   * Gets a fresh token.
   *
   * @param {{maxAttempts: number, logger?: import("@smithy/types").Logger}} options
   * @returns {Promise<string>}
   */
  async token(options) {
    try {
      return checkToken(await this.#read(options));
    } catch (error) {
      if (this.#document.hint && ["not-configured", "token-refused"].includes(error.errorClass)) {
        throw new TokenServerError(error.errorClass, `${error.message}; ${this.#document.hint}`);
      }
      throw error;
    }
  }

  async #read(options) {
    const { env, file } = this.#document;
    if (env) return readVariable(env);
    if (file) return readFile(new Expansion(this.#audience).expand(file));
    return this.#fetch(this.#request(), options);
  }

  /** The request that the document describes, its references replaced. */
  #request() {
    const { http: document } = this.#document;
    const expansion = new Expansion(this.#audience);
    const origin = /^\$\{env:([A-Za-z0-9_]+)/.exec(document.url)?.[1];
    const url = checkURL(
      expansion.expand(document.url, true),
      origin ? `the variable ${origin}` : "http.url",
      Boolean(document.unix_socket),
    );
    expansion.secrets.add(url.search.slice(1));
    url.searchParams.forEach((value) => expansion.secrets.add(value));
    const values = Object.entries(document.query ?? {})
      .filter(([, value]) => !expansion.leavesOut(value))
      .map(([name, value]) => [name, expansion.expand(value)]);
    setParameters(url, values);

    const headers = {};
    let body;
    if ((document.body ?? null) !== null) {
      body = JSON.stringify(expansion.body(document.body));
      headers["content-type"] = "application/json";
    }
    if (document.method === "POST") {
      headers["content-length"] = Buffer.byteLength(body ?? "");
    }
    for (const [name, value] of Object.entries(document.headers ?? {})) {
      if (expansion.leavesOut(value)) continue;
      const expanded = expansion.expand(value);
      if (HEADER_CONTROL.test(expanded)) {
        throw invalid(`${join("http.headers", name)}: must not hold a control character`);
      }
      headers[name.toLowerCase()] = Buffer.from(expanded).toString("latin1"); // sent as UTF-8
      if (!mentionsAudience(value)) {
        expanded.split(/\s+/).forEach((word) => expansion.secrets.add(word)); // a document can hold a secret itself
      }
    }
    // HTTP-6. The SDK itself reads neither AWS_CA_BUNDLE nor a proxy's variable.
    const read = (path) => (path ? readFile(path) : undefined);
    const bundle = url.protocol === "https:" ? process.env.AWS_CA_BUNDLE : undefined;
    const options = {
      method: document.method ?? "GET",
      headers,
      agent: false,
      ca: read(document.ca_file || bundle),
      cert: read(document.cert_file),
      key: read(document.key_file),
      socketPath: document.unix_socket || undefined,
    };
    return { url, options, body, secrets: expansion.secrets };
  }

  /** Sends a request until there is an answer, within bounds. */
  async #fetch(request, { maxAttempts, logger }) {
    const deadline = Date.now() + ALL_ATTEMPTS_MS;
    const host = request.url.hostname;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#attempt(request, Math.min(ATTEMPT_MS, deadline - Date.now()));
      } catch (error) {
        if (!(error instanceof Again)) throw error;
        // The delay of the SDK's standard retry strategy.
        const delay = Math.max(error.after, Math.random() * Math.min(20_000, 100 * 2 ** (attempt - 1)));
        if (attempt >= maxAttempts || Date.now() + delay >= deadline) {
          throw new TokenServerError("token-unavailable", `${host} ${error.message}, in ${attempt} attempt(s)`);
        }
        logger?.info?.(`token server: ${host} ${error.message}; attempt ${attempt + 1} in ${Math.round(delay)} ms`);
        await new Promise((done) => setTimeout(done, delay));
      }
    }
  }

  /** Sends a request once. It follows no redirect, as Node.js never does. */
  async #attempt({ url, options, body, secrets }, milliseconds) {
    let answer;
    try {
      answer = await send(url, { ...options, signal: AbortSignal.timeout(Math.max(milliseconds, 0)) }, body);
    } catch (error) {
      // The error's own text may hold the URL (SECRET-4).
      if (CERTIFICATE_ERRORS.test(error.code ?? "")) {
        throw new TokenServerError("token-unavailable", `the certificate of ${url.hostname} is not trusted: ${error.code}`);
      }
      throw new Again(error.name === "AbortError" ? "did not answer in time" : `cannot be reached (${error.code ?? error.name})`);
    }
    const { status, headers, content } = answer;
    if (status >= 200 && status < 300) {
      if (content.length > READ_LIMIT) throw malformed(`${url.hostname} answered with more than 64 KiB`);
      return this.#findToken(content.toString());
    }
    const problem = `answered ${status}${quoted(content.toString(), secrets)}`;
    const pending = status === 403 && content.includes("Can't issue ID_TOKEN") && content.includes("'Pending' state");
    if (pending || status === 408 || status === 429 || status >= 500) {
      throw new Again(problem, retryAfter(headers["retry-after"]));
    }
    throw new TokenServerError("token-refused", `${url.hostname} ${problem}`);
  }

  /** The token in an answer (TOKEN-1). */
  #findToken(content) {
    const pointer = this.#document.http.token ?? "";
    if (pointer === "") return content;
    let value;
    try {
      value = JSON.parse(content);
    } catch {
      throw malformed("the answer is not JSON");
    }
    for (const part of pointer.split("/").slice(1)) {
      const name = part.replaceAll("~1", "/").replaceAll("~0", "~");
      const found = Array.isArray(value) ? /^(0|[1-9][0-9]*)$/.test(name) : isObject(value) && Object.hasOwn(value, name);
      value = found ? value[name] : undefined;
    }
    if (typeof value !== "string") throw malformed(`the answer holds no text at ${pointer}`);
    return value;
  }
}

function checkToken(text) {
  const token = trim(text);
  if (!/^[!-~]{4,20000}$/.test(token)) {
    throw malformed("the token is not 4 to 20,000 characters of printable ASCII without blanks");
  }
  return token;
}

const CERTIFICATE_ERRORS = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|HOSTNAME_MISMATCH/;

/**
 * Sends one request, and reads the answer up to a byte more than the limit.
 *
 * @returns {Promise<{status: number, headers: http.IncomingHttpHeaders, content: Buffer}>}
 */
function send(url, options, body) {
  return new Promise((resolve, reject) => {
    const request = (url.protocol === "https:" ? https : http).request(url, options, (response) => {
      const chunks = [];
      let length = 0;
      const finish = () => {
        resolve({ status: response.statusCode, headers: response.headers, content: Buffer.concat(chunks) });
        request.destroy();
      };
      response.on("data", (chunk) => {
        chunks.push(chunk);
        length += chunk.length;
        if (length > READ_LIMIT) finish();
      });
      response.on("end", finish);
      response.on("error", reject);
    });
    request.on("error", reject);
    request.end(body);
  });
}

/** Puts parameters in the place of those of the same name (DOC-10). */
function setParameters(url, values) {
  if (values.length === 0) return;
  const names = values.map(([name]) => name);
  const nameOf = (part) => [...new URLSearchParams(part).keys()][0];
  const kept = url.search.slice(1).split("&").filter((part) => part && !names.includes(nameOf(part)));
  url.search = [...kept, new URLSearchParams(values).toString()].join("&");
}

/** @returns {number} milliseconds */
function retryAfter(value = "") {
  const milliseconds = /^[0-9]+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(milliseconds) ? 0 : milliseconds;
}

/** The beginning of a failed answer, without secrets (SECRET-2). */
function quoted(text, secrets) {
  for (const secret of [...secrets].filter((s) => s.length >= 4).sort((a, b) => b.length - a.length)) {
    for (const form of [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]) {
      text = text.replaceAll(form, "***");
    }
  }
  text = trim(text.replace(/eyJ[A-Za-z0-9_-]{5,}(\.[A-Za-z0-9_-]*)*/g, "***"));
  text = Buffer.from(text).subarray(0, QUOTE_LIMIT).toString();
  return text && `: ${JSON.stringify(text)}`;
}
