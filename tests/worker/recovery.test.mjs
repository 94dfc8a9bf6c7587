// WebAssembly that stopped in the middle of a request starts anew with the next one, and its objects with it.
//
// No request is known that stops it. So the clock fails for requests that have a header: when it is asked as the request enters, or
// in a task that goes on when a counter has told.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { ROOT } from "./instance.mjs";
import { Served } from "./served.mjs";

const FAULTS = `
  const faults = {
    "a trap": () => new WebAssembly.RuntimeError("unreachable"),
    "an exception of the runtime": () => new Error("there is no clock"),
    "a stack that is too deep": () => new RangeError("Maximum call stack size exceeded"),
  };
  let fault, moment;
  const [{ now }, { forEach }] = [Date, Headers.prototype];
  Headers.prototype.forEach = function (...given) {
    [fault, moment] = [faults[this.get("x-fault")], this.get("x-moment")];
    return forEach.apply(this, given);
  };
  Date.now = () => {
    const present = fault && (new Error().stack.includes("Object.fetch") ? "as it enters" : "in a task");
    if (!fault || moment !== present) return now();
    const due = fault;
    fault = undefined;
    throw due();
  };
`;

const served = await Served.make();
after(() => served.end());
const build = join(served.folder, "build");
await rm(build);
await mkdir(build);
await symlink(join(ROOT, "build/index_bg.wasm"), join(build, "index_bg.wasm"));
await writeFile(join(build, "index.js"), FAULTS + (await readFile(join(ROOT, "build/index.js"), "utf8")));
const { counts, prompt, url } = await served.start();
const PROMPT = await prompt();

async function view(id) {
  const body = JSON.stringify({ id, type: "view", prompt_id: PROMPT });
  const response = await fetch(`${url}/v1/events`, { method: "POST", headers: { "content-type": "application/json" }, body });
  return [response.status, await response.json()];
}

describe("after", () => {
  let views = 0;
  const faults = ["a trap", "an exception of the runtime", "a stack that is too deep"];
  for (const [fault, moment] of faults.flatMap((fault) => ["as it enters", "in a task"].map((moment) => [fault, moment]))) {
    test(`${fault} ${moment}`, async () => {
      const id = randomUUID();
      assert.deepEqual(await view(id), [200, { accepted: 1, duplicates: 0, rejected: [] }]);
      const failed = await fetch(`${url}/v1/prompts/${PROMPT}/stats`, { headers: { "x-fault": fault, "x-moment": moment } });
      assert.equal(failed.status, 500);
      await failed.arrayBuffer();
      // What comes first has a head and a body, which lie in the new memory.
      assert.deepEqual(await view(id), [200, { accepted: 0, duplicates: 1, rejected: [] }]);
      assert.deepEqual(await view(randomUUID()), [200, { accepted: 1, duplicates: 0, rejected: [] }]);
      assert.equal((await counts(PROMPT))[0], (views += 2));
    });
  }
});
