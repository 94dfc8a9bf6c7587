// docs/benchmarks.md says what was measured, names what is missed, and is not made of half the figures.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ONE, cellName } from "../../bench/counting/cells.mjs";
import { benchmarkDocument } from "../../bench/counting/document.mjs";
import { alternatives } from "../../bench/counting/economics.mjs";
import { readCsv } from "../../bench/counting/redis.mjs";
import { TARGETS, cellsOf, isReached, keyFigures } from "../../bench/counting/results.mjs";

const REACHED = Object.fromEntries(TARGETS.map(({ key, least = 1, most }) => [key, most ?? least]));
const PER_VIEW = {
  requests: 1, object_calls: 0.005, alarms: 0.0001, object_rows_read: 0, object_rows_written: 0.01,
  d1_rows_read: 0, d1_rows_written: 0.004, cpu_ms: 0.2,
};
const RUN = { name: "a run", views: 30_000, errors: {}, wrong: 0, per_view: PER_VIEW, usd_per_million_views: 0.32 };

/** Figures of one round: those of `given`, and the same for all others that are compared. */
function round(given = {}) {
  const names = [
    ["empty", "empty", 32], ["reading", "async", 32], ["promptmeter", "async", 32], ["promptmeter", "durable", 32], ["promptmeter", "durable", 256],
    ["object", "baseline", 32], ["object", "baseline", 256], ["d1", "baseline", 32], ["postgres", "baseline", 32],
    ["redis", "synced", 32], ["redis", "everySecond", 32],
  ].map(([subject, kind, connections]) => cellName(subject, { kind, spread: ONE, connections }));
  const batches = [1, 8].flatMap((connections) =>
    [ONE, "Zipf over 1282 prompts"].map((spread) => cellName("promptmeter", { kind: "batch500", spread, connections })),
  );
  const figures = { requests_per_s: 1000, views_per_s: 1000, p50_ms: 1, p99_ms: 2, cpu_us: 100, peak_mb: 50, client_cpu: 0.3, errors: {}, wrong: 0 };
  return Object.fromEntries([...names, ...batches].map((name) => [name, { ...figures, ...given[name] }]));
}

const keysOf = (rounds, more = {}) =>
  keyFigures({ rounds, compared: [], economics: [RUN], wasmGzipKb: 300, startup: { startup_ms: 10 }, ...more });

const results = {
  ...REACHED,
  machine: { cpus: 2, cpu: "a processor", system: "a system", workerd: "1", node: "24", postgres: null, redis: null },
  rounds: 3,
  seconds: 3,
  cells: cellsOf([round()]),
  economics: [RUN],
  alternatives: alternatives({ object: 300, d1: 400 }),
  startup: { starts: 9, empty_ms: 50, promptmeter_ms: 60, startup_ms: 10 },
  object: [{ callers: 32, views: 20, commands_per_s: 5000 }],
  skipped: [],
};

test("a document is refused where a key is missing", () => {
  for (const key of Object.keys(results)) {
    const { [key]: _, ...rest } = results;
    assert.throws(() => benchmarkDocument(rest), new RegExp(`lacks ${key}`));
  }
});

test("targets are said to be reached or missed, each by its own figure", () => {
  assert.doesNotMatch(benchmarkDocument(results), /missed/);
  for (const { key, least, most } of TARGETS) {
    if (least === undefined && most === undefined) continue;
    const text = benchmarkDocument({ ...results, [key]: least === undefined ? most + 1 : least * 0.9 });
    const missed = text.split("\n").filter((line) => line.includes("**missed**"));
    assert.deepEqual(missed.map((line) => line.includes(`\`${key}\``)), [true], key);
  }
});

test("what is skipped is named, and no target is reached by it", () => {
  const skipped = [{ subject: "postgres", reason: "it is not installed" }];
  const text = benchmarkDocument({ ...results, durable_vs_postgres: null, skipped });
  assert.match(text, /Not measured: .*PostgreSQL.*it is not installed/);
  assert.match(text, /not measured .*`durable_vs_postgres`/);
  assert.equal(isReached(TARGETS.find(({ key }) => key === "durable_vs_postgres"), null), null);
});

test("what was written by hand is kept, whatever is made anew", () => {
  const written = "\n## Why\n\nBecause.\n\n## Not generated\n";
  assert.ok(benchmarkDocument(results, `# Old\n\n## Targets\n${written}`).endsWith(written));
});

test("ratios are medians of those of the rounds, by the cells they name", () => {
  const [empty, async] = [["empty", "empty"], ["promptmeter", "async"]].map(([subject, kind]) => cellName(subject, { kind, spread: ONE, connections: 32 }));
  const rounds = [[900, 1000], [100, 1000], [50, 100]].map(([one, other]) =>
    round({ [async]: { views_per_s: one }, [empty]: { views_per_s: 0, requests_per_s: other } }),
  );
  assert.equal(keysOf(rounds).async_vs_empty, 0.5);
});

test("errors and wrong values are the product's alone, those of warm-ups among them; what is lost is of all its visits", () => {
  const [own, other] = ["promptmeter/durable", "object/baseline"].map((name) => `${name}/${ONE}/32`);
  const rounds = [round({ [own]: { errors: { "status 500": 2, "no answer": 1 }, wrong: 4 }, [other]: { errors: { "status 500": 9 }, wrong: 9 } }), round()];
  const compared = [
    { lost: 1, doubled: 2, ahead: 3, errors: 100, wrong: 200 },
    { lost: 10, doubled: 20, ahead: 30, errors: 0, wrong: 0 },
  ];
  const { errors, wrong_values, lost, doubled } = keysOf(rounds, { compared, economics: [{ ...RUN, errors: { late: 1 }, wrong: 5 }] });
  assert.deepEqual([errors, wrong_values, lost, doubled], [104, 242, 11, 22]);
});

test("where PostgreSQL or Redis is left out, there is no ratio to it", () => {
  for (const [cell, key] of [["postgres/baseline", "durable_vs_postgres"], ["redis/synced", "durable_vs_redis"], ["redis/everySecond", "batch500_vs_redis"]]) {
    const { [`${cell}/${ONE}/32`]: _, ...rest } = round();
    assert.deepEqual([keysOf([rest])[key], keysOf([round()])[key]], [null, 1], key);
  }
});

test("what redis-benchmark tells is read by the names of its columns", () => {
  const told = '"test","rps","avg_latency_ms","p50_latency_ms"\n"incr views:1","88657.18","0.2","0.151"\n';
  assert.deepEqual(readCsv(told), { test: "incr views:1", rps: "88657.18", avg_latency_ms: "0.2", p50_latency_ms: "0.151" });
});
