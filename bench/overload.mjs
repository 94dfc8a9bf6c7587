// Twice what an instance can take, and what many requests leave in its memory: make bench-overload [OVERLOADED=10]
// [CONNECTIONS=1024] [COUNT=1000000]
//
// The release build on workerd alone, on storage of its own. What it can take is found by callers that wait for their answers; then
// callers come at their times, whatever it does. COUNT=0 leaves the memory out, OVERLOADED=0 the overload.
import { cpus, loadavg } from "node:os";
import { version as workerd } from "workerd";
import { errorCount } from "./counting/accounts.mjs";
import { memory } from "./overload/memory.mjs";
import { CALLERS, overload } from "./overload/overload.mjs";

const [DURATION, CONNECTIONS, COUNT] = ["OVERLOADED", "CONNECTIONS", "COUNT"].map((name) => Number(process.env[name]));
/** Half of those who come have to be too many. */
const SETTINGS = { REQUESTS_IN_HAND: String(CONNECTIONS / 2) };
const LIBRARY = 1282;
/** Callers that wait are never too many. */
const LEAST_CONNECTIONS = 2 * Math.max(...CALLERS);
/** What is overloaded: kinds of counting/requests.mjs, of one prompt or of a library. */
const OVERLOADS = [
  { kind: "durable", prompts: 1 },
  { kind: "durable", prompts: LIBRARY },
  { kind: "async", prompts: 1 },
];
/** What is sent COUNT times: views without ids, of which nothing is to be left, and with ids, which are known for 24 hours. */
const MEMORIES = [
  { kind: "durableWithoutId", prompts: 1 },
  { kind: "durable", prompts: 1 },
];

const load = () => loadavg()[0].toFixed(1);
const whole = (number) => (number === null ? "–" : Math.round(number).toLocaleString("en"));
const percent = (share) => `${(share * 100).toFixed(1)} %`;
const verdict = (isReached) => (isReached ? "reached" : "missed");

function table(head, rows) {
  const widths = head.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column].length)));
  for (const row of [head, ...rows]) console.log(row.map((cell, column) => cell.padEnd(widths[column])).join("  "));
  console.log();
}

const named = ({ kind, prompts }) => `${kind}, ${prompts === 1 ? "one prompt" : `${prompts} prompts`}`;

const found = { processor: cpus()[0].model, cores: cpus().length, workerd, seconds: DURATION, overloads: [], memories: [] };

const HEAD = [
  ...["requests", "best/s", "CPU of one, of a refusal", "offered/s", "goodput/s", "of best", "refused", "failed", "p99 before", "p99"],
  ...["p99 refused", "p99 after", "well after", "wrong, lost, doubled", "connections", "load"],
];

function row(line) {
  const { best, refusal, before, overload: over, after, recovery_ms, wrong, lost, doubled, load_before, load_after } = line;
  const costs = [best.cpu_us, refusal.cpu_us].map((us) => `${whole(us)} µs`).join(", ");
  const times = [before.p99_ms, over.p99_ms, over.refused_p99_ms, after.p99_ms].map((ms) => `${whole(ms)} ms`);
  return [
    ...[named(line), whole(best.per_s), costs, whole(over.offered_per_s), whole(over.goodput_per_s)],
    ...[over.share_of_best, over.shed, over.failed].map(percent),
    ...times,
    recovery_ms === null ? "not seen" : `${(recovery_ms / 1000).toFixed(1)} s`,
    ...[[wrong, lost, doubled].join(", "), whole(line.connections), `${load_before} to ${load_after}`],
  ];
}

if (DURATION > 0) {
  if (!(CONNECTIONS >= LEAST_CONNECTIONS)) {
    console.error(`CONNECTIONS has to be at least ${LEAST_CONNECTIONS}, and is ${CONNECTIONS}.`);
    process.exit(1);
  }
  for (const plan of OVERLOADS) {
    const at = load();
    const line = { ...(await overload({ ...plan, seconds: DURATION, connections: CONNECTIONS, settings: SETTINGS })), load_before: at, load_after: load() };
    found.overloads.push(line);
    table(HEAD, [row(line)]);
    const [isKept, isWell] = [line.overload.share_of_best >= 0.9, line.recovery_ms !== null && line.recovery_ms <= 5000];
    console.log(`${named(line)}: at least 90 % of the best is ${verdict(isKept)}, well within 5 s is ${verdict(isWell)}\n`);
  }
}

if (COUNT > 0) {
  for (const plan of MEMORIES) {
    const at = load();
    const line = { ...(await memory({ ...plan, count: COUNT })), load_before: at, load_after: load() };
    found.memories.push(line);
    const { requests, per_s, quarters_mb, last_to_first, mb_per_100_000, errors, lost, doubled } = line;
    table(["requests", "count", "/s", "MB by quarters", "last to first", "MB per 100,000", "errors, lost, doubled", "load"], [[
      named(line), whole(requests), whole(per_s), quarters_mb.map(whole).join(", "), last_to_first.toFixed(3),
      mb_per_100_000.toFixed(2), [errorCount(errors), lost, doubled].join(", "), `${at} to ${line.load_after}`,
    ]]);
    console.log(`${named(line)}: memory that is flat (the last quarter within 5 % of the first) is ${verdict(last_to_first <= 1.05)}\n`);
  }
}

console.log(JSON.stringify(found));
