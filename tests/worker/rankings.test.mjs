// `GET /v1/prompts/top/{list}`: what counters and rows tell the lists, and who is in them.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, test } from "node:test";
import { promptRow, service, start, until, user } from "./instance.mjs";

const HOUR_MS = 3_600_000;
const { cron, events, get, post, prompt, send, sql } = await start();

const top = async (list, query = "", options) => (await get(`/v1/prompts/top/${list}?limit=100&${query}`, options)).body.prompts;
const ids = async (...request) => (await top(...request)).map(({ id }) => id);
/** The prompts of a list among `these`, in its order. */
const order = async (these, ...request) => (await ids(...request)).filter((id) => these.includes(id));
const times = (count, type, prompt_id, hours = 0) =>
  Array.from({ length: count }, () => ({ type, prompt_id, timestamp: Date.now() - hours * HOUR_MS }));
const usage = (prompt_id, success, hours = 0) => ({ ...times(1, "usage", prompt_id, hours)[0], success });
const template = async (prompt_id) => {
  const row = { id: randomUUID(), prompt_id };
  const made = await post("/rest/v1/prompt_templates", row, { as: service });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  return row.id;
};
const like = async (template_id) => {
  const answer = await post("/rest/v1/rpc/increment_likes_count", { template_id }, { as: user(randomUUID()) });
  assert.equal(answer.status, 204, JSON.stringify(answer.body));
};

describe("lists", { concurrency: true }, () => {
  test("follow the counters, by what was counted lately and ever", async () => {
    const [old, young, both] = [await prompt(), await prompt(), await prompt()];
    const sent = [...times(9, "view", old, 30), ...times(5, "view", young), ...times(4, "view", both), ...times(4, "view", both, 30)];
    await events([...sent, ...times(1, "copy", old, 30), ...times(2, "copy", young)]);
    await events([...times(1, "fork", both), ...times(2, "fork", old)], { as: user(randomUUID()) });
    const all = [old, young, both];
    await until(async () => (await order(all, "viewed")).length === 3 && (await order(all, "forked")).length === 2);
    assert.deepEqual(await order(all, "viewed"), [old, both, young]);
    assert.deepEqual(await order(all, "viewed", "window=7d"), [old, both, young]);
    assert.deepEqual(await order(all, "viewed", "window=24h"), [young, both]);
    assert.deepEqual(await order(all, "copied"), [young, old]);
    assert.deepEqual(await order(all, "copied", "window=24h"), [young]);
    assert.deepEqual(await order(all, "forked", "window=30d"), [old, both]);
    const ofBoth = (await top("viewed", "window=24h")).find(({ id }) => id === both);
    assert.equal(ofBoth.view_count, 4);
  });

  test("tell visits beside views, and trend by visits", async () => {
    const [viewed, visited, both] = [await prompt(), await prompt(), await prompt()];
    const days = Date.now() / (24 * HOUR_MS);
    // As a snapshot says it of so many visits, all so many days ago.
    const rank = (id, metric, total, daysAgo) =>
      sql("insert into prompt_rankings values (?1, ?2, 1, ?3, ?4, ?3, ?3, ?5)", id, metric, total, daysAgo > 1 ? 0 : total,
        metric === "visit" ? Math.round((days - daysAgo + Math.log2(total)) * 1e6) : null);
    await rank(viewed, "view", 90, 0);
    await rank(viewed, "visit", 2, 0);
    await rank(visited, "visit", 8, 3);
    await rank(both, "view", 5, 0);
    await rank(both, "visit", 4, 0);
    const all = [viewed, visited, both];
    assert.deepEqual(await order(all, "viewed"), [viewed, both]);
    assert.deepEqual(await order(all, "visited"), [visited, both, viewed]);
    assert.deepEqual(await order(all, "visited", "window=24h"), [both, viewed]);
    // Of a visit three days ago an eighth is left.
    assert.deepEqual(await order(all, "trending"), [both, viewed, visited]);
    for (const list of ["viewed", "visited", "trending"]) {
      const { score, view_count, visit_count } = (await top(list, "window=24h")).find(({ id }) => id === both);
      assert.deepEqual([view_count, visit_count], [5, 4]);
      assert.ok(list === "trending" ? Math.abs(score - 4) < 0.1 : score === undefined, `${list}: ${score}`);
    }
  });

  test("show public, active prompts alone, to whomever, from the moment they are", async () => {
    const [owner, shown, hidden] = [randomUUID(), randomUUID(), randomUUID()];
    await prompt({ id: shown, user_id: owner });
    await prompt({ id: hidden, user_id: owner, is_public: false });
    await events([...times(2, "view", shown), ...times(2, "view", hidden)], { as: user(owner) });
    const both = [shown, hidden];
    await until(async () => (await order(both, "viewed")).length === 1);
    await until(async () => (await sql("select 1 from prompt_rankings where prompt_id = ?", hidden)).length);
    for (const as of [{}, user(owner), service]) assert.deepEqual(await order(both, "viewed", "", { as }), [shown]);
    const change = async (id, columns) => {
      const answer = await send("PATCH", `/rest/v1/prompts?id=eq.${id}`, { body: columns, as: user(owner) });
      assert.equal(answer.status, 204);
    };
    await change(hidden, { is_public: true });
    await change(shown, { is_active: false });
    assert.deepEqual(await order(both, "viewed"), [hidden]);
    await change(shown, { is_active: true });
    assert.deepEqual((await order(both, "viewed")).sort(), both.sort());
    await send("DELETE", `/rest/v1/prompts?id=eq.${hidden}`, { as: user(owner) });
    assert.deepEqual(await order(both, "viewed"), [shown]);
  });

  test("of likes and uses are right at once, and what becomes old leaves them", async () => {
    const [first, second] = [await prompt(), await prompt()];
    const [one, other] = [await template(first), await template(second)];
    await Promise.all([like(one), like(one), like(other)]);
    await events([usage(first, true), usage(second, true, 30), usage(second, false), usage(second, true)], { as: service });
    const both = [first, second];
    assert.deepEqual(await order(both, "liked", "window=24h"), [first, second]);
    assert.deepEqual(await order(both, "used", "window=24h"), [second, first]);
    // A month and a day passes for one of the likes.
    await sql("update template_likes set created_at = ? where template_id = ?", new Date(Date.now() - 31 * 24 * HOUR_MS).toISOString(), other);
    for (let runs = 0; runs < 2; runs++) {
      await cron();
      assert.deepEqual(await order(both, "liked", "window=30d"), [first]);
      assert.deepEqual(await order(both, "liked"), [first, second]);
      const used = (window) => top("used", `window=${window}`).then((prompts) => prompts.find(({ id }) => id === second));
      const counts = ({ usage_count, success_count, success_rate }) => [usage_count, success_count, success_rate];
      assert.deepEqual(counts(await used("24h")), [2, 1, 50]);
      assert.deepEqual(counts(await used("7d")), [3, 2, 200 / 3]);
    }
  });

  test("tell titles in part, and pages in order", async () => {
    const all = [];
    for (const count of [11, 12, 13]) {
      all.unshift(await prompt({ title: "x".repeat(5000), slug: `paged-${count}` }));
      await events(Array.from({ length: count }, () => usage(all[0], true)), { as: service });
    }
    const [found, seen] = [[], new Set()];
    for (let cursor = ""; cursor !== null; ) {
      const { body, status } = await get(`/v1/prompts/top/used?limit=1${cursor}`);
      assert.equal(status, 200);
      assert.equal(body.prompts.length, 1);
      assert.ok(!seen.has(body.prompts[0].id));
      seen.add(body.prompts[0].id);
      if (all.includes(body.prompts[0].id)) found.push(body.prompts[0]);
      cursor = body.next_cursor && `&cursor=${body.next_cursor}`;
    }
    assert.deepEqual(found.map(({ id }) => id), all);
    assert.deepEqual(found.map(({ title, slug }) => [title.length, slug]), [13, 12, 11].map((count) => [1000, `paged-${count}`]));
    assert.equal((await get("/v1/prompts/top/used")).body.prompts.length <= 10, true);
  });

  test("refuse by name what they are not", async () => {
    for (const [path, status, code] of [
      ["/v1/prompts/top/compared", 404, "unknown_route"],
      ["/v1/prompts/top/viewed?window=1h", 400, "invalid_value"],
      ["/v1/prompts/top/viewed?limit=101", 400, "invalid_value"],
      ["/v1/prompts/top/viewed?cursor=x", 400, "invalid_value"],
    ]) {
      const answer = await get(path);
      assert.deepEqual([answer.status, answer.body.code], [status, code], path);
    }
  });
});

test("a prompt that is imported over keeps its place in the lists", async () => {
  const row = promptRow();
  await prompt(row);
  await events([usage(row.id, true)], { as: service });
  await prompt({ ...row, title: "Another title", is_public: false });
  assert.deepEqual(await order([row.id], "used"), []);
  await prompt({ ...row, title: "Another title" });
  assert.equal((await top("used")).find(({ id }) => id === row.id).title, "Another title");
});
