// More than an instance may have in hand: what is beyond is refused at the door, what was acknowledged is stored, and it answers
// again afterwards. By the release build straight on workerd.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, afterEach, test } from "node:test";
import { connect, trafficTo } from "./connections.mjs";
import { service, until } from "./instance.mjs";
import { begin } from "./raw_sockets.mjs";
import { Served } from "./served.mjs";

const BOUND = 16;
/** Of `entry.js`. */
const BODIES_AT_ONCE = 1024;
const served = await Served.make({ REQUESTS_IN_HAND: String(BOUND) });
after(() => served.end());
const api = await served.start();

/** Callers that send at once, each `each` requests one after another; their answers, with the keys they were sent under. */
const traffic = (count, each, send) =>
  trafficTo(served.url, count, each, async (caller) => {
    const key = randomUUID();
    return { key, ...(await send(caller, key)) };
  });

const view = (id) => (caller, key) => caller.post(`/v1/prompts/${id}/view`, undefined, { headers: { "idempotency-key": key } });

async function metered(name) {
  const { status, body } = await api.get("/v1/admin/metrics", { as: service });
  assert.equal(status, 200);
  return Number(body.split("\n").find((line) => line.startsWith(`${name} `)).slice(name.length));
}
const refusals = () => metered("promptmeter_refused_requests_total");

/** Splits answers into those that were let in and those that were not; there are no others. */
function split(answers, status = 200) {
  const [inside, refused] = [answers.filter((answer) => answer.status === status), answers.filter((answer) => answer.status === 503)];
  assert.equal(inside.length + refused.length, answers.length, JSON.stringify(answers.map((answer) => answer.status)));
  return { inside, refused };
}

afterEach(() => {
  const wrong = served.lines.filter((line) => /hung|never generate|different request|uncaught|panick|recursive use/i.test(line));
  assert.deepEqual(wrong, []);
});

test("beyond the bound requests are refused with Retry-After, and what was acknowledged is stored, once", async () => {
  const id = await api.prompt();
  const before = await refusals();
  const answers = await traffic(8 * BOUND, 20, view(id));
  const { inside, refused } = split(answers);
  assert.ok(inside.length >= BOUND && refused.length >= BOUND, `${inside.length} came in, ${refused.length} did not`);
  for (const { headers, body } of refused) {
    assert.deepEqual(body, {
      type: "urn:promptmeter:problem:overloaded",
      title: "Too much is under way",
      status: 503,
      detail: "More comes than can be answered. Nothing was done: send the same request again, later.",
      code: "overloaded",
    });
    const [type, wait, kept, sniffed] = ["content-type", "retry-after", "cache-control", "x-content-type-options"].map((name) => headers[name]);
    assert.deepEqual([type, wait, kept, sniffed], ["application/problem+json", "1", "no-store", "nosniff"]);
  }
  // Everybody who was let in was told a value of their own, and nobody else was counted.
  assert.equal(new Set(inside.map(({ body }) => body.viewCount)).size, inside.length);
  assert.deepEqual(await api.counts(id), [inside.length, 0, 0, 0]);
  assert.equal((await refusals()) - before, refused.length);

  // Those that were refused come again, at their leisure; the others would be found out.
  const again = connect(served.url);
  for (const { key, body } of inside.slice(0, 5)) {
    const { status, body: repeated } = await view(id)(again, key);
    assert.deepEqual([status, repeated.duplicate, repeated.viewCount >= body.viewCount], [200, true, true]);
  }
  for (const { key } of refused.slice(0, 50)) {
    const { status, body } = await view(id)(again, key);
    assert.deepEqual([status, body.duplicate], [200, false]);
  }
  again.end();
  assert.deepEqual(await api.counts(id), [inside.length + Math.min(refused.length, 50), 0, 0, 0]);
});

test("what was queued before others were refused is stored", async () => {
  const id = await api.prompt();
  const experiment = { type: "exposure", experiment_id: "busy", variant_key: "a" };
  // Events of experiments go on after the answer, and are in hand until they are stored.
  const answers = await traffic(8 * BOUND, 5, (caller, key) =>
    caller.post("/v1/events?ack=async", [{ ...experiment, session_id: key }, { type: "view", prompt_id: id, id: key }]));
  const { inside, refused } = split(answers, 202);
  assert.ok(refused.length > 0);
  await until(async () => (await api.counts(id))[0] === inside.length, "all that was queued is counted");
  const events = inside.map(({ key }) => ({ type: "view", prompt_id: id, id: key }));
  assert.deepEqual(await api.events(events), { accepted: 0, duplicates: inside.length, rejected: [] });
});

test("the data dialect is told in its words, pages may read it, and who looks after the instance is let in", async () => {
  const id = await api.prompt();
  const origin = { headers: { origin: "https://prompts.example" } };
  const looks = ["/rest/v1/prompts?select=id", "/healthz", "/v1/admin/metrics"];
  const load = traffic(8 * BOUND, 10, view(id));
  const [rows, health, metrics] = await Promise.all(looks.map((path) =>
    traffic(4 * BOUND, 10, (caller) => caller.get(path, path.startsWith("/v1") ? { headers: service } : origin))));
  await load;
  assert.deepEqual([...new Set([...health, ...metrics].map(({ status }) => status))], [200]);
  const { refused } = split(rows);
  assert.ok(refused.length > 0);
  for (const { headers, body } of refused) {
    assert.deepEqual([headers["retry-after"], headers["access-control-allow-origin"]], ["1", "*"]);
    assert.deepEqual(Object.keys(body), ["code", "message", "details", "hint"]);
  }
});

test("a long body takes more places, and one that is refused does not cost its sender the connection", async () => {
  const caller = connect(served.url);
  const padding = " ".repeat(300 * 1024);
  const answers = await traffic(4, 5, (one) => one.post("/v1/experiments/evaluate", { variants: [], padding }));
  assert.ok(answers.every(({ status }) => [400, 503].includes(status)), JSON.stringify(answers.map(({ status }) => status)));
  assert.equal((await caller.get("/v1/prompts/top/viewed")).status, 200);
  caller.end();
});

test("of bodies that do not come, those beyond a bound take places, and the door is asked again behind the others", async () => {
  const id = await api.prompt();
  await api.events([{ type: "copy", prompt_id: id }]);
  const body = JSON.stringify({ type: "view", prompt_id: id });
  const lines = ["POST /v1/events?ack=async HTTP/1.1", "Host: a.example", "Content-Type: application/json", `Content-Length: ${body.length}`];
  const [head, rest] = [`${lines.join("\r\n")}\r\n\r\n${body.slice(0, 10)}`, body.slice(10)];
  const answers = [];
  const slow = () => {
    const { answer, finish } = begin(served.port, Buffer.from(head));
    const self = { finish: () => finish(rest), answer: answer.then((text) => (answers.push(text), (self.text = text))) };
    return self;
  };
  const statuses = () => new Set(answers.map((answer) => answer.split(" ")[1]));
  const all = Array.from({ length: BODIES_AT_ONCE + 3 * BOUND }, slow);
  await until(() => answers.length === 2 * BOUND, "all for whom there is no place are refused");
  assert.deepEqual([...statuses()], ["503"]);

  // One more is refused, with which the door is closed. Whoever came first is being read, and has no place yet.
  await slow().answer;
  answers.length = 0;
  const waiting = all.filter(({ text }) => !text);
  for (const group of [waiting.slice(0, BOUND), waiting.slice(BOUND)]) {
    for (const { finish } of group) finish();
    await Promise.all(group.map(({ answer }) => answer));
  }
  assert.ok(answers.some((answer) => answer.includes(" 503 ") && !/^x-request-id:/im.test(answer)), "the door refused nobody");
  const accepted = answers.filter((answer) => answer.includes(" 202 ")).length;
  assert.deepEqual([...statuses()].sort(), ["202", "503"]);
  await until(async () => (await api.counts(id))[0] === accepted, "all that were let in are counted");
});

test("it answers again as before when the traffic is over", async () => {
  const id = await api.prompt();
  await traffic(8 * BOUND, 10, view(id));
  const answers = await traffic(BOUND / 2, 20, view(id));
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
});
