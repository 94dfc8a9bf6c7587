// The policy table as the worker has it; a native test compares policies.json with it.
import { readFileSync } from "node:fs";

/** The tables that callers may name, in their order: `table`, `columns` with their kinds, `key`, `references`, … */
export const POLICIES = JSON.parse(readFileSync(new URL("policies.json", import.meta.url), "utf8"));

/** The same by name. */
export const POLICY = Object.fromEntries(POLICIES.map((policy) => [policy.table, policy]));
