// How experiment events are stored: by the batch, each id once, whoever forgets what.
import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { test } from "node:test";
import { atOnce, start } from "./instance.mjs";

const HOUR_MS = 3_600_000;
const instance = await start();
const { askRecorder, cron, events, sql, evictRecorder } = instance;

const now = Date.now();
const exposure = (experiment_id, id, more) => ({ type: "exposure", experiment_id, id, session_id: "s", variant_key: "a", timestamp: now, ...more });
const batchesOf = (experiment) => sql("select * from experiment_batches where experiment_id = ? order by number", experiment);
const storedIds = async (experiment) =>
  (await sql("select event_id from analytics_events where experiment_id = ? order by seq", experiment)).map(({ event_id }) => event_id);
const quality = async (experiment) =>
  (await sql("select late, duplicates, rejected, unmeasured from experiment_rollups where experiment_id = ?", experiment))[0];

/** An exposure's id as a batch has it: 64 bits of the id, 32 of what makes the event the same event. */
function digest(id, { session = "s", variant = "a" } = {}) {
  const sha = (bytes) => createHash("sha256").update(bytes).digest();
  const payload = Buffer.concat(["exposure", session, variant].flatMap((part) => [Buffer.from(part), Buffer.of(0xff)]));
  return Buffer.concat([sha(id).subarray(0, 8), sha(payload).subarray(0, 4)]);
}

/** Stores a batch as another recorder of the experiment would. */
const storeBatch = (experiment, number, id, received_ms) =>
  sql(
    `insert into experiment_batches
      (experiment_id, number, writer, received_ms, event_count, duplicates, rejected, ids, events)
    values (?, ?, 'another', ?, 1, 0, 0, unhex(?), json_array(json_array(?, 1, 's', 'a', cast(? as integer))))`,
    experiment, number, received_ms, digest(id).toString("hex"), id, received_ms,
  );

test("a request's events are one row, and a view gives each of them", async () => {
  const experiment = randomUUID();
  const ids = Array.from({ length: 500 }, (_, index) => `event-${index}`);
  const answer = await events(ids.map((id) => exposure(experiment, id)));
  assert.deepEqual(answer, { accepted: 500, duplicates: 0, rejected: [] });
  const [batch, ...more] = await batchesOf(experiment);
  assert.deepEqual([batch.number, batch.event_count, more], [0, 500, []]);
  assert.deepEqual(await storedIds(experiment), ids);
});

test("events that are large together are stored in several rows, in their order", async () => {
  const experiment = randomUUID();
  const ids = Array.from({ length: 240 }, (_, index) => `event-${index}`);
  const properties = { text: "\"\\".repeat(1000) };
  await events(ids.map((id) => exposure(experiment, id, { properties })));
  const batches = await batchesOf(experiment);
  assert.ok(batches.length > 1 && batches.every(({ events }) => events.length < 1_000_000));
  assert.deepEqual(await storedIds(experiment), ids);
  const kept = await sql("select distinct properties from analytics_events where experiment_id = ?", experiment);
  assert.deepEqual(kept, [{ properties: JSON.stringify(properties) }]);
});

test("events that come at the same time are stored together", async () => {
  const experiment = randomUUID();
  await events(exposure(experiment, "first"));
  const answers = await atOnce(100, (index) => events(exposure(experiment, `event-${index}`)));
  assert.ok(answers.every(({ accepted }) => accepted === 1));
  assert.equal(new Set(await storedIds(experiment)).size, 101);
  assert.ok((await batchesOf(experiment)).length < 80, "hardly any were stored together");
});

test("an id that comes many times at the same time is stored once", async () => {
  const experiment = randomUUID();
  const answers = await atOnce(40, (index) => events([exposure(experiment, "one"), exposure(experiment, `own-${index}`)]));
  const sum = (field) => answers.reduce((sum, answer) => sum + answer[field], 0);
  assert.deepEqual([sum("accepted"), sum("duplicates")], [41, 39]);
  const stored = await storedIds(experiment);
  assert.deepEqual([stored.length, new Set(stored).size], [41, 41]);
  await cron();
  assert.deepEqual(await quality(experiment), { late: 0, duplicates: 39, rejected: 0, unmeasured: 0 });
});

test("a recorder that was put away knows its ids", async () => {
  const experiment = randomUUID();
  assert.equal((await events([exposure(experiment, "one"), exposure(experiment, "two")])).accepted, 2);
  await evictRecorder(experiment);
  const { accepted, duplicates, rejected } = await events([
    exposure(experiment, "one"), exposure(experiment, "two", { variant_key: "b" }), exposure(experiment, "three"),
  ]);
  assert.deepEqual([accepted, duplicates, rejected.map(({ index, code }) => [index, code])], [1, 1, [[1, "idempotency_key_reused"]]]);
  await cron();
  await cron();
  assert.deepEqual(await quality(experiment), { late: 0, duplicates: 1, rejected: 1, unmeasured: 0 });
  assert.deepEqual(await storedIds(experiment), ["one", "two", "three"]);
});

test("ids are known for 24 hours, from however many batches", async () => {
  const experiment = randomUUID();
  await storeBatch(experiment, 0, "yesterday", now - 25 * HOUR_MS);
  await storeBatch(experiment, 1000, "today", now - 23 * HOUR_MS);
  await sql(
    `with recursive n(n) as (select 1001 union all select n + 1 from n where n < 4500)
    insert into experiment_batches
      (experiment_id, number, writer, received_ms, event_count, duplicates, rejected, ids, events)
    select ?, n, 'another', ?, 1, 0, 0, randomblob(12), '[[null,0,"s",null,0]]' from n`,
    experiment, now - HOUR_MS,
  );
  const answer = await events(["today", "yesterday"].map((id) => exposure(experiment, id)));
  assert.deepEqual(answer, { accepted: 1, duplicates: 1, rejected: [] });
  const [last] = (await batchesOf(experiment)).slice(-1);
  assert.deepEqual([last.number, last.event_count, last.duplicates], [4501, 1, 1]);
});

/** The command by which an isolate has an exposure and two events that it refused recorded: see src/recording/protocol.rs. */
function delivery(id, experiment, event) {
  const number = (value) => (value < 128 ? Buffer.of(value) : Buffer.concat([Buffer.of(128 + (value % 128)), number(Math.floor(value / 128))]));
  const text = (value) => Buffer.concat([number(Buffer.byteLength(value)), Buffer.from(value)]);
  const row = JSON.stringify([event, 1, "s", "a", now]);
  const entry = [Buffer.of(1), number(event.length), number(7), Buffer.of(1), text("a"), Buffer.of(0), text(row)];
  return Buffer.concat([Buffer.of(2), number(id), text(experiment), Buffer.of(1), ...entry, number(2)]);
}

test("what of a delivery is no new event is counted once, however often it comes and whoever forgets it", async () => {
  const experiment = randomUUID();
  const tells = async (expected) => {
    await cron();
    await cron();
    assert.deepEqual([await quality(experiment), await storedIds(experiment)], [{ late: 0, unmeasured: 0, ...expected }, ["one"]]);
  };
  await askRecorder(experiment, delivery(1, experiment, "one"));
  await askRecorder(experiment, delivery(1, experiment, "one"));
  await evictRecorder(experiment);
  await askRecorder(experiment, delivery(1, experiment, "one"));
  await tells({ duplicates: 0, rejected: 2 });
  await askRecorder(experiment, delivery(300, experiment, "one"));
  await tells({ duplicates: 1, rejected: 4 });
  await evictRecorder(experiment);
  await Promise.all([1, 2].map(() => askRecorder(experiment, delivery(5000, experiment, "one"))));
  await tells({ duplicates: 2, rejected: 6 });
});

test("a batch that another recorder stored is read before anything is stored beside it", async () => {
  const experiment = randomUUID();
  await events(exposure(experiment, "mine"));
  await storeBatch(experiment, 1, "theirs", now);
  const answer = await events([exposure(experiment, "theirs"), exposure(experiment, "mine"), exposure(experiment, "new")]);
  assert.deepEqual(answer, { accepted: 1, duplicates: 2, rejected: [] });
  assert.deepEqual((await batchesOf(experiment)).map(({ number, event_count }) => [number, event_count]), [[0, 1], [1, 1], [2, 1]]);
});

test("what cannot be stored is told, and stored once when it is sent again", async () => {
  const experiment = randomUUID();
  await sql("create trigger broken before insert on experiment_batches begin select raise(abort, 'broken on purpose'); end");
  const refused = await instance.post("/v1/events", exposure(experiment, "one"));
  assert.deepEqual([refused.status, refused.body.code], [503, "storage_unavailable"]);
  await sql("drop trigger broken");
  assert.deepEqual(await events(exposure(experiment, "one")), { accepted: 1, duplicates: 0, rejected: [] });
  assert.deepEqual(await events(exposure(experiment, "one")), { accepted: 0, duplicates: 1, rejected: [] });
});

test("late and refused events are told by the experiment's quality", async () => {
  const experiment = randomUUID();
  const answer = await events([
    exposure(experiment, "late", { timestamp: Date.now() - HOUR_MS - 60_000 }),
    exposure(experiment, "in time", { timestamp: Date.now() - HOUR_MS + 60_000 }),
    exposure(experiment, "too late", { timestamp: Date.now() - 49 * HOUR_MS }),
  ]);
  assert.deepEqual([answer.accepted, answer.rejected.map(({ code }) => code)], [2, ["timestamp_out_of_range"]]);
  await cron();
  assert.deepEqual(await quality(experiment), { late: 1, duplicates: 0, rejected: 1, unmeasured: 0 });
});

test("an experiment that is not declared has at most 100 variants, and any at most 100 metrics, whatever is forgotten meanwhile", async () => {
  const experiment = randomUUID();
  const codes = async (list) => {
    const { accepted, rejected } = await events(list.map((more, index) => exposure(experiment, `${JSON.stringify(more)} ${index}`, { session_id: randomUUID(), ...more })));
    return [accepted, rejected.map(({ index, code }) => [index, code])];
  };
  const variants = (first, count) => Array.from({ length: count }, (_, index) => ({ variant_key: `v${first + index}` }));
  const metrics = (first, count) =>
    Array.from({ length: count }, (_, index) => ({ type: "conversion", variant_key: undefined, properties: { metric: `m${first + index}` } }));
  assert.deepEqual(await codes([...variants(0, 99), ...metrics(0, 99)]), [198, []]);
  await cron();
  await evictRecorder(experiment);
  assert.deepEqual(await codes([...variants(98, 3), ...metrics(98, 3)]), [4, [[2, "too_many_variants"], [5, "too_many_metrics"]]]);
  await cron();
  const rows = await sql("select count(distinct variant_key) as n from experiment_analytics_summary where experiment_id = ?", experiment);
  assert.deepEqual(rows, [{ n: 100 }]);
});
