// An instance in wrangler's harness, for what workerd alone has not: static files as they are deployed, and the binding that limits
// rates. Each request takes several times as long there.
import { after } from "node:test";
import { createTestHarness } from "wrangler";
import { SETTINGS, client } from "./instance.mjs";
import { ROOT } from "./tested.mjs";

/** Starts an instance that ends with the tests of its file. */
export async function startInHarness(settings = {}) {
  const harness = createTestHarness({
    root: ROOT,
    workers: [{ configPath: "wrangler.toml", prebuiltWorkerDir: "build", secrets: { ...SETTINGS, ...settings } }],
  });
  after(() => harness.close());
  const { url } = await harness.listen();
  await harness.getWorker().applyD1Migrations("DB");
  return { ...client(url), url };
}
