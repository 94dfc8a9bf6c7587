// Visitors, visits and sources of a prompt: what a counter says to its commands, what it stores, and what is taken back.
//
// Commands are sent to the object itself, as text: keys of 64 bits are more than a number of JavaScript holds.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { atOnce, service, start, until, user } from "./instance.mjs";

const { command, counts, evict, get, post, prompt, sql } = await start();

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
let deliveries = 0;

/** An increment; `visitor` and `source` are small numbers. */
const one = (metric, visitor, source, more = {}) => ({ metric, at_ms: Date.now(), visitor, source, ...more });

/** Counts increments and gives the tally. */
async function count(id, increments) {
  const reply = await command(id, { count: { prompt_id: id, delivery: ++deliveries, increments } });
  return reply.counted.tally;
}

/** Checks what the counter reads: views, copies, visits, visitors. */
async function check(id, expected, what) {
  const { tally, unique_visitors } = (await command(id, "read")).read;
  assert.deepEqual([tally.views, tally.copies, tally.visits, unique_visitors], expected, what);
}

const retract = async (id, sources) => (await command(id, { retract: { sources } })).retracted;

test("visitors and visits are counted, survive an eviction, and are told by the snapshot", async () => {
  const id = await prompt();
  const now = Date.now();
  const at = (minutes, visitor) => one("view", visitor, undefined, { at_ms: now + minutes * MINUTE_MS });
  await count(id, [at(0, 1), at(0, 1), at(-29, 1), at(0, 2), at(0), one("copy", 3)]);
  await check(id, [5, 1, 2, 2]);
  await evict(id);
  await check(id, [5, 1, 2, 2], "after an eviction");
  assert.equal((await count(id, [at(-10, 2), at(-30, 2), at(4, 4)])).visits, 4);
  await check(id, [8, 1, 4, 3]);
  const { audited } = await command(id, "audit");
  assert.deepEqual(audited.days, audited.tally);
});

test("more visitors than are counted exactly are estimated, and survive an eviction", async () => {
  const id = await prompt();
  // Digests are uniform; a text of JSON keeps all their bits.
  const digest = () => BigInt.asUintN(64, BigInt(`0x${randomUUID().replaceAll("-", "").slice(16)}`) * 0x9e3779b97f4a7c15n);
  const send = (length) => {
    const increments = Array.from({ length }, () => `{"metric":"view","at_ms":${Date.now()},"visitor":${digest()}}`);
    return command(id, `{"count":{"prompt_id":"${id}","delivery":${++deliveries},"increments":[${increments}]}}`);
  };
  await send(400);
  await check(id, [400, 0, 400, 400]);
  for (let batch = 0; batch < 8; batch++) await send(450);
  const before = (await command(id, "read")).read;
  assert.equal(before.tally.visits, 4000);
  assert.ok(Math.abs(before.unique_visitors - 4000) < 4000 * 0.065, `${before.unique_visitors} visitors`);
  await evict(id);
  assert.deepEqual((await command(id, "read")).read, before);
});

test("what a source added is taken back, once, from the counts, the days, the snapshot and the trend", async () => {
  const id = await prompt();
  const yesterday = Date.now() - DAY_MS;
  await count(id, [one("view", 1, 7), one("copy", 1, 7), one("view", undefined, undefined)]);
  await count(id, Array.from({ length: 40 }, (_, visitor) => one("view", 100 + visitor, 8)));
  await count(id, [one("view", 100, 9, { at_ms: yesterday }), one("bot", 5, 8), one("copy", 5, 8)]);
  await check(id, [43, 2, 42, 41]);
  const told = (columns) => until(async () => {
    const [row] = await sql("select view_count, copy_count from prompt_stats where prompt_id = ?", id);
    return row && [row.view_count, row.copy_count].join() === columns;
  }, `the snapshot tells ${columns}`);
  await told("43,2");
  const taken = await retract(id, [8, 9, 10]);
  assert.deepEqual([taken.tally.views, taken.tally.copies, taken.tally.visits, taken.unique_visitors], [41, 1, 41, 40]);
  await check(id, [2, 1, 1, 1]);
  await evict(id);
  const again = await retract(id, [8, 9, 10]);
  assert.deepEqual([again.tally.views, again.tally.copies, again.unique_visitors], [0, 0, 0]);
  await check(id, [2, 1, 1, 1]);
  const { audited } = await command(id, "audit");
  assert.deepEqual(audited.days, audited.tally);
  assert.equal(audited.tally.bots, 1);
  assert.deepEqual(await counts(id), [2, 1, 0, 0]);
  await told("2,1");
});

test("a counter that never counted has nothing to take back, and stores nothing for that", async () => {
  const id = await prompt();
  assert.deepEqual((await retract(id, [1])).unique_visitors, 0);
  assert.equal((await command(id, "audit")).audited.version, 0);
});

test("the route asks the counters that are named, or those that counted lately, a page at a time", async () => {
  const slug = `slug-${randomUUID()}`;
  const ids = [await prompt({ slug }), ...(await atOnce(3, () => prompt()))];
  for (const id of ids) await count(id, [one("view", 1, 1)]);
  const ask = (body, query = "", as = service) => post(`/v1/admin/retract${query}`, body, { as });
  const nothing = { views: 0, copies: 0, visits: 0, unique_visitors: 0 };
  const named = await ask({ ip: "203.0.113.7", prompt_ids: [slug, ids[1], ids[0], ids[1]] });
  assert.deepEqual([named.status, named.body], [200, { prompts: 2, retracted: [], sum: nothing, next_cursor: null }]);
  assert.equal((await ask({ visitor: "somebody", prompt_ids: [ids[0]] })).body.prompts, 1);

  const told = (id) => until(async () => (await sql("select 1 from prompt_stats where prompt_id = ?", id)).length);
  for (const id of ids) await told(id);
  await sql("update prompt_stats set updated_at = '2020-01-01T00:00:00.000000+00:00' where prompt_id = ?", ids[3]);
  const lately = async (limit) => {
    let [prompts, pages] = [0, 0];
    for (let cursor = ""; cursor !== null; pages++) {
      const { status, body } = await ask({ ip: "2001:db8::1" }, `?limit=${limit}${cursor}`);
      assert.equal(status, 200, JSON.stringify(body));
      prompts += body.prompts;
      cursor = body.next_cursor && `&cursor=${body.next_cursor}`;
    }
    return { prompts, pages };
  };
  const [{ recent }] = await sql("select count(*) as recent from prompt_stats where updated_at > '2021'");
  assert.deepEqual(await lately(100), { prompts: recent, pages: 1 });
  assert.deepEqual(await lately(2), { prompts: recent, pages: Math.ceil(recent / 2) });

  for (const [body, status, code, pointer] of [
    [{ ip: "203.0.113" }, 400, "invalid_value", "/ip"],
    [{}, 400, "missing_field", "/ip"],
    [{ ip: "::1", prompt_ids: [] }, 400, "invalid_length", "/prompt_ids"],
    [{ ip: "::1", prompts: [ids[0]] }, 400, "invalid_value", "/prompts"],
    [{ ip: "::1", prompt_ids: [ids[0], randomUUID()] }, 404, "unknown_prompt", "/prompt_ids/1"],
  ]) {
    const answer = await ask(body);
    assert.deepEqual([answer.status, answer.body.code, answer.body.pointer], [status, code, pointer], JSON.stringify(body));
  }
  assert.equal((await ask({ ip: "::1" }, "?cursor=x")).status, 400);
  assert.equal((await ask({ ip: "::1" }, "", {})).status, 401);
  assert.equal((await ask({ ip: "::1" }, "", user(randomUUID()))).status, 403);
  assert.equal((await get("/v1/admin/retract", { as: service })).status, 405);
});
