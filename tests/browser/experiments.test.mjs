// Experiments in the page: who gets which variant, and what a session tells.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, test } from "node:test";
import { service, until } from "../worker/instance.mjs";
import { card, set } from "./chromium.mjs";

const { counts, get, open, prompt, script, send, url } = await set();
const equal = [{ key: "a" }, { key: "b" }];
const GPC = () => Object.defineProperty(Navigator.prototype, "globalPrivacyControl", { value: true });

/** Declares an experiment and gives what the worker answered. */
async function declared(fields = {}) {
  const declaration = { variants: equal, status: "running", ...fields };
  const { body } = await send("PUT", `/v1/experiments/${encodeURIComponent(`${randomUUID()} é/?`)}`, { as: service, body: declaration });
  return body;
}

async function assigned({ experiment_id }, unit) {
  const { body } = await get(`/v1/experiments/${encodeURIComponent(experiment_id)}/assignment?unit=${encodeURIComponent(unit)}`);
  return body.variant;
}

/** The events that a page has sent, each once: one whose answer did not come in time is sent again. */
const events = ({ sent }) => [...new Map(sent.flatMap((request) => request.postDataJSON()).map((event) => [event.id, event])).values()];
const told = ({ type, variant_key, properties }) => [type, variant_key ?? properties];
const variant = (page, experiment, unit) => page.evaluate(([experiment, unit]) => pm.variant(experiment, unit ?? undefined), [experiment, unit]);

describe("the page assigns as the worker does", { concurrency: 8 }, () => {
  const UNITS = [
    ...Array.from({ length: 150 }, (_, index) => `user-${index * 7919}`),
    ...Array.from({ length: 20 }, (_, index) => `日本語 ${index}`),
    ...["é", "e\u0301", "\uffff", "\u{10ffff}", " ", "a+b", "a%20b", "100%", "?unit=x&unit=y", "#", "x".repeat(128), "😀".repeat(128)],
  ];
  for (const [what, fields] of Object.entries({
    "two of the same weight": {},
    "a hundred of the same weight": { variants: Array.from({ length: 100 }, (_, index) => ({ key: `variant ${index}` })) },
    "tenths, whose sum is not quite 1": { variants: Array.from({ length: 10 }, (_, index) => ({ key: `variant ${index}`, weight: 0.1 })) },
    "weights with a nobody": { variants: [{ key: "a", weight: 0.5 }, { key: "b", weight: 0 }, { key: "c", weight: 0.5 }] },
    "a part of the units": { coverage: 0.1 + 0.2 },
    "a seed of a script and a picture": { seed: "ключ 🔑" },
    "the first version of the hash": { hash_version: 1, coverage: 0.7 },
    "a part of a namespace": { namespace: ["ключ 🔑", 0.333, 0.667] },
    "all of a namespace": { namespace: "layer" },
    "a draft": { status: "draft" },
  })) {
    test(what, async () => {
      const declaration = await declared(fields);
      await using page = await open("");
      const inPage = await page.evaluate(
        ([declaration, units]) => Promise.all(units.map((unit) => pm.variant(declaration, unit))),
        [declaration, UNITS],
      );
      const byWorker = await Promise.all(UNITS.map((unit) => assigned(declaration, unit)));
      assert.deepEqual(inPage.map((key) => key ?? null), byWorker);
      assert.equal(new Set(byWorker).size > 1, fields.status !== "draft");
    });
  }
});

test("the ends of a namespace's part are on the same side", async () => {
  // The bucket of such an experiment is the unit's place in the namespace.
  const { experiment_id } = await declared({ seed: "__layer", hash_version: 1 });
  const { body } = await get(`/v1/experiments/${encodeURIComponent(experiment_id)}/assignment?unit=somebody`);
  await using page = await open("");
  for (const [namespace, isIn] of [[["layer", 0, body.bucket], false], [["layer", body.bucket, 1], true]]) {
    const declaration = await declared({ namespace });
    const key = await variant(page, declaration, "somebody");
    assert.deepEqual([key ?? null, key !== undefined], [await assigned(declaration, "somebody"), isIn]);
  }
});

describe("sessions", { concurrency: 8 }, () => {
  test("a session asks once, tells its exposure once, and what it converted to", async () => {
    const declaration = await declared();
    const id = declaration.experiment_id;
    await using page = await open("");
    const asked = [];
    page.on("request", (request) => request.url().includes("/assignment") && asked.push(new URL(request.url())));
    const key = await variant(page, id);
    await page.evaluate((id) => pm.convert(id), id);
    await until(() => events(page).length === 2, "the events are sent");
    await page.reload();
    assert.equal(await variant(page, id), key);
    assert.equal(await variant(page, declaration), key);
    await page.evaluate((declaration) => pm.convert(declaration, { metric: "revenue", value: 2.5 }), declaration);
    await page.evaluate((experiment_id) => pm.track({ type: "pageview", experiment_id }), id);
    await until(() => events(page).length === 4, "the events are sent");
    const all = events(page);
    assert.deepEqual(all.map(told), [["exposure", key], ["conversion", undefined], ["conversion", { metric: "revenue", value: 2.5 }], ["pageview", undefined]]);
    const [session, ...others] = new Set(all.map(({ session_id }) => session_id));
    assert.deepEqual([others, asked.map(({ searchParams }) => searchParams.get("unit"))], [[], [session]]);
    assert.equal(await assigned(declaration, session), key);

    await using another = await open("");
    await variant(another, id);
    await until(() => events(another).length === 1, "the exposure is sent");
    assert.notEqual(events(another)[0].session_id, session);
  });

  test("a unit that is given is whom the events of the experiment are of, in every tab", async () => {
    const [declaration, other] = [await declared(), await declared()];
    const id = declaration.experiment_id;
    const unit = `user ${id}`;
    const key = await assigned(declaration, unit);
    for (const experiment of [id, declaration]) {
      await using page = await open("");
      assert.equal(await variant(page, experiment, unit), key);
      await variant(page, other.experiment_id);
      await page.evaluate((id) => pm.convert(id), id);
      await until(() => events(page).length === 3, "the events are sent");
      const sessions = (of) => events(page).filter(({ experiment_id }) => experiment_id === of).map(({ session_id }) => session_id);
      assert.deepEqual(sessions(id), [unit, unit]);
      assert.notEqual(sessions(other.experiment_id)[0], unit);
    }
  });

  test("what cannot be remembered is not shown, and not told again and again", async () => {
    const declaration = await declared();
    await using page = await open("");
    await page.evaluate((id) => pm.track({ type: "pageview", experiment_id: id }), declaration.experiment_id);
    await page.evaluate(() => {
      const set = Storage.prototype.setItem;
      window.fill = () => {
        for (let size = 1 << 22; size >= 1; size >>= 1) {
          try {
            for (;;) set.call(sessionStorage, `fill${size}${Math.random()}`, "x".repeat(size));
          } catch {}
        }
      };
      window.fill();
    });
    for (let times = 0; times < 3; times++) assert.equal(await variant(page, declaration), undefined);
    await until(() => events(page).length === 1, "the pageview is sent");
    assert.deepEqual(events(page).map(({ type }) => type), ["pageview"]);
  });

  test("without storage the page is the session", async () => {
    const { experiment_id } = await declared();
    const content = `${script()}<script>pm.variant(\`${experiment_id}\`).then(() => pm.variant(\`${experiment_id}\`)).then(() => pm.convert(\`${experiment_id}\`))</script>`;
    await using page = await open(`<iframe sandbox="allow-scripts" srcdoc="${content.replaceAll('"', "&quot;")}"></iframe>`, { head: "" });
    await until(() => events(page).length === 2, "the events are sent");
    const [exposure, conversion] = events(page);
    assert.deepEqual([exposure.type, conversion.type, conversion.session_id], ["exposure", "conversion", exposure.session_id]);
  });

  test("who takes no part gets nothing, tells nothing, and is asked for again", async () => {
    const { experiment_id: id } = await declared({ status: "draft" });
    const marker = await prompt();
    await using page = await open("");
    for (const experiment of [id, "unknown", "", undefined, {}, { variants: [] }]) assert.equal(await variant(page, experiment), undefined);
    await send("PUT", `/v1/experiments/${encodeURIComponent(id)}`, { as: service, body: { variants: equal, status: "running" } });
    await page.evaluate((id) => void pm.view(id), marker);
    assert.ok(await variant(page, id));
    await until(() => events(page).length > 1, "the events are sent");
    assert.deepEqual(events(page).map(({ type }) => type), ["view", "exposure"]);
  });

  test("without an answer there is no variant", async () => {
    const { experiment_id } = await declared();
    await using page = await open("");
    await page.route("**/assignment*", (route) => route.abort());
    assert.equal(await variant(page, experiment_id), undefined);
    await page.unroute("**/assignment*");
    assert.ok(await variant(page, experiment_id));
  });

  test("Global Privacy Control: views are counted, and nothing tells whose they are", async () => {
    const [declaration, id] = [await declared(), await prompt()];
    await using page = await open(card(id), { prepare: (page) => page.addInitScript(GPC) });
    const asked = [];
    page.on("request", (request) => request.url().startsWith(url.origin ?? url) && asked.push(request.url()));
    for (const experiment of [declaration, declaration.experiment_id]) {
      assert.equal(await variant(page, experiment), undefined);
      assert.equal(await variant(page, experiment, "somebody"), undefined);
      await page.evaluate((experiment) => pm.convert(experiment), experiment);
    }
    await page.evaluate((id) => void pm.track({ type: "view", prompt_id: id, visitor: "somebody" }), id);
    await until(async () => (await counts(id))[0] === 2, "two views");
    for (const event of events(page)) assert.deepEqual(Object.keys(event).sort(), ["id", "prompt_id", "type", "webdriver"]);
    assert.ok(asked.every((address) => address.includes("/v1/events")));
    assert.deepEqual(await page.evaluate(() => ({ ...sessionStorage })), {});
  });
});
