// Keys of one caller and not of another, and bounds on what one small request can do.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { start, user } from "./instance.mjs";
const at = await start();
const { post, get, send, prompt, sql } = at;
const forks = async (id) => (await at.counts(id))[2];

test("one user's key is not another's", async () => {
  const id = await prompt();
  for (const sub of [randomUUID(), randomUUID()]) {
    const as = user(sub);
    for (let i = 0; i < 2; i++) await post("/rest/v1/rpc/increment_fork_count", { prompt_id: id }, { as, headers: { "idempotency-key": "k" } });
  }
  assert.equal(await forks(id), 2);
});

test("uses refuse a key", async () => {
  const r = await post("/rest/v1/rpc/increment_uses_count", { template_id: randomUUID() }, { as: user(randomUUID()), headers: { "idempotency-key": "k" } });
  assert.deepEqual([r.status, r.body.code], [400, "PGRST100"]);
});

test("an unknown route has CORS headers", async () => {
  const r = await send("GET", "/rest/v1/rpc/a/b", { headers: { origin: "https://a.example" } });
  assert.deepEqual([r.status, r.headers.get("access-control-allow-origin")], [404, "*"]);
});

test("a small PATCH does not write without end", async () => {
  const sub = randomUUID(), as = user(sub);
  const rows = Array.from({ length: 40 }, () => ({ title: "t", template: "x" }));
  assert.equal((await post("/rest/v1/prompts", rows, { as })).status, 201);
  const r = await send("PATCH", `/rest/v1/prompts?user_id=eq.${sub}`, { as, body: { template: "y".repeat(500_000) } });
  assert.deepEqual([r.status, r.body.code], [413, "54000"], JSON.stringify(r.body).slice(0, 200));
  assert.deepEqual(await sql("select distinct template from prompts where user_id = ?", sub), [{ template: "x" }]);
});

test("a repeated key does not show a prompt that went to another owner", async () => {
  const as = user(randomUUID()), headers = { "idempotency-key": "k" };
  const { body } = await post("/v1/prompts", { title: "t", template: "t" }, { as, headers });
  const other = randomUUID();
  await sql("insert into users (id, created_at) values (?, '2026-11-20T12:00:00.000000+00:00')", other);
  await sql("update prompts set user_id = ? where id = ?", other, body.id);
  const r = await post("/v1/prompts", { title: "t", template: "t" }, { as, headers });
  assert.equal(r.status, 404, JSON.stringify(r.body));
});
