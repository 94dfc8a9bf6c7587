// Bundles what the runtime calls (src/edge/entry.js) with the bindings that wasm-bindgen wrote: node scripts/bundle.mjs BINDINGS
//
// wasm-bindgen copies the files of src/edge that the crate names. Here they are taken from where they stand, for one of them
// is imported by entry.js as well, and is to be the same one.
import { readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { build } from "esbuild";

const ROOT = join(import.meta.dirname, "..");
const OUT = join(ROOT, "build/index.js");

const originals = {
  name: "originals",
  setup: ({ onResolve }) => onResolve({ filter: /\/snippets\/promptmeter-\w+\/src\// }, ({ path }) => ({ path: join(ROOT, path.slice(path.indexOf("/src/"))) })),
};

await build({
  entryPoints: [join(ROOT, "src/edge/entry.js")],
  outfile: OUT,
  alias: { "promptmeter-bindings": resolve(process.argv[2]) },
  external: ["./index_bg.wasm"],
  plugins: [originals],
  bundle: true,
  minify: true,
  format: "esm",
  logLevel: "warning",
});
// The runtime has its own way to import a module: as others import a value.
await writeFile(OUT, (await readFile(OUT, "utf8")).replace("import source ", "import "));
