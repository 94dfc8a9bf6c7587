// What PostgreSQL answers: a file in expected/ for each table, and what it was recorded from.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { CELLS } from "./cells.mjs";
import { SEED } from "./seed.mjs";
import { sql } from "./sql.mjs";

/** Where the record is. */
const FOLDER = new URL("expected/", import.meta.url);

/** The oracle: tables, policies and grants. */
export const MODEL = readFileSync(new URL("postgres.sql", import.meta.url), "utf8");

/** Changes with whatever PostgreSQL was asked: a record of another digest is of another matrix. */
export function digest() {
  const asked = [MODEL, SEED, CELLS.map(({ name, request }) => [name, sql(request)])];
  return createHash("sha256").update(JSON.stringify(asked)).digest("hex");
}

/** The record: the `digest` of each file, and `cells` by name, each with an `error`, or with `rows`, `count` and `changes`. */
export function recorded() {
  const files = readdirSync(FOLDER).map((name) => JSON.parse(readFileSync(new URL(name, FOLDER), "utf8")));
  return { digests: files.map((file) => file.digest), cells: Object.assign({}, ...files.map((file) => file.cells)) };
}

/** Records anew: a line for each cell, with its outcome, in the file of the table that its name begins with. */
export function record(outcomes) {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER);
  const told = ([name, outcome]) => `${JSON.stringify(name)}:${JSON.stringify(outcome)}`;
  for (const [table, cells] of Map.groupBy(outcomes, ([name]) => name.split(":")[0])) {
    const text = `{"digest":"${digest()}","cells":{\n${cells.map(told).join(",\n")}\n}}\n`;
    writeFileSync(new URL(`${table}.json`, FOLDER), text);
  }
}
