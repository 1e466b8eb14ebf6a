import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { parse } from "../src/value.mjs";

const doc = (text) => Buffer.from(typeof text === "string" ? text : JSON.stringify(text)).toString("base64");
const http = (members) => doc({ version: 1, http: { url: "https://host/", ...members } });
const post = (body) => doc(`{"version": 1, "http": {"url": "https://host/", "method": "POST", "body": ${body}}}`);

for (const value of [
  "GitHub",
  " GitHub , https://audience,with,commas ",
  "URL_VAR,TOKEN_VAR",
  "e2e_url,e2e_token",
  "e2FiYw,TOKEN_VAR", // base64 of {abc
  doc({ version: 1, env: "A" }),
  doc({ version: 1, env: "A" }).replace(/=+$/, ""),
  doc('{"version": 1.0, "env": "A"}'),
  doc('{"version": 1e0, "env": "A"}'),
  post('{"n": [0.1, 100, 1.50, 9007199254740992, -0.0, 1E2]}'),
  http({ method: "POST", form: { a: "${env:A}" } }),
  http({ retry: [404, 410] }),
  doc({ version: 1, http: { url: "http://[::1]:80/" } }),
]) {
  test(`good: ${value}`, () => void parse(value));
}

const servers = JSON.parse(readFileSync(new URL("../src/servers.json", import.meta.url)));
for (const [name, document] of Object.entries(servers)) {
  const audience = JSON.stringify(document).includes("${audience}") ? ",audience" : "";
  test(`the document of ${name}`, () => void parse(doc(document) + audience));
}

for (const [value, says] of [
  ["Github", "write GitHub"],
  ["github,sts.amazonaws.com", "write GitHub"],
  ["URL_VAR", "names no token server"],
  ["URL_VAR,ghp_s3cr3t", "names no token server"],
  [`URL_VAR,N${"s3cr3t".repeat(11)}`, "names no token server"],
  [doc('{"version": 1, "env": "ABC"}').slice(0, -1), "names no token server"],
  [`${doc({ version: 1, env: "A" })}=`, "names no token server"],
  [doc({ version: 2, env: "A" }), "version"],
  [doc({ version: 1, env: "ASIAs3cr3t" }), "env"],
  [doc({ version: 1, audience: "a", env: "A" }), "audience: has no effect"],
  [`${doc({ version: 1, audience: "a", env: "A" })},`, "audience: has no effect"],
  [doc('{"version": 1, "env": "A", "env": "B"}'), "env: is there twice"],
  [doc('{"version": NaN, "env": "A"}'), "not JSON"],
  [post('{"n": 12345678901234567890}'), "number"],
  [post('{"n": 1e400}'), "number"],
  [post('{"n": 1e-400}'), "number"],
  [http({ form: { a: "b" } }), "http.form: needs the method POST"],
  [http({ method: "POST", form: { a: "b" }, body: {} }), "http.form: cannot be beside"],
  [http({ method: "POST", form: { a: 1 } }), "http.form.a"],
  [http({ retry: [500] }), "http.retry"],
  [http({ retry: [404, 404] }), "http.retry"],
  [http({ retry: [] }), "http.retry"],
  [post(`{"a": ${"[".repeat(30)}${"]".repeat(30)}}`), "nested deeper"],
  [post(`{"a": ${"[".repeat(3000)}${"]".repeat(3000)}}`), "nested deeper"],
  ...["127.1", "2130706433", "[::ffff:127.0.0.1]", "[0:0:0:0:0:0:0:1]", "0x7f.0.0.1"].map((host) => [
    doc({ version: 1, http: { url: `http://${host}/` } }),
    "https",
  ]),
]) {
  test(`refused: ${value.slice(0, 80)}`, () => {
    assert.throws(
      () => parse(value),
      (error) => {
        assert.equal(error.errorClass, "config-invalid");
        assert.match(error.message, new RegExp(says));
        assert.doesNotMatch(error.message, /s3cr3t/);
        return true;
      },
    );
  });
}
