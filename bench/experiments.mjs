// What experiment events cost, from their arrival to the hourly rows: node bench/experiments.mjs [EVENTS]
//
// The release build on workerd alone, with a database of its own. Events come in requests of 500 over 16 connections,
// each with an id; then the cron runs until nothing is left. Rows are counted in D1's file.
import { execFileSync, spawn } from "node:child_process";
import { randomBytes, randomInt, randomUUID } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";

const ROOT = new URL("..", import.meta.url).pathname;
const EVENTS = Number(process.argv[2] ?? 1_000_000);
const PORT = 20_000 + randomInt(20_000);
const [REQUEST, CONNECTIONS] = [500, 16];
const HOUR_MS = 3_600_000;
/** What a million rows written cost, in dollars: Cloudflare's price for D1. */
const PRICE = 1;

const state = mkdtempSync(join(tmpdir(), "promptmeter-bench-"));
process.on("exit", () => rmSync(state, { recursive: true, force: true }));

async function serve() {
  execFileSync("wrangler", ["d1", "migrations", "apply", "promptmeter", "--local", "--persist-to", state], { cwd: ROOT, stdio: "ignore" });
  const server = spawn(process.execPath, ["scripts/serve.mjs", String(PORT), state], { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] });
  process.on("exit", () => server.kill("SIGKILL"));
  for await (const line of createInterface({ input: server.stdout })) if (line.startsWith("Ready")) return server;
  throw new Error("the instance did not start");
}

/** Sessions of four events each: a pageview, an exposure, another pageview, a conversion. */
function* traffic(experiment_id, count) {
  const now = Date.now();
  for (let sent = 0; sent < count; sent += 4) {
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
      const response = await fetch(`http://127.0.0.1:${PORT}/v1/events`, { method: "POST", headers: { "content-type": "application/json" }, body: bodies[next++] });
      const answer = await response.json();
      if (response.status !== 200) throw new Error(JSON.stringify(answer));
      accepted += answer.accepted;
    }
  }));
  return accepted;
}

const cron = async () => {
  const response = await fetch(`http://127.0.0.1:${PORT + 1}/__scheduled?cron=*/5+*+*+*+*`);
  if (!response.ok) throw new Error(await response.text());
};

async function timed(work) {
  const started = performance.now();
  const result = await work();
  return [result, (performance.now() - started) / 1000];
}

function database() {
  const folder = join(state, "v3/d1/miniflare-D1DatabaseObject");
  const file = readdirSync(folder).find((name) => /^[0-9a-f]{64}\.sqlite$/.test(name));
  return new DatabaseSync(join(folder, file), { readOnly: true });
}

const one = (sql) => Object.values(database().prepare(sql).get())[0];
const bytes = () => one("pragma page_count") * one("pragma page_size");
const dollars = (rows, events) => `${(rows / events).toFixed(4)} rows an event, $${((rows / events) * PRICE).toFixed(4)} per million events`;

const server = await serve();
const experiment = `bench-${randomBytes(4).toString("hex")}`;
const bodies = requests(experiment, EVENTS);
const empty = bytes();

const [accepted, arriving] = await timed(() => send(bodies));
if (accepted !== EVENTS) throw new Error(`${accepted} of ${EVENTS} events were accepted`);
console.log(`ingestion: ${EVENTS} events in ${arriving.toFixed(1)} s, ${Math.round(EVENTS / arriving)} events/s`);
const batches = one("select count(*) from experiment_batches");
const stored = bytes() - empty;
console.log(`ingestion: ${batches} batches, a row and an entry of an index each: ${dollars(2 * batches, EVENTS)}`);
console.log(`ingestion: ${(stored / EVENTS).toFixed(1)} bytes an event`);

const [runs, rolling] = await timed(async () => {
  for (let run = 1; ; run++) {
    await cron();
    if (one("select events_read from rollup_runs order by id desc limit 1") === 0) return run - 1;
  }
});
const written = one("select sum(rows_written) from rollup_runs");
const sessions = one("select count(*) from session_states");
console.log(`rollup: ${EVENTS} events of ${sessions} sessions in ${rolling.toFixed(1)} s, ${runs} runs, ${Math.round(EVENTS / rolling)} events/s`);
console.log(`rollup: ${written} rows written, ${dollars(written, EVENTS)}; ${(written / sessions).toFixed(2)} rows a session`);
console.log(`rollup: ${((bytes() - empty - stored) / sessions).toFixed(1)} bytes a session, summaries included`);
server.kill("SIGTERM");
