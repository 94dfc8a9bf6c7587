// How many events one address may send.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { startInHarness } from "./harness.mjs";
import { SETTINGS, atOnce, bearer, service, start, user } from "./instance.mjs";

const LIMIT = 20;
const limited = await start({ RATE_LIMIT: String(LIMIT) });
const view = (prompt_id, more = {}) => ({ type: "view", prompt_id, ...more });
const copies = (prompt_id, count) => Array.from({ length: count }, () => ({ type: "copy", prompt_id }));

let addresses = 0;
/** The headers of somebody who was not here before. */
const newcomer = () => ({ "cf-connecting-ip": `2001:db8:${(++addresses).toString(16)}::1` });

/** Checks that a request is refused for a while. */
function checkRefused({ status, headers, body }, { longest = 60 } = {}) {
  assert.equal(status, 429, JSON.stringify(body));
  const seconds = Number(headers.get("retry-after"));
  assert.ok(Number.isInteger(seconds) && seconds >= 1 && seconds <= longest, `Retry-After: ${seconds}`);
  return body;
}

test("a minute's events may come at once, then a request is refused, and nothing of it is stored", async () => {
  const { counts, post, prompt, sql } = limited;
  const [id, headers, fork] = [await prompt(), newcomer(), randomUUID()];
  const first = await post("/v1/events", copies(id, LIMIT - 1), { headers });
  assert.equal(first.body.accepted, LIMIT - 1);
  const refused = await post("/v1/events", [view(id), view(id), { type: "fork", prompt_id: id, id: fork }], { headers, as: user(randomUUID()) });
  const body = checkRefused(refused, { longest: 6 });
  assert.deepEqual([body.code, refused.headers.get("content-type")], ["rate_limited", "application/problem+json"]);
  assert.deepEqual(await sql("select 1 from prompt_events where id = ?", fork), []);
  assert.equal((await post(`/v1/prompts/${id}/view`, undefined, { headers })).status, 200);
  assert.deepEqual(await counts(id), [1, LIMIT - 1, 0, 0]);
});

test("a request with more events than a minute has is too large, at any time", async () => {
  const { counts, post, prompt } = limited;
  const [id, headers] = [await prompt(), newcomer()];
  const { status, headers: told, body } = await post("/v1/events", copies(id, LIMIT + 1), { headers });
  assert.deepEqual([status, body.code, told.get("retry-after")], [413, "too_many_events", null]);
  assert.equal((await post("/v1/events", copies(id, LIMIT), { headers })).status, 200, "it took no place");
  assert.deepEqual(await counts(id), [0, LIMIT, 0, 0]);
});

test("every route of events counts, the reads do not", async () => {
  const { get, post, prompt } = limited;
  const id = await prompt();
  const as = user(randomUUID());
  for (const [path, body] of [
    ["/v1/events", view(id)],
    ["/v1/events?ack=async", view(id)],
    ["/v1/usage", { prompt_id: id }],
    [`/v1/prompts/${id}/view`],
    [`/v1/prompts/${id}/copy`],
    [`/v1/prompts/${id}/copy?ack=async`],
    [`/v1/prompts/${id}/compare`],
    [`/v1/prompts/${id}/fork`],
    [`/v1/prompts/${randomUUID()}/view`],
  ]) {
    const headers = newcomer();
    await post("/v1/events", copies(id, LIMIT), { headers });
    assert.equal(checkRefused(await post(path, body, { headers, as })).code, "rate_limited", path);
    assert.equal((await get(`/v1/prompts/${id}/stats`, { headers })).status, 200);
  }
});

test("functions that count are refused in PostgREST's form, those that read are not", async () => {
  const { get, post, prompt } = limited;
  const [id, headers, as] = [await prompt(), newcomer(), user(randomUUID())];
  await post("/v1/events", copies(id, LIMIT), { headers });
  for (const [name, argument] of [
    ["increment_prompt_views", { prompt_id: id }],
    ["increment_prompt_copies", { prompt_id: id }],
    ["increment_fork_count", { prompt_id: id }],
    ["increment_likes_count", { template_id: id }],
    ["increment_uses_count", { template_id: id }],
  ]) {
    const body = checkRefused(await post(`/rest/v1/rpc/${name}`, argument, { headers, as }));
    assert.deepEqual([Object.keys(body), body.code], [["code", "message", "details", "hint"], "53400"], name);
  }
  assert.equal((await get("/rest/v1/rpc/get_popular_templates", { headers })).status, 200);
  assert.equal((await get("/rest/v1/prompts?select=id&limit=1", { headers })).status, 200);
});

test("rows that are events count, each of them; other rows do not", async () => {
  const { counts, post, prompt, sql } = limited;
  const as = user(randomUUID());
  for (const [table, row] of [["prompt_events", { event_type: "fork" }], ["prompt_events", { event_type: "compare_add" }], ["prompt_usage", {}]]) {
    const [prompt_id, headers] = [await prompt(), newcomer()];
    const rows = (count) => Array.from({ length: count }, () => ({ prompt_id, ...row }));
    assert.equal((await post(`/rest/v1/${table}`, rows(LIMIT - 1), { headers, as })).status, 201, table);
    assert.equal(checkRefused(await post(`/rest/v1/${table}`, rows(2), { headers, as })).code, "53400", table);
    assert.equal((await sql(`select 1 from ${table} where prompt_id = ?`, prompt_id)).length, LIMIT - 1, table);
    assert.equal((await post(`/rest/v1/${table}`, rows(LIMIT + 1), { headers, as: service })).status, 201, table);
    assert.equal((await post("/rest/v1/prompt_favorites", { prompt_id }, { headers, as })).status, 201);
    const isCounted = table === "prompt_events" ? 2 * LIMIT : 0;
    assert.equal((await counts(prompt_id)).reduce((sum, count) => sum + count), isCounted, table);
  }
});

test("one network is one sender, and no other", async () => {
  const { post, prompt } = limited;
  const id = await prompt();
  const send = (address, count) => post("/v1/events", copies(id, count), { headers: { "cf-connecting-ip": address } });
  assert.equal((await send("2001:db8:aaaa:1::1", LIMIT)).status, 200);
  checkRefused(await send("2001:db8:aaaa:1:ffff::2", 1));
  assert.equal((await send("2001:db8:aaaa:2::1", LIMIT)).status, 200);
  assert.equal((await send("203.0.113.1", LIMIT)).status, 200);
  checkRefused(await send("::ffff:203.0.113.1", 1));
});

test("the service sends as many as it likes, a key of pages does not", async () => {
  const { post, prompt } = limited;
  const [id, headers] = [await prompt(), newcomer()];
  for (let sent = 0; sent < 3; sent++) {
    assert.equal((await post("/v1/events", copies(id, 3 * LIMIT), { headers, as: service })).status, 200);
  }
  assert.equal((await post("/v1/events", copies(id, LIMIT), { headers })).status, 200, "and uses up nobody's places");
  checkRefused(await post("/v1/events", view(id), { headers, as: bearer(SETTINGS.PUBLISHABLE_KEY) }));
});

test("of requests at once, those that fit are let in", async () => {
  const { counts, post, prompt } = limited;
  const [id, headers] = [await prompt(), newcomer()];
  const answers = await atOnce(2 * LIMIT, () => post("/v1/events", view(id), { headers }));
  const taken = answers.filter(({ status }) => status === 200).length;
  assert.ok(taken >= LIMIT, `${taken}`);
  for (const refused of answers.filter(({ status }) => status !== 200)) checkRefused(refused, { longest: 3 });
  assert.deepEqual(await counts(id), [taken, 0, 0, 0]);
});

test("the isolates of a location share the limit that is bound", async () => {
  const { counts, post, prompt } = await startInHarness({ RATE_LIMIT: "100000" });
  const [id, headers] = [await prompt(), newcomer()];
  // The binding counts by the minute, and one may end in between.
  let [answer, taken] = [null, 0];
  while (answer?.status !== 429 && taken < 3000) {
    answer = await post("/v1/events", copies(id, 200), { headers });
    taken += answer.body.accepted ?? 0;
  }
  assert.equal(checkRefused(answer).code, "rate_limited");
  assert.ok(taken >= 600, `${taken} were taken`);
  assert.equal((await post("/v1/events", copies(id, 200), { headers: newcomer() })).status, 200);
  assert.deepEqual(await counts(id), [0, taken + 200, 0, 0]);
});

for (const RATE_LIMIT of ["0", ""]) {
  test(`with RATE_LIMIT ${JSON.stringify(RATE_LIMIT)} there is no limit`, async () => {
    const { post, prompt } = await startInHarness({ RATE_LIMIT });
    const [id, headers] = [await prompt(), newcomer()];
    for (let sent = 0; sent < 3; sent++) {
      assert.equal((await post("/v1/events", copies(id, 500), { headers })).status, 200);
    }
  });
}

test("without an address and without a binding the limit holds, where it is set", async () => {
  const { post, prompt } = await start({ RATE_LIMIT: "2" });
  const id = await prompt();
  const send = (headers = {}) => post("/v1/events", view(id), { headers });
  assert.deepEqual([(await send()).status, (await send()).status], [200, 200]);
  checkRefused(await send(), { longest: 30 });
  assert.equal((await send(newcomer())).status, 200);
});
