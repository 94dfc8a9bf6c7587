// SECURITY.md names the test that shows each of its claims: there has to be one.
import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../worker/instance.mjs";

test("every test that SECURITY.md names is there", async () => {
  // Those on workerd and in Chromium by their names, others with their folder.
  const names = await readdir(join(ROOT, "tests"), { recursive: true });
  const tests = new Set(names.map((name) => name.replace(/^(worker|browser)\//, "").replace(/(\.test\.mjs|\.rs)$/, "")));
  const text = await readFile(join(ROOT, "SECURITY.md"), "utf8");
  const rows = text.slice(text.indexOf("| an attacker may"), text.indexOf("## What does not hold")).split("\n").slice(2);
  const named = rows.filter((row) => row.startsWith("|")).map((row) => [...row.split("|").at(-2).matchAll(/`([\w/]+)`/g)].map(([, name]) => name));
  assert.ok(named.length > 10 && named.every((names) => names.length), "each threat has a test");
  assert.deepEqual(named.flat().filter((name) => !tests.has(name)), []);
});
