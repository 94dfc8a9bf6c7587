// What experiment events cost, from their arrival to the hourly rows: node bench/experiments.mjs [EVENTS]
//
// The release build on workerd alone, with a database of its own. Events come in requests of 500 over 16 connections,
// each with an id; then the cron runs until nothing is left. Rows are counted in D1's file. Results are asked for one
// after another, of an experiment with 1,000,000 sessions in a year of hours, put into the file beforehand.
import { randomBytes, randomInt, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { DatabaseSync } from "node:sqlite";
import { parseEnv } from "node:util";
import { createTestHarness } from "wrangler";
import { ORIGIN, cron, file, migrate, one, serve, stop } from "./instance.mjs";

const ROOT = new URL("..", import.meta.url).pathname;
const EVENTS = Number(process.argv[2] ?? 1_000_000);
const [REQUEST, CONNECTIONS] = [500, 16];
const SESSION_EVENTS = 4;
const HOUR_MS = 3_600_000;
const [CRON_MS, QUIET_MS] = [300_000, 90_000];
/** What a million rows written cost, in dollars: Cloudflare's price for D1. */
const PRICE = 1;

const YEAR = { id: "year", hours: 365 * 24, sessions: 1_000_000 };

/** An experiment of a year: two variants, hourly rows as a roll-up leaves them, and the states of the sessions. */
function fillYear() {
  const writable = new DatabaseSync(file());
  const each = Math.round(YEAR.sessions / YEAR.hours / 2);
  writable.exec(`begin;
    insert into experiment_rollups (experiment, experiment_id, multi_variant) values (1000000, '${YEAR.id}', 'exclude');
    with recursive hours(n) as (select 0 union all select n + 1 from hours where n < ${YEAR.hours} - 1)
    insert into experiment_analytics_summary
    select '${YEAR.id}', v.value, date('2025-11-20', '+' || (n / 24) || ' days'), n % 24, ${each}, ${2 * each}, ${each}, ${each}, ${each},
      8, 8, ${each} + abs(random() % 9) - 4, 6 + abs(random() % 4)
    from hours, json_each('["control","treatment"]') v;
    with recursive sessions(n) as (select 1 union all select n + 1 from sessions where n < ${YEAR.sessions})
    insert into session_states select 1000000, randomblob(16), iif(n % 2, 'control', 'treatment'), 1763596800000 + n * 31536, 0, randomblob(7)
    from sessions;
    insert into experiments (id, name, variants) values ('${YEAR.id}', 'A year', '[{"key":"control","weight":0.5},{"key":"treatment","weight":0.5}]');
    commit`);
  writable.close();
}

/** Sessions of four events each: a pageview, an exposure, another pageview, a conversion. */
function* traffic(experiment_id, count) {
  const now = Date.now();
  for (let sent = 0; sent < count; sent += SESSION_EVENTS) {
    const session_id = randomUUID();
    const at = now - randomInt(24 * HOUR_MS);
    const variant_key = randomInt(2) ? "control" : "treatment";
    const event = (type, delay, more) => ({ id: randomUUID(), type, experiment_id, session_id, timestamp: Math.min(now, at + delay), ...more });
    yield event("pageview", 0);
    yield event("exposure", 50, { variant_key });
    yield event("pageview", 40_000, { properties: { path: "/prompts/linux-terminal" } });
    yield event("conversion", 90_000);
  }
}

function requests(experiment, count) {
  const events = traffic(experiment, count);
  return Array.from({ length: Math.ceil(count / REQUEST) }, () => {
    const batch = [];
    while (batch.length < REQUEST) {
      const { done, value } = events.next();
      if (done) break;
      batch.push(value);
    }
    return JSON.stringify(batch);
  });
}

async function send(bodies) {
  let next = 0;
  let accepted = 0;
  await Promise.all(Array.from({ length: CONNECTIONS }, async () => {
    while (next < bodies.length) {
      const response = await fetch(`${ORIGIN}/v1/events`, { method: "POST", headers: { "content-type": "application/json" }, body: bodies[next++] });
      const answer = await response.json();
      if (response.status !== 200) throw new Error(JSON.stringify(answer));
      accepted += answer.accepted;
    }
  }));
  return accepted;
}

async function timed(work) {
  const started = performance.now();
  const result = await work();
  return [result, (performance.now() - started) / 1000];
}

const bytes = () => one("pragma page_count") * one("pragma page_size");
/** A session has an exposure among its events. */
const dollars = (rows) => `${(rows / EVENTS).toFixed(4)} rows an event, $${((rows / EVENTS) * PRICE).toFixed(4)} per million events, \
$${((rows / EVENTS) * PRICE * SESSION_EVENTS).toFixed(3)} per million exposures`;

/** The rows that D1 says it writes for an event of a plain table, with an index of ids and one for the rollup, and for a batch. */
async function rowsOfStatements() {
  const harness = createTestHarness({ root: ROOT, workers: [{ configPath: "wrangler.toml", prebuiltWorkerDir: "build" }] });
  await harness.listen();
  const worker = harness.getWorker();
  await worker.applyD1Migrations("DB");
  const { DB } = await worker.getEnv();
  for (const statement of [
    "create table plain (seq integer primary key, experiment_id text, event_id text, session_id text, at_ms integer) strict",
    "create unique index plain_once on plain (experiment_id, event_id)",
    "create index plain_in_time on plain (experiment_id, at_ms)",
  ]) await DB.prepare(statement).run();
  const written = async (sql) => (await DB.prepare(sql).run()).meta.rows_written;
  const plain = await written("insert into plain (experiment_id, event_id, session_id, at_ms) values ('e', 'i', 's', 1)");
  const batch = await written(`insert into experiment_batches
    (experiment_id, number, writer, received_ms, event_count, duplicates, rejected, ids, events) values ('e', 0, 'w', 0, 0, 0, 0, x'', '[]')`);
  await harness.close();
  return { plain, batch };
}

const rowsOf = await rowsOfStatements();
console.log(`D1 writes ${rowsOf.plain} rows for an event of a plain table, ${rowsOf.batch} for a batch`);
migrate();
fillYear();
await serve();
// The instance has its own cron: it is not to roll up while events arrive.
const due = CRON_MS - (Date.now() % CRON_MS);
if (due < QUIET_MS) await pause(due + 5000);
const experiment = `bench-${randomBytes(4).toString("hex")}`;
const bodies = requests(experiment, EVENTS);
const empty = bytes();

const [accepted, arriving] = await timed(() => send(bodies));
if (accepted !== EVENTS) throw new Error(`${accepted} of ${EVENTS} events were accepted`);
console.log(`ingestion: ${EVENTS} events in ${arriving.toFixed(1)} s, ${Math.round(EVENTS / arriving)} events/s`);
const batches = one("select count(*) from experiment_batches");
const stored = bytes() - empty;
console.log(`ingestion: ${batches} batches: ${dollars(rowsOf.batch * batches)}`);
console.log(`ingestion: ${(stored / EVENTS).toFixed(1)} bytes an event: ${((stored / EVENTS) * 0.03).toFixed(1)} GB for 30 days of a million a day`);

const [runs, rolling] = await timed(async () => {
  for (let run = 1; ; run++) {
    await cron();
    if (one("select seq from rollup_watermark") === one("select max(seq) from experiment_batches")) return run;
  }
});
const written = one("select sum(rows_written) from rollup_runs");
const sessions = one("select count(*) from session_states where experiment <> 1000000");
console.log(`rollup: ${EVENTS} events of ${sessions} sessions in ${rolling.toFixed(1)} s, ${runs} runs, ${Math.round(EVENTS / rolling)} events/s`);
console.log(`rollup: ${written} rows written, ${dollars(written)}; ${(written / sessions).toFixed(2)} rows a session`);
console.log(`together: ${dollars(rowsOf.batch * batches + written)}`);
console.log(`a plain table with the same rollup: ${dollars(rowsOf.plain * EVENTS + written)}`);
const sessionBytes = (bytes() - empty - stored) / sessions;
console.log(`rollup: ${sessionBytes.toFixed(1)} bytes a session, summaries included: ${(sessionBytes / 10).toFixed(1)} GB for 100 million`);

const { SERVICE_KEY } = parseEnv(readFileSync(join(ROOT, ".dev.vars"), "utf8"));
for (const path of [`results`, `summary?limit=100`]) {
  const times = [];
  let answer;
  for (let request = 0; request < 100; request++) {
    const [response, seconds] = await timed(async () => {
      const response = await fetch(`${ORIGIN}/v1/experiments/${YEAR.id}/${path}`, { headers: { authorization: `Bearer ${SERVICE_KEY}` } });
      answer = await response.json();
      return response;
    });
    if (response.status !== 200) throw new Error(JSON.stringify(answer));
    times.push(seconds * 1000);
  }
  times.sort((one, other) => one - other);
  console.log(`${path.split("?")[0]}: ${YEAR.sessions} sessions, ${YEAR.hours} hours: median ${times[50].toFixed(1)} ms, 99th of 100 ${times[98].toFixed(1)} ms`);
}
await stop();
