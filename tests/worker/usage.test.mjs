// Uses of prompts: recorded once each, whoever sends them how often, and added up as they are stored.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { SETTINGS, anonymous, atOnce, bearer, service, start, token, until, user } from "./instance.mjs";

const MINUTE_MS = 60_000;
const instance = await start();
const { events, get, objects, post, prompt, sql } = instance;

const usage = (prompt_id, more = {}) => ({ type: "usage", prompt_id, ...more });
const answer = (accepted, duplicates = 0) => ({ accepted, duplicates, rejected: [] });
const codes = ({ rejected }) => rejected.map(({ index, code }) => [index, code]);
const rows = (prompt_id) => sql("select * from prompt_usage where prompt_id = ? order by id", prompt_id);
const stored = (ms) => new Date(ms).toISOString().replace("Z", "000+00:00");
const somebody = () => {
  const sub = randomUUID();
  return { sub, as: user(sub) };
};

/** Sends uses and gives the answer's body. */
async function uses(body, options = { as: service }) {
  const { status, body: answer } = await post("/v1/usage", body, options);
  assert.equal(status, 200, JSON.stringify(answer));
  return answer;
}

/** What a prompt's stats say of its uses. */
async function told(prompt_id, as = service) {
  const { body } = await get(`/v1/prompts/${prompt_id}/stats`, { as });
  const { totalUsage, successCount, failureCount, successRate, avgGenerationTimeMs, lastUsedAt } = body;
  return { totalUsage, successCount, failureCount, successRate, avgGenerationTimeMs, lastUsedAt };
}

const UNUSED = { totalUsage: 0, successCount: 0, failureCount: 0, successRate: null, avgGenerationTimeMs: null, lastUsedAt: null };

const scenes = async (prompt_id, query = "", as = service) => (await get(`/v1/prompts/${prompt_id}/usage/scenes${query}`, { as })).body;

/** Makes storing uses fail while `work` runs. */
async function withoutUsage(work) {
  await sql("create trigger no_usage before insert on prompt_usage begin select raise(abort, 'a failure of the test'); end");
  try {
    return await work();
  } finally {
    await sql("drop trigger no_usage");
  }
}

test("a use is a row with its context, byte for byte", async () => {
  const [id, { sub, as }] = [await prompt(), somebody()];
  const timestamp = Date.now() - MINUTE_MS;
  const text = "O'Brien \"quoted\"\\n \u0000\u0001\t\r\n東京 😀 \u2028</script>";
  const keys = { post_id: "p 1", character_id: "é", job_id: "j", scene: "$.a\"b", environment: "e", outfit: "o" };
  const use = { ...keys, prompt: text, negative_prompt: "", success: false, generation_time_ms: 86_400_000, error_message: text };
  assert.deepEqual(await events(usage(id, { id: "1", timestamp, ...use }), { as }), answer(1));
  assert.deepEqual(await uses({ prompt_id: id, id: "2", timestamp }, { as }), answer(1));
  const common = { prompt_id: id, user_id: sub, created_at: stored(timestamp) };
  const nothing = Object.fromEntries(Object.keys(use).map((name) => [name, null]));
  assert.deepEqual((await rows(id)).map(({ payload_digest, ...row }) => [/^[0-9a-f]{8}$/.test(payload_digest), row]), [
    [true, { ...common, id: "1", ...use, success: 0 }],
    [true, { ...common, id: "2", ...nothing, success: 1 }],
  ]);
});

test("a use is a user's, or told by the service, of nobody or of the user whom its token names", async () => {
  const [id, sub] = [await prompt(), randomUUID()];
  for (const as of [anonymous, bearer(SETTINGS.PUBLISHABLE_KEY)]) {
    const body = [usage(id), { type: "view", prompt_id: id }, usage(id)];
    const refused = await events(body, { as });
    assert.deepEqual([codes(refused), refused.accepted], [[[0, "user_required"], [2, "user_required"]], 1]);
    assert.deepEqual(codes(await uses(usage(id), { as })), [[0, "user_required"]]);
  }
  assert.deepEqual(await rows(id), []);
  for (const as of [service, bearer(token({ role: "service_role" })), bearer(token({ role: "service_role", sub }))]) {
    assert.deepEqual(await uses(usage(id), { as }), answer(1));
  }
  assert.deepEqual((await rows(id)).map(({ user_id }) => user_id), [null, null, sub]);
});

test("an invisible prompt is one that is not there", async () => {
  const [{ sub, as }, stranger] = [somebody(), somebody()];
  const mine = await prompt({ user_id: sub, is_public: false });
  const gone = randomUUID();
  assert.deepEqual(await uses([usage(mine), usage(gone)], { as }), {
    ...answer(1),
    rejected: [{ index: 1, code: "unknown_prompt", detail: "No prompt that you may see has this id." }],
  });
  const refused = await uses([usage(mine), usage(gone)], stranger);
  assert.deepEqual(codes(refused), [[0, "unknown_prompt"], [1, "unknown_prompt"]]);
  assert.equal(refused.rejected[0].detail, refused.rejected[1].detail);
  for (const path of [`/v1/prompts/${mine}/usage/scenes`, `/v1/prompts/${mine}/stats`]) {
    for (const as of [anonymous, stranger.as]) {
      const [seen, other] = [await get(path, { as }), await get(path.replace(mine, gone), { as })];
      assert.deepEqual([seen.status, seen.body], [404, other.body]);
    }
    assert.equal((await get(path, { as })).status, 200);
    assert.equal((await get(path, { as: service })).status, 200);
  }
  assert.deepEqual((await rows(mine)).map(({ user_id }) => user_id), [sub]);
});

test("the same id is one use, one after another and 20 times at once; another's is a conflict", async () => {
  const [id, other, { sub, as }] = [await prompt(), await prompt(), somebody()];
  const use = usage(id, { id: randomUUID(), scene: "a", generation_time_ms: 7 });
  const answers = await atOnce(20, () => events(use, { as }));
  assert.equal(answers.reduce((sum, { accepted }) => sum + accepted, 0), 1);
  assert.equal(answers.reduce((sum, { duplicates }) => sum + duplicates, 0), 19);
  assert.deepEqual(await uses([use, { ...use, timestamp: Date.now() - MINUTE_MS }], { as }), answer(0, 2));
  for (const [more, as] of [
    [{ scene: "b" }, user(sub)],
    [{ generation_time_ms: 8 }, user(sub)],
    [{ success: false }, user(sub)],
    [{}, service],
    [{}, somebody().as],
  ]) {
    assert.deepEqual(codes(await uses({ ...use, ...more }, { as })), [[0, "idempotency_key_reused"]]);
  }
  assert.deepEqual(await uses({ ...use, prompt_id: other }, { as }), answer(1), "ids are compared within a prompt");
  assert.equal((await rows(id)).length, 1);
  assert.equal((await told(id)).totalUsage, 1);
});

test("two uses under one id in a batch are one, or a conflict", async () => {
  const [id, { as }] = [await prompt(), somebody()];
  const use = (name, more) => usage(id, { id: name, ...more });
  const batch = [use("1"), use("2"), use("1"), use("2", { scene: "other" }), use("1"), usage(id), usage(id)];
  const answered = await uses(batch, { as });
  assert.deepEqual([answered.accepted, answered.duplicates, codes(answered)], [4, 2, [[3, "idempotency_key_reused"]]]);
  assert.equal((await rows(id)).length, 4);
});

test("a row that did not come as an event is no event's", async () => {
  const id = await prompt();
  await sql("insert into prompt_usage (prompt_id, id, success, created_at) values (?, 'row', 1, ?)", id, stored(Date.now()));
  assert.deepEqual(codes(await uses(usage(id, { id: "row" }))), [[0, "idempotency_key_reused"]]);
});

test("the route for uses takes the forms of the route for events, of uses alone", async () => {
  const id = await prompt();
  const use = { prompt_id: id };
  assert.deepEqual(await uses(use), answer(1));
  assert.deepEqual(await uses([use, usage(id)]), answer(2));
  assert.deepEqual(await uses({ events: [use] }), answer(1));
  assert.deepEqual(await uses(JSON.stringify(use), { as: service, type: "text/plain;charset=UTF-8" }), answer(1));
  assert.deepEqual(await uses([]), answer(0));
  assert.deepEqual(codes(await uses([use, { type: "view", prompt_id: id }])), [[1, "unknown_type"]]);
  for (const [body, options, status, code] of [
    [{ type: "view", prompt_id: id }, {}, 400, "unknown_type"],
    [{}, {}, 400, "missing_field"],
    ["{", {}, 400, "invalid_json"],
    ["<use/>", { type: "application/xml" }, 415, "unsupported_media_type"],
    [{ ...use, generation_time_ms: 86_400_001 }, {}, 400, "invalid_value"],
    [{ ...use, error_message: "why" }, {}, 400, "invalid_value"],
    [{ ...use, success: false, error_message: "x".repeat(2049) }, {}, 413, "too_large"],
    [Array(501).fill(use), {}, 413, "too_many_events"],
    [use, { headers: { "idempotency-key": "" } }, 400, "invalid_length"],
  ]) {
    const refused = await post("/v1/usage", body, { as: service, ...options });
    assert.deepEqual([refused.status, refused.body.code], [status, code], JSON.stringify(body).slice(0, 200));
  }
  assert.equal((await get("/v1/usage")).headers.get("allow"), "POST, OPTIONS");
  assert.equal((await rows(id)).length, 6);
});

test("the key of a request is the id of its one use", async () => {
  const id = await prompt();
  const keyed = (body, key) => post("/v1/usage", body, { as: service, headers: { "idempotency-key": key } });
  const use = { prompt_id: id, scene: "a" };
  assert.deepEqual((await keyed(use, "k")).body, answer(1));
  assert.deepEqual((await keyed([use], "k")).body, answer(0, 1));
  assert.deepEqual((await keyed({ ...use, id: "k" }, "k")).body, answer(0, 1));
  const conflicting = await keyed({ ...use, id: "l" }, "k");
  assert.deepEqual([conflicting.status, conflicting.body.code, conflicting.body.pointer], [400, "invalid_value", "/id"]);
  const several = await keyed([use, use], "k");
  assert.deepEqual([several.status, several.body.code], [400, "invalid_value"]);
  assert.deepEqual((await rows(id)).map(({ id }) => id), ["k"]);
});

test("a use may be recorded after the answer", async () => {
  const id = await prompt();
  for (const [path, headers] of [["/v1/usage?ack=async", {}], ["/v1/events", { prefer: "respond-async" }]]) {
    const { status, body } = await post(path, [usage(id), usage(id)], { as: service, headers });
    assert.deepEqual([status, body], [202, { queued: 2 }]);
  }
  await until(async () => (await told(id)).totalUsage === 4, "the uses are recorded");
});

test("uses that storage fails to store are told, and are no failure of the request", async () => {
  const [id, { as }] = [await prompt(), somebody()];
  const [first, second] = [usage(id, { id: "1" }), usage(id, { id: "2" })];
  await withoutUsage(async () => {
    for (const send of [() => uses([first, second], { as }), () => events([first, second], { as })]) {
      assert.deepEqual(await send(), {
        ...answer(0),
        rejected: [0, 1].map((index) => {
          const detail = "The use was not recorded. Send it again, with the same id.";
          return { index, code: "storage_unavailable", detail };
        }),
      });
    }
    const mixed = await events([first, { type: "view", prompt_id: id }, { type: "fork", prompt_id: id }], { as });
    assert.deepEqual([mixed.accepted, codes(mixed)], [2, [[0, "storage_unavailable"]]]);
  });
  assert.deepEqual([await rows(id), await told(id)], [[], UNUSED]);
  assert.deepEqual(await uses([first, second], { as }), answer(2));
});

test("queued uses that storage fails to store are stored when it works again", async () => {
  const id = await prompt();
  await withoutUsage(async () => {
    const since = instance.logs().length;
    assert.equal((await post("/v1/usage?ack=async", usage(id), { as: service })).status, 202);
    await until(() => JSON.stringify(instance.logs().slice(since)).includes("a failure of the test"), "storing failed");
  });
  await until(async () => (await rows(id)).length === 1, "the use is recorded");
});

test("large texts of many uses are stored together", async () => {
  const id = await prompt();
  const text = "\u0001\"é".repeat(1600);
  const batch = Array.from({ length: 60 }, (_, index) => usage(id, { id: `${index}`, prompt: `${index}${text}`, scene: "s" }));
  assert.deepEqual(await uses(batch), answer(60));
  assert.deepEqual(await uses(batch), answer(0, 60));
  const longest = "x".repeat(1_000_000);
  assert.deepEqual(await uses(usage(id, { id: "longest", negative_prompt: longest })), answer(1));
  const [row] = await sql("select length(negative_prompt) as length from prompt_usage where id = 'longest'");
  assert.equal(row.length, longest.length);
  assert.ok((await rows(id)).every(({ id, prompt }) => id === "longest" || prompt === `${id}${text}`));
  assert.equal((await told(id)).totalUsage, 61);
});

test("a use wakes no counter", async () => {
  const [id, before] = [await prompt(), await objects()];
  assert.deepEqual(await uses(usage(id)), answer(1));
  assert.equal((await get(`/v1/prompts/${id}/usage/scenes`)).status, 200);
  assert.deepEqual(await objects(), before);
});

test("stats and scenes are exact, and null where nothing was measured", async () => {
  const id = await prompt();
  const now = Date.now() - MINUTE_MS;
  assert.deepEqual(await told(id), UNUSED);
  const nothing = { promptId: id, usageCount: 0, p50TimeMs: null, p95TimeMs: null, scenes: [], next_cursor: null };
  assert.deepEqual(await scenes(id), nothing);

  await uses(usage(id, { timestamp: now, success: false }));
  const failed = { ...UNUSED, totalUsage: 1, failureCount: 1, successRate: 0, lastUsedAt: stored(now) };
  assert.deepEqual(await told(id), failed);
  assert.deepEqual(await scenes(id), {
    ...nothing,
    usageCount: 1,
    scenes: [{ scene: null, usageCount: 1, avgTimeMs: null, successRate: 0 }],
  });

  const use = (scene, generation_time_ms, more) => usage(id, { timestamp: now - 1000, scene, generation_time_ms, ...more });
  await uses([use("b", 1234), use("b", 1), use("b"), use("a", 50, { success: false }), use(undefined, 0)]);
  assert.deepEqual(await told(id, anonymous), {
    totalUsage: 6,
    successCount: 4,
    failureCount: 2,
    successRate: 400 / 6,
    avgGenerationTimeMs: (1234 + 1 + 50) / 4,
    lastUsedAt: stored(now),
  });
  const all = [
    { scene: null, usageCount: 2, avgTimeMs: 0, successRate: 50 },
    { scene: "a", usageCount: 1, avgTimeMs: 50, successRate: 0 },
    { scene: "b", usageCount: 3, avgTimeMs: 1235 / 2, successRate: 100 },
  ];
  const figures = { promptId: id, usageCount: 6, p50TimeMs: 1, p95TimeMs: 1249 };
  assert.deepEqual(await scenes(id, "", anonymous), { ...figures, scenes: all, next_cursor: null });

  const first = await scenes(id, "?limit=2");
  assert.deepEqual(first, { ...figures, scenes: all.slice(0, 2), next_cursor: first.next_cursor });
  const second = await scenes(id, `?limit=2&cursor=${first.next_cursor}`);
  assert.deepEqual(second, { ...figures, scenes: all.slice(2), next_cursor: null });
  for (const query of ["?limit=0", "?limit=101", "?cursor=x"]) {
    const refused = await get(`/v1/prompts/${id}/usage/scenes${query}`);
    assert.deepEqual([refused.status, refused.body.code], [400, "invalid_value"]);
  }
});

test("totals follow the rows that change and go, and go with their prompt", async () => {
  const id = await prompt();
  const now = Date.now() - MINUTE_MS;
  const use = (name, timestamp, more) => usage(id, { id: name, timestamp, ...more });
  await uses([use("1", now - 2000, { scene: "a", generation_time_ms: 10 }), use("2", now - 1000), use("3", now, { success: false })]);
  await sql("delete from prompt_usage where prompt_id = ? and id = '3'", id);
  const two = { ...UNUSED, totalUsage: 2, successCount: 2, successRate: 100, avgGenerationTimeMs: 10, lastUsedAt: stored(now - 1000) };
  assert.deepEqual(await told(id), two);
  await sql("update prompt_usage set scene = 'b', generation_time_ms = 2000 where prompt_id = ?", id);
  assert.deepEqual(await told(id), { ...two, avgGenerationTimeMs: 2000 });
  const { p50TimeMs, scenes: found } = await scenes(id);
  assert.deepEqual([p50TimeMs, found], [2049, [{ scene: "b", usageCount: 2, avgTimeMs: 2000, successRate: 100 }]]);
  await sql("delete from prompts where id = ?", id);
  assert.deepEqual(codes(await uses(usage(id))), [[0, "unknown_prompt"]], "that it was there is still remembered");
  for (const table of ["prompt_usage", "prompt_usage_totals", "prompt_usage_scenes"]) {
    assert.deepEqual(await sql(`select * from ${table} where prompt_id = ?`, id), [], table);
  }
});
