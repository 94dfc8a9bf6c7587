// From declared experiments to their results: what is counted, what follows when rules change, and what is forgotten when.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { anonymous, service, start, user } from "./instance.mjs";

const [HOUR_MS, DAY_MS] = [3_600_000, 86_400_000];
const instance = await start({ RAW_EVENT_DAYS: "3", SESSION_DAYS: "5" });
const { cron, events, get, sql } = instance;

const now = Date.now();
const HALVES = [{ key: "control", weight: 0.5 }, { key: "treatment", weight: 0.5 }];
const put = (id, body) => instance.send("PUT", `/v1/experiments/${id}`, { as: service, body: { variants: HALVES, ...body } });
const event = (type, session_id, timestamp, more) => ({ id: randomUUID(), type, session_id, timestamp, ...more });
const send = (experiment_id, list) => events(list.map((one) => ({ ...one, experiment_id })));
const results = async (id, query = "") => (await get(`/v1/experiments/${id}/results${query}`, { as: service })).body;
const evaluated = async (variants) => (await instance.post("/v1/experiments/evaluate", { variants })).body;
const summary = (id) => sql("select * from experiment_analytics_summary where experiment_id = ? order by date, hour, variant_key", id);

/** `count` sessions of a variant, of which `converted` convert, an hour after their exposure. */
const sessions = (variant_key, count, converted, more = {}) =>
  Array.from({ length: count }, (_, index) => {
    const session = `${variant_key} ${index}`;
    const conversion = index < converted ? [event("conversion", session, now - 2 * HOUR_MS, more)] : [];
    return [event("exposure", session, now - 3 * HOUR_MS, { variant_key }), ...conversion];
  }).flat();

async function sendAll(experiment, list) {
  for (let first = 0; first < list.length; first += 500) await send(experiment, list.slice(first, first + 500));
}

test("results are the judgement on what was recorded", async () => {
  const id = randomUUID();
  assert.equal((await put(id, {})).status, 201);
  await sendAll(id, [...sessions("control", 400, 40), ...sessions("treatment", 410, 90)]);
  await send(id, [event("pageview", "unexposed", now)]);
  const before = Date.now();
  await cron();
  const { experiment_id, as_of, recalculating, quality, metrics, ...judgement } = await results(id);
  const counts = [
    { key: "control", sessions: 400, conversions: 40, weight: 0.5 }, { key: "treatment", sessions: 410, conversions: 90, weight: 0.5 },
  ];
  assert.deepEqual(judgement, await evaluated(counts));
  assert.deepEqual([experiment_id, recalculating, metrics], [id, false, []]);
  assert.ok(as_of >= before && as_of <= Date.now());
  assert.deepEqual(quality, { late: 940, duplicates: 0, unexposed_sessions: 1, multi_variant_sessions: 0, rejected: 0, unmeasured: 0 });
  const [comparison] = (await results(id, "?baseline=treatment")).comparisons;
  assert.deepEqual([comparison.baseline, comparison.variant], ["treatment", "control"]);
});

test("results tell as of when they are", async () => {
  const id = randomUUID();
  const before = Date.now();
  await send(id, [event("exposure", "one", now, { variant_key: "a" })]);
  const after = Date.now();
  const waiting = await results(id);
  assert.ok(waiting.as_of >= before && waiting.as_of <= after);
  assert.deepEqual([waiting.variants, waiting.sample_ratio.p_value], [[], null]);
  await cron();
  const { as_of, variants } = await results(id);
  assert.ok(as_of > after);
  assert.deepEqual(variants.map(({ key, sessions }) => [key, sessions]), [["a", 1]]);
});

test("metrics are judged by themselves, by occurrence and by value", async () => {
  const id = randomUUID();
  await put(id, {});
  const of = (metric, value) => ({ properties: { metric, ...(value !== undefined && { value }) } });
  const measured = (variant, count, each) => sessions(variant, count, 0).concat(
    Array.from({ length: count }, (_, index) => each(`${variant} ${index}`, index)).flat(),
  );
  const at = now - HOUR_MS;
  await sendAll(id, [
    ...measured("control", 200, (session, index) => [event("conversion", session, at, of("revenue", index % 7))]),
    ...measured("treatment", 200, (session, index) => [
      event("conversion", session, at, of("revenue", index % 7)), event("conversion", session, at, of("revenue", 0.5)),
      ...(index < 50 ? [event("conversion", session, at, of("errors"))] : []),
      event("conversion", session, now - 4 * HOUR_MS, of("revenue", 1000)), // before its exposure
    ]),
  ]);
  await cron();
  const { variants, metrics } = await results(id);
  assert.deepEqual(variants.map(({ conversions }) => conversions), [0, 0]);
  const [errors, revenue] = metrics;
  assert.deepEqual([errors.metric, errors.value, revenue.metric], ["errors", null, "revenue"]);
  assert.deepEqual(errors.occurrence.variants.map(({ sessions, conversions }) => [sessions, conversions]), [[200, 0], [200, 50]]);
  const sum = Array.from({ length: 200 }, (_, index) => index % 7).reduce((one, other) => one + other);
  assert.deepEqual(revenue.occurrence.variants.map(({ conversions }) => conversions), [200, 200]);
  assert.deepEqual(revenue.value.variants.map(({ mean }) => mean), [sum / 200, sum / 200 + 0.5]);
  assert.ok(Math.abs(revenue.value.comparisons[0].absolute.estimate - 0.5) < 1e-12);
});

test("a variant that is not declared is refused, as soon as it is declared", async () => {
  const id = randomUUID();
  const exposure = (variant_key) => event("exposure", randomUUID(), now, { variant_key });
  assert.equal((await send(id, [exposure("other"), exposure("control")])).accepted, 2);
  await put(id, {});
  const { accepted, rejected } = await send(id, [exposure("other"), exposure("control"), event("pageview", "s", now, { variant_key: "other" })]);
  assert.deepEqual([accepted, rejected.map(({ index, code }) => [index, code])], [1, [[0, "unknown_variant"], [2, "unknown_variant"]]]);
  await put(id, { status: "stopped" });
  await put(id, { variants: [...HALVES.map(({ key }) => ({ key, weight: 0.25 })), { key: "other", weight: 0.5 }], status: "stopped" });
  assert.equal((await send(id, [exposure("other")])).accepted, 1);
  await cron();
  assert.equal((await results(id)).quality.rejected, 2);
});

test("changed rules come into force for all sessions, without their events", async () => {
  const id = randomUUID();
  await put(id, {});
  const list = [
    ...Array.from({ length: 60 }, (_, index) => [
      event("exposure", `s${index}`, now - 30 * HOUR_MS, { variant_key: index % 2 ? "control" : "treatment" }),
      event("conversion", `s${index}`, now - (index % 29) * HOUR_MS, index % 3 ? {} : { properties: { metric: "m", value: index } }),
      ...(index % 5 ? [] : [event("exposure", `s${index}`, now - 29 * HOUR_MS, { variant_key: index % 2 ? "treatment" : "control" })]),
    ]),
  ].flat();
  const other = randomUUID();
  for (const rules of [{ multi_variant: "first" }, { conversion_window_hours: 12 }, { multi_variant: "first", conversion_window_hours: 3 }, {}]) {
    const fresh = `${other}-${JSON.stringify(rules).length}`;
    if (rules.multi_variant === "first" && !rules.conversion_window_hours) await send(id, list);
    await cron();
    await sql("delete from experiment_batches where experiment_id = ? and seq < (select max(seq) from experiment_batches)", id);
    await put(id, rules);
    assert.equal((await results(id)).recalculating, true);
    await put(fresh, rules);
    await send(fresh, list.map((one) => ({ ...one, id: randomUUID() })));
    await cron();
    const [changed, declaredSo] = [await results(id), await results(fresh)];
    assert.equal(changed.recalculating, false);
    for (const field of ["variants", "metrics"]) assert.deepEqual(changed[field], declaredSo[field], JSON.stringify(rules));
    const hourly = async (experiment) => (await summary(experiment)).map(({ experiment_id, ...row }) => row);
    assert.deepEqual(await hourly(id), await hourly(fresh), JSON.stringify(rules));
    assert.deepEqual(changed.quality.multi_variant_sessions, declaredSo.quality.multi_variant_sessions);
  }
});

test("events leave when they are rolled up and old, and their figures stay", async () => {
  const id = randomUUID();
  await send(id, [event("exposure", "one", now, { variant_key: "a" })]);
  await cron();
  await sql("update experiment_batches set received_ms = ? where experiment_id = ?", now - 2 * DAY_MS, id);
  const count = async () => (await sql("select count(*) as n from analytics_events where experiment_id = ?", id))[0].n;
  await send(randomUUID(), [event("exposure", "other", now, { variant_key: "a" })]);
  await cron();
  assert.equal(await count(), 1);
  await sql("update experiment_batches set received_ms = ? where seq <= (select seq from experiment_batches where experiment_id = ?)", now - 4 * DAY_MS, id);
  await cron();
  assert.equal(await count(), 0);
  assert.equal((await summary(id)).length, 1);
  assert.equal((await results(id)).variants[0].sessions, 1);
});

test("the newest batch stays, for the next is numbered after it", async () => {
  await sql("update experiment_batches set received_ms = ?", now - 4 * DAY_MS);
  await cron();
  assert.equal((await sql("select count(*) as n from experiment_batches"))[0].n, 1);
  const id = randomUUID();
  await send(id, [event("exposure", "one", now, { variant_key: "a" })]);
  await cron();
  assert.equal((await results(id)).variants[0].sessions, 1);
});

test("what is not rolled up stays, however old it is", async () => {
  const id = randomUUID();
  await send(id, [event("exposure", "one", now, { variant_key: "a" })]);
  await sql("update experiment_batches set received_ms = ? where experiment_id = ?", now - 40 * DAY_MS, id);
  await sql("create trigger broken before insert on session_states begin select raise(abort, 'broken on purpose'); end");
  await cron();
  assert.equal((await sql("select count(*) as n from analytics_events where experiment_id = ?", id))[0].n, 1);
  await sql("drop trigger broken");
  await cron();
  assert.equal((await results(id)).variants[0].sessions, 1);
});

test("sessions are forgotten a while after an experiment was stopped; then it is over", async () => {
  const id = randomUUID();
  await put(id, {});
  await sendAll(id, sessions("control", 20, 5));
  await cron();
  const kept = async () => (await sql("select count(*) as n from experiment_sessions where experiment_id = ?", id))[0].n;
  await put(id, { status: "stopped" });
  await sql("update experiments set stopped_ms = ? where id = ?", now - 4 * DAY_MS, id);
  await cron();
  assert.equal(await kept(), 20);
  await sql("update experiments set stopped_ms = ? where id = ?", now - 6 * DAY_MS, id);
  await put(id, { status: "stopped" });
  const late = await send(id, [event("conversion", "control 7", now)]);
  assert.deepEqual(late.rejected.map(({ code }) => code), ["experiment_over"]);
  const before = { ...(await results(id)), as_of: null, quality: null };
  await cron();
  assert.equal(await kept(), 0);
  assert.deepEqual({ ...(await results(id)), as_of: null, quality: null }, before);
  for (const [body, pointer] of [
    [{ status: "running" }, "/status"], [{ status: "stopped", multi_variant: "first" }, "/multi_variant"],
    [{ status: "stopped", conversion_window_hours: 3 }, "/conversion_window_hours"],
  ]) {
    const refused = await put(id, body);
    assert.deepEqual([refused.status, refused.body.code, refused.body.pointer], [409, "experiment_over", pointer]);
  }
  const patched = await instance.send("PATCH", `/rest/v1/experiments?id=eq.${id}`, { as: service, body: { multi_variant: "first" } });
  assert.deepEqual([patched.status, patched.body.code], [400, "23514"], JSON.stringify(patched.body));
  await sql("delete from experiments where id = ?", id);
  const again = await put(id, {});
  assert.deepEqual([again.status, again.body.code], [409, "experiment_over"]);
  const inserted = await instance.post("/rest/v1/experiments", { id, name: "Anew", multi_variant: "first" }, { as: service });
  assert.deepEqual([inserted.status, inserted.body.code], [400, "23514"], JSON.stringify(inserted.body));
});

test("sessions of an experiment that nobody declared are forgotten a while after the last event; it goes on with the next", async () => {
  const [idle, old, declared] = [randomUUID(), randomUUID(), randomUUID()];
  await put(declared, {});
  for (const id of [idle, old, declared]) await sendAll(id, sessions("control", 20, 5));
  await cron();
  const kept = async () => Promise.all([idle, old, declared].map(async (id) => (await sql("select count(*) as n from experiment_sessions where experiment_id = ?", id))[0].n));
  const six = now - 6 * DAY_MS;
  const happened = (id) => sql("update experiment_analytics_summary set date = date(? / 1000, 'unixepoch') where experiment_id = ?", six, id);
  const arrived = (id) => sql("update experiment_batches set received_ms = ? where experiment_id = ?", six, id);
  for (const id of [idle, declared]) await happened(id);
  for (const id of [old, declared]) await arrived(id);
  await cron();
  assert.deepEqual(await kept(), [20, 20, 20], "something happened, or arrived, or it is declared");
  await arrived(idle);
  const before = await summary(idle);
  await cron();
  assert.deepEqual(await kept(), [0, 20, 20]);
  assert.deepEqual(await summary(idle), before);
  assert.deepEqual((await results(idle)).variants.map(({ key, sessions, conversions }) => [key, sessions, conversions]), [["control", 20, 5]]);
  assert.equal((await put(idle, {})).status, 201);
  await sendAll(idle, sessions("treatment", 3, 1));
  await cron();
  assert.deepEqual((await results(idle)).variants.map(({ sessions, conversions }) => [sessions, conversions]), [[20, 5], [3, 1]]);
});

test("what the cron has begun it ends, though the declaration is gone", async () => {
  const [forgotten, judged] = [randomUUID(), randomUUID()];
  for (const id of [forgotten, judged]) {
    await put(id, {});
    await sendAll(id, sessions("control", 20, 5));
  }
  await cron();
  await sql("update experiment_rollups set sessions_removed_ms = 1 where experiment_id = ?", forgotten);
  await sql("update experiment_rollups set next_multi_variant = 'first', judged_to = zeroblob(8) where experiment_id = ?", judged);
  await sql("delete from experiments where id in (?, ?)", forgotten, judged);
  await cron();
  assert.deepEqual(await sql("select count(*) as n from experiment_sessions where experiment_id = ?", forgotten), [{ n: 0 }]);
  const rules = await sql("select multi_variant, next_multi_variant from experiment_rollups where experiment_id = ?", judged);
  assert.deepEqual(rules, [{ multi_variant: "first", next_multi_variant: null }]);
});

test("a rule that changes right before the sessions are forgotten comes into force before", async () => {
  const id = randomUUID();
  await put(id, {});
  await send(id, ["control", "treatment"].map((variant_key, place) => event("exposure", "both", now - place, { variant_key })));
  await cron();
  await put(id, { status: "stopped", multi_variant: "first" });
  await sql("update experiments set stopped_ms = ? where id = ?", now - 6 * DAY_MS, id);
  await cron();
  assert.deepEqual((await results(id)).variants.map(({ sessions }) => sessions), [0, 1]);
  assert.deepEqual(await sql("select count(*) as n from experiment_sessions where experiment_id = ?", id), [{ n: 0 }]);
});

test("results are the service's, and of experiments that are known", async () => {
  for (const [as, status, code] of [[anonymous, 401, "credential_required"], [user(randomUUID()), 403, "service_required"], [service, 404, "unknown_experiment"]]) {
    const refused = await get("/v1/experiments/nowhere/results", { as });
    assert.deepEqual([refused.status, refused.body.code], [status, code]);
  }
  const id = randomUUID();
  await put(id, {});
  const { variants, verdict } = await results(id);
  assert.deepEqual([variants.map(({ sessions }) => sessions), verdict], [[0, 0], "not enough data"]);
  const refused = await get(`/v1/experiments/${id}/results?baseline=none`, { as: service });
  assert.deepEqual([refused.status, refused.body.code], [400, "invalid_value"]);
});
