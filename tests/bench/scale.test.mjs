// The simulation of scale follows the rules of the source, and comes to what can be calculated.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { GATHERING_S } from "../../bench/counting/prices.mjs";
import * as rules from "../../bench/scale/simulation.mjs";

const { commandsOf, popularity, shardsOf, simulate, snapshotsAt, spreading, tellings } = rules;

const source = (file) => readFileSync(new URL(`../../src/${file}`, import.meta.url), "utf8");
const checkRule = (name, value, file, line) =>
  test(`${name} is that of src/${file}`, () => assert.ok(source(file).includes(line(value)), line(value)));

checkRule("WINDOW_S", rules.WINDOW_S, "edge/merging.rs", (seconds) => `WINDOW: Duration = Duration::from_millis(${seconds * 1000})`);
checkRule("SNAPSHOT_S", rules.SNAPSHOT_S, "counting/snapshot.rs", (seconds) => `SNAPSHOT_INTERVAL_MS: i64 = ${seconds} * SECOND_MS`);
checkRule("DELAY_S", rules.DELAY_S, "counting/snapshot.rs", () => "SNAPSHOT_DELAY_MS: i64 = SECOND_MS");
checkRule("GATHERING_S", GATHERING_S, "counting/snapshot.rs", (seconds) => `GATHERING_MS: i64 = ${seconds * 1000}`);
checkRule("RANKING_S", rules.RANKING_S, "edge/settings.rs", (seconds) => `*seconds <= 3600).unwrap_or(${seconds})`);
checkRule("HOT_COMMANDS", rules.HOT_COMMANDS, "edge/settings.rs", (commands) => `.unwrap_or(${commands})`);
checkRule("SHARDS", rules.SHARDS, "sharding/load.rs", (shards) => `SHARDS: u32 = ${shards}`);
checkRule("PULL_S", rules.PULL_S, "edge/counter_alarm.rs", () => "PULL_INTERVAL_MS: i64 = SECOND_MS");

const near = (actual, expected, share, what) =>
  assert.ok(Math.abs(actual - expected) <= share * expected, `${what}: ${actual}, and not ${expected}`);

for (const [prompts, isolates] of [[1, 1], [1, 20], [50, 5], [2000, 5]]) {
  test(`${prompts} prompts, ${isolates} isolates: commands and snapshots are as many as can be expected`, () => {
    const load = { viewsPerSecond: 1000, bounds: popularity(prompts), isolates };
    const { views, commands, snapshots, awake } = simulate({ ...load, seconds: 60, settle: 20 });
    const share = (rank) => load.bounds[rank] - (load.bounds[rank - 1] ?? 0);
    let expected = 0;
    for (let rank = 0; rank < prompts; rank++) expected += commandsOf(share(rank) * 1000, isolates);
    near(views, 1000, 0.02, "views");
    near(commands, expected, 0.02, "commands");
    near(snapshots, snapshotsAt(load, rules.SNAPSHOT_S), 0.15, "snapshots");
    assert.ok(awake <= prompts && awake > 0.6 * prompts, `${awake} awake`);
  });
}

test("lists are told as often as can be expected", () => {
  // Of 2,000 prompts some are viewed once in ten minutes.
  const load = { viewsPerSecond: 100, bounds: popularity(2000), isolates: 2 };
  near(simulate({ ...load, seconds: 3000, settle: 600 }).tellings, tellings(load), 0.05, "tellings");
});

test("a counter spreads when it is hot, over as many shards as have half of that each, up to the most", () => {
  assert.deepEqual([0, 1000, 1001, 2000, 5000, 500_000].map(shardsOf), [1, 1, 3, 4, 10, 32]);
  const { prompts, shards, first } = spreading({ viewsPerSecond: 5000, bounds: popularity(1), isolates: 400 });
  // Each isolate has 12.5 views a second; one opens a window of 0.24 s, in which 3 more come.
  assert.deepEqual([prompts, shards, Math.round(first)], [1, 3, 5000 / 4]);
});
