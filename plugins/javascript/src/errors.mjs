/** The one error that callers see. @module */

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
export class Again extends Error {
  /**
   * @param {string} problem
   * @param {number} [after]
   */
  constructor(problem, after = 0) {
    super(problem);
    this.after = after;
  }
}

/** @param {string} problem */
export const invalid = (problem) => new TokenServerError("config-invalid", problem);
/** @param {string} problem */
export const notConfigured = (problem) => new TokenServerError("not-configured", problem);
/** @param {string} problem */
export const malformed = (problem) => new TokenServerError("token-malformed", problem);

/**
 * Gives an error the setting that led to it (ERR-3).
 *
 * @param {string} setting
 * @param {any} error
 */
export function named(setting, error) {
  if (!(error instanceof TokenServerError)) return error;
  return new TokenServerError(error.errorClass, `${setting}: ${error.message}`, { cause: error.cause });
}
