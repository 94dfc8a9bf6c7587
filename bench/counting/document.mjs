// docs/benchmarks.md, made from results.json.
import { ONE, cellName } from "./cells.mjs";
import { TARGETS, isReached } from "./results.mjs";

/** What stands under this heading is written by hand, and kept. */
const WHY = "## Why";

const SUBJECTS = {
  empty: "an empty worker in JavaScript",
  reading: "a JavaScript worker that reads a view, responds as promptmeter does, and counts nothing",
  object: "one object call and one row per view, in JavaScript",
  d1: "D1 UPSERT per view, in JavaScript",
  postgres: "`increment_prompt_views` in PostgreSQL 15, pgbench, no HTTP",
  redis: "`INCR` in Redis, redis-benchmark, no HTTP",
  promptmeter: "promptmeter",
};
const KINDS = {
  empty: "",
  baseline: "",
  missing: "404, its cheapest response",
  async: "`ack=async`",
  asyncWithId: "`ack=async`, with ids",
  durable: "durable",
  durableWithoutId: "durable, without ids",
  synced: "`appendfsync always`",
  everySecond: "`appendfsync everysec`",
  batch100: "durable, batches of 100",
  batch500: "durable, batches of 500",
};

const NEEDED = ["machine", "rounds", "seconds", "cells", "economics", "alternatives", "startup", "object", "skipped"];

/** The nearest number with so many digits, with commas. */
function number(value, digits = 3) {
  if (value === null || value === undefined) return "–";
  if (value !== 0 && Math.abs(value) < 0.0001) return value.toExponential(1);
  const short = Number(value.toPrecision(digits));
  return Math.abs(short) >= 1000 ? Math.round(short).toLocaleString("en") : String(short);
}

const table = (head, rows) => [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");

function targets(results) {
  const wanted = ({ least, most }) =>
    least !== undefined ? `≥ ${number(least)}` : most === undefined ? "–" : most === 0 ? "0" : `≤ ${number(most)}`;
  const words = { true: "reached", false: "**missed**", null: "–" };
  const rows = TARGETS.map((target) => {
    const value = results[target.key];
    const told = value === null ? "not measured" : number(value, 4);
    return [target.what, told, wanted(target), words[isReached(target, value)], `\`${target.key}\``];
  });
  return table(["what", "measured", "target", "", "key"], rows);
}

function named(name) {
  const [subject, kind, spread, connections, visitors] = name.split("/");
  const parts = [SUBJECTS[subject], KINDS[kind], visitors && "each view from a different address"];
  return { what: parts.filter(Boolean).join(", "), spread: spread === ONE ? "one" : "Zipf", connections };
}

function throughput(cells) {
  const rows = Object.entries(cells).map(([name, cell]) => {
    const { what, spread, connections } = named(name);
    const events = cell.views_per_s ? number(cell.views_per_s) : "–";
    return [what, spread, connections, number(cell.requests_per_s), events, number(cell.p50_ms), number(cell.p99_ms), cell.errors, cell.wrong];
  });
  return table(["what", "prompts", "connections", "requests/s", "events/s", "p50, ms", "p99, ms", "errors", "wrong values"], rows);
}

/** Commands a second that a counter does one after another. */
const oneByOne = (cells) => cells[cellName("promptmeter", { kind: "durable", spread: ONE, connections: 1 })]?.requests_per_s;

function objects(found) {
  const rows = found.map(({ callers, views, commands_per_s: rate }) => [callers, views, number(rate), number(rate * views)]);
  return table(["callers at once", "views per command", "commands/s", "views/s"], rows);
}

function costs(cells) {
  const rows = Object.entries(cells).map(([name, cell]) => {
    const { what, spread, connections } = named(name);
    return [what, spread, connections, number(cell.cpu_us), number(cell.peak_mb), cell.client_cpu === null ? "–" : `${number(cell.client_cpu * 100, 2)} %`];
  });
  return table(["what", "prompts", "connections", "CPU per event (or request), µs", "peak memory, MB", "client's CPU"], rows);
}

function economics({ economics, alternatives }) {
  const rows = [...economics, ...alternatives].map(({ name, per_view: each, usd_per_million_views }) => [
    name,
    number(each.requests),
    number(each.object_calls),
    number(each.alarms),
    number(each.object_rows_written),
    number(each.d1_rows_written),
    number(each.object_rows_read + each.d1_rows_read),
    number(each.cpu_ms * 1000),
    `$${usd_per_million_views.toFixed(3)}`,
  ]);
  const head = ["per view", "requests", "object calls", "alarms", "rows written, objects", "rows written, D1", "rows read", "CPU, µs", "per million views"];
  return table(head, rows);
}

/**
 * The document.
 * @param results results.json; throws if a key is missing
 * @param existing the document as it was, of which the last section is kept
 */
export function benchmarkDocument(results, existing = "") {
  const missing = [...TARGETS.map(({ key }) => key), ...NEEDED].filter((key) => results[key] === undefined);
  if (missing.length > 0) throw new Error(`results.json lacks ${missing.join(", ")}`);
  const { machine, startup, skipped } = results;
  const kept = existing.indexOf(`\n${WHY}`);
  const written = kept < 0 ? `\n${WHY}\n` : existing.slice(kept);
  const left = skipped.map(({ subject, reason }) => `\nNot measured: ${SUBJECTS[subject]}, for ${reason}.\n`).join("");
  return `# Benchmarks

Counting compared with its alternatives, on one machine in one run. \`make bench\` prints these figures and writes
\`bench/results.json\` and this document. Only the section *Why* is written by hand.

${machine.cpus} cores (${machine.cpu}), ${machine.system}, workerd ${machine.workerd}, Node ${machine.node}, ${machine.postgres ?? "no PostgreSQL"}, ${machine.redis ? `Redis ${machine.redis}` : "no Redis"}.

- Each line is the median of ${results.rounds} rounds of ${results.seconds} s. The order of the subjects alternates from round to round. A ratio is the median of the ratios
  of the rounds.
- Each worker runs alone on workerd with its storage on disk. It is warmed up for at least 2 s and 10,000 requests (500 batches).
- One client process on the same machine sends the next request of a connection when the previous one is answered. It checks every
  response. What was acknowledged is compared with what is stored.
- A worker, its objects and D1 all run in one thread.
${left}
## Targets

${targets(results)}

## Throughput and latency

A batch is one request; its events are views with ids. Durable views carry an \`Idempotency-Key\`. With one connection, each durable
view is a command of its own to its counter, one after another: ${number(oneByOne(results.cells))} a second.

${throughput(results.cells)}

## What one counter takes

Commands to one counter, in the form in which workers send them. Each caller waits for its answer, and the callers share the thread with
the counter. These rates are the limit to which \`HOT_COMMANDS_PER_SECOND\` (default 1000) is to be compared. Elsewhere in this
document that setting is 2000, because one connection already comes near the default.

${objects(results.object)}

## Processor time and memory

Processor time is that of the server's process, with its objects and D1. Memory is the peak during the measurement. The client's share
is that of its one thread: near 100 % the client would be the bottleneck.

${costs(results.cells)}

## What views cost

Measured at 1,000 views a second, each from a different address unless the line says otherwise. The amounts are those that the worker
reports (\`GET /v1/admin/metrics\`). The prices are Cloudflare's published ones (\`bench/counting/prices.mjs\`), without the plan's included
amounts.

- Priced are requests, object calls and alarms, rows read and written by objects and D1, processor time (all of it, although that of
  objects is billed differently), and the duration of objects at 128 MB: 10 ms for each call and 110 ms for each alarm.
- The measurement begins 15 s after the first view and lasts ${results.paced_seconds} s for one prompt and ${results.paced_seconds * 10} s for many, because a counter updates the lists once in
  five minutes.
- The row in which an isolate stores its metrics every ten seconds is not included.
- The rows of the alternatives are those that SQLite reports for their statements.

${economics(results)}

## Start

From the start of workerd to the first response: ${number(startup.promptmeter_ms)} ms; with an empty worker ${number(startup.empty_ms)} ms. Both are medians of ${startup.starts} starts.
\`startup_ms\` is the difference: compiling the worker's script and starting it.
${written}`;
}
