// What HTTP libraries refuse to send: it is refused, or means what it says; the server goes on, and counts nothing else.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, describe, test } from "node:test";
import { SETTINGS, until } from "./instance.mjs";
import { exchange } from "./raw_sockets.mjs";
import { Served } from "./served.mjs";

const served = await Served.make();
after(() => served.end());
const { counts, get, prompt } = await served.start();
const PROMPT = await prompt();

const VIEW = JSON.stringify({ type: "view", prompt_id: PROMPT });
const [LENGTH, HEX] = [VIEW.length, VIEW.length.toString(16)];
const HOST = "Host: a.example";
const HEALTH = ["GET /healthz HTTP/1.1", HOST];
const EVENTS = ["POST /v1/events HTTP/1.1", HOST, "Content-Type: application/json"];
const COUNTED = [`POST /v1/prompts/${PROMPT}/view HTTP/1.1`, HOST, "Content-Length: 0"];

/** A request of these lines and this body; each character is a byte. */
const request = (lines, body = "") => Buffer.from(`${lines.join("\r\n")}\r\n\r\n${body}`, "latin1");
const health = (...lines) => request([...HEALTH, ...lines]);
const target = (path) => request([`GET ${path} HTTP/1.1`, HOST]);
const method = (name) => request([`${name} /healthz HTTP/1.1`, HOST]);
const version = (name, ...lines) => request([`GET /healthz ${name}`, ...lines]);
const coded = (coding, body = `${HEX}\r\n${VIEW}\r\n0\r\n\r\n`, ...lines) =>
  request([...EVENTS, `Transfer-Encoding: ${coding}`, ...lines], body);
const chunked = (body, ...lines) => coded("chunked", body, ...lines);
const sized = (length, body = VIEW, ...lines) => request([...EVENTS, `Content-Length: ${length}`, ...lines], body);
const whole = (body) => sized(body.length, body);
const many = (count) => Array.from({ length: count }, (_, number) => `X-${number}: a`);

/** Requests that are refused, with the statuses that say so. */
const REFUSED = {
  "a chunk whose length is no number": [chunked(`x\r\n${VIEW}\r\n0\r\n\r\n`), 400],
  "a chunk of a negative length": [chunked(`-1\r\n${VIEW}\r\n0\r\n\r\n`), 400],
  "a chunk of a length beyond 64 bits": [chunked(`fffffffffffffffff\r\n${VIEW}\r\n0\r\n\r\n`), 400],
  "a chunk whose length has a sign": [chunked(`+${HEX}\r\n${VIEW}\r\n0\r\n\r\n`), 400],
  "a chunk whose length begins with 0x": [chunked(`0x${HEX}\r\n${VIEW}\r\n0\r\n\r\n`), 400],
  "a chunk whose length ends in no line": [chunked(`${HEX}${VIEW}0\r\n\r\n`), 400],
  "a chunk without a length": [chunked(`\r\n${VIEW}\r\n0\r\n\r\n`), 400],
  "chunks that are more than a body may have, beside a short length": [chunked(`200000\r\n${" ".repeat(0x200000)}\r\n0\r\n\r\n`, "Content-Length: 5"), 413],
  "a chunk that is longer than it says": [chunked(`5\r\n${VIEW}\r\n0\r\n\r\n`), 400],
  "a body behind the last chunk, which the other length would have": [chunked(`0\r\n\r\n${VIEW}`, `Content-Length: ${LENGTH}`), 400],
  "chunks that are not the last coding": [chunked(undefined, "Transfer-Encoding: identity"), 400, 501],
  "a coding that nobody knows": [coded("xchunked"), 400, 501],
  "a coding behind a vertical tab": [coded("\x0bchunked"), 400, 501],
  "a blank before the colon of a coding": [request([...EVENTS, "Transfer-Encoding : chunked"], `${HEX}\r\n${VIEW}\r\n0\r\n\r\n`), 400],
  "two lengths that differ": [sized(LENGTH, VIEW, "Content-Length: 5"), 400],
  "a list of lengths": [sized(`${LENGTH}, ${LENGTH}`), 400],
  "two lengths in one line": [sized(`${LENGTH} ${LENGTH}`), 400],
  "a negative length": [sized(-1), 400],
  "a length with a sign": [sized(`+${LENGTH}`), 400],
  "a length beyond 64 bits": [sized("99999999999999999999999"), 400, 413],
  "a length in hexadecimal digits": [sized(`0x${HEX}`), 400],
  "a length with a fraction": [sized(`${LENGTH}.0`), 400],
  "an empty length": [sized(""), 400],
  "no length of a body": [request(EVENTS), 400, 411],
  "lines that end in a carriage return": [Buffer.from(`GET /healthz HTTP/1.1\r${HOST}\r\r\n\r\n`), 400],
  "a header that goes on in the next line": [health("X: a", "  b"), 400],
  "a carriage return in a header": [health("X: a\rb"), 400],
  "a NUL in a header": [health("X: a\0b"), 400],
  "a NUL in a header's name": [health("X\0: a"), 400],
  "a blank in a header's name": [health("X Y: a"), 400],
  "a byte 0xFF in a header's name": [health("\xff: a"), 400],
  "a header without a colon": [health("X"), 400],
  "a header without a name": [health(": a"), 400],
  "a header of 20 KB": [health(`X: ${"a".repeat(20_000)}`), 413, 431],
  "a header block of 300 KB": [health(`X: ${"a".repeat(300_000)}`), 413, 431],
  "3,000 headers": [health(...many(3000)), 413, 431],
  TRACE: [method("TRACE"), 405],
  PROPFIND: [method("PROPFIND"), 405],
  "no method": [method(""), 400],
  "a control character in a method": [method("G\x01T"), 400],
  "no target": [target(""), 400],
  "a target of another scheme": [target("file:///etc/passwd"), 400, 404],
  "a target without a slash": [target("healthz"), 400, 404],
  "the target *": [target("*"), 400, 404],
  "a host in front of the path": [target("//a.example/healthz"), 404],
  "a path with backslashes": [target("/v1\\healthz"), 404],
  "a path that leaves its folder for none": [target("/v1/prompts/../../nowhere"), 404],
  "a path of 100 KB": [target(`/v1/prompts/${"a".repeat(100_000)}/stats`), 404, 414],
  "a NUL in a path": [target(`/v1/prompts/${PROMPT}\0/stats`), 400],
  "a byte 0xFF in a path": [target("/v1/prompts/\xff/stats"), 400, 404],
  "a percent sign without digits": [target("/v1/prompts/%zz/stats"), 404],
  "a percent sign with one digit": [target("/v1/prompts/%2/stats"), 404],
  "percent-encoded bytes that are not UTF-8": [target("/v1/prompts/%ff/stats"), 404],
  "a percent-encoded NUL": [target("/v1/prompts/%00/stats"), 404],
  "bytes 0xFF in a query string": [target("/v1/templates/search?q=\xff\xfe"), 400],
  "a body that is not UTF-8": [whole(`${VIEW.slice(0, -1)}\xff\xfe}`), 400],
  "a body with half of a surrogate pair": [whole(`{"type":"view","prompt_id":"${PROMPT}","id":"\xed\xa0\x80"}`), 400],
  "a body with a byte order mark": [whole(`\xef\xbb\xbf${VIEW}`), 400],
  "a body of NULs": [whole("\0\0\0\0"), 400],
  "a credential of bytes 0xFF": [health("Authorization: Bearer \xff"), 401],
  "two credentials": [health("Authorization: Bearer a", "Authorization: Bearer b"), 401],
  "chunks in HTTP/1.0": [request(["POST /v1/events HTTP/1.0", ...EVENTS.slice(1), "Transfer-Encoding: chunked"], `${HEX}\r\n${VIEW}\r\n0\r\n\r\n`), 400],
  "HTTP/1.1 without a host": [version("HTTP/1.1"), 400],
  "HTTP/1.0 without a host": [version("HTTP/1.0"), 400],
  "an empty host": [version("HTTP/1.1", "Host: "), 400],
  "HTTP/0.9": [Buffer.from("GET /healthz\r\n\r\n"), 400],
  "HTTP/2.0 in a line of HTTP/1": [version("HTTP/2.0", HOST), 400, 505],
  "a version that is none": [version("HTTP/x", HOST), 400, 505],
  "the greeting of TLS": [Buffer.from("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", "latin1"), 400],
  "a request within the body of another": [whole(request(COUNTED).toString("latin1")), 400],
};

/** Requests that workerd refuses by itself, in its own way: the worker never hears of them. */
const REFUSED_BEFORE = {
  CONNECT: [request(["CONNECT a.example:443 HTTP/1.1", "Host: a.example:443"]), 500],
  "a method that nobody knows": [method("BREW"), 501],
  "a method in small letters": [method("get"), 501],
};

/** Requests that mean what they say: the statuses of their answers, and how many views that is. */
const UNDERSTOOD = {
  "a chunk with an extension": [chunked(`${HEX};a=b\r\n${VIEW}\r\n0\r\n\r\n`), [200], 1],
  "chunks with a trailer": [chunked(`${HEX}\r\n${VIEW}\r\n0\r\nX: y\r\n\r\n`), [200], 1],
  "chunks of a byte": [chunked(`${[...VIEW].map((byte) => `1\r\n${byte}\r\n`).join("")}0\r\n\r\n`), [200], 1],
  "two lengths that are the same": [sized(LENGTH, VIEW, `Content-Length: ${LENGTH}`), [200], 1],
  "a length and chunks, which are what counts": [chunked(undefined, `Content-Length: ${LENGTH}`), [200], 1],
  "lines that end in a line feed alone": [Buffer.from(`GET /healthz HTTP/1.1\n${HOST}\n\n`), [200], 0],
  "an empty line before the request": [Buffer.concat([Buffer.from("\r\n"), health()]), [200], 0],
  "a byte 0xFF in a header": [health("X: \xff\xfe"), [200], 0],
  "400 headers": [health(...many(400)), [200], 0],
  "a target with a host": [target("http://other.example/healthz"), [200], 0],
  "a fragment in a target": [target("/healthz#a"), [200], 0],
  "percent-encoded bytes in a query string that are not UTF-8": [target("/v1/templates/search?q=%ff%fe"), [200], 0],
  "a percent-encoded NUL in a query string": [target("/v1/templates/search?q=%00"), [200], 0],
  "a body of a GET": [request([...HEALTH, "Content-Length: 5"], "abcde"), [200], 0],
  "the expectation of a 100": [sized(LENGTH, VIEW, "Expect: 100-continue"), [100, 200], 1],
  "an upgrade to what there is not": [health("Connection: Upgrade", "Upgrade: h2c"), [200], 0],
  "an upgrade to a web socket": [
    health("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
    [200],
    0,
  ],
  "HTTP/1.0 with a host": [version("HTTP/1.0", HOST), [200], 0],
  "three requests at once": [Buffer.concat([request(COUNTED), health(), request(COUNTED)]), [200, 200, 200], 2],
};

/** Requests that end before they are whole, for their client has gone. */
const LEFT = {
  "in the middle of a body": sized(LENGTH + 1),
  "in the middle of a chunk": chunked(`${(LENGTH + 1).toString(16)}\r\n${VIEW}`),
  "before the last chunk": chunked(`${HEX}\r\n${VIEW}\r\n`),
  "before a body of 2^63 bytes": sized("9223372036854775808"),
  "in the middle of the headers": Buffer.from(`${EVENTS.join("\r\n")}\r\nContent-Le`),
  "in the middle of the first line": Buffer.from("POST /v1/ev"),
  "before anything but empty lines": Buffer.from("\r\n\r\n\r\n"),
};

/** Sends bytes, compares the statuses of the answers, and sees that the server goes on and what it counted. */
async function check(bytes, { isExpected, views = 0, ...how }) {
  const [before] = await counts(PROMPT);
  const statuses = await exchange(served.port, bytes, how);
  assert.ok(isExpected(statuses), `answered ${JSON.stringify(statuses)}`);
  assert.equal((await get("/healthz")).status, 200);
  assert.equal((await counts(PROMPT))[0], before + views, "views");
}

const one = (statuses) => (found) => found.length === 1 && statuses.includes(found[0]);

describe("what is refused", () => {
  for (const [what, [bytes, ...statuses]] of Object.entries(REFUSED)) test(what, () => check(bytes, { isExpected: one(statuses) }));
});

describe("what workerd refuses", () => {
  for (const [what, [bytes, ...statuses]] of Object.entries(REFUSED_BEFORE)) test(what, () => check(bytes, { isExpected: one(statuses) }));
});

describe("what means what it says", () => {
  for (const [what, [bytes, statuses, views]] of Object.entries(UNDERSTOOD)) {
    const answers = statuses.filter((status) => status >= 200).length;
    test(what, () => check(bytes, { answers, views, isExpected: (found) => `${found}` === `${statuses}` }));
  }
});

test("a body that breaks off is none, and an import of it says so", async () => {
  const lines = ["POST /v1/import HTTP/1.1", HOST, `Authorization: Bearer ${SETTINGS.SERVICE_KEY}`, "Content-Type: application/x-ndjson", "Content-Length: 100"];
  await check(request(lines, "\n"), { ends: true, isExpected: one([400]) });
});

describe("a client that leaves", () => {
  for (const [when, bytes] of Object.entries(LEFT)) test(when, () => check(bytes, { leaves: true, isExpected: () => true }));
});

test("a queued view is counted, though its client leaves as soon as it is sent", async () => {
  const [before] = await counts(PROMPT);
  const queued = request(["POST /v1/events?ack=async HTTP/1.1", ...EVENTS.slice(1), `Content-Length: ${LENGTH}`], VIEW);
  await Promise.all(Array.from({ length: 50 }, () => exchange(served.port, queued, { leaves: true })));
  await until(async () => (await counts(PROMPT))[0] === before + 50, "all of them are counted");
});

test("a client that leaves does no harm to those that stay", async () => {
  const left = Object.values(LEFT).flatMap((bytes) => Array.from({ length: 20 }, () => exchange(served.port, bytes, { leaves: true })));
  await Promise.all(left);
  await check(request(COUNTED), { views: 1, isExpected: one([200]) });
});
