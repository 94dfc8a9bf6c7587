// The demo library as readers have it: from an empty instance to what each of its parts does.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { promptRow, until } from "../worker/instance.mjs";
import { SAMPLE, library, refusing, seeingNothing, shows } from "./library.mjs";

const { get, imported, open, post, prompt, stats, template } = await library();
const [FIRST] = SAMPLE;
const button = (page, name) => page.getByRole("button", { name, exact: true });
const clipboard = (page) => page.evaluate(() => navigator.clipboard.readText());
const cards = (page) => page.locator(".card h2").allTextContents();
const says = (page, text) => page.locator("#said").filter({ hasText: text }).waitFor();

test("an empty library is full after one click, and a number moves", async () => {
  await using page = await open("");
  await page.heading("This library is empty");
  await button(page, "Load 30 sample prompts").click();
  await page.heading(FIRST.title);
  await shows(page, "viewCount", 0);
  await shows(page, "viewCount", 1);
  assert.equal((await stats(FIRST.id)).viewCount, 1);
  assert.equal((await get("/rest/v1/prompt_templates?select=id")).body.length, 30);
});

test("the sample is loaded again without a change", async () => {
  const before = (await get("/rest/v1/prompts?order=id")).body;
  await using page = await open("", { prepare: seeingNothing });
  await button(page, "Load 30 sample prompts").click();
  await page.heading(FIRST.title);
  const unchanged = (rows) => rows.map(({ updated_at, created_at, ...row }) => row);
  assert.deepEqual(unchanged((await get("/rest/v1/prompts?order=id")).body), unchanged(before));
  assert.equal((await get("/rest/v1/prompt_templates?select=id")).body.length, 30);
});

describe("the list", { concurrency: 5 }, () => {
  test("shows a page, then more, and is where readers were", async () => {
    await using page = await open("#/?category=");
    await page.heading("All prompts");
    const shown = await cards(page);
    assert.equal(shown.length, 24);
    await button(page, "Show more").click();
    await until(async () => (await cards(page)).length >= 30, "the rest is shown");
    const all = await cards(page);
    assert.equal(await page.evaluate(() => document.activeElement.textContent), all[24]);
    for (const { title } of SAMPLE) assert.equal(all.filter((shown) => shown === title).length, 1, title);
  });

  test("is narrowed by a category, which the address names", async () => {
    await using page = await open();
    await page.getByRole("navigation", { name: "Categories" }).getByRole("link", { name: "data", exact: true }).click();
    await page.heading("data");
    const expected = SAMPLE.filter(({ category }) => category === "data").map(({ title }) => title);
    assert.deepEqual((await cards(page)).sort(), expected.sort());
    assert.equal(await page.evaluate(() => document.activeElement.tagName), "H1");
    assert.match(await page.title(), /^data · /);
    await page.reload();
    await page.heading("data");
    assert.equal(await page.locator('.categories [aria-current="page"]').textContent(), "data");
  });

  test("finds what is typed, best first, and marks it; back is the list", async () => {
    await using page = await open();
    await page.heading("All prompts");
    await page.getByRole("searchbox").pressSequentially("socratic tut");
    await page.heading("Socratic tutor");
    await page.locator(".card mark").first().waitFor();
    assert.equal((await cards(page))[0], "Socratic tutor");
    assert.ok(await page.getByRole("searchbox").evaluate((field) => field === document.activeElement));
    await page.locator("#found").filter({ hasText: "“socratic tut”" }).waitFor({ state: "attached" });
    await page.goBack();
    await page.heading("All prompts");
    assert.equal(await page.getByRole("searchbox").inputValue(), "");
  });

  test("finds prompts that are no templates, whatever signs a word has", async () => {
    const strange = `50%_off,"quoted"\\(path)*`;
    const { title } = await prompt({ title: "No template, but a prompt", template: `A ${strange} text: qqfirst qqsecond` });
    for (const q of [strange, `"quoted"`, "50%_off", "no TEMPLATE"]) {
      await using page = await open(`#/?${new URLSearchParams({ q })}`);
      await page.heading("Found");
      assert.ok((await cards(page)).includes(title), q);
    }
    await using page = await open("#/?q=qqfirst%25qqsecond");
    await page.heading("Found");
    assert.deepEqual(await cards(page), []);
    await page.getByText("Nothing was found for “qqfirst%qqsecond”.").first().waitFor();
  });

  test("has counts that move, of which the worker is asked with their tag", async () => {
    const { id, title } = await prompt({ title: "Counted elsewhere", category: "counted" });
    await Promise.all([prompt({ category: "counted" }), prompt({ category: "counted" })]);
    const answers = [];
    const prepare = (page) => page.on("response", (response) => response.url().includes("/v1/prompts/stats") && answers.push(response.status()));
    await using page = await open("#/?category=counted", { prepare });
    const card = `.card:has-text("${title}")`;
    await shows(page, "copyCount", 0, card);
    for (let copy = 0; copy < 3; copy++) await post(`/v1/prompts/${id}/copy`);
    await shows(page, "copyCount", 3, card);
    await until(() => answers.includes(304), "an answer that has not changed");
    assert.deepEqual([...new Set(answers)].sort(), [200, 304]);
  });
});

describe("a prompt", { concurrency: 4 }, () => {
  test("has counts that are told as they change, and asked for where they are not", async () => {
    const asked = (page, end) => page.requests.filter((url) => url.endsWith(end)).length;
    const { id } = await prompt({ title: "Told" });
    // What is asked for does not come any more once it is told.
    const refused = (page) => page.route("**/v1/prompts/*/stats", (route) => (asked(page, "/stats") > 1 ? route.abort() : route.continue()));
    await using told = await open(`#/prompts/${id}`, { prepare: refused });
    await using asking = await open(`#/prompts/${id}`, { prepare: refusing(503, "**/live") });
    for (const page of [told, asking]) await shows(page, "copyCount", 0);
    await until(() => asked(told, "/live") === 1 && asked(asking, "/live") === 1);
    await post(`/v1/prompts/${id}/copy`);
    for (const page of [told, asking]) await shows(page, "copyCount", 1);
    await told.locator("#standing").filter({ hasText: /^$/ }).waitFor({ state: "attached" });

    const turn = (isHidden) =>
      told.evaluate((hidden) => {
        Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
      }, isHidden);
    const ended = told.waitForEvent("requestfailed", (request) => request.url().endsWith("/live"));
    await turn(true);
    await ended;
    await post(`/v1/prompts/${id}/copy`);
    await shows(asking, "copyCount", 2);
    await shows(told, "copyCount", 1);
    await turn(false);
    await shows(told, "copyCount", 2);
    assert.equal(asked(told, "/live"), 2);
  });

  test("is filled in and copied as it is shown", async () => {
    const { id } = await prompt({
      title: "To fill in",
      slug: "to fill/in?",
      template: "Write about ${topic} in ${language:English}.\n\n  {{ more }}: <b>${topic}</b>\n",
    });
    await using page = await open(`#/prompts/${id}`);
    await page.heading("To fill in");
    assert.match(page.url(), /#\/prompts\/to%20fill%2Fin%3F$/);
    assert.equal(await page.getByLabel("Language").inputValue(), "English");
    await page.getByLabel("Topic").fill("<i>bees</i>\nand $& wasps");
    const expected = "Write about <i>bees</i>\nand $& wasps in English.\n\n  {{ more }}: <b><i>bees</i>\nand $& wasps</b>\n";
    assert.equal(await page.locator("pre.text").textContent(), expected);
    assert.equal(await page.locator("pre mark").textContent(), "{{ more }}");
    await button(page, "Copy").click();
    await says(page, "Copied.");
    assert.equal(await clipboard(page), expected);
    await shows(page, "copyCount", 1);
    await shows(page, "viewCount", 1);
    await page.reload();
    await page.heading("To fill in");
  });

  test("that cannot be copied says so, and is not counted", async () => {
    const { id } = await prompt();
    const prepare = (page) => page.addInitScript(() => Object.defineProperty(navigator, "clipboard", { value: undefined }));
    await using page = await open(`#/prompts/${id}`, { prepare });
    await button(page, "Copy").click();
    await says(page, "Select the text and copy it by hand.");
    await shows(page, "viewCount", 1);
    assert.equal((await stats(id)).copyCount, 0);
  });

  test("is liked once by one reader, by another once more, and each takes back a like of their own", async () => {
    const { id } = await template({ title: "Likeable" });
    const like = async (page, count) => {
      await button(page, "Like").click();
      await page.getByRole("button", { name: "Like", exact: true, pressed: true }).waitFor();
      await shows(page, "likeCount", count);
    };
    await using page = await open(`#/prompts/${id}`);
    await like(page, 1);
    await page.reload();
    await page.getByRole("button", { name: "Like", exact: true, pressed: true }).waitFor();
    await using other = await open(`#/prompts/${id}`);
    await other.getByRole("button", { name: "Like", exact: true, pressed: false }).waitFor();
    await like(other, 2);
    assert.equal((await stats(id)).likeCount, 2);
    for (const [reader, left] of [[page, 1], [other, 0]]) {
      await button(reader, "Like").click();
      await reader.getByRole("button", { name: "Like", exact: true, pressed: false }).waitFor();
      await shows(reader, "likeCount", left);
      assert.equal((await stats(id)).likeCount, left);
    }
    await page.reload();
    await page.getByRole("button", { name: "Like", exact: true, pressed: false }).waitFor();
    await like(page, 1);
  });

  test("that is no template has nothing to like", async () => {
    const { id } = await prompt();
    await using page = await open(`#/prompts/${id}`);
    await button(page, "Fork").waitFor();
    assert.equal(await button(page, "Like").count(), 0);
  });

  test("is forked; the fork is its owner's, who finds it again", async () => {
    const { id } = await prompt({ title: "To fork", slug: "to-fork", template: "The same ${words}" });
    await using page = await open("#/prompts/to-fork");
    await button(page, "Fork").click();
    await page.getByText("Only you can see this prompt.").waitFor();
    await page.heading("To fork");
    assert.equal(await page.locator("pre.text").textContent(), "The same ${words}");
    const fork = page.url();
    await page.reload();
    await page.getByText("Only you can see this prompt.").waitFor();
    await page.locator(".note").filter({ hasText: "A fork of To fork." }).getByRole("link", { name: "To fork" }).click();
    await until(() => page.url().endsWith("#/prompts/to-fork"), "the first is shown");
    await shows(page, "forkCount", 1);
    assert.equal((await stats(id)).forkCount, 1);
    const forks = page.getByRole("complementary", { name: "Forks" });
    await forks.getByText("1 fork is private.").waitFor();
    await forks.getByRole("link", { name: "To fork" }).click();
    await until(() => page.url() === fork, "the fork is shown");
    await page.getByRole("link", { name: "My prompts" }).click();
    await page.getByText("1 prompt is yours, the newest first.").first().waitFor();
    assert.deepEqual([await cards(page), await page.locator(".card .category").textContent()], [["To fork"], "private"]);
    await page.getByRole("link", { name: "To fork" }).click();
    await until(() => page.url() === fork, "the fork is shown again");

    await using other = await open(new URL(fork).hash);
    await other.getByText("There is no such prompt, or it is not public.").waitFor();
    await other.getByRole("link", { name: "My prompts" }).click();
    await other.getByText("There are none yet.").waitFor();
    await other.goto(page.url().replace(/#.*/, "#/prompts/to-fork"));
    await other.heading("To fork");
    await other.getByText("1 fork is private.").waitFor();
    assert.equal(await other.getByRole("complementary", { name: "Forks" }).getByRole("link").count(), 0);
  });

  test("has its forks beside it, ten at a time, with what they were viewed", async () => {
    const { id } = await prompt({ title: "Often forked" });
    const forks = Array.from({ length: 12 }, (_, n) => promptRow({ title: `Fork ${n}`, forked_from: id }));
    await imported(forks);
    await post(`/v1/prompts/${forks[3].id}/view`);
    await using page = await open(`#/prompts/${id}`);
    const links = page.getByRole("complementary", { name: "Forks" }).getByRole("link");
    await links.first().waitFor();
    assert.equal(await links.count(), 10);
    await button(page, "More forks").click();
    await until(async () => (await links.count()) === 12, "all are shown");
    assert.deepEqual((await links.allTextContents()).sort(), forks.map(({ title }) => title).sort());
    assert.ok(await button(page, "More forks").isHidden());
    await until(async () => {
      await page.reload();
      await links.first().waitFor();
      // They stand in no order, so it may be among the last two.
      await button(page, "More forks").click();
      await links.nth(11).waitFor();
      return (await page.locator(".forks li").filter({ hasText: /^Fork 31 view$/ }).count()) === 1;
    }, "its view is told");
  });

  test("whose lineage cannot be told is shown without it", async () => {
    const { id } = await prompt({ title: "Alone" });
    await using page = await open(`#/prompts/${id}`, { prepare: refusing(503, "**/v1/prompts/*/lineage*") });
    await page.heading("Alone");
    await page.getByText("Its forks cannot be shown. The library cannot reach its storage now.").waitFor();
    await shows(page, "viewCount", 1);
  });

  test("is compared with another one: chosen in the list, side by side, counted once", async () => {
    const [one, two, three] = [await prompt({ category: "pairs", title: "One" }), await prompt({ category: "pairs", title: "Two" }), await prompt({ category: "pairs", title: "Three" })];
    await using page = await open("#/?category=pairs");
    for (const name of ["Three", "One", "Two"]) await button(page, `Compare ${name}`).click();
    assert.equal(await page.getByRole("button", { name: /^Compare/, pressed: true }).count(), 2);
    await page.getByRole("link", { name: "Compare side by side" }).click();
    await page.heading("Side by side");
    await page.getByText("This comparison is counted for both.").waitFor();
    assert.deepEqual(await page.locator(".columns h2").allTextContents(), ["One", "Two"]);
    await shows(page, "compareCount", 1, ".columns article:nth-child(2)");
    const again = page.waitForResponse((response) => response.url().endsWith("/v1/events"));
    await page.reload();
    assert.deepEqual(await (await again).json(), { accepted: 0, duplicates: 2, rejected: [] });
    const counted = await Promise.all([one, two, three].map(async ({ id }) => (await stats(id)).compareCount));
    assert.deepEqual(counted, [1, 1, 0]);
    const [pair] = (await get(`/v1/prompts/${one.id}/compared`)).body.prompts;
    assert.equal(pair.id, two.id);
    await button(page, "Clear").click();
    assert.ok(await page.locator("#tray").isHidden());
  });

  test("is not compared with itself", async () => {
    const { id } = await prompt();
    await using page = await open(`#/compare/${id}/${id}`);
    await page.getByText("This is one prompt. Choose two to compare.").waitFor();
  });
});

describe("addresses", { concurrency: 4 }, () => {
  const TOLD = [
    ["#/nothing", "There is nothing here"],
    ["#/prompts/%zz", "There is nothing here"],
    ["#/prompts/no-such-prompt", "There is no such prompt, or it is not public."],
    ["#/prompts/00000000-0000-4000-8000-000000000000", "There is no such prompt, or it is not public."],
    [`#/?q=${"a".repeat(1001)}`, "The library refused this: q has at most 1000 characters."],
    ["#/?category=no+such", "Nothing was found"],
  ];
  test("of nothing are told in words, and there is a way back", async () => {
    await using page = await open("#/nothing");
    for (const [address, text] of TOLD) {
      await page.evaluate((address) => (location.hash = address), address);
      await page.getByText(text).first().waitFor();
      await page.getByRole("link", { name: /^(All prompts|All)$/ }).click();
      await page.heading("All prompts");
    }
  });

  test("back and forward show what was there", async () => {
    const [{ title }] = SAMPLE;
    await using page = await open("#/?category=writing");
    await page.heading("writing");
    await page.getByRole("link", { name: title, exact: true }).click();
    await page.heading(title);
    await page.goBack();
    await page.heading("writing");
    await page.goForward();
    await page.heading(title);
  });
});
