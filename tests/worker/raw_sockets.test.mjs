// What HTTP libraries refuse to send: it is refused, or means what it says; the server goes on, and counts nothing of it.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { SETTINGS, service } from "./instance.mjs";
import { exchange } from "./raw_sockets.mjs";
import { Served } from "./served.mjs";

const served = await Served.make();
after(() => served.end());
const { counts, get, imported } = await served.start();
const PROMPT = randomUUID();
await imported([
  { table: "prompts", row: { id: PROMPT, user_id: randomUUID(), title: "A title", template: "A template", is_public: true } },
]);

const VIEW = JSON.stringify({ type: "view", prompt_id: PROMPT });
const EVENTS = ["POST /v1/events HTTP/1.1", "Host: a.example", "Content-Type: application/json"];
const HEALTH = ["GET /healthz HTTP/1.1", "Host: a.example"];

/** A request of these lines and this body; texts are bytes, each character one. */
const request = (lines, body = "") => Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), bytes(body)]);
const bytes = (body) => (typeof body === "string" ? Buffer.from(body, "latin1") : body);
const chunked = (body, ...lines) => request([...EVENTS, "Transfer-Encoding: chunked", ...lines], body);
const sized = (length, body, ...lines) => request([...EVENTS, `Content-Length: ${length}`, ...lines], body);
const get_ = (target, ...lines) => request([`GET ${target} HTTP/1.1`, "Host: a.example", ...lines]);
const chunk = (text) => `${text.length.toString(16)}\r\n${text}\r\n`;

const CASES = {
  "a length of chunks": {
    "that is no number": chunked(`x\r\n${VIEW}\r\n0\r\n\r\n`),
    "that is negative": chunked(`-1\r\n${VIEW}\r\n0\r\n\r\n`),
    "beyond 64 bits": chunked(`fffffffffffffffff\r\n${VIEW}\r\n0\r\n\r\n`),
    "with a sign": chunked(`+${chunk(VIEW)}0\r\n\r\n`),
    "in decimal that is too long": chunked(`${VIEW.length}\r\n${VIEW}\r\n0\r\n\r\n`),
    "followed by no line end": chunked(`${VIEW.length.toString(16)}${VIEW}0\r\n\r\n`),
    "that is empty": chunked(`\r\n${VIEW}\r\n0\r\n\r\n`),
  },
};
for (const [what, cases] of Object.entries(CASES)) for (const [how, sent] of Object.entries(cases)) console.log(what, how, await exchange(served.port, sent).catch((e) => e.message.slice(0, 60)));
console.log(await counts(PROMPT));
