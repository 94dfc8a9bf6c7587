// `GET /v1/admin/series`: what was counted of all prompts over time. `GET /v1/admin/runs`: what the cron rolled up.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, test } from "node:test";
import { service, start, until, user } from "./instance.mjs";

const { cron, events, get, post, prompt, send, sql } = await start();
const HOUR_MS = 3_600_000;

async function answer(path) {
  const { status, body } = await get(path, { as: service });
  assert.equal(status, 200, JSON.stringify(body));
  return body;
}

/** What all points of the last day come to together. */
const total = async (metric) =>
  (await answer(`/v1/admin/series?metric=${metric}&interval=hour`)).points.reduce((sum, { count }) => sum + count, 0);
const differences = async () => (await answer("/v1/admin/verify")).differences;

describe("the series over all prompts", () => {
  test("has what was counted of each, when it was counted, whatever became of the prompt", async () => {
    const [one, other] = [await prompt(), await prompt({ is_public: false })];
    const now = Date.now();
    const view = (prompt_id, n) => ({ type: "view", prompt_id, timestamp: now - 30 * HOUR_MS, visitor: `v${n}` });
    const views = [one, one, one, other].map(view);
    await events([...views, { type: "copy", prompt_id: one }], { as: service });
    await post(`/v1/prompts/${one}/fork`, {}, { as: user(randomUUID()) });
    await until(async () => (await total("view")) === 4, "the counters have told it");
    await until(async () => (await total("fork")) === 1, "the fork is told");
    assert.deepEqual([await total("visit"), await total("copy"), await total("compare")], [4, 1, 0]);

    const { points, ...rest } = await answer("/v1/admin/series?tz=Europe/Berlin&from=2026-01-01&to=2026-01-03");
    assert.deepEqual(rest, { metric: "view", interval: "day", tz: "Europe/Berlin" });
    assert.deepEqual(points, [
      { start: "2026-01-01T00:00:00+01:00", count: 0 },
      { start: "2026-01-02T00:00:00+01:00", count: 0 },
    ]);

    assert.deepEqual(await differences(), []);
    assert.equal((await send("DELETE", `/rest/v1/prompts?id=eq.${other}`, { as: service })).status, 204);
    assert.equal(await total("view"), 4);
    assert.deepEqual(await differences(), []);
  });

  test("goes down by what is taken back", async () => {
    const id = await prompt();
    const before = await total("view");
    await events(Array.from({ length: 5 }, () => ({ type: "view", prompt_id: id, visitor: "tester" })), { as: service });
    await until(async () => (await total("view")) === before + 5, "the views are told");
    const body = { visitor: "tester", prompt_ids: [id] };
    assert.equal((await post("/v1/admin/retract", body, { as: service })).status, 200);
    await until(async () => (await total("view")) === before, "they are taken back");
  });

  test("is compared when what is told is verified", async () => {
    await sql("update count_totals set view_count = view_count + 7 where quarter > 0");
    const [found] = await differences();
    assert.deepEqual([found.prompt_id, found.check, found.found > found.expected], [null, "totals.view", true]);
    const next = (await answer("/v1/admin/verify?limit=1")).next_cursor;
    assert.deepEqual((await answer(`/v1/admin/verify?cursor=${next}`)).differences, []);
    await sql("update count_totals set view_count = view_count - 7 where quarter > 0");
    assert.deepEqual(await differences(), []);
  });
});

test("runs of the rollup are told, the latest first, with what they failed of", async () => {
  assert.deepEqual(await answer("/v1/admin/runs"), { runs: [], next_cursor: null });
  for (let run = 0; run < 3; run++) {
    await events([{ type: "exposure", experiment_id: "e", session_id: `s${run}`, variant_key: "a" }]);
    await cron();
  }
  await sql("insert into rollup_runs (started_ms, error) values (1, 'no room')");
  const first = await answer("/v1/admin/runs?limit=3");
  assert.deepEqual(
    first.runs.map(({ events_read, error }) => [events_read, error]),
    [[0, "no room"], [1, null], [1, null]],
  );
  const [failed, run] = first.runs;
  assert.deepEqual(failed, { id: run.id + 1, started_ms: 1, finished_ms: null, events_read: 0, rows_written: 0, error: "no room" });
  assert.ok(run.started_ms <= run.finished_ms && run.rows_written > 0);
  const second = await answer(`/v1/admin/runs?limit=3&cursor=${first.next_cursor}`);
  assert.deepEqual([second.runs.length, second.next_cursor], [1, null]);
});

test("both are the service's, and refuse what they do not know", async () => {
  for (const path of ["/v1/admin/series", "/v1/admin/runs"]) {
    assert.equal((await get(path)).status, 401);
    assert.equal((await get(path, { as: user(randomUUID()) })).status, 403);
  }
  for (const query of ["series?metric=bot", "series?metric=likes", "series?tz=Nowhere", "series?from=2&to=1", "runs?limit=0", "runs?limit=101", "runs?cursor=x"]) {
    const { status, body } = await get(`/v1/admin/${query}`, { as: service });
    assert.deepEqual([query, status, body.code], [query, 400, "invalid_value"]);
  }
});
