// The demo library for everybody: by keyboard, on a phone, by screen reader, in light and dark; under prompts that mean
// harm, keys that the page does not know, and failures.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SETTINGS, token, until } from "../worker/instance.mjs";
import { DEVELOPMENT, SAMPLE, library, shows } from "./library.mjs";

const { open, prompt, stats, template } = await library();
const button = (page, name) => page.getByRole("button", { name, exact: true });

/** The prompts that the pages below show. */
const LONG = await template({ title: "Averyveryverylongwordwithoutabreak".repeat(4), category: "c".repeat(100), goal: "g".repeat(500), template: `\${${"n".repeat(50)}} ${"x".repeat(3000)}` });
const PLAIN = await template({ title: "Plain", goal: "A goal", category: "plain", template: "On ${topic:bees} and {{others}}" });
const PAGES = {
  "a list": "#/",
  "a search": "#/?q=plain",
  "a prompt": `#/prompts/${PLAIN.id}`,
  "a long prompt": `#/prompts/${LONG.id}`,
  "a comparison": `#/compare/${PLAIN.id}/${LONG.id}`,
  "a failure": "#/prompts/none",
};
const loaded = (page) => page.locator('main:not([aria-busy="true"]) h1').waitFor();

describe("whatever the page", { concurrency: 4 }, () => {
  for (const [name, address] of Object.entries(PAGES)) {
    for (const colorScheme of ["light", "dark"]) {
      test(`${name} has nothing that axe-core calls serious, ${colorScheme}`, async () => {
        await using page = await open(address, { colorScheme });
        await loaded(page);
        assert.deepEqual(await violations(page), []);
        const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number));
        assert.equal(ground[0] < 128, colorScheme === "dark");
      });
    }

    test(`${name} needs no scrolling aside on a phone`, async () => {
      await using page = await open(address, { viewport: { width: 320, height: 640 } });
      await loaded(page);
      const chooser = page.getByRole("button", { name: /^Compare/ }).first();
      if (await chooser.count()) await chooser.click();
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 320);
    });
  }

  for (const colorScheme of ["light", "dark"]) {
    test(`the question and the tray have nothing that axe-core calls serious, ${colorScheme}`, async () => {
      await using page = await open("#/", { colorScheme, prepare: refusing(401, "**/rest/v1/users*") });
      await page.getByRole("button", { name: /^Compare/ }).first().click();
      assert.deepEqual(await violations(page), []);
      await page.getByRole("link", { name: "Plain", exact: true }).click();
      await page.heading("Plain");
      await button(page, "Like").click();
      await page.getByRole("dialog", { name: "A token, please" }).waitFor();
      assert.deepEqual(await violations(page), []);
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "hidden" });
    });
  }
});

async function violations(page) {
  const { violations } = await page.evaluate(() => axe.run(document));
  const grave = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
  return grave.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join("; ")}`);
}

test("by keyboard alone a prompt is found, opened, filled in and copied", async () => {
  await using page = await open();
  await loaded(page);
  const reach = async (what) => {
    for (let presses = 0; presses < 80; presses++) {
      await page.keyboard.press("Tab");
      const isThere = await page.locator(what).evaluateAll((found) => found.includes(document.activeElement));
      if (!isThere) continue;
      assert.notEqual(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), "none", what);
      return;
    }
    throw new Error(`${what} is not reached`);
  };
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");
  await reach('.categories a:text-is("plain")');
  await page.keyboard.press("Enter");
  await page.heading("plain");
  await reach('.card a:text-is("Plain")');
  await page.keyboard.press("Enter");
  await page.heading("Plain");
  await reach("textarea");
  await page.keyboard.press("Control+A");
  await page.keyboard.type("wasps");
  await reach('button:text-is("Copy")');
  await page.keyboard.press("Enter");
  await page.locator("#said").filter({ hasText: "Copied." }).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), "On wasps and {{others}}");
  await shows(page, "copyCount", 1);
});

describe("a prompt that means harm is text", { concurrency: 4 }, async () => {
  const harm = (name) => `</script></pre><script>alert("${name}")</script><img src=/harm/${name} onerror=alert(1)><svg onload=alert(2)>javascript:alert(3)`;
  const hostile = {
    title: `title ${harm("title")}`,
    slug: `javascript:alert("slug")//${harm("s").slice(0, 60)}`,
    goal: `goal ${harm("goal")}`,
    category: harm("category").slice(0, 120),
    tags: [harm("tag")],
    variables: [{ name: "topic", default: harm("default") }],
    template: `template ${harm("template")} \${topic} {{constructor}} {{__proto__}}`,
    negative_prompt: harm("negative"),
  };
  const { id } = await template(hostile);
  for (const [name, address, texts] of [
    ["in the list", "#/", [hostile.title, hostile.goal, hostile.category]],
    ["found", "#/?q=harm", [hostile.title, hostile.goal, hostile.category]],
    ["in its category", `#/?${new URLSearchParams({ category: hostile.category })}`, [hostile.title]],
    ["alone", `#/prompts/${id}`, [hostile.title, hostile.goal, hostile.negative_prompt, hostile.template.replace("${topic}", harm("default"))]],
    ["by its slug", `#/prompts/${encodeURIComponent(hostile.slug)}`, [hostile.title]],
    ["compared", `#/compare/${id}/${PLAIN.id}`, [hostile.title, hostile.template]],
    ["as a search", `#/?${new URLSearchParams({ q: harm("q") })}`, [`“${harm("q")}”`]],
  ]) {
    test(name, async () => {
      await using page = await open(address);
      await loaded(page);
      const main = await page.locator("main").textContent();
      for (const text of texts) assert.ok(main.includes(text), `${text} in ${main}`);
      assert.equal(await page.locator("main :is(script, img, svg, iframe, object, [onerror], [onload])").count(), 0);
      assert.equal(await page.locator('main a:not([href^="#/"])').count(), 0);
      for (const chooser of await page.getByRole("button", { name: /^Compare/ }).all()) await chooser.click();
      assert.deepEqual(page.requests.filter((url) => /\/harm\//.test(decodeURIComponent(new URL(url).pathname))), []);
    });
  }
});

describe("failures are told in words", { concurrency: 4 }, () => {
  for (const [name, prepare, address, expected] of [
    ["429", refusing(429, "**/rest/v1/prompts*", { "Retry-After": "17" }), "#/", "Too many requests came from your address. Try again in 17 seconds."],
    ["503", refusing(503, "**/rest/v1/prompts*", { "Retry-After": "1" }), "#/", "The library cannot reach its storage now. Try again in a moment."],
    ["500 without words", refusing(500, "**/v1/templates/search*"), "#/?q=plain", "Something went wrong in the library (status 500)."],
    ["no answer", (page) => page.route("**/rest/v1/prompts*", (route) => route.abort()), "#/", "The library does not answer."],
    ["no JSON", (page) => page.route("**/v1/prompts/*/stats", (route) => route.fulfill({ body: "<html>" })), `#/prompts/${PLAIN.id}`, "The counts stand still."],
    ["429 of counts", refusing(429, "**/v1/prompts/*/stats", { "Retry-After": "9" }), `#/prompts/${PLAIN.id}`, "The counts stand still. Too many requests came from your address. Try again in 9 seconds."],
  ]) {
    test(name, async () => {
      await using page = await open(address, { prepare });
      await page.getByText(expected).first().waitFor();
    });
  }

  test("trying again shows what was asked for", async () => {
    await using page = await open("#/", { prepare: refusing(503, "**/rest/v1/prompts*") });
    await button(page, "Try again").waitFor();
    await page.unrouteAll();
    await button(page, "Try again").click();
    await page.heading("All prompts");
  });

  test("offline: what is there stays, and goes on when the reader is online again", async () => {
    const { id } = await template({ title: "Read offline" });
    await using page = await open(`#/prompts/${id}`);
    await shows(page, "viewCount", 1);
    await page.context().setOffline(true);
    await page.locator("#standing").filter({ hasText: "The counts stand still. You are offline." }).waitFor();
    await button(page, "Like").click();
    await page.locator("#said").filter({ hasText: "You are offline." }).waitFor();
    await page.getByText("Read offline").first().waitFor();
    await page.context().setOffline(false);
    await page.locator("#standing").filter({ hasText: /^$/ }).waitFor({ state: "attached" });
    await button(page, "Like").click();
    await shows(page, "likeCount", 1);
  });
});

/** Lets requests to a path be answered with this status. */
function refusing(status, path, headers = {}) {
  return (page) => page.route(path, (route) => route.fulfill({ status, headers, body: "" }));
}

describe("an instance with keys of its own", async () => {
  const own = await library({});
  const answer = async (page, text) => {
    await page.locator("#question-answer").fill(text);
    await button(page, "Go on").click();
  };
  const kept = (page) => page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));

  test("asks for the service key, which loads the sample and is kept nowhere", async () => {
    await using page = await own.open();
    await button(page, "Load 30 sample prompts").click();
    await page.getByRole("dialog", { name: "The service key, please" }).waitFor();
    for (const wrong of [DEVELOPMENT.SERVICE_KEY, "wrong"]) {
      await answer(page, wrong);
      await page.getByRole("alert").filter({ hasText: "This key or token is not accepted here." }).waitFor();
    }
    await answer(page, SETTINGS.SERVICE_KEY);
    await page.heading(SAMPLE[0].title);
    await shows(page, "viewCount", 1);
    assert.ok(!(await kept(page)).includes(SETTINGS.SERVICE_KEY));
    assert.equal(await page.locator("#question-answer").inputValue(), "");
  });

  test("asks for a token to like, and the tab keeps that", async () => {
    const { id } = await own.template({ title: "Signed" });
    await using page = await own.open(`#/prompts/${id}`);
    await button(page, "Like").click();
    await page.getByRole("dialog", { name: "A token, please" }).waitFor();
    await button(page, "Cancel").click();
    await page.getByRole("button", { name: "Like", pressed: false }).waitFor();
    await button(page, "Like").click();
    for (const wrong of ["wrong", SETTINGS.PUBLISHABLE_KEY]) {
      await answer(page, wrong);
      await page.getByRole("alert").filter({ hasText: "This key or token is not accepted here." }).waitFor();
    }
    const sub = crypto.randomUUID();
    await answer(page, token({ sub, role: "authenticated" }));
    await shows(page, "likeCount", 1);
    await page.reload();
    await page.getByRole("button", { name: "Like", pressed: true }).waitFor();
    await button(page, "Fork").click();
    await page.getByText("Only you can see this prompt.").waitFor();
    assert.equal((await own.stats(id)).forkCount, 1);
  });

  test("shows a comparison to everybody, and counts it for who has a token", async () => {
    const [one, other] = [await own.prompt(), await own.prompt()];
    await using page = await own.open(`#/compare/${one.id}/${other.id}`);
    await button(page, "Count this comparison").click();
    await answer(page, token({ sub: crypto.randomUUID(), role: "authenticated" }));
    await page.getByText("This comparison is counted for both.").first().waitFor();
    await until(async () => (await own.stats(one.id)).compareCount === 1, "it is counted");
  });

  test("reads on when its token is taken no more", async () => {
    const { id } = await own.prompt({ title: "Still there" });
    const prepare = (page) => page.addInitScript(() => sessionStorage.setItem("library:token", "a.b.c"));
    await using page = await own.open(`#/prompts/${id}`, { prepare });
    await page.heading("Still there");
    await shows(page, "viewCount", 1);
  });
});
