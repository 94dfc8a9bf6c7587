// Applies the migrations to the database of a local instance: node scripts/migrate.mjs STATE
//
// wrangler prints a table for each step of each migration: what it says is shown only if it fails.
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const [state] = process.argv.slice(2);
if (!state) {
  console.error("usage: node scripts/migrate.mjs STATE");
  process.exit(2);
}
const wrangler = join(import.meta.dirname, "../node_modules/wrangler/bin/wrangler.js");
const args = [wrangler, "d1", "migrations", "apply", "promptmeter", "--local", "--persist-to", state];
const { status, stdout, stderr } = spawnSync(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"], encoding: "utf8" });
if (status !== 0) {
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  process.exit(status ?? 1);
}
const applied = new Set(stdout.match(/\d+_\w+\.sql(?=\s*│\s*✅)/g));
if (applied.size > 0) console.log(`Applied ${applied.size} migrations to ${state}`);
