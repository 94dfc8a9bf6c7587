// Forks and comparisons: a row and a count, both there, once.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { SETTINGS, anonymous, atOnce, bearer, service, start, token, user } from "./instance.mjs";

const MINUTE_MS = 60_000;
const instance = await start();
const { counts, cron, events, post, prompt, sql } = instance;

const fork = (prompt_id, more = {}) => ({ type: "fork", prompt_id, ...more });
const compare = (prompt_id, more = {}) => ({ type: "compare_add", prompt_id, ...more });
const answer = (accepted, duplicates = 0) => ({ accepted, duplicates, rejected: [] });
const rows = (prompt_id) => sql("select * from prompt_events where prompt_id = ? order by id", prompt_id);
const somebody = () => {
  const sub = randomUUID();
  return { sub, as: user(sub) };
};

/** Stores a row as a crash leaves it: there, and not counted since this instant. */
async function storeUncounted({ id, prompt_id, sub, event_type = "fork", since = Date.now() }) {
  const now = "2026-11-20T12:00:00.000000+00:00";
  await sql("insert into users (id, created_at) values (?, ?) on conflict do nothing", sub, now);
  const columns = "id, prompt_id, user_id, event_type, created_at, uncounted_since_ms";
  const values = [id, prompt_id, sub, event_type, now, since];
  await sql(`insert into prompt_events (${columns}) values (?, ?, ?, ?, ?, ?)`, ...values);
}

const isCounted = async (prompt_id) => {
  assert.deepEqual(await sql("select id from prompt_events where prompt_id = ? and uncounted_since_ms is not null", prompt_id), []);
};

test("a fork and a comparison are a row and a count", async () => {
  const [id, child, { sub, as }] = [await prompt(), randomUUID(), somebody()];
  const timestamp = Date.now() - MINUTE_MS;
  const created_at = new Date(timestamp).toISOString().replace("Z", "000+00:00");
  const [first, second] = ["1-" + randomUUID(), "2-" + randomUUID()];
  const batch = [
    fork(id, { id: first, child_prompt_id: child, timestamp }),
    compare(id, { id: second, comparison_id: "a b", timestamp }),
  ];
  assert.deepEqual(await events(batch, { as }), answer(2));
  const common = { prompt_id: id, user_id: sub, created_at, uncounted_since_ms: null, claimed_by: null };
  assert.deepEqual(await rows(id), [
    { id: first, event_type: "fork", child_prompt_id: child, comparison_id: null, ...common },
    { id: second, event_type: "compare_add", child_prompt_id: null, comparison_id: "a b", ...common },
  ]);
  assert.deepEqual(await counts(id), [0, 0, 1, 1]);
});

test("a fork and a comparison need a user", async () => {
  const id = await prompt();
  const noUser = { role: "service_role" };
  for (const as of [anonymous, bearer(SETTINGS.PUBLISHABLE_KEY), service, bearer(token(noUser))]) {
    const { rejected, accepted } = await events([fork(id), compare(id), { type: "view", prompt_id: id }], { as });
    assert.deepEqual(rejected.map(({ index, code }) => [index, code]), [[0, "user_required"], [1, "user_required"]]);
    assert.equal(accepted, 1);
    const refused = await post(`/v1/prompts/${id}/compare`, undefined, { as });
    assert.deepEqual([refused.status, refused.body.code], [401, "user_required"]);
    assert.equal(refused.headers.get("www-authenticate"), "Bearer");
  }
  assert.deepEqual([await rows(id), await counts(id)], [[], [4, 0, 0, 0]]);
});

test("the service may fork for the user whom its token names", async () => {
  const [id, sub] = [await prompt(), randomUUID()];
  assert.deepEqual(await events(fork(id), { as: bearer(token({ role: "service_role", sub })) }), answer(1));
  assert.deepEqual((await rows(id)).map(({ user_id }) => user_id), [sub]);
});

test("the user's row is made on first sight, and its e-mail when a token tells it", async () => {
  const [id, sub] = [await prompt(), randomUUID()];
  const email = () => sql("select email from users where id = ?", sub);
  await events(fork(id), { as: user(sub) });
  assert.deepEqual(await email(), [{ email: null }]);
  await events(fork(id), { as: user(sub, { email: "one@example.com" }) });
  assert.deepEqual(await email(), [{ email: "one@example.com" }]);
  await events(fork(id), { as: user(sub) });
  assert.deepEqual(await email(), [{ email: "one@example.com" }]);
});

test("the same id is one row and one count, one after another and 32 times at once", async () => {
  const [id, { as }] = [await prompt(), somebody()];
  for (const event of [fork(id, { id: randomUUID() }), compare(id, { id: randomUUID(), comparison_id: "c" })]) {
    const answers = await atOnce(32, () => events(event, { as }));
    assert.equal(answers.reduce((sum, { accepted }) => sum + accepted, 0), 1);
    assert.equal(answers.reduce((sum, { duplicates }) => sum + duplicates, 0), 31);
    assert.deepEqual(await events([event, event], { as }), answer(0, 2));
  }
  const twice = fork(id, { id: randomUUID() });
  assert.deepEqual(await events([twice, twice], { as }), answer(1, 1));
  assert.equal((await rows(id)).length, 3);
  assert.deepEqual(await counts(id), [0, 0, 2, 1]);
  await isCounted(id);
});

test("without an id each fork counts", async () => {
  const [id, { as }] = [await prompt(), somebody()];
  assert.deepEqual(await events([fork(id), fork(id)], { as }), answer(2));
  assert.deepEqual(await events(fork(id), { as }), answer(1));
  assert.equal((await rows(id)).length, 3);
  assert.deepEqual(await counts(id), [0, 0, 3, 0]);
});

test("the same id for another prompt is another event", async () => {
  const [one, other, id, { as }] = [await prompt(), await prompt(), randomUUID(), somebody()];
  assert.deepEqual(await events([fork(one, { id }), compare(other, { id })], { as }), answer(2));
  assert.deepEqual([await counts(one), await counts(other)], [[0, 0, 1, 0], [0, 0, 0, 1]]);
});

/** An id is used by `first`; then nothing of `second` may remain. */
const checkReuse = (name, first, second) =>
  test(`an id cannot be used again for ${name}: nothing of it remains`, async () => {
    const [prompt_id, id, one, other] = [await prompt(), randomUUID(), somebody(), somebody()];
    const users = { one, other };
    const send = ({ by = "one", ...event }) => events({ prompt_id, id, ...event }, { as: users[by].as });
    assert.deepEqual(await send(first), answer(1));
    const [before, counted] = [await rows(prompt_id), await counts(prompt_id)];
    for (let attempt = 0; attempt < 2; attempt++) {
      const { accepted, duplicates, rejected } = await send(second);
      assert.deepEqual([accepted, duplicates, rejected.map(({ code }) => code)], [0, 0, ["idempotency_key_reused"]]);
      assert.deepEqual([await rows(prompt_id), await counts(prompt_id)], [before, counted]);
    }
    await isCounted(prompt_id);
  });
checkReuse("another type", { type: "fork" }, { type: "compare_add" });
checkReuse("another user's fork", { type: "fork" }, { type: "fork", by: "other" });
checkReuse("another child", { type: "fork" }, { type: "fork", child_prompt_id: randomUUID() });
checkReuse("another comparison", { type: "compare_add", comparison_id: "a" }, { type: "compare_add", comparison_id: "b" });
checkReuse("a fork after a view", { type: "view" }, { type: "fork" });
checkReuse("a view after a fork", { type: "fork" }, { type: "view" });

test("two different events under one id in one batch: the first is it", async () => {
  const [id, reused, { as }] = [await prompt(), randomUUID(), somebody()];
  const { accepted, rejected } = await events([fork(id, { id: reused }), compare(id, { id: reused })], { as });
  assert.deepEqual([accepted, rejected.map(({ index, code }) => [index, code])], [1, [[1, "idempotency_key_reused"]]]);
  assert.deepEqual((await rows(id)).map(({ event_type }) => event_type), ["fork"]);
  assert.deepEqual(await counts(id), [0, 0, 1, 0]);
});

test("after a crash between the row and its count, a retry counts it, once", async () => {
  const [prompt_id, id, { sub, as }] = [await prompt(), randomUUID(), somebody()];
  await storeUncounted({ id, prompt_id, sub });
  assert.deepEqual(await events(fork(prompt_id, { id }), { as }), answer(1));
  assert.deepEqual(await counts(prompt_id), [0, 0, 1, 0]);
  await isCounted(prompt_id);
  assert.deepEqual(await events(fork(prompt_id, { id }), { as }), answer(0, 1));
  assert.deepEqual(await counts(prompt_id), [0, 0, 1, 0]);
});

test("after a crash between the count and the end of its mark, a retry only takes the mark off", async () => {
  const [prompt_id, id, { as }] = [await prompt(), randomUUID(), somebody()];
  assert.deepEqual(await events(fork(prompt_id, { id }), { as }), answer(1));
  await sql("update prompt_events set uncounted_since_ms = ? where id = ?", Date.now(), id);
  await instance.evict(prompt_id);
  assert.deepEqual(await events(fork(prompt_id, { id }), { as }), answer(0, 1));
  assert.deepEqual(await counts(prompt_id), [0, 0, 1, 0]);
  await isCounted(prompt_id);
});

test("the cron alone counts what a crash left for more than a minute, once, however often and at once it runs", async () => {
  const [one, other, { sub, as }] = [await prompt(), await prompt(), somebody()];
  const since = Date.now() - 2 * MINUTE_MS;
  const forked = randomUUID();
  await storeUncounted({ id: forked, prompt_id: one, sub, since });
  await storeUncounted({ id: randomUUID(), prompt_id: one, sub, since, event_type: "compare_add" });
  await storeUncounted({ id: randomUUID(), prompt_id: other, sub, since });
  await atOnce(4, cron);
  await cron();
  assert.deepEqual([await counts(one), await counts(other)], [[0, 0, 1, 1], [0, 0, 1, 0]]);
  await isCounted(one);
  await isCounted(other);
  assert.deepEqual(await events(fork(one, { id: forked }), { as }), answer(0, 1));
  assert.deepEqual(await counts(one), [0, 0, 1, 1]);
});

test("the cron does not count twice what was counted before the crash", async () => {
  const [prompt_id, id, { as }] = [await prompt(), randomUUID(), somebody()];
  await events(fork(prompt_id, { id }), { as });
  await sql("update prompt_events set uncounted_since_ms = ? where id = ?", Date.now() - 2 * MINUTE_MS, id);
  await cron();
  assert.deepEqual(await counts(prompt_id), [0, 0, 1, 0]);
  await isCounted(prompt_id);
});

test("the cron leaves alone what may still be on its way", async () => {
  const [prompt_id, id, { sub }] = [await prompt(), randomUUID(), somebody()];
  await storeUncounted({ id, prompt_id, sub });
  await cron();
  assert.deepEqual(await counts(prompt_id), [0, 0, 0, 0]);
  assert.equal((await rows(prompt_id)).filter(({ uncounted_since_ms }) => uncounted_since_ms !== null).length, 1);
});

test("prompt_events holds nothing but forks and comparisons", async () => {
  const prompt_id = await prompt();
  const insert = (event_type) =>
    sql(
      "insert into prompt_events (id, prompt_id, event_type, created_at) values (?, ?, ?, '2026-11-20T12:00:00.000000+00:00')",
      randomUUID(),
      prompt_id,
      event_type,
    );
  for (const refused of ["view", "copy", "usage", "FORK", "", null]) {
    await assert.rejects(insert(refused), /constraint failed/, `${refused}`);
  }
  for (const kept of ["fork", "compare_add"]) await insert(kept);
  assert.equal((await rows(prompt_id)).length, 2);
});
