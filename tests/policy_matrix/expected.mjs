// What PostgreSQL answers: expected.json, and what it was recorded from.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { CELLS } from "./cells.mjs";
import { SEED } from "./seed.mjs";
import { sql } from "./sql.mjs";

/** Where the record is. */
export const EXPECTED = new URL("expected.json", import.meta.url);

/** The oracle: tables, policies and grants. */
export const MODEL = readFileSync(new URL("postgres.sql", import.meta.url), "utf8");

/** Changes with whatever PostgreSQL was asked: a record of another digest is of another matrix. */
export function digest() {
  const asked = [MODEL, SEED, CELLS.map(({ name, request }) => [name, sql(request)])];
  return createHash("sha256").update(JSON.stringify(asked)).digest("hex");
}

/** The record: `digest`, and `cells` by name, each with an `error`, or with `rows`, `count` and `changes`. */
export const recorded = () => JSON.parse(readFileSync(EXPECTED, "utf8"));
