// Row-level rules: whatever anybody may ask of any table comes to what PostgreSQL makes of it, in the answer and in
// everything that is stored. tests/policy_matrix has the requests and PostgreSQL's answers.
import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import { before, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { CALLERS, CELLS } from "../policy_matrix/cells.mjs";
import { digest, recorded } from "../policy_matrix/expected.mjs";
import { http } from "../policy_matrix/http.mjs";
import { changes, given, keyOf } from "../policy_matrix/outcome.mjs";
import { POLICIES } from "../policy_matrix/policies.mjs";
import { SEED, id } from "../policy_matrix/seed.mjs";
import { SETTINGS, bearer, start, token } from "./instance.mjs";

const iss = "https://auth.example";
const aud = "authenticated";
const kid = "matrix";
const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
const jwk = { ...pair.publicKey.export({ format: "jwk" }), kid, alg: "ES256", use: "sig" };

const instance = await start({ JWKS: JSON.stringify({ keys: [jwk] }), JWT_ISSUER: iss, JWT_AUDIENCE: aud });
const { cells: expected, digests } = recorded();

// Who asks. A forged credential has one flaw, and claims as much as there is to claim.
const exp = Math.floor(Date.now() / 1000) + 3600;
const claims = (more) => ({ role: "authenticated", iss, aud, exp, ...more });
const almighty = claims({ role: "service_role", sub: id("owner") });

function es256(claims, header = {}) {
  const encode = (part) => Buffer.from(JSON.stringify(part)).toString("base64url");
  const signed = `${encode({ alg: "ES256", typ: "JWT", kid, ...header })}.${encode(claims)}`;
  const signature = sign("sha256", Buffer.from(signed), { key: pair.privateKey, dsaEncoding: "ieee-p1363" });
  return `${signed}.${signature.toString("base64url")}`;
}

const unsigned = token(almighty, { header: { alg: "none" } }).replace(/[^.]*$/, "");
const publicKeys = [...["pem", "der"].map((format) => pair.publicKey.export({ format, type: "spki" })), JSON.stringify(jwk)];
const confused = (secret) => token(almighty, { header: { alg: "HS256", kid }, secret });

const genuine = {
  anon: { apikey: SETTINGS.PUBLISHABLE_KEY, ...bearer(SETTINGS.PUBLISHABLE_KEY) },
  owner: bearer(es256(claims({ sub: id("owner") }))),
  other: bearer(token(claims({ sub: id("other") }))),
  service: bearer(SETTINGS.SERVICE_KEY),
};
const forged = {
  "an expired token": bearer(token({ ...almighty, exp: exp - 7200 })),
  "a token with a wrong signature": bearer(token(almighty, { secret: "another" })),
  "a token with alg none": bearer(unsigned),
  "a token signed with the public key": bearer(confused(publicKeys[0])),
  "a token of an unknown key": bearer(es256(almighty, { kid: "another" })),
  "a token for another audience": bearer(token({ ...almighty, aud: "another" })),
  "a token of another issuer": bearer(token({ ...almighty, iss: "https://another.example" })),
};

// What is stored is read as one text: all columns that callers may name, and all of the tables that they may not.
// Snapshots of counters come when they come: those of the seed are of a version that none exceeds.
const SNAPSHOT_VERSION = Number.MAX_SAFE_INTEGER;
const READ = {
  boolean: (value) => value === 1,
  json: (value) => value && JSON.parse(value),
  textarray: (value) => value && JSON.parse(value),
};

const rowsOf = (table, columns, only = "", source = table) =>
  `(select json_group_array(json_array(${columns})) from (select * from ${source} ${only} order by 1, 2)) as ${table}`;

const COUNTS = ["view_count", "visit_count", "copy_count", "fork_count", "compare_count"];

// What the worker keeps of the rows of other tables: of which, and what of it only they change. What counters tell comes
// some time after they counted, and the places of a lineage are random.
const KEPT = {
  prompt_usage_totals: { of: ["prompts", "prompt_usage"] },
  prompt_usage_scenes: { of: ["prompts", "prompt_usage"] },
  prompt_rankings: {
    of: ["prompts", "prompt_templates", "template_likes", "prompt_usage"],
    only: "where metric in ('like', 'use', 'success')",
  },
  prompt_lineage: {
    of: ["prompts"],
    columns: "prompt_id, user_id, is_listed, levels, children, listed_children, descendants, listed_descendants",
    only: "where prompt_id in (select id from prompts)",
  },
  prompt_comparisons: { of: ["prompts", "prompt_events"] },
  // Whatever came and went, the totals add up to the snapshots.
  count_totals: {
    of: [],
    columns: COUNTS,
    source: `(select ${COUNTS.map((count) => `total(${count}) - (select total(${count}) from prompt_stats) as ${count}`)} from count_totals)`,
  },
};

async function readingOf(tables) {
  const all = await instance.sql("select name from sqlite_master where type = 'table' and sql like '%strict%' order by name");
  const others = all.map(({ name }) => name).filter((name) => !tables.some(({ table }) => table === name));
  const text = "iif(type = 'BLOB', 'hex(' || name || ')', name)";
  const columns = (table) => instance.sql(`select group_concat(${text}) as names from pragma_table_info(?)`, table);
  const own = async (table) => {
    const kept = KEPT[table] ?? {};
    return rowsOf(table, kept.columns ?? (await columns(table))[0].names, kept.only, kept.source);
  };
  const named = await Promise.all(others.map(own));
  const only = { prompt_stats: `where version in (0, ${SNAPSHOT_VERSION})` };
  const described = tables.map(({ table, columns }) => rowsOf(table, Object.keys(columns), only[table]));
  return `select ${[...described, ...named].join(", ")}`;
}

/** The rows of the tables that callers may name, as they would see them if they saw everything. */
function rowsIn(stored) {
  const read = (kind, value) => (kind in READ ? READ[kind](value) : value);
  const row = (columns, values) => columns.map(([column, kind], index) => [column, read(kind, values[index])]);
  const rows = (stored, columns) => JSON.parse(stored).map((values) => Object.fromEntries(row(columns, values)));
  return Object.fromEntries(POLICIES.map(({ table, columns }) => [table, rows(stored[table], Object.entries(columns))]));
}

// The rows of views come from the tables behind them.
const BEHIND_VIEWS = [
  `create trigger seeding_events instead of insert on analytics_events begin
    insert into experiment_batches
      (seq, experiment_id, number, writer, received_ms, event_count, duplicates, rejected, ids, events)
    values (new.seq / 65536, new.experiment_id, 0, 'seed', 0, 1, 0, 0, x'',
      json_array(json_array(new.event_id, 1, new.session_id, new.variant_key, new.timestamp_ms, null, null,
        new.project_id, new.view_id, new.properties)));
  end`,
  "create trigger removing_events instead of delete on analytics_events begin delete from experiment_batches; end",
  `create trigger seeding_sessions instead of insert on experiment_sessions begin
    insert into experiment_rollups (experiment_id, multi_variant) values (new.experiment_id, 'exclude')
      on conflict (experiment_id) do nothing;
    insert into session_states (experiment, session, variant_key, first_exposure_ms, is_multi_variant, activity)
    select experiment, unhex(new.session), new.variant_key, new.first_exposure_ms, new.is_multi_variant, x''
      from experiment_rollups where experiment_id = new.experiment_id;
  end`,
  `create trigger removing_sessions instead of delete on experiment_sessions begin
    delete from session_states; delete from experiment_rollups;
  end`,
];

// One statement brings all rows back, whatever a cell did to them: an insert into a view whose trigger does it.
async function prepareReset() {
  const snapshots = SEED.prompt_stats.map((row) => ({ ...row, version: SNAPSHOT_VERSION }));
  const seeds = Object.entries({ ...SEED, prompt_stats: snapshots });
  const tables = seeds.map(([table, rows]) => ({ table, rows, columns: Object.keys(rows[0]) }));
  for (const { table, rows, columns } of tables) {
    const values = columns.map((column) => `value ->> '${column}' as ${column}`);
    await instance.sql(`create table seed_of_${table} as select ${values} from json_each('${JSON.stringify(rows)}')`);
  }
  for (const trigger of BEHIND_VIEWS) await instance.sql(trigger);
  const removed = tables.toReversed().map(({ table }) => `delete from ${table};`);
  const made = tables.map(({ table, columns }) => `insert into ${table} (${columns}) select ${columns} from seed_of_${table};`);
  // What triggers make of new rows is not in the seed: likes that are counted again, events that are to be counted.
  const counts = "select s.likes_count from seed_of_prompt_templates as s where s.id = prompt_templates.id";
  await instance.sql("create view reset as select 1 as done");
  await instance.sql(`create trigger resetting instead of insert on reset begin
    ${removed.join("\n")}
    ${made.join("\n")}
    update prompt_templates set likes_count = (${counts});
    update prompt_events set uncounted_since_ms = null;
  end`);
}

const reset = () => instance.sql("insert into reset values (1)");

let reading;
let seeded;
const state = async () => ({ stored: (await instance.sql(reading))[0], objects: await instance.objects() });

before(async () => {
  await prepareReset();
  await reset();
  reading = await readingOf(POLICIES);
  seeded = await state();
  seeded.rows = rowsIn(seeded.stored);
});

// A status says what the code says; an upsert that made no row created nothing.
const STATUS = { "23503": 409, "23505": 409, "42501": 403 };

function statusOf({ request: { method, limit, minimal, resolution, table }, caller }, { error, rows, count, changes }) {
  if (error === "42501" && caller === "anon") return 401;
  if (error) return STATUS[error] ?? 400;
  if (method === "GET") return limit && count > rows.length ? 206 : 200;
  if (method === "HEAD") return 200;
  if (method !== "POST") return minimal ? 204 : 200;
  const known = SEED[table].map((row) => keyOf(table, row));
  const made = Object.keys(changes?.[table] ?? {}).some((key) => !known.includes(key));
  return made || resolution !== "merge-duplicates" ? 201 : 200;
}

/** The rows that were given otherwise than they are stored. */
function misquoted({ table, embed }, rows, stored) {
  return rows.flatMap(({ ...row }) => {
    const within = embed ? [row[embed.table]].flat().filter(Boolean) : [];
    if (embed) delete row[embed.table];
    const isQuoted = stored[table].some((other) => isDeepStrictEqual(other, row));
    return [...(isQuoted ? [] : [row]), ...(embed ? misquoted(embed, within, stored) : [])];
  });
}

// No body tells why a HEAD is refused.
const codeIn = (body) => {
  if (body === "") return "none";
  const isError = isDeepStrictEqual(Object.keys(body).sort(), ["code", "details", "hint", "message"]);
  return isError ? body.code : `no error of this dialect: ${JSON.stringify(body)}`;
};

/** What PostgreSQL's answer is over HTTP. */
function wanted(cell) {
  const answer = expected[cell.name];
  const count = answer.count ?? (cell.request.method === "GET" ? answer.rows?.length : undefined);
  const status = statusOf(cell, { ...answer, count });
  return { status, error: undefined, rows: undefined, changes: {}, ...answer, count };
}

function answered({ request }, { status, headers, body }, now) {
  const error = status >= 400 ? codeIn(body) : undefined;
  const rows = Array.isArray(body) ? body : undefined;
  const isRead = ["GET", "HEAD"].includes(request.method);
  const count = isRead && !error ? Number(headers.get("content-range")?.split("/")[1] ?? NaN) : undefined;
  const wrong = rows ? misquoted(request, rows, request.method === "DELETE" ? seeded.rows : now) : [];
  return { status, error, rows: rows && given(request, rows), count, ...(wrong.length && { wrong }) };
}

const refused = ({ request }) => ({ status: 401, error: request.method === "HEAD" ? "none" : "PGRST3", changes: {} });

const refusal = (cell, { status, body }) => ({ status, error: codeIn(body).replace(/(?<=^PGRST3)\d\d$/, "") });

// Cells that change nothing are tried at once, the others alone.
const AT_ONCE = 32;

function together(cells, want) {
  const isStill = (cell) => Object.keys(want(cell).changes).length === 0;
  const still = cells.filter(isStill);
  const groups = Array.from({ length: Math.ceil(still.length / AT_ONCE) }, (_, index) => index * AT_ONCE);
  const alone = cells.filter((cell) => !isStill(cell)).map((cell) => [cell]);
  return [...groups.map((first) => still.slice(first, first + AT_ONCE)), ...alone];
}

async function ask({ request }, as) {
  const { method, path, headers, body } = http(request);
  const answer = await instance.send(method, path, { as, headers, body });
  return { ...answer, asked: `${method} ${decodeURIComponent(path)} ${headers.prefer} ${JSON.stringify(body) ?? ""}` };
}

/** Tries cells at once and tells those that did not come to what they should. */
async function tried(cells, as, want, got) {
  const answers = await Promise.all(cells.map((cell) => ask(cell, as)));
  const now = await state();
  const isChanged = !isDeepStrictEqual(now.stored, seeded.stored);
  if (isChanged) await reset();
  // Something changed where nothing should: which cell it was shows when each is tried alone.
  if (isChanged && cells.length > 1) return (await oneByOne(cells.map((cell) => [cell]), as, want, got)).flat();

  const rows = isChanged ? rowsIn(now.stored) : seeded.rows;
  const changing = new Set(cells.flatMap((cell) => Object.keys(want(cell).changes)));
  const isOwn = (table) => !(table in SEED) && !KEPT[table]?.of.some((kept) => changing.has(kept));
  const others = Object.keys(now.stored).filter((table) => isOwn(table) && now.stored[table] !== seeded.stored[table]);
  // An event that is stored makes the counter that counts it.
  const mayCount = cells.some((cell) => want(cell).changes.prompt_events);
  if (!isDeepStrictEqual(now.objects, seeded.objects)) {
    if (!mayCount) others.push("objects");
    seeded.objects = now.objects;
  }
  const changed = isChanged ? changes(seeded.rows, rows) : {};
  return cells.flatMap((cell, index) => {
    const wants = want(cell);
    const gets = { ...got(cell, answers[index], rows), changes: changed, ...(others.length && { others }) };
    if (isDeepStrictEqual(gets, wants)) return [];
    const [{ asked, body }, expects, answered] = [answers[index], JSON.stringify(wants), JSON.stringify(gets)];
    return [`${cell.name}\n  ${asked}\n  expected ${expects}\n  answered ${answered} ${body.message ?? ""}`];
  });
}

async function oneByOne(groups, ...rest) {
  const results = [];
  for (const group of groups) results.push(await tried(group, ...rest));
  return results;
}

const counted = { cells: 0, deviations: 0 };

async function check(cells, as, want, got) {
  const deviations = (await oneByOne(together(cells, want), as, want, got)).flat();
  counted.cells += cells.length;
  counted.deviations += deviations.length;
  assert.ok(!deviations.length, `${deviations.length} deviations\n${deviations.join("\n")}`);
}

test("the record is of these requests, tables and policies", () => {
  assert.deepEqual(CELLS.map(({ name }) => name).sort(), Object.keys(expected).sort());
  assert.deepEqual([...new Set(digests)], [digest()], "record again: node scripts/record-policies.mjs");
});

test("where a table has rules, PostgreSQL lets a user do something, and nowhere else", () => {
  const does = (table, operation) =>
    ["owner", "other"].some((caller) => {
      const { rows, changes } = expected[`${table}: ${operation}: ${caller}`];
      return Boolean(operation === "select" ? rows?.length : changes);
    });
  const operations = ["select", "insert", "update", "delete"];
  const told = POLICIES.map((policy) => operations.map((operation) => policy[operation]));
  assert.deepEqual(told, POLICIES.map(({ table }) => operations.map((operation) => does(table, operation))));
});

test("the seed is stored as it is", () => {
  assert.deepEqual(changes(SEED, seeded.rows), {});
});

test("what is forged would be taken without its flaw", async () => {
  const users = (as) => instance.get("/rest/v1/users", { as }).then(({ status, body }) => [status, body.length]);
  for (const flawless of [token(almighty), es256(almighty), token(almighty, { header: { alg: "HS256" } })]) {
    assert.deepEqual(await users(bearer(flawless)), [200, SEED.users.length]);
  }
});

test("the public key in any form signs nothing", async () => {
  for (const key of publicKeys) {
    const { status, body } = await instance.get("/rest/v1/users", { as: bearer(confused(key)) });
    assert.deepEqual([status, body.code.slice(0, 6)], [401, "PGRST3"]);
  }
});

// Events come last: their counters may write a snapshot of a prompt that has none.
const tables = [...POLICIES.map(({ table }) => table).filter((table) => table !== "prompt_events"), "prompt_events"];

for (const table of tables) {
  const asked = (caller) => CELLS.filter((cell) => cell.table === table && cell.caller === caller);
  for (const caller of CALLERS) {
    test(`${table}: ${caller}`, () => check(asked(caller), genuine[caller], wanted, answered));
  }
  for (const [name, as] of Object.entries(forged)) {
    test(`${table}: ${name}`, () => check(asked("owner"), as, refused, refusal));
  }
}

test("the whole matrix", (t) => {
  t.diagnostic(`matrix: ${counted.cells} cells, ${counted.deviations} deviations`);
  const callers = CALLERS.length + Object.keys(forged).length;
  assert.deepEqual(counted, { cells: (CELLS.length / CALLERS.length) * callers, deviations: 0 });
});
