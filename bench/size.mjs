// What the code of a module consists of, by the crates of its functions: node bench/size.mjs MODULE
//
// The module has to have the names of its functions; make bench-routes makes one of the worker. The code of each crate is
// gzipped alone, and so is all of it.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const [IMPORTS, CODE, CUSTOM] = [2, 10, 0];
const FUNCTION_NAMES = 1;
const LEAST_SHARE = 0.02;

const bytes = readFileSync(process.argv[2]);
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

const [bodies, names] = [[], new Map()];
let imported = 0;
while (at < bytes.length) {
  const [section, end] = [bytes[at++], number() + at];
  if (section === IMPORTS) {
    imported = WebAssembly.Module.imports(new WebAssembly.Module(bytes)).filter(({ kind }) => kind === "function").length;
  } else if (section === CODE) {
    for (let left = number(); left > 0; left--) {
      const size = number();
      bodies.push(bytes.subarray(at, (at += size)));
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

const gzipped = (code) => gzipSync(code, { level: 9 }).length;
const all = Buffer.concat(bodies);
const byCrate = Map.groupBy(bodies.entries(), ([place]) => crateOf(names.get(place + imported) ?? ""));
const crates = [...byCrate].map(([crate, functions]) => [crate, Buffer.concat(functions.map(([, body]) => body))]);
console.log(`${bodies.length} functions\n\n| crate | bytes | share | gzipped |\n| --- | --- | --- | --- |`);
for (const [crate, code] of [["all", all], ...crates.sort(([, one], [, other]) => other.length - one.length)]) {
  const share = code.length / all.length;
  if (share >= LEAST_SHARE) console.log(`| ${crate} | ${code.length} | ${(100 * share).toFixed(0)} % | ${gzipped(code)} |`);
}
