// Conditions, order, pages and embedding: generated queries, each answered a second time here, row by row, with
// PostgreSQL's three truth values and its place for nulls.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, test } from "node:test";
import { chance, instant, isIlike, isLike, library, quoted } from "./library.mjs";

const SEED = 20_261_120;
const QUERIES = 300;
const EMBEDDINGS = 100;
const DEPTH = 3;
const AT_ONCE = 8;

const { anonymous, known, seed, service } = await library();
const [owner, other] = await known(2);
const { below, happens, one, some } = chance(SEED);

const TEXTS = ["", "a", "A", "b", "ab", "a b", "a,b", "(a)", 'a"b', "a\\b", "a.b", "null", "é", "日本", "🎉", "{a}", "*", "%", "_", "not.eq.a"];
const NUMBERS = [0, 1, 2, 3, 4, 5, 10, 99, 1000, 2 ** 31, 2 ** 53 - 1];
const INSTANTS = [
  "2023-12-31T23:59:59.999999+00:00",
  "2024-01-01T00:00:00+00:00",
  "2024-01-01T00:00:00.000001+00:00",
  "2024-02-29T12:00:00.5+00:00",
  "2024-03-31T01:30:00+00:00",
  "2026-11-20T12:00:00.123456+00:00",
];

const bytes = (one, another) => Buffer.compare(Buffer.from(one), Buffer.from(another));
const KINDS = {
  text: { compare: bytes, from: () => one(TEXTS) },
  uuid: { compare: bytes },
  integer: { compare: (one, another) => one - another, from: () => one(NUMBERS) },
  boolean: { compare: (one, another) => Number(one) - Number(another), from: () => happens(0.5) },
  timestamp: { compare: (one, another) => bytes(instant(one), instant(another)), from: () => one(INSTANTS) },
};

const { text, uuid, integer, boolean, timestamp } = Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, kind]));
const COLUMNS = {
  prompts: {
    id: uuid,
    user_id: uuid,
    title: text,
    goal: text,
    category: text,
    is_public: boolean,
    is_active: boolean,
    forked_from: uuid,
    created_at: timestamp,
  },
  test_results: {
    id: uuid,
    prompt_id: uuid,
    model: text,
    input: text,
    rating: integer,
    duration_ms: integer,
    created_at: timestamp,
  },
  prompt_answers: { id: uuid, question: text, answer: text, position: integer, created_at: timestamp },
};

const rows = {};
const template = "A template";
const orNull = (value) => (happens(0.3) ? null : value);
const parents = Array.from({ length: 5 }, () => randomUUID());
rows.prompts = await seed(
  "prompts",
  Array.from({ length: 70 }, () => ({
    user_id: one([owner, other]).id,
    title: one(TEXTS),
    goal: orNull(one(TEXTS)),
    category: orNull(one(TEXTS)),
    is_public: happens(0.6),
    is_active: happens(0.8),
    forked_from: orNull(one(parents)),
    created_at: one(INSTANTS),
    template,
  })),
);
rows.test_results = await seed(
  "test_results",
  Array.from({ length: 90 }, () => ({
    prompt_id: one(rows.prompts).id,
    user_id: one([owner, other]).id,
    model: orNull(one(TEXTS)),
    input: orNull(one(TEXTS)),
    rating: orNull(1 + below(5)),
    duration_ms: orNull(one(NUMBERS)),
    created_at: one(INSTANTS),
  })),
);
rows.prompt_answers = await seed(
  "prompt_answers",
  Array.from({ length: 120 }, () => ({
    prompt_id: one(rows.prompts).id,
    question: one(TEXTS),
    answer: one(TEXTS),
    position: below(4),
    created_at: one(INSTANTS),
  })),
);

const CALLERS = { anonymous, owner, other, service };
const promptOf = ({ prompt_id }) => rows.prompts.find(({ id }) => id === prompt_id);

/** Whether a row is there for a caller. */
function isThere(table, row, caller) {
  if (caller === "service") return true;
  const isOwn = row.user_id !== undefined && row.user_id === CALLERS[caller].id;
  if (table === "prompts") return isOwn || (row.is_public && row.is_active);
  return table === "test_results" ? isOwn : isThere("prompts", promptOf(row), caller);
}

// Conditions. Each has `holds`, which gives true, false or null, and `text`, as it stands in or=(…).

const OPERATORS = {
  eq: (order) => order === 0,
  neq: (order) => order !== 0,
  gt: (order) => order > 0,
  gte: (order) => order >= 0,
  lt: (order) => order < 0,
  lte: (order) => order <= 0,
};
const LIKE = { like: isLike, ilike: isIlike };

const not = (truth) => (truth === null ? null : !truth);
const every = (truths) => (truths.includes(false) ? false : truths.includes(null) ? null : true);
const any = (truths) => not(every(truths.map(not)));

/** A value of this column: mostly one that a row has. */
function valueOf(table, column) {
  const kind = KINDS[COLUMNS[table][column]];
  const stored = one(rows[table])[column];
  if (stored !== null && happens(0.7)) return stored;
  return kind.from ? kind.from() : randomUUID();
}

const RESERVED = /[,()"\\{}]|^$|^\s|\s$/;
/** A value as it stands in a list or in a condition. */
const inner = (value) => (RESERVED.test(value) || happens(0.3) ? quoted(`${value}`) : `${value}`);

/** A condition on one column; `path` is what stands before the column's name. */
function comparison(table, path = "") {
  const column = one(Object.keys(COLUMNS[table]));
  const kind = COLUMNS[table][column];
  const { compare } = KINDS[kind];
  const forms = ["compare", "compare", "compare", "in", "is", ...(kind === text ? ["like"] : [])];
  const made = {
    compare() {
      const [operator, value] = [one(Object.keys(OPERATORS)), valueOf(table, column)];
      return { operator, value, inner: inner(value), holds: (stored) => OPERATORS[operator](compare(stored, value)) };
    },
    like() {
      const [operator, value] = [one(Object.keys(LIKE)), one(["%a%", "a%", "_", "%", "%B%", "\\%", "", "É", "日%", '%"%', "%,%"])];
      return { operator, value, inner: inner(value), holds: (stored) => LIKE[operator](stored, value) };
    },
    in() {
      const values = Array.from({ length: below(5) }, () => valueOf(table, column)).filter((value) => value !== "");
      const value = `(${values.map(inner).join()})`;
      const holds = (stored) => values.some((each) => compare(stored, each) === 0);
      return { operator: "in", value, inner: value, isEmpty: values.length === 0, holds };
    },
    is() {
      const value = kind === boolean ? one(["null", "true", "false", "unknown"]) : "null";
      const meant = { null: null, unknown: null, true: true, false: false }[value];
      return { operator: "is", value, inner: value, knows: true, holds: (stored) => stored === meant };
    },
  }[one(forms)]();
  const negated = happens(0.25);
  const holds = (row) => {
    const stored = row[column];
    // Of nothing everything can be said: = any('{}') is false for null, too.
    const truth = made.isEmpty ? false : stored === null && !made.knows ? null : made.holds(stored);
    return negated ? not(truth) : truth;
  };
  const operator = `${negated ? "not." : ""}${made.operator}`;
  return { column: `${path}${column}`, operator, value: made.value, text: `${path}${column}.${operator}.${made.inner}`, holds };
}

/** Conditions joined by and, or, or one of them negated. `leaf` makes a condition on one column. */
function joined(leaf, depth = DEPTH) {
  if (depth === 0 || happens(0.4)) return leaf();
  const parts = Array.from({ length: 1 + below(3) }, () => joined(leaf, depth - 1));
  const [word, negated] = [one(["and", "or"]), happens(0.3)];
  const holds = (row) => {
    const truth = (word === "and" ? every : any)(parts.map((part) => part.holds(row)));
    return negated ? not(truth) : truth;
  };
  const gap = happens(0.1) ? " " : "";
  return { text: `${negated ? "not." : ""}${word}(${parts.map((part) => part.text).join(`,${gap}`)})`, holds };
}

/** Several alternatives, as they stand in or=(…). */
function alternatives(leaf) {
  const parts = Array.from({ length: 1 + below(3) }, () => joined(leaf, DEPTH - 1));
  return { text: parts.map((part) => part.text).join(), holds: (row) => any(parts.map((part) => part.holds(row))) };
}

/** Conditions of a query on `table`: `ask` adds them to it, `holds` says which rows they leave. */
function conditions(table, options = {}, path = "") {
  const single = Array.from({ length: below(3) }, () => comparison(table));
  const trees = Array.from({ length: below(2) }, () => alternatives(() => comparison(table)));
  return {
    ask: (query) => {
      for (const { column, operator, value } of single) query = query.filter(`${path}${column}`, operator, value);
      for (const { text } of trees) query = query.or(text, options);
      return query;
    },
    holds: (row) => every([...single, ...trees].map((part) => part.holds(row))) === true,
    text: [...single, ...trees].map((part) => part.text),
  };
}

/** An order of a table's rows that leaves nothing open. */
function order(table, options = {}) {
  const terms = some(Object.keys(COLUMNS[table]), below(3)).map((column) => {
    return { column, ascending: happens(0.5), nullsFirst: one([undefined, undefined, true, false]) };
  });
  terms.push({ column: "id", ascending: true });
  const compare = (one, another) => {
    for (const { column, ascending, nullsFirst = !ascending } of terms) {
      const [left, right] = [one[column], another[column]];
      if (left === null || right === null) {
        if (left === right) continue;
        return (left === null) === nullsFirst ? -1 : 1;
      }
      const order = KINDS[COLUMNS[table][column]].compare(left, right);
      if (order !== 0) return ascending ? order : -order;
    }
    return 0;
  };
  return {
    ask: (query) => terms.reduce((ordered, { column, ...how }) => ordered.order(column, { ...how, ...options }), query),
    compare,
    terms,
  };
}

/** A part of the rows: all, the first few, or those from here to there. */
function page() {
  const [from, rows] = [happens(0.5) ? 0 : below(40), 1 + below(20)];
  const pages = {
    all: { ask: (query) => query, of: (list) => list, from: 0 },
    limit: { ask: (query) => query.limit(rows), of: (list) => list.slice(0, rows), from: 0 },
    range: { ask: (query) => query.range(from, from + rows - 1), of: (list) => list.slice(from, from + rows), from },
  };
  return one(Object.values(pages));
}

/** Runs the queries, some at a time, and reports the first that is answered otherwise than here. */
async function agree(queries) {
  const found = new Map();
  const waiting = queries.entries();
  const worker = async () => {
    for (const [index, { ask, expected, told }] of waiting) {
      const { data, count, status, error } = await ask();
      const what = JSON.stringify({ index, ...told, error });
      if (expected.status === 416) assert.deepEqual([status, error?.code], [416, "PGRST103"], what);
      else assert.deepEqual({ data, count, status }, expected, what);
      found.set(index, expected.data?.length ?? 0);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return [...found.values()].filter(Boolean).length;
}

/** What a page of `list` is answered with. */
function answer(list, { of, from }, isCounted, shape) {
  const data = of(list).map(shape);
  const count = isCounted ? list.length : null;
  if (isCounted && from > list.length) return { status: 416 };
  return { data, count, status: isCounted && data.length < list.length ? 206 : 200 };
}

describe("generated queries", () => {
  for (const table of ["prompts", "test_results"]) {
    for (const caller of Object.keys(CALLERS)) {
      test(`of ${table} by ${caller}`, async () => {
        const there = rows[table].filter((row) => isThere(table, row, caller));
        const queries = Array.from({ length: QUERIES / 5 }, () => {
          const [where, by, part, isCounted] = [conditions(table), order(table), page(), happens(0.4)];
          const ask = () =>
            part.ask(by.ask(where.ask(CALLERS[caller].from(table).select("id", isCounted ? { count: "exact" } : {}))));
          const list = there.filter(where.holds).sort(by.compare);
          return { ask, expected: answer(list, part, isCounted, ({ id }) => ({ id })), told: { caller, where: where.text, by: by.terms } };
        });
        const answered = await agree(queries);
        assert.ok(there.length === 0 || answered > queries.length / 4, `only ${answered} queries found something`);
      });
    }
  }
});

describe("generated queries with embedded rows", () => {
  const shaped = (columns) => (row) => Object.fromEntries(columns.map((column) => [column, row[column]]));

  for (const caller of Object.keys(CALLERS)) {
    test(`prompts with their answers, by ${caller}`, async () => {
      const there = rows.prompts.filter((row) => isThere("prompts", row, caller));
      const queries = Array.from({ length: EMBEDDINGS / 5 }, () => {
        const options = { referencedTable: "prompt_answers" };
        const [where, by, part, isCounted, isInner] = [conditions("prompts"), order("prompts"), page(), happens(0.4), happens(0.5)];
        const [within, sorted, most] = [conditions("prompt_answers", options, "prompt_answers."), order("prompt_answers", options), one([1, 2, 50])];
        const select = `id, prompt_answers${isInner ? "!inner" : ""}(id, answer)`;
        const ask = () => {
          const query = CALLERS[caller].from("prompts").select(select, isCounted ? { count: "exact" } : {});
          return part.ask(sorted.ask(by.ask(within.ask(where.ask(query)))).limit(most, options));
        };
        const embed = (prompt) => {
          const answers = rows.prompt_answers.filter((row) => row.prompt_id === prompt.id && within.holds(row));
          return { ...prompt, prompt_answers: answers.sort(sorted.compare).slice(0, most).map(shaped(["id", "answer"])) };
        };
        const list = there.filter(where.holds).map(embed).filter((row) => !isInner || row.prompt_answers.length > 0).sort(by.compare);
        const told = { select, where: where.text, within: within.text, by: by.terms, sorted: sorted.terms, most };
        return { ask, expected: answer(list, part, isCounted, shaped(["id", "prompt_answers"])), told };
      });
      await agree(queries);
    });

    test(`results with their prompt, by ${caller}`, async () => {
      const there = rows.test_results.filter((row) => isThere("test_results", row, caller));
      const queries = Array.from({ length: EMBEDDINGS / 5 }, () => {
        const options = { referencedTable: "prompts" };
        const [where, by, part, isCounted, isInner] = [conditions("test_results"), order("test_results"), page(), happens(0.4), happens(0.5)];
        const within = conditions("prompts", options, "prompts.");
        const select = `id, prompts${isInner ? "!inner" : ""}(id, title)`;
        const ask = () => {
          const query = CALLERS[caller].from("test_results").select(select, isCounted ? { count: "exact" } : {});
          return part.ask(by.ask(within.ask(where.ask(query))));
        };
        const embed = (row) => {
          const prompt = promptOf(row);
          const isSeen = isThere("prompts", prompt, caller) && within.holds(prompt);
          return { ...row, prompts: isSeen ? shaped(["id", "title"])(prompt) : null };
        };
        const list = there.filter(where.holds).map(embed).filter((row) => !isInner || row.prompts).sort(by.compare);
        const told = { select, where: where.text, within: within.text, by: by.terms };
        return { ask, expected: answer(list, part, isCounted, shaped(["id", "prompts"])), told };
      });
      await agree(queries);
    });

    test(`results by what they or their prompt say, by ${caller}`, async () => {
      const there = rows.test_results.filter((row) => isThere("test_results", row, caller));
      const queries = Array.from({ length: EMBEDDINGS / 5 }, () => {
        const own = () => comparison("test_results");
        const theirs = () => {
          const { holds, ...how } = comparison("prompts", "prompts.");
          return { ...how, holds: (row) => holds(promptOf(row)) };
        };
        const [tree, by, part, isCounted] = [alternatives(() => (happens(0.5) ? own() : theirs())), order("test_results"), page(), happens(0.4)];
        const ask = () => {
          const query = CALLERS[caller].from("test_results").select("id, prompts!inner(id)", isCounted ? { count: "exact" } : {});
          return part.ask(by.ask(query.or(tree.text)));
        };
        const list = there.filter((row) => isThere("prompts", promptOf(row), caller) && tree.holds(row) === true).sort(by.compare);
        const shape = ({ id, prompt_id }) => ({ id, prompts: { id: prompt_id } });
        return { ask, expected: answer(list, part, isCounted, shape), told: { caller, or: tree.text, by: by.terms } };
      });
      await agree(queries);
    });
  }
});
