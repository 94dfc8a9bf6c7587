// Views and copies: every delivery that is acknowledged is in the counts, once for each id.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { atOnce, promptRow, start, until, user } from "./instance.mjs";

const CLIENTS = 32;
const instance = await start();
const { counts, events, logs, objects, post, prompt, sql } = instance;

const view = (prompt_id, more = {}) => ({ type: "view", prompt_id, ...more });
const copy = (prompt_id, more = {}) => ({ type: "copy", prompt_id, ...more });
const answer = (accepted, duplicates = 0, rejected = []) => ({ accepted, duplicates, rejected });

test("32 clients at once on one prompt are told the values 1 to N, each once", async () => {
  const [id, each] = [await prompt(), 5];
  const told = await atOnce(CLIENTS, async () => {
    const values = [];
    for (let sent = 0; sent < each; sent++) {
      const { status, body } = await post(`/v1/prompts/${id}/view`);
      assert.equal(status, 200);
      values.push(body.viewCount);
    }
    return values;
  });
  const total = CLIENTS * each;
  assert.deepEqual(
    told.flat().sort((one, other) => one - other),
    Array.from({ length: total }, (_, index) => index + 1),
  );
  assert.deepEqual(await counts(id), [total, 0, 0, 0]);
});

test("the same id sent 32 times at once is counted once, whichever way it comes", async () => {
  const id = await prompt();
  const [event, shorthand, together] = [randomUUID(), randomUUID(), randomUUID()];

  const answers = await atOnce(CLIENTS, () => events(view(id, { id: event })));
  const sum = (field) => answers.reduce((total, answer) => total + answer[field], 0);
  assert.deepEqual([sum("accepted"), sum("duplicates")], [1, CLIENTS - 1]);

  const headers = { "idempotency-key": shorthand };
  const told = await atOnce(CLIENTS, () => post(`/v1/prompts/${id}/view`, undefined, { headers }));
  assert.equal(told.filter(({ status, body }) => status === 200 && !body.duplicate).length, 1);
  assert.equal(told.filter(({ status, body }) => status === 200 && body.duplicate).length, CLIENTS - 1);

  const batch = Array.from({ length: CLIENTS }, () => view(id, { id: together }));
  assert.deepEqual(await events(batch), answer(1, CLIENTS - 1));

  assert.deepEqual(await counts(id), [3, 0, 0, 0]);
});

test("without an id each delivery counts", async () => {
  const id = await prompt();
  await events(view(id));
  await events([view(id), view(id)]);
  await post(`/v1/prompts/${id}/view`);
  await post(`/v1/prompts/${id}/view`);
  assert.deepEqual(await counts(id), [5, 0, 0, 0]);
});

test("an id belongs to its prompt: the same one counts for another", async () => {
  const [one, other, id] = [await prompt(), await prompt(), randomUUID()];
  assert.deepEqual(await events([view(one, { id }), view(other, { id })]), answer(2));
  assert.deepEqual(await events([view(one, { id }), view(other, { id })]), answer(0, 2));
  assert.deepEqual([await counts(one), await counts(other)], [[1, 0, 0, 0], [1, 0, 0, 0]]);
});

for (const type of ["application/json", "text/plain", "application/json; charset=utf-8", "Text/Plain;charset=UTF-8"]) {
  const check = (form, write, expected) =>
    test(`${form} is taken as ${type}`, async () => {
      const id = await prompt();
      assert.deepEqual(await events(write(id), { type }), answer(expected));
      assert.deepEqual(await counts(id), [expected, 0, 0, 0]);
    });
  check("one event", (id) => view(id), 1);
  check("an array", (id) => [view(id), view(id)], 2);
  check("an object with events", (id) => ({ events: [view(id), view(id), view(id)] }), 3);
}

test("an empty batch is answered", async () => {
  assert.deepEqual(await events([]), answer(0));
  assert.deepEqual(await events({ events: [] }), answer(0));
});

test("500 events of three prompts come to three objects, in one call each", async () => {
  const prompts = [await prompt(), await prompt(), await prompt()];
  const before = await objects();
  const batch = Array.from({ length: 500 }, (_, index) =>
    (index % 2 ? view : copy)(prompts[index % 3], { id: randomUUID(), visitor: `visitor-${index % 7}` }),
  );
  assert.deepEqual(await events(batch), answer(500));
  assert.equal((await objects()).length, before.length + 3);
  for (const [rest, id] of prompts.entries()) {
    const mine = batch.filter((_, index) => index % 3 === rest);
    const views = mine.filter(({ type }) => type === "view").length;
    assert.deepEqual(await counts(id), [views, mine.length - views, 0, 0]);
    // The version counts a counter's commits.
    const [{ version }] = await until(async () => {
      const rows = await sql("select version from prompt_stats where prompt_id = ?", id);
      return rows.length > 0 && rows;
    });
    assert.equal(version, 1);
  }
  assert.deepEqual(await events(batch), answer(0, 500));
});

test("a bad event does not spoil its neighbours, and is named by its place", async () => {
  const [id, known] = [await prompt(), randomUUID()];
  const batch = [
    [view(id, { id: known })],
    [{ type: "view", prompt_id: "no-uuid" }, "invalid_uuid"],
    [copy(id)],
    [{ type: "stare", prompt_id: id }, "unknown_type"],
    [{ type: "view" }, "missing_field"],
    [{ prompt_id: id }, "missing_field"],
    ["view", "invalid_type"],
    [null, "invalid_type"],
    [view(randomUUID()), "unknown_prompt"],
    [view(id, { id: 7 }), "invalid_type"],
    [view(id, { id: "" }), "invalid_length"],
    [view(id, { id: "x".repeat(65) }), "invalid_length"],
    [view(id, { id: "é".repeat(64) })],
    [view(id, { timestamp: Date.now() - 49 * 3_600_000 }), "timestamp_out_of_range"],
    [view(id, { timestamp: Date.now() + 6 * 60_000 }), "timestamp_out_of_range"],
    [view(id, { timestamp: String(Date.now()) }), "invalid_type"],
    [view(id, { timestamp: Date.now() - 47 * 3_600_000 })],
    [view(id, { timestamp: Date.now() + 4 * 60_000 })],
    [view(id, { visitor: "x".repeat(129) }), "invalid_length"],
    [copy(id, { id: known }), "idempotency_key_reused"],
    [{ type: "fork", prompt_id: id }, "user_required"],
    [{ type: "exposure", experiment_id: "e", session_id: "s" }, "missing_field"],
    [{ type: "exposure", experiment_id: "e", session_id: "s", variant_key: "a" }],
    [view(id)],
  ];
  const { accepted, duplicates, rejected } = await events(batch.map(([event]) => event));
  const expected = batch.flatMap(([, code], index) => (code ? [{ index, code }] : []));
  assert.deepEqual(rejected.map(({ index, code }) => ({ index, code })), expected);
  assert.ok(rejected.every(({ detail }) => typeof detail === "string" && detail.length > 0));
  assert.deepEqual([accepted, duplicates], [batch.length - expected.length, 0]);
  assert.deepEqual(await counts(id), [5, 1, 0, 0]);
});

test("a reader sees its own acknowledged writes", async () => {
  const id = await prompt();
  for (let sent = 1; sent <= 10; sent++) {
    await events([view(id), copy(id)]);
    assert.deepEqual(await counts(id), [sent, sent, 0, 0]);
  }
});

test("the stats of a prompt that nobody counted are zeros, and null where there is nothing to tell", async () => {
  const id = await prompt();
  const { status, body } = await instance.get(`/v1/prompts/${id}/stats`);
  assert.equal(status, 200);
  assert.deepEqual(body, {
    promptId: id,
    viewCount: 0,
    copyCount: 0,
    forkCount: 0,
    compareCount: 0,
    likeCount: 0,
    uniqueVisitors: 0,
    visitCount: 0,
    totalUsage: 0,
    successCount: 0,
    failureCount: 0,
    successRate: null,
    avgGenerationTimeMs: null,
    lastUsedAt: null,
  });
});

test("a prompt is named by its id in either case, or by its slug", async () => {
  const row = promptRow({ slug: `größe & "mehr" ${randomUUID()}` });
  await prompt(row);
  const names = [row.id, row.id.toUpperCase(), encodeURIComponent(row.slug)];
  for (const [index, name] of names.entries()) {
    const { status, body } = await post(`/v1/prompts/${name}/view`);
    assert.deepEqual([status, body.promptId, body.viewCount], [200, row.id, index + 1]);
  }
  assert.deepEqual(await events(view(row.id.toUpperCase())), answer(1));
  assert.deepEqual(await counts(encodeURIComponent(row.slug)), [4, 0, 0, 0]);
});

test("the shorthands count what they are called after", async () => {
  const id = await prompt();
  const told = (viewCount, copyCount, compareCount) => ({
    promptId: id,
    viewCount,
    copyCount,
    forkCount: 0,
    compareCount,
    duplicate: false,
  });
  const as = user(randomUUID());
  assert.deepEqual((await post(`/v1/prompts/${id}/view`, { visitor: "somebody" })).body, told(1, 0, 0));
  assert.deepEqual((await post(`/v1/prompts/${id}/copy`)).body, told(1, 1, 0));
  assert.deepEqual((await post(`/v1/prompts/${id}/compare`, { comparison_id: "c" }, { as })).body, told(1, 1, 1));
  const rows = await sql("select event_type, comparison_id from prompt_events where prompt_id = ?", id);
  assert.deepEqual(rows, [{ event_type: "compare_add", comparison_id: "c" }]);
});

test("an Idempotency-Key repeated is a duplicate and tells the same counts", async () => {
  const as = user(randomUUID());
  for (const [shorthand, expected] of [["view", [1, 0, 0, 0]], ["copy", [0, 1, 0, 0]], ["compare", [0, 0, 0, 1]]]) {
    const id = await prompt();
    const headers = { "idempotency-key": randomUUID() };
    const send = () => post(`/v1/prompts/${id}/${shorthand}`, undefined, { headers, as });
    const [first, second] = [await send(), await send()];
    assert.deepEqual([first.status, first.body.duplicate], [200, false], shorthand);
    assert.deepEqual([second.status, second.body], [200, { ...first.body, duplicate: true }], shorthand);
    assert.deepEqual(await counts(id), expected);
  }
});

test("an Idempotency-Key is an event's id", async () => {
  const [id, key] = [await prompt(), randomUUID()];
  assert.deepEqual(await events(view(id, { id: key })), answer(1));
  const { body } = await post(`/v1/prompts/${id}/view`, undefined, { headers: { "idempotency-key": key } });
  assert.equal(body.duplicate, true);
  assert.deepEqual(await counts(id), [1, 0, 0, 0]);
});

test("an Idempotency-Key with another payload is refused and counts nothing", async () => {
  const id = await prompt();
  const as = user(randomUUID());
  const headers = { "idempotency-key": randomUUID() };
  assert.equal((await post(`/v1/prompts/${id}/view`, { visitor: "one" }, { headers })).status, 200);
  for (const [path, body] of [["view", { visitor: "other" }], ["view"], ["copy", { visitor: "one" }], ["compare"]]) {
    const refused = await post(`/v1/prompts/${id}/${path}`, body, { headers, as });
    assert.deepEqual([refused.status, refused.body.code], [422, "idempotency_key_reused"], path);
  }
  assert.deepEqual(await counts(id), [1, 0, 0, 0]);
});

for (const [way, path, headers] of [
  ["?ack=async", "?ack=async", {}],
  ["Prefer: respond-async", "", { prefer: "respond-async" }],
  ["Prefer among others", "", { prefer: "return=minimal, Respond-Async" }],
]) {
  test(`${way} is answered 202 at once, and the events are counted`, async () => {
    const [id, key] = [await prompt(), randomUUID()];
    const batch = [view(id, { id: key }), copy(id), view(id, { id: key }), { type: "stare" }];
    const queued = await post(`/v1/events${path}`, batch, { headers });
    assert.deepEqual([queued.status, queued.body], [202, { queued: 3 }]);
    assert.equal(queued.headers.get("preference-applied"), "respond-async");
    await until(async () => (await counts(id)).join() === "1,1,0,0");

    const one = await post(`/v1/prompts/${id}/view${path}`, undefined, { headers });
    assert.deepEqual([one.status, one.body], [202, { queued: 1 }]);
    await until(async () => (await counts(id)).join() === "2,1,0,0");
  });
}

test("ack=durable waits, whatever is preferred", async () => {
  const id = await prompt();
  const { status, body } = await post("/v1/events?ack=durable", view(id), { headers: { prefer: "respond-async" } });
  assert.deepEqual([status, body], [200, answer(1)]);
});

test("queued events are stored once storage is there again", async () => {
  const [id, key] = [await prompt(), randomUUID()];
  await sql("alter table prompts rename to prompts_away");
  const queued = await post("/v1/events?ack=async", [view(id), view(id, { id: key }), copy(id)]);
  assert.deepEqual([queued.status, queued.body], [202, { queued: 3 }]);
  await until(() => logs().some((line) => line.includes('"what":"prompts"')), "storage has failed");
  await sql("alter table prompts_away rename to prompts");
  await until(async () => (await counts(id)).join() === "2,1,0,0");
  assert.deepEqual(await events(view(id, { id: key })), answer(0, 1));
});

test("an id of an experiment belongs to one event", async () => {
  const experiment_id = randomUUID();
  const exposure = { type: "exposure", experiment_id, session_id: "one", variant_key: "a", id: "x" };
  const conversion = { type: "conversion", experiment_id, session_id: "two", id: "x" };
  const reused = (index) => ({ index, code: "idempotency_key_reused" });
  for (const [batch, accepted, duplicates, rejected] of [
    [[exposure, exposure, conversion], 1, 1, [reused(2)]],
    [[conversion, exposure], 0, 1, [reused(0)]],
    [[{ ...conversion, id: "y" }], 1, 0, []],
  ]) {
    const told = await events(batch);
    const codes = told.rejected.map(({ index, code }) => ({ index, code }));
    assert.deepEqual([told.accepted, told.duplicates, codes], [accepted, duplicates, rejected]);
  }
});
