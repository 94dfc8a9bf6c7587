// Takes the pictures of docs/pictures, of an instance on an empty state:
// node scripts/screenshots.mjs FOLDER [NAME …], all of them without a name.
import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { DEVELOPMENT, SAMPLE } from "../tests/browser/library.mjs";
import { Served } from "../tests/worker/served.mjs";
import { fill } from "./pictures/filled.mjs";
import { COLOUR_SCHEMES, MOST_BYTES, PICTURES, fileOf, take } from "./pictures/pictures.mjs";
import { launchVisitor, loadSample } from "./pictures/reader.mjs";
import { fail } from "./settings.mjs";

const AMOUNTS = { views: 9000, sessions: 5200, uses: 320 };

const [folder, ...names] = process.argv.slice(2);
if (!folder) fail("usage: node scripts/screenshots.mjs FOLDER [NAME …]");
await mkdir(folder, { recursive: true });
const served = await Served.make(DEVELOPMENT);
const browser = await launchVisitor();
try {
  const { url: origin } = await served.start({ assets: true });
  await loadSample(browser, origin);
  await fill({ origin, keys: DEVELOPMENT, prompts: SAMPLE, cron: () => served.cron(), ...AMOUNTS });
  for (const name of names.length ? names : Object.keys(PICTURES)) {
    for (const colorScheme of COLOUR_SCHEMES) {
      await take(name, { browser, origin, serviceKey: DEVELOPMENT.SERVICE_KEY, folder, colorScheme });
      const file = join(folder, fileOf(name, colorScheme));
      const { size } = await stat(file);
      console.log(`${file}: ${size} bytes`);
      if (size > MOST_BYTES) throw new Error(`${file} has more than ${MOST_BYTES} bytes.`);
    }
  }
} finally {
  await browser.close();
  await served.end();
}
