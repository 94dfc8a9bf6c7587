// The rollup of experiments, against a brute force that follows the definition over all events at once.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { anonymous, atOnce, service, start, user } from "./instance.mjs";

const HOUR_MS = 3_600_000;
const BATCH = 500;
const instance = await start();
const { cron, events, get, sql, stored } = instance;

/** The hour that is `hours` ago. Its first millisecond and its last are edges. */
const hour = (hours) => (Math.floor(Date.now() / HOUR_MS) - hours) * HOUR_MS;
const event = (type, session_id, timestamp, variant_key) => ({ type, session_id, timestamp, variant_key });
const exposure = (session, timestamp, variant) => event("exposure", session, timestamp, variant);
const pageview = (session, timestamp, variant) => event("pageview", session, timestamp, variant);
const conversion = (session, timestamp, variant) => event("conversion", session, timestamp, variant);

/** Sends events of an experiment in their order, and checks that the answer counts each. */
async function send(experiment_id, list) {
  for (let first = 0; first < list.length; first += BATCH) {
    const batch = list.slice(first, first + BATCH).map((one) => ({ id: randomUUID(), ...one, experiment_id }));
    assert.deepEqual(await events(batch), { accepted: batch.length, duplicates: 0, rejected: [] });
  }
}

/** The hourly rows and the quality of an experiment, from all its events in the order in which they arrived. */
function bruteForce(arrived, { multi_variant = "exclude", window_hours = Infinity } = {}) {
  const inTime = arrived.toSorted((one, other) => one.timestamp - other.timestamp);
  const rows = new Map();
  const quality = { unexposed_sessions: 0, multi_variant_sessions: 0 };
  const row = (variant_key, at) => {
    const [date, time] = new Date(at).toISOString().split("T");
    const key = [date, time.slice(0, 2), variant_key].join();
    if (!rows.has(key)) {
      const seen = { any: new Set(), pageview: new Set(), exposure: new Set(), conversion: new Set() };
      rows.set(key, { key: { variant_key, date, hour: Number(time.slice(0, 2)) }, totals: {}, seen, exposed: 0, converted: 0 });
    }
    return rows.get(key);
  };
  for (const [session, mine] of Map.groupBy(inTime, ({ session_id }) => session_id)) {
    const exposures = mine.filter(({ type }) => type === "exposure");
    const isMulti = new Set(exposures.map(({ variant_key }) => variant_key)).size > 1;
    if (exposures.length === 0) quality.unexposed_sessions++;
    if (isMulti) quality.multi_variant_sessions++;
    if (exposures.length === 0 || (isMulti && multi_variant === "exclude")) continue;
    const [{ variant_key: variant, timestamp: exposed }] = exposures;
    for (const { type, timestamp } of mine) {
      const { totals, seen } = row(variant, timestamp);
      totals[type] = (totals[type] ?? 0) + 1;
      seen.any.add(session);
      seen[type].add(session);
    }
    row(variant, exposed).exposed++;
    const isInWindow = ({ timestamp }) => timestamp >= exposed && timestamp <= exposed + window_hours * HOUR_MS;
    const converted = mine.find((one) => one.type === "conversion" && isInWindow(one));
    if (converted) row(variant, converted.timestamp).converted++;
  }
  const hourly = [...rows.values()].map(({ key, totals, seen, exposed, converted }) => ({
    ...key,
    sessions: seen.any.size,
    pageviews: totals.pageview ?? 0,
    pageview_sessions: seen.pageview.size,
    exposures: totals.exposure ?? 0,
    exposure_sessions: seen.exposure.size,
    conversions: totals.conversion ?? 0,
    conversion_sessions: seen.conversion.size,
    new_exposed_sessions: exposed,
    new_converted_sessions: converted,
  }));
  return { rows: hourly.sort(byPlace), quality };
}

const byPlace = (one, other) => {
  const place = ({ date, hour, variant_key }) => `${date} ${String(hour).padStart(2, "0")} ${variant_key}`;
  return place(one) < place(other) ? -1 : 1;
};

/** The same, as it is stored. */
async function rolledUp(experiment) {
  const rows = await sql("select * from experiment_analytics_summary where experiment_id = ?", experiment);
  const [quality] = await sql("select * from experiment_rollups where experiment_id = ?", experiment);
  const { unexposed_sessions, multi_variant_sessions } = quality;
  return {
    rows: rows.map(({ experiment_id, ...row }) => row).sort(byPlace),
    quality: { unexposed_sessions, multi_variant_sessions },
  };
}

const declare = (id, multi_variant, window_hours) =>
  sql("insert into experiments (id, name, multi_variant, conversion_window_hours) values (?, ?, ?, ?)", id, id, multi_variant, window_hours);
const runs = () => sql("select * from rollup_runs order by id");

/** Random numbers that are the same in every run (mulberry32). */
function dice(seed) {
  return (sides) => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % sides;
  };
}

/** Events of `sessions` sessions in random order of arrival, many of them at the same instants. */
function randomEvents(seed, count, sessions) {
  const roll = dice(seed);
  const start = hour(40);
  return Array.from({ length: count }, () => {
    const type = ["pageview", "exposure", "conversion"][roll(3)];
    const session = roll(sessions);
    const at = start + roll(39) * HOUR_MS + [0, 1, HOUR_MS - 1, roll(HOUR_MS)][roll(4)];
    const variant = type === "exposure" ? (roll(8) ? "ab"[session % 2] : "abc"[roll(3)]) : [undefined, "b"][roll(2)];
    return event(type, `session-${session}`, at, variant);
  });
}

/** Sends lists one after another, the cron running after each: every time the rows are those of all events so far. */
const check = (name, lists, rules) =>
  test(name, async () => {
    const experiment = randomUUID();
    if (rules) await declare(experiment, rules.multi_variant, rules.window_hours ?? null);
    const arrived = [];
    for (const list of lists) {
      await send(experiment, list);
      arrived.push(...list);
      await cron();
      assert.deepEqual(await rolledUp(experiment), bruteForce(arrived, rules));
    }
    const before = await stored({ except: ["rollup_runs"] });
    await cron();
    await atOnce(2, cron);
    assert.deepEqual(await stored({ except: ["rollup_runs"] }), before);
  });

const t = hour(10);
check("sessions, hours and variants", [[
  exposure("one", t, "a"), pageview("one", t + 1), conversion("one", t + HOUR_MS),
  exposure("two", t + HOUR_MS - 1, "b"), conversion("two", t + HOUR_MS - 1),
  exposure("three", t + HOUR_MS, "größe \"B\" 🎉"), pageview("three", t + HOUR_MS),
]]);
check("an event belongs to its session's variant, whatever it names", [[
  pageview("s", t - HOUR_MS, "b"), exposure("s", t, "a"), conversion("s", t + 1, "b"),
]]);
check("late exposures: the first in time is the first", [
  [pageview("s", t), conversion("s", t + 2 * HOUR_MS)],
  [exposure("s", t + HOUR_MS, "a")],
  [exposure("s", t - HOUR_MS, "a")],
]);
check("a late exposure moves a session to another variant and hour", [
  [exposure("s", t, "a"), conversion("s", t + 1)],
  [exposure("s", t - HOUR_MS, "b")],
], { multi_variant: "first" });
check("a session with two variants leaves every figure", [
  [exposure("s", t, "a"), conversion("s", t + 1), exposure("other", t, "a")],
  [exposure("s", t + 2, "b")],
  [pageview("s", t + 3)],
]);
check("a session with two variants stays with its first", [
  [exposure("s", t, "a"), conversion("s", t + 1)],
  [exposure("s", t + 2, "b")],
], { multi_variant: "first" });
check("of two exposures at one instant the one that arrived first is the first", [
  [exposure("s", t, "b"), exposure("s", t, "a")],
], { multi_variant: "first" });
check("a conversion before the exposure is no conversion of it", [
  [conversion("s", t - 1), exposure("s", t, "a")],
  [conversion("s", t + HOUR_MS)],
  [conversion("s", t)],
]);
check("the conversion window includes its last instant", [
  [exposure("in", t, "a"), conversion("in", t + 2 * HOUR_MS), exposure("out", t, "a"), conversion("out", t + 2 * HOUR_MS + 1)],
  [conversion("out", t + 2 * HOUR_MS - 1)],
], { multi_variant: "exclude", window_hours: 2 });
check("a session without an exposure is unexposed until it has one", [
  [pageview("s", t, "a"), conversion("s", t, "a")],
  [pageview("s", t + 1)],
  [exposure("s", t + 2, "a")],
]);
for (const rules of [undefined, { multi_variant: "first" }, { multi_variant: "exclude", window_hours: 3 }]) {
  const all = randomEvents(7, 900, 60);
  check(
    `900 random events in four runs, ${rules ? JSON.stringify(rules) : "undeclared"}`,
    [all.slice(0, 1), all.slice(1, 300), all.slice(300, 310), all.slice(310)],
    rules,
  );
}

test("an id of an experiment is stored and rolled up once", async () => {
  const [experiment_id, other, id] = [randomUUID(), randomUUID(), randomUUID()];
  const one = { ...exposure("s", t, "a"), id, experiment_id };
  assert.deepEqual(await events([one, one]), { accepted: 1, duplicates: 1, rejected: [] });
  const answers = await atOnce(8, () => events(one));
  assert.deepEqual(answers.map(({ duplicates }) => duplicates), Array(8).fill(1));
  assert.equal((await events({ ...one, experiment_id: other })).accepted, 1);
  await cron();
  assert.deepEqual(await events(one), { accepted: 0, duplicates: 1, rejected: [] });
  await cron();
  for (const experiment of [experiment_id, other]) {
    assert.deepEqual(await rolledUp(experiment), bruteForce([exposure("s", t, "a")]));
  }
});

test("without an id each delivery counts", async () => {
  const experiment_id = randomUUID();
  const one = { ...exposure("s", t, "a"), experiment_id };
  assert.equal((await events([one, one])).accepted, 2);
  await cron();
  assert.deepEqual(await rolledUp(experiment_id), bruteForce([one, one]));
});

test("what a page sends along is kept as it was written", async () => {
  const experiment_id = randomUUID();
  const properties = '{"b": 1.50, "a": "\\u00fc \\n 🎉", "a2":[null,{}]}';
  const keys = { project_id: "p", session_id: "s \"1\"", view_id: "v'" };
  const body = `{"type":"pageview","timestamp":${t},"properties":${properties},${JSON.stringify({ experiment_id, ...keys }).slice(1)}`;
  assert.equal((await events(body)).accepted, 1);
  const [row] = await sql("select * from analytics_events where experiment_id = ?", experiment_id);
  const { seq, ...rest } = row;
  assert.deepEqual(rest, { experiment_id, event_id: null, event_type: "pageview", variant_key: null, timestamp_ms: t, properties, ...keys });
});

test("runs that overlap while thousands of events arrive end in the same rows, and read each event once", async () => {
  await cron();
  const known = (await runs()).length;
  const arrived = { [randomUUID()]: randomEvents(1, 4000, 300), [randomUUID()]: randomEvents(2, 4000, 2000) };
  let isArriving = true;
  const arrival = Promise.all(Object.entries(arrived).map(([experiment, list]) => send(experiment, list)));
  const running = atOnce(4, async () => {
    while (isArriving) await cron();
  });
  await arrival.finally(() => (isArriving = false));
  await running;
  await cron();

  const noted = (await runs()).slice(known);
  assert.ok(noted.every(({ error, finished_ms }) => error === null && finished_ms !== null), JSON.stringify(noted));
  const overlaps = noted.filter((run, index) => noted.slice(0, index).some((earlier) => earlier.finished_ms > run.started_ms));
  assert.ok(overlaps.length > 0, "no two runs overlapped");
  assert.equal(noted.reduce((sum, { events_read }) => sum + events_read, 0), 8000);
  for (const [experiment, list] of Object.entries(arrived)) {
    assert.deepEqual(await rolledUp(experiment), bruteForce(list));
  }
  const before = await stored({ except: ["rollup_runs"] });
  await cron();
  assert.deepEqual(await stored({ except: ["rollup_runs"] }), before);
});

test("every run that has something to do is noted: when, how much, what went wrong; one that has nothing writes nothing", async () => {
  await cron();
  await send(randomUUID(), [exposure("s", t, "a"), pageview("s", t)]);
  const started = Date.now();
  await cron();
  await cron();
  const [busy] = (await runs()).slice(-1);
  assert.deepEqual([busy.events_read, busy.error], [2, null]);
  assert.ok(busy.rows_written > 0);
  assert.ok(started <= busy.started_ms && busy.started_ms <= busy.finished_ms && busy.finished_ms <= Date.now());
  const before = await stored();
  await cron();
  assert.deepEqual(await stored(), before);
});

test("a run that fails in the middle changes nothing but its note, and the next one does the work", async () => {
  const experiment = randomUUID();
  const list = randomEvents(3, 200, 20);
  await send(experiment, list);
  await sql("create trigger broken before insert on session_states begin select raise(abort, 'broken on purpose'); end");
  // An experiment keeps the number that it was given.
  const except = ["rollup_runs", "experiment_rollups"];
  const before = await stored({ except });
  await cron();
  assert.deepEqual(await stored({ except }), before);
  const [failed] = (await runs()).slice(-1);
  assert.match(failed.error, /broken on purpose/);
  assert.deepEqual([failed.events_read, failed.rows_written], [0, 0]);
  assert.notEqual(failed.finished_ms, null);
  await sql("drop trigger broken");
  await cron();
  assert.deepEqual(await rolledUp(experiment), bruteForce(list));
});

test("after a run that failed the next twelve take smaller slices, and those behind them large ones again", async () => {
  await cron();
  await sql("update rollup_runs set error = null");
  const version = async () => (await sql("select version from rollup_watermark"))[0].version;
  const slices = async (run) => {
    await send(randomUUID(), randomEvents(5, 1500, 50));
    const before = await version();
    await run();
    return (await version()) - before;
  };
  assert.equal(await slices(cron), 1);
  const failed = async () => {
    await sql("create trigger broken before insert on session_states begin select raise(abort, 'broken on purpose'); end");
    await cron();
    await sql("drop trigger broken");
  };
  assert.equal(await slices(failed), 0);
  assert.equal(await slices(cron), 6);
  for (let run = 2; run < 12; run++) {
    await send(randomUUID(), randomEvents(5, 1, 1));
    await cron();
  }
  assert.equal(await slices(cron), 3);
  assert.equal(await slices(cron), 1);
});

test("the summary tells an experiment's rows page by page, each once, in their order", async () => {
  const experiment = randomUUID();
  const list = randomEvents(4, 600, 40);
  await send(experiment, list);
  await cron();
  const { rows } = bruteForce(list);
  assert.ok(rows.length > 50);
  const at = ({ date, hour }) => Date.parse(`${date}T${String(hour).padStart(2, "0")}:00:00Z`);
  const [from, to] = [hour(30), hour(12)];
  const between = rows.filter((row) => at(row) >= from && at(row) < to);
  for (const [query, expected] of [
    ["", rows],
    [`from=${from}&to=${to}`, between],
    [`from=${from + 1}&to=${to + 1}`, rows.filter((row) => at(row) >= from && at(row) <= to)],
    [`from=${to}&to=${from}`, []],
    [`to=${from}`, rows.filter((row) => at(row) < from)],
  ]) {
    for (const limit of [1, 7, 100]) {
      const told = [];
      for (let cursor = ""; cursor !== null; ) {
        const { status, body } = await get(`/v1/experiments/${experiment}/summary?${query}&limit=${limit}${cursor}`, { as: service });
        assert.deepEqual([status, body.experiment_id], [200, experiment]);
        assert.ok(body.rows.length <= limit);
        told.push(...body.rows);
        assert.ok(told.length <= expected.length, "the pages do not end");
        cursor = body.next_cursor === null ? null : `&cursor=${body.next_cursor}`;
      }
      assert.deepEqual(told, expected, `${query} limit ${limit}`);
    }
  }
});

test("the summary is the service's", async () => {
  for (const [as, status, code] of [[anonymous, 401, "credential_required"], [user(randomUUID()), 403, "service_required"]]) {
    const refused = await get("/v1/experiments/any/summary", { as });
    assert.deepEqual([refused.status, refused.body.code], [status, code]);
  }
  const unknown = await get("/v1/experiments/unknown/summary", { as: service });
  assert.deepEqual([unknown.status, unknown.body], [200, { experiment_id: "unknown", rows: [], next_cursor: null }]);
});
