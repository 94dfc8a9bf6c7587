// Brings what a backup has into an empty instance: SERVICE_KEY=… node scripts/restore.mjs --url https://… --file backup.ndjson.gz
//
// The file is read to its end and its digest compared before anything is sent; then the instance is exported and compared with it.
// Whatever stops it, it can be run again. The cron leaves the instance alone until it is over, for ten minutes after each request.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Rows, bytesOf, exportOf, verified } from "./export-lines.mjs";
import { fail, serviceKey } from "./settings.mjs";

const [LINES, BYTES] = [400, 4 * 1024 * 1024];
/** Counters in a request: each is a call, of which the free plan allows 50. */
const COUNTERS = 20;
const [ATTEMPTS, PAUSE_MS] = [6, 500];
const SHOWN = 20;

const { values: options } = parseArgs({ options: { url: { type: "string" }, file: { type: "string" } } });
if (!options.file) fail("FILE is a backup: make restore FILE=backup.ndjson.gz");
if (!existsSync(options.file)) fail(`There is no file ${options.file}`);
const key = serviceKey();

async function rowsOf(chunks, take = () => {}) {
  const rows = new Rows();
  for await (const { line, isEnd } of verified(chunks)) {
    if (isEnd) continue;
    rows.add(line);
    await take(line);
  }
  return rows;
}

/** Sends lines until there is an answer: what came in before changes nothing. */
async function send(lines) {
  const body = Buffer.concat(lines.flatMap((line) => [line, Buffer.from("\n")]));
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/x-ndjson" };
  for (let attempt = 1; ; attempt++) {
    const response = await fetch(new URL("/v1/import", options.url), { method: "POST", headers, body }).catch((error) => error);
    if (response.ok) return response.json();
    const why = response instanceof Response ? `${response.status}: ${(await response.text()).slice(0, 300)}` : (response.cause?.code ?? response.message);
    if (attempt === ATTEMPTS || (response.status >= 400 && response.status < 500)) fail(`${options.url} answered ${why}. Run it again to go on.`);
    await pause(attempt * PAUSE_MS);
  }
}

let refused = 0;
let [waiting, bytes, counters] = [[], 0, 0];

async function flush() {
  if (waiting.length === 0) return;
  const report = await send(waiting);
  for (const { line, code, detail } of report.refused.slice(0, Math.max(0, SHOWN - refused))) {
    console.error(`refused: ${code}: ${detail} ${waiting[line - 1].subarray(0, 200)}`);
  }
  refused += report.refused_count;
  [waiting, bytes, counters] = [[], 0, 0];
}

const isOf = (table, line) => line.subarray(0, 40).toString().startsWith(`{"table":"${table}",`);

/** The line by which an instance knows what is rolled up. Where it is refused, what stands behind it would be counted twice. */
async function sendWatermark(line) {
  await flush();
  const before = refused;
  waiting = [line];
  await flush();
  if (refused > before) fail(`${options.url} has rolled up, or received, events of experiments: restore into an empty instance. Nothing behind this line was sent.`);
}

/** Tells the instance that nothing more comes. */
async function end() {
  await send([Buffer.from(JSON.stringify({ end: { lines: 0, sha256: createHash("sha256").digest("hex"), from: null, next: null } }))]);
}

const told = await rowsOf(bytesOf(options.file)).catch((error) => fail(`${options.file} is not a whole backup: ${error.message}. Nothing was sent.`));
console.log(`${options.file}: ${told.told}`);
await rowsOf(bytesOf(options.file), async (line) => {
  if (isOf("rollup_watermark", line)) return sendWatermark(line);
  waiting.push(line);
  bytes += line.length;
  if (isOf("counters", line)) counters += 1;
  if (waiting.length >= LINES || bytes >= BYTES || counters >= COUNTERS) await flush();
});
await flush();

const found = await rowsOf(exportOf(options.url, key)).catch((error) => fail(`What came in could not be compared: ${error.message}`));
console.log(`SHA-256 of the rows in the file:     ${told.digest}`);
console.log(`SHA-256 of the rows in the instance: ${found.digest}`);
await end();
if (refused > 0) fail(`${refused} lines were refused`);
if (found.digest !== told.digest) fail(`The instance holds something else than the file: ${found.told}`);
