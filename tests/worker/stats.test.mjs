// `GET /v1/prompts/stats?ids=…`: a list page's stats in one answer.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, test } from "node:test";
import { promptRow, service, start, until, user } from "./instance.mjs";

const { events, get, prompt, imported, sql } = await start();
const stats = (ids, options) => get(`/v1/prompts/stats?ids=${ids}`, options);
const idsOf = ({ body }) => body.stats.map(({ promptId }) => promptId);
const view = (prompt_id) => ({ type: "view", prompt_id });

describe("stats of many prompts", { concurrency: true }, () => {
  test("are those of each, from its snapshot, in the order in which they were asked for", async () => {
    const ids = [await prompt(), await prompt(), await prompt({ slug: "by-its-slug" })];
    await events([view(ids[0]), view(ids[0]), { type: "copy", prompt_id: ids[1] }]);
    const used = { type: "usage", prompt_id: ids[2], generation_time_ms: 40, timestamp: Date.now() };
    await events([used, { ...used, success: false, generation_time_ms: 50 }], { as: service });
    await until(async () => (await sql("select 1 from prompt_stats where prompt_id in (?, ?)", ids[0], ids[1])).length === 2);
    const asked = [ids[2], ids[0], ids[1]];
    const { body } = await stats(asked.join());
    const one = await Promise.all(asked.map(async (id) => (await get(`/v1/prompts/${id}/stats`)).body));
    assert.deepEqual(body, { stats: one });
    assert.deepEqual([body.stats[0].totalUsage, body.stats[0].successRate, body.stats[0].avgGenerationTimeMs], [2, 50, 45]);
    assert.deepEqual(idsOf(await stats(`by-its-slug,${ids[0]},by-its-slug,${ids[2]},${ids[0]}`)), [ids[2], ids[0]]);
  });

  test("have visits and visitors, as the snapshot says", async () => {
    const id = await prompt();
    const columns = "prompt_id, view_count, copy_count, fork_count, compare_count, visit_count, unique_visitors, version, updated_at";
    await sql(`insert into prompt_stats (${columns}) values (?, 9, 4, 3, 2, 7, 5, 1, '2026-11-20T12:00:00.000000+00:00')`, id);
    const { viewCount, copyCount, forkCount, compareCount, visitCount, uniqueVisitors } = (await stats(id)).body.stats[0];
    assert.deepEqual([viewCount, copyCount, forkCount, compareCount, visitCount, uniqueVisitors], [9, 4, 3, 2, 7, 5]);
  });

  test("leave out whatever the caller may not see", async () => {
    const [owner, shown, hidden] = [randomUUID(), randomUUID(), randomUUID()];
    await prompt({ id: shown, user_id: owner });
    await prompt({ id: hidden, user_id: owner, is_public: false, slug: "hidden-one" });
    const all = `${hidden},${randomUUID()},no-such-slug,${shown},hidden-one`;
    assert.deepEqual(idsOf(await stats(all)), [shown]);
    assert.deepEqual(idsOf(await stats(all, { as: user(randomUUID()) })), [shown]);
    assert.deepEqual(idsOf(await stats(all, { as: user(owner) })), [hidden, shown]);
    assert.deepEqual(idsOf(await stats(all, { as: service })), [hidden, shown]);
    assert.deepEqual((await stats(hidden)).body, { stats: [] });
  });

  test("may be kept for five seconds, by everybody only if everybody is told the same", async () => {
    const id = await prompt();
    const first = await stats(id);
    const tag = first.headers.get("etag");
    assert.match(tag, /^"[0-9a-f]{16}"$/);
    const cached = ({ headers }) => [headers.get("cache-control"), headers.get("vary")];
    assert.deepEqual(cached(first), ["public, max-age=5", "Authorization, apikey"]);
    for (const as of [user(randomUUID()), service]) {
      assert.deepEqual(cached(await stats(id, { as })), ["private, max-age=5", "Authorization, apikey"]);
    }
    for (const known of [tag, `W/${tag}`, `"other", ${tag}`, "*"]) {
      const again = await stats(id, { headers: { "if-none-match": known } });
      assert.deepEqual([again.status, again.body, again.headers.get("etag")], [304, "", tag], known);
      assert.deepEqual(cached(again), cached(first));
    }
    assert.equal((await stats(id, { headers: { "if-none-match": '"other"' } })).status, 200);
    await events(view(id));
    await until(async () => (await stats(id, { headers: { "if-none-match": tag } })).status === 200, "the tag is another");
  });

  test("are those of at most 100 prompts", async () => {
    const rows = Array.from({ length: 101 }, () => promptRow());
    await imported(rows.map((row) => ({ table: "prompts", row })));
    const ids = rows.map(({ id }) => id);
    assert.deepEqual(idsOf(await stats(ids.slice(1).join())), ids.slice(1));
    for (const refused of [ids.join(), "", ",,", " "]) {
      const { status, body } = await stats(refused);
      assert.deepEqual([status, body.code], [400, "invalid_value"]);
    }
    assert.equal((await get("/v1/prompts/stats")).status, 400);
  });
});
