// The demo library under prompts that mean harm, under failures, and with keys that the page does not know.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SETTINGS, token, until } from "../worker/instance.mjs";
import { DEVELOPMENT, SAMPLE, library, refusing, seeingNothing, shows } from "./library.mjs";

const { open, prompt, template } = await library();
/** The library of an instance whose keys the page does not know. */
const own = await library({});
const plain = await prompt({ title: "Plain" });
const button = (page, name) => page.getByRole("button", { name, exact: true });
const loaded = (page) => page.locator('main:not([aria-busy="true"]) h1').waitFor();

test("a prompt that means harm is text", async () => {
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
  await using page = await open("#/nothing");
  for (const [address, texts] of [
    ["#/", [hostile.title, hostile.goal, hostile.category]],
    ["#/?q=harm", [hostile.title, hostile.goal, hostile.category]],
    [`#/?${new URLSearchParams({ category: hostile.category })}`, [hostile.title]],
    [`#/?${new URLSearchParams({ q: harm("q") })}`, [`“${harm("q")}”`]],
    [`#/prompts/${id}`, [hostile.title, hostile.goal, hostile.negative_prompt, hostile.template.replace("${topic}", harm("default"))]],
    [`#/prompts/${encodeURIComponent(hostile.slug)}`, [hostile.title]],
    [`#/compare/${id}/${plain.id}`, [hostile.title, hostile.template]],
  ]) {
    await page.evaluate((address) => (location.hash = "#/nothing") && (location.hash = address), address);
    for (const text of texts) await page.waitForFunction((text) => document.querySelector("main").textContent.includes(text), text);
    assert.equal(await page.locator("main :is(script, img, svg, iframe, object, [onerror], [onload])").count(), 0);
    assert.equal(await page.locator('main a:not([href^="#/"])').count(), 0);
  }
  await page.evaluate((address) => (location.hash = address), `#/prompts/${id}`);
  await page.getByRole("button", { name: /^Compare/ }).click();
  assert.equal(await page.locator("#tray li").textContent(), hostile.title);
  assert.deepEqual(page.requests.filter((url) => decodeURIComponent(new URL(url).pathname).startsWith("/harm/")), []);
});

describe("failures are told in words", { concurrency: 4 }, () => {
  for (const [name, prepare, address, expected] of [
    ["429", refusing(429, "**/rest/v1/prompts*", { "Retry-After": "17" }), "#/", "Too many requests came from your address. Try again in 17 seconds."],
    ["503", refusing(503, "**/rest/v1/prompts*", { "Retry-After": "1" }), "#/", "The library cannot reach its storage now. Try again in a moment."],
    ["500 without words", refusing(500, "**/v1/templates/search*"), "#/?q=plain", "Something went wrong in the library (status 500)."],
    ["no answer", (page) => page.route("**/rest/v1/prompts*", (route) => route.abort()), "#/", "The library does not answer."],
    ["no JSON", (page) => page.route("**/v1/prompts/*/{stats,live}", (route) => route.fulfill({ body: "<html>" })), `#/prompts/${plain.id}`, "The counts stand still."],
    ["429 of counts", refusing(429, "**/v1/prompts/*/{stats,live}", { "Retry-After": "9" }), `#/prompts/${plain.id}`, "The counts stand still. Too many requests came from your address. Try again in 9 seconds."],
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
    await shows(page, "likeCount", 0);
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

describe("an instance with keys of its own", { concurrency: 4 }, () => {
  const answer = async (page, text) => {
    await page.locator("#question-answer").fill(text);
    await button(page, "Go on").click();
  };
  const kept = (page) => page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));

  test("asks for the service key, which loads the sample and is kept nowhere", async () => {
    await using page = await own.open("#/", { prepare: seeingNothing });
    await button(page, "Load 30 sample prompts").click();
    await page.getByRole("dialog", { name: "The service key, please" }).waitFor();
    for (const wrong of [DEVELOPMENT.SERVICE_KEY, "wrong"]) {
      await answer(page, wrong);
      await page.getByRole("alert").filter({ hasText: "This key or token is not accepted here." }).waitFor();
    }
    await answer(page, SETTINGS.SERVICE_KEY);
    await page.heading(SAMPLE[0].title);
    assert.ok(!(await kept(page)).includes(SETTINGS.SERVICE_KEY));
    assert.equal(await page.locator("#question-answer").inputValue(), "");
  });

  test("asks for a token to like, and the tab keeps that", async () => {
    const { id } = await own.template({ title: "Signed" });
    await using page = await own.open(`#/prompts/${id}`);
    await button(page, "Like").click();
    await page.getByRole("dialog", { name: "A token, please" }).waitFor();
    await button(page, "Cancel").click();
    await page.getByRole("button", { name: "Like", exact: true, pressed: false }).waitFor();
    await button(page, "Like").click();
    for (const wrong of ["wrong", SETTINGS.PUBLISHABLE_KEY]) {
      await answer(page, wrong);
      await page.getByRole("alert").filter({ hasText: "This key or token is not accepted here." }).waitFor();
    }
    const sub = crypto.randomUUID();
    await answer(page, token({ sub, role: "authenticated" }));
    await shows(page, "likeCount", 1);
    await page.reload();
    await page.getByRole("button", { name: "Like", exact: true, pressed: true }).waitFor();
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
    await shows(page, "viewCount", 0);
  });
});
