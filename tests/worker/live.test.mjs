// Counts as they move: who is told what, by how many streams, and when they end.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, describe, test } from "node:test";
import { connect } from "./connections.mjs";
import { anonymous, atOnce, service, until, user } from "./instance.mjs";
import { listen } from "./listening.mjs";
import { Served } from "./served.mjs";

const LISTENERS = 1000;
const NOTHING = { viewCount: 0, copyCount: 0, forkCount: 0, compareCount: 0, visitCount: 0, uniqueVisitors: 0 };

async function begin(settings) {
  const served = await Served.make(settings);
  after(() => served.end());
  const api = await served.start();
  const metric = async (name) => {
    const { body } = await api.get("/v1/admin/metrics", { as: service });
    return Number(new RegExp(`^promptmeter_${name}_total (\\d+)$`, "m").exec(body)[1]);
  };
  return { ...api, served, metric, live: (id, options) => listen(served.url, `/v1/prompts/${id}/live`, options) };
}

const views = ({ events }) => events.map(({ data }) => data.viewCount);
/** Whether numbers only ever grow: nothing is told twice, and nothing is taken back. */
const grow = (numbers) => numbers.every((number, index) => index === 0 || number > numbers[index - 1]);

describe("live counts", async () => {
  const { events, get, live, metric, post, prompt, send } = await begin();

  test("come at once, when they change, and not when they are known", async () => {
    const slug = `live-${randomUUID()}`;
    const id = await prompt({ slug });
    const listener = await live(slug);
    assert.equal(listener.status, 200);
    const { headers } = listener;
    assert.deepEqual(
      [headers["content-type"], headers["cache-control"], headers["x-accel-buffering"], headers["content-length"]],
      ["text/event-stream", "no-store, no-transform", "no", undefined],
    );
    await until(() => listener.events.length === 1);
    assert.match(listener.text, /^retry: \d{4}\nid: /);
    assert.deepEqual(listener.events, [{ id: "0-0-0-0-0-0", data: { promptId: id, ...NOTHING } }]);

    await events([{ type: "view", prompt_id: id, visitor: "one" }], { as: service });
    await post(`/v1/prompts/${id}/copy`);
    const last = () => listener.events.at(-1);
    await until(() => last().data.copyCount === 1);
    const data = { promptId: id, ...NOTHING, viewCount: 1, copyCount: 1, visitCount: 1, uniqueVisitors: 1 };
    assert.deepEqual(last(), { id: "1-1-0-0-1-1", data });

    const known = await live(id, { headers: { "last-event-id": "1-1-0-0-1-1" } });
    const unknown = await live(id, { headers: { "last-event-id": "0-0-0-0-0-0" } });
    await until(() => unknown.events.length === 1);
    assert.deepEqual(unknown.events, [last()]);
    await post(`/v1/prompts/${id}/view`);
    await until(() => known.events.length === 1 && unknown.events.length === 2);
    assert.deepEqual([views(known), views(unknown)], [[2], [1, 2]]);
    for (const one of [listener, known, unknown]) one.leave();
  });

  test(`come to ${LISTENERS} who listen, and nothing is written for them`, async () => {
    const id = await prompt();
    await post(`/v1/prompts/${id}/view`);
    const listeners = await atOnce(LISTENERS, () => live(id));
    await until(() => listeners.every(({ events }) => events.length > 0), "all were told the counts");
    assert.ok(listeners.every((one) => views(one)[0] === 1));

    const rows = await until(async () => {
      // Snapshots of what was counted are written by then.
      const before = await metric("object_rows_written");
      const [listener] = listeners;
      const from = listener.text.length;
      await until(() => listener.text.slice(from).includes(":\n\n"), "there was a sign of life");
      return (await metric("object_rows_written")) === before && { before };
    });
    await until(() => listeners.every(({ text }) => text.includes(":\n\n")), "there was a sign of life for all");
    assert.equal(await metric("object_rows_written"), rows.before);

    for (let sent = 0; sent < 100; sent++) await post(`/v1/prompts/${id}/view`);
    await until(() => listeners.every((one) => views(one).at(-1) === 101), "all were told the last count");
    for (const one of listeners) {
      assert.ok(grow(views(one)) && !one.isOver, String(views(one)));
      one.leave();
    }
    assert.equal((await get(`/v1/prompts/${id}/stats`)).body.viewCount, 101);
  });

  test("are for those who may see the prompt, and as long as it is the same", async () => {
    const owner = randomUUID();
    const hidden = await prompt({ user_id: owner, is_public: false });
    for (const [id, headers] of [[hidden, anonymous], [hidden, user(randomUUID())], [randomUUID(), anonymous]]) {
      const { status, headers: told } = await live(id, { headers });
      assert.deepEqual([status, told["content-type"]], [404, "application/problem+json"]);
    }
    const own = await live(hidden, { headers: user(owner) });
    assert.equal(own.status, 200);

    const id = await prompt({ user_id: owner });
    const [stranger, owners] = [await live(id), await live(id, { headers: user(owner) })];
    await until(() => stranger.events.length === 1 && owners.events.length === 1);
    const body = { is_public: false };
    assert.equal((await send("PATCH", `/rest/v1/prompts?id=eq.${id}`, { as: user(owner), body })).status, 204);
    await until(() => stranger.isOver && owners.isOver, "the streams end");
    assert.equal((await live(id)).status, 404);
    const again = await live(id, { headers: user(owner) });
    assert.equal(again.status, 200);
    assert.ok(!own.isOver);
    for (const one of [own, again]) one.leave();
  });

  test("are not begun for who only asks for the head", async () => {
    const id = await prompt();
    const calls = await metric("object_calls");
    const head = await live(id, { method: "HEAD" });
    await until(() => head.isOver);
    assert.deepEqual([head.status, head.headers["content-type"], head.text], [200, "text/event-stream", ""]);
    assert.equal(await metric("object_calls"), calls);
  });
});

describe("those who listen", () => {
  test("are bounded, and forgotten when they leave", async () => {
    const { live, prompt } = await begin({ LIVE_LISTENERS: "2" });
    const [id, other] = [await prompt(), await prompt()];
    const [first, second] = [await live(id), await live(id)];
    assert.deepEqual([first.status, second.status], [200, 200]);
    const third = await live(id);
    assert.deepEqual([third.status, third.headers["retry-after"]], [503, "30"]);
    await until(() => third.isOver);
    assert.equal(JSON.parse(third.text).code, "too_many_listeners");
    assert.equal((await live(other)).status, 200);

    first.leave();
    const next = await until(async () => {
      const one = await live(id);
      return one.status === 200 && one;
    }, "there is room again");
    assert.equal((await live(id)).status, 503);
    assert.ok(!second.isOver);
    for (const one of [second, next]) one.leave();
  });

  test("are told all that a prompt is counted that spreads over shards", async () => {
    const { live, prompt, served, counts } = await begin({ HOT_COMMANDS_PER_SECOND: "20" });
    const id = await prompt();
    const listener = await live(id);
    const callers = Array.from({ length: 16 }, () => connect(served.url));
    let isOver = false;
    let sent = 0;
    const traffic = Promise.all(callers.map(async (caller) => {
      while (!isOver && (await caller.post("/v1/events", { type: "view", prompt_id: id }, { headers: service }))) sent++;
    }));
    try {
      await until(async () => (await served.shards()) > 1, "the counter is spread");
      const before = views(listener).length;
      await until(() => views(listener).length > before + 3, "changes are told");
    } finally {
      isOver = true;
      await traffic;
      for (const caller of callers) caller.end();
    }
    await until(() => views(listener).at(-1) === sent, "all is told");
    assert.ok(grow(views(listener)), String(views(listener)));
    assert.deepEqual((await counts(id))[0], sent);
    listener.leave();
  });
});
