// 1,000 requests made of the OpenAPI document. `make fuzz-api` makes more.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { ROOT } from "../worker/instance.mjs";
import { fuzz } from "./fuzzing.mjs";

const CASES = 1000;

test("the document is valid OpenAPI 3.1", async () => {
  const validator = join(ROOT, ".tools/api/bin/openapi-spec-validator");
  const { stdout } = await promisify(execFile)(validator, ["--schema", "3.1", join(ROOT, "public/openapi.json")]);
  assert.match(stdout, /OK/);
});

test("the worker answers as the document says", async (t) => {
  const { cases, failures } = await fuzz(CASES);
  assert.deepEqual(failures, [], failures.join("\n"));
  assert.ok(cases >= CASES, `${cases} cases`);
  t.diagnostic(`schemathesis: ${cases} cases, 0 failures`);
});
