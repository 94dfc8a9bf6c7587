// What is not supported, not there, or not a value is refused by name, in PostgREST's form, and changes nothing.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, test } from "node:test";
import { bearer, service, token, user } from "./instance.mjs";
import { assertError, chance, library, rowsOf } from "./library.mjs";

const SEED = 20_261_120;
const STRANGE = 300;
const MIB = 1024 * 1024;

const { anonymous, dump, known, seed, send } = await library();
const [owner] = await known(1);
const [prompt] = await seed("prompts", [{ user_id: owner.id, title: "A title", template: "A template", tags: ["a"], is_public: true }]);
await seed("prompt_answers", [{ prompt_id: prompt.id, question: "q", answer: "a" }]);
const [template] = await seed("prompt_templates", [{ prompt_id: prompt.id, category: "c" }]);
const before = await dump();

/** Checks how a request is answered: its status, or one of several, its code, or one of several, and what it names. */
const check = (name, [method, path, options = {}], status, code, named) =>
  test(name, async () => {
    const answer = await send(method, `/rest/v1/${path}`, { as: user(owner.id), ...options });
    const told = `${answer.status} ${JSON.stringify(answer.body)}`;
    assert.ok([status].flat().includes(answer.status), told);
    assertError(answer.body, named);
    assert.ok([code].flat().includes(answer.body.code), told);
  });
const get = (path, headers) => ["GET", path, { headers }];
const prefer = (preference) => ({ prefer: preference });
const row = { title: "x", template: "x" };

describe("unsupported in select", () => {
  const select = (name, columns, named) => check(name, get(`prompts?select=${encodeURIComponent(columns)}`), 400, "PGRST100", named);
  select("a cast", "id::text", "::");
  select("a JSON path", "variables->a", "->");
  select("a JSON path as text", "variables->>a", "->");
  select("an aggregate", "id.count()", "aggregate");
  select("a number of rows", "count()", "aggregate");
  select("a number of embedded rows", "prompt_answers(count)", "aggregate");
  select("a spread", "...prompt_answers(question)", "...");
  select("an open bracket", "prompt_answers(id", "select");
  select("a bracket too many", "id)", "select");
  select("a bracket alone", "(id)", "select");
  select("a comma too many", "id,", "select");
  select("a comma alone", ",", "select");
  select("an alias of nothing", "a:", "select");
});

describe("unsupported conditions", () => {
  const where = (name, condition, named) => check(name, get(`prompts?${condition}`), 400, "PGRST100", named);
  for (const operator of ["match", "imatch", "cs", "cd", "ov", "sl", "sr", "nxl", "nxr", "adj", "isdistinct"]) {
    where(operator, `title=${operator}.a`, operator);
    where(`not ${operator}`, `title=not.${operator}.a`, operator);
    where(`${operator} in or`, `or=(title.${operator}.a,id.is.null)`, operator);
  }
  where("an embedded table", "select=id,prompt_answers()&prompt_answers=not.is.null", "prompt_answers");
  where("like(any)", "title=like(any).{a}", "like");
  where("ilike(all)", "title=ilike(all).{a}", "like");
  where("eq(any)", "title=eq(any).{a}", "eq");
  where("an unknown operator", "title=equals.a", "title");
  where("no operator", "title=a", "title");
  where("no value and no operator", "title=", "title");
  where("an operator alone", "title=eq", "title");
  where("not twice", "title=not.not.eq.a", "title");
  where("is of something else", "title=is.maybe", "maybe");
  where("in without brackets", "title=in.a,b", "title");
  where("in without an end", "title=in.(a,b", "title");
  where("a JSON path", "variables->>a=eq.1", "->");
  where("eq of a JSON column", "variables=eq.1", "variables");
  where("eq of an array column", "tags=eq.{a}", "tags");
  where("like of a UUID", "id=like.a", "id");
  where("like of an instant", "created_at=like.2024*", "created_at");
  where("is true of a text", "title=is.true", "title");
  where("a text search of a UUID", "id=fts.a", "id");
  where("a text search of a column that has no index for it", "category=fts.a", "category");
  check("an unknown configuration of text search", get("prompts?title=fts(klingon).a"), 400, ["PGRST100", "42704"], "klingon");
  where("an empty or", "or=()", "or");
  where("or without an end", "or=(title.eq.a", "or");
  where("or without brackets", "or=title.eq.a", "or");
  where("or of nothing", "or=(,)", "or");
  where("something after or", "or=(title.eq.a),id.is.null", "or");
  where("xor", "or=(xor(title.eq.a))", "or");
  where("a column alone in or", "or=(title)", "or");
});

describe("unsupported order and pages", () => {
  const by = (name, parameters, named) => check(name, get(`prompts?${parameters}`), 400, "PGRST100", named);
  by("an unknown direction", "order=title.up", "up");
  by("an unknown place of nulls", "order=title.desc.nullsmiddle", "nullsmiddle");
  by("nulls before the direction", "order=title.nullsfirst.desc", "order");
  by("a comma too many", "order=title,", "order");
  by("a JSON path", "order=variables->a", "->");
  by("by those of which a row may have many", "select=id,prompt_answers(id)&order=prompt_answers(position)", "prompt_answers");
  for (const [name, value] of Object.entries({ limit: "x", offset: "1.5" })) by(`${name} ${value}`, `${name}=${value}`, name);
  for (const parameters of ["limit=-1", "offset=-1"]) check(parameters, get(`prompts?${parameters}`), [400, 416], ["PGRST100", "PGRST103"]);
  check("a range that ends before it begins", get("prompts", { range: "5-2" }), 416, "PGRST103");
  const change = (method, body) => (name, parameters, named) =>
    check(`${name} of a ${method}`, [method, `prompts?id=eq.${randomUUID()}&${parameters}`, { body }], 400, "PGRST100", named);
  change("PATCH", row)("a limit", "limit=1", "limit");
  change("DELETE")("a limit", "limit=1&order=id", "limit");
  check("order in the answer to a DELETE", ["DELETE", `prompts?id=eq.${randomUUID()}&order=id`, { headers: prefer("return=representation") }], 400, "PGRST100", "order");
  check("!inner in the answer to a POST", ["POST", "prompts?select=id,prompt_answers!inner(id)", { headers: prefer("return=representation"), body: row }], 400, "PGRST100", "inner");
});

describe("names that are not there", () => {
  check("a column of select", get("prompts?select=colour"), 400, "42703", "colour");
  check("a column of select, embedded", get("prompts?select=prompt_answers(colour)"), 400, "42703", "colour");
  check("a column of a condition", get("prompts?colour=eq.red"), 400, "42703", "colour");
  check("a column of or", get("prompts?or=(title.eq.a,colour.eq.red)"), 400, "42703", "colour");
  check("a column of a condition, embedded", get("prompts?select=prompt_answers(id)&prompt_answers.colour=eq.red"), 400, "42703", "colour");
  check("a column of an order", get("prompts?order=colour.desc"), 400, "42703", "colour");
  check("a parameter", get("prompts?colour=red"), 400, ["42703", "PGRST100"], "colour");
  check("a column of another case", get("prompts?select=Title"), 400, "42703", "Title");
  check("the row's own number", get("prompts?select=rowid"), 400, "42703", "rowid");
  check("an embedded table that does not exist", get("prompts?select=colours(*)"), 400, "PGRST200", "colours");
  check("an embedded table without a relation", get("prompts?select=experiments(*)"), 400, "PGRST200", "experiments");
  check("a condition on what is not embedded", get("prompts?prompt_answers.question=eq.q"), 400, "PGRST108", "prompt_answers");
  check("or on what is not embedded", get("prompts?or=(prompt_answers.question.eq.q,title.eq.a)"), 400, "PGRST108", "prompt_answers");
  check("or of what is not embedded", get("prompts?prompt_answers.or=(question.eq.q)"), 400, "PGRST108", "prompt_answers");
  check("an order of what is not embedded", get("prompts?prompt_answers.order=id"), 400, "PGRST108", "prompt_answers");
  check("a limit of what is not embedded", get("prompts?prompt_answers.limit=1"), 400, "PGRST108", "prompt_answers");
  check("a condition on an embedded table under another name", get("prompts?select=a:prompt_answers(id)&b.question=eq.q"), 400, "PGRST108", "b");
  const OWN = ["sqlite_master", "sqlite_schema", "d1_migrations", "prompt_creations", "rollup_watermark", "rollup_runs", "prompt_search"];
  for (const table of ["colours", "PROMPTS", "public.prompts", "prompts%20", ...OWN]) {
    check(`the table ${table}`, get(table), 404, "PGRST205", decodeURIComponent(table));
    check(`the table ${table}, of a write`, ["POST", table, { body: {}, as: service }], 404, "PGRST205");
  }
  check("a path below a table", get(`prompts/${prompt.id}`), 404, "PGRST125");
  check("no table", get(""), 404, "PGRST125");
  check("a function", ["POST", "rpc/colour", { body: {} }], 404, "PGRST202", "colour");
  check("a schema", get("prompts", { "accept-profile": "private" }), 406, "PGRST106");
  check("a schema, of a write", ["POST", "prompts", { body: row, headers: { "content-profile": "private" } }], 406, "PGRST106");
  const call = { body: { prompt_id: prompt.id }, headers: { "content-profile": "private" } };
  check("a schema, of a call", ["POST", "rpc/increment_prompt_views", call], 406, "PGRST106");
});

describe("values that are none", () => {
  const where = (condition, code, table = "prompts") => check(condition, get(`${table}?${condition}`), 400, code);
  where("id=eq.x", "22P02");
  where("id=eq.", "22P02");
  where(`id=in.(${randomUUID()},x)`, "22P02");
  where(`or=(id.eq.x,title.eq.a)`, "22P02");
  where("is_public=eq.perhaps", "22P02");
  where("is_public=gt.2", "22P02");
  where("created_at=gt.x", ["22007", "22P02"]);
  where("created_at=lt.2024-13-01T00:00:00Z", ["22007", "22008", "22P02"]);
  where("rating=eq.x", "22P02", "test_results");
  where("rating=eq.1.5", "22P02", "test_results");
  where("rating=in.(1,2,x)", "22P02", "test_results");
  where("rating=gt.99999999999999999999", "22003", "test_results");
  where("title=eq.%00", "22P05");
  where("title=like.a%00%25", "22P05");
  where("title=in.(a,b%00)", "22P05");
  where("title=like.a%5C", "22025");
  where("select=prompt_answers(id)&prompt_answers.position=eq.x", "22P02");
});

describe("preferences and media types", () => {
  const post = (headers, options) => ["POST", "prompts", { body: row, headers, ...options }];
  const PREFERENCES = ["tx=rollback", "return=headers-only", "resolution=replace", "count=many", "missing=zero", "handling=strict, colour=red"];
  for (const preference of PREFERENCES) {
    check(`Prefer: ${preference}`, post(prefer(preference)), 400, "PGRST122", preference.split(", ").at(-1));
  }
  const none = { headers: prefer("handling=strict, max-affected=0") };
  check("max-affected, of a write", ["DELETE", `prompts?id=eq.${prompt.id}`, none], 400, ["PGRST122", "PGRST124"]);
  const PGRST = ["application/vnd.pgrst.array+json;nulls=stripped", "application/vnd.pgrst.plan+text"];
  for (const type of [...PGRST, "application/geo+json", "application/openapi+json", "text/html"]) {
    check(`Accept: ${type}`, get("prompts", { accept: type }), 406, "PGRST107", type);
  }
  check("a form", post({}, { type: "application/x-www-form-urlencoded", body: "title=x" }), 415, "PGRST107");
  check("CSV", post({}, { type: "text/csv", body: "title,template\nx,y" }), 415, "PGRST107");
  check("a call of a function is no query", ["POST", "rpc/get_popular_templates?title=eq.a", { body: {} }], 400, "PGRST100", "title");
  check("PUT", ["PUT", `prompts?id=eq.${prompt.id}`, { body: row }], 405, "PGRST117");
});

describe("bodies", () => {
  const post = (name, body, status, code, named, options) => check(name, ["POST", "prompts", { body, ...options }], status, code, named);
  const NO_ROWS = ["5", "true", "null", '"x"', "[1]", "[[]]", "[null]"];
  for (const body of ["", " ", "{", "[", "[{},]", "{'title': 1}", '{"title": "\\ud800", "template": "t"}', ...NO_ROWS]) {
    post(JSON.stringify(body), body, 400, ["PGRST102", "22P02"]);
  }
  post("bytes that are no UTF-8", new Uint8Array([...Buffer.from('{"title": "'), 0xff, ...Buffer.from('", "template": "t"}')]), 400, "PGRST102");
  post("rows of which only some name a column", [row, { title: "x" }], 400, "PGRST102");
  post("65 levels", `{"title": "t", "template": "t", "variables": ${"[".repeat(65)}${"]".repeat(65)}}`, 400, "PGRST102");
  post("more than a mebibyte", { ...row, goal: "x".repeat(MIB) }, 413, ["PGRST102", "413", "54000", "PGRST100"]);
  check("an update by several rows", ["PATCH", `prompts?id=eq.${prompt.id}`, { body: [row, row] }], 400, "PGRST102");
  check("an update by none", ["PATCH", `prompts?id=eq.${prompt.id}`, { body: [] }], 400, "PGRST102");
  check("columns that are none", ["POST", "prompts?columns=title,", { body: row }], 400, "PGRST100", "columns");
  check("a column of columns", ["POST", "prompts?columns=title,colour", { body: row }], 400, "PGRST204", "colour");
});

describe("tokens", () => {
  const as = (name, headers) => check(name, ["GET", "prompts", { as: headers }], 401, ["PGRST301", "PGRST303"]);
  const past = Math.floor(Date.now() / 1000) - 3600;
  as("that expired", user(owner.id, { exp: past }));
  as("that have not begun", user(owner.id, { nbf: past + 7200 }));
  as("that another signed", bearer(token({ sub: owner.id, role: "authenticated" }, { secret: "another" })));
  as("that nobody signed", bearer(token({ sub: owner.id, role: "authenticated" }, { header: { alg: "none" } })));
  as("of a role that there is not", bearer(token({ sub: owner.id, role: "postgres" })));
  as("that are none", bearer("x"));
  as("that are none, as apikey", { apikey: "x" });

  test("say how to come in", async () => {
    const { status, headers } = await send("GET", "/rest/v1/prompts", { as: bearer("x") });
    assert.deepEqual([status, headers.get("www-authenticate")], [401, "Bearer"]);
  });
});

describe("strange requests", () => {
  const { below, happens, one } = chance(SEED);
  const RIGHT = [
    "select=id,title",
    "select=*,prompt_answers(id,answer)",
    "select=id,of:prompt_templates!inner(category,prompts(title))",
    "title=eq.A title",
    "title=not.ilike.*a_t*",
    'goal=in.("a,b",c,"d\\"e")',
    "goal=is.null",
    `id=in.(${prompt.id},${template.id})`,
    "is_public=is.true",
    "created_at=gte.2024-01-01T00:00:00+00:00",
    'or=(title.eq."a,b",and(goal.is.null,not.or(is_public.is.true,title.like.%a%)))',
    "or=(title.ilike.%one, two)%,goal.neq.3)",
    "title=wfts.title or none",
    "order=title.desc.nullslast,id",
    "limit=3",
    "offset=1",
  ];
  const SIGNS = [..."(),.:!'\"\\%*_ {}=é;\u0000\n", "🎉", "->", "::", "--", "/*", "not.", "null", "1e9", "$1", "?1"];
  /** A text in which a sign is lost, comes in, or is exchanged, or which goes on as another does. */
  const spoilt = (text) => {
    const [at, kind] = [below(text.length + 1), below(4)];
    const [head, tail] = [text.slice(0, at), text.slice(at)];
    return [head + tail.slice(1), head + one(SIGNS) + tail, head + one(SIGNS) + tail.slice(1), head + one(RIGHT).slice(at)][kind];
  };
  const parameter = () => {
    let text = one(RIGHT);
    for (; happens(0.4); ) text = spoilt(text);
    const [name, ...value] = text.toWellFormed().split("=");
    return `${encodeURIComponent(name)}=${encodeURIComponent(value.join("="))}`;
  };
  const query = () => Array.from({ length: 1 + below(3) }, parameter).join("&");
  const noise = () => spoilt(spoilt(one(RIGHT)));

  test(`${STRANGE} of them are answered, or refused in PostgREST's form`, async () => {
    const statuses = new Map();
    for (let index = 0; index < STRANGE; index++) {
      const path = `/rest/v1/${one(["prompts", "prompts", "prompts", "prompt_templates"])}?${query()}`;
      const answer = await send("GET", path, { as: user(owner.id), headers: happens(0.2) ? prefer("count=exact") : {} });
      assert.ok(answer.status < 500, `${path} ${answer.status}`);
      if (answer.status >= 400) assertError(answer.body);
      else assert.ok(Array.isArray(answer.body), path);
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
    }
    assert.ok(statuses.get(200) > STRANGE / 10 && statuses.get(400) > STRANGE / 10, JSON.stringify([...statuses]));
  });

  test(`${STRANGE / 2} writes of nobody's are refused, or find nothing`, async () => {
    for (let index = 0; index < STRANGE / 2; index++) {
      const [method, path] = [one(["POST", "PATCH", "DELETE"]), `/rest/v1/${one(["prompts", "prompt_answers", "template_likes"])}?${query()}`];
      const theirs = { user_id: owner.id, [one(["id", "title", "tags", "is_public", "colour"])]: noise() };
      const body = method === "DELETE" ? undefined : one([row, [row, row], {}, [], { title: noise() }, noise(), theirs]);
      const answer = await send(method, path, { body });
      assert.ok(answer.status < 500, `${method} ${path} ${answer.status}`);
      if (answer.status >= 400) assertError(answer.body);
      else assert.ok([200, 201, 204].includes(answer.status), `${method} ${path} ${answer.status}`);
    }
  });

  test("after them everything is as it was", async () => {
    assert.deepEqual(await dump(), before);
    const query = anonymous.from("prompt_templates").select("id, prompts(title)");
    assert.deepEqual(await rowsOf(query), [{ id: template.id, prompts: { title: "A title" } }]);
  });
});
