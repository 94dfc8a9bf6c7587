// Where what is tested lies.
import { join } from "node:path";

/** The folder of the repository. */
export const ROOT = new URL("../..", import.meta.url).pathname;

const folder = join(ROOT, "build/tested");

/** What `prepare.mjs` leaves for the instances of the tests: the worker's configuration, and a state whose database is migrated. */
export const TESTED = { folder, worker: join(folder, "worker.json"), state: join(folder, "state") };
