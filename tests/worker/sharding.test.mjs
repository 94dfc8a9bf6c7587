// A counter that is hot spreads over shards, and folds back when it is cold: nothing is lost or doubled, and reads are
// right all the while. So few commands a second make it hot here that the tests' traffic does.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { connect } from "./connections.mjs";
import { service, start, until } from "./instance.mjs";
import { Served } from "./served.mjs";

const CALLERS = 32;
const HOT = 20;
const DAY_MS = 86_400_000;
/** The middle of a day, so that all visits are under one salt and in one window. */
const noon = (Math.floor(Date.now() / DAY_MS) - 0.5) * DAY_MS;

/** An instance, and a prompt of it that is to become hot. */
async function begin({ isDurable = false } = {}) {
  const served = await Served.make({ HOT_COMMANDS_PER_SECOND: String(HOT) });
  after(() => served.end());
  let api = await served.start();
  const id = await api.prompt();
  const acknowledged = [];
  const left = [];
  let queued = 0;
  let sent = 0;
  let visitors = 0;

  /** A view of a visitor; each visitor comes twice. */
  const view = () => {
    const visitor = `visitor-${visitors++ >> 1}`;
    return { type: "view", prompt_id: id, id: randomUUID(), visitor, timestamp: noon };
  };
  const objectCalls = async () => {
    const { body } = await api.get("/v1/admin/metrics", { as: service });
    return Number(/^promptmeter_object_calls_total (\d+)$/m.exec(body)[1]);
  };

  return {
    id,
    served,
    acknowledged,
    left,
    get api() {
      return api;
    },
    /** How many views there are, once all is answered. */
    get total() {
      return acknowledged.length + queued;
    },
    get visitors() {
      return Math.ceil(visitors / 2);
    },

    async restart() {
      await served.kill();
      api = await served.start();
    },

    /** Sends a view, every fifth so that nobody waits for it, unless all are to be durable; whether it was answered. */
    async send(caller) {
      sent++;
      if (sent % 5 === 0 && !isDurable) {
        const answer = await caller.post("/v1/events?ack=async", { ...view(), id: undefined }, { headers: service });
        if (answer) assert.deepEqual([answer.status, ++queued && answer.body], [202, { queued: 1 }]);
        return answer;
      }
      const event = view();
      const answer = await caller.post("/v1/events", event, { headers: service });
      if (answer) assert.deepEqual([answer.status, answer.body], [200, { accepted: 1, duplicates: 0, rejected: [] }]);
      (answer ? acknowledged : left).push(event);
      return answer;
    },

    /** Reads the views, which must be at least what was acknowledged before, and at most what is sent by then. */
    async read() {
      const least = acknowledged.length;
      const [views] = await api.counts(id);
      assert.ok(least <= views && views <= sent, `${least} <= ${views} <= ${sent}`);
      return views;
    },

    /** Whether it is spread: then a read asks all shards. */
    async isSpread() {
      const before = await objectCalls();
      await this.read();
      return (await objectCalls()) - before > 1;
    },

    /** Sends events again, and gives how many were new and how many were not. */
    async resend(events) {
      const sum = { accepted: 0, duplicates: 0 };
      for (let first = 0; first < events.length; first += 500) {
        const { accepted, duplicates, rejected } = await api.events(events.slice(first, first + 500), { as: service });
        assert.deepEqual(rejected, []);
        sum.accepted += accepted;
        sum.duplicates += duplicates;
      }
      return sum;
    },
  };
}

/** Has callers send views until the promise that `work` gives is kept. */
async function during(hot, work) {
  let isOver = false;
  const callers = Array.from({ length: CALLERS }, () => connect(hot.served.url));
  const traffic = Promise.all(callers.map(async (caller) => {
    while (!isOver && (await hot.send(caller)));
  }));
  try {
    await work();
  } finally {
    isOver = true;
    await traffic;
    for (const caller of callers) caller.end();
  }
}

/** Waits until the counter is spread, while there is traffic and it is read; then for so many views more. */
async function spreads(hot, more) {
  const readings = [];
  const read = async () => readings.push(await hot.read());
  await until(async () => (await read()) && (await hot.served.shards()) > 1, "the counter is spread");
  const enough = hot.acknowledged.length + more;
  await until(async () => (await read()) && hot.acknowledged.length > enough, "there is more traffic");
  assert.deepEqual(readings, readings.toSorted((one, other) => one - other), "views are taken back");
}

describe("a counter that is hot", { concurrency: true }, () => {
  test("spreads and folds back: ids stay known, and all that is read is right", async () => {
    const hot = await begin();
    const { api, id } = hot;
    const stats = async () => (await api.get(`/v1/prompts/${id}/stats`, { as: service })).body;
    /** Checks all that is told of the prompt, once everything is counted. */
    const checkAll = async () => {
      await until(async () => (await hot.read()) === hot.total, "all is counted");
      const { viewCount, visitCount, uniqueVisitors } = await stats();
      assert.deepEqual([viewCount, visitCount], [hot.total, hot.visitors]);
      assert.ok(Math.abs(uniqueVisitors - hot.visitors) < hot.visitors * 0.065, `${uniqueVisitors} of ${hot.visitors} visitors`);
      for (const [metric, expected] of [["view", hot.total], ["visit", hot.visitors]]) {
        const { body } = await api.get(`/v1/prompts/${id}/series?metric=${metric}`);
        assert.equal(body.points.reduce((sum, { count }) => sum + count, 0), expected, metric);
      }
    };

    await during(hot, () => spreads(hot, 800));
    assert.ok(await hot.isSpread());
    await checkAll();
    // Those that came before it was spread are known to the shards, and those that came since.
    assert.deepEqual(await hot.resend(hot.acknowledged), { accepted: 0, duplicates: hot.acknowledged.length });
    await checkAll();
    const told = await stats();
    const snapshot = async () => (await api.get(`/v1/prompts/stats?ids=${id}`)).body.stats[0];
    await until(async () => isDeepStrictEqual(await snapshot(), told), "the snapshot tells the same");

    const caller = connect(hot.served.url);
    await until(async () => {
      await hot.send(caller);
      await pause(10_000 / HOT);
      return !(await hot.isSpread());
    }, "it is folded");
    for (let views = 0; views < 10; views++) await hot.send(caller);
    caller.end();
    await checkAll();
    assert.deepEqual(await hot.resend(hot.acknowledged), { accepted: 0, duplicates: hot.acknowledged.length });
    await checkAll();
    const { body } = await api.get("/v1/admin/verify", { as: service });
    assert.deepEqual(body.differences, []);
    await hot.served.kill();
    assert.deepEqual((await hot.served.counters("select shards, is_folding from spread")).map(Object.values), [[1, 0]]);
  });

  test("tells all views, also by a shard that was evicted", async () => {
    const { counts, evictShards, objects, post, prompt } = await start({ HOT_COMMANDS_PER_SECOND: String(HOT) });
    const id = await prompt();
    const view = () => post(`/v1/prompts/${id}/view`, undefined, { as: service });
    await until(async () => (await view()) && (await objects("CounterShard")).length > 1, "the counter is spread");
    const [views] = await counts(id);
    let evicted = 0;
    // Each is told what one shard knows.
    for (let more = 1; more <= 30; more++) {
      evicted += await evictShards(id);
      const { body } = await view();
      assert.ok(views < body.viewCount && body.viewCount <= views + more, `view ${more} after ${views} is told ${body.viewCount}`);
    }
    assert.deepEqual(await counts(id), [views + 30, 0, 0, 0]);
    assert.ok(evicted > 0);
  });

  test("loses nothing when the process dies, and doubles nothing that is sent again", async () => {
    const hot = await begin({ isDurable: true });
    for (let kills = 0; kills < 2; kills++) {
      await during(hot, async () => {
        await spreads(hot, 400);
        await hot.restart();
      });
      const [unknown, known] = [hot.left.splice(0), hot.acknowledged.length];
      assert.ok(unknown.length > 0, "nobody waited for an answer");
      await hot.read();
      assert.deepEqual(await hot.resend(hot.acknowledged), { accepted: 0, duplicates: known });
      await hot.resend(unknown);
      hot.acknowledged.push(...unknown);
      const { viewCount, visitCount } = (await hot.api.get(`/v1/prompts/${hot.id}/stats`, { as: service })).body;
      assert.deepEqual([viewCount, visitCount], [hot.acknowledged.length, hot.visitors]);

      // Shards that start again when all is pulled.
      assert.ok(await hot.isSpread());
      await hot.restart();
      const caller = connect(hot.served.url);
      for (let views = 0; views < 40; views++) await hot.send(caller);
      caller.end();
      assert.equal(await hot.read(), hot.acknowledged.length);
    }
  });
});
