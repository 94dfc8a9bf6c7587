// `POST /v1/admin/retract`: what a visitor or an address added is taken back, once, and what others added stays.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { BROWSERS, ROBOTS } from "./agents.mjs";
import { anonymous, atOnce, service, start, until, user } from "./instance.mjs";

const DAY_MS = 86_400_000;
const { events, evict, get, post, prompt, sql } = await start();
const view = (prompt_id, visitor, more) => ({ id: randomUUID(), type: "view", prompt_id, visitor, ...more });
const copy = (prompt_id, visitor) => ({ ...view(prompt_id, visitor), type: "copy" });
const sent = (batch) => events(batch, { as: service });
const ask = (body, query = "", as = service) => post(`/v1/admin/retract${query}`, body, { as });
const retract = async (body) => (await ask(body)).body;
const nothing = { views: 0, copies: 0, visits: 0, unique_visitors: 0 };

/** A prompt's views, copies, visits and visitors. */
async function told(id) {
  const { body } = await get(`/v1/prompts/${id}/stats`, { as: service });
  return [body.viewCount, body.copyCount, body.visitCount, body.uniqueVisitors];
}

test("a counter that never counted has nothing to take back, and stores nothing for that", async () => {
  const id = await prompt();
  const written = async () => {
    const { body } = await get("/v1/admin/metrics", { as: service });
    return /^promptmeter_object_rows_written_total (\d+)$/m.exec(body)[1];
  };
  const before = await written();
  assert.deepEqual(await retract({ visitor: "x", prompt_ids: [id] }), { prompts: 1, retracted: [], sum: nothing, next_cursor: null });
  assert.equal(await written(), before);
});

test("what a visitor added to several prompts is taken back, and what others added stays", async () => {
  const [one, other, third] = [await prompt(), await prompt(), await prompt()];
  const honest = [view(one, "a"), view(one, "b"), view(one, "b"), view(other, "a"), copy(one, "a")];
  assert.equal((await sent(honest)).accepted, honest.length);
  const inflating = Array.from({ length: 30 }, (_, place) => view(place % 3 ? one : other, "x"));
  assert.equal((await sent(inflating)).accepted, 30);
  assert.equal((await sent(view(third, "b"))).accepted, 1);
  assert.deepEqual(await told(one), [23, 1, 3, 3]);
  assert.deepEqual(await told(other), [11, 0, 2, 2]);
  await evict(one);
  const { prompts, sum, retracted } = await retract({ visitor: "x", prompt_ids: [one, other, third] });
  assert.deepEqual([prompts, sum], [3, { views: 30, copies: 0, visits: 2, unique_visitors: 2 }]);
  assert.deepEqual(retracted.map(({ prompt_id }) => prompt_id), [one, other]);
  assert.deepEqual(await told(one), [3, 1, 2, 2]);
  assert.deepEqual(await told(other), [1, 0, 1, 1]);
  assert.deepEqual(await told(third), [1, 0, 1, 1]);
  assert.deepEqual((await retract({ visitor: "x", prompt_ids: [one, other] })).retracted, []);
  // Sent again, it is still known.
  assert.equal((await sent(inflating)).duplicates, 30);
  assert.deepEqual(await told(one), [3, 1, 2, 2]);
  // What is counted next is added to what is left of the day.
  assert.equal((await sent(view(one, "c"))).accepted, 1);
  const { body } = await get(`/v1/prompts/${one}/series?metric=view`);
  assert.equal(body.points.reduce((total, { count }) => total + count, 0), 4);
});

test("what an address added is taken back, once, from the counts, the series, the snapshot and the trend", async () => {
  const id = await prompt();
  const browse = (ip, agent, batch) => events(batch, { as: anonymous, headers: { "cf-connecting-ip": ip, "user-agent": agent } });
  const [flagged, honest] = ["192.0.2.8", "192.0.2.7"];
  await browse(honest, BROWSERS[0], [view(id), copy(id)]);
  await browse(honest, BROWSERS[1], [view(id)]);
  for (let number = 0; number < 40; number++) await browse(flagged, `${BROWSERS[0]} ${number}`, [view(id)]);
  await browse(flagged, BROWSERS[0], [view(id, undefined, { timestamp: Date.now() - DAY_MS }), copy(id)]);
  await browse(flagged, ROBOTS[0], [view(id)]);
  assert.deepEqual(await told(id), [43, 2, 43, 43]);

  const sum = async (metric) => {
    const { body } = await get(`/v1/prompts/${id}/series?metric=${metric}`);
    return body.points.reduce((total, { count }) => total + count, 0);
  };
  const trend = async () => (await get("/v1/prompts/top/trending?limit=100")).body.prompts.find((row) => row.id === id)?.score;
  /** The snapshot follows; of a visit a day ago half is left. */
  const follows = (columns, score) =>
    until(async () => {
      const [row] = await sql("select view_count, copy_count, visit_count, unique_visitors from prompt_stats where prompt_id = ?", id);
      return row && Object.values(row).join() === columns.join() && Math.abs((await trend()) - score) < 0.5;
    }, `the snapshot tells ${columns}, and the trend about ${score}`);
  await follows([43, 2, 43, 43], 42.5);
  assert.deepEqual([await sum("view"), await sum("copy"), await sum("visit"), await sum("bot")], [43, 2, 43, 1]);

  const request = { ip: flagged, prompt_ids: [id] };
  assert.deepEqual((await retract(request)).sum, { views: 41, copies: 1, visits: 41, unique_visitors: 41 });
  assert.deepEqual(await told(id), [2, 1, 2, 2]);
  await evict(id);
  assert.deepEqual((await retract(request)).sum, nothing);
  assert.deepEqual(await told(id), [2, 1, 2, 2]);
  // What was no view was not counted as one.
  assert.deepEqual([await sum("view"), await sum("copy"), await sum("visit"), await sum("bot")], [2, 1, 2, 1]);
  await follows([2, 1, 2, 2], 2);
  await until(async () => {
    const { body } = await get("/v1/admin/verify", { as: service });
    assert.deepEqual(body.differences, []);
    return body.pending === 0;
  }, "nothing is pending");
});

test("without prompts, all that were counted lately are asked", async () => {
  const ids = await atOnce(3, () => prompt());
  const visitor = randomUUID();
  await sent(ids.map((id) => view(id, visitor)));
  const taken = new Set();
  await until(async () => {
    for (let cursor = ""; cursor !== null; ) {
      const { body } = await ask({ visitor }, `?limit=2${cursor}`);
      for (const { prompt_id } of body.retracted) taken.add(prompt_id);
      cursor = body.next_cursor && `&cursor=${body.next_cursor}`;
    }
    return taken.size === ids.length;
  }, "the snapshots name the prompts");
  for (const id of ids) assert.deepEqual(await told(id), [0, 0, 0, 0]);
});

test("the route asks the counters that are named, or those that counted lately, a page at a time", async () => {
  const slug = `slug-${randomUUID()}`;
  const ids = [await prompt({ slug }), ...(await atOnce(3, () => prompt()))];
  await sent(ids.map((id) => view(id, "somebody else")));
  const named = await ask({ ip: "203.0.113.7", prompt_ids: [slug, ids[1], ids[0], ids[1]] });
  assert.deepEqual([named.status, named.body], [200, { prompts: 2, retracted: [], sum: nothing, next_cursor: null }]);
  assert.equal((await retract({ visitor: "somebody", prompt_ids: [ids[0]] })).prompts, 1);

  for (const id of ids) await until(async () => (await sql("select 1 from prompt_stats where prompt_id = ?", id)).length);
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
});

test("the route is the service's, and refuses what it does not know", async () => {
  const id = await prompt();
  for (const [body, status, code, pointer] of [
    [{ ip: "203.0.113" }, 400, "invalid_value", "/ip"],
    [{}, 400, "missing_field", "/ip"],
    [{ ip: "::1", visitor: "x" }, 400, "invalid_value", "/visitor"],
    [{ ip: "::1", prompt_ids: [] }, 400, "invalid_length", "/prompt_ids"],
    [{ ip: "::1", prompts: [id] }, 400, "invalid_value", "/prompts"],
    [{ ip: "::1", prompt_ids: [id, randomUUID()] }, 404, "unknown_prompt", "/prompt_ids/1"],
  ]) {
    const answer = await ask(body);
    assert.deepEqual([answer.status, answer.body.code, answer.body.pointer], [status, code, pointer], JSON.stringify(body));
  }
  assert.equal((await ask({ ip: "::1" }, "?cursor=x")).status, 400);
  assert.equal((await ask({ ip: "::1" }, "", anonymous)).status, 401);
  assert.equal((await ask({ ip: "::1" }, "", user(randomUUID()))).status, 403);
  assert.equal((await get("/v1/admin/retract", { as: service })).status, 405);
});
