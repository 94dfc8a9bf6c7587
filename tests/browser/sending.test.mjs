// How events reach the worker, whatever the page, the network or the browser's storage do meanwhile.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, test } from "node:test";
import { until } from "../worker/instance.mjs";
import { card, set } from "./chromium.mjs";

const { counts, open, prompt, script, url } = await set();
const views = async (id) => (await counts(id))[0];
const viewed = (id, times = 1) => until(async () => (await views(id)) === times, `${times} views`);
const view = (page, id) => page.evaluate((id) => void pm.view(id), id);
const kept = (page) => page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith("pm:")));
const EVENTS = "**/v1/events*";
const failed = (page) => page.waitForEvent("requestfailed");
const answered = (status) => (route) => route.fulfill({ status, headers: { "access-control-allow-origin": "*" } });
const FOREIGN = { "pm:1": "not an event", "pm:settings": "{}", theme: "dark" };

describe("sending", { concurrency: 8 }, () => {
  test("events are gathered in one request without a preflight, and forgotten once it is answered", async () => {
    const ids = [await prompt(), await prompt(), await prompt()];
    await using page = await open("");
    const keptAtOnce = (ids) => {
      for (const id of ids) void pm.view(id);
      return Object.keys(localStorage).filter((key) => key.startsWith("pm:")).length;
    };
    assert.equal(await page.evaluate(keptAtOnce, ids), 3);
    for (const id of ids) await viewed(id);
    assert.equal(page.sent.length, 1);
    const [request] = page.sent;
    assert.deepEqual([request.method(), new URL(request.url()).search, (await request.response()).status()], ["POST", "?ack=async", 202]);
    assert.match(request.headers()["content-type"], /^text\/plain/);
    const events = request.postDataJSON();
    assert.deepEqual(events.map(({ type, prompt_id }) => [type, prompt_id]), ids.map((id) => ["view", id]));
    assert.equal(new Set(events.map(({ id }) => id)).size, 3);
    for (const event of events) assert.deepEqual(Object.keys(event).sort(), ["id", "prompt_id", "type", "webdriver"]);
    await until(async () => (await kept(page)).length === 0, "they are forgotten");
  });

  test("events of a page that is left are sent by a beacon, and counted once when the next page sends them again", async () => {
    const id = await prompt();
    const prepare = (page) =>
      page.addInitScript(() => {
        const { sendBeacon } = navigator;
        navigator.sendBeacon = (url, body) => sendBeacon.call(navigator, url, (sessionStorage.beacon = body));
      });
    await using page = await open("", { prepare });
    const address = page.url();
    const viewAndLeave = (id) => {
      void pm.view(id);
      location.href = "about:blank";
    };
    await Promise.all([page.waitForURL("about:blank"), page.evaluate(viewAndLeave, id)]);
    await viewed(id);
    await page.goto(address);
    await until(async () => (await kept(page)).length === 0, "they are forgotten");
    const beacon = await page.evaluate(() => sessionStorage.beacon);
    assert.deepEqual([page.sent.length, page.sent[0].postData(), await views(id)], [1, beacon, 1]);
  });

  for (const [what, sendBeacon] of [
    ["has no beacon", undefined],
    ["refuses the beacon", () => false],
    ["breaks the beacon", () => { throw new Error("no"); }],
  ]) {
    test(`nothing is lost where the browser ${what}`, async () => {
      const id = await prompt();
      const prepare = (page) => page.addInitScript(`navigator.sendBeacon = ${sendBeacon}`);
      await using page = await open("", { prepare });
      const address = page.url();
      await view(page, id);
      await page.goto("about:blank");
      await page.goto(address);
      await viewed(id);
      await until(async () => (await kept(page)).length === 0, "they are forgotten");
      assert.equal(await views(id), 1);
    });
  }

  test("what happens offline is sent with the next event, or by the next page", async () => {
    const [first, second] = [await prompt(), await prompt()];
    await using page = await open("");
    await page.context().setOffline(true);
    await Promise.all([failed(page), view(page, first)]);
    await page.context().setOffline(false);
    await view(page, second);
    await Promise.all([viewed(first), viewed(second)]);
    await page.context().setOffline(true);
    await Promise.all([failed(page), view(page, first)]);
    await page.context().setOffline(false);
    await page.reload();
    await viewed(first, 2);
    assert.equal(await views(second), 1);
  });

  for (const [what, end, answer] of [
    ["whose answer is lost", failed, async (route) => { await route.fetch(); await route.abort(); }],
    ["that does not arrive", failed, (route) => route.abort()],
    ["that finds the worker unavailable", (page) => page.waitForResponse(EVENTS), answered(503)],
    ["that comes too soon", (page) => page.waitForResponse(EVENTS), answered(429)],
  ]) {
    test(`a request ${what} is sent again under the same ids`, async () => {
      const id = await prompt();
      await using page = await open("");
      await page.route(EVENTS, answer);
      const settled = end(page);
      await view(page, id);
      await settled;
      const [key] = await kept(page);
      await page.unroute(EVENTS);
      await page.reload();
      await until(async () => (await kept(page)).length === 0, "they are forgotten");
      await viewed(id);
      assert.ok(page.sent.every((request) => request.postDataJSON()[0].id === key));
    });
  }

  test("what the worker will never take is not sent again", async () => {
    const id = await prompt();
    await using page = await open("");
    await page.evaluate(() => void pm.track({ type: "unknown" }));
    await view(page, id);
    await viewed(id);
    await page.route(EVENTS, answered(400));
    await view(page, id);
    await until(async () => (await kept(page)).length === 0, "they are forgotten");
    assert.equal(await views(id), 1);
  });

  test("late events tell when they were, and those of which the worker may not know the id are forgotten", async () => {
    const [late, old] = [await prompt(), await prompt()];
    const [at, before] = [Date.now() - 3_600_000, Date.now() - 90_000_000];
    const entries = Object.entries({ [`pm:${at}:0.1`]: late, [`pm:${before}:0.2`]: old });
    const storage = entries.map(([id, prompt_id]) => [id, JSON.stringify({ id, type: "view", prompt_id })]);
    const fill = (storage) => storage.forEach(([key, value]) => (localStorage[key] ??= value));
    const prepare = (page) => page.addInitScript(fill, [...storage, ...Object.entries(FOREIGN)]);
    await using page = await open("", { prepare });
    await viewed(late);
    assert.deepEqual(page.sent[0].postDataJSON().map(({ timestamp, prompt_id }) => [timestamp, prompt_id]), [[at, late]]);
    await until(async () => (await kept(page)).length === 2, "they are forgotten");
    assert.deepEqual(await page.evaluate(() => ({ ...localStorage })), FOREIGN);
    assert.equal(await views(old), 0);
  });

  test("a page that is loaded ahead sends what was kept when it is seen", async () => {
    const id = await prompt();
    const prepare = (page) =>
      page.addInitScript(() => {
        Object.defineProperty(document, "hidden", { value: true, configurable: true });
        window.calls = [];
        const { fetch } = window;
        window.fetch = (...given) => (window.calls.push("fetch"), fetch(...given));
        navigator.sendBeacon = () => window.calls.push("beacon") && false;
      });
    await using page = await open("", { prepare });
    await page.route(EVENTS, (route) => route.abort());
    await Promise.all([failed(page), view(page, id)]);
    await page.unroute(EVENTS);
    await page.reload();
    assert.deepEqual([await page.evaluate(() => window.calls), (await kept(page)).length], [[], 1]);
    await page.evaluate(() => {
      Object.defineProperty(document, "hidden", { value: false });
      document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
    });
    await viewed(id);
    await until(async () => (await kept(page)).length === 0, "they are forgotten");
  });

  test("many events are sent in as many requests as the worker takes", async () => {
    const id = await prompt();
    await using page = await open("");
    await page.evaluate((id) => { for (let time = 0; time < 700; time++) pm.view(id); }, id);
    await until(async () => (await views(id)) > 0, "some are counted");
    await page.evaluate((id) => void pm.copy(id), id);
    await viewed(id, 700);
  });
});

describe("a page is never broken", { concurrency: 8 }, () => {
  const HOSTILE = `<script>
    const circle = {}; circle.circle = circle;
    const odd = [undefined, null, 0, "", "x", {}, [], circle, Symbol("x"), 10n, () => { throw 1 }, { get type() { throw 1 } }, { toString() { throw 1 } }];
    window.results = Promise.all(odd.flatMap((value) => Object.values(pm).map((call) => call(value, value))));
  </script>`;

  test("whatever the functions are given, nothing is thrown, and others' events are counted", async () => {
    const id = await prompt();
    await using page = await open(card(id) + HOSTILE);
    await page.evaluate(() => window.results.then(() => 0));
    await viewed(id);
  });

  for (const [what, code] of [
    ["storage throws", `for (const name of ["localStorage", "sessionStorage"]) Object.defineProperty(window, name, { get() { throw new DOMException("no", "SecurityError") } })`],
    ["storage is null", `for (const name of ["localStorage", "sessionStorage"]) Object.defineProperty(window, name, { value: null })`],
    ["storage is full", `Storage.prototype.setItem = () => { throw new DOMException("no", "QuotaExceededError") }; localStorage.x = "x".repeat(5242879 - 1)`],
    ["storage holds nonsense", `localStorage["pm:" + Date.now() + ":0.5"] = "{"; sessionStorage.pm = "{"`],
    ["crypto is missing", `Object.defineProperty(window, "crypto", { value: undefined })`],
  ]) {
    test(`views are counted where ${what}`, async () => {
      const id = await prompt();
      await using page = await open(card(id), { prepare: (page) => page.addInitScript(code) });
      await viewed(id);
    });
  }

  test("views are counted in a frame that may have no storage, beside an element that is called pm", async () => {
    const id = await prompt();
    const content = `<i id=pm></i>${script()}${card(id)}`.replaceAll('"', "&quot;");
    await using page = await open(`<iframe sandbox="allow-scripts" width="500" height="300" srcdoc="${content}"></iframe>`, { head: "" });
    await viewed(id);
    const request = await until(async () => page.sent[0], "the browser tells of what it sent");
    assert.equal((await request.allHeaders()).origin, "null");
  });

  test("a tiny random number is as good as another", async () => {
    const id = await prompt();
    await using page = await open("", { prepare: (page) => page.addInitScript("Math.random = () => 5.25e-7") });
    await view(page, id);
    await viewed(id);
  });

  for (const [what, code] of [
    ["IntersectionObserver", "delete window.IntersectionObserver"],
    ["fetch", "delete window.fetch"],
  ]) {
    test(`nothing is thrown without ${what}`, async () => {
      await using page = await open(card(randomUUID()) + HOSTILE, { prepare: (page) => page.addInitScript(code) });
      await page.evaluate(() => window.results.then(() => 0));
      assert.equal(await page.evaluate(() => typeof pm.view), "function");
    });
  }

  test("a policy that forbids to send is respected in silence", async () => {
    const headers = { "content-security-policy": `default-src 'none'; script-src ${url} 'unsafe-inline'` };
    await using page = await open(card(randomUUID()), { headers });
    await view(page, await prompt());
    await page.waitForFunction(() => document.querySelector("[data-prompt-id]").pmLooks > 4);
    assert.equal((await kept(page)).length, 2);
  });

  test("a policy without unsafe-inline and unsafe-eval is enough, with the worker as the only other origin", async () => {
    const id = await prompt();
    const { origin } = new URL(url);
    const headers = { "content-security-policy": `default-src 'none'; script-src ${origin}; connect-src ${origin}` };
    await using page = await open(`<div data-prompt-id="${id}">A prompt</div>`, { headers });
    await viewed(id);
    assert.equal(page.sent.length, 1);
  });
});
