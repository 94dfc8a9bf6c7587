// Badges in the pages of others.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { set } from "./chromium.mjs";

const { open, prompt, url } = await set();

describe("a badge in a page", () => {
  test("is a picture of its own size, whatever its label is", async () => {
    const id = await prompt();
    const label = `</text><script>parent.hacked = 1</script><image href="x" onerror="parent.hacked = 1"/>`;
    const address = (query) => new URL(`/v1/prompts/${id}/badge.svg?${new URLSearchParams(query)}`, url).href;
    await using page = await open("", { head: "" });
    const sizes = [];
    for (const query of [{}, { style: "flat-square" }, { style: "for-the-badge" }, { label }, { label: "提示词 👀" }]) {
      const size = await page.evaluate(async (src) => {
        const image = Object.assign(new Image(), { src });
        document.body.append(image);
        await image.decode();
        return [image.naturalWidth, image.naturalHeight];
      }, address(query));
      sizes.push(size);
    }
    assert.deepEqual(sizes.map(([, height]) => height), [20, 20, 28, 20, 20]);
    const [[flat], [square], [large], [hostile], [wide]] = sizes;
    assert.ok(flat > 40 && flat === square && large > flat && hostile > 400 && wide > flat, String(sizes));

    // Opened as a page it is no more.
    const response = await page.goto(address({ label }));
    assert.equal(response.status(), 200);
    assert.equal(await page.evaluate(() => globalThis.hacked), undefined);
    assert.equal(await page.evaluate(() => document.getElementsByTagName("script").length + document.getElementsByTagName("image").length), 0);
  });

  test("keeps its letters inside", async () => {
    const id = await prompt();
    await using page = await open("", { head: "" });
    for (const label of ["views", "WWWWWWWWWW", "iiiiiiiiii", "Просмотры", "Ünïcödé", "表示回数", "e\u0301e\u0301e\u0301"]) {
      const address = new URL(`/v1/prompts/${id}/badge.svg?label=${encodeURIComponent(label)}`, url).href;
      await page.goto(address);
      const [text, box] = await page.evaluate(() => {
        const width = (one) => one.getBoundingClientRect().width;
        return [width(document.querySelector("text:not([aria-hidden])")), width(document.querySelector("g > rect"))];
      });
      assert.ok(text > 0 && text <= box, `${label}: ${text} in ${box}`);
    }
  });
});
