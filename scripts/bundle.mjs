// Bundles what the runtime calls (src/edge/entry.js) with the bindings that wasm-bindgen wrote: node scripts/bundle.mjs BINDINGS
//
// wasm-bindgen copies the files of src/edge that the crate names. Here they are taken from where they stand, for one of them
// is imported by entry.js as well, and is to be the same one.
import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { build } from "esbuild";

const ROOT = join(import.meta.dirname, "..");
const COPIES = /\/snippets\/promptmeter-\w+\/src\//;
/** How wasm-bindgen imports the module, which the runtime has as a value. */
const IMPORT = "import source ";

const originals = {
  name: "originals",
  setup: ({ onResolve }) => onResolve({ filter: COPIES }, ({ path }) => ({ path: join(ROOT, path.slice(path.indexOf("/src/"))) })),
};

const { outputFiles: [bundle] } = await build({
  entryPoints: [join(ROOT, "src/edge/entry.js")],
  alias: { "promptmeter-bindings": resolve(process.argv[2]) },
  external: ["./index_bg.wasm", "cloudflare:workers"],
  plugins: [originals],
  bundle: true,
  minify: true,
  format: "esm",
  logLevel: "warning",
  write: false,
});
if (!bundle.text.includes(IMPORT)) throw new Error(`${process.argv[2]} imports its module in another way than it did`);
await writeFile(join(ROOT, "build/index.js"), bundle.text.replace(IMPORT, "import "));
