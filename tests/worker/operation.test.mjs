// How an instance is watched: lines of requests, readings of all isolates, health in words, alerts, retention.
import assert from "node:assert/strict";
import { createHmac, randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, test } from "node:test";
import { atOnce, bearer, service, start, until, user } from "./instance.mjs";
import { Served } from "./served.mjs";

const NEWEST = "0019_deliveries.sql";
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The samples of a text in Prometheus's format, by their names and labels. */
function samples(text) {
  const lines = text.split("\n").filter((line) => line && !line.startsWith("#"));
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ")))]));
}

const metrics = async ({ get }) => samples((await get("/v1/admin/metrics", { as: service })).body);
const requests = (told, path) =>
  Object.entries(told)
    .filter(([name]) => name.startsWith("promptmeter_requests_total{") && name.includes(`route="${path}"`))
    .reduce((sum, [, count]) => sum + count, 0);

const lines = (instance, what) =>
  instance
    .logs()
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line))
    .filter((line) => line.what === what);

test("each request is one line, with what it cost and nothing about who sent it", async () => {
  const instance = await start({ LOG_REQUESTS: "" });
  const [id, sub] = [await instance.prompt(), randomUUID()];
  const answers = [
    await instance.post(`/v1/prompts/${id}/view`, undefined, { as: user(sub), headers: { "user-agent": "somebody/1.0" } }),
    await instance.get(`/v1/prompts/${id}/stats?secret=1`),
    await instance.get("/v1/prompts/nothing/stats"),
    await instance.send("DELETE", `/v1/prompts/${id}/stats`),
    await instance.get(`/nowhere/${id}`),
    await instance.send("OPTIONS", "/v1/events"),
  ];
  const own = () => lines(instance, "request").filter(({ route }) => route !== "/v1/import");
  const told = await until(() => own().length >= answers.length && own());
  assert.equal(told.length, answers.length);
  assert.deepEqual(
    told.map(({ method, route, status }) => [method, route, status]),
    [
      ["POST", "/v1/prompts/{id}/view", 200],
      ["GET", "/v1/prompts/{id}/stats", 200],
      ["GET", "/v1/prompts/{id}/stats", 404],
      ["DELETE", "/v1/prompts/{id}/stats", 405],
      ["GET", "unknown", 404],
      ["OPTIONS", "/v1/events", 204],
    ],
  );
  const keys = ["level", "what", "method", "route", "status", "duration_ms", "rows_read", "rows_written", "object_calls", "request_id"];
  for (const [place, line] of told.entries()) {
    assert.deepEqual(Object.keys(line), keys);
    assert.equal(line.request_id, answers[place].headers.get("x-request-id"));
    assert.ok(line.duration_ms >= 0);
  }
  assert.equal(new Set(told.map(({ request_id }) => request_id)).size, told.length);
  assert.ok(told[0].object_calls === 1 && told[1].object_calls === 1 && told[2].rows_read > 0, JSON.stringify(told));
  assert.ok(told[3].rows_read === 0 && told[3].object_calls === 0);
  const text = JSON.stringify(told);
  for (const secret of [id, sub, "secret", "127.0.0.1", "somebody"]) assert.ok(!text.includes(secret), secret);
});

test("a prompt that is not there for the caller is asked for each time, whoever looked at it before", async () => {
  // Otherwise the time that an answer takes would tell a prompt that is private from one that does not exist.
  const instance = await start({ LOG_REQUESTS: "all" });
  const [owner, slug] = [randomUUID(), "a-secret"];
  const id = await instance.prompt({ user_id: owner, is_public: false, slug });
  const reads = () => lines(instance, "request").filter(({ route }) => /stats|view|events/.test(route));
  for (const name of [id, slug]) {
    for (const as of [user(owner), user(owner), user(randomUUID()), {}, {}]) await instance.get(`/v1/prompts/${name}/stats`, { as });
  }
  for (let times = 0; times < 2; times++) {
    await instance.post(`/v1/prompts/${id}/view`);
    await instance.post("/v1/events", { type: "view", prompt_id: id });
  }
  const told = await until(() => reads().length === 14 && reads());
  const strange = [...told.slice(2, 5), ...told.slice(7)];
  assert.deepEqual(strange.slice(0, 6).map(({ status }) => status), Array(6).fill(404));
  assert.ok(strange.every(({ rows_read }) => rows_read > 0), JSON.stringify(strange));
});

test("what requests share is on the account of the one that carries it", async () => {
  const instance = await start({ LOG_REQUESTS: "all" });
  const id = await instance.prompt();
  await instance.post(`/v1/prompts/${id}/view`);
  const [before, known] = [await metrics(instance), lines(instance, "request").length];
  const views = () => lines(instance, "request").slice(known).filter(({ route }) => route.endsWith("/view"));
  await atOnce(40, () => instance.post(`/v1/prompts/${id}/view`));
  await until(() => views().length === 40);
  const calls = (await metrics(instance)).promptmeter_object_calls_total - before.promptmeter_object_calls_total;
  assert.equal(views().reduce((sum, { object_calls }) => sum + object_calls, 0), calls);
});

test("only failures are logged where only those are wanted", async () => {
  const instance = await start({ LOG_REQUESTS: "errors", JWKS: "http://127.0.0.1:1/keys" });
  await instance.get("/healthz");
  assert.equal((await instance.get("/healthz", { as: unverifiable() })).status, 503);
  const told = await until(() => lines(instance, "request").length && lines(instance, "request"));
  assert.deepEqual(told.map(({ status }) => status), [503]);
});

/** A token that nobody can verify, because its key cannot be fetched. */
function unverifiable() {
  const encode = (part) => Buffer.from(JSON.stringify(part)).toString("base64url");
  const head = encode({ alg: "ES256", typ: "JWT", kid: "away" });
  return bearer(`${head}.${encode({ role: "anon" })}.${randomBytes(64).toString("base64url")}`);
}

test("readings are those of all isolates, whatever becomes of one", async () => {
  const served = await Served.make({ METRICS_INTERVAL: "1" });
  after(() => served.end());
  let api = await served.start();
  for (let n = 0; n < 30; n++) await api.get("/v1/prompts/nothing/stats");
  const first = await metrics(api);
  assert.equal(requests(first, "/v1/prompts/{id}/stats"), 30);
  const quantile = 'promptmeter_request_duration_quantile_seconds{method="GET",route="/v1/prompts/{id}/stats",quantile="0.99"}';
  assert.ok(first[quantile] >= 0, JSON.stringify(first));
  await served.kill();
  api = await served.start();
  const second = await metrics(api);
  for (const [name, value] of Object.entries(first).filter(([name]) => /_(total|count|bucket)(\{|$)/.test(name))) {
    assert.ok(second[name] >= value, `${name}: ${second[name]} after ${value}`);
  }
  assert.equal(requests(second, "/v1/prompts/{id}/stats"), 30);
  for (let n = 0; n < 12; n++) await api.get("/v1/prompts/nothing/stats");
  await served.kill();
  // What was not kept yet is lost with it, and nothing is there twice.
  const kept = await served.sql("select sum(value) as times from instance_metrics, json_each(counts) where key = 'requests GET /v1/prompts/{id}/stats 404'");
  assert.ok(kept[0].times >= 30 && kept[0].times <= 42, JSON.stringify(kept));
});

test("what was counted is written within the interval, and lives that are over are folded", async () => {
  const instance = await start({ METRICS_INTERVAL: "1" });
  for (let n = 0; n < 7; n++) await instance.get("/v1/prompts/nothing/stats");
  const key = "requests GET /v1/prompts/{id}/stats 404";
  const kept = "select life, value from instance_metrics, json_each(counts) where key = ?";
  const row = await until(async () => (await instance.sql(kept, key)).find(({ value }) => value === 7));
  const old = JSON.stringify({ [key]: 5, max_object_bytes: 9000, "duration GET /v1/prompts/{id}/stats 3": 5 });
  const insert = "insert into instance_metrics (life, begun_ms, version, counts) values (?, ?, 1, ?)";
  for (const life of ["old", "older"]) await instance.sql(insert, life, Date.now() - 2 * HOUR_MS, old);
  await instance.sql(insert, "young", Date.now() - HOUR_MS / 2, old);
  const before = await metrics(instance);
  assert.equal(requests(before, "/v1/prompts/{id}/stats"), 22);
  for (let n = 0; n < 2; n++) await instance.cron();
  const lives = (await instance.sql("select life from instance_metrics order by life")).map(({ life }) => life);
  assert.deepEqual(lives, [row.life, "over", "young"].sort());
  const afterwards = await metrics(instance);
  assert.equal(requests(afterwards, "/v1/prompts/{id}/stats"), 22);
  assert.equal(afterwards.promptmeter_object_storage_max_bytes, 9000);
});

test("slow statements are told by their names", async () => {
  const instance = await start({ SLOW_QUERY_MS: "0" });
  await instance.prompt();
  const told = await metrics(instance);
  for (const statement of ["insert prompts", "insert users"]) {
    assert.ok(told[`promptmeter_slow_queries_total{statement="${statement}"}`] > 0, statement);
    const last = told[`promptmeter_slow_query_last_timestamp_seconds{statement="${statement}"}`];
    assert.ok(Math.abs(last * 1000 - Date.now()) < HOUR_MS, `${last}`);
  }
  const usual = await metrics(await start());
  assert.deepEqual(Object.keys(usual).filter((name) => name.startsWith("promptmeter_slow")), []);
});

test("health says what is wrong in words", async () => {
  const instance = await start();
  const health = async (at = instance) => {
    const { status, headers, body } = await at.get("/healthz");
    assert.equal(headers.get("cache-control"), "public, max-age=5");
    return [status, body.status, Object.fromEntries(body.checks.map(({ name, status, detail }) => [name, [status, detail]]))];
  };
  const [status, all, checks] = await health();
  assert.deepEqual([status, all, Object.keys(checks)], [200, "ok", ["database", "migrations", "cron", "rollup", "storage", "keys"]]);
  assert.deepEqual(checks.migrations, ["ok", `${NEWEST} is applied.`]);
  assert.deepEqual(checks.cron, ["ok", "The cron has not run yet."]);
  await instance.sql("update d1_migrations set applied_at = '2026-01-01 00:00:00'");
  await until(async () => (await health())[1] === "degraded");
  assert.match((await health())[2].cron[1], /^The cron has not run for \d+ days; it should every five minutes\.$/);
  await instance.cron();
  await until(async () => (await health())[1] === "ok");
  assert.deepEqual((await health())[2].cron, ["ok", "The cron ran less than a minute ago."]);
  await instance.sql("delete from d1_migrations where name = ?", NEWEST);
  await until(async () => (await health())[0] === 503);
  assert.match((await health())[2].migrations[1], new RegExp(`^0\\d+_\\w+\\.sql is applied; ${NEWEST} is needed. Run: npx wrangler`));

  const full = await start({ STORAGE_LIMIT_BYTES: "1000", SERVICE_KEY: "", ALERT_WEBHOOK_URL: "http://127.0.0.1:1/" });
  const [failing, , seen] = await health(full);
  assert.deepEqual([failing, seen.storage[0], seen.keys[0], seen.alerts[0]], [503, "failing", "degraded", "degraded"]);
  assert.match(seen.keys[1], /SERVICE_KEY/);
});

const SECRET = `whsec_${randomBytes(24).toString("base64")}`;

/** A receiver of alerts, which answers with `status`. It verifies what comes, and has it in `heard`. */
async function receiver() {
  const receiver = { status: 204, heard: [] };
  const server = createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const [body, { headers }] = [Buffer.concat(chunks).toString(), request];
      const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`;
      const signature = createHmac("sha256", Buffer.from(SECRET.slice(6), "base64")).update(signed).digest("base64");
      const isFresh = Math.abs(Number(headers["webhook-timestamp"]) * 1000 - Date.now()) < HOUR_MS;
      const isRight = isFresh && request.method === "POST" && headers["webhook-signature"] === `v1,${signature}`;
      receiver.heard.push({ id: headers["webhook-id"], isRight, ...JSON.parse(body).data });
      response.writeHead(receiver.status).end();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  after(() => server.close());
  return Object.assign(receiver, { url: `http://127.0.0.1:${server.address().port}/alerts` });
}

const ALL = ["errors", "failed_authentication", "rollup_lag", "storage"];

test("each kind of alert is sent once an hour, signed, until it is taken, and when it is over", async () => {
  const hears = await receiver();
  const instance = await start({
    ...{ ALERT_WEBHOOK_URL: hears.url, ALERT_WEBHOOK_SECRET: SECRET, METRICS_INTERVAL: "1" },
    ...{ STORAGE_LIMIT_BYTES: "1000", JWKS: "http://127.0.0.1:1/keys" },
  });
  const heard = (status) => hears.heard.filter((message) => message.status === status).map(({ kind }) => kind).sort();
  const pass = (ms) => instance.sql("update alerts set claimed_ms = claimed_ms - ?1, told_ms = told_ms - ?1", ms);

  // An event that cannot be read holds up the rollup.
  const batch = "insert into experiment_batches (experiment_id, number, writer, received_ms, event_count, duplicates, rejected, ids, events) values ('e', 1, 'w', ?, 1, 0, 0, x'', 'broken')";
  await instance.sql(batch, Date.now() - 2 * HOUR_MS);
  for (let n = 0; n < 10; n++) {
    await atOnce(12, () => instance.get("/v1/prompts/nothing/stats", { as: bearer("wrong") }));
    await atOnce(12, () => instance.get("/v1/prompts/nothing/stats", { as: unverifiable() }));
  }
  await metrics(instance);

  hears.status = 500;
  await Promise.all([instance.cron(), instance.cron()]);
  assert.deepEqual(heard("firing"), ALL, "of two runs that overlap, one sends");
  const ids = new Set(hears.heard.map(({ id }) => id));
  await instance.cron();
  assert.equal(hears.heard.length, ALL.length, "the run before may still be sending");
  hears.status = 204;
  await pass(2 * 60_000);
  await instance.cron();
  assert.deepEqual(heard("firing"), [...ALL, ...ALL].sort());
  assert.deepEqual(new Set(hears.heard.map(({ id }) => id)), ids, "what was not taken is sent again, the same");
  await pass(58 * 60_000);
  await instance.cron();
  assert.equal(hears.heard.length, 2 * ALL.length, "an hour is not over");

  await instance.sql("delete from experiment_batches where experiment_id = 'e'");
  await instance.sql("update instance_metrics set begun_ms = begun_ms - ?", HOUR_MS);
  await pass(3 * 60_000);
  hears.heard.length = 0;
  await instance.cron();
  assert.deepEqual([heard("firing"), heard("resolved")], [["storage"], ALL.filter((kind) => kind !== "storage")]);
  assert.ok(hears.heard.every(({ id, isRight, detail }) => !ids.has(id) && isRight && detail.endsWith(".")), JSON.stringify(hears.heard));
  await pass(2 * HOUR_MS);
  hears.heard.length = 0;
  await instance.cron();
  assert.deepEqual([heard("firing"), heard("resolved")], [["storage"], []], "what is over is told once");
  assert.equal(lines(instance, "alert").length, 2 * ALL.length + 1);
});

test("an address to which no alert can be sent is told by the health, and by no line", async () => {
  for (const address of ["hooks.example/s3cret", "http://127.0.0.1:1/s3cret", "http://nowhere.invalid/s3cret"]) {
    const instance = await start({ ALERT_WEBHOOK_URL: address, ALERT_WEBHOOK_SECRET: SECRET, STORAGE_LIMIT_BYTES: "1000" });
    await instance.cron();
    const { checks } = (await instance.get("/healthz")).body;
    const isWeb = address.startsWith("http");
    assert.equal(checks.some(({ name, status }) => name === "alerts" && status === "degraded"), !isWeb, address);
    await until(() => instance.logs().some((line) => line.includes("the receiver of alerts cannot be reached")));
    assert.ok(!instance.logs().some((line) => line.includes("s3cret")), instance.logs().join("\n"));
  }
});

test("rows of forks and comparisons go when they are old, and stay counted", async () => {
  const instance = await start({ EVENT_RETENTION_DAYS: "3" });
  const [id, as] = [await instance.prompt(), user(randomUUID())];
  const events = ["fork", "fork", "fork", "compare_add", "compare_add"].map((type, n) => ({ id: `e${n}`, type, prompt_id: id }));
  await instance.events(events, { as });
  await until(async () => (await instance.sql("select 1 from prompt_stats where prompt_id = ? and fork_count = 3", id)).length);
  const at = (ms) => new Date(Date.now() - ms).toISOString().replace("Z", "000+00:00");
  const age = (name, days) => instance.sql("update prompt_events set created_at = ? where prompt_id = ? and id = ?", at(days * DAY_MS), id, name);
  await age("e0", 4);
  await age("e1", 3.1);
  await age("e3", 300);
  await age("e4", 2.9);
  for (let n = 0; n < 2; n++) await instance.cron();
  const rows = await instance.sql("select id from prompt_events where prompt_id = ? order by id", id);
  assert.deepEqual(rows.map(({ id }) => id), ["e2", "e4"]);
  assert.deepEqual(await instance.sql("select forks, compares from removed_prompt_events"), [{ forks: 2, compares: 1 }]);
  await age("e2", 5);
  await instance.cron();
  assert.deepEqual(await instance.counts(id), [0, 0, 3, 2]);
  assert.deepEqual((await instance.get("/v1/admin/verify", { as: service })).body.differences, []);
  const runs = (await instance.sql("select failures, removed from cron_runs order by started_ms")).map(({ failures, removed }) => [failures, JSON.parse(removed)]);
  assert.deepEqual(runs, [["", { prompt_events: 3 }], ["", {}], ["", { prompt_events: 1 }]]);
  assert.deepEqual(lines(instance, "cron").map(({ failures, removed }) => [failures, removed]), [[[], { prompt_events: 3 }], [[], {}], [[], { prompt_events: 1 }]]);

  const line = (created_at, name) => ({ table: "prompt_events", row: { id: name, prompt_id: id, event_type: "fork", created_at } });
  const report = await instance.imported([line(at(10 * DAY_MS), "old"), line(at(DAY_MS), "new")]);
  assert.deepEqual([report.imported.prompt_events, report.refused.length, report.refused[0]?.code], [1, 1, "timestamp_out_of_range"], JSON.stringify(report));
});

test("rows are kept for ever unless it is said how long, and what else is too old is logged", async () => {
  const instance = await start();
  const [id, as] = [await instance.prompt(), user(randomUUID())];
  await instance.events({ id: "e", type: "fork", prompt_id: id }, { as });
  await instance.sql("update prompt_events set created_at = '2020-01-01T00:00:00.000000+00:00'");
  await instance.sql("insert into visitor_salts (day, salt) values (10, zeroblob(32))");
  await instance.sql("insert into cron_runs values (1000, 2000, '', '{}')");
  await instance.cron();
  assert.equal((await instance.sql("select 1 from prompt_events")).length, 1);
  assert.deepEqual(await instance.sql("select failures, removed from cron_runs"), [{ failures: "", removed: '{"visitor_salts":1}' }]);
});

