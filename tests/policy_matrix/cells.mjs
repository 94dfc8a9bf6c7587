// The requests of the matrix: every operation on every table by every caller. A request is said in neither SQL nor
// HTTP: sql.mjs and http.mjs write it in the one and in the other.
import { POLICIES, POLICY } from "./policies.mjs";
import { ROW, id } from "./seed.mjs";

/** Those whose requests PostgreSQL was asked about. */
export const CALLERS = ["anon", "owner", "other", "service"];

const LATER = "2026-11-21T12:00:00.000001+00:00";

// What the operations need to know of a table. `owner` is the column that says whose a row is, `parent` the one that
// says on what it is; the values of `label` differ from row to row, `sort` has equal ones and nulls, `change` is a
// change that no check forbids, `broken` one that a check does, `required` may not be null.
const LIKED = { owner: "user_id", label: "created_at", sort: "user_id", change: { created_at: LATER } };
const FACTS = {
  users: { owner: "id", label: "email", sort: "email", change: { email: "changed@example.com" }, required: "created_at" },
  prompts: { owner: "user_id", label: "title", sort: "category", change: { title: "changed" }, required: "title" },
  prompt_answers: {
    parent: "prompt_id", label: "question", sort: "position", change: { answer: "changed" }, required: "question",
  },
  test_results: {
    ...{ owner: "user_id", parent: "prompt_id", label: "output", sort: "model", change: { output: "changed" } },
    ...{ broken: { rating: 6 }, required: "created_at" },
  },
  prompt_templates: {
    ...{ parent: "prompt_id", label: "category", sort: "uses_count" },
    ...{ change: { category: "changed" }, required: "created_at" },
  },
  template_likes: { ...LIKED, parent: "template_id", required: "created_at" },
  user_favorites: { ...LIKED, parent: "template_id", required: "created_at" },
  prompt_favorites: { ...LIKED, parent: "prompt_id", required: "created_at" },
  prompt_usage: {
    ...{ owner: "user_id", parent: "prompt_id", label: "job_id", sort: "scene", change: { outfit: "changed" } },
    ...{ broken: { generation_time_ms: -1 }, required: "success" },
  },
  prompt_events: {
    ...{ owner: "user_id", parent: "prompt_id", label: "comparison_id", sort: "event_type" },
    ...{ change: { comparison_id: "changed" }, broken: { event_type: "view" }, required: "event_type" },
  },
  prompt_stats: {
    parent: "prompt_id", label: "updated_at", sort: "view_count", change: { view_count: 99 }, required: "view_count",
  },
  experiments: {
    ...{ label: "name", sort: "conversion_window_hours" },
    ...{ change: { name: "changed" }, broken: { multi_variant: "both" }, required: "name" },
  },
  analytics_events: {
    ...{ label: "event_id", sort: "variant_key" },
    ...{ change: { variant_key: "changed" }, broken: { event_type: "view" }, required: "session_id" },
  },
  experiment_sessions: {
    label: "session", sort: "first_exposure_ms", change: { variant_key: "changed" }, required: "is_multi_variant",
  },
  experiment_analytics_summary: {
    label: "variant_key", sort: "hour", change: { sessions: 9 }, broken: { hour: 24 }, required: "sessions",
  },
};

/** What one caller's requests to one table are made from: `self` is the caller, `foe` is somebody else. */
function context(table, caller) {
  const [self, foe] = caller === "other" ? ["other", "owner"] : ["owner", "other"];
  const { key, service_columns, declared_columns = [] } = POLICY[table];
  const facts = FACTS[table];
  const row = (by, on) => ROW[table](by, on);
  const isSettable = ([column]) => !service_columns.includes(column) && !declared_columns.includes(column);
  const settable = (row) => Object.fromEntries(Object.entries(row).filter(isSettable));

  // Rows that are there.
  const own = row(self, `${self}.private`);
  const ownShared = row(self, `${self}.public`);
  const shared = row(foe, `${foe}.public`);
  const hidden = row(foe, `${foe}.private`);

  // Rows that are not: on prompts that have room, or under names that are free.
  const fresh = (by, on) => {
    const made = settable(row(table === "users" ? on : by, on));
    return table === "prompt_templates" ? { ...made, id: id(`new template on ${on}`) } : made;
  };
  const { parent } = facts;
  const mine = fresh(self, parent ? `${self}.closed` : `${self}.first`);
  const mineToo = fresh(self, parent ? `${self}.open` : `${self}.second`);
  const theirs = fresh(foe, facts.owner && parent ? `${self}.open` : parent ? `${foe}.open` : `${foe}.third`);

  const ownership = facts.owner ? { [facts.owner]: id(self) } : { [parent]: id(`${self}.private`) };
  const claimed = (row) => settable({ ...row, ...facts.change, ...ownership });
  const keyOf = (row) => key.map((column) => [column, "eq", row[column]]);
  const rows = { own, ownShared, shared, hidden, mine, mineToo, theirs };
  return { table, caller, self, foe, key, ...facts, ...rows, fresh, claimed, keyOf, settable };
}

const everything = (c) => [[c.key[0], "not.is", null]];
const byHiddenValue = (c) => [[c.label, "eq", c.hidden[c.label]]];
const byKey = (c) => c.key.map((column) => [column, "asc"]);
const read = (c, more) => ({ method: "GET", table: c.table, where: [], order: byKey(c), ...more });
const insert = (c, rows, more) => ({ method: "POST", table: c.table, rows, ...more });
const upsert = (c, rows, more) => insert(c, rows, { resolution: "merge-duplicates", ...more });
const ignoring = (c, rows, more) => insert(c, rows, { resolution: "ignore-duplicates", ...more });
// A change says when it was made: the worker would say it where a request does not, and its clock is not PostgreSQL's.
const update = (c, where, set, more) => ({
  ...{ method: "PATCH", table: c.table, where },
  set: "updated_at" in POLICY[c.table].columns ? { ...set, updated_at: LATER } : set,
  ...more,
});
const remove = (c, where, more) => ({ method: "DELETE", table: c.table, where, ...more });

const moved = (c, on) => update(c, c.keyOf(c.own), { [c.parent]: ROW[c.table](c.self, on)[c.parent] });

const READS = {
  "select": (c) => read(c),
  "count": (c) => read(c, { method: "HEAD" }),
  "select the first two": (c) => read(c, { limit: 2 }),
  "select in another order": (c) => read(c, { order: [[c.sort, "desc"], ...byKey(c)] }),
  "select by a hidden key": (c) => read(c, { where: c.keyOf(c.hidden) }),
  "select by a hidden value": (c) => read(c, { where: byHiddenValue(c) }),
  "count by a hidden value": (c) => read(c, { method: "HEAD", where: byHiddenValue(c) }),
  "select by anything but a hidden value": (c) => read(c, { where: [[c.label, "neq", c.hidden[c.label]]] }),
  "select by a hidden value or one's own": (c) =>
    read(c, { where: [["or", [[c.label, "eq", c.hidden[c.label]], [c.label, "eq", c.own[c.label]]]]] }),
  "select by a list with a hidden value": (c) =>
    read(c, { where: [[c.label, "in", [c.hidden[c.label], c.own[c.label]]]] }),
};

const READS_BY_TEXT = {
  "select by the pattern of a hidden value": (c) =>
    read(c, { where: [[c.label, "ilike", `*${c.hidden[c.label].slice(1).toUpperCase()}`]] }),
};

const WRITES = {
  "insert": (c) => insert(c, [c.mine]),
  "insert, minimal": (c) => insert(c, [c.mine], { minimal: true }),
  "insert one's own again": (c) => insert(c, [c.settable(c.own)]),
  "insert another's again": (c) => insert(c, [c.settable(c.hidden)]),
  "insert without what is required": (c) => insert(c, [{ ...c.mine, [c.required]: null }]),
  "insert two": (c) => insert(c, [c.mine, c.mineToo]),
  "insert two, one of them there": (c) => insert(c, [c.mine, c.settable(c.own)]),
  "upsert a new row": (c) => upsert(c, [c.mine]),
  "upsert over one's own": (c) => upsert(c, [{ ...c.settable(c.own), ...c.change }]),
  "upsert over another's": (c) => upsert(c, [{ ...c.settable(c.hidden), ...c.change }]),
  "upsert a new row and another's": (c) => upsert(c, [c.mine, c.settable(c.hidden)]),
  "insert two, ignoring the one that is there": (c) => ignoring(c, [c.settable(c.own), c.mine]),
  "ignore another's": (c) => ignoring(c, [c.settable(c.hidden)]),
  "update": (c) => update(c, everything(c), c.change),
  "update, minimal": (c) => update(c, everything(c), c.change, { minimal: true }),
  "update one's own": (c) => update(c, c.keyOf(c.own), c.change),
  "update another's on what is seen": (c) => update(c, c.keyOf(c.shared), c.change),
  "update another's that is hidden": (c) => update(c, c.keyOf(c.hidden), c.change),
  "update by a hidden value": (c) => update(c, byHiddenValue(c), c.change),
  "update one's own to nothing": (c) => update(c, c.keyOf(c.own), { [c.required]: null }),
  "delete": (c) => remove(c, everything(c)),
  "delete, minimal": (c) => remove(c, c.keyOf(c.own), { minimal: true }),
  "delete one's own": (c) => remove(c, c.keyOf(c.own)),
  "delete another's on what is seen": (c) => remove(c, c.keyOf(c.shared)),
  "delete another's that is hidden": (c) => remove(c, c.keyOf(c.hidden)),
  "delete by a hidden value": (c) => remove(c, byHiddenValue(c)),
};

// Of rows that are somebody's, by a column or by what they are on. Those of experiments are nobody's.
const WRITES_AS_ANOTHER = {
  "insert as another": (c) => insert(c, [c.theirs]),
  "insert as another, minimal": (c) => insert(c, [c.theirs], { minimal: true }),
  "insert two, one as another": (c) => insert(c, [c.mine, c.theirs]),
  "insert another's without what is required": (c) => insert(c, [{ ...c.theirs, [c.required]: null }]),
};

// Of rows that say themselves whose they are.
const WRITES_OF_OWNERS = {
  "give one's own to another": (c) => update(c, c.keyOf(c.own), { [c.owner]: id(c.foe) }),
  "give one's own that all see to another": (c) => update(c, c.keyOf(c.ownShared), { [c.owner]: id(c.foe) }),
  "give all to another": (c) => update(c, everything(c), { [c.owner]: id(c.foe) }),
  "take another's on what is seen": (c) => update(c, c.keyOf(c.shared), { [c.owner]: id(c.self) }),
  "take another's that is hidden": (c) => update(c, c.keyOf(c.hidden), { [c.owner]: id(c.self) }),
};

// A user's row is not by a user: it is one. A counter remembers whose event it has counted under an id.
const newId = ({ table, caller }) => "id" in POLICY[table].columns && { id: id(`${table} of ${caller} by default`) };
const WRITES_BY_USERS = {
  "insert by default": ({ mine: { user_id, ...rest }, ...c }) => insert(c, [{ ...rest, ...newId(c) }]),
  "insert as nobody": (c) => insert(c, [{ ...c.mine, ...newId(c), user_id: null }]),
};

// Of rows that are on a prompt or on a template.
const WRITES_ON_PARENTS = {
  "insert on what is another's and seen": (c) => insert(c, [c.fresh(c.self, `${c.foe}.open`)]),
  "insert on what is hidden": (c) => insert(c, [c.fresh(c.self, `${c.foe}.closed`)]),
  "insert on what does not exist": (c) => insert(c, [c.fresh(c.self, "nobody.missing")]),
  "insert two, one on what is hidden": (c) => insert(c, [c.mine, c.fresh(c.self, `${c.foe}.closed`)]),
  "move one's own to one's own": (c) => moved(c, `${c.self}.open`),
  "move one's own to what is another's and seen": (c) => moved(c, `${c.foe}.open`),
  "move one's own to what is hidden": (c) => moved(c, `${c.foe}.closed`),
  "move one's own to what does not exist": (c) => moved(c, "nobody.missing"),
};

// Of rows whose key does not say whose they are: only there can one's own row be sent under another's key.
const WRITES_UNDER_A_KEY = {
  "insert under a hidden key": (c) => insert(c, [c.claimed(c.hidden)]),
  "insert under another's key on what is seen": (c) => insert(c, [c.claimed(c.shared)]),
  "upsert over a hidden row, claimed": (c) => upsert(c, [c.claimed(c.hidden)]),
  "upsert over another's on what is seen, claimed": (c) => upsert(c, [c.claimed(c.shared)]),
  "upsert over one's own and another's": (c) =>
    upsert(c, [{ ...c.settable(c.own), ...c.change }, c.claimed(c.shared)]),
  "ignore a hidden row, claimed": (c) => ignoring(c, [c.claimed(c.hidden)]),
  "ignore another's on what is seen, claimed": (c) => ignoring(c, [c.claimed(c.shared)]),
  "give one's own a hidden key": (c) =>
    update(c, c.keyOf(c.own), Object.fromEntries(c.key.map((column) => [column, c.hidden[column]]))),
};

// Of tables with a check: the rules come before it.
const WRITES_AGAINST_A_CHECK = {
  "insert against a check": (c) => insert(c, [{ ...c.mine, ...c.broken }]),
  "insert another's against a check": (c) => insert(c, [{ ...c.theirs, ...c.broken }]),
  "update one's own against a check": (c) => update(c, c.keyOf(c.own), c.broken),
  "update another's against a check": (c) => update(c, c.keyOf(c.shared), c.broken),
};

const counts = (c) => ({ likes_count: 7, uses_count: 7 });
const declared = { status: "stopped", variants: [{ key: "a", weight: 1 }], stopped_ms: 1 };
const OF_A_TABLE = {
  users: {
    "change one's own id": (c) => update(c, c.keyOf(c.own), { id: id("new") }),
    "delete who has nothing": (c) => remove(c, [["id", "eq", id("stranger")]]),
  },
  prompts: {
    "insert under a hidden slug": (c) => insert(c, [{ ...c.mine, slug: c.hidden.slug }]),
    "upsert on a hidden slug": (c) => upsert(c, [{ ...c.mine, slug: c.hidden.slug }], { on: ["slug"] }),
    "ignore a hidden slug": (c) => ignoring(c, [{ ...c.mine, slug: c.hidden.slug }], { on: ["slug"] }),
    "give one's own a hidden slug": (c) => update(c, c.keyOf(c.own), { slug: c.hidden.slug }),
    "search for a hidden word": (c) => read(c, { where: [["goal", "plfts", "private"]] }),
    "count by a hidden word": (c) => read(c, { method: "HEAD", where: [["goal", "plfts", "private"]] }),
    "publish": (c) => update(c, everything(c), { is_public: true, is_active: true }),
    "withdraw": (c) => update(c, everything(c), { is_active: false }),
    "embed templates and their likes": (c) =>
      read(c, { embed: { table: "prompt_templates", embed: { table: "template_likes" } } }),
    "embed events and their users": (c) =>
      read(c, { embed: { table: "prompt_events", embed: { table: "users" } } }),
  },
  prompt_templates: {
    "insert counts": (c) => insert(c, [{ ...c.mine, ...counts(c) }]),
    "upsert counts": (c) => upsert(c, [{ ...c.own, ...counts(c) }]),
    "update counts": (c) => update(c, everything(c), counts(c)),
    "update counts of another's": (c) => update(c, c.keyOf(c.hidden), counts(c)),
  },
  experiments: {
    "insert a declaration": (c) => insert(c, [{ ...c.mine, ...declared }]),
    "upsert a declaration": (c) => upsert(c, [{ ...c.own, ...declared }]),
    ...Object.fromEntries(
      POLICY.experiments.declared_columns.map((column) => [
        `declare ${column}`, (c) => update(c, c.keyOf(c.own), { [column]: declared[column] ?? null }),
      ]),
    ),
  },
  template_likes: {
    "embed templates and their prompts": (c) =>
      read(c, { embed: { table: "prompt_templates", embed: { table: "prompts" } } }),
    "embed templates and their prompts, inner": (c) =>
      read(c, { embed: { table: "prompt_templates", inner: true, embed: { table: "prompts", inner: true } } }),
  },
  prompt_usage: {
    "insert a failure with its error": (c) => insert(c, [{ ...c.mine, success: false, error_message: "no memory" }]),
    "insert a failure with too long an error": (c) =>
      insert(c, [{ ...c.mine, success: false, error_message: "é".repeat(1025) }]),
    "insert a success with an error": (c) => insert(c, [{ ...c.mine, error_message: "no memory" }]),
    "turn one's own failure into a success": (c) => update(c, c.keyOf(c.own), { success: true }),
  },
  prompt_favorites: {
    "embed prompts by a hidden word, inner": (c) =>
      read(c, { embed: { table: "prompts", inner: true, where: [["goal", "plfts", "private"]] } }),
    "embed prompts and their answers": (c) =>
      read(c, { embed: { table: "prompts", embed: { table: "prompt_answers" } } }),
    "embed prompts and their snapshots": (c) =>
      read(c, { embed: { table: "prompts", embed: { table: "prompt_stats" } } }),
  },
};

// Between these two PostgREST finds another relationship, through a table whose key refers to both, and wants to be told
// which is meant; it calls them by names that only PostgreSQL knows.
const AMBIGUOUS = [["prompts", "users"]];
const isAmbiguous = (...tables) => AMBIGUOUS.some((pair) => pair.every((table) => tables.includes(table)));

function neighbours(table) {
  const parents = Object.values(POLICY[table].references);
  const children = POLICIES.filter(({ references }) => Object.values(references).includes(table)).map((child) => child.table);
  return [...parents, ...children].filter((other) => !isAmbiguous(table, other));
}

function embeds(table) {
  const operations = neighbours(table).flatMap((other) => {
    const embed = (more) => (c) => read(c, { embed: { table: other, ...more(c) } });
    const { label } = FACTS[other];
    const by = (user) => [label, "eq", ROW[other](user, `${user}.private`)[label]];
    const byHidden = (c) => [by(c.foe)];
    const byEither = (c) => [["or", [by(c.foe), by(c.self)]]];
    return [
      [`embed ${other}`, embed(() => ({}))],
      [`embed ${other}, inner`, embed(() => ({ inner: true }))],
      [`embed ${other} by a hidden value`, embed((c) => ({ where: byHidden(c) }))],
      [`embed ${other} by a hidden value, inner`, embed((c) => ({ inner: true, where: byHidden(c) }))],
      [`embed ${other} by a hidden value or one's own, inner`, embed((c) => ({ inner: true, where: byEither(c) }))],
      [`insert, embedding ${other}`, (c) => insert(c, [c.mine], { embed: { table: other } })],
      [`update, embedding ${other}`, (c) => update(c, everything(c), c.change, { embed: { table: other } })],
    ];
  });
  return Object.fromEntries(operations);
}

function operationsOn(table) {
  const { owner, parent, broken, label } = FACTS[table];
  const { key, columns } = POLICY[table];
  return Object.entries({
    ...READS,
    ...(columns[label] === "text" && READS_BY_TEXT),
    ...embeds(table),
    ...WRITES,
    ...((owner || parent) && WRITES_AS_ANOTHER),
    ...(owner && WRITES_OF_OWNERS),
    ...(owner === "user_id" && WRITES_BY_USERS),
    ...(parent && WRITES_ON_PARENTS),
    ...((owner || parent) && owner !== "id" && key.includes("id") && WRITES_UNDER_A_KEY),
    ...(broken && WRITES_AGAINST_A_CHECK),
    ...OF_A_TABLE[table],
  });
}

/** Every cell of the matrix: `table`, `operation`, `caller`, and its `request`. */
export const CELLS = POLICIES.flatMap(({ table }) =>
  operationsOn(table).flatMap(([operation, make]) =>
    CALLERS.map((caller) => ({
      ...{ name: `${table}: ${operation}: ${caller}`, table, operation, caller },
      request: make(context(table, caller)),
    })),
  ),
);
