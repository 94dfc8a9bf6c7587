// How long reads take over a large library, and how many rows of D1 they read: make bench-reads [PROMPTS=] [COUNTED=]
//
// The release build on workerd alone. The library comes in by the worker's own doors: prompts, views, copies and forks are
// imported, comparisons and uses come as events, templates and likes as rows. Half of the requests are for prompts by their
// popularity, half for any prompt that may be seen, so that most of their counters have to wake up.
import { readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { parseEnv } from "node:util";
import { userToken } from "../scripts/jwt.mjs";
import { progress } from "../scripts/progress.mjs";
import { migrate, one, rowsRead, send, serve, serveWatched, stop } from "./instance.mjs";
import { largeLibrary, randomOf } from "./large-library.mjs";

const { SERVICE_KEY, JWT_SECRET } = parseEnv(readFileSync(new URL("../.dev.vars", import.meta.url), "utf8"));
const [PROMPTS, COUNTED] = [Number(process.env.PROMPTS), Number(process.env.COUNTED)];

/** Lines of one import; events, and rows, of one request. */
const [LINES, EVENTS, ROWS] = [8000, 500, 2000];
/** Of the counters that have not told D1 yet what they counted: they have three files open each. */
const OPEN_COUNTERS = 4000;
const [WARM_UP, REQUESTS, WATCHED, CONNECTIONS] = [200, 2000, 100, 8];
/** How long counters may take to tell D1 what they counted, after the last of it. */
const SNAPSHOTS_MS = 15 * 60_000;
const DAY_MS = 24 * 3_600_000;

const now = Date.now();
const library = largeLibrary(PROMPTS, COUNTED, now);

async function post(path, body, type = "application/json", key = SERVICE_KEY) {
  const { status, text } = await send("POST", path, { body, headers: { authorization: `Bearer ${key}`, "content-type": type } });
  if (status >= 300) throw new Error(`${path} was answered ${status}: ${text}`);
  return text && JSON.parse(text);
}

function* parts(items, size) {
  let part = [];
  for (const item of items) {
    if (part.push(item) === size) {
      yield part;
      part = [];
    }
  }
  if (part.length > 0) yield part;
}

/** @param told which rows of prompt_stats tell what was imported, where counters have to tell it */
async function importLines(things, lines, told) {
  const report = progress("imported", things);
  const counters = new Set();
  for (const part of parts(lines, LINES)) {
    const text = Readable.from(parts(part, 1000).map((some) => some.map((line) => `${JSON.stringify(line)}\n`).join("")));
    const { imported, refused_count, refused } = await post("/v1/import", text, "application/x-ndjson");
    if (refused_count > 0) throw new Error(`${refused_count} lines were refused: ${JSON.stringify(refused[0])}`);
    report.add(imported.prompts + imported.prompt_events);
    if (!told) continue;
    for (const { row } of part) counters.add(row.prompt_id);
    while (counters.size - one(`select count(*) from prompt_stats where ${told}`) > OPEN_COUNTERS) await pause(500);
  }
  report.end();
}

/** @param senders events, each with the token or key of who sends them */
async function sendEvents(things, senders) {
  const report = progress("sent", things);
  for (const [key, events] of senders) {
    for (const part of parts(events, EVENTS)) {
      const { accepted, rejected } = await post("/v1/events", JSON.stringify(part), "application/json", key);
      if (accepted !== part.length) throw new Error(`rejected: ${JSON.stringify(rejected[0])}`);
      report.add(accepted);
    }
  }
  report.end();
}

async function insert(table, rows) {
  const report = progress("inserted", `rows of ${table}`);
  for (const part of parts(rows, ROWS)) {
    await post(`/rest/v1/${table}`, JSON.stringify(part));
    report.add(part.length);
  }
  report.end();
}

/** Waits until D1 has what the counters counted: so many views and copies. */
async function snapshots(counted) {
  const until = Date.now() + SNAPSHOTS_MS;
  const report = progress("snapshots tell of", "views and copies", counted);
  let told = 0;
  while (told < counted) {
    await pause(5000);
    const tells = one("select coalesce(sum(view_count + copy_count), 0) from prompt_stats");
    report.add(tells - told);
    told = tells;
    if (Date.now() > until) throw new Error("the snapshots do not come");
  }
  report.end();
}

async function fill() {
  await insert("users", library.users.map((id) => ({ id })));
  await importLines("prompts", library.promptLines());
  await insert("prompt_templates", library.templates);
  await insert("template_likes", library.likes());
  await importLines("views and copies", library.countLines(), "view_count + copy_count > 0");
  await importLines("forks", library.forkLines(), "fork_count > 0");
  await sendEvents("comparisons", library.comparisons().map(([user, events]) => [userToken(user, JWT_SECRET), events]));
  await sendEvents("uses", [[SERVICE_KEY, library.uses()]]);
  const visits = library.visits();
  await sendEvents("visits", [[SERVICE_KEY, visits]]);
  await snapshots(COUNTED + visits.length);
  if (one("select count(*) from prompt_rankings where is_listed = 1 and trend is not null") === 0) throw new Error("nothing is trending");
}

const random = randomOf(2);
const pick = (items) => items[Math.floor(random() * items.length)];

function prompt() {
  for (;;) {
    const { id, isPublic } = random() < 0.5 ? library.popular() : pick(library.prompts);
    if (isPublic) return id;
  }
}

const date = (daysAgo) => new Date(now - daysAgo * DAY_MS).toISOString().slice(0, 10);
const top = (list) => [`top ${list}, any window`, () => `/v1/prompts/top/${list}?window=${pick(["24h", "7d", "30d", "all"])}`];
const series = (days, interval, tz) => [
  `series of ${days} days by ${interval}, ${tz}`,
  () => `/v1/prompts/${prompt()}/series?metric=${pick(["view", "copy", "visit"])}&interval=${interval}&from=${date(days)}&to=${date(0)}&tz=${tz}`,
];

const READS = [
  ["stats", () => `/v1/prompts/${prompt()}/stats`],
  ["stats of 100 prompts", () => `/v1/prompts/stats?ids=${Array.from({ length: 100 }, prompt)}`],
  ...["viewed", "visited", "copied", "forked", "liked", "used", "trending"].map(top),
  ["uses by scene", () => `/v1/prompts/${prompt()}/usage/scenes`],
  series(30, "hour", "UTC"),
  series(30, "day", "UTC"),
  series(365, "day", "Europe/Berlin"),
  series(365, "day", "Asia/Kolkata"),
  ["funnel of 30 days", () => `/v1/prompts/${prompt()}/funnel`],
  ["lineage", () => `/v1/prompts/${prompt()}/lineage`],
  ["lineage of the viral prompt", () => `/v1/prompts/${library.prompts[0].id}/lineage`],
  ["lineage of the viral prompt, 500", () => `/v1/prompts/${library.prompts[0].id}/lineage?depth=5&breadth=50`],
  ["compared", () => `/v1/prompts/${prompt()}/compared`],
  ["verification of 5 prompts", () => `/v1/admin/verify?cursor=${cursorAt(pick(library.prompts).id)}`],
];

/** The cursor of the page that begins after this prompt. */
function cursorAt(id) {
  return Buffer.from(JSON.stringify(id)).toString("base64url");
}

/** The service alone may verify; the others are read as anybody. */
const AS_SERVICE = { headers: { authorization: `Bearer ${SERVICE_KEY}` } };
const read = (path) => send("GET", path, path.startsWith("/v1/admin/") ? AS_SERVICE : {});

/** Sends `count` requests over so many connections; gives how long each took, in milliseconds, in ascending order. */
async function times(path, count, connections) {
  const taken = [];
  let left = count;
  await Promise.all(Array.from({ length: connections }, async () => {
    while (left-- > 0) {
      const target = path();
      const started = performance.now();
      const { status, text } = await read(target);
      taken.push(performance.now() - started);
      if (status !== 200) throw new Error(`${target} was answered ${status}: ${text}`);
    }
  }));
  return taken.sort((one, other) => one - other);
}

/** How many rows of D1 each of `count` requests read, in ascending order. */
async function rows(path, count) {
  const counts = [];
  for (let request = 0; request < count; request++) {
    await read(path());
    counts.push(await rowsRead());
  }
  return counts.sort((one, other) => one - other);
}

const quantile = (sorted, share) => sorted[Math.ceil(sorted.length * share) - 1];
const figures = (sorted, digits) => [0.5, 0.99, 1].map((share) => quantile(sorted, share).toFixed(digits).padStart(7)).join("");

console.log(`${PROMPTS} prompts, ${COUNTED} views and copies`);
migrate();
await serve();
await fill();
await stop();
await serve();
const timed = new Map();
for (const [name, path] of READS) {
  await times(path, WARM_UP, CONNECTIONS);
  timed.set(name, [await times(path, REQUESTS, 1), await times(path, REQUESTS, CONNECTIONS)]);
  console.log(`${name}: measured`);
}
await stop();
await serveWatched();
await rowsRead();
const head = " median    p99    max";
console.log(`${"".padEnd(40)}| ms, one at a time    | ms, ${CONNECTIONS} at once       | rows of D1\n${"".padEnd(40)}|${head} |${head} |${head}`);
for (const [name, path] of READS) {
  const [alone, together] = timed.get(name);
  console.log(`${name.padEnd(40)}|${figures(alone, 1)} |${figures(together, 1)} |${figures(await rows(path, WATCHED), 0)}`);
}
await stop();
