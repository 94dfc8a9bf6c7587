// The demo library for everybody: by keyboard, on a phone, by screen reader, in light and dark.
import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { ROOT, promptRow } from "../worker/instance.mjs";
import { library, refusing, shows } from "./library.mjs";

const { imported, open, template } = await library();
const AXE = { path: join(ROOT, "node_modules/axe-core/axe.min.js") };
const button = (page, name) => page.getByRole("button", { name, exact: true });

/** The prompts that the pages below show. */
const LONG = await template({ title: "Averyveryverylongwordwithoutabreak".repeat(4), category: "c".repeat(100), goal: "g".repeat(500), template: `\${${"n".repeat(50)}} ${"x".repeat(3000)}` });
const PLAIN = await template({ title: "Plain", goal: "A goal", category: "plain", template: "On ${topic:bees} and {{others}}" });
const FORKED = await template({ title: "Forked" });
await imported([promptRow({ title: "Fork".repeat(40), forked_from: FORKED.id }), promptRow({ forked_from: FORKED.id, is_public: false })]);
const PAGES = {
  "a list": "#/",
  "a search": "#/?q=plain",
  "a prompt": `#/prompts/${PLAIN.id}`,
  "a long prompt": `#/prompts/${LONG.id}`,
  "a comparison": `#/compare/${PLAIN.id}/${LONG.id}`,
  "a prompt with forks": `#/prompts/${FORKED.id}`,
  "one's own prompts": "#/mine",
  "a failure": "#/prompts/none",
};
const loaded = (page) => page.locator('main:not([aria-busy="true"]) h1').waitFor();

describe("whatever the page", { concurrency: 4 }, () => {
  for (const [name, address] of Object.entries(PAGES)) {
    test(`${name} has nothing that axe-core calls serious, light and dark, and needs no scrolling aside on a phone`, async () => {
      await using page = await open(address, { prepare: (page) => page.addInitScript(AXE) });
      await loaded(page);
      await judge(page);
      await page.setViewportSize({ width: 320, height: 640 });
      const chooser = page.getByRole("button", { name: /^Compare/ }).first();
      if (await chooser.count()) await chooser.click();
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 320);
    });
  }

  test("the question and the tray have nothing that axe-core calls serious, light and dark", async () => {
    const prepare = (page) => Promise.all([page.addInitScript(AXE), refusing(401, "**/rest/v1/users*")(page)]);
    await using page = await open("#/", { prepare });
    await page.getByRole("button", { name: /^Compare/ }).first().click();
    await judge(page);
    await page.getByRole("link", { name: "Plain", exact: true }).click();
    await page.heading("Plain");
    await button(page, "Like").click();
    await page.getByRole("dialog", { name: "A token, please" }).waitFor();
    await judge(page);
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "hidden" });
  });
});

/** Lets axe-core judge what the page shows, in light and in dark. */
async function judge(page) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number));
    assert.equal(ground[0] < 128, colorScheme === "dark");
    assert.deepEqual(await violations(page), [], colorScheme);
  }
}

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
