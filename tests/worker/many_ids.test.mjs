// More ids of one prompt than a counter has whole in memory: each stays known, whatever becomes of the counter.
import assert from "node:assert/strict";
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { service, start, until } from "./instance.mjs";
import { exported, taken } from "./moved.mjs";
import { Served } from "./served.mjs";

/** 425,000 ids: more than the 400,000 beyond which memory has their fingerprints. */
const BATCHES = 850;
const BATCH = 500;
const AT_ONCE = 8;
/** One of the older ones, and one of the newest. */
const ASKED = [0, 300, BATCHES - 1];

describe("425,000 ids of a prompt", () => {
  let served, api, id;

  const events = (batch, type = "view") => Array.from({ length: BATCH }, (_, index) => ({ id: `${batch}/${index}`, type, prompt_id: id }));
  const send = (instance, batch, type) => instance.events(events(batch, type), { as: service });
  /** Checks that ids are known, and that under them nothing else is counted. */
  const check = async (instance) => {
    for (const batch of ASKED) {
      assert.deepEqual(await send(instance, batch), { accepted: 0, duplicates: BATCH, rejected: [] }, `batch ${batch}`);
      const { rejected } = await send(instance, batch, "copy");
      assert.deepEqual(new Set(rejected.map(({ code }) => code)), new Set(["idempotency_key_reused"]));
      assert.equal(rejected.length, BATCH);
    }
    assert.deepEqual(await instance.counts(id), [BATCHES * BATCH, 0, 0, 0]);
  };
  const restart = async (settings = "") => {
    await served.kill();
    await appendFile(join(served.folder, ".dev.vars"), settings);
    api = await served.start();
  };

  before(async () => {
    served = await Served.make({ HOT_COMMANDS_PER_SECOND: "1000000" });
    api = await served.start();
    id = await api.prompt();
    let batch = 0;
    await Promise.all(Array.from({ length: AT_ONCE }, async () => {
      while (batch < BATCHES) assert.deepEqual(await send(api, batch++), { accepted: BATCH, duplicates: 0, rejected: [] });
    }));
  });
  after(() => served.end());

  test("are known", () => check(api));

  test("are known after a restart", async () => {
    await restart();
    await check(api);
  });

  test("are known where the counter was moved to, and come out of it the same", async () => {
    const target = await start();
    const { text } = await exported(api);
    assert.deepEqual((await taken(target, text)).refused, []);
    assert.equal((await exported(target)).text, text);
    await check(target);
  });

  test("are known to the shards of a counter that spreads, and to the counter that folds back", async () => {
    await restart('HOT_COMMANDS_PER_SECOND="5"\n');
    const more = [];
    const view = async () => {
      const event = { id: `more ${more.length}`, type: "view", prompt_id: id };
      more.push(event);
      assert.equal((await api.events([event], { as: service })).accepted, 1);
    };
    await until(async () => {
      await view();
      return (await served.shards()) > 1;
    }, "the counter is spread");
    const known = async () => {
      for (const batch of ASKED) assert.equal((await send(api, batch)).duplicates, BATCH, `batch ${batch}`);
      assert.deepEqual(await api.counts(id), [BATCHES * BATCH + more.length, 0, 0, 0]);
    };
    await known();
    for (let views = 0; views < 20; views++) await view();
    // An export has a counter fold back.
    await exported(api);
    await known();
    const again = await api.events(more, { as: service });
    assert.deepEqual([again.accepted, again.duplicates], [0, more.length]);
    await restart();
    await known();
  });
});
