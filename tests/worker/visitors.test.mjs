// Visitors and visits of a prompt: which views are visits, how many visitors there were, and where that is told.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { service, start, until } from "./instance.mjs";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const { events, evict, get, prompt } = await start();

/** The middle of a day, so that what happened around it happened under one salt. */
const noon = (Math.floor(Date.now() / DAY_MS) - 0.5) * DAY_MS;
const view = (prompt_id, visitor, minutes) =>
  ({ type: "view", prompt_id, visitor, timestamp: minutes === undefined ? undefined : noon + minutes * MINUTE_MS });
const sent = async (batch) => assert.equal((await events(batch, { as: service })).accepted, batch.length);

/** Checks what the counter reads: views, copies, visits, visitors. */
async function check(id, expected, what) {
  const { body } = await get(`/v1/prompts/${id}/stats`, { as: service });
  assert.deepEqual([body.viewCount, body.copyCount, body.visitCount, body.uniqueVisitors], expected, what);
}

/** Why, visits of somebody in minutes after noon, another view of theirs, and how many visits they have then. */
for (const [why, before, minutes, visits] of [
  ["is the first", [], 0, 1],
  ["comes at the same time as another", [0], 0, 1],
  ["comes just before the window after another is over", [0], 29.98, 1],
  ["comes when the window after another is over", [0], 30, 2],
  ["happened in the window before one that was told sooner", [0], -29.98, 1],
  ["happened before that", [0], -30, 2],
  ["lies in the window of a view that was no visit itself", [0, 20], 40, 2],
  ["happened between two visits, in the window of both", [0, 31], 15, 2],
]) {
  test(`a view that ${why}: ${visits} visits`, async () => {
    const id = await prompt();
    for (const other of before) await sent([view(id, "a", other)]);
    await sent([view(id, "b", minutes)]);
    await sent([view(id, "a", minutes)]);
    await check(id, [before.length + 2, 0, visits + 1, 2]);
  });
}

test("visitors and visits survive an eviction, and are told by the stats, the series and the snapshot", async () => {
  const id = await prompt();
  const first = [view(id, "a", 0), view(id, "a", 0), view(id, "a", -29), view(id, "b", 0), { type: "copy", prompt_id: id, visitor: "c" }];
  await sent(first);
  await check(id, [4, 1, 2, 2]);
  await evict(id);
  await check(id, [4, 1, 2, 2], "after an eviction");
  await sent([view(id, "b", -10), view(id, "b", -30), view(id, "d", 4)]);
  await check(id, [7, 1, 4, 3]);
  const { body } = await get(`/v1/prompts/${id}/series?metric=visit&interval=hour&from=${noon - HOUR_MS}&to=${noon + HOUR_MS}`);
  assert.deepEqual(body.points.map(({ count }) => count), [1, 3]);
  await until(async () => {
    const [row] = (await get(`/v1/prompts/stats?ids=${id}`)).body.stats;
    return [row.viewCount, row.copyCount, row.visitCount, row.uniqueVisitors].join() === "7,1,4,3";
  }, "the snapshot tells the same");
  await until(async () => {
    const { body } = await get("/v1/admin/verify", { as: service });
    assert.deepEqual(body.differences, []);
    return body.pending === 0;
  }, "nothing is pending");
});

test("more visitors than are counted exactly are estimated, and survive an eviction", async () => {
  const id = await prompt();
  const strangers = (length) => Array.from({ length }, () => view(id, randomUUID()));
  await sent(strangers(400));
  await check(id, [400, 0, 400, 400]);
  for (let batch = 0; batch < 8; batch++) await sent(strangers(450));
  const { body } = await get(`/v1/prompts/${id}/stats`, { as: service });
  assert.deepEqual([body.viewCount, body.visitCount], [4000, 4000]);
  // Four times the standard error.
  assert.ok(Math.abs(body.uniqueVisitors - 4000) < 4000 * 0.065, `${body.uniqueVisitors} visitors`);
  await evict(id);
  assert.deepEqual((await get(`/v1/prompts/${id}/stats`, { as: service })).body, body);
});
