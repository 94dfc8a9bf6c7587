// What a request came to, in the form in which the record has it: rows by their keys, UUIDs by their names.
import { isDeepStrictEqual } from "node:util";
import { POLICIES, POLICY } from "./policies.mjs";
import { nameOf, named } from "./seed.mjs";

/** The key of a row, as text. */
export const keyOf = (table, row) => POLICY[table].key.map((column) => nameOf(row[column])).join(" | ");

/** The keys of the rows that a request gave; where a table is embedded, each with the keys of what is embedded. */
export function given({ method, table, embed }, rows) {
  const isOrdered = method === "GET" || method === "POST";
  return keys(table, isOrdered ? rows : sorted(table, rows), embed);
}

const keys = (table, rows, embed) =>
  rows.map((row) => (embed ? [keyOf(table, row), embedded(embed, row[embed.table])] : keyOf(table, row)));

const embedded = ({ table, embed }, value) =>
  Array.isArray(value) ? keys(table, sorted(table, value), embed) : value && keys(table, [value], embed)[0];

// The order of rows that are embedded, changed or removed is nobody's promise.
const sorted = (table, rows) => rows.toSorted((a, b) => (keyOf(table, a) < keyOf(table, b) ? -1 : 1));

const byKey = (table, rows) => new Map(rows.map((row) => [keyOf(table, row), row]));

/** What became of the rows of all tables: of a changed row the changed columns, a new row, null for one that is gone. */
export function changes(before, after) {
  if (after === before) return {};
  const changed = POLICIES.map(({ table }) => {
    const [old, now] = [byKey(table, before[table]), byKey(table, after[table])];
    const gone = [...old.keys()].filter((key) => !now.has(key)).map((key) => [key, null]);
    const others = [...now].map(([key, row]) => [key, difference(old.get(key), row)]).filter(([, difference]) => difference);
    return [table, Object.fromEntries([...gone, ...others].toSorted(([a], [b]) => (a < b ? -1 : 1)))];
  });
  return named(Object.fromEntries(changed.filter(([, rows]) => Object.keys(rows).length)));
}

function difference(old, row) {
  if (!old) return row;
  const columns = Object.entries(row).filter(([column, value]) => !isDeepStrictEqual(value, old[column]));
  return columns.length ? Object.fromEntries(columns) : undefined;
}
