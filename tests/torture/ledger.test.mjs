// What the ledger knows of what was sent, and what the seed decides.
import assert from "node:assert/strict";
import { test } from "node:test";
import { endOf, planLife } from "./lives.mjs";
import { plans } from "./faults.mjs";
import { Ledger, planned } from "./ledger.mjs";
import { Random } from "./random.mjs";
import { Workload } from "./workload.mjs";

const NOW = 1_798_761_600_000;
const PROMPTS = Array.from({ length: 5 }, (_, number) => `prompt-${number}`);
const requests = (seed, count) => {
  const workload = new Workload(new Random(seed), PROMPTS, { now: () => NOW });
  return Array.from({ length: count }, () => workload.next());
};

test("events are logged before they are sent for the first time, and counted once", () => {
  const lines = [];
  const ledger = new Ledger((line) => lines.push(line));
  const [a, b] = ["a", "b"].map((id) => planned({ id, type: "view", prompt_id: "p" }));
  const first = ledger.send([a, a]);
  assert.deepEqual([first.fresh.size, first.known.size, first.repeats], [1, 0, 1]);
  const second = ledger.send([a, b]);
  assert.deepEqual([[...second.fresh], second.known.size], [[b], 0]);
  ledger.acknowledge(a);
  ledger.acknowledge(a);
  assert.deepEqual([...ledger.send([a]).known], [a]);
  assert.deepEqual(lines.map((line) => JSON.parse(line)), [[["a", "view", "p"]], [["b", "view", "p"]]]);
  assert.deepEqual([ledger.attempted.of("p", "view"), ledger.acknowledged.of("p", "view"), ledger.acknowledged.total], [2, 1, 1]);
  assert.deepEqual([ledger.unknown(), ledger.takeRecent(), ledger.takeRecent()], [[b], [a], []]);
});

test("the same seed gives the same requests, faults and deaths, another one others", () => {
  const all = (seed) => {
    const random = new Random(seed);
    const lives = Array.from({ length: 50 }, (_, number) => planLife(random, number));
    return JSON.stringify([requests(seed, 30), plans(random), lives]);
  };
  assert.equal(all("a"), all("a"));
  assert.notEqual(all("a"), all("b"));
});

test("a run has lives of every age: old enough for a counter to spread, and to fold back", () => {
  const random = new Random("ages");
  const plans = Array.from({ length: 200 }, (_, number) => planLife(random, number));
  assert.deepEqual(new Set(plans.map(({ age }) => age)), new Set(["unborn", "young", "grown", "old", "veryOld"]));
  assert.ok(plans.every(({ age, heat }) => (age !== "old" || heat === "hot") && (age !== "veryOld" || heat === "calm")));
  assert.equal(plans.slice(0, 12).filter(({ age }) => age === "old").length, 1, "the short form has one");
});

test("a run has requests of every kind, with ids that are new and some that are repeated", () => {
  const all = requests("kinds", 400);
  const events = all.flatMap(({ events }) => events);
  const distinct = new Set(events);
  assert.deepEqual(new Set(all.map(({ kind }) => kind)), new Set(["single", "batch"]));
  const types = ["view", "copy", "fork", "compare_add", "usage", "pageview", "exposure", "conversion"];
  assert.deepEqual(new Set(events.map(({ wire }) => wire.type)), new Set(types));
  assert.equal(new Set([...distinct].map(({ wire }) => wire.id)).size, distinct.size);
  assert.ok(events.length > distinct.size, "some are repeated");
  assert.ok(all.every(({ events }) => events.length >= 1 && events.length <= 500));
  assert.ok(all.some(({ events }) => events.length > 300));
  for (const { wire } of distinct) {
    assert.match(wire.id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.ok(wire.timestamp === undefined || (wire.timestamp <= NOW && wire.timestamp > NOW - 48 * 3_600_000));
  }
});

test("no two events of a session happen at the same time", () => {
  const sessions = Map.groupBy(
    new Set(requests("sessions", 400).flatMap(({ events }) => events).filter(({ wire }) => wire.session_id)),
    ({ wire }) => wire.session_id,
  );
  for (const mine of sessions.values()) assert.equal(new Set(mine.map(({ wire }) => wire.timestamp)).size, mine.length);
});

test("a random number stays within its bounds, and every name comes", () => {
  const random = new Random("bounds");
  const numbers = Array.from({ length: 2000 }, () => random.between(3, 5));
  assert.deepEqual([...new Set(numbers)].sort(), [3, 4, 5]);
  const names = Array.from({ length: 2000 }, () => random.weighted({ often: 9, never: 0, seldom: 1 }));
  const often = names.filter((name) => name === "often").length;
  assert.ok(!names.includes("never") && often > 1700 && often < 1900, `${often}`);
});

test("a life ends when so many requests were acknowledged, as its plan says", async () => {
  const asked = [];
  await endOf({ age: "grown", requests: 7, after: 0 }, { reaches: (requests) => asked.push(requests) });
  await endOf({ age: "young", requests: 7, after: 0 }, { reaches: (requests) => asked.push(requests) });
  await endOf({ age: "unborn", requests: 7, after: 0 }, { reaches: (requests) => asked.push(requests) });
  assert.deepEqual(asked, [7, 1]);
});
