// Who sends events: visitors, robots, pages that are loaded ahead, and salts.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { BROWSERS, CLIENTS, ROBOTS, STEERED } from "./agents.mjs";
import { SETTINGS, anonymous, service, start, until, user } from "./instance.mjs";
import { Served } from "./served.mjs";

const DAY_MS = 86_400_000;
const ROBOT = ROBOTS[0];
const { counts, cron, events, get, post, prompt, sql } = await start();

const view = (prompt_id, more = {}) => ({ type: "view", prompt_id, ...more });
const copy = (prompt_id, more = {}) => ({ type: "copy", prompt_id, ...more });
const from = (agent, more = {}) => ({ "user-agent": agent, ...more });
const dropped = ({ headers }) => headers.get("x-promptmeter-dropped");
const today = () => Math.floor(Date.now() / DAY_MS);
const salts = () => sql("select day, length(salt) as bytes from visitor_salts order by day");

/** Sends a view of each agent in turn, and gives those whose view was answered otherwise. */
async function answeredOtherwise(agents, expected) {
  const [id, others] = [await prompt(), []];
  for (const agent of agents) {
    const answer = await post(`/v1/prompts/${id}/view`, undefined, { headers: from(agent) });
    assert.equal(answer.status, 200);
    if (dropped(answer) !== expected) others.push([agent, dropped(answer)]);
  }
  assert.deepEqual(await counts(id), [expected ? 0 : agents.length, 0, 0, 0]);
  return others;
}

for (const [what, agents, expected] of [
  ["browsers", BROWSERS, null],
  ["programs that act for people", [...CLIENTS, ""], null],
  ["robots", ROBOTS, "bot"],
  ["browsers that programs steer", STEERED, "headless"],
]) {
  test(`views of ${what} are ${expected ? `dropped: ${expected}` : "counted"}`, async () => {
    assert.deepEqual(await answeredOtherwise(agents, expected), []);
  });
}

for (const [name, value, expected] of [
  ["Sec-Purpose", "prefetch", "prefetch"],
  ["Sec-Purpose", "prefetch;prerender", "prefetch"],
  ["Purpose", "prefetch", "prefetch"],
  ["X-Purpose", "preview", "prefetch"],
  ["X-Moz", "prefetch", "prefetch"],
  ["Sec-Purpose", "", null],
]) {
  test(`a view with ${name}: ${value} is ${expected ? "dropped" : "counted"}`, async () => {
    const id = await prompt();
    const answer = await post(`/v1/prompts/${id}/copy`, undefined, { headers: from(BROWSERS[0], { [name]: value }) });
    assert.deepEqual([answer.status, dropped(answer), answer.body.copyCount], [200, expected, expected ? 0 : 1]);
  });
}

test("an event says that its browser is steered, and its neighbours are counted", async () => {
  const id = await prompt();
  const batch = [view(id), view(id, { webdriver: true }), copy(id, { webdriver: false }), copy(id, { webdriver: true })];
  const answer = await post("/v1/events", batch);
  assert.deepEqual([answer.status, answer.body, dropped(answer)], [200, { accepted: 2, duplicates: 0, rejected: [] }, "headless"]);
  const one = await post(`/v1/prompts/${id}/view`, { webdriver: true });
  assert.deepEqual([one.status, dropped(one), one.body.viewCount, one.body.duplicate], [200, "headless", 1, false]);
  assert.deepEqual(await counts(id), [1, 1, 0, 0]);
});

test("an event that is dropped keeps its id, and is dropped each time", async () => {
  const [id, event] = [await prompt(), randomUUID()];
  const send = (events, agent) => post("/v1/events", events, { headers: from(agent) });
  for (let time = 0; time < 2; time++) {
    const answer = await send(view(id, { id: event }), ROBOT);
    assert.deepEqual([answer.body, dropped(answer)], [{ accepted: 0, duplicates: 0, rejected: [] }, "bot"]);
  }
  const again = await send(view(id, { id: event }), BROWSERS[0]);
  assert.deepEqual([again.body, dropped(again)], [{ accepted: 0, duplicates: 1, rejected: [] }, null]);
  const other = await send(copy(id, { id: event }), ROBOT);
  assert.deepEqual([other.body.rejected.map(({ code }) => code), dropped(other)], [["idempotency_key_reused"], null]);
  assert.deepEqual(await counts(id), [0, 0, 0, 0]);
});

test("several reasons are told together, and pages of other origins may read them", async () => {
  const id = await prompt();
  const headers = from(ROBOT, { origin: "https://a.example" });
  const answer = await post("/v1/events", [view(id), view(id, { webdriver: true }), view(randomUUID())], { headers });
  assert.equal(dropped(answer), "bot, headless");
  assert.equal(answer.body.rejected.length, 1);
  assert.match(answer.headers.get("access-control-expose-headers"), /x-promptmeter-dropped/);
});

test("what is queued is dropped at once, and the rest is counted", async () => {
  const id = await prompt();
  const batch = [view(id), view(id, { webdriver: true })];
  const queued = await post("/v1/events?ack=async", batch);
  assert.deepEqual([queued.status, queued.body, dropped(queued)], [202, { queued: 1 }, "headless"]);
  await until(async () => (await counts(id))[0] === 1);
  const one = await post(`/v1/prompts/${id}/view?ack=async`, undefined, { headers: from(ROBOT) });
  assert.deepEqual([one.status, one.body, dropped(one)], [202, { queued: 0 }, "bot"]);
});

test("who objects by Global Privacy Control is counted, and is no visitor; whom a server names is one", async () => {
  const id = await prompt();
  const objecting = from(BROWSERS[0], { "sec-gpc": "1" });
  assert.deepEqual((await post("/v1/events", [view(id), copy(id)], { headers: objecting })).body.accepted, 2);
  const told = async () => {
    const { body } = await get(`/v1/prompts/${id}/stats`);
    return [body.viewCount, body.copyCount, body.visitCount, body.uniqueVisitors];
  };
  assert.deepEqual(await told(), [1, 1, 0, 0]);
  await post("/v1/events", [view(id, { visitor: "somebody" })], { as: service, headers: objecting });
  await post("/v1/events", [view(id)], { headers: from(BROWSERS[0], { "sec-gpc": "0" }) });
  assert.deepEqual(await told(), [3, 1, 2, 2]);
});

test("the service is believed, whatever it says it is", async () => {
  const id = await prompt();
  const answer = await post("/v1/events", [view(id, { webdriver: true }), copy(id)], { as: service, headers: from(ROBOT) });
  assert.deepEqual([answer.body.accepted, dropped(answer)], [2, null]);
});

test("functions drop views and copies of robots, and nothing else", async () => {
  const id = await prompt();
  const call = (name, as = anonymous) => post(`/rest/v1/rpc/${name}`, { prompt_id: id }, { as, headers: from(ROBOT) });
  for (const name of ["increment_prompt_views", "increment_prompt_copies"]) {
    const answer = await call(name);
    assert.deepEqual([answer.status, dropped(answer)], [204, "bot"], name);
  }
  const fork = await call("increment_fork_count", user(randomUUID()));
  assert.deepEqual([fork.status, dropped(fork)], [204, null]);
  assert.deepEqual(await counts(id), [0, 0, 1, 0]);
});

test("forks, comparisons, uses and experiments are not judged", async () => {
  const id = await prompt();
  const batch = [
    { type: "fork", prompt_id: id },
    { type: "compare_add", prompt_id: id },
    { type: "usage", prompt_id: id },
    { type: "exposure", experiment_id: "e", session_id: "s", variant_key: "a" },
  ];
  const answer = await post("/v1/events", batch, { as: user(randomUUID()), headers: from(ROBOT, { purpose: "prefetch" }) });
  assert.deepEqual([answer.body.accepted, dropped(answer)], [4, null]);
});

test("what is dropped is counted by its reason", async () => {
  const id = await prompt();
  await post("/v1/events", [view(id), copy(id)], { headers: from(ROBOT) });
  await post("/v1/events", [view(id, { webdriver: true })]);
  await post("/v1/events", [view(id)], { headers: from(BROWSERS[0], { "sec-purpose": "prefetch" }) });
  const sums = {};
  for (const metric of ["bot", "headless", "prefetch", "view"]) {
    const { status, body } = await get(`/v1/prompts/${id}/series?metric=${metric}`);
    assert.equal(status, 200, metric);
    sums[metric] = body.points.reduce((sum, { count }) => sum + count, 0);
  }
  assert.deepEqual(sums, { bot: 2, headless: 1, prefetch: 1, view: 0 });
});

test("visitors are told by network and user agent, those of the service by name", async () => {
  const id = await prompt();
  const seen = async () => (await get(`/v1/prompts/${id}/stats`)).body.uniqueVisitors;
  const send = (address, agent, more = {}, as = anonymous) =>
    events([view(id, more)], { as, headers: from(agent, { "cf-connecting-ip": address }) });
  const [one, other] = BROWSERS;
  await send("192.0.2.1", one);
  assert.equal(await seen(), 1);
  for (const [expected, ...sent] of [
    [1, "::ffff:192.0.2.1", one],
    [1, "192.0.2.1", one, { visitor: "a name that is not believed" }],
    [2, "192.0.2.1", other],
    [3, "192.0.2.2", one],
    [4, "2001:db8:1:2::1", one],
    [4, "2001:db8:1:2:ffff::1", one],
    [5, "2001:db8:1:3::1", one],
    [6, "192.0.2.1", one, { visitor: "somebody" }, service],
    [6, "192.0.2.9", other, { visitor: "somebody" }, service],
    [7, "192.0.2.1", one, { visitor: "somebody else" }, service],
    [7, "192.0.2.77", ROBOT],
  ]) {
    await send(...sent);
    assert.equal(await seen(), expected, JSON.stringify(sent));
  }
});

test("what a source added can be taken back, by its address or its name", async () => {
  const id = await prompt();
  const send = (count, address, more = {}, as = anonymous) =>
    events(Array.from({ length: count }, () => view(id, more)), { as, headers: from(BROWSERS[0], { "cf-connecting-ip": address }) });
  await send(3, "192.0.2.1");
  await send(2, "2001:db8:1:2::1", { timestamp: Date.now() - DAY_MS });
  await send(4, "192.0.2.3", { visitor: "somebody" }, service);
  await send(1, "192.0.2.3");
  const retract = async (flagged) => (await post("/v1/admin/retract", { ...flagged, prompt_ids: [id] }, { as: service })).body.sum;
  for (const [flagged, views, visitors] of [
    [{ ip: "192.0.2.2" }, 0, 0],
    [{ ip: "::ffff:192.0.2.1" }, 3, 1],
    [{ ip: "2001:db8:1:2:3:4:5:6" }, 2, 1],
    [{ visitor: "nobody" }, 0, 0],
    [{ visitor: "somebody" }, 4, 1],
    [{ visitor: "somebody" }, 0, 0],
  ]) {
    const sum = await retract(flagged);
    assert.deepEqual([sum.views, sum.unique_visitors], [views, visitors], JSON.stringify(flagged));
  }
  assert.deepEqual(await counts(id), [1, 0, 0, 0]);
});

test("nothing that is stored tells an address, a user agent or a name", async () => {
  const served = await Served.make();
  after(() => served.end());
  const { events, get, prompt } = await served.start();
  const id = await prompt();
  const [address, network, agent, name] = ["198.51.100.77", "2001:db8:77", "SomeBrowser/77", "somebody-77"];
  const batch = [view(id, { visitor: name, id: randomUUID() }), copy(id, { visitor: name })];
  for (const [from, as] of [[address, anonymous], [`${network}::1`, user(randomUUID())], [address, service]]) {
    await events(batch, { as, headers: { "user-agent": agent, "cf-connecting-ip": from } });
  }
  await events([view(id), copy(id)], { headers: from(ROBOT) });
  await events(view(id, { webdriver: true }));
  await events(view(id), { headers: from(agent, { "sec-purpose": "prefetch" }) });
  await until(async () => (await get(`/v1/prompts/stats?ids=${id}`)).body.stats?.[0]?.viewCount === 1, "the snapshot is written");
  await served.kill();
  // What was dropped and whose the rest was is in the counter.
  const counted = "views, copies, bots, headless, prefetches, visits, length(visitors) > 0 as has_visitors";
  assert.deepEqual(await served.counters(`select ${counted} from counter`), [
    { views: 1, copies: 3, bots: 2, headless: 1, prefetches: 1, visits: 1, has_visitors: 1 },
  ].map((row) => Object.assign(Object.create(null), row)));
  const files = await served.files();
  const found = (bytes) => files.some((content) => content.includes(bytes));
  assert.ok(found(id), "the prompt is in the files");
  const octets = [Buffer.from([198, 51, 100, 77]), Buffer.from([0x20, 1, 0x0d, 0xb8, 0, 0x77])];
  for (const secret of [address, network, agent, name, ...octets, ...octets.map((bytes) => bytes.toString("hex"))]) {
    assert.ok(!found(secret), `${secret} is in the files`);
  }
});

test("salts are there for today and yesterday, and are destroyed 48 hours after their day began", async () => {
  const id = await prompt();
  await events(view(id));
  const day = today();
  assert.deepEqual(await salts(), [{ day: day - 1, bytes: 32 }, { day, bytes: 32 }]);
  const values = await sql("select hex(salt) as salt from visitor_salts");
  assert.equal(new Set(values.map(({ salt }) => salt)).size, 2);
  for (const old of [2, 3, 400]) await sql("insert into visitor_salts values (?, randomblob(32))", day - old);
  await cron();
  assert.deepEqual(await salts(), [{ day: day - 1, bytes: 32 }, { day, bytes: 32 }]);
  assert.deepEqual(await sql("select hex(salt) as salt from visitor_salts"), values);
});

test("without salts views are counted all the same, as nobody's, and it is logged", async () => {
  const { counts, events, get, logs, prompt, sql } = await start({ SERVICE_KEY: SETTINGS.SERVICE_KEY });
  const id = await prompt();
  await sql("alter table visitor_salts rename to visitor_salts_away");
  assert.equal((await events([view(id), copy(id)])).accepted, 2);
  assert.deepEqual(await counts(id), [1, 1, 0, 0]);
  const { visitCount, uniqueVisitors } = (await get(`/v1/prompts/${id}/stats`)).body;
  assert.deepEqual([visitCount, uniqueVisitors], [0, 0]);
  assert.ok(logs().some((line) => line.includes('"what":"salts"')));
  await sql("alter table visitor_salts_away rename to visitor_salts");
  await until(async () => {
    await events(view(id));
    return (await sql("select 1 from visitor_salts")).length === 2;
  }, "salts are drawn");
});

test("what is no view and no copy draws no salts", async () => {
  const { events, get, post, prompt, sql } = await start();
  const id = await prompt();
  await events([{ type: "pageview", experiment_id: "e", session_id: "s" }, { type: "fork", prompt_id: id }], { as: user(randomUUID()) });
  await post(`/v1/prompts/${id}/view`, undefined, { headers: from(ROBOT) });
  await get(`/v1/prompts/${id}/stats`);
  assert.deepEqual(await sql("select 1 from visitor_salts"), []);
});
