// What is sent to each subject, and what an answer to it has to say.
import { randomUUID } from "node:crypto";

/** Headers of a browser: what calls itself a robot is not counted. */
const HEAD = [
  "Host: 127.0.0.1",
  "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
  "Accept: */*",
  "Origin: https://prompts.example",
  "",
].join("\r\n");

const bare = (method, path, more = "") => `${method} ${path} HTTP/1.1\r\n${HEAD}${more}\r\n`;
const withoutBody = (path, more = "") => bare("POST", path, `${more}Content-Length: 0\r\n`);
const withBody = (path, more, type, body) =>
  `${bare("POST", path, `${more}Content-Type: ${type}\r\nContent-Length: ${body.length}\r\n`)}${body}`;

const ADDRESSES = 1 << 24;

/** Cloudflare's header with who a request comes from, one of many. */
function fromAnywhere() {
  const address = Math.floor(Math.random() * ADDRESSES);
  return `CF-Connecting-IP: 10.${address >> 16}.${(address >> 8) & 255}.${address & 255}\r\n`;
}

const view = (prompt, id) => `{${id ? `"id":"${randomUUID()}",` : ""}"type":"view","prompt_id":"${prompt}"}`;

/** The value that a durable view of promptmeter is told; NaN where it is none. */
function told(body) {
  const value = /"viewCount":(\d+)/.exec(body);
  return value && body.includes('"duplicate":false') ? Number(value[1]) : NaN;
}

const plain = (body) => (/^\d+$/.test(body) ? Number(body) : NaN);

/**
 * By its name, how a request is made and its answer judged: `write(ids, more)` gives the text for the ids of the prompts that
 * it views, with more headers; `status` is the right one; `isRight` tells of a right answer's body, or `value` gives the
 * counter's value in it. `views` is how many views a request has.
 */
export const KINDS = {
  empty: { views: 0, status: 200, isRight: (body) => body === "ok", write: () => bare("GET", "/") },
  missing: { views: 0, status: 404, isRight: (body) => body.includes('"code"'), write: () => bare("GET", "/v1/nothing") },
  baseline: { views: 1, status: 200, value: plain, write: ([id]) => withoutBody(`/${id}`) },
  async: { views: 1, ...queued(false) },
  asyncWithId: { views: 1, ...queued(true) },
  durable: {
    views: 1,
    status: 200,
    value: told,
    write: ([id], more) => withoutBody(`/v1/prompts/${id}/view`, `${more}Idempotency-Key: ${randomUUID()}\r\n`),
  },
  durableWithoutId: { views: 1, status: 200, value: told, write: ([id], more) => withoutBody(`/v1/prompts/${id}/view`, more) },
  batch100: batch(100),
  batch500: batch(500),
};

/** A view as `sendBeacon` sends it. */
function queued(hasId) {
  return {
    status: 202,
    isRight: (body) => body === '{"queued":1}',
    write: ([id], more) => withBody("/v1/events?ack=async", more, "text/plain;charset=UTF-8", view(id, hasId)),
  };
}

function batch(views) {
  const right = `{"accepted":${views},"duplicates":0,"rejected":[]}`;
  return {
    views,
    status: 200,
    isRight: (body) => body === right,
    write: (ids, more) => withBody("/v1/events", more, "application/json", `[${ids.map((id) => view(id, true)).join(",")}]`),
  };
}

/**
 * Requests of a kind, one after another.
 * @param ids of the prompts
 * @param pick gives the place of the next view's prompt among them
 * @param accounts to be kept
 * @param visitors whether each request comes from somewhere else
 */
export function exchange({ kind, ids, pick, accounts, visitors }) {
  const { views, status, isRight, value, write } = KINDS[kind];
  return {
    views,
    next() {
      const prompts = Array.from({ length: views }, pick);
      const text = write(prompts.map((prompt) => ids[prompt]), visitors ? fromAnywhere() : "");
      return { text, prompts, floor: value ? accounts.highest(prompts[0]) : 0 };
    },
    /** Whether an answer is right. */
    answered({ prompts, floor }, gotStatus, body) {
      if (gotStatus !== status) return this.failed({ prompts }, `status ${gotStatus}`);
      if (isRight && !isRight(body)) return this.failed({ prompts }, "another body");
      if (value) accounts.tell(prompts[0], value(body), floor);
      for (const prompt of prompts) accounts.acknowledge(prompt);
      return true;
    },
    failed({ prompts }, reason) {
      accounts.fail(prompts, reason);
      return false;
    },
  };
}
