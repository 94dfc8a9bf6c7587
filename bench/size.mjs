// What the code of the worker's module consists of, by the crates of its functions: node bench/size.mjs
//
// The worker has to be built with the names of functions: rm -f build/.done && make build WASM_DEBUG=-g
import { readFileSync } from "node:fs";
import { join } from "node:path";

const MODULE = join(import.meta.dirname, "../build/index_bg.wasm");
const [IMPORTS, CODE, CUSTOM] = [2, 10, 0];
const FUNCTION_NAMES = 1;
const LEAST_SHARE = 0.02;

const bytes = readFileSync(MODULE);
let at = 8;

function number() {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++];
    value += (byte & 127) * 2 ** shift;
    if (byte < 128) return value;
  }
}

function text() {
  const length = number();
  return bytes.toString("utf8", at, (at += length));
}

/** The crate that a function is of; of a method of a trait, that of the type. */
function crateOf(name) {
  return /([a-z_][a-z0-9_]*)(?:\[[0-9a-f]+\])?::/i.exec(name)?.[1] ?? "others";
}

const [sizes, names] = [[], new Map()];
let imported = 0;
while (at < bytes.length) {
  const [section, end] = [bytes[at++], number() + at];
  if (section === IMPORTS) {
    imported = WebAssembly.Module.imports(new WebAssembly.Module(bytes)).filter(({ kind }) => kind === "function").length;
  } else if (section === CODE) {
    for (let left = number(); left > 0; left--) {
      const size = number();
      sizes.push(size);
      at += size;
    }
  } else if (section === CUSTOM && text() === "name") {
    while (at < end) {
      const [kind, length] = [bytes[at++], number()];
      const behind = at + length;
      if (kind === FUNCTION_NAMES) for (let left = number(); left > 0; left--) names.set(number(), text());
      at = behind;
    }
  }
  at = end;
}

const total = sizes.reduce((sum, size) => sum + size, 0);
const byCrate = new Map();
for (const [place, size] of sizes.entries()) {
  const crate = crateOf(names.get(place + imported) ?? "");
  byCrate.set(crate, (byCrate.get(crate) ?? 0) + size);
}
console.log(`${total} bytes of code, ${sizes.length} functions`);
for (const [crate, size] of [...byCrate].sort(([, one], [, other]) => other - one)) {
  if (size >= total * LEAST_SHARE) console.log(`${((100 * size) / total).toFixed(0).padStart(3)} %  ${crate}`);
}
