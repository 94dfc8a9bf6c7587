// `GET /v1/admin/verify`: what is told agrees with what it is told of, and what does not is found.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { service, start, until, user } from "./instance.mjs";

const { events, get, prompt, sql } = await start();

/** All pages, as one. */
async function verify(limit = 100) {
  const whole = { prompts: 0, pending: 0, rankings_pending: 0, differences: [], pages: 0, events: {} };
  for (let cursor = ""; cursor !== null; ) {
    const { status, body } = await get(`/v1/admin/verify?limit=${limit}${cursor}`, { as: service });
    assert.equal(status, 200, JSON.stringify(body));
    whole.pages++;
    whole.prompts += body.prompts;
    whole.pending += body.pending;
    whole.rankings_pending += body.rankings_pending;
    whole.differences.push(...body.differences);
    for (const [type, count] of Object.entries(body.events)) whole.events[type] = (whole.events[type] ?? 0) + count;
    cursor = body.next_cursor && `&cursor=${body.next_cursor}`;
  }
  return whole;
}
const settled = () =>
  until(async () => {
    const whole = await verify();
    return whole.pending === 0 && whole.rankings_pending === 0 && whole;
  }, "nothing is pending");

test("what is counted, stored and told agrees; what is changed behind it is found", async () => {
  const ids = await Promise.all(Array.from({ length: 5 }, () => prompt()));
  const of = (type, prompt_id, more) => ({ id: randomUUID(), type, prompt_id, ...more });
  const batch = ids.flatMap((id, place) => [
    ...Array.from({ length: place }, () => of("view", id)),
    of("copy", id),
    of("fork", id),
    of("compare_add", id, { comparison_id: "c" }),
    of("usage", id, { success: place % 2 === 0, generation_time_ms: 100 * place, scene: place ? "s" : undefined }),
  ]);
  assert.equal((await events(batch, { as: user(randomUUID()) })).accepted, batch.length);
  const { pages, ...whole } = await settled();
  assert.deepEqual(whole, {
    prompts: 5,
    pending: 0,
    rankings_pending: 0,
    differences: [],
    events: { view: 10, copy: 5, fork: 5, compare_add: 5, usage: 5 },
  });
  assert.equal(pages, 1);
  assert.deepEqual({ ...(await verify(2)), pages: 3 }, { ...whole, pages: 3 });

  const [views, forks, used, gone, listed] = ids;
  await sql("update prompt_stats set view_count = view_count + 3 where prompt_id = ?", views);
  await sql("update prompt_stats set visit_count = visit_count + 9, unique_visitors = unique_visitors + 8 where prompt_id = ?", views);
  await sql("delete from prompt_events where prompt_id = ? and event_type = 'fork'", forks);
  await sql("update prompt_usage_totals set uses = 7 where prompt_id = ?", used);
  await sql("delete from prompt_stats where prompt_id = ?", gone);
  await sql("update prompt_rankings set is_listed = 0 where prompt_id = ? and metric = 'use'", listed);
  const { differences } = await settled();
  const found = differences.map(({ prompt_id, check, expected, found }) => [prompt_id, check, expected, found]);
  const has = (...difference) => assert.ok(found.some((one) => one.join() === difference.join()), `${difference}: ${JSON.stringify(found)}`);
  has(views, "prompt_stats.view", 0, 3);
  has(views, "rankings.view", 3, 0);
  const off = (check) => found.filter(([id, name]) => id === views && name === check).map(([, , expected, told]) => told - expected);
  assert.deepEqual(["prompt_stats.visit", "prompt_stats.unique_visitors", "rankings.visit"].map(off), [[9], [8], [-9]]);
  has(forks, "prompt_events.fork", 0, 1);
  has(used, "usage.uses", 1, 7);
  has(gone, "prompt_stats.version", 1, 0);
  has(listed, "rankings.wrongly_listed", 0, 1);
  assert.deepEqual([...new Set(found.map(([id]) => id))].sort(), [...ids].sort());
});

test("is the service's, and refuses what is no page", async () => {
  for (const [as, status] of [[{}, 401], [user(randomUUID()), 403]]) {
    assert.equal((await get("/v1/admin/verify", { as })).status, status);
  }
  for (const query of ["limit=0", "limit=101", "cursor=x"]) {
    const { status, body } = await get(`/v1/admin/verify?${query}`, { as: service });
    assert.deepEqual([status, body.code], [400, "invalid_value"]);
  }
});
