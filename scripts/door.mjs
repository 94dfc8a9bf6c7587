// Puts the door (src/edge/door.js) before the worker that worker-build left in build/.
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";

const BUILD = join(import.meta.dirname, "../build");
const worker = join(BUILD, "worker.js");

await rename(join(BUILD, "index.js"), worker);
await build({
  entryPoints: [join(import.meta.dirname, "../src/edge/door.js")],
  outfile: join(BUILD, "index.js"),
  alias: { "promptmeter-worker": worker },
  external: ["cloudflare:workers", "./index_bg.wasm"],
  bundle: true,
  minify: true,
  format: "esm",
  logLevel: "warning",
});
await rm(worker);
