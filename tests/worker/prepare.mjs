// What the instances of the tests begin with, in build/tested: what wrangler reads in wrangler.toml, and a database that it migrated.
// It takes some seconds, and there are many of them.
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { unstable_readConfig as readConfig } from "wrangler";
import { ROOT, TESTED } from "./tested.mjs";

rmSync(TESTED.folder, { recursive: true, force: true });
mkdirSync(TESTED.folder, { recursive: true });
const wrangler = join(ROOT, "node_modules/wrangler/bin/wrangler.js");
const migrate = ["d1", "migrations", "apply", "promptmeter", "--local", "--persist-to", TESTED.state];
execFileSync(process.execPath, [wrangler, ...migrate], { cwd: ROOT, stdio: ["ignore", "ignore", "inherit"] });
writeFileSync(TESTED.worker, JSON.stringify(readConfig({ config: join(ROOT, "wrangler.toml") })));
