// Sends a stream of events to a running instance, some of them twice, compares what it acknowledged with what it stored,
// and has the instance verify all that it tells: node scripts/replay.mjs --url http://localhost:8787 --events 50000 --concurrency 32 --list demo-prompts.json
//
// Nobody else may send events to these prompts in the meantime.
import { randomInt, randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { userToken } from "./jwt.mjs";
import { progress } from "./progress.mjs";
import { fail, settings } from "./settings.mjs";
import { traffic } from "./traffic.mjs";

const LARGEST_BATCH = 40;
const RESENT_PER_CENT = 10;
const ATTEMPTS = 8;
const USERS = 20;
const CRON = "*/5 * * * *";
/** How long snapshots, and what a crash left uncounted, may take to come. */
const PENDING_MS = 120_000;
const PAUSE_MS = 1000;
const DIFFERENCES_SHOWN = 20;
const TYPES = ["view", "copy", "fork", "compare_add", "usage", "exposure", "pageview", "conversion"];
const COUNTS = { view: "viewCount", copy: "copyCount", fork: "forkCount", compare_add: "compareCount", usage: "totalUsage" };
const TOTALS = { exposure: "exposures", pageview: "pageviews", conversion: "conversions" };

const { values: options } = parseArgs({
  options: {
    url: { type: "string" },
    events: { type: "string" },
    concurrency: { type: "string" },
    list: { type: "string" },
  },
});
const count = Number(options.events);
const concurrency = Number(options.concurrency);
if (!Number.isInteger(count) || count < 1) fail("EVENTS must be a whole number from 1 on");
if (!Number.isInteger(concurrency) || concurrency < 1) fail("CONCURRENCY must be a whole number from 1 on");
if (!existsSync(options.list)) fail("There are no demo prompts yet: make demo-data FILE=… imports them");

const prompts = JSON.parse(readFileSync(options.list, "utf8"));
const { SERVICE_KEY, JWT_SECRET } = settings();
const tokens = Array.from({ length: USERS }, () => userToken(randomUUID(), JWT_SECRET));
const experiment = `replay-${new Date().toISOString()}`;

/** Asks until there is an answer: every event has an id, so asking again counts nothing twice. */
async function ask(path, init) {
  let failure;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    try {
      const response = await fetch(`${options.url}${path}`, init);
      const answer = await response.json();
      if (response.ok) return answer;
      if (response.status < 500) fail(`${path} answered ${response.status}: ${answer.code}: ${answer.detail}`);
      failure = `${response.status} ${answer.code}`;
    } catch (error) {
      failure = error.cause?.code ?? error.message;
    }
  }
  return fail(`${options.url}${path} gave no good answer ${ATTEMPTS} times: ${failure}. Is make dev running?`);
}

/** Sends events until none is rejected because storage failed: it may have failed for some and not for others. */
async function deliver(events, headers) {
  let left = events;
  for (let attempt = 1; left.length > 0; attempt++) {
    const answer = await ask("/v1/events", { method: "POST", headers, body: JSON.stringify(left) });
    accepted += answer.accepted;
    duplicates += answer.duplicates;
    const isLost = ({ code }) => code === "storage_unavailable" && attempt < ATTEMPTS;
    for (const { index, code } of answer.rejected.filter((one) => !isLost(one))) rejected.set(left[index].id, code);
    left = answer.rejected.filter(isLost).map(({ index }) => left[index]);
  }
}

/** Runs `work` on all items, `concurrency` at a time. */
async function together(items, work) {
  const queue = items.values();
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      for (const item of queue) await work(item);
    }),
  );
}

function batches(events) {
  const list = [];
  for (let start = 0; start < events.length; ) {
    const batch = events.slice(start, start + 1 + randomInt(LARGEST_BATCH));
    list.push(batch);
    start += batch.length;
    if (randomInt(100) < RESENT_PER_CENT) list.push(batch);
  }
  return list;
}

async function promptCounts() {
  const sum = Object.fromEntries(Object.keys(COUNTS).map((type) => [type, 0]));
  await together(prompts, async (id) => {
    const stats = await ask(`/v1/prompts/${id}/stats`);
    for (const [type, field] of Object.entries(COUNTS)) sum[type] += stats[field];
  });
  return sum;
}

async function experimentTotals() {
  const sum = Object.fromEntries(Object.keys(TOTALS).map((type) => [type, 0]));
  const headers = { authorization: `Bearer ${SERVICE_KEY}` };
  let cursor = "";
  do {
    const page = await ask(`/v1/experiments/${experiment}/summary?${cursor}`, { headers });
    for (const row of page.rows) for (const [type, field] of Object.entries(TOTALS)) sum[type] += row[field];
    cursor = page.next_cursor ? `cursor=${page.next_cursor}` : null;
  } while (cursor !== null);
  return sum;
}

/** Runs the cron: `make dev` has it on the instance's port, `make serve` on the next one. */
async function runCron() {
  const next = new URL(options.url);
  next.port = String(Number(next.port) + 1);
  for (const origin of [options.url, next.origin]) {
    const response = await fetch(`${origin}/__scheduled?cron=${encodeURIComponent(CRON)}`).catch(() => null);
    if (response?.ok) return;
  }
  fail("The cron could not be run: neither this port nor the next one has /__scheduled");
}

/** The experiment's totals once the cron has nothing left to roll up: a run stops after a while, the next goes on. */
async function rolledUp() {
  for (let last = ""; ; ) {
    await runCron();
    const totals = await experimentTotals();
    if (JSON.stringify(totals) === last) return totals;
    last = JSON.stringify(totals);
  }
}

/** Has all prompts verified, again as long as something is on its way; gives what differs. */
async function verified() {
  const headers = { authorization: `Bearer ${SERVICE_KEY}` };
  for (const end = Date.now() + PENDING_MS; ; ) {
    const [differences, sums] = [[], { prompts: 0, pending: 0 }];
    for (let cursor = ""; cursor !== null; ) {
      const page = await ask(`/v1/admin/verify?limit=100${cursor}`, { headers });
      for (const name of Object.keys(sums)) sums[name] += page[name];
      differences.push(...page.differences);
      cursor = page.next_cursor && `&cursor=${page.next_cursor}`;
    }
    if (sums.pending === 0 || differences.length > 0 || Date.now() > end) return { ...sums, differences };
    await pause(PAUSE_MS);
  }
}

const before = await promptCounts();
const events = traffic(count, prompts, experiment);
const list = batches(events);
const deliveries = list.reduce((sum, batch) => sum + batch.length, 0);
const sent = progress("sent", "events", deliveries);
const rejected = new Map();
let [accepted, duplicates] = [0, 0];

await together(list, async (batch) => {
  // A fork is a user's: a batch that is sent again is sent by the same one.
  const token = (batch.token ??= tokens[randomInt(tokens.length)]);
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  await deliver(batch, headers);
  sent.add(batch.length);
});
sent.end();

const after = { ...(await promptCounts()), ...(await rolledUp()) };
const table = TYPES.map((type) => {
  const ofType = events.filter((event) => event.type === type);
  const acknowledged = ofType.filter(({ id }) => !rejected.has(id)).length;
  const stored = after[type] - (before[type] ?? 0);
  return { type, sent: ofType.length, acknowledged, stored, difference: stored - acknowledged };
});
// A session is counted once, by its first exposure, in whatever order its events came.
const exposed = new Set(events.filter(({ id, type }) => type === "exposure" && !rejected.has(id)).map(({ session_id }) => session_id));
const { variants } = await ask(`/v1/experiments/${experiment}/results`, { headers: { authorization: `Bearer ${SERVICE_KEY}` } });
const judged = variants.reduce((sum, { sessions }) => sum + sessions, 0);
const total = (column) => table.reduce((sum, row) => sum + row[column], 0);
const difference = table.reduce((sum, row) => sum + Math.abs(row.difference), 0);
table.push({
  type: "total",
  sent: total("sent"),
  acknowledged: total("acknowledged"),
  stored: total("stored"),
  difference,
});
const unique = { type: "sessions", sent: exposed.size, acknowledged: exposed.size, stored: judged, difference: judged - exposed.size };
table.push(unique);

const columns = Object.keys(table[0]);
for (const row of [Object.fromEntries(columns.map((name) => [name, name])), ...table]) {
  console.log(columns.map((name, place) => (place ? String(row[name]).padStart(13) : row[name].padEnd(12))).join(""));
}
console.log(
  `sent ${deliveries} times in ${list.length} requests: ${accepted} accepted, ${duplicates} duplicates, ` +
    `${rejected.size} rejected; difference ${difference}`,
);
for (const [code, times] of Map.groupBy(rejected.values(), (code) => code)) console.log(`rejected as ${code}: ${times.length}`);
const verification = await verified();
const differing = verification.differences.length;
console.log(`verified ${verification.prompts} prompts: ${verification.pending} pending, ${differing} differences`);
for (const { prompt_id, check, expected, found } of verification.differences.slice(0, DIFFERENCES_SHOWN)) {
  console.log(`${prompt_id} ${check}: ${expected} expected, ${found} found`);
}
if (differing > 0 || verification.pending > 0) fail("What is told is not what is stored");
if (difference !== 0 || unique.difference !== 0 || rejected.size > 0) fail("What is stored is not what was acknowledged");
