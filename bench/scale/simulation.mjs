// Views of many prompts, through the rules by which isolates merge them and counters tell D1.
import { randomOf, rankAt, zipf } from "../large-library.mjs";

/** How long increments gather in an isolate, in seconds: WINDOW in src/edge/merging.rs. */
export const WINDOW_S = 0.24;
/** How often a counter tells D1 at the most: SNAPSHOT_INTERVAL_MS in src/counting/snapshot.rs. */
export const SNAPSHOT_S = 10;
/** How long it waits at the least: SNAPSHOT_DELAY_MS there. */
export const DELAY_S = 1;
/** How often it tells the lists at the most: `ranking_interval_ms` in src/edge/settings.rs. */
export const RANKING_S = 300;
/** Commands a second beyond which a counter spreads: `hot_commands_per_second` in src/edge/settings.rs. */
export const HOT_COMMANDS = 1000;
/** Shards of a counter at the most: SHARDS in src/sharding/load.rs. */
export const SHARDS = 32;
/** How often a counter that is spread pulls from each: PULL_INTERVAL_MS in src/edge/counter_alarm.rs. */
export const PULL_S = 1;
/** How long an object stays in memory when nothing comes. */
const AWAKE_S = 10;
const SEED = 3;

/** Commands a second to the counter of a prompt that has so many views a second, if they are random and fall to isolates alike. */
export function commandsOf(views, isolates) {
  const each = views / isolates;
  return (isolates * each) / (1 + each * WINDOW_S);
}

/** Snapshots a second of a counter that gets so many commands a second, each `interval` seconds after the first that it tells of. */
const snapshotsOf = (commands, interval) => 1 / (interval + 1 / commands);

/**
 * How often a second such a counter tells the lists: when the interval is over, if there was a command in it, and else with the
 * next one.
 */
const tellingsOf = (commands) => 1 / (RANKING_S + Math.exp(-RANKING_S * commands) / commands);

/** Over how many shards a counter is spread that gets so many commands a second; 1 where it is not. */
export const shardsOf = (commands) =>
  commands > HOT_COMMANDS ? Math.min(Math.max(Math.ceil((2 * commands) / HOT_COMMANDS), 2), SHARDS) : 1;

/**
 * Views one after another, at random times, each of a prompt by Zipf's law and in any isolate. Of the first `settle` seconds
 * nothing is counted. What is counted is given by the second, `awake` as it is at the end.
 */
export function simulate({ viewsPerSecond, bounds, isolates, seconds, settle }) {
  const random = randomOf(SEED);
  const end = settle + seconds;
  /** By prompt: when its counter got the last command, when it told D1 last, and when it will again; 0 is never. */
  const [last, told, due] = Array.from({ length: 3 }, () => new Float64Array(bounds.length));
  /** By prompt: when its counter told the lists last, and when it will tell the rest. */
  const [ranked, rest] = [-Infinity, 0].map((never) => new Float64Array(bounds.length).fill(never));
  /** By prompt and isolate: until when increments gather. */
  const gathering = new Map();
  let [views, commands, snapshots, tellings, sweep] = [0, 0, 0, 0, 0];
  const isCounted = (at) => at > settle && at <= end;

  const rank = (prompt, at) => {
    if (isCounted(at)) tellings++;
    [ranked[prompt], rest[prompt]] = [at, 0];
  };
  /** What a counter tells until now. */
  const tell = (prompt, now) => {
    if (due[prompt] > 0 && due[prompt] <= now) {
      const at = due[prompt];
      if (rest[prompt] > 0 && rest[prompt] < at) rank(prompt, rest[prompt]);
      if (isCounted(at)) snapshots++;
      [told[prompt], due[prompt]] = [at, 0];
      if (at >= ranked[prompt] + RANKING_S) rank(prompt, at);
      else rest[prompt] = ranked[prompt] + RANKING_S;
    }
    if (rest[prompt] > 0 && rest[prompt] <= now) rank(prompt, rest[prompt]);
  };
  const command = (prompt, now) => {
    if (isCounted(now)) commands++;
    tell(prompt, now);
    // An object that slept does not know when it told last.
    const isAwake = told[prompt] > 0 && now - last[prompt] < AWAKE_S;
    if (due[prompt] === 0) due[prompt] = isAwake ? Math.max(told[prompt] + SNAPSHOT_S, now + DELAY_S) : now + SNAPSHOT_S;
    last[prompt] = now;
  };

  for (let now = 0; now < end; now += -Math.log(1 - random()) / viewsPerSecond) {
    if (now > settle) views++;
    const prompt = rankAt(bounds, random());
    const place = prompt * isolates + Math.floor(random() * isolates);
    if ((gathering.get(place) ?? 0) <= now) {
      gathering.set(place, now + WINDOW_S);
      command(prompt, now + WINDOW_S);
    }
    if (now > sweep) {
      sweep = now + WINDOW_S;
      for (const [place, until] of gathering) if (until <= now) gathering.delete(place);
    }
  }
  let awake = 0;
  for (let prompt = 0; prompt < bounds.length; prompt++) {
    tell(prompt, end);
    if (last[prompt] > end - AWAKE_S) awake++;
  }
  return { views: views / seconds, commands: commands / seconds, snapshots: snapshots / seconds, tellings: tellings / seconds, awake };
}

/**
 * Prompts whose counters are spread, their shards, and the share of the views that they have; commands a second of the most
 * popular prompt, and to each of its shards.
 */
export function spreading({ viewsPerSecond, bounds, isolates }) {
  let [prompts, shards] = [0, 0];
  for (; prompts < bounds.length; prompts++) {
    const share = bounds[prompts] - (bounds[prompts - 1] ?? 0);
    const needed = shardsOf(commandsOf(share * viewsPerSecond, isolates));
    if (needed === 1) break;
    shards += needed;
  }
  const first = commandsOf(bounds[0] * viewsPerSecond, isolates);
  return { prompts, shards, share: bounds[prompts - 1] ?? 0, first, firstShard: first / shardsOf(first) };
}

/** What counters do a second, by the commands a second that each gets. */
function sumOf({ viewsPerSecond, bounds, isolates }, of) {
  let sum = 0;
  for (let prompt = 0; prompt < bounds.length; prompt++) {
    const share = bounds[prompt] - (bounds[prompt - 1] ?? 0);
    sum += of(commandsOf(share * viewsPerSecond, isolates));
  }
  return sum;
}

/** Snapshots a second of all counters, if they told D1 at the most once in `interval` seconds. */
export const snapshotsAt = (load, interval) => sumOf(load, (commands) => snapshotsOf(commands, interval));

/** How often a second all counters together tell the lists. */
export const tellings = (load) => sumOf(load, tellingsOf);

/** For each of so many prompts, what share of the views those up to it have. */
export const popularity = (prompts) => zipf(prompts);
