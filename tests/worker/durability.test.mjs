// What is acknowledged survives: the eviction of an object, and the sudden death of the whole process.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { atOnce, service, start, until, user } from "./instance.mjs";
import { Served } from "./served.mjs";

const view = (prompt_id, more = {}) => ({ type: "view", prompt_id, ...more });

const instance = await start();

// At the same time, for most of it is waiting.
describe("durability", { concurrency: true }, () => {
  test("the eviction of an object keeps its counts and its ids, again and again", async () => {
    const { counts, events, evict, post, prompt } = instance;
    const [id, key, sub] = [await prompt(), randomUUID(), randomUUID()];
    const headers = { "idempotency-key": key };
    const batch = [
      ...Array.from({ length: 400 }, () => view(id, { id: randomUUID() })), // more than one segment of the ledger
      { type: "copy", prompt_id: id, id: randomUUID(), visitor: "v" },
      { type: "fork", prompt_id: id, id: randomUUID() },
      { type: "compare_add", prompt_id: id, id: randomUUID() },
    ];
    const as = user(sub);
    assert.equal((await events(batch, { as })).accepted, batch.length);
    assert.equal((await post(`/v1/prompts/${id}/view`, undefined, { headers })).body.viewCount, 401);
    for (let evictions = 1; evictions <= 3; evictions++) {
      await evict(id);
      assert.deepEqual(await counts(id), [400 + evictions, 1, 1, 1]);
      assert.deepEqual(await events(batch, { as }), { accepted: 0, duplicates: batch.length, rejected: [] });
      const { body } = await post(`/v1/prompts/${id}/view`, undefined, { headers });
      assert.deepEqual([body.viewCount, body.duplicate], [400 + evictions, true]);
      await evict(id);
      const other = await post(`/v1/prompts/${id}/copy`, undefined, { headers });
      assert.deepEqual([other.status, other.body.code], [422, "idempotency_key_reused"]);
      assert.equal((await events(view(id, { id: randomUUID() }))).accepted, 1);
    }
  });

  test("objects answer the requests of isolates of the build before", async () => {
    const { events, prompt, request } = instance;
    const id = await prompt();
    await events([view(id), view(id), view(id)]);
    const { status, reply } = await request("COUNTERS", id, [4]); // Read
    assert.deepEqual([status, reply.slice(0, 2)], [200, [5, 3]]); // of three views
    assert.deepEqual(await request("RECORDERS", "requested", [1]), { status: 200, reply: [1] }); // Redeclared, noted
    assert.deepEqual(await request("SHARDS", `${id}/0`, [2, 0]), { status: 200, reply: [3] }); // Clear, cleared
    for (const binding of ["COUNTERS", "RECORDERS", "SHARDS"]) {
      assert.equal((await request(binding, randomUUID(), [99])).status, 503, "what is no command");
    }
  });

  test("an eviction between a count and its snapshot does not lose the snapshot", async () => {
    const { evict, post, prompt, sql } = instance;
    const id = await prompt();
    await post(`/v1/prompts/${id}/view`);
    await evict(id);
    await until(async () => (await sql("select 1 from prompt_stats where prompt_id = ? and view_count = 1", id)).length);
  });

  test("an eviction never takes the version of its snapshot back", async () => {
    const { evict, events, prompt, sql } = instance;
    const id = await prompt();
    const versions = [];
    let sent = 0;
    await until(async () => {
      await events(view(id));
      sent++;
      await evict(id);
      const [row] = await sql("select version, view_count from prompt_stats where prompt_id = ?", id);
      if (row) versions.push(row.version);
      return new Set(versions).size >= 2;
    }, "two snapshots are written");
    assert.deepEqual(versions, versions.toSorted((one, other) => one - other));
    assert.ok(versions.at(-1) <= sent);
  });
  test("kill -9 in the middle of the traffic loses nothing acknowledged and doubles nothing", killInTraffic);
  test("a counter that kept hours is one that keeps days as soon as it wakes", upgrade);
  test("a counter whose commit was several rows takes the one row as soon as it wakes", fillOneRow);
  test("a counter that knew no visitors knows them as soon as it wakes", addVisitors);
  test("sources of days that are too old are forgotten with the first count of a day", forgetSources);
  test("a day is closed with what comes of it after a later day", closeDay);
  test("a counter that cannot store all of a commit stores nothing of it", failInTheMiddle);
});

async function killInTraffic() {
  const [KILLS, CLIENTS, PROMPTS, BATCH] = [4, 8, 6, 20];
  const served = await Served.make();
  after(() => served.end());
  let api = await served.start();
  const prompts = await atOnce(PROMPTS, () => api.prompt());
  const as = user(randomUUID());
  const experiment_id = randomUUID();
  const sent = [];
  const acknowledged = [];

  /** Events of every kind, each with an id of its own. */
  const batch = () =>
    Array.from({ length: BATCH }, (_, index) => {
      const type = ["view", "view", "view", "copy", "fork", "compare_add", "exposure", "conversion"][index % 8];
      const subject = { prompt_id: prompts[Math.floor(Math.random() * PROMPTS)] };
      const session = { experiment_id, session_id: `session-${Math.floor(index / 8)}`, variant_key: "a" };
      return { id: randomUUID(), type, ...(["exposure", "conversion"].includes(type) ? session : subject) };
    });
  const countedBy = (events) => (id) =>
    ["view", "copy", "fork", "compare_add"].map(
      (type) => events.filter((event) => event.type === type && event.prompt_id === id).length,
    );

  for (let kills = 0; kills < KILLS; kills++) {
    const enough = acknowledged.length + 40 * BATCH;
    let isAlive = true;
    const traffic = atOnce(CLIENTS, async () => {
      while (isAlive) {
        const events = batch();
        sent.push(...events);
        const answer = await api.events(events, { as }).catch(() => null);
        if (answer === null) return;
        assert.deepEqual(answer, { accepted: BATCH, duplicates: 0, rejected: [] });
        acknowledged.push(...events);
      }
    });
    const ended = traffic.then(() => assert.fail("the traffic ended by itself"));
    await Promise.race([until(() => acknowledged.length > enough), ended]);
    ended.catch(() => {});
    await served.kill();
    isAlive = false;
    await traffic;

    api = await served.start();
    const [least, most] = [countedBy(acknowledged), countedBy(sent)];
    for (const id of prompts) {
      const counts = await api.counts(id);
      const isBetween = counts.every((count, index) => least(id)[index] <= count && count <= most(id)[index]);
      assert.ok(isBetween, `${counts} is not between the acknowledged ${least(id)} and the sent ${most(id)}`);
    }
    for (let first = 0; first < acknowledged.length; first += 500) {
      const known = acknowledged.slice(first, first + 500);
      assert.deepEqual(await api.events(known, { as }), { accepted: 0, duplicates: known.length, rejected: [] });
    }
  }

  assert.ok(sent.length > acknowledged.length, "every kill came between two requests");
  for (let first = 0; first < sent.length; first += 500) {
    const again = sent.slice(first, first + 500);
    const { accepted, duplicates } = await api.events(again, { as });
    assert.equal(accepted + duplicates, again.length);
  }
  for (const id of prompts) assert.deepEqual(await api.counts(id), countedBy(sent)(id));

  await atOnce(2, () => served.cron());
  const { body } = await api.get(`/v1/experiments/${experiment_id}/summary`, { as: service });
  const total = (column) => body.rows.reduce((sum, row) => sum + row[column], 0);
  const ofType = (type) => sent.filter((event) => event.type === type).length;
  assert.deepEqual([total("exposures"), total("conversions")], [ofType("exposure"), ofType("conversion")]);

  await served.kill();
  const counters = await served.counters(`
    select prompt_id, views, copies, forks, compares,
      (length(open_ids) + (select coalesce(sum(length(entries)), 0) from ledger_segment)) / 12 as ids,
      (select integrity_check from pragma_integrity_check) as integrity,
      (select json_group_array(hex(counts)) from ${DAYS}) as days
    from counter`);
  assert.equal(counters.length, PROMPTS);
  for (const { prompt_id, views, copies, forks, compares, ids, integrity, days } of counters) {
    const counts = countedBy(sent)(prompt_id);
    assert.deepEqual([views, copies, forks, compares], counts);
    const quarters = JSON.parse(days).flatMap(quartersOf);
    const sums = counts.map((_, place) => quarters.reduce((sum, [, ...ofQuarter]) => sum + ofQuarter[place], 0));
    assert.deepEqual(sums, counts, "the quarters add up to the counts");
    assert.equal(ids, counts.reduce((sum, count) => sum + count), "each event's id is remembered once");
    assert.equal(integrity, "ok");
  }
  const rows = await served.sql("select id, event_type, uncounted_since_ms as mark from prompt_events order by id");
  const lineage = sent.filter(({ type }) => type === "fork" || type === "compare_add");
  assert.deepEqual(
    rows.map(({ id, event_type, mark }) => [id, event_type, mark]),
    lineage.map(({ id, type }) => [id, type, null]).sort(),
  );
}

async function failInTheMiddle() {
  const served = await Served.make();
  after(() => served.end());
  let api = await served.start();
  /** Changes the counter's database while nobody runs. */
  const change = async (statement) => {
    await served.kill();
    await served.counters(statement);
    api = await served.start();
  };
  const id = await api.prompt();
  const events = [view(id, { id: "a" }), { type: "copy", prompt_id: id, id: "b" }, view(id, { id: "c", timestamp: Date.now() - 90_000_000 })];
  assert.equal((await api.events(view(id, { id: "known" }))).accepted, 1);

  // The day before is written before the row of the counter.
  await change("create trigger no_room before update on counter begin select raise(abort, 'no room'); end");
  for (let attempts = 0; attempts < 2; attempts++) {
    const { status, headers, body } = await api.post("/v1/events", events);
    assert.deepEqual([status, body.code, headers.get("retry-after")], [503, "storage_unavailable", "1"]);
    assert.ok(!JSON.stringify(body).includes("no room"));
    assert.deepEqual(await api.counts(id), [1, 0, 0, 0]);
    assert.equal((await api.events(view(id, { id: "known" }))).duplicates, 1);
  }

  await change("drop trigger no_room");
  assert.deepEqual(await api.counts(id), [1, 0, 0, 0]);
  assert.deepEqual(await api.events(events), { accepted: 3, duplicates: 0, rejected: [] });
  assert.deepEqual(await api.counts(id), [3, 1, 0, 0]);
  await served.kill();
  const days = await served.counters(`select hex(counts) as counts from ${DAYS}`);
  const quarters = days.flatMap(({ counts }) => quartersOf(counts)).map(([, ...counts]) => counts.slice(0, 4).join());
  assert.deepEqual(quarters.sort(), ["1,0,0,0", "2,1,0,0"]);
}

/** The days of a stopped counter. */
const DAYS = "(select day, counts, sources from daily union all select open_day, open_counts, open_sources from counter where open_day is not null)";

/** Gives a stopped counter the tables that counters had before a commit was one row. */
const BEFORE_OPEN = [
  "insert into daily select open_day, open_counts, open_sources from counter",
  "insert into ledger_segment select open_ids_number, open_ids_newest_ms, open_ids from counter",
  "insert into visit_segment select open_visits_number, open_visits_newest_ms, open_visits from counter where open_visits is not null",
  ...["day", "counts", "sources", ...["ids", "visits"].flatMap((name) => [`${name}_number`, `${name}_newest_ms`, name])].map(
    (column) => `alter table counter drop column open_${column}`,
  ),
];
/** The same, before they counted visitors, and a day as it was packed. */
const BEFORE_VISITORS = [
  ...BEFORE_OPEN,
  ...["visits", "bots", "headless", "prefetches", "visitors", "retracted_visitors"].map((column) => `alter table counter drop column ${column}`),
  "alter table daily drop column sources",
  "drop table visit_segment",
  "update daily set counts = x'040003010000'",
];
/** The same, before they kept days. */
const BEFORE_DAYS = [
  ...BEFORE_VISITORS,
  "drop table daily",
  `create table hourly (
    hour integer primary key, views integer not null, copies integer not null, forks integer not null, compares integer not null
  ) strict`,
  "insert into hourly select unixepoch() / 3600 - 30, 1, 0, 0, 0",
  "insert into hourly select unixepoch() / 3600, 2, 1, 0, 0",
];

/** A counter with three views and a copy that was brought into an older form, and has woken; the first view has the id `a`. */
async function counterOf(older) {
  const served = await Served.make();
  after(() => served.end());
  let api = await served.start();
  const id = await api.prompt();
  await api.events([view(id, { id: "a" }), view(id), view(id), { type: "copy", prompt_id: id }]);
  await served.kill();
  for (const statement of older) await served.counters(statement);
  api = await served.start();
  assert.deepEqual(await api.counts(id), [3, 1, 0, 0]);
  assert.equal((await api.events(view(id, { id: "a" }))).duplicates, 1);
  return { served, api, id };
}

async function fillOneRow() {
  const { served, api, id } = await counterOf(BEFORE_OPEN);
  assert.equal((await api.events(view(id, { id: "b" }))).accepted, 1);
  await served.kill();
  const [row] = await served.counters(`
    select (select count(*) from daily) as days, (select count(*) from ledger_segment) as ids,
      (select count(*) from visit_segment) as visits, open_day - unixepoch() / 86400 as day,
      length(open_ids) / 12 as open_ids, length(open_visits) / 12 as open_visits from counter`);
  // Three deliveries had a name, two of three views and the copy no id of their own.
  assert.deepEqual({ ...row }, { days: 0, ids: 0, visits: 0, day: 0, open_ids: row.open_ids, open_visits: 1 });
  assert.equal((await (await served.start()).events([view(id, { id: "a" }), view(id, { id: "b" })])).duplicates, 2);
}

async function addVisitors() {
  const { served, api, id } = await counterOf(BEFORE_VISITORS);
  assert.equal((await api.events(view(id))).accepted, 1);
  await served.kill();
  const [counter] = await served.counters("select views, visits, bots, retracted_visitors from counter");
  assert.deepEqual({ ...counter }, { views: 4, visits: counter.visits, bots: 0, retracted_visitors: 0 });
  const [{ counts }] = await served.counters(`select hex(counts) as counts from ${DAYS}`);
  const sum = quartersOf(counts).reduce((sums, [, views, copies]) => [sums[0] + views, sums[1] + copies], [0, 0]);
  assert.deepEqual(sum, [4, 1]);
}

async function forgetSources() {
  const served = await Served.make();
  after(() => served.end());
  let api = await served.start();
  const id = await api.prompt();
  await api.events(view(id));
  await served.kill();
  const old = (days) => `insert into daily select open_day - ${days}, x'04', x'00000000000000010000' from counter`;
  for (const days of [2, 3, 4]) await served.counters(old(days));
  await served.counters("update counter set open_day = open_day - 1");
  const known = () => served.counters("select day - unixepoch() / 86400 as day from daily where sources is not null and day < unixepoch() / 86400 order by day");
  api = await served.start();
  await api.events(view(id));
  await served.kill();
  assert.deepEqual((await known()).map(({ day }) => day), [-2, -1]);
}

async function closeDay() {
  const served = await Served.make();
  after(() => served.end());
  let api = await served.start();
  const id = await api.prompt();
  const [ONE_DAY, now] = [86_400_000, Date.now()];
  await api.events([view(id), view(id), view(id)]);
  await served.kill();
  await served.counters("update counter set open_day = open_day - 1");
  api = await served.start();
  await api.events([view(id), view(id, { timestamp: now - ONE_DAY })]);
  await served.kill();
  const days = await served.counters(`select day - ${Math.floor(now / ONE_DAY)} as day, hex(counts) as counts from ${DAYS} order by day`);
  const views = days.map(({ day, counts }) => [day, quartersOf(counts).reduce((sum, [, ofQuarter]) => sum + ofQuarter, 0)]);
  assert.deepEqual(views, [[-1, 4], [0, 1]]);
}

async function upgrade() {
  const { served, api, id } = await counterOf(BEFORE_DAYS);
  assert.equal((await api.events(view(id, { timestamp: Date.now() - 90_000_000 }))).accepted, 1);
  await served.kill();
  const tables = await served.counters("select group_concat(name) as names from sqlite_master where name in ('hourly', 'daily')");
  assert.deepEqual(tables.map(({ names }) => names), ["daily"]);
  const days = await served.counters(`select day, hex(counts) as counts from ${DAYS} order by day`);
  const sums = days.map(({ counts }) => quartersOf(counts).reduce((sum, [, views, copies]) => [sum[0] + views, sum[1] + copies], [0, 0]));
  assert.deepEqual([sums.reduce((sum, [views]) => sum + views, 0), sums.at(-1)], [4, [2, 1]]);
}

/** The quarters of a packed day: each its number, then its counts: views, copies, forks, comparisons and so on. */
function quartersOf(hex) {
  const numbers = [];
  let [number, shift] = [0, 0];
  for (const byte of Buffer.from(hex, "hex")) {
    number += (byte & 0x7f) * 2 ** shift;
    shift += 7;
    if (byte < 0x80) {
      numbers.push(number);
      [number, shift] = [0, 0];
    }
  }
  const length = numbers.shift() + 1;
  assert.equal(length, 9);
  return Array.from({ length: numbers.length / length }, (_, place) => numbers.slice(length * place, length * (place + 1)));
}
