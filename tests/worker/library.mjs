// What the tests of the data dialect share: callers that speak through the unmodified client, and queries that are
// known to be right because they are answered a second time here, row by row.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { createClient } from "@supabase/supabase-js";
import { SECRETS, SETTINGS, start, token } from "./instance.mjs";

// A request is sent once: a failure that a second try would hide is a failure.
const OPTIONS = { auth: { persistSession: false, autoRefreshToken: false }, db: { retry: false } };
const BATCH_ROWS = 200;

/** The bearer token of a user. */
export const tokenOf = (sub) => token({ sub, role: "authenticated" });

/** An instance with its callers: `anonymous`, `service`, and `somebody()`, a user with an `id`. */
export async function library() {
  const instance = await start();
  const url = `${instance.url}`;
  const withKey = (key) => createClient(url, key, OPTIONS);
  const service = withKey(SETTINGS.SERVICE_KEY);

  /** The client of a user, who need not have been seen before. */
  const somebody = (id = randomUUID()) => {
    const headers = { Authorization: `Bearer ${tokenOf(id)}` };
    return Object.assign(createClient(url, SETTINGS.PUBLISHABLE_KEY, { ...OPTIONS, global: { headers } }), { id });
  };

  /** Stores rows as the service and gives them as they are stored. */
  async function seed(table, rows) {
    const stored = [];
    for (let from = 0; from < rows.length; from += BATCH_ROWS) {
      stored.push(...(await rowsOf(service.from(table).insert(rows.slice(from, from + BATCH_ROWS), { defaultToNull: false }).select())));
    }
    return stored;
  }

  let everything;
  /** The statement that gives all rows of each table but `users`: users leave a row there by asking. */
  async function dumpStatement() {
    const columns = "select group_concat('\"' || name || '\"') from pragma_table_info(tables.name)";
    const named = "name <> 'users' and type = 'table' and sql like '%strict%'";
    const tables = await instance.sql(`select name, (${columns}) as columns from sqlite_master as tables where ${named}`);
    const rows = ({ name, columns }) =>
      `(select json_group_array(json_array(${columns})) from (select * from ${name} order by 1, 2)) as ${name}`;
    return `select ${tables.map(rows)}`;
  }

  return {
    ...instance,
    origin: url,

    /** All rows that are stored, but those of `users`, by table. */
    async dump() {
      everything ??= await dumpStatement();
      const [tables] = await instance.sql(everything);
      return Object.fromEntries(Object.entries(tables).map(([name, rows]) => [name, JSON.parse(rows)]));
    },

    anonymous: withKey(SETTINGS.PUBLISHABLE_KEY),
    service,
    somebody,
    seed,

    /** Users whose rows exist. */
    async known(count) {
      const users = Array.from({ length: count }, () => somebody());
      await seed("users", users.map(({ id }) => ({ id })));
      return users;
    },
  };
}

/** The data of an answer that must be a good one. */
export async function rowsOf(query) {
  const { data, error, status } = await query;
  assert.equal(error, null, `${status} ${JSON.stringify(error)}`);
  return data;
}

/** One column of the rows of an answer. */
export const columnOf = async (column, query) => (await rowsOf(query)).map((row) => row[column]);

/** Checks that a query is refused so, in PostgREST's form, with a hint at `named`, and gives the error. */
export async function refused(query, status, code, named) {
  const answer = await query;
  assert.deepEqual([answer.status, answer.error?.code, answer.data], [status, code, null], JSON.stringify(answer));
  assertError(answer.error, named);
  return answer.error;
}

/** Checks the form of an error: the four fields, no SQL, no secret, and the name of what it is about. */
export function assertError(error, named) {
  assert.deepEqual(Object.keys(error).sort(), ["code", "details", "hint", "message"], JSON.stringify(error));
  assert.ok(typeof error.message === "string" && error.message, "an error says what is wrong");
  const text = JSON.stringify(error);
  assert.doesNotMatch(text, /\b(select .* from|insert into|json_each|sqlite|D1_ERROR|panicked)\b/i, text);
  for (const secret of SECRETS) assert.ok(!text.includes(secret), "an error repeats a secret");
  if (named !== undefined) assert.ok([error.message, error.details, error.hint].join(" ").includes(named), `${text} does not name ${named}`);
}

/** An instant to the microsecond, however it is written. */
export function instant(text) {
  const [, seconds, fraction = "", zone] = /^(.*?)(?:\.(\d+))?(Z|[+-]\d\d:?\d\d)$/.exec(text);
  return `${new Date(seconds + zone).toISOString().slice(0, 19)}.${fraction.padEnd(6, "0")}`;
}

/** Chance that repeats: the same seed gives the same choices. */
export function chance(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (bound) => Math.floor(next() * bound);
  return {
    below,
    /** Whether something happens that happens this often. */
    happens: (share) => next() < share,
    one: (list) => list[below(list.length)],
    some: (list, count) => Array.from({ length: count }, () => list[below(list.length)]),
  };
}

/** PostgreSQL's `like` after PostgREST has taken `*` for `%`: by characters, with `\` before what stands for itself. */
export function isLike(text, pattern) {
  const parts = [];
  const signs = [...pattern.replaceAll("*", "%")];
  for (let index = 0; index < signs.length; index++) {
    if (signs[index] === "\\" && index + 1 < signs.length) parts.push({ is: signs[++index] });
    else if (signs[index] === "%") parts.push({ many: true });
    else parts.push(signs[index] === "_" ? { one: true } : { is: signs[index] });
  }
  // reach[i]: what has been read of the pattern can stand for the first i characters.
  const characters = [...text];
  let reach = [true, ...characters.map(() => false)];
  for (const part of parts) {
    const first = reach.indexOf(true);
    if (part.many) reach = reach.map((_, index) => first >= 0 && index >= first);
    else reach = reach.map((_, index) => index > 0 && reach[index - 1] && (part.one === true || part.is === characters[index - 1]));
  }
  return reach.at(-1);
}

/** Lower case as PostgreSQL's C.UTF-8 has it: character by character, each into one. */
const lower = (text) =>
  Array.from(text, (character) => {
    const folded = character.toLowerCase();
    return [...folded].length === 1 ? folded : character;
  }).join("");

/** PostgreSQL's `ilike`. */
export const isIlike = (text, pattern) => isLike(lower(text), lower(pattern));

/** A value in double quotes, as it stands in a list or a condition whatever is in it. */
export const quoted = (value) => `"${value.replace(/[\\"]/g, "\\$&")}"`;
