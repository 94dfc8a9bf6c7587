// Views and copies by attributes: what is seen for a second, and what is copied.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { until } from "../worker/instance.mjs";
import { card, gap, set } from "./chromium.mjs";

const { counts, open, pages, prompt, script } = await set();
const views = async (id) => (await counts(id))[0];
const copies = async (id) => (await counts(id))[1];
const viewed = (id, times = 1) => until(async () => (await views(id)) === times, `${times} views`);

describe("views", { concurrency: 8 }, () => {
  for (const name of ["pm.js", "pm-count.js"]) {
    test(`${name} counts a prompt once that is twice in the page, and one below the screen not before it is seen`, async () => {
      const [seen, below] = [await prompt(), await prompt()];
      await using page = await open(card(seen) + card(seen) + gap(600) + card(below), { head: script(name) });
      await viewed(seen);
      assert.equal(await views(below), 0);
      await page.evaluate(() => scrollTo(0, 1000));
      await viewed(below);
      assert.equal(await views(seen), 1);
    });
  }

  test("the module counts as well, and is not in the way of the script", async () => {
    const id = await prompt();
    const module = script("pm.mjs").replace("<script", '<script type="module"');
    await using page = await open(card(id), { head: module + script() });
    await viewed(id);
    const source = module.match(/"(http[^"]*)"/)[1];
    const named = await page.evaluate(async (source) => Object.keys(await import(source)).sort(), source);
    assert.deepEqual(named, ["convert", "copy", "track", "variant", "view"]);
    const later = await prompt();
    await page.evaluate(([source, id]) => import(source).then(({ view }) => view(id)), [source, later]);
    await viewed(later);
    assert.equal(await views(id), 1);
  });

  test("a script that is in the page twice counts once", async () => {
    const [id, other] = [await prompt(), await prompt()];
    await using page = await open(card(id), { head: script() + script() + script("pm-count.js") });
    await viewed(id);
    await page.evaluate((id) => pm.view(id), other);
    await viewed(other);
    assert.equal(await views(id), 1);
  });

  test("less than half of an element is not enough, half of a screen of a tall one is", async () => {
    const [first, less, tall, last] = [await prompt(), await prompt(), await prompt(), await prompt()];
    const body = [card(first), gap(460), card(less), gap(600), card(tall, { height: 1330 }), gap(600), card(last), gap(600)];
    await using page = await open(body.join(""));
    await viewed(first);
    await page.evaluate(() => scrollTo(0, 1260));
    await viewed(tall);
    await page.evaluate(() => scrollTo(0, 3190));
    await viewed(last);
    assert.equal(await views(less), 0);
  });

  test("what is visible for less than a second is not counted", async () => {
    const [brief, last] = [await prompt(), await prompt()];
    // It goes with the last look that is not enough, however long the browser takes for one.
    const leaving = () => {
      const element = document.querySelector("[data-prompt-id]");
      let looks;
      Object.defineProperty(element, "pmLooks", {
        get: () => looks,
        set(value) {
          looks = value;
          if (looks === 4) element.remove();
        },
      });
    };
    await using page = await open(`${card(brief)}<script>(${leaving})()</script>`);
    await page.waitForFunction(() => !document.querySelector("[data-prompt-id]"));
    await page.evaluate((html) => (document.body.innerHTML = html), card(last));
    await viewed(last);
    assert.equal(await views(brief), 0);
  });

  test("elements that come later count, and ids that change", async () => {
    const [first, added, changed] = [await prompt(), await prompt(), await prompt()];
    await using page = await open(card(first));
    await viewed(first);
    await page.evaluate((html) => document.body.insertAdjacentHTML("beforeend", html), card(added));
    await viewed(added);
    await page.evaluate((id) => (document.querySelector("[data-prompt-id]").dataset.promptId = id), changed);
    await viewed(changed);
    assert.deepEqual(await Promise.all([first, added, changed].map(views)), [1, 1, 1]);
  });

  test("a page that never stops changing counts", async () => {
    const id = await prompt();
    await using page = await open(card(id, { inside: "<b></b>" }));
    await page.evaluate(() => setInterval(() => (document.querySelector("b").textContent = Math.random()), 50));
    await viewed(id);
  });

  test("each address of an application is a page view, a place in the page is none", async () => {
    const [id, marker] = [await prompt(), await prompt()];
    await using page = await open(card(id));
    await viewed(id);
    await page.evaluate(() => history.pushState({}, "", "next?page=2"));
    await viewed(id, 2);
    await page.goBack();
    await viewed(id, 3);
    await page.evaluate(() => (location.hash = "place"));
    await page.evaluate((html) => document.body.insertAdjacentHTML("beforeend", html), card(marker));
    await viewed(marker);
    assert.equal(await views(id), 3);
  });

  test("a page that is hidden shows nothing", async () => {
    const [id, marker] = [await prompt(), await prompt()];
    const hide = (page, hidden) =>
      page.evaluate((hidden) => {
        Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
        document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
      }, hidden);
    await using page = await open("");
    await hide(page, true);
    await page.evaluate((html) => (document.body.innerHTML = html), card(id));
    await page.evaluate((marker) => pm.view(marker), marker);
    await viewed(marker);
    assert.equal(await views(id), 0);
    await hide(page, false);
    await viewed(id);
  });

  test("a browser that a program steers says so, and its views are dropped", async () => {
    const id = await prompt();
    await using page = await open(card(id), { browser: "steered" });
    const { sent } = page;
    await until(() => sent.length > 0, "events are sent");
    const [event] = sent[0].postDataJSON();
    assert.deepEqual([event.type, event.prompt_id, event.webdriver], ["view", id, true]);
    const answer = await sent[0].response();
    assert.equal(answer.headers()["x-promptmeter-dropped"], "headless");
    assert.equal(await views(id), 0);
  });
});

describe("copies", { concurrency: 8 }, () => {
  const BUTTON = '<button data-prompt-copy=".text"><i>copy</i></button>';
  for (const [what, more, inside, expected] of [
    ["data-prompt-text", `data-prompt-text="A\n &lt;b&gt; “text”"`, "<button data-prompt-copy><i>copy</i></button>", "A\n <b> “text”"],
    ["what its selector names", "", `<pre class="text">One\n  <b>two</b></pre>${BUTTON}`, "One\n  two"],
    ["what a field holds", "", `<textarea class="text">as it is typed</textarea>${BUTTON}`, "as it is typed"],
    ["what is hidden", "", `<pre class="text" hidden>not shown</pre>${BUTTON}`, "not shown"],
  ]) {
    test(`a button copies ${what}, and is counted`, async () => {
      const id = await prompt();
      await using page = await open(card("", { inside: `<p class="text">another's</p>` }) + card(id, { more, inside }));
      await page.evaluate(() => {
        window.copied = [];
        navigator.clipboard.writeText = async (text) => void window.copied.push(text);
        document.addEventListener("click", (event) => event.stopPropagation());
      });
      await page.click("i");
      await until(async () => (await copies(id)) === 1, "the copy is counted");
      assert.deepEqual(await page.evaluate(() => window.copied), [expected]);
    });
  }

  test("the text is on the clipboard", async () => {
    const id = await prompt();
    await using page = await open(card(id, { more: 'data-prompt-text="on the clipboard"', inside: "<button data-prompt-copy>copy</button>" }));
    await page.click("button");
    await until(async () => (await copies(id)) === 1, "the copy is counted");
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), "on the clipboard");
  });

  test("a copy that the browser refuses is not counted; one that the page tells is", async () => {
    const id = await prompt();
    const body = card(id, { more: 'data-prompt-text="x"', inside: "<button data-prompt-copy>copy</button>" });
    await using page = await open(body, { host: pages.insecure });
    assert.deepEqual(await page.evaluate(() => [isSecureContext, typeof crypto.randomUUID, typeof navigator.clipboard]), [false, "undefined", "undefined"]);
    await page.click("button");
    await viewed(id);
    assert.equal(await copies(id), 0);
    await page.evaluate((id) => pm.copy(id), id);
    await until(async () => (await copies(id)) === 1, "the copy is counted");
  });
});
