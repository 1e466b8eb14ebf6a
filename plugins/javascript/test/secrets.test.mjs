import assert from "node:assert/strict";
import { test } from "node:test";

import { holdsSecret, quoted } from "../src/secrets.mjs";

const SECRET = `s3/cr+3t=&<%41>"0123456789`;
const each = (encode) => (text) => text.replace(/[^A-Za-z0-9]/g, (c) => encode(c.charCodeAt(0)));
const escapeHTML = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");

const ENCODINGS = {
  "as it is": (text) => text,
  JSON: JSON.stringify,
  PHP: (text) => JSON.stringify(text).replaceAll("/", "\\/"),
  ".NET": each((code) => `\\u${code.toString(16).toUpperCase().padStart(4, "0")}`),
  Gson: (text) => text.replace(/["]/g, '\\"').replace(/=/g, "\\u003d").replace(/</g, "\\u003c").replace(/&/g, "\\u0026"),
  HTML: escapeHTML,
  "Go's html/template": each((code) => `&#${code};`),
  "HTML in hexadecimal": each((code) => `&#x${code.toString(16)};`),
  percent: encodeURIComponent,
  "percent in lower case": each((code) => `%${code.toString(16)}`),
  "percent twice": (text) => encodeURIComponent(encodeURIComponent(text)),
  "percent in HTML": (text) => escapeHTML(encodeURIComponent(text)),
  "JSON in JSON": (text) => JSON.stringify(JSON.stringify(text)),
  "broken into lines": (text) => `${text.slice(0, 9)}\r\n\t${text.slice(9)}`,
  "without its first": (text) => text.slice(1),
  "without its last": (text) => text.slice(0, -1),
};

for (const [name, encode] of Object.entries(ENCODINGS)) {
  test(`a repeated secret: ${name}`, () => {
    const body = `bad key ${encode(SECRET)}!`;
    assert.equal(quoted(Buffer.from(body), [SECRET]), " (response body withheld: it may contain a secret)");
    assert.ok(!holdsSecret(body, ["another-secret"]));
  });
}

for (const [body, held] of [
  ["other-sec", true], // 9 of 11
  ["other-se", false],
  ["her-secre", true],
  ["eyJhb GciOi", true],
  ["eyJhb", false],
  ["Bearer token expired", false],
]) {
  test(`part ${body}`, () => assert.equal(holdsSecret(body, ["other-secre"]), held));
}

test("short texts are no secrets", () => assert.ok(!holdsSecret("abc", ["abc"])));

test("at most 256 bytes are quoted", () => {
  assert.ok(Buffer.byteLength(quoted(Buffer.from("ü".repeat(1000)), [])) < 270);
  assert.equal(quoted(Buffer.from("  "), []), "");
});
