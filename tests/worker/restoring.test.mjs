// A restore beside the cron, and into an instance that has something of its own.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { service, start, until, user } from "./instance.mjs";
import { digest, exported, filled, taken } from "./moved.mjs";

const source = await start();
const { root } = await filled(source);
const { text, lines } = await exported(source);
const LEASE_MS = 10 * 60_000;

const tableOf = (line) => line.match(/^\{"table":"(\w+)"/)?.[1];
const lease = async ({ sql }) => (await sql("select until_ms from restore_lease"))[0]?.until_ms;
/** What the cron did, run by run: the latest. */
const rollups = async ({ sql }) => (await sql("select count(*) as runs from rollup_runs"))[0].runs;

test("until the last line came, the cron leaves alone what may be half there", async () => {
  const target = await start({ EVENT_RETENTION_DAYS: "1" });
  const began = Date.now();
  // Batches that are to be rolled up come last: without them the rollup has nothing to do.
  const [before, after] = [lines.slice(0, -1), lines.slice(-1)];
  assert.deepEqual((await taken(target, `${before.join("\n")}\n`)).refused, []);
  const held = await lease(target);
  assert.ok(held >= began + LEASE_MS && held <= Date.now() + LEASE_MS, `${held}`);
  const watermark = (seq) => target.sql("update rollup_watermark set seq = ?", seq);
  const [{ seq }] = await target.sql("select seq from rollup_watermark");
  await watermark(0);
  const rows = await target.sql("select count(*) as rows from prompt_events");
  await target.cron();
  assert.deepEqual([await rollups(target), await target.sql("select count(*) as rows from prompt_events")], [0, rows]);
  await watermark(seq);
  const report = await taken(target, `${before.join("\n")}\n${after.join("\n")}\n`);
  assert.deepEqual([report.verified_lines, await lease(target)], [lines.length - 1, undefined]);
  await watermark(0);
  await target.cron();
  assert.equal(await rollups(target), 1);
});

test("a lease that nobody moves on ends", async () => {
  const target = await start();
  await taken(target, `${lines.slice(0, -1).join("\n")}\n`);
  await target.sql("update restore_lease set until_ms = ?", Date.now());
  await target.sql("update rollup_watermark set seq = 0");
  await target.cron();
  assert.equal(await rollups(target), 1);
});

test("what an instance has rolled up or received itself is not counted twice", async () => {
  const target = await start();
  const own = { type: "exposure", experiment_id: "own", session_id: "s", variant_key: "a", id: randomUUID() };
  assert.equal((await target.events(own)).accepted, 1);
  const { refused } = await taken(target, text);
  const of = (...tables) => lines.filter((line) => tables.includes(tableOf(line))).length;
  const followers = ["experiment_rollups", "session_states", "experiment_analytics_summary", "experiment_metrics", "experiment_batches"];
  assert.ok(followers.every((table) => of(table) > 0));
  assert.deepEqual(new Set(refused.map(({ code }) => code)), new Set(["conflict"]));
  assert.equal(refused.length, of("rollup_watermark", ...followers));
  await target.cron();
  const [{ sessions }] = await target.sql("select sum(sessions) as sessions from experiment_analytics_summary");
  assert.equal(sessions, 1);
});

test("an event that comes between the watermark and the batches is rolled up", async () => {
  const target = await start();
  const cut = lines.findIndex((line) => tableOf(line) === "rollup_watermark") + 1;
  assert.deepEqual((await taken(target, `${lines.slice(0, cut).join("\n")}\n`)).refused, []);
  const own = { type: "exposure", experiment_id: "own", session_id: "s", variant_key: "a", id: randomUUID() };
  assert.equal((await target.events(own)).accepted, 1);
  await taken(target, `${lines.slice(cut, -1).join("\n")}\n`);
  await target.sql("delete from restore_lease");
  await target.cron();
  assert.deepEqual(await target.sql("select sessions from experiment_analytics_summary where experiment_id = 'own'"), [{ sessions: 1 }]);
});

test("a fork that was on its way when it was exported is due as soon as its counter is there, and counted once", async () => {
  const target = await start();
  const place = lines.findIndex((line) => tableOf(line) === "prompt_events" && line.includes('"fork"'));
  const { prompt_id, id } = JSON.parse(lines[place]).row;
  const rows = lines.slice(0, -1).with(place, lines[place].replace('"is_counted":true', '"is_counted":false'));
  const behind = rows.findIndex((line) => tableOf(line) === "counter_days");
  const mark = async () => (await target.sql("select uncounted_since_ms as mark from prompt_events where prompt_id = ? and id = ?", prompt_id, id))[0].mark;
  await taken(target, `${rows.slice(0, behind).join("\n")}\n`);
  assert.ok((await mark()) > Date.now() + LEASE_MS);
  await taken(target, `${rows.slice(behind).join("\n")}\n`);
  assert.ok((await mark()) <= Date.now());
  const counted = await source.counts(prompt_id);
  await target.sql("update prompt_events set uncounted_since_ms = 1 where id = ?", id);
  await target.sql("delete from restore_lease");
  await target.cron();
  assert.deepEqual([await mark(), await target.counts(prompt_id)], [null, counted]);
});

test("what an import that died did not come to tell, the counter tells itself: as of no time, and not as counted just now", async () => {
  const target = await start();
  await taken(target, text);
  const totals = async () => {
    const [{ timeless, dated }] = await target.sql(
      "select sum(iif(quarter < 0, view_count, 0)) as timeless, sum(iif(quarter < 0, 0, view_count)) as dated from count_totals",
    );
    return [timeless, dated];
  };
  const told = () => target.sql("select view_count from prompt_stats where prompt_id = ?", root);
  const [{ view_count }] = await told();
  const [timeless, dated] = await totals();
  assert.ok(view_count > 0);
  await target.sql("delete from prompt_stats where prompt_id = ?", root);
  await until(async () => (await told()).length > 0, "the counter has told");
  assert.deepEqual([await told(), await totals()], [[{ view_count }], [timeless, dated]]);
  // From then on what it counts has its time.
  await target.events({ type: "view", prompt_id: root });
  await until(async () => (await told())[0].view_count === view_count + 1, "the counter has told what it counted");
  assert.deepEqual(await totals(), [timeless, dated + 1]);
});

test("a like whose count was lower than its rows can be taken back", async () => {
  const target = await start();
  const template = randomUUID();
  const who = randomUUID();
  const rows = [
    ...lines.filter((line) => ["users", "prompts"].includes(tableOf(line))),
    JSON.stringify({ table: "prompt_templates", row: { id: template, prompt_id: root, likes_count: 0 } }),
    JSON.stringify({ table: "template_likes", row: { template_id: template, user_id: who } }),
  ];
  assert.deepEqual((await taken(target, rows.join("\n"))).refused, []);
  const removed = await target.send("DELETE", `/rest/v1/template_likes?template_id=eq.${template}`, { as: user(who) });
  assert.equal(removed.status, 204, JSON.stringify(removed.body));
  assert.deepEqual((await target.get(`/rest/v1/prompt_templates?id=eq.${template}&select=likes_count`, { as: service })).body, [{ likes_count: 0 }]);
});

test("the digest of nothing ends a restore", async () => {
  const target = await start();
  await taken(target, `${lines[0]}\n`);
  assert.ok(await lease(target));
  await taken(target, JSON.stringify({ end: { lines: 0, sha256: digest([]), from: null, next: null } }));
  assert.equal(await lease(target), undefined);
});
