/** A token server: from its document to a token. @module */

import { fetchAnswer } from "./client.mjs";
import { audienceIsMentioned } from "./document.mjs";
import { invalid, TokenServerError } from "./errors.mjs";
import { readFile } from "./file.mjs";
import { requestOf } from "./request.mjs";
import { checkToken, findToken } from "./response.mjs";
import { Expansion, readVariable } from "./template.mjs";

/** @typedef {import("./client.mjs").FetchOptions} FetchOptions */

/** Gets tokens as a document says. It holds the document, which may hold a secret. */
export class TokenServer {
  #document;
  #audience;

  /**
   * @param {import("./document.mjs").Document} document
   * @param {string} [audience] without one, the document's default (VALUE-4)
   */
  constructor(document, audience = document.audience ?? "") {
    if (document.audience && !audienceIsMentioned(document)) {
      throw invalid("audience: has no effect, for nothing in the document mentions it");
    }
    if (audience !== "" && !audienceIsMentioned(document)) {
      throw invalid("the token server takes no audience");
    }
    if (audience === "" && audienceIsMentioned(document, true)) {
      throw invalid("the token server needs an audience");
    }
    this.#document = document;
    this.#audience = audience;
  }

  /**
   * Gets a fresh token.
   *
   * @param {FetchOptions} options
   * @returns {Promise<string>}
   */
  async token(options) {
    try {
      return checkToken(await this.#read(options));
    } catch (/** @type {any} */ error) {
      if (this.#document.hint && ["not-configured", "token-refused"].includes(error.errorClass)) {
        throw new TokenServerError(error.errorClass, `${error.message}; ${this.#document.hint}`);
      }
      throw error;
    }
  }

  /** @param {FetchOptions} options */
  async #read(options) {
    const { env, file, http } = this.#document;
    if (env) return readVariable(env);
    if (file) return readFile(new Expansion(this.#audience).expand(file));
    return findToken(await fetchAnswer(requestOf(http, this.#audience), options), http.token ?? "");
  }
}
