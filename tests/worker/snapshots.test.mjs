// `prompt_stats`: the counters' snapshots. A trigger notes every write that is attempted, so none is missed.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { before, describe, test } from "node:test";
import { start, until, user } from "./instance.mjs";

/** They are begun 9.9 s apart, and each waits up to 0.1 s for those of other counters: so none is older than 10 s. */
const INTERVAL_MS = 9_800;
const RANKING_INTERVAL_MS = 15_000;
const { counts, events, evict, post, prompt, sql } = await start({ RANKING_INTERVAL: `${RANKING_INTERVAL_MS / 1000}` });

const snapshot = async (id) => (await sql("select * from prompt_stats where prompt_id = ?", id))[0];
const writes = (id) => sql("select version, view_count, at_ms from snapshot_writes where prompt_id = ? order by rowid", id);
const totals = async (id) =>
  (await sql("select metric, total from prompt_rankings where prompt_id = ? order by metric", id)).map(({ metric, total }) => [metric, total]);
const view = (id) => post(`/v1/prompts/${id}/view`);
/** Waits for a snapshot that says this, and gives it. */
const follows = (id, expected) =>
  until(async () => {
    const row = await snapshot(id);
    return row && [row.view_count, row.copy_count, row.fork_count, row.compare_count].join() === expected.join() && row;
  }, `prompt_stats says ${expected}`);

/** Checks that each two writes lie an interval apart. */
function checkIntervals(written, intervalMs = INTERVAL_MS) {
  const gaps = written.slice(1).map(({ at_ms }, index) => at_ms - written[index].at_ms);
  assert.ok(gaps.every((gap) => gap >= intervalMs), `gaps of ${gaps} ms`);
}

before(async () => {
  await sql("create table ranking_writes (prompt_id text, metric text, total integer)");
  await sql(`create trigger ranking_written after update on prompt_rankings begin
    insert into ranking_writes values (new.prompt_id, new.metric, new.total); end`);
  await sql("create table tellings (prompt_id text, at_ms integer)");
  await sql(`create trigger told after update of ranked_ms on prompt_stats begin
    insert into tellings values (new.prompt_id, new.ranked_ms); end`);
  await sql("create table snapshot_writes (prompt_id text, version integer, view_count integer, at_ms integer)");
  await sql(`create trigger snapshot_written before insert on prompt_stats begin
    insert into snapshot_writes values (new.prompt_id, new.version, new.view_count,
      cast(round(unixepoch(new.updated_at, 'subsec') * 1000) as integer)); end`);
});

describe("snapshots", { concurrency: true }, () => {
  test("follow a change, with absolute values, in one row, under a growing version", async () => {
    const id = await prompt();
    await view(id);
    const first = await follows(id, [1, 0, 0, 0]);
    const batch = ["view", "copy", "copy", "fork", "compare_add"].map((type) => ({ type, prompt_id: id }));
    await events(batch, { as: user(randomUUID()) });
    const second = await follows(id, [2, 2, 1, 1]);
    assert.deepEqual(await counts(id), [2, 2, 1, 1]);
    assert.ok(second.version > first.version && second.updated_at > first.updated_at);
    assert.equal((await sql("select * from prompt_stats where prompt_id = ?", id)).length, 1);
  });

  test("are written at most once in their interval, however many changes there are", async () => {
    const id = await prompt();
    const written = await until(async () => {
      await view(id);
      const noted = await writes(id);
      return noted.length >= 3 && noted;
    }, "three snapshots are written");
    checkIntervals(written);
    const versions = written.map(({ version }) => version);
    assert.deepEqual(versions, [...new Set(versions)].sort((one, other) => one - other));
  });

  test("keep their distance when the object is evicted between them", async () => {
    const id = await prompt();
    await view(id);
    await follows(id, [1, 0, 0, 0]);
    await evict(id);
    await view(id);
    await evict(id);
    await view(id);
    const row = await follows(id, [3, 0, 0, 0]);
    checkIntervals(await writes(id));
    assert.equal(row.version, 3);
  });

  test("of an older version never replace a newer one", async () => {
    const id = await prompt();
    const columns = "prompt_id, view_count, copy_count, fork_count, compare_count, version, updated_at";
    await sql(`insert into prompt_stats (${columns}) values (?, 777, 0, 0, 0, 3, '2026-11-20T12:00:00.000000+00:00')`, id);
    await view(id);
    await view(id);
    await until(async () => (await writes(id)).some(({ version, view_count }) => version === 2 && view_count === 2));
    assert.deepEqual([(await snapshot(id)).version, (await snapshot(id)).view_count], [3, 777]);
    assert.deepEqual(await totals(id), [], "nor do they rank the prompt");
    await view(id);
    await view(id);
    assert.equal((await follows(id, [4, 0, 0, 0])).version, 4);
    assert.deepEqual(await totals(id), [["view", 4], ["visit", 1]]);
  });

  test("tell the rankings what changed alone", async () => {
    const id = await prompt();
    await events(["view", "copy", "fork"].map((type) => ({ type, prompt_id: id })), { as: user(randomUUID()) });
    await follows(id, [1, 1, 1, 0]);
    await events({ type: "copy", prompt_id: id });
    await follows(id, [1, 2, 1, 0]);
    await events({ type: "copy", prompt_id: id });
    await follows(id, [1, 3, 1, 0]);
    const ranked = [["copy", 3], ["fork", 1], ["view", 1], ["visit", 1]].join();
    await until(async () => (await totals(id)).join() === ranked);
    assert.deepEqual(await sql("select distinct metric from ranking_writes where prompt_id = ?", id), [{ metric: "copy" }]);
  });

  test("tell the rankings once in an interval, and the rest when it is over, though the object was evicted", async () => {
    const id = await prompt();
    const ranked = async () => (await sql("select total from prompt_rankings where prompt_id = ? and metric = 'view'", id))[0]?.total;
    await view(id);
    await until(async () => (await ranked()) === 1);
    for (const views of [2, 3]) {
      await view(id);
      await follows(id, [views, 0, 0, 0]);
    }
    await evict(id);
    await until(async () => (await ranked()) === 3);
    const told = await sql("select at_ms from tellings where prompt_id = ? order by rowid", id);
    checkIntervals(told, RANKING_INTERVAL_MS);
    assert.ok(told.length < (await writes(id)).length, `told ${told.length} times`);
  });

  test("tell the rankings what is less than it was, too", async () => {
    const id = await prompt();
    // As if copies and visits had been counted and were taken back.
    await sql("insert into prompt_rankings values (?1, 'copy', 1, 5, 5, 5, 5, null), (?1, 'visit', 1, 2, 2, 2, 2, 7)", id);
    await view(id);
    await follows(id, [1, 0, 0, 0]);
    const [{ visit_count, unique_visitors }] = await sql("select visit_count, unique_visitors from prompt_stats where prompt_id = ?", id);
    assert.ok(visit_count <= 1 && unique_visitors <= 1);
    const ranked = await sql("select metric, total, last_24h, last_30d from prompt_rankings where prompt_id = ? order by metric", id);
    const expected = [["copy", 0], ["view", 1], ["visit", visit_count]].map(([metric, total]) => ({ metric, total, last_24h: total, last_30d: total }));
    assert.deepEqual(ranked, expected);
  });

  test("of counters that were counted together are stored together", async () => {
    const ids = await Promise.all(Array.from({ length: 20 }, () => prompt()));
    await events(ids.map((prompt_id) => ({ type: "view", prompt_id })));
    for (const id of ids) await follows(id, [1, 0, 0, 0]);
    const [{ times }] = await sql(`select count(distinct updated_at) as times from prompt_stats where prompt_id in (${ids.map((id) => `'${id}'`)})`);
    assert.ok(times < ids.length / 2, `${times} transactions for ${ids.length} snapshots`);
  });

  test("are not written when nothing changed", async () => {
    const [id, event] = [await prompt(), { id: randomUUID(), type: "view" }];
    await events({ ...event, prompt_id: id });
    await follows(id, [1, 0, 0, 0]);
    const { duplicates } = await events({ ...event, prompt_id: id });
    assert.equal(duplicates, 1);
    const other = await prompt();
    await view(other);
    await follows(other, [1, 0, 0, 0]);
    await view(other);
    await follows(other, [2, 0, 0, 0]); // its interval is over, so the first prompt's would be, too
    assert.equal((await writes(id)).length, 1);
  });
});

// Behind the others, which would fail with it once.
test("a snapshot that cannot be stored keeps no others from it", async () => {
  const [bad, ...good] = await Promise.all(Array.from({ length: 10 }, () => prompt()));
  const refuses = `new.prompt_id = '${bad}' and not exists (select 1 from healed)`;
  await sql("create table healed (at_ms integer)");
  await sql(`create trigger refused before insert on prompt_stats when ${refuses} begin select raise(abort, 'refused'); end`);
  await events([bad, ...good].map((prompt_id) => ({ type: "view", prompt_id })));
  for (const id of good) await follows(id, [1, 0, 0, 0]);
  assert.equal(await snapshot(bad), undefined);
  await sql("insert into healed values (1)");
  await follows(bad, [1, 0, 0, 0]);
});
