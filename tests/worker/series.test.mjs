// Series and funnels: what was counted by the hours and days of a time zone, and that the runtime knows the zones.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { anonymous, service, start, user } from "./instance.mjs";

const { counts, events, get, imported, prompt } = await start();

const [MINUTE_MS, HOUR_MS, DAY_MS] = [60_000, 3_600_000, 86_400_000];
const series = async (id, parameters, as = anonymous) => {
  const { status, body } = await get(`/v1/prompts/${id}/series?${new URLSearchParams(parameters)}`, { as });
  assert.equal(status, 200, JSON.stringify(body));
  return body;
};
const funnel = async (id, parameters) => {
  const { status, body } = await get(`/v1/prompts/${id}/funnel?${new URLSearchParams(parameters)}`);
  assert.equal(status, 200, JSON.stringify(body));
  return body;
};

/** Imports a view or a copy of another system for each instant. */
async function counted(prompt_id, event_type, instants) {
  const row = (created_at) => ({ id: randomUUID(), prompt_id, event_type, created_at });
  const report = await imported(instants.map((instant) => ({ table: "prompt_events", row: row(instant) })));
  assert.deepEqual([report.imported.prompt_events, report.refused], [instants.length, []]);
}

/** Pairs of a start and a count. */
const pairs = ({ points }) => points.map(({ start, count }) => [start, count]);
const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
const total = ({ points }) => sum(points.map(({ count }) => count));

/** Each point ends where the next begins: how many of the instants are in each. */
function distributed(starts, end, instants) {
  const bounds = [...starts.map((start) => Date.parse(start)), Date.parse(end)];
  return starts.map((_, index) => instants.filter((at) => at >= bounds[index] && at < bounds[index + 1]).length);
}

test("days around a change of clocks have what was counted on their local dates", async () => {
  const id = await prompt();
  // Berlin: 2026-03-29 has 23 hours, from 23:00Z to 22:00Z.
  await counted(id, "view", [
    "2026-03-28T22:59:59.999Z",
    "2026-03-28T23:00:00Z",
    "2026-03-29T00:59:59Z",
    "2026-03-29T01:00:00Z",
    "2026-03-29T21:59:59.999Z",
    "2026-03-29T22:00:00Z",
  ]);
  const range = { from: "2026-03-28", to: "2026-03-31" };
  const berlin = await series(id, { ...range, tz: "Europe/Berlin" });
  assert.deepEqual(berlin, {
    promptId: id,
    metric: "view",
    interval: "day",
    tz: "Europe/Berlin",
    points: [
      { start: "2026-03-28T00:00:00+01:00", count: 1 },
      { start: "2026-03-29T00:00:00+01:00", count: 4 },
      { start: "2026-03-30T00:00:00+02:00", count: 1 },
    ],
  });
  assert.deepEqual(pairs(await series(id, range)), [
    ["2026-03-28T00:00:00+00:00", 2],
    ["2026-03-29T00:00:00+00:00", 4],
    ["2026-03-30T00:00:00+00:00", 0],
  ]);
  const night = { interval: "hour", from: Date.parse("2026-03-29T00:00Z"), to: Date.parse("2026-03-29T02:00Z") };
  assert.deepEqual(pairs(await series(id, { ...night, tz: "Europe/Berlin" })), [
    ["2026-03-29T01:00:00+01:00", 1],
    ["2026-03-29T03:00:00+02:00", 1],
  ]);
});

test("an hour that comes twice is two points", async () => {
  const id = await prompt();
  await counted(id, "copy", ["2025-10-26T00:30Z", "2025-10-26T01:30Z", "2025-10-26T01:45Z"].map((at) => at.replace("Z", ":00Z")));
  const night = { metric: "copy", interval: "hour", from: Date.parse("2025-10-26T00:00Z"), to: Date.parse("2025-10-26T02:00Z") };
  assert.deepEqual(pairs(await series(id, { ...night, tz: "Europe/Berlin" })), [
    ["2025-10-26T02:00:00+02:00", 1],
    ["2025-10-26T02:00:00+01:00", 2],
  ]);
});

test("zones with halves and quarters of hours have points of their own", async () => {
  const id = await prompt();
  const instants = ["2024-06-01T12:14:00Z", "2024-06-01T12:15:00Z", "2024-06-01T12:29:59Z", "2024-06-01T12:30:00Z"];
  await counted(id, "view", instants);
  const range = { interval: "hour", from: Date.parse("2024-06-01T12:00Z"), to: Date.parse("2024-06-01T13:00Z") };
  for (const [tz, expected] of [
    ["Asia/Kathmandu", [["2024-06-01T17:00:00+05:45", 1], ["2024-06-01T18:00:00+05:45", 3]]],
    ["Asia/Kolkata", [["2024-06-01T17:00:00+05:30", 3], ["2024-06-01T18:00:00+05:30", 1]]],
    ["America/St_Johns", [["2024-06-01T09:00:00-02:30", 3], ["2024-06-01T10:00:00-02:30", 1]]],
    ["UTC", [["2024-06-01T12:00:00+00:00", 4]]],
  ]) {
    assert.deepEqual(pairs(await series(id, { ...range, tz })), expected, tz);
  }
});

// Local days as tables give them: the first instant of each, and of the day after the last.
const days = {
  "America/Sao_Paulo": ["2018-11-03T00:00:00-03:00", "2018-11-04T01:00:00-02:00", "2018-11-05T00:00:00-02:00"],
  "Africa/Cairo": ["2024-10-31T00:00:00+03:00", "2024-11-01T00:00:00+02:00", "2024-11-02T00:00:00+02:00"],
  "Asia/Beirut": ["2025-03-29T00:00:00+02:00", "2025-03-30T01:00:00+03:00", "2025-03-31T00:00:00+03:00"],
  "Australia/Lord_Howe": ["2025-04-05T00:00:00+11:00", "2025-04-06T00:00:00+11:00", "2025-04-07T00:00:00+10:30"],
  "America/St_Johns": ["2006-10-28T00:00:00-02:30", "2006-10-29T00:00:00-02:30", "2006-10-30T00:00:00-03:30"],
  "Pacific/Apia": ["2011-12-29T00:00:00-10:00", "2011-12-31T00:00:00+14:00", "2012-01-01T00:00:00+14:00"],
  "America/Asuncion": ["2024-10-05T00:00:00-04:00", "2024-10-06T01:00:00-03:00", "2024-10-07T00:00:00-03:00"],
  "Pacific/Kwajalein": ["1993-08-20T00:00:00-12:00", "1993-08-22T00:00:00+12:00", "1993-08-23T00:00:00+12:00"],
  "America/New_York": ["2026-11-01T00:00:00-04:00", "2026-11-02T00:00:00-05:00", "2026-11-03T00:00:00-05:00"],
};
for (const [tz, [first, second, end]] of Object.entries(days)) {
  test(`in ${tz} days begin and end where tables say`, async () => {
    const id = await prompt();
    const instants = [first, second, end].flatMap((at) => [Date.parse(at) - 1000, Date.parse(at)]);
    await counted(id, "view", instants.map((at) => new Date(at).toISOString()));
    const answer = await series(id, { tz, from: first.slice(0, 10), to: end.slice(0, 10) });
    assert.deepEqual(pairs(answer), [[first, 2], [second, 2]]);
  });
}

test("the runtime knows every zone as Node does, by hours and days around the changes of a year", async () => {
  const id = await prompt();
  const zones = ["UTC", "Etc/GMT+5", "US/Eastern", ...Intl.supportedValuesOf("timeZone")];
  const from = Date.UTC(2025, 2, 28);
  const to = from + 6 * DAY_MS;
  for (const tz of zones) {
    const format = new Intl.DateTimeFormat("en-US", { timeZone: tz, timeZoneName: "longOffset" });
    const { points } = await series(id, { tz, from, to });
    for (const { start } of points) {
      const offset = format.formatToParts(Date.parse(start)).find(({ type }) => type === "timeZoneName").value.slice(3);
      assert.equal(start.slice(19), offset || "+00:00", `${tz} at ${start}`);
    }
    assert.ok(Date.parse(points[0].start) <= from && points.length >= 6 && points.length <= 8, tz);
  }
});

test("what was just counted is there at once, whatever the zone, and the points add up to it", async () => {
  const id = await prompt();
  const as = user(randomUUID());
  const now = Date.now();
  const instants = Array.from({ length: 90 }, (_, index) => now - index * 31 * MINUTE_MS);
  const types = ["view", "copy", "view"];
  const batch = instants.map((timestamp, index) => ({ type: types[index % 3], prompt_id: id, timestamp }));
  assert.equal((await events(batch, { as })).accepted, 90);
  assert.deepEqual(await counts(id), [60, 30, 0, 0]);
  const of = (type) => batch.filter((event) => event.type === type).map(({ timestamp }) => timestamp);
  const [from, to] = [now - 48 * HOUR_MS, now + HOUR_MS];
  for (const tz of ["UTC", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns", "Pacific/Chatham"]) {
    for (const interval of ["hour", "day"]) {
      for (const metric of ["view", "copy"]) {
        const { points } = await series(id, { tz, interval, metric, from, to });
        const length = interval === "hour" ? HOUR_MS : DAY_MS;
        const end = new Date(Date.parse(points.at(-1).start) + 2 * length).toISOString();
        const expected = distributed(points.map(({ start }) => start), end, of(metric));
        assert.deepEqual(points.map(({ count }) => count), expected, `${tz} ${interval} ${metric}`);
        assert.equal(sum(expected), of(metric).length);
      }
    }
  }
});

test("without a range there are the last 30 days, or 24 hours", async () => {
  const id = await prompt();
  await events([{ type: "view", prompt_id: id }]);
  const daily = await series(id, {});
  assert.deepEqual([daily.points.length, total(daily)], [31, 1]);
  const hourly = await series(id, { interval: "hour", tz: "Asia/Tokyo" });
  assert.ok(hourly.points.length >= 24 && hourly.points.length <= 25);
  assert.deepEqual([total(hourly), hourly.points[0].start.slice(-6)], [1, "+09:00"]);
});

test("forks and comparisons have series, and a funnel tells what share came how far", async () => {
  const id = await prompt();
  const as = user(randomUUID());
  const timestamp = Date.now() - HOUR_MS;
  const batch = (type, times) => Array.from({ length: times }, () => ({ type, prompt_id: id, timestamp }));
  assert.equal((await events([...batch("view", 20), ...batch("copy", 10), ...batch("fork", 4)], { as })).accepted, 34);
  assert.equal((await events(batch("compare_add", 5), { as })).accepted, 5);
  assert.deepEqual(await counts(id), [20, 10, 4, 5]);
  for (const [metric, count] of Object.entries({ view: 20, copy: 10, fork: 4, compare: 5, bot: 0, headless: 0, prefetch: 0 })) {
    assert.equal(total(await series(id, { metric })), count, metric);
  }
  const answer = await funnel(id, { tz: "America/New_York" });
  assert.deepEqual([answer.promptId, answer.tz, answer.from], [id, "America/New_York", answer.days[0].start]);
  assert.ok(Date.parse(answer.to) > Date.now());
  assert.deepEqual(answer.steps.map(({ step, count }) => [step, count]), [["view", 20], ["copy", 10], ["fork", 4], ["compare", 5]]);
  const [, copy, fork, compare] = answer.steps;
  assert.deepEqual([copy.ofPrevious.rate, fork.ofPrevious.rate, fork.ofViews.rate, compare.ofViews.rate], [0.5, 0.4, 0.2, 0.25]);
  assert.deepEqual(copy.ofViews.interval.map((bound) => bound.toFixed(4)), ["0.2993", "0.7007"]);
  assert.deepEqual([compare.ofPrevious.rate, compare.ofPrevious.interval], [null, null]);
  assert.match(compare.ofPrevious.reason, /^More was counted/);
  const overDays = ["views", "copies", "forks", "compares"].map((name) => sum(answer.days.map((day) => day[name])));
  assert.deepEqual(overDays, [20, 10, 4, 5]);
  assert.equal(answer.days.find(({ views }) => views === 20).copiesOfViews.rate, 0.5);
});

test("a prompt that was never counted has points of 0", async () => {
  const id = await prompt();
  assert.deepEqual(pairs(await series(id, { from: "2026-03-01", to: "2026-03-03" })).map(([, count]) => count), [0, 0]);
  assert.equal((await funnel(id, {})).steps[1].ofPrevious.reason, "Nothing was counted that this would be a share of.");
});

test("10,000 points are told, and not more", async () => {
  const id = await prompt();
  const to = Date.UTC(2026, 0, 1);
  await counted(id, "view", [new Date(to - 10_000 * HOUR_MS).toISOString(), new Date(to - 1000).toISOString()]);
  for (const [interval, length] of [["hour", HOUR_MS], ["day", DAY_MS]]) {
    const { points } = await series(id, { interval, from: to - 10_000 * length, to });
    assert.deepEqual([points.length, total({ points })], [10_000, 2]);
    const { status, body } = await get(`/v1/prompts/${id}/series?interval=${interval}&from=${to - 10_000 * length}&to=${to + 1}`);
    assert.deepEqual([status, body.code, body.detail], [400, "invalid_value", `from and to are at most 10000 ${interval}s apart.`]);
  }
});

test("what cannot be told is refused, with what can", async () => {
  const id = await prompt();
  for (const [what, parameters, detail] of [
    ["series", "metric=likes", /^metric is view, copy, fork, compare, visit, bot, headless or prefetch/],
    ["series", "interval=week", /^interval is hour or day/],
    ["series", "tz=Europe/Atlantis", /^tz is the name of a time zone/],
    ["series", "tz=%2B01:00", /^tz is the name/],
    ["series", "tz=IST", /^tz is the name/],
    ["series", "tz=", /^tz is the name/],
    ["series", "from=yesterday", /^from is a date like 2026-03-01/],
    ["series", "to=2026-02-30", /^to is a date/],
    ["series", "from=2026-03-02&to=2026-03-01", /^from is before to/],
    ["series", "from=1970-01-01&to=8999-01-01", /^from and to are at most 10000 days apart/],
    ["funnel", "from=2020-01-01", /^from and to are at most 1000 days apart/],
    ["funnel", "tz=Nowhere", /^tz is the name/],
  ]) {
    const { status, body } = await get(`/v1/prompts/${id}/${what}?${parameters}`);
    assert.deepEqual([status, body.code], [400, "invalid_value"], parameters);
    assert.match(body.detail, detail);
  }
});

test("of a prompt that one may not see nothing is told", async () => {
  const owner = randomUUID();
  const [hidden, missing] = [await prompt({ user_id: owner, is_public: false }), randomUUID()];
  for (const what of ["series", "funnel", "series?metric=fork&tz=Europe/Berlin"]) {
    for (const as of [anonymous, user(randomUUID())]) {
      const [seen, unseen] = [await get(`/v1/prompts/${hidden}/${what}`, { as }), await get(`/v1/prompts/${missing}/${what}`, { as })];
      assert.deepEqual([seen.status, seen.body.code], [404, "unknown_prompt"], what);
      assert.deepEqual(seen.body, unseen.body);
    }
    for (const as of [user(owner), service]) assert.equal((await get(`/v1/prompts/${hidden}/${what}`, { as })).status, 200, what);
  }
});
