/** What of a text of others may be quoted (SECRET-2). @module */

const QUOTE_LIMIT = 256;
const SHORTEST = 4;
export const WITHHELD = "withheld: it may contain a secret";

/**
 * Whether a text may hold a secret, or holds what looks like a JWT. It may be in the
 * encodings of JSON, URLs and HTML, twice, broken into lines, and cut off.
 *
 * @param {string} text
 * @param {Iterable<string>} secrets
 */
export function holdsSecret(text, secrets) {
  const parts = [...secrets]
    .flatMap(undone)
    .filter((secret) => secret.length >= SHORTEST)
    .flatMap((secret) => {
      const most = Math.ceil((3 * secret.length) / 4);
      return [secret.slice(0, most), secret.slice(-most)];
    });
  return undone(text).some((form) => /eyJ[A-Za-z0-9_-]{5}/.test(form) || parts.some((part) => form.includes(part)));
}

/**
 * A text, and the text with its encodings undone once and twice, without white space.
 *
 * @param {string} text
 */
function undone(text) {
  const once = undo(text);
  return [text, once, undo(once)].map((form) => form.replace(/\s+/g, ""));
}

const NAMED = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/** @param {string} text */
function undo(text) {
  return text
    .replace(/\\(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|([^ux]))/gs, (_, unicode, hex, other) =>
      other ? (/[bfnrt]/.test(other) ? " " : other) : String.fromCharCode(parseInt(unicode ?? hex, 16)),
    )
    .replace(/(?:%[0-9A-Fa-f]{2})+/g, (escapes) => Buffer.from(escapes.replaceAll("%", ""), "hex").toString())
    .replace(/&(?:#x([0-9A-Fa-f]{1,6})|#([0-9]{1,7})|(amp|lt|gt|quot|apos));?/gi, (whole, hex, number, name) => {
      const code = hex ? parseInt(hex, 16) : Number(number);
      if (name) return NAMED[/** @type {keyof typeof NAMED} */ (name.toLowerCase())];
      return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
    });
}

/**
 * The beginning of a failed answer, for an error.
 *
 * @param {Buffer} content
 * @param {Iterable<string>} secrets
 */
export function quoted(content, secrets) {
  const text = content.toString();
  if (holdsSecret(text, secrets)) return ` (response body ${WITHHELD})`;
  const beginning = Buffer.from(text.trim()).subarray(0, QUOTE_LIMIT).toString();
  return beginning && `: ${JSON.stringify(beginning)}`;
}
