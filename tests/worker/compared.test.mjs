// The prompts that are most often in the same comparison.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { anonymous, promptRow, service, start, user } from "./instance.mjs";

const instance = await start();
const { cron, events, get, imported, post, prompt, sql } = instance;

const somebody = () => {
  const sub = randomUUID();
  return { sub, as: user(sub) };
};
const compare = (prompt_id, comparison_id, more = {}) => ({ type: "compare_add", prompt_id, comparison_id, ...more });

/** The prompts that are compared with one, and how often. */
async function compared(id, as = anonymous, query = "") {
  const answer = await get(`/v1/prompts/${id}/compared${query}`, { as });
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  assert.equal(answer.body.promptId, id);
  return answer.body.prompts.map(({ id, comparisons }) => [id, comparisons]);
}

test("pairs are counted once in each comparison of a user", async () => {
  const [one, two, three, { as }, other] = [await prompt({ slug: "one" }), await prompt(), await prompt(), somebody(), somebody()];
  await events([compare(one, "a"), compare(two, "a"), compare(three, "a")], { as });
  await events([compare(one, "b"), compare(two, "b"), compare(two, "b"), compare(one, "b", { id: "again" })], { as });
  await events(compare(one, "b", { id: "again" }), { as });
  // Another user's comparison of the same name is another, and without a name there is none.
  await events([compare(one, "a")], { as: other.as });
  await events([compare(one), compare(three)], { as: other.as });
  await post(`/v1/prompts/${two}/compare`, { comparison_id: "a" }, { as: other.as });
  assert.deepEqual(await compared(one), [[two, 3], [three, 1]]);
  assert.deepEqual(await compared(two), [[one, 3], [three, 1]]);
  assert.deepEqual(await compared(one, anonymous, "?limit=1"), [[two, 3]]);
  const { body } = await get(`/v1/prompts/${two}/compared?limit=1`);
  assert.deepEqual(body, { promptId: two, prompts: [{ id: one, slug: "one", title: "A title", comparisons: 3 }] });
});

test("rows that an application stores are counted, too, and one that a crash left is counted by the cron", async () => {
  const [one, two, three, { sub, as }] = [await prompt(), await prompt(), await prompt(), somebody()];
  const row = (prompt_id) => ({ prompt_id, user_id: sub, event_type: "compare_add", comparison_id: "c" });
  for (const id of [one, two]) {
    assert.equal((await instance.send("POST", "/rest/v1/prompt_events", { as, body: row(id) })).status, 201);
  }
  assert.deepEqual(await compared(one), [[two, 1]]);
  const columns = "id, prompt_id, user_id, event_type, comparison_id, created_at, uncounted_since_ms";
  const values = [randomUUID(), three, sub, "compare_add", "c", "2026-11-20T12:00:00.000000+00:00", 1];
  await sql(`insert into prompt_events (${columns}) values (?, ?, ?, ?, ?, ?, ?)`, ...values);
  assert.deepEqual(await compared(three), []);
  await cron();
  assert.deepEqual((await compared(three)).sort(), [[one, 1], [two, 1]].sort());
});

test("only prompts that the caller may see are told", async () => {
  const [owner, { as }] = [somebody(), somebody()];
  const rows = ["public", "private", "inactive"].map((title) =>
    promptRow({ title, user_id: owner.sub, is_public: title !== "private", is_active: title !== "inactive" }),
  );
  await imported(rows.map((row) => ({ table: "prompts", row })));
  const [id, ...others] = [await prompt(), ...rows.map(({ id }) => id)];
  await events([id, ...others].map((id) => compare(id, "c")), { as: owner.as });
  for (const caller of [anonymous, as]) assert.deepEqual(await compared(id, caller), [[others[0], 1]]);
  for (const caller of [owner.as, service]) {
    assert.deepEqual((await compared(id, caller)).map(([id]) => id), others.toSorted());
  }
  await sql("delete from prompts where id = ?", others[0]);
  assert.deepEqual(await compared(id), []);
});

test("limit is checked", async () => {
  const id = await prompt();
  for (const limit of ["0", "101", "x"]) {
    const { status, body } = await get(`/v1/prompts/${id}/compared?limit=${limit}`);
    assert.deepEqual([status, body.code], [400, "invalid_value"]);
  }
  assert.deepEqual(await compared(id, anonymous, "?limit=100"), []);
});
