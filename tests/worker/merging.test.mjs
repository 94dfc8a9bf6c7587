// Views of many callers that are counted together, by the release build straight on workerd: each is told its own, whoever
// of them goes away, whatever fails.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, afterEach, test } from "node:test";
import { connect, trafficTo } from "./connections.mjs";
import { atOnce, service, until } from "./instance.mjs";
import { Served } from "./served.mjs";

const served = await Served.make();
after(() => served.end());
let api = await served.start();

const traffic = (count, each, send) => trafficTo(served.url, count, each, send);

const view = (caller, id, key, more) =>
  caller.post(`/v1/prompts/${id}/view`, undefined, { headers: { "idempotency-key": key }, ...more });
const viewLater = (caller, id) => caller.post(`/v1/prompts/${id}/view?ack=async`);
const keys = (length) => Array.from({ length }, () => randomUUID());

/** Checks that the answers are good ones, and tell different values. */
function checkTold(answers) {
  assert.deepEqual([...new Set(answers.map((answer) => answer?.status))], [200]);
  const told = answers.map(({ body }) => body.viewCount);
  assert.equal(new Set(told).size, told.length, "callers are told the same value");
  return told;
}

/** Sends views under these ids again, and gives how many were new and how many were not. */
async function resend(id, sent) {
  const sum = { accepted: 0, duplicates: 0 };
  for (let first = 0; first < sent.length; first += 500) {
    const batch = sent.slice(first, first + 500).map((key) => ({ type: "view", prompt_id: id, id: key }));
    const { accepted, duplicates, rejected } = await api.events(batch);
    assert.deepEqual(rejected, []);
    sum.accepted += accepted;
    sum.duplicates += duplicates;
  }
  return sum;
}

/** A sample of the metrics. */
async function metered(name) {
  const { body } = await api.get("/v1/admin/metrics", { as: service });
  return Number(body.split("\n").find((line) => line.startsWith(`${name} `)).slice(name.length));
}
const objectCalls = () => metered("promptmeter_object_calls_total");
const viewsCounted = () => metered('promptmeter_events_total{type="view"}');

afterEach(() => {
  const wrong = new Set(served.lines.filter((line) => /hung|never generate|different request|uncaught|panick|recursive use/i.test(line)));
  assert.deepEqual([...wrong], []);
});

test("256 connections on one prompt: each view is told a value of its own, and all are stored", async () => {
  // Code that 20,000 requests have run is optimized, and must not take one request for another then.
  const [CALLERS, EACH] = [256, 120];
  const total = CALLERS * EACH;
  const id = await api.prompt();
  const before = await objectCalls();
  const answers = await traffic(CALLERS, EACH, (caller) => view(caller, id, randomUUID()));
  const told = checkTold(answers);
  assert.deepEqual(told.toSorted((one, other) => one - other), Array.from({ length: total }, (_, place) => place + 1));
  assert.ok(answers.every(({ body }) => !body.duplicate));
  const calls = (await objectCalls()) - before;
  assert.ok(calls < total / 10, `${calls} calls for ${total} views`);
  assert.deepEqual(await api.counts(id), [total, 0, 0, 0]);
});

test("callers that go away take nothing with them", async () => {
  const [CALLERS, EACH] = [256, 30];
  const id = await api.prompt();
  const [acknowledged, left] = [[], []];
  const answers = await traffic(CALLERS, EACH, async (caller) => {
    const key = randomUUID();
    // A round takes some milliseconds.
    const leaves = Math.random() < 0.4 ? Math.random() * 30 : undefined;
    const answer = await view(caller, id, key, { leaves });
    (answer ? acknowledged : left).push(key);
    assert.ok(answer || leaves !== undefined, "one that stayed was not answered");
    return answer;
  });
  checkTold(answers.filter(Boolean));
  assert.ok(left.length > 100, `${left.length} went away before they were answered`);

  assert.deepEqual(await resend(id, acknowledged), { accepted: 0, duplicates: acknowledged.length });
  const { duplicates } = await resend(id, left);
  assert.ok(duplicates > 0, "nothing was counted of those that went away");
  assert.deepEqual(await api.counts(id), [acknowledged.length + left.length, 0, 0, 0]);
});

test("a death of the process answers nobody falsely: what was acknowledged is stored, the rest may be sent again", async () => {
  const CALLERS = 128;
  const id = await api.prompt();
  const [acknowledged, left] = [[], []];
  const sent = traffic(CALLERS, 1, async (caller) => {
    for (;;) {
      const key = randomUUID();
      const answer = await view(caller, id, key);
      if (!answer) return left.push(key);
      assert.equal(answer.status, 200);
      acknowledged.push(key);
    }
  });
  await Promise.race([sent, until(() => acknowledged.length > 1000, "there is traffic")]);
  await served.kill();
  await sent;
  assert.equal(left.length, CALLERS);
  api = await served.start();
  assert.deepEqual(await resend(id, acknowledged), { accepted: 0, duplicates: acknowledged.length });
  await resend(id, left);
  assert.deepEqual(await api.counts(id), [acknowledged.length + left.length, 0, 0, 0]);
});

/** Makes a prompt with a view, whose counter refuses to store more until a copy is imported; gives it with what does that. */
async function refusing() {
  const id = await api.prompt();
  await api.post(`/v1/prompts/${id}/view`);
  await served.kill();
  await served.counters(`create trigger if not exists no_room before update on counter
    when new.prompt_id = '${id}' and new.copies = 0 begin select raise(abort, 'no room'); end`);
  api = await served.start();
  assert.deepEqual(await api.counts(id), [1, 0, 0, 0]);
  const row = { id: randomUUID(), prompt_id: id, event_type: "copy", created_at: "2024-03-05T12:34:56.789Z" };
  return { id, yields: () => api.imported([{ table: "prompt_events", row }]) };
}

test("a counter that fails answers every caller of its batch so, and counts each once when they come again", async () => {
  const CALLERS = 64;
  const { id, yields } = await refusing();
  const before = await objectCalls();
  const sent = keys(CALLERS);
  const send = () => {
    let next = 0;
    return traffic(CALLERS, 1, (caller) => view(caller, id, sent[next++]));
  };
  for (const { status, headers, body } of await send()) {
    assert.deepEqual([status, body.code, headers["retry-after"]], [503, "storage_unavailable", "1"]);
    assert.ok(!JSON.stringify(body).includes("no room"));
  }
  const calls = (await objectCalls()) - before;
  assert.ok(calls < CALLERS, `${calls} calls for ${CALLERS} callers`);
  assert.deepEqual(await api.counts(id), [1, 0, 0, 0]);
  await yields();
  checkTold(await send());
  assert.deepEqual(await api.counts(id), [1 + CALLERS, 1, 0, 0]);
});

test("a batch is told of each prompt its own, though the counter of one fails", async () => {
  const { id, yields } = await refusing();
  const others = [await api.prompt(), await api.prompt()];
  const [one, other] = others;
  const sent = [one, id, other, one, id].map((prompt_id) => ({ type: "view", prompt_id, id: randomUUID() }));
  const { accepted, rejected } = await api.events(sent);
  const refused = [1, 4].map((index) => [index, "storage_unavailable"]);
  assert.deepEqual([accepted, rejected.map(({ index, code }) => [index, code])], [3, refused]);
  await yields();
  const again = await api.events(sent);
  assert.deepEqual([again.accepted, again.duplicates, again.rejected], [2, 3, []]);
  assert.deepEqual(await Promise.all([one, id, other].map(async (prompt) => (await api.counts(prompt))[0])), [2, 3, 1]);
});

// Where it waited, it would for 25 seconds.
test("a batch with nothing to count waits for no counter", { timeout: 20_000 }, async () => {
  const { rejected } = await api.events([{ type: "view", prompt_id: randomUUID() }]);
  assert.deepEqual(rejected.map(({ code }) => code), ["unknown_prompt"]);
});

test("what nobody waits for is sent again until it is stored, and is counted once", async () => {
  const [CALLERS, EACH] = [8, 40];
  const { id, yields } = await refusing();
  const [calls, counted] = [await objectCalls(), await viewsCounted()];
  const answers = await traffic(CALLERS, EACH, (caller) => viewLater(caller, id));
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [202]);
  await until(async () => (await objectCalls()) > calls + 1, "it was sent, and sent again");
  assert.equal(await viewsCounted(), counted);
  // It is told before what was sent before it is given up.
  const caller = connect(served.url);
  assert.equal((await view(caller, id, randomUUID())).status, 503);
  caller.end();
  await yields();
  await until(async () => (await viewsCounted()) >= counted + answers.length, "all is counted");
  const [views, ...others] = await api.counts(id);
  assert.deepEqual(others, [1, 0, 0]);
  // Whoever was told 503 may have been in one batch with what nobody waits for, and be counted with it.
  assert.ok([1, 2].includes(views - answers.length), `${views} views`);
});

test("views that nobody waits for are all stored when traffic stops, by few calls", async () => {
  const [CALLERS, EACH] = [32, 200];
  const total = CALLERS * EACH;
  const id = await api.prompt();
  await api.post(`/v1/prompts/${id}/view`);
  const [calls, counted] = [await objectCalls(), await viewsCounted()];
  const answers = await traffic(CALLERS, EACH, (caller) => viewLater(caller, id));
  assert.deepEqual([...new Set(answers.map((answer) => answer?.status))], [202]);
  await until(async () => (await viewsCounted()) >= counted + total, "all is counted");
  const made = (await objectCalls()) - calls;
  assert.ok(made <= total / 50, `${made} calls for ${total} views`);
  assert.deepEqual(await api.counts(id), [1 + total, 0, 0, 0]);
});

test("a view that somebody waits for takes those with it that gather before it", async () => {
  const id = await api.prompt();
  const caller = connect(served.url);
  let views = (await view(caller, id, randomUUID())).body.viewCount;
  for (let round = 0; round < 5; round++) {
    for (let queued = 0; queued < 3; queued++) assert.equal((await viewLater(caller, id)).status, 202);
    const { body } = await view(caller, id, randomUUID());
    assert.equal(body.viewCount, (views += 4));
  }
  caller.end();
  assert.deepEqual(await api.counts(id), [views, 0, 0, 0]);
});

test("requests with several prompts, and views that nobody waits for between them, are counted on each", async () => {
  const [CALLERS, EACH, EVENTS] = [16, 15, 30];
  const prompts = await atOnce(5, () => api.prompt());
  const expected = new Map(prompts.map((id) => [id, [0, 0]]));
  const any = () => prompts[Math.floor(Math.random() * prompts.length)];
  const counted = await viewsCounted();
  const answers = await traffic(CALLERS, EACH, async (caller, round) => {
    if (round % 3 === 2) {
      const id = any();
      expected.get(id)[0]++;
      return viewLater(caller, id);
    }
    const batch = Array.from({ length: EVENTS }, (_, place) => {
      const [id, type] = [any(), place % 5 ? "view" : "copy"];
      expected.get(id)[type === "view" ? 0 : 1]++;
      return { type, prompt_id: id, ...(place % 2 && { id: randomUUID() }) };
    });
    return caller.post("/v1/events", batch);
  });
  for (const { status, body } of answers) {
    assert.deepEqual(body, status === 202 ? { queued: 1 } : { accepted: EVENTS, duplicates: 0, rejected: [] });
  }
  const views = [...expected.values()].reduce((sum, [views]) => sum + views, 0);
  await until(async () => (await viewsCounted()) >= counted + views, "all is counted");
  for (const [id, counts] of expected) assert.deepEqual(await api.counts(id), [...counts, 0, 0]);
});

test("more than may wait is refused, and all that was queued is counted", async () => {
  const { id, yields } = await refusing();
  const counted = await viewsCounted();
  const batch = Array.from({ length: 500 }, () => ({ type: "view", prompt_id: id }));
  let queued = 0;
  await traffic(4, 1, async (caller) => {
    for (;;) {
      const { status, headers, body } = await caller.post("/v1/events?ack=async", batch);
      if (status !== 202) return assert.deepEqual([status, body.code, headers["retry-after"]], [503, "storage_unavailable", "1"]);
      queued += body.queued;
    }
  });
  assert.ok(queued >= 100_000, `${queued} are queued`);
  await yields();
  await until(async () => (await viewsCounted()) >= counted + queued, "all is counted");
  assert.deepEqual(await api.counts(id), [1 + queued, 1, 0, 0]);
});
