// 1,000 requests made of the OpenAPI document. `make fuzz-api` makes more.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fuzz } from "./fuzzing.mjs";

const CASES = 1000;

test("the worker answers as the document says", async (t) => {
  const { cases, failures } = await fuzz(CASES);
  assert.deepEqual(failures, [], failures.join("\n"));
  assert.ok(cases >= CASES, `${cases} cases`);
  t.diagnostic(`schemathesis: ${cases} cases, 0 failures`);
});
