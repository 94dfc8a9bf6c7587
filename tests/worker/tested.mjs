// Where what is tested lies, and what its instances begin with.
import { cpSync, globSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** The folder of the repository. */
export const ROOT = new URL("../..", import.meta.url).pathname;

const folder = join(ROOT, "build/tested");

/** What `prepare.mjs` leaves for the instances of the tests: the worker's configuration, and a state whose database is migrated. */
export const TESTED = { folder, worker: join(folder, "worker.json"), state: join(folder, "state") };

/** Copies that state to a folder, as one that was migrated just now: the health of an instance tells of a cron that is silent. */
export function copyState(folder) {
  cpSync(TESTED.state, folder, { recursive: true });
  const [file] = globSync("v3/d1/miniflare-D1DatabaseObject/*.sqlite", { cwd: folder, exclude: ["**/metadata.sqlite"] });
  const database = new DatabaseSync(join(folder, file));
  database.exec("update d1_migrations set applied_at = current_timestamp");
  database.close();
}
