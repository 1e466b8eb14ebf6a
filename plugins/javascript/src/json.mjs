/** What JSON.parse does not tell: members that are there twice, depth, and numbers as they are written. @module */

/**
 * @typedef {object} Details
 * @property {string[][]} repeated the paths of members that are there twice
 * @property {string[]} numbers as they are written
 * @property {string[]} [deepest] the path of a value on the deepest level
 */

/**
 * Looks through a text that JSON.parse accepts.
 *
 * @param {string} text
 * @returns {Details}
 */
export function details(text) {
  /** @type {Details} */
  const found = { repeated: [], numbers: [] };
  /** @type {{path: string[], names?: Set<string>, name: string | number}[]} */
  const open = [];
  let last = "";
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]:,]|-?[0-9][0-9.eE+-]*/g)) {
    const top = open.at(-1);
    if (token === "{" || token === "[") {
      const path = top ? [...top.path, String(top.name)] : [];
      if (path.length > (found.deepest?.length ?? 0)) found.deepest = path;
      open.push({ path, names: token === "{" ? new Set() : undefined, name: 0 });
      if (open.length > 1000) break; // far too deep for anyone
    } else if (token === "}" || token === "]") {
      open.pop();
    } else if (token === ":" && top?.names) {
      top.name = /** @type {string} */ (JSON.parse(last));
      if (top.names.has(top.name)) found.repeated.push([...top.path, top.name]);
      top.names.add(top.name);
    } else if (token === "," && top && !top.names) {
      top.name = Number(top.name) + 1;
    } else if (/^[-0-9]/.test(token)) {
      found.numbers.push(token);
    }
    last = token;
  }
  return found;
}

/**
 * Whether a double gives a number back (DOC-8).
 *
 * @param {string} number
 */
export function isExact(number) {
  return Number.isFinite(Number(number)) && decimal(number) === decimal(String(Number(number)));
}

/**
 * A number in one spelling: its digits, and its power of ten.
 *
 * @param {string} number
 */
function decimal(number) {
  const [, sign, whole, fraction = "", power = "0"] = /** @type {RegExpExecArray} */ (
    /^(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$/.exec(number)
  );
  const digits = (whole + fraction).replace(/^0+/, "");
  const significant = digits.replace(/0+$/, "");
  if (significant === "") return "0";
  return `${sign}${significant}e${Number(power) + digits.length - fraction.length}`;
}
