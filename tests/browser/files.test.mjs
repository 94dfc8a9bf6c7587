// The files that pages load: how large they are, and that the types name what is there.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { ROOT } from "../worker/instance.mjs";

const read = (name) => readFile(join(ROOT, "public", name), "utf8");

for (const [name, most] of [
  ["pm.js", 1536],
  ["pm-count.js", 1024],
  ["pm.mjs", 1600],
]) {
  test(`${name} has at most ${most} bytes, gzipped`, async () => {
    const { length } = gzipSync(await read(name), { level: 9 });
    assert.ok(length <= most, `${length} bytes`);
  });
}

test("the types are those of the module, which does nothing on a server", async () => {
  const types = await read("pm.d.ts");
  const typed = [...types.matchAll(/^export function (\w+)/gm)].map(([, name]) => name).sort();
  const module = await import(join(ROOT, "public/pm.mjs"));
  assert.deepEqual(Object.keys(module).sort(), typed);
  const listed = types.slice(types.indexOf("var pm:"));
  assert.deepEqual([...listed.matchAll(/^ +(\w+): typeof \1;$/gm)].map(([, name]) => name).sort(), typed);
  for (const call of Object.values(module)) assert.equal(await call("anything"), undefined);
});
