// Where the time of workerd's process goes, of what perf sampled: perf report --no-children -g none --sort sym | node bench/profile.mjs
//
// To have names of functions, workerd runs with V8's --perf-basic-prof, and the worker is built with their names:
// rm -f build/.done && make build WASM_DEBUG=-g
import { readFileSync } from "node:fs";

/** In their order: what it is, and how the symbol of a function that belongs to it looks, with `[k]` for the kernel. */
const KINDS = [
  ["the kernel, most of it for sockets", /^\[k\]/],
  ["promptmeter's WebAssembly", /JS:[^~*^+'].*(turbofan|liftoff)/],
  ["JavaScript", /JS:/],
  ["V8's built-in functions", /Builtin/],
  ["allocating and freeing in the process", /tcmalloc|memmove|operator/],
  ["SQLite", /sqlite/i],
  ["V8, validating and compiling WebAssembly", /v8::internal::wasm::/],
  ["collecting garbage", /v8::internal::.*(Scaven|Mark|Sweep|Heap|GC)|cppgc/],
  ["V8 besides", /v8::/],
  ["workerd", /workerd::/],
  ["kj, the event loop", /kj::/],
  ["none of these", /./],
];

const shares = new Map(KINDS.map(([kind]) => [kind, 0]));
for (const line of readFileSync(0, "utf8").split("\n")) {
  const [, percent, symbol] = /^\s*([\d.]+)%\s+(.*)$/.exec(line) ?? [];
  if (!symbol) continue;
  const [kind] = KINDS.find(([, pattern]) => pattern.test(symbol));
  shares.set(kind, shares.get(kind) + Number(percent));
}
for (const [kind, share] of [...shares].sort(([, one], [, other]) => other - one)) console.log(`${share.toFixed(0).padStart(3)} %  ${kind}`);
