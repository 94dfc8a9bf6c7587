// `GET /v1/admin/metrics`: what an isolate did since it started, for a scraper that has the service's key.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { anonymous, service, start, until, user } from "./instance.mjs";

const { events, get, post, prompt, sql } = await start({ RANKING_INTERVAL: "" });

/** The samples by their names and labels. */
async function metrics() {
  const { status, headers, body } = await get("/v1/admin/metrics", { as: service });
  assert.deepEqual([status, headers.get("content-type")], [200, "text/plain; version=0.0.4"]);
  const samples = body.split("\n").filter((line) => line && !line.startsWith("#"));
  return Object.fromEntries(samples.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ")))]));
}

const METERS = /^promptmeter_(events|object|alarms|d1_rows)_?/;

/** What `work` added to each meter that it changed, without what the reading before it read. */
async function added(work) {
  const [first, before] = [await metrics(), await metrics()];
  await work();
  const after = await metrics();
  const more = (name) => after[name] - before[name] - (name === "promptmeter_d1_rows_read_total" ? before[name] - first[name] : 0);
  return Object.fromEntries(Object.keys(after).filter((name) => METERS.test(name) && !name.includes("storage")).map((name) => [name, more(name)]).filter(([, count]) => count));
}

const of = (counts) => Object.fromEntries(Object.entries(counts).map(([type, count]) => [`promptmeter_events_total{type="${type}"}`, count]));
const counted = (samples) => Object.fromEntries(Object.entries(samples).filter(([name]) => name.startsWith("promptmeter_events_total")));

test("events are metered once each, when they are accepted, by their types", async () => {
  const id = await prompt();
  const experiment = { experiment_id: "metered", session_id: "s", variant_key: "a" };
  const repeated = { id: randomUUID(), type: "view", prompt_id: id };
  const batch = [
    ...[repeated, repeated, { type: "view", prompt_id: id }, { type: "view", prompt_id: randomUUID() }],
    ...["copy", "fork", "compare_add", "usage"].map((type) => ({ type, prompt_id: id })),
    ...["exposure", "conversion", "conversion", "pageview"].map((type) => ({ type, ...experiment })),
    { type: "view", prompt_id: id, timestamp: 1 },
  ];
  const samples = await added(() => events(batch, { as: user(randomUUID()) }));
  const expected = { view: 2, copy: 1, fork: 1, compare_add: 1, usage: 1, exposure: 1, conversion: 2, pageview: 1 };
  assert.deepEqual(counted(samples), of(expected));
});

test("calls, rows and alarms are those of the work", async () => {
  const id = await prompt();
  const snapshotOf = (views) => until(async () => (await sql("select 1 from prompt_stats where prompt_id = ? and view_count = ?", id, views)).length);
  await post(`/v1/prompts/${id}/view`);
  await snapshotOf(1);
  await until(async () => !Object.keys(await added(async () => {})).length, "nothing is under way");
  const view = await added(() => post(`/v1/prompts/${id}/view`));
  assert.equal(view.promptmeter_object_calls_total, 1);
  assert.equal(view.promptmeter_alarms_total, 1);
  // The row of the counter, and the alarm.
  assert.equal(view.promptmeter_object_rows_written_total, 2);
  assert.deepEqual(counted(view), of({ view: 1 }));
  const stats = await added(() => Promise.all([get(`/v1/prompts/${id}/stats`), get(`/v1/prompts/stats?ids=${id}`)]));
  assert.equal(stats.promptmeter_object_calls_total, 1);
  assert.equal(stats.promptmeter_object_rows_written_total, undefined, "reading writes nothing");
  assert.ok(stats.promptmeter_d1_rows_read_total > 0);
  assert.equal(stats.promptmeter_d1_rows_written_total, undefined);
  const snapshot = await added(() => snapshotOf(2));
  assert.ok(snapshot.promptmeter_alarms_rung_total >= 1);
  assert.equal(snapshot.promptmeter_d1_rows_written_total, 2, "prompt_stats and count_totals: the rankings are told later");
  await sql("update prompt_stats set ranked_ms = 0 where prompt_id = ?", id);
  await post(`/v1/prompts/${id}/view`);
  const telling = await added(() => snapshotOf(3));
  // And prompt_stats again, for when that was; prompt_rankings of views and four indexes; of visits, where there are any, and five.
  const rows = telling.promptmeter_d1_rows_written_total;
  assert.ok(rows === 8 || rows === 14, `${rows} rows`);
});

test("they are the service's", async () => {
  for (const [as, status] of [[anonymous, 401], [user(randomUUID()), 403]]) {
    assert.equal((await get("/v1/admin/metrics", { as })).status, status);
  }
});
