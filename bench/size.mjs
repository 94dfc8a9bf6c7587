// What the code of a module consists of, by the crates of its functions: node bench/size.mjs MODULE
//
// The module has to have the names of its functions; make bench-routes makes one of the worker. Gzipped is the code of each crate alone:
// together they are compressed a little better.
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

const byCrate = new Map();
for (const [place, body] of bodies.entries()) {
  const crate = crateOf(names.get(place + imported) ?? "");
  byCrate.set(crate, [...(byCrate.get(crate) ?? []), body]);
}
const lengthOf = (parts) => parts.reduce((sum, part) => sum + part.length, 0);
const total = lengthOf(bodies);
const crates = [...byCrate].map(([crate, parts]) => [crate, lengthOf(parts), parts]).sort(([, one], [, other]) => other - one);
console.log(`${total} bytes of code, ${bodies.length} functions\n\n| crate | bytes | share | gzipped |\n| --- | --- | --- | --- |`);
for (const [crate, size, parts] of crates.filter(([, size]) => size >= total * LEAST_SHARE)) {
  console.log(`| ${crate} | ${size} | ${((100 * size) / total).toFixed(0)} % | ${gzipSync(Buffer.concat(parts), { level: 9 }).length} |`);
}
