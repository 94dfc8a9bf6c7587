// Writes to public/ the script for browsers, from its source in browser/, and what draws the dashboard's charts.
import { readFileSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

/** Browsers of 2020 and later. */
const TARGET = "es2021";
const FORMATS = { "pm.js": "iife", "pm-count.js": "iife", "pm.mjs": "esm" };

for (const [name, format] of Object.entries(FORMATS)) {
  const outfile = `public/${name}`;
  await build({ entryPoints: [`browser/${name}`], outfile, format, bundle: true, minify: true, target: TARGET });
  const gzipped = gzipSync(await readFile(outfile), { level: 9 }).length;
  console.log(`${name}: ${statSync(outfile).size} bytes, ${gzipped} gzipped`);
}

const PACKAGE = "node_modules/uplot";
const banner = `/*\n${readFileSync(`${PACKAGE}/LICENSE`, "utf8").trim()}\n*/`;
await build({
  entryPoints: { uplot: `${PACKAGE}/dist/uPlot.esm.js`, "uplot-style": `${PACKAGE}/dist/uPlot.min.css` },
  outdir: "public/dashboard",
  outExtension: { ".js": ".mjs" },
  banner: { js: banner, css: banner },
  format: "esm",
  bundle: true,
  minify: true,
  target: TARGET,
});
