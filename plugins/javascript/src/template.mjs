/** References in a document's texts, and what they stand for (DOC-5 to DOC-7). @module */

import { invalid, notConfigured } from "./errors.mjs";
import { readFile, READ_LIMIT, trim } from "./file.mjs";

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;
const TOKEN_LIKE = /^(eyJ|gh[a-z]_|github_pat_|glpat-|AKIA|ASIA)/;

/**
 * Whether a text is the name of a variable, and not a token in its place (DOC-7).
 *
 * @param {string} name
 */
export const isVariable = (name) => name.length <= 64 && VARIABLE.test(name) && !TOKEN_LIKE.test(name);

// A dollar that begins no reference matches too, alone.
export const REFERENCE =
  /\$(?:(?<dollar>\$)|\{env:(?<env>[A-Za-z_][A-Za-z0-9_]*)(?::-(?<fallback>[^${}]*))?\}|\{file:(?<file>[^${}]+)\}|(?<audience>\{audience\}))?/g;

/** @param {any} value */
export const isContainer = (value) => typeof value === "object" && value !== null;

/**
 * The path of a member. What a name could do to a log is neutralized.
 *
 * @param {string} path
 * @param {string} name
 */
export function join(path, name) {
  const shown = /^[A-Za-z0-9_-]{1,64}$/.test(name) ? name : JSON.stringify(name).slice(0, 64);
  return path ? `${path}.${shown}` : shown;
}

/**
 * @param {any} value
 * @param {string} path
 * @returns {string}
 */
export function checkTemplate(value, path) {
  if (typeof value !== "string") {
    throw invalid(`${path}: must be a string`);
  }
  if ([...value.matchAll(REFERENCE)].some(([reference]) => reference === "$")) {
    throw invalid(
      `${path}: holds a $ that is none of \${env:NAME}, \${env:NAME:-DEFAULT}, \${file:PATH}, \${audience} and $$`,
    );
  }
  if ([...value.matchAll(REFERENCE)].some(({ groups }) => groups?.env && !isVariable(groups.env))) {
    throw invalid(`${path}: refers to a variable of a name that is too long, or that looks like a token`);
  }
  return value;
}

/**
 * Whether a text, or any text below a value, mentions ${audience}.
 *
 * @param {any} value
 * @returns {boolean}
 */
export function mentionsAudience(value) {
  if (typeof value === "string") {
    return [...value.matchAll(REFERENCE)].some(({ groups }) => Boolean(groups?.audience));
  }
  return isContainer(value) && Object.values(value).some(mentionsAudience);
}

/** What the references of a document stand for, for one token. */
export class Expansion {
  /** @type {Set<string>} */
  secrets = new Set();

  /** @param {string} audience */
  constructor(audience) {
    this.audience = audience;
  }

  /**
   * @param {string} text
   * @param {boolean} [inURL]
   * @returns {string}
   */
  expand(text, inURL = false) {
    return text.replace(REFERENCE, (...match) => {
      const { dollar, audience, file, env, fallback } = match.at(-1);
      if (dollar) return "$";
      if (audience) return inURL ? encodeURIComponent(this.audience) : this.audience;
      const value = file ? readReferenced(file) : readVariable(env, fallback);
      this.sends(value);
      return value;
    });
  }

  /**
   * Notes texts as secrets of the request, and their words (SECRET-2).
   *
   * @param {...string} texts
   */
  sends(...texts) {
    for (const secret of texts.flatMap((text) => [text, ...text.split(/[ \t\r\n]+/)])) {
      if (secret !== this.audience) this.secrets.add(secret);
    }
  }

  /**
   * Expands what an empty audience does not leave out, and notes it.
   *
   * @param {Record<string, string>} [templates]
   * @returns {[string, string][]}
   */
  all(templates = {}) {
    return Object.entries(templates)
      .filter(([, value]) => !this.leavesOut(value))
      .map(([name, value]) => {
        const text = this.expand(value);
        this.sends(text);
        return [name, text];
      });
  }

  /**
   * Whether what a text is the value of is not sent (DOC-6).
   *
   * @param {any} text
   */
  leavesOut(text) {
    return this.audience === "" && typeof text === "string" && mentionsAudience(text);
  }

  /**
   * @param {any} value
   * @returns {any}
   */
  body(value) {
    if (typeof value === "string") {
      const text = this.expand(value);
      this.sends(text);
      return text;
    }
    if (Array.isArray(value)) return value.filter((e) => !this.leavesOut(e)).map((e) => this.body(e));
    if (!isContainer(value)) return value;
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, member]) => !this.leavesOut(member))
        .map(([name, member]) => [name, this.body(member)]),
    );
  }
}

/**
 * @param {string} name
 * @param {string} [fallback]
 */
export function readVariable(name, fallback) {
  const value = process.env[name] ?? "";
  if (trim(value) !== "") return value;
  if (fallback !== undefined) return fallback;
  throw notConfigured(`the variable ${name} is ${name in process.env ? "empty" : "not set"}`);
}

/** @param {string} path */
function readReferenced(path) {
  const text = readFile(path);
  if (Buffer.byteLength(text) > READ_LIMIT) {
    throw invalid(`the file ${path} is larger than 64 KiB`);
  }
  return text;
}
