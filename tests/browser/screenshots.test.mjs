// The pictures in docs/pictures: those of the README are there, no others are, and they can be taken anew.
import assert from "node:assert/strict";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fill } from "../../scripts/pictures/filled.mjs";
import { COLOUR_SCHEMES, MOST_BYTES, PICTURES, fileOf, take } from "../../scripts/pictures/pictures.mjs";
import { launchVisitor, loadSample } from "../../scripts/pictures/reader.mjs";
import { ROOT } from "../worker/instance.mjs";
import { Served } from "../worker/served.mjs";
import { DEVELOPMENT, SAMPLE } from "./library.mjs";

const FOLDER = "docs/pictures";

/** Width and height of a lossy WebP. */
function sizeOf(bytes) {
  assert.deepEqual([bytes.toString("latin1", 0, 4), bytes.toString("latin1", 8, 15)], ["RIFF", "WEBPVP8"]);
  const frame = bytes.indexOf(Buffer.from([0x9d, 0x01, 0x2a]));
  return [bytes.readUInt16LE(frame + 3) & 0x3fff, bytes.readUInt16LE(frame + 5) & 0x3fff];
}

test("the README shows every picture that there is, with words for who does not see it", async () => {
  const readme = await readFile(join(ROOT, "README.md"), "utf8");
  const shown = [...readme.matchAll(/docs\/pictures\/[\w-]+\.webp/g)].map(([path]) => path);
  const there = (await readdir(join(ROOT, FOLDER))).map((name) => `${FOLDER}/${name}`);
  assert.deepEqual([...new Set(shown)].sort(), there.sort());
  const taken = Object.keys(PICTURES).flatMap((name) => COLOUR_SCHEMES.map((scheme) => `${FOLDER}/${fileOf(name, scheme)}`));
  assert.deepEqual(taken.sort(), there.sort());
  for (const path of there) {
    const bytes = await readFile(join(ROOT, path));
    assert.ok(bytes.length <= MOST_BYTES, `${path}: ${bytes.length} bytes`);
    assert.ok(sizeOf(bytes)[0] >= 1000, path);
  }
  for (const [image] of readme.matchAll(/<img [^>]*>/g)) assert.match(image, / alt="[^"]{20,}"/, image);
});

test("pictures are taken of an instance that is filled by the API, and nothing goes wrong in its pages", async () => {
  const folder = await mkdtemp(join(tmpdir(), "promptmeter-pictures-"));
  after(() => rm(folder, { recursive: true }));
  const served = await Served.make(DEVELOPMENT);
  after(() => served.end());
  const browser = await launchVisitor();
  after(() => browser.close());
  const { url: origin, get } = await served.start({ assets: true });
  await loadSample(browser, origin);
  await fill({ origin, keys: DEVELOPMENT, prompts: SAMPLE, views: 120, sessions: 60, uses: 10, cron: () => served.cron() });
  const given = { browser, origin, serviceKey: DEVELOPMENT.SERVICE_KEY, folder };
  for (const name of Object.keys(PICTURES)) {
    for (const colorScheme of COLOUR_SCHEMES) {
      await take(name, { ...given, colorScheme });
      const bytes = await readFile(join(folder, fileOf(name, colorScheme)));
      assert.deepEqual(sizeOf(bytes), [1120, PICTURES[name].height]);
      assert.ok(bytes.length > 10_000, `${name}: ${bytes.length} bytes are an empty page`);
    }
  }
  const [first] = SAMPLE;
  const { viewCount } = (await get(`/v1/prompts/${first.id}/stats`)).body;
  assert.ok(viewCount > 20, `${viewCount} views`);
  await assert.rejects(take("dashboard", { ...given, serviceKey: "wrong", colorScheme: "light" }), /401/);
});
