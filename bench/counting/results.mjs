// What all rounds come to: the figures of results.json.
import { errorCount } from "./accounts.mjs";
import { cellName, ONE, ZIPF } from "./cells.mjs";
import { median, rounded } from "./figures.mjs";

/** Figures of a cell that are medians of its rounds. */
const MEDIANS = ["requests_per_s", "views_per_s", "p50_ms", "p99_ms", "cpu_us", "peak_mb", "client_cpu"];

/** The targets of the design: the key, what it is, and what it has to be. */
export const TARGETS = [
  { key: "async_vs_empty", what: "views of one prompt, `ack=async`, 32 connections; ratio to requests of an empty worker", least: 0.9 },
  { key: "async_vs_reading", what: "the same; ratio to a JavaScript worker that reads a view, sends the same response and counts nothing" },
  { key: "durable_vs_object_per_view", what: "durable views of one prompt, 32 connections; ratio to one object call and one row per view", least: 3 },
  { key: "durable256_vs_object_per_view", what: "the same with 256 connections on both sides", least: 5 },
  { key: "durable_vs_d1_upsert", what: "durable views of one prompt, 32 connections; ratio to one D1 UPSERT per view" },
  { key: "durable_vs_postgres", what: "the same; ratio to `increment_prompt_views` in PostgreSQL 15, 32 clients", least: 2.5 },
  { key: "durable_vs_redis", what: "the same; ratio to `INCR` in Redis with `appendfsync always`, 32 clients" },
  { key: "batch500_vs_redis", what: "durable events of one prompt in batches of 500; ratio to `INCR` in Redis with `appendfsync everysec`" },
  { key: "batch500_events_per_s", what: "durable events/s of one prompt in batches of 500", least: 100_000 },
  { key: "batch500_zipf_events_per_s", what: "the same, Zipf over 1,282 prompts", least: 10_000 },
  { key: "object_calls_per_view", what: "object calls per view at 1,000 views/s of one prompt, `ack=async`", most: 0.05 },
  { key: "rows_written_per_view", what: "rows written per view in that run, D1 and alarms included", most: 0.02 },
  { key: "usd_per_million_views", what: "dollars per million views in that run, requests included" },
  { key: "wasm_gzip_kb", what: "size of the WebAssembly, gzipped, in KB of 1,000 bytes", most: 400 },
  { key: "startup_ms", what: "ms that workerd needs to compile and start the worker", most: 20 },
  { key: "errors", what: "requests to promptmeter with no response or an unexpected one", most: 0 },
  { key: "wrong_values", what: "durable views whose response had another view's value, a value already passed, or one not reached yet", most: 0 },
  { key: "lost", what: "acknowledged events that are not stored", most: 0 },
  { key: "doubled", what: "stored events that were never acknowledged", most: 0 },
];

/** The rounds of each cell put together. `rounds` has, for each round, the figures of each cell by its name. */
export function cellsOf(rounds) {
  return Object.fromEntries(Object.keys(rounds[0] ?? {}).map((name) => {
    const all = rounds.map((round) => round[name]);
    const middle = (figure) => rounded(median(all.map((figures) => figures[figure]).filter(Number.isFinite)));
    const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
    return [name, {
      ...Object.fromEntries(MEDIANS.map((figure) => [figure, middle(figure)])),
      errors: sum(all.map(({ errors }) => errorCount(errors))),
      wrong: sum(all.map(({ wrong }) => wrong)),
    }];
  }));
}

/**
 * The keys of the targets.
 * @param rounds as above
 * @param compared what is wrong with what was stored after each visit, and with the answers to its warm-up
 * @param economics runs, the first of which the targets are about
 */
export function keyFigures({ rounds, compared, economics, wasmGzipKb, startup }) {
  const cell = (subject, kind, spread, connections) => cellName(subject, { kind, spread, connections });
  const views = (round, name) => round[name].views_per_s || round[name].requests_per_s;
  /** Those that are compared stand next to each other in a round. */
  const ratio = (one, other) => {
    const known = rounds.filter((round) => round[one] && round[other]);
    return rounded(median(known.map((round) => views(round, one) / views(round, other))));
  };
  const best = (kind, spread) => {
    const names = [1, 8, 32].map((connections) => cell("promptmeter", kind, spread, connections)).filter((name) => rounds.every((round) => round[name]));
    const candidates = names.map((name) => median(rounds.map((round) => views(round, name))));
    return rounded(Math.max(...candidates), 5);
  };
  const durable = (connections) => cell("promptmeter", "durable", ONE, connections);
  const own = rounds.flatMap(Object.entries).filter(([name]) => name.startsWith("promptmeter/")).map(([, figures]) => figures);
  const total = (figure) => [...own, ...economics].reduce((sum, figures) => sum + figure(figures), 0);
  const { per_view: perView, usd_per_million_views } = economics[0];
  const found = (name) => compared.reduce((sum, visit) => sum + visit[name], 0);
  return {
    async_vs_empty: ratio(cell("promptmeter", "async", ONE, 32), cell("empty", "empty", ONE, 32)),
    async_vs_reading: ratio(cell("promptmeter", "async", ONE, 32), cell("reading", "async", ONE, 32)),
    durable_vs_object_per_view: ratio(durable(32), cell("object", "baseline", ONE, 32)),
    durable256_vs_object_per_view: ratio(durable(256), cell("object", "baseline", ONE, 256)),
    durable_vs_d1_upsert: ratio(durable(32), cell("d1", "baseline", ONE, 32)),
    durable_vs_postgres: ratio(durable(32), cell("postgres", "baseline", ONE, 32)),
    durable_vs_redis: ratio(durable(32), cell("redis", "synced", ONE, 32)),
    batch500_vs_redis: ratio(cell("promptmeter", "batch500", ONE, 8), cell("redis", "everySecond", ONE, 32)),
    batch500_events_per_s: best("batch500", ONE),
    batch500_zipf_events_per_s: best("batch500", ZIPF),
    object_calls_per_view: rounded(perView.object_calls),
    rows_written_per_view: rounded(perView.object_rows_written + perView.d1_rows_written),
    usd_per_million_views: rounded(usd_per_million_views),
    wasm_gzip_kb: rounded(wasmGzipKb),
    startup_ms: rounded(startup.startup_ms),
    errors: total(({ errors }) => errorCount(errors)) + found("errors"),
    wrong_values: total(({ wrong }) => wrong) + found("wrong") + found("ahead"),
    lost: found("lost"),
    doubled: found("doubled"),
  };
}

/** Whether a target is reached; null where there is none, or nothing was measured. */
export function isReached({ least, most }, value) {
  if (value === null || (least === undefined && most === undefined)) return null;
  return (least === undefined || value >= least) && (most === undefined || value <= most);
}
