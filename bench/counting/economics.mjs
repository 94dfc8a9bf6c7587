// What views cost on Cloudflare: what the worker says it did, at the published prices.
import { randomUUID } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { ONE, PROMPTS, ZIPF } from "./cells.mjs";
import { dollars, objectGbS } from "./prices.mjs";
import { KINDS } from "./requests.mjs";
import { prepare, serveSubject } from "./subjects.mjs";
import { Expected, measured } from "./visit.mjs";

/** Views a second. */
const RATE = 1000;
const CONNECTIONS = 32;
/** Counters tell D1 once in ten seconds; so long after the first view all that views cause goes on side by side. */
const BEGIN_S = 15;
/** Counters tell the lists once in five minutes: of many prompts so many times longer is measured, that is once of each. */
const LONGER = 10;

/**
 * What is run: views as browsers send them, each from somewhere else unless it says otherwise. Those of many prompts last, for
 * what their counters have to tell goes on behind them.
 */
const RUNS = [
  { name: "ack=async, one prompt", kind: "async", spread: ONE, visitors: true },
  { name: "ack=async, one prompt, one visitor", kind: "async", spread: ONE },
  { name: "durable, one prompt", kind: "durable", spread: ONE, visitors: true },
  { name: `ack=async, ${ZIPF}`, kind: "async", spread: ZIPF, visitors: true },
  { name: `durable, in batches of 500, ${ZIPF}`, kind: "batch500", spread: ZIPF },
];

const METERS = {
  views: 'promptmeter_events_total{type="view"}',
  object_calls: "promptmeter_object_calls_total",
  alarms: "promptmeter_alarms_rung_total",
  object_rows_read: "promptmeter_object_rows_read_total",
  object_rows_written: "promptmeter_object_rows_written_total",
  d1_rows_read: "promptmeter_d1_rows_read_total",
  d1_rows_written: "promptmeter_d1_rows_written_total",
};

async function readings(server) {
  const metrics = await server.metrics();
  return Object.fromEntries(Object.entries(METERS).map(([name, meter]) => [name, metrics[meter]]));
}

/** What is done between two instants while views come, at `[BEGIN_S, BEGIN_S + seconds]`; a reading tells what the one before it read. */
async function between(server, seconds) {
  await pause(BEGIN_S * 1000);
  const before = await readings(server);
  await pause(seconds * 1000);
  const after = await readings(server);
  return Object.fromEntries(Object.entries(after).map(([meter, reading]) => [meter, reading - before[meter]]));
}

/** What a million views cost of which each needs so much. Alarms that ring are requests to objects. */
function priced({ alarms, ...perView }) {
  const object_gb_s = objectGbS(perView.object_calls, alarms);
  return dollars({ ...perView, object_calls: perView.object_calls + alarms, object_gb_s }) * 1e6;
}

/** One run: what a view needed, and what a million of them cost. */
async function measureRun(client, server, { name, kind, spread, visitors }, seconds, zipfIds, expected) {
  const ids = spread === ONE ? [randomUUID()] : zipfIds;
  if (spread === ONE) await server.addPrompts(ids);
  const { views } = KINDS[kind];
  const plan = { kind, ids, connections: CONNECTIONS, seconds: BEGIN_S + seconds + 1, rate: RATE / views, visitors };
  const [{ figures, ...told }, { views: counted, ...done }] = await Promise.all([measured(client, server, plan), between(server, seconds)]);
  expected.add(ids, told);
  const each = Object.entries(done).map(([meter, reading]) => [meter, reading / counted]);
  const perView = { requests: 1 / views, ...Object.fromEntries(each), cpu_ms: figures.cpu_us / 1000 };
  return { name, views: counted, ...figures, per_view: perView, usd_per_million_views: priced(perView) };
}

/** What stands beside it: the rows are what SQLite says of their statements, the processor time is as it was measured. */
export function alternatives(cpuUs) {
  const none = { requests: 1, object_calls: 0, alarms: 0, object_rows_read: 0, object_rows_written: 0, d1_rows_read: 0, d1_rows_written: 0 };
  const objects = { ...none, object_calls: 1, object_rows_read: 2, object_rows_written: 1, cpu_ms: cpuUs.object / 1000 };
  const d1 = { ...none, d1_rows_read: 2, d1_rows_written: 1, cpu_ms: cpuUs.d1 / 1000 };
  const told = (name, perView) => ({ name, per_view: perView, usd_per_million_views: priced(perView) });
  return [told("one object call and one row per view", objects), told("D1 UPSERT per view", d1)];
}

/** All runs, on a state of their own, where nothing is left to be told of views before. */
export async function measureEconomics(client, { folder, seconds, report }) {
  const state = mkdtempSync(join(folder, "economics-"));
  prepare("promptmeter", state);
  // An isolate that keeps its metrics writes a row in ten seconds of traffic, and another one whenever they are read.
  const server = await serveSubject("promptmeter", state, { METRICS_INTERVAL: "0" });
  const zipfIds = Array.from({ length: PROMPTS }, () => randomUUID());
  await server.addPrompts(zipfIds);
  const [runs, expected] = [[], new Expected()];
  for (const run of RUNS) {
    runs.push(await measureRun(client, server, run, run.spread === ONE ? seconds : seconds * LONGER, zipfIds, expected));
    report(runs.at(-1));
  }
  const compared = await expected.compared(server);
  await server.stop();
  return { runs, compared };
}
