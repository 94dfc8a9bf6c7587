// Visitors that a trusted server names, from the event to the stats, and what one of them added, taken back.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { service, start, until } from "./instance.mjs";

const { events, evict, get, post, prompt } = await start();
const view = (prompt_id, visitor, more) => ({ id: randomUUID(), type: "view", prompt_id, visitor, ...more });
const sent = (batch) => events(batch, { as: service });

/** A prompt's views, copies, visits and visitors. */
async function told(id) {
  const { body } = await get(`/v1/prompts/${id}/stats`, { as: service });
  return [body.viewCount, body.copyCount, body.visitCount, body.uniqueVisitors];
}

test("what a visitor added to several prompts is taken back, and what others added stays", async () => {
  const [one, other, third] = [await prompt(), await prompt(), await prompt()];
  const honest = [view(one, "a"), view(one, "b"), view(one, "b"), view(other, "a"), { ...view(one, "a"), type: "copy" }];
  assert.equal((await sent(honest)).accepted, honest.length);
  const inflating = Array.from({ length: 30 }, (_, place) => view(place % 3 ? one : other, "x"));
  assert.equal((await sent(inflating)).accepted, 30);
  assert.equal((await sent(view(third, "b"))).accepted, 1);
  assert.deepEqual(await told(one), [23, 1, 3, 3]);
  assert.deepEqual(await told(other), [11, 0, 2, 2]);
  await evict(one);
  const retract = async (body) => (await post("/v1/admin/retract", body, { as: service })).body;
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
});

test("without prompts, all that were counted lately are asked", async () => {
  const ids = await Promise.all(Array.from({ length: 3 }, () => prompt()));
  const visitor = randomUUID();
  await sent(ids.map((id) => view(id, visitor)));
  const taken = new Set();
  await until(async () => {
    for (let cursor = ""; cursor !== null; ) {
      const { body } = await post(`/v1/admin/retract?limit=2${cursor}`, { visitor }, { as: service });
      for (const { prompt_id } of body.retracted) taken.add(prompt_id);
      cursor = body.next_cursor && `&cursor=${body.next_cursor}`;
    }
    return taken.size === ids.length;
  }, "the snapshots name the prompts");
  for (const id of ids) assert.deepEqual(await told(id), [0, 0, 0, 0]);
});
