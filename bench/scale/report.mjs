// What the simulation comes to: what it needs of Cloudflare, and what that costs a month.
import { dollars, objectGbS } from "../counting/prices.mjs";
import { PULL_S, simulate, snapshotsAt, spreading, tellings } from "./simulation.mjs";

/** How busy an isolate is to be at the most. */
const BUSY = 0.5;
/** Rows of D1 that a snapshot of views and visits writes, and what it writes besides where it tells the lists (ARCHITECTURE.md, "Walk: a view"). */
const [SNAPSHOT_ROWS, TELLING_ROWS] = [2, 12];
const MONTH_S = 30 * 24 * 3600;
/** Intervals of snapshots that are compared, in seconds. */
const INTERVALS = [10, 60, 600, 3600];
/** Isolates are as many as are needed, or as many times that, for Cloudflare chooses how many there are. */
const TIMES = [1, 10, 100];

const whole = (value) => Math.round(value).toLocaleString("en");
const part = (value) => value.toPrecision(3);
const table = (head, rows) => [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");

/** What was measured, of results.json. */
export function measuredOf(results) {
  const async = results.cells["promptmeter/async/one prompt/32"];
  const zipf = results.economics.find(({ name }) => name.startsWith("ack=async, Zipf"));
  const upsert = results.cells["d1/baseline/one prompt/32"];
  return {
    cpuMs: async.cpu_us / 1000,
    /** Of one object and of all; a setting of an alarm is a row. */
    rowsPerCall: zipf.per_view.object_rows_written / zipf.per_view.object_calls,
    statementsPerSecond: upsert.requests_per_s,
  };
}

function perMonth({ views, commands, snapshots, tellings }, shards, { cpuMs, rowsPerCall }) {
  const pulls = shards / PULL_S;
  const perSecond = {
    requests: views,
    object_calls: commands + pulls + snapshots,
    object_rows_written: (commands + pulls) * rowsPerCall,
    d1_rows_written: snapshots * SNAPSHOT_ROWS + tellings * TELLING_ROWS,
    cpu_ms: views * cpuMs,
    object_gb_s: objectGbS(commands + pulls, snapshots),
  };
  const each = Object.entries(perSecond).map(([name, amount]) => [name, dollars({ [name]: amount * MONTH_S })]);
  return { perSecond, dollars: Object.fromEntries(each), sum: each.reduce((sum, [, cost]) => sum + cost, 0) };
}

/** The figures as Markdown. `load` is views a second and the prompts' popularity. */
export function report(load, measured, { seconds, settle }, say = () => {}) {
  const least = Math.ceil((load.viewsPerSecond * measured.cpuMs) / 1000 / BUSY);
  const all = TIMES.map((times) => {
    const isolates = least * times;
    say(`simulating ${isolates} isolates`);
    // A list is told so rarely that the simulation would have to go on for many minutes.
    const flow = { ...simulate({ ...load, isolates, seconds, settle }), tellings: tellings({ ...load, isolates }) };
    const spread = spreading({ ...load, isolates });
    return { isolates, flow, spread, cost: perMonth(flow, spread.shards, measured) };
  });
  const [first] = all;
  const row = (what, tell) => [what, ...all.map(tell)];
  const cost = (what, name) => row(`$ a month: ${what}`, (one) => `$${whole(one.cost.dollars[name])}`);
  const flows = table(["isolates", ...all.map(({ isolates }) => whole(isolates))], [
    row("commands to counters, a second", ({ flow }) => whole(flow.commands)),
    row("object calls per view", ({ flow }) => part(flow.commands / flow.views)),
    row("counters awake", ({ flow }) => whole(flow.awake)),
    row("counters that are spread; their shards; their share of the views", ({ spread }) =>
      `${whole(spread.prompts)}; ${whole(spread.shards)}; ${part(spread.share * 100)} %`),
    row("commands of the most popular prompt, a second; to each of its shards", ({ spread }) => `${whole(spread.first)}; ${whole(spread.firstShard)}`),
    row("rows that objects write, a second", (one) => whole(one.cost.perSecond.object_rows_written)),
    row("snapshots to D1, a second", ({ flow }) => whole(flow.snapshots)),
    row("of these also to the lists", ({ flow }) => whole(flow.tellings)),
    row("rows that D1 writes, a second", (one) => whole(one.cost.perSecond.d1_rows_written)),
    row("times what one database does", ({ flow }) => part(flow.snapshots / measured.statementsPerSecond)),
    cost("requests", "requests"),
    cost("processor time", "cpu_ms"),
    cost("object calls and alarms", "object_calls"),
    cost("rows of objects", "object_rows_written"),
    cost("active objects", "object_gb_s"),
    cost("rows of D1", "d1_rows_written"),
    row("**$ a month**", ({ cost }) => `**$${whole(cost.sum)}**`),
    row("$ per million views", ({ cost, flow }) => `$${((cost.sum / MONTH_S / flow.views) * 1e6).toFixed(2)}`),
  ]);
  const intervals = table(["a snapshot at the most every", "snapshots a second", "databases", "$ a month for rows of D1"], INTERVALS.map((interval) => {
    const snapshots = snapshotsAt({ ...load, isolates: first.isolates }, interval);
    const rows = dollars({ d1_rows_written: (snapshots * SNAPSHOT_ROWS + Math.min(first.flow.tellings, snapshots) * TELLING_ROWS) * MONTH_S });
    return [`${interval} s`, whole(snapshots), whole(Math.ceil(snapshots / measured.statementsPerSecond)), `$${whole(rows)}`];
  }));
  const views = (load.viewsPerSecond * measured.statementsPerSecond) / first.flow.snapshots;
  return `${whole(load.viewsPerSecond)} views a second over ${whole(load.bounds.length)} prompts, ${seconds} s of it. Measured by \`make bench\`: ${whole(measured.cpuMs * 1000)} µs of
processor time for a view, ${part(measured.rowsPerCall)} rows for a command, ${whole(measured.statementsPerSecond)} UPSERTs a second in one database.

${flows}

One database keeps up with the snapshots of about ${whole(views)} views a second that are spread like these. With ${whole(first.isolates)} isolates
and other intervals:

${intervals}`;
}
