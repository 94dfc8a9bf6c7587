// All that is kept goes out and comes in: into an empty instance, and out of it again, it is the same to the byte.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { SNAPSHOTS, anonymous, service, start, until, user } from "./instance.mjs";
import { digest, exported, filled, settled, taken } from "./moved.mjs";

const [source, target] = await Promise.all([start(), start()]);
const { root, fork, quiet, users } = await filled(source);
const before = await exported(source);

/** What differs between instances that hold the same: what is random, what tells when it was written, what is not moved. */
const ITS_OWN = ["visitor_salts", "rollup_runs", "instance_metrics", "alerts", "ranking_windows"];

/** What is told of a prompt. */
const told = async ({ get }, id) => {
  const paths = ["stats", "series?metric=view&from=2023-12-01&to=2027-01-01&interval=day", "funnel?from=2024-01-01&to=2026-01-01", "usage/scenes"];
  return Promise.all(paths.map(async (path) => (await get(`/v1/prompts/${id}/${path}`, { as: service })).body));
};
const judged = async ({ get }) => {
  const { as_of, ...results } = (await get("/v1/experiments/e/results", { as: service })).body;
  return results;
};
const lineage = async ({ get }) => {
  const { body } = await get(`/v1/prompts/${fork}/lineage`, { as: service });
  return JSON.parse(JSON.stringify(body, (name, value) => (name.includes("cursor") ? undefined : value)));
};

test("an export has everything, and says how much, with its digest", () => {
  const { lines, end, tables } = before;
  assert.deepEqual(end, { lines: lines.length - 1, sha256: digest(lines.slice(0, -1)), from: null, next: null });
  const expected = ["users", "prompts", "prompt_creations", "prompt_answers", "test_results", "prompt_templates", "template_likes", "user_favorites", "prompt_favorites", "prompt_usage", "prompt_events", "gone_prompts", "experiments", "rollup_watermark", "experiment_rollups", "session_states", "experiment_analytics_summary", "experiment_metrics", "experiment_names", "experiment_batches", "counter_days", "counter_ids", "counter_imports", "counters", "count_totals"];
  assert.deepEqual(Object.keys(tables).sort(), expected.sort());
});

test("the same export again is the same, for reading writes nothing", async () => {
  assert.equal((await exported(source)).text, before.text);
});

test("an export into an empty instance comes out of it the same, to the byte", async () => {
  const report = await taken(target, before.text);
  assert.deepEqual([report.refused, report.verified_lines], [[], before.end.lines]);
  assert.equal((await exported(target)).text, before.text);
  await settled(target);
  assert.equal((await exported(target)).text, before.text);
});

test("what is told is the same: counts, series, funnels, scenes, lineages, verdicts, lists", async () => {
  for (const id of [root, fork, quiet]) assert.deepEqual(await told(target, id), await told(source, id));
  assert.deepEqual(await lineage(target), await lineage(source));
  assert.deepEqual(await judged(target), await judged(source));
  // A list over a window is told by a snapshot, some seconds later.
  const list = async ({ get }) => (await get("/v1/prompts/top/viewed?window=30d")).body.prompts;
  await until(async () => JSON.stringify(await list(target)) === JSON.stringify(await list(source)), "the list is the same");
  assert.ok((await list(target)).length > 0);
});

test("what triggers keep is the same", async () => {
  // Counters that were taken in tell the lists some seconds later; what follows compares tables that rest.
  await until(async () => (await target.sql("select 1 from prompt_stats where ranked_ms is null")).length === 0, "all have told");
  const comparable = async (instance) => {
    const { objects, prompt_lineage, prompt_stats, ...tables } = await instance.stored({ except: ITS_OWN });
    return {
      ...tables,
      prompts: tables.prompts.map(({ variables, ...row }) => ({ ...row, variables: variables?.replaceAll("\n", " ") })),
      prompt_lineage: prompt_lineage.map(({ place, parent, ...row }) => row).sort((one, other) => (one.prompt_id < other.prompt_id ? -1 : 1)),
      prompt_stats: prompt_stats.map(({ updated_at, ranked_ms, ...row }) => row),
      // Deliveries are known for minutes, to the instance that they came to.
      experiment_batches: tables.experiment_batches.map(({ deliveries, ...row }) => row),
    };
  };
  const [one, other] = await Promise.all([comparable(source), comparable(target)]);
  assert.deepEqual(Object.keys(other), Object.keys(one));
  for (const table of Object.keys(one)) assert.deepEqual(other[table], one[table], table);
});

test("imported a second time it changes nothing", async () => {
  const stored = await target.stored();
  const report = await taken(target, before.text);
  assert.deepEqual([report.refused, report.verified_lines], [[], before.end.lines]);
  assert.deepEqual(await target.stored(), stored);
  assert.equal((await exported(target)).text, before.text);
  assert.deepEqual(report.imported, { prompts: 0, prompt_events: 0 });
  assert.equal(Object.values(report.repeated).reduce((sum, count) => sum + count), before.end.lines);
});

test("a counter that was moved counts on, knows its ids, and the roll-up goes on", async () => {
  const [views, ...others] = await target.counts(root);
  await target.evict(root);
  const id = "1";
  const resent = [{ id, type: "view", prompt_id: root, visitor: "v1" }];
  assert.deepEqual((await target.events(resent, { as: user(users[0]) })).accepted, 0);
  await target.events({ type: "view", prompt_id: root });
  assert.deepEqual(await target.counts(root), [views + 1, ...others]);
  const line = { table: "prompt_events", row: { id: 1, prompt_id: root, event_type: "view", created_at: "2024-02-05T12:34:56Z" } };
  assert.equal((await target.imported([line])).repeated.prompt_events, 1);
  const exposed = async ({ get }) => (await get("/v1/experiments/e/results", { as: service })).body.variants.map(({ sessions }) => sessions);
  const [a, b] = await exposed(target);
  await target.cron();
  assert.deepEqual(await exposed(target), [a + 1, b]);
  // The export stays what it was: a counter that counted since keeps what it has.
  const { refused } = await taken(target, before.text);
  assert.ok(refused.every(({ code }) => code === "conflict"), JSON.stringify(refused));
  assert.deepEqual(await target.counts(root), [views + 1, ...others]);
  await settled(target);
});

test("keys of imported rows go in pages", async () => {
  const [one, other] = await Promise.all([start(), start()]);
  const id = await one.prompt();
  // Two full pages: only a third, which is empty, says that there are no more.
  const [PARTS, ROWS] = [5, 20_000];
  const row = (id_of_row) => ({ table: "prompt_events", row: { id: id_of_row, prompt_id: id, event_type: "view", created_at: "2024-01-01T00:00:00Z" } });
  for (let part = 0; part < PARTS; part++) await one.imported(Array.from({ length: ROWS }, (_, place) => row(part * ROWS + place)));
  const { text, tables } = await exported(one);
  assert.equal(tables.counter_imports, 2);
  assert.deepEqual((await taken(other, text)).refused, []);
  assert.equal((await exported(other)).text, text);
  assert.deepEqual((await other.imported([row(7), row(PARTS * ROWS - 1)])).repeated.prompt_events, 2);
  assert.deepEqual(await other.counts(id), [PARTS * ROWS, 0, 0, 0]);
});

test("a counter that has counted by itself takes nothing", async () => {
  const other = await start();
  const rows = before.lines.filter((line) => /^\{"table":"(users|prompts)"/.test(line));
  await taken(other, rows.join("\n"));
  await other.events({ type: "view", prompt_id: root });
  const parts = before.lines.filter((line) => line.startsWith('{"table":"counter') && line.includes(root));
  const report = await taken(other, parts.join("\n"));
  assert.deepEqual([report.refused_count, new Set(report.refused.map(({ code }) => code))], [parts.length, new Set(["conflict"])]);
  assert.deepEqual(await other.counts(root), [1, 0, 0, 0]);
  // Parts without the whole are no counter, and are forgotten when the prompt is counted.
  const unfinished = before.lines.filter((line) => line.startsWith('{"table":"counter') && line.includes(quiet));
  await taken(other, unfinished.slice(0, -1).join("\n"));
  assert.deepEqual(await other.counts(quiet), [0, 0, 0, 0]);
  const missing = await taken(other, unfinished.slice(-1).join("\n") .replace(/"days":\d+/, '"days":9'));
  assert.deepEqual(missing.refused.map(({ code }) => code), ["missing_field"]);
  await other.events({ type: "view", prompt_id: quiet }, { as: service });
  assert.deepEqual(await other.counts(quiet), [1, 0, 0, 0]);
  await settled(other);
});

/** Files that are not what was exported: how they come about, and whether something is stored all the same. */
const damages = {
  "a byte changed": (lines) => lines.map((line, index) => (index === 1 ? line.replace("-", "0-") : line)),
  "a line is missing": (lines) => lines.toSpliced(3, 1),
  "two lines changed places": (lines) => [lines[1], lines[0], ...lines.slice(2)],
  "a line stands twice": (lines) => [lines[0], ...lines],
  "the digest is another": (lines) => lines.with(-1, lines.at(-1).replace(/"sha256":"./, '"sha256":"x')),
};
for (const [what, damage] of Object.entries(damages)) {
  test(`an import tells that ${what}`, async () => {
    const { refused, verified_lines } = await taken(target, `${damage(before.lines).join("\n")}\n`);
    assert.equal(verified_lines, undefined);
    assert.equal(refused.at(-1).code, "digest_mismatch");
    assert.equal(refused.at(-1).pointer, "/end");
  });
}

test("an export that was cut off has no last line, and an import of it says nothing was compared", async () => {
  const report = await taken(target, before.lines.slice(0, 8).join("\n"));
  assert.equal(report.verified_lines, undefined);
});

test("an export in parts is the same lines, each part with its digest", async () => {
  const { lines, ends } = await inParts(source);
  assert.ok(ends.length > 2, `${ends.length} parts`);
  assert.equal(lines.join("\n"), before.lines.slice(0, -1).join("\n"));
  assert.deepEqual(ends.map(({ from }) => from), [null, ...ends.slice(0, -1).map(({ next }) => next)]);
});

async function inParts(instance) {
  const [lines, ends] = [[], []];
  for (let cursor = ""; cursor !== null; ) {
    const part = await exported(instance, `?calls=10${cursor}`);
    lines.push(...part.lines.slice(0, -1));
    ends.push(part.end);
    cursor = part.end.next && `&cursor=${part.end.next}`;
  }
  return { lines, ends };
}

test("a prompt that fills a row, escaped, goes out and comes in", async () => {
  const [one, other] = await Promise.all([start(), start()]);
  const template = '"\n'.repeat(900_000);
  for (const index of [1, 2, 3]) await one.prompt({ template, title: `${index}` });
  const { text, tables } = await exported(one);
  assert.equal(tables.prompts, 3);
  assert.deepEqual((await taken(other, text)).refused, []);
  assert.ok((await exported(other)).text === text);
});

test("an export is the service's", async () => {
  for (const [as, status, code] of [[anonymous, 401, "credential_required"], [user(randomUUID()), 403, "service_required"]]) {
    const refused = await source.get("/v1/export", { as });
    assert.deepEqual([refused.status, refused.body.code], [status, code]);
  }
  for (const query of ["cursor=x", "cursor=eyJwYXJ0Ijo5OTksImFmdGVyIjpbXSwicm9sbHVwIjpudWxsfQ", "calls=9", "calls=x"]) {
    const { status, body } = await source.get(`/v1/export?${query}`, { as: service });
    assert.deepEqual([status, body.code], [400, "invalid_value"], query);
  }
  const head = await source.send("HEAD", "/v1/export", { as: service });
  assert.deepEqual([head.status, head.headers.get("content-type"), head.body], [200, "application/x-ndjson", ""]);
});

test("an export holds no salt and no key", () => {
  assert.doesNotMatch(before.text, /salt|service-|publishable-/);
  assert.equal(SNAPSHOTS.some((table) => before.tables[table] && table !== "count_totals"), false);
});
