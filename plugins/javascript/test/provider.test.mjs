import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { fromTokenServer, fromTokenServerProviderChain, TokenServerError } from "../src/index.mjs";
import { readFile } from "../src/file.mjs";
import { findToken, retryAfter } from "../src/response.mjs";
import { lookupLocal } from "../src/url.mjs";

const TOKEN =
  "eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL2lzc3VlciIsInN1YiI6Im1lIiwiYXVkIjoic3RzIn0.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg";
const CREDENTIALS = `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>
<SessionToken>session</SessionToken><Expiration>2130-01-01T00:00:00Z</Expiration></Credentials>
<AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/deploy/x</Arn><AssumedRoleId>AROA:x</AssumedRoleId></AssumedRoleUser>
</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`;
const roleArn = "arn:aws:iam::123456789012:role/deploy";

const answer = (status, body = "", headers = {}) => ({ status, body, headers });
const xml = { "content-type": "text/xml" };
const refusal = (code, message = "no", status = 400) =>
  answer(status, `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`, xml);
const OK = answer(200, `{"value": "${TOKEN}"}`);
const ROLE = answer(200, CREDENTIALS, xml);

before(() => {
  for (const name of Object.keys(process.env)) {
    if (/^(AWS|ACTIONS)_|_PROXY$/i.test(name)) delete process.env[name];
  }
  process.env.HOME = mkdtempSync(join(tmpdir(), "home-"));
  process.env.AWS_REGION = "us-east-1";
  process.env.AWS_MAX_ATTEMPTS = "2";
});

const servers = [];
after(() => servers.forEach((server) => server.close()));

/** A server that gives the answers in turn, the last one for good. */
async function serve(answers) {
  const requests = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    requests.push({ url: request.url, headers: request.headers, form: new URLSearchParams(body) });
    const { status, body: content, headers } = answers[Math.min(requests.length, answers.length) - 1];
    if (status === 101) {
      request.socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
      return;
    }
    response.writeHead(status, { connection: "close", ...headers });
    response.end(content, () => headers["content-length"] && request.socket.destroy());
  });
  servers.push(server);
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  return { url: `http://127.0.0.1:${server.address().port}`, requests };
}

async function retrieve(tokens, sts) {
  const tokenServer = await serve(tokens);
  const stsServer = await serve(sts);
  const name = `URL_${tokenServer.url.split(":").at(-1)}`;
  process.env[name] = `${tokenServer.url}/token?b=%2f&a=~`;
  process.env.TOKEN_VAR = "s3cr3t-request-token";
  const provider = fromTokenServer({
    value: `${name},TOKEN_VAR`,
    roleArn,
    clientConfig: { region: "us-east-1", endpoint: stsServer.url },
  });
  const result = await provider().catch((error) => error);
  assert.doesNotMatch(String(result.message), /s3cr3t|eyJ/);
  return { result, token: tokenServer.requests, sts: stsServer.requests };
}

test("a role", async () => {
  const { result, token, sts } = await retrieve([OK], [ROLE]);
  assert.equal(result.accessKeyId, "ASIAEXAMPLE");
  assert.equal(token[0].url, "/token?b=%2f&a=~");
  assert.equal(token[0].headers.authorization, "Bearer s3cr3t-request-token");
  assert.equal(token[0].headers["accept-encoding"], "identity");
  assert.equal(sts[0].form.get("WebIdentityToken"), TOKEN);
});

for (const [name, tokens, sts, errorClass, asked] of [
  ["101", [answer(101)], [ROLE], "token-refused", [1, 0]],
  ["a repeated secret", [answer(403, "no s3cr3t-request-token")], [ROLE], "token-refused", [1, 0]],
  ["a long 403", [answer(403, "x".repeat(70_000))], [ROLE], "token-refused", [1, 0]],
  ["a long 500", [answer(500, "x".repeat(70_000))], [ROLE], "token-unavailable", [2, 0]],
  ["600", [answer(600)], [ROLE], "token-unavailable", [1, 0]],
  ["a Retry-After of 20 digits", [answer(503, "", { "retry-after": "9".repeat(20) })], [ROLE], "token-unavailable", [1, 0]],
  ["a cut body", [answer(200, OK.body, { "content-length": "500" })], [ROLE], "token-unavailable", [2, 0]],
  ["long header fields", [answer(200, OK.body, { "x-long": "x".repeat(70_000) })], [ROLE], "token-unavailable", [2, 0]],
  ["NaN", [answer(200, '{"value": NaN}')], [ROLE], "token-malformed", [1, 0]],
  ["a denial that repeats the token", [OK], [refusal("AccessDenied", TOKEN, 403)], "role-denied", [1, 1]],
  ["an expired token that stays", [OK], [refusal("ExpiredTokenException")], "role-denied", [2, 1]],
  ["an invalid token", [OK], [refusal("InvalidIdentityToken")], "role-denied", [2, 2]],
  ["a wrong setting", [OK], [refusal("ValidationError")], "config-invalid", [1, 1]],
  ["a region", [OK], [refusal("RegionDisabledException", "no", 403)], "config-invalid", [1, 1]],
  ["a page", [OK], [answer(403, "<html>no</html>", { "content-type": "text/html" })], "sts-unavailable", [1, 1]],
  ["a gateway", [OK], [answer(404, '{"message": "no"}')], "sts-unavailable", [1, 1]],
  ["a redirect", [OK], [answer(302)], "sts-unavailable", [1, 1]],
  ["a page with 200", [OK], [answer(200, "<html>welcome</html>")], "sts-unavailable", [1, 1]],
  ["nothing", [OK], [answer(200)], "sts-unavailable", [1, 1]],
  [
    "no session token",
    [OK],
    [answer(200, CREDENTIALS.replace("<SessionToken>session</SessionToken>", ""), xml)],
    "sts-unavailable",
    [1, 1],
  ],
]) {
  test(name, async () => {
    const { result, token, sts: exchanges } = await retrieve(tokens, sts);
    assert.ok(result instanceof TokenServerError, String(result));
    assert.equal(result.errorClass, errorClass, result.message);
    assert.deepEqual([token.length, exchanges.length], asked, result.message);
  });
}

test("a server that fails ends the chain", async () => {
  process.env.AWS_WEB_IDENTITY_TOKEN_SERVER = "GitHub";
  process.env.AWS_ROLE_ARN = roleArn;
  try {
    await assert.rejects(fromTokenServerProviderChain()(), /AWS_WEB_IDENTITY_TOKEN_SERVER: .*ACTIONS_ID_TOKEN_REQUEST_URL is not set/);
  } finally {
    delete process.env.AWS_WEB_IDENTITY_TOKEN_SERVER;
    delete process.env.AWS_ROLE_ARN;
  }
});

test("a name stands for what DNS says", async () => {
  const look = (host, options) => new Promise((done) => lookupLocal(host, options, (error, found) => done(error ?? found)));
  assert.equal((await look("192.0.2.1", {})).errorClass, "config-invalid");
  assert.ok(["127.0.0.1", "::1"].includes(await look("localhost", {})));
  assert.ok((await look("localhost", { all: true })).length > 0);
});

test("a pipe in the place of a file", { skip: process.platform === "win32" }, () => {
  const pipe = join(mkdtempSync(join(tmpdir(), "pipe-")), "pipe");
  execFileSync("mkfifo", [pipe]);
  assert.throws(() => readFile(pipe), /not a regular file/);
});

for (const [content, token] of [
  ['{"a": {"b": ["x", "token"]}}', "token"],
  ['\ufeff{"a": {"b": [0, "token"]}}', "token"],
  ['{"n": 1, "n": 2, "a": {"b": [0, "token"]}}', "token"],
  ['{"a": {"b": [0, "token"]}, "a": {"b": [0, "other"]}}'],
  [Buffer.from('{"a": {"b": [0, "\xff"]}}', "latin1")],
  ['{"a": {"b": [0, 1]}}'],
  ["[]"],
  [""],
]) {
  test(`an answer: ${content}`, () => {
    if (token) assert.equal(findToken(Buffer.from(content), "/a/b/1"), token);
    else assert.throws(() => findToken(Buffer.from(content), "/a/b/1"), { errorClass: "token-malformed" });
  });
}

test("Retry-After", () => {
  assert.equal(retryAfter("3"), 3000);
  assert.ok(retryAfter("9".repeat(20)) > 60_000);
  assert.ok(retryAfter("Fri, 01 Jan 2100 00:00:00 GMT") > 60_000);
  assert.equal(retryAfter("soon"), 0);
  assert.equal(retryAfter(undefined), 0);
});
