// Reading through an unmodified Supabase client: columns, embedded rows, pages, forms of the answer, and what is hidden.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, test } from "node:test";
import { createClient } from "@supabase/supabase-js";
import { SETTINGS, anonymous as nobody, bearer, until } from "./instance.mjs";
import { columnOf, instant, library, refused, rowsOf, tokenOf } from "./library.mjs";

const { anonymous, get, known, origin, seed, send, service, somebody, sql } = await library();
const [owner, other] = await known(2);

const day = (number) => `2024-03-0${number}T12:34:56.000789+00:00`;
const [PUBLIC, PRIVATE, INACTIVE, THEIRS, HIDDEN] = Array.from({ length: 5 }, () => randomUUID());
await seed("prompts", [
  {
    id: PUBLIC,
    slug: "linux-terminal",
    user_id: owner.id,
    title: "Linux terminal",
    goal: "Act as a terminal",
    template: "I want you to act as a ${name}",
    variables: { name: { default: "terminal", 2: [1.5, null, true] } },
    negative_prompt: "",
    category: "dev",
    tags: ["shell", "a,b", 'c"d', ""],
    is_public: true,
    created_at: day(1),
    updated_at: day(1),
  },
  { id: PRIVATE, user_id: owner.id, title: "A private one", goal: "Nobody's business", template: "t", created_at: day(2) },
  { id: INACTIVE, user_id: owner.id, title: "An old one", template: "t", is_public: true, is_active: false, created_at: day(3) },
  { id: THEIRS, user_id: other.id, title: "Another's", template: "t", category: "art", is_public: true, created_at: day(4) },
  { id: HIDDEN, user_id: other.id, title: "Another's private one", template: "t", created_at: day(5) },
]);
const answers = (prompt_id, ...texts) => texts.map((answer, position) => ({ prompt_id, question: `Question ${position}`, answer, position }));
await seed("prompt_answers", [
  ...answers(PUBLIC, "bash", "zsh", "fish"),
  ...answers(PRIVATE, "secret"),
  ...answers(THEIRS, "oil"),
  ...answers(HIDDEN, "hidden"),
]);
const templates = await seed("prompt_templates", [
  { prompt_id: PUBLIC, category: "dev", tags: ["x"], likes_count: 0, uses_count: 7 },
  { prompt_id: THEIRS, category: "art" },
  { prompt_id: PUBLIC },
  { prompt_id: HIDDEN, category: "dev" },
]);
const [LIKED, OTHERS] = templates.map(({ id }) => id);
await seed("template_likes", [owner, other].map(({ id }) => ({ user_id: id, template_id: LIKED })));
await seed("user_favorites", [LIKED, OTHERS].map((template_id) => ({ user_id: owner.id, template_id })));
// Tried while it was public, and private since.
await seed("test_results", [
  { user_id: other.id, prompt_id: PRIVATE, model: "m1", rating: 5 },
  { user_id: other.id, prompt_id: THEIRS, model: "m2", rating: 1 },
]);
await seed("prompt_usage", [
  { user_id: owner.id, prompt_id: PUBLIC, scene: "beach", success: true, generation_time_ms: 900, created_at: day(1) },
  { user_id: owner.id, prompt_id: PUBLIC, scene: "café", success: false, error_message: "no memory", created_at: day(2) },
  { user_id: other.id, prompt_id: PUBLIC, scene: "beach", success: true, created_at: day(3) },
  { user_id: null, prompt_id: PUBLIC, scene: "beach", success: true, created_at: day(4) },
  { user_id: other.id, prompt_id: PRIVATE, scene: "hidden", success: true, created_at: day(5) },
]);
for (const [index, id] of [PUBLIC, PRIVATE, THEIRS].entries()) {
  const columns = "prompt_id, view_count, copy_count, fork_count, compare_count, version, updated_at";
  await sql(`insert into prompt_stats (${columns}) values (?, ?, 2, 1, 0, 1, '2026-11-20T12:00:00.000000+00:00')`, id, 10 * (index + 1));
}

const idsOf = (query) => columnOf("id", query);

describe("rows and columns", () => {
  test("a user's prompts with their answers, newest first", async () => {
    const query = (client) => client.from("prompts").select("*, prompt_answers(*)").eq("user_id", owner.id).order("created_at", { ascending: false });
    const rows = await rowsOf(query(owner));
    assert.deepEqual(rows.map(({ id, prompt_answers }) => [id, prompt_answers.map(({ answer }) => answer).sort()]), [
      [INACTIVE, []],
      [PRIVATE, ["secret"]],
      [PUBLIC, ["bash", "fish", "zsh"]],
    ]);
    const columns = ["id", "prompt_id", "question", "answer", "position", "created_at", "updated_at"];
    assert.deepEqual(Object.keys(rows[1].prompt_answers[0]), columns);
    for (const client of [other, anonymous]) assert.deepEqual(await idsOf(query(client)), [PUBLIC]);
  });

  test("* gives every column, in order, with values of its kind", async () => {
    const row = await rowsOf(owner.from("prompts").select().eq("id", PUBLIC).single());
    assert.deepEqual(
      Object.entries(row).map(([name, value]) => [name, name.endsWith("_at") ? instant(value) : value]),
      Object.entries({
        id: PUBLIC,
        slug: "linux-terminal",
        user_id: owner.id,
        title: "Linux terminal",
        goal: "Act as a terminal",
        template: "I want you to act as a ${name}",
        variables: { name: { default: "terminal", 2: [1.5, null, true] } },
        negative_prompt: "",
        category: "dev",
        tags: ["shell", "a,b", 'c"d', ""],
        is_public: true,
        is_active: true,
        forked_from: null,
        created_at: "2024-03-01T12:34:56.000789",
        updated_at: "2024-03-01T12:34:56.000789",
      }),
    );
    assert.equal(new Date(row.created_at).getTime(), Date.parse("2024-03-01T12:34:56.000Z"));
  });

  test("only the columns that are asked for, under the names that are asked for", async () => {
    const row = await rowsOf(owner.from("prompts").select("name: title, is_public, slug").eq("id", PUBLIC).single());
    assert.deepEqual(Object.entries(row), [["name", "Linux terminal"], ["is_public", true], ["slug", "linux-terminal"]]);
  });

  test("what the worker keeps for itself is no column", async () => {
    await service.from("prompt_events").insert({ prompt_id: THEIRS, user_id: owner.id, event_type: "fork" });
    const [row] = await rowsOf(owner.from("prompt_events").select());
    assert.deepEqual(Object.keys(row), ["id", "prompt_id", "user_id", "event_type", "child_prompt_id", "comparison_id", "created_at"]);
    await refused(owner.from("prompt_events").select("claimed_by"), 400, "42703", "claimed_by");
    await refused(owner.from("prompt_events").select().is("uncounted_since_ms", null), 400, "42703", "uncounted_since_ms");
    await refused(owner.from("prompt_stats").select().order("version"), 400, "42703", "version");
    await refused(service.from("prompt_usage").select("payload_digest"), 400, "42703", "payload_digest");
  });
});

describe("embedded rows", () => {
  const check = (name, query, expected) => test(name, async () => assert.deepEqual(await rowsOf(query()), expected));

  check("the one that a row refers to is an object", () => anonymous.from("prompt_templates").select("id, prompts(title)").eq("id", LIKED), [
    { id: LIKED, prompts: { title: "Linux terminal" } },
  ]);
  check("those that refer to a row are a list", () => anonymous.from("prompts").select("id, prompt_templates(category)").eq("id", THEIRS), [
    { id: THEIRS, prompt_templates: [{ category: "art" }] },
  ]);
  check("there may be none", () => owner.from("prompts").select("id, prompt_answers(id), prompt_templates(id)").eq("id", INACTIVE), [
    { id: INACTIVE, prompt_answers: [], prompt_templates: [] },
  ]);
  check("one at most where the reference is unique", () => anonymous.from("prompts").select("id, prompt_stats(view_count)").eq("id", PUBLIC), [
    { id: PUBLIC, prompt_stats: { view_count: 10 } },
  ]);
  check("one at most where the reference is unique, and there is none", () => owner.from("prompts").select("id, prompt_stats(view_count)").eq("id", INACTIVE), [
    { id: INACTIVE, prompt_stats: null },
  ]);
  check("under another name", () => anonymous.from("prompt_templates").select("of:prompts(name:title)").eq("id", OTHERS), [{ of: { name: "Another's" } }]);
  check(
    "twice, under two names, each with its conditions",
    () =>
      anonymous
        .from("prompts")
        .select("id, first:prompt_answers(answer), rest:prompt_answers(answer)")
        .eq("id", PUBLIC)
        .eq("first.position", 0)
        .gt("rest.position", 0)
        .order("position", { referencedTable: "rest", ascending: false }),
    [{ id: PUBLIC, first: [{ answer: "bash" }], rest: [{ answer: "fish" }, { answer: "zsh" }] }],
  );
  check(
    "in each other, down and up",
    () =>
      owner
        .from("user_favorites")
        .select("template_id, prompt_templates(category, prompts(title, prompt_answers(answer)))")
        .order("position", { referencedTable: "prompt_templates.prompts.prompt_answers" })
        .eq("template_id", LIKED),
    [
      {
        template_id: LIKED,
        prompt_templates: {
          category: "dev",
          prompts: { title: "Linux terminal", prompt_answers: [{ answer: "bash" }, { answer: "zsh" }, { answer: "fish" }] },
        },
      },
    ],
  );
  check(
    "a condition, an order and a limit on them leave the rows around them",
    () =>
      owner
        .from("prompts")
        .select("id, prompt_answers(answer)")
        .eq("user_id", owner.id)
        .neq("prompt_answers.answer", "zsh")
        .order("answer", { referencedTable: "prompt_answers", ascending: false })
        .limit(1, { referencedTable: "prompt_answers" })
        .order("created_at"),
    [
      { id: PUBLIC, prompt_answers: [{ answer: "fish" }] },
      { id: PRIVATE, prompt_answers: [{ answer: "secret" }] },
      { id: INACTIVE, prompt_answers: [] },
    ],
  );
  check(
    "a range of them",
    () =>
      owner
        .from("prompts")
        .select("prompt_answers(answer)")
        .eq("id", PUBLIC)
        .order("position", { foreignTable: "prompt_answers" })
        .range(1, 2, { foreignTable: "prompt_answers" }),
    [{ prompt_answers: [{ answer: "zsh" }, { answer: "fish" }] }],
  );
  check(
    "with !inner, only rows that have some",
    () => owner.from("prompts").select("id, prompt_answers!inner(answer)").in("prompt_answers.answer", ["zsh", "oil"]).order("created_at"),
    [
      { id: PUBLIC, prompt_answers: [{ answer: "zsh" }] },
      { id: THEIRS, prompt_answers: [{ answer: "oil" }] },
    ],
  );
  check(
    "with !inner in each other",
    () =>
      anonymous
        .from("prompts")
        .select("id, prompt_templates!inner(category, prompts!inner(title))")
        .eq("prompt_templates.prompts.title", "Another's"),
    [{ id: THEIRS, prompt_templates: [{ category: "art", prompts: { title: "Another's" } }] }],
  );
  check("those that the caller may not see are not there", () => other.from("test_results").select("model, prompts(title)").order("model"), [
    { model: "m1", prompts: null },
    { model: "m2", prompts: { title: "Another's" } },
  ]);
  check("with !inner, nor are the rows around them", () => other.from("test_results").select("model, prompts!inner(title)"), [
    { model: "m2", prompts: { title: "Another's" } },
  ]);
  check("the likes of others are not there", () => owner.from("prompt_templates").select("id, template_likes(user_id)").eq("id", LIKED), [
    { id: LIKED, template_likes: [{ user_id: owner.id }] },
  ]);
  const used = (client, id) =>
    client.from("prompts").select("title, prompt_usage(scene, success)").eq("id", id).order("created_at", { referencedTable: "prompt_usage" });
  check("one's own uses of a prompt", () => used(owner, PUBLIC), [
    { title: "Linux terminal", prompt_usage: [{ scene: "beach", success: true }, { scene: "café", success: false }] },
  ]);
  check("the uses of others are not there", () => used(other, PUBLIC), [
    { title: "Linux terminal", prompt_usage: [{ scene: "beach", success: true }] },
  ]);
  check("nobody's uses without a name", () => used(anonymous, PUBLIC), [{ title: "Linux terminal", prompt_usage: [] }]);
  check("nor those of one's own prompt by others", () => used(owner, PRIVATE), [{ title: "A private one", prompt_usage: [] }]);
  check(
    "one's own use of a prompt that is hidden since",
    () => other.from("prompt_usage").select("scene, prompts(title)").order("created_at"),
    [
      { scene: "beach", prompts: { title: "Linux terminal" } },
      { scene: "hidden", prompts: null },
    ],
  );
  check(
    "prompts whose use failed",
    () => owner.from("prompts").select("title, prompt_usage!inner(error_message)").is("prompt_usage.success", false),
    [{ title: "Linux terminal", prompt_usage: [{ error_message: "no memory" }] }],
  );
  check(
    "by the name of the reference, and by its column",
    () =>
      anonymous
        .from("prompts")
        .select("a:prompt_templates!prompt_templates_prompt_id_fkey(category), b:prompt_templates!prompt_id(category)")
        .eq("id", THEIRS),
    [{ a: [{ category: "art" }], b: [{ category: "art" }] }],
  );
  check("as a condition alone", () => owner.from("prompts").select("id, prompt_answers!inner()").eq("prompt_answers.answer", "oil"), [{ id: THEIRS }]);
  check(
    "in the order of what rows refer to",
    () => anonymous.from("prompt_templates").select("category, prompts(title)").not("category", "is", null).order("prompts(title)"),
    [
      { category: "art", prompts: { title: "Another's" } },
      { category: "dev", prompts: { title: "Linux terminal" } },
    ],
  );
  check("likes and stats move with their tables", () => anonymous.from("prompt_templates").select("likes_count, uses_count").eq("id", LIKED), [
    { likes_count: 2, uses_count: 7 },
  ]);
  check(
    "conditions on several embedded tables in one or",
    () =>
      anonymous
        .from("prompt_templates")
        .select("id, prompts!inner(title)")
        .or("category.eq.art,and(prompts.title.ilike.%terminal%,uses_count.gt.1)")
        .order("uses_count"),
    [
      { id: OTHERS, prompts: { title: "Another's" } },
      { id: LIKED, prompts: { title: "Linux terminal" } },
    ],
  );
});

test("all that hangs on a prompt at once is what its tables give one by one", async () => {
  const sorted = (rows) => rows.map((row) => JSON.stringify(row)).sort();
  for (const client of [anonymous, owner, other, service]) {
    const lists = ["prompt_answers", "test_results", "prompt_usage", "prompt_events", "prompt_favorites"];
    const below = "prompt_templates(*, template_likes(*), user_favorites(*)), prompt_stats(*)";
    const all = await rowsOf(client.from("prompts").select(`*, ${lists.map((table) => `${table}(*)`)}, ${below}`).eq("id", PUBLIC).single());
    const { prompt_stats, prompt_templates, ...prompt } = all;
    for (const table of lists) {
      assert.deepEqual(sorted(prompt[table]), sorted(await rowsOf(client.from(table).select().eq("prompt_id", PUBLIC))), table);
      delete prompt[table];
    }
    assert.deepEqual(prompt, await rowsOf(client.from("prompts").select().eq("id", PUBLIC).single()));
    assert.deepEqual(prompt_stats, await rowsOf(client.from("prompt_stats").select().eq("prompt_id", PUBLIC).single()));
    for (const { template_likes, user_favorites, ...template } of prompt_templates) {
      assert.deepEqual(template, await rowsOf(client.from("prompt_templates").select().eq("id", template.id).single()));
      for (const [table, rows] of Object.entries({ template_likes, user_favorites })) {
        assert.deepEqual(sorted(rows), sorted(await rowsOf(client.from(table).select().eq("template_id", template.id))), table);
      }
    }
    assert.equal(prompt_templates.length, 2);
  }
});

describe("one row", () => {
  const one = (client, id) => client.from("prompts").select("title").eq("id", id);

  test("single() gives it", async () => assert.deepEqual(await rowsOf(one(anonymous, PUBLIC).single()), { title: "Linux terminal" }));

  for (const [name, id] of [["hidden", HIDDEN], ["that does not exist", randomUUID()]]) {
    test(`single() on a row ${name} is refused`, async () => {
      const error = await refused(one(anonymous, id).single(), 406, "PGRST116");
      assert.equal(error.details, "The result contains 0 rows");
    });
    test(`maybeSingle() on a row ${name} is null`, async () => {
      const { data, error, status } = await one(anonymous, id).maybeSingle();
      assert.deepEqual({ data, error, status }, { data: null, error: null, status: 200 });
    });
  }

  test("single() on several rows is refused", async () => {
    const error = await refused(owner.from("prompts").select().eq("user_id", owner.id).single(), 406, "PGRST116");
    assert.equal(error.details, "The result contains 3 rows");
  });

  test("maybeSingle() gives one row, and refuses several", async () => {
    assert.deepEqual(await rowsOf(one(owner, PRIVATE).maybeSingle()), { title: "A private one" });
    const { error, status } = await owner.from("prompts").select().eq("user_id", owner.id).maybeSingle();
    assert.deepEqual([status, error.code], [406, "PGRST116"]);
  });
});

describe("counts and pages", async () => {
  const PAGE = 1000;
  const MORE = 1100;
  const [collector] = await known(1);
  const title = (index) => `${index}`.padStart(4, "0");
  await seed("prompts", Array.from({ length: MORE }, (_, index) => ({ user_id: collector.id, title: title(index), template: "t" })));
  const listed = (options) => collector.from("prompts").select("title", options).eq("user_id", collector.id).order("title");
  const titles = (from, to) => Array.from({ length: to - from + 1 }, (_, index) => ({ title: title(from + index) }));

  const check = (name, query, expected) =>
    test(name, async () => {
      const { data, count, status, error } = await query();
      assert.deepEqual({ data, count, status, error }, { error: null, ...expected });
    });
  const counting = { count: "exact", head: true };
  const first = () => collector.from("prompts").select("*", counting).eq("user_id", collector.id).lt("title", "0010");
  check("head counts and gives no rows", first, { data: null, count: 10, status: 200 });
  check("head without a count", () => collector.from("prompts").select("*", { head: true }), { data: null, count: null, status: 200 });
  for (const count of ["exact", "planned", "estimated"]) {
    check(`${count} counts all rows`, () => listed({ count }).lt("title", "0003"), { data: titles(0, 2), count: 3, status: 200 });
  }
  check("a page is a thousand rows at most", () => listed({ count: "exact" }), { data: titles(0, PAGE - 1), count: MORE, status: 206 });
  check("a page is a thousand rows at most, whatever the limit", () => listed().limit(5000), { data: titles(0, PAGE - 1), count: null, status: 200 });
  check("the page after it", () => listed({ count: "exact" }).range(PAGE, 2 * PAGE - 1), { data: titles(PAGE, MORE - 1), count: MORE, status: 206 });
  check("a range", () => listed({ count: "exact" }).range(5, 8), { data: titles(5, 8), count: MORE, status: 206 });
  check("a limit", () => listed().limit(3), { data: titles(0, 2), count: null, status: 200 });
  check("no rows", () => listed().limit(0), { data: [], count: null, status: 200 });
  check("no rows, counted", () => listed({ count: "exact" }).limit(0), { data: [], count: MORE, status: 206 });
  check("a range behind the last row", () => listed().range(MORE + 5, MORE + 9), { data: [], count: null, status: 200 });
  check("a range behind the last row, counted", () => listed({ count: "exact" }).range(MORE, MORE + 9), { data: [], count: MORE, status: 206 });
  test("a range far behind the last row, counted, is refused", () => refused(listed({ count: "exact" }).range(MORE + 1, MORE + 9), 416, "PGRST103"));
  const hidden = () => anonymous.from("test_results").select("*", { count: "exact" });
  check("the rows of a hidden table are none", hidden, { data: [], count: 0, status: 200 });
  check("a count of what the caller sees", () => anonymous.from("prompts").select("id", counting), { data: null, count: 2, status: 200 });

  const raw = (path, headers) => get(`/rest/v1/${path}`, { as: bearer(tokenOf(collector.id)), headers });
  const path = `prompts?select=title&order=title&user_id=eq.${collector.id}`;
  const checkRange = (name, path, headers, status, contentRange, data) =>
    test(name, async () => {
      const answer = await raw(path, headers);
      assert.deepEqual([answer.status, answer.headers.get("content-range")], [status, contentRange], JSON.stringify(answer.body));
      if (data) assert.deepEqual(answer.body, data);
      const head = await send("HEAD", `/rest/v1/${path}`, { as: bearer(tokenOf(collector.id)), headers });
      assert.deepEqual([head.status, head.headers.get("content-range"), head.body], [status, contentRange, ""], "HEAD");
      assert.equal(head.headers.get("content-type"), answer.headers.get("content-type"));
    });
  const counted = { prefer: "count=exact" };
  checkRange("Content-Range without a count", `${path}&limit=2&offset=4`, {}, 200, "4-5/*", titles(4, 5));
  checkRange("Content-Range with a count", `${path}&limit=2&offset=4`, counted, 206, `4-5/${MORE}`, titles(4, 5));
  checkRange("Content-Range of all rows", `${path}&title=lt.0002`, counted, 200, "0-1/2", titles(0, 1));
  checkRange("Content-Range of no rows", `${path}&title=eq.none`, counted, 200, "*/0", []);
  checkRange("Content-Range of no rows, uncounted", `${path}&title=eq.none`, {}, 200, "*/*", []);
  checkRange("a Range header", path, { range: "7-8", "range-unit": "items" }, 200, "7-8/*", titles(7, 8));
  checkRange("an open Range header", `${path}&title=lt.0010`, { range: "8-" }, 200, "8-9/*", titles(8, 9));
  checkRange("a Range header, counted", path, { range: "0-0", ...counted }, 206, `0-0/${MORE}`, titles(0, 0));
});

describe("conditions", () => {
  const check = (name, narrowed, expected, client = owner) =>
    test(name, async () => {
      const found = await idsOf(narrowed(client.from("prompts").select("id").in("id", [PUBLIC, PRIVATE, INACTIVE, THEIRS, HIDDEN])));
      assert.deepEqual(found.sort(), [...expected].sort());
    });
  check("none", (query) => query, [PUBLIC, PRIVATE, INACTIVE, THEIRS]);
  check("none, anonymous", (query) => query, [PUBLIC, THEIRS], anonymous);
  check("none, the service", (query) => query, [PUBLIC, PRIVATE, INACTIVE, THEIRS, HIDDEN], service);
  check("eq", (query) => query.eq("slug", "linux-terminal"), [PUBLIC]);
  check("neq leaves nulls out", (query) => query.neq("category", "dev"), [THEIRS]);
  check("gt and lte of an instant", (query) => query.gt("created_at", day(1)).lte("created_at", day(3)), [PRIVATE, INACTIVE]);
  check("an instant in another zone", (query) => query.eq("created_at", "2024-03-01T14:34:56.000789+02:00"), [PUBLIC]);
  check("an instant as PostgreSQL writes it", (query) => query.eq("created_at", "2024-03-01 12:34:56.000789+00"), [PUBLIC]);
  check("a date is its first instant", (query) => query.gte("created_at", "2024-03-03").lt("created_at", "2024-03-04"), [INACTIVE]);
  check("an instant as JavaScript writes it", (query) => query.gt("created_at", new Date(Date.parse(day(3)) + 1).toISOString()), [THEIRS]);
  check("a UUID in upper case", (query) => query.eq("id", PUBLIC.toUpperCase()), [PUBLIC]);
  check("eq of a truth value", (query) => query.eq("is_public", false), [PRIVATE]);
  check("is true", (query) => query.is("is_active", true), [PUBLIC, PRIVATE, THEIRS]);
  check("is false", (query) => query.is("is_active", false), [INACTIVE]);
  check("is null", (query) => query.is("category", null), [PRIVATE, INACTIVE]);
  check("not is null", (query) => query.not("category", "is", null), [PUBLIC, THEIRS]);
  check("in", (query) => query.in("title", ["Linux terminal", "Another's", "none"]), [PUBLIC, THEIRS]);
  check("in nothing", (query) => query.in("title", []), []);
  check("not in", (query) => query.not("title", "in", '("Linux terminal","Another\'s")'), [PRIVATE, INACTIVE]);
  check("notIn", (query) => query.notIn("title", ["Linux terminal", "An old one"]), [PRIVATE, THEIRS]);
  check("eq of an empty text", (query) => query.eq("negative_prompt", ""), [PUBLIC]);
  check("eq takes quotes as they are", (query) => query.eq("title", '"Linux terminal"'), []);
  check("like", (query) => query.like("title", "A%"), [PRIVATE, INACTIVE, THEIRS]);
  check("like minds the case", (query) => query.like("title", "a%"), []);
  check("ilike does not", (query) => query.ilike("title", "LINUX*"), [PUBLIC]);
  check("filter", (query) => query.filter("title", "not.like", "A%"), [PUBLIC]);
  check("match", (query) => query.match({ is_public: true, is_active: false }), [INACTIVE]);
  check("the same column twice", (query) => query.neq("title", "An old one").neq("title", "Another's"), [PUBLIC, PRIVATE]);
  check("or", (query) => query.or("category.eq.art,title.like.*private*"), [PRIVATE, THEIRS]);
  check("or with a space after the comma", (query) => query.or("category.eq.art, is_active.is.false"), [INACTIVE, THEIRS]);
  check("or twice", (query) => query.or("category.eq.art,category.is.null").or("is_public.is.false,is_active.is.true"), [PRIVATE, THEIRS]);
  check("or with not and in", (query) => query.or(`category.not.is.null,id.in.(${PRIVATE},${HIDDEN})`), [PUBLIC, PRIVATE, THEIRS]);
  const either = "and(is_public.eq.true,is_active.eq.false),not.and(category.is.null,is_active.is.true)";
  check("and in or", (query) => query.or(either), [PUBLIC, INACTIVE, THEIRS]);
  check("or sees no more than its caller", (query) => query.or(`id.eq.${HIDDEN},id.eq.${PRIVATE},title.neq.x`), [PUBLIC, THEIRS], anonymous);
  check("not sees no more than its caller", (query) => query.not("title", "eq", "x"), [PUBLIC, THEIRS], anonymous);

  const checkRaw = (name, query, expected) =>
    test(name, async () => {
      const { status, body } = await get(`/rest/v1/prompts?select=id&${query}`, { as: nobody });
      assert.deepEqual([status, body], [200, expected.map((id) => ({ id }))], JSON.stringify(body));
    });
  checkRaw("and=", `and=(slug.eq.linux-terminal,is_public.is.true)`, [PUBLIC]);
  checkRaw("not.and=", `not.and=(slug.is.null,is_public.is.true)`, [PUBLIC]);
  checkRaw("not.or=", `not.or=(slug.is.null,is_public.is.false)`, [PUBLIC]);
  checkRaw("a plus is a space", `title=eq.Linux+terminal`, [PUBLIC]);
  checkRaw("quotes around a column", `"slug"=eq.linux-terminal`, [PUBLIC]);
  checkRaw("is in capitals", `slug=not.is.NULL`, [PUBLIC]);
});

describe("order", () => {
  const check = (name, ordered, expected) =>
    test(name, async () => {
      const query = owner.from("prompts").select("id").in("id", [PUBLIC, PRIVATE, INACTIVE, THEIRS]);
      assert.deepEqual(await idsOf(ordered(query)), expected);
    });
  const descending = { ascending: false };
  check("ascending", (query) => query.order("created_at"), [PUBLIC, PRIVATE, INACTIVE, THEIRS]);
  check("descending", (query) => query.order("created_at", { ascending: false }), [THEIRS, INACTIVE, PRIVATE, PUBLIC]);
  check("nulls come last", (query) => query.order("category").order("created_at"), [THEIRS, PUBLIC, PRIVATE, INACTIVE]);
  check("nulls come first when descending", (query) => query.order("category", descending).order("created_at"), [PRIVATE, INACTIVE, PUBLIC, THEIRS]);
  check("nulls first", (query) => query.order("category", { nullsFirst: true }).order("created_at"), [PRIVATE, INACTIVE, THEIRS, PUBLIC]);
  check("nulls last", (query) => query.order("category", { ...descending, nullsFirst: false }).order("created_at"), [PUBLIC, THEIRS, PRIVATE, INACTIVE]);
  check("false comes before true", (query) => query.order("is_public").order("created_at", descending), [PRIVATE, THEIRS, INACTIVE, PUBLIC]);
});

describe("the snapshots of counters", () => {
  const top = (client) =>
    rowsOf(
      client.from("prompt_stats").select("prompt_id, view_count, copy_count, fork_count").order("view_count", { ascending: false }).limit(10),
    );
  const counts = (prompt_id, view_count) => ({ prompt_id, view_count, copy_count: 2, fork_count: 1 });

  test("the most viewed, of what everybody sees", async () => {
    assert.deepEqual(await top(anonymous), [counts(THEIRS, 30), counts(PUBLIC, 10)]);
  });
  test("the most viewed, with one's own", async () => {
    assert.deepEqual(await top(owner), [counts(THEIRS, 30), counts(PRIVATE, 20), counts(PUBLIC, 10)]);
  });
  test("with their prompts", async () => {
    const query = anonymous.from("prompt_stats").select("view_count, prompts(title)").gt("view_count", 10);
    assert.deepEqual(await rowsOf(query), [{ view_count: 30, prompts: { title: "Another's" } }]);
  });
});

describe("CSV", () => {
  test("as PostgreSQL writes rows", async () => {
    const [{ id }] = await seed("prompts", [
      { user_id: other.id, title: 'a "b", c\\d (e)', goal: "", template: "two\nlines", negative_prompt: " ", category: "plain", is_public: true },
    ]);
    const columns = "title, goal, template, negative_prompt, category, slug, is_public, is_active";
    const lines = ["title,goal,template,negative_prompt,category,slug,is_public,is_active", '"a ""b"", c\\\\d (e)","","two\nlines"," ",plain,,t,t'];
    assert.equal(await rowsOf(anonymous.from("prompts").select(columns).eq("id", id).csv()), lines.join("\n"));
    await service.from("prompts").delete().eq("id", id);
  });

  test("several rows, and numbers", async () => {
    const query = anonymous.from("prompt_answers").select("position, answer").eq("prompt_id", PUBLIC).order("position").csv();
    assert.equal(await rowsOf(query), "position,answer\n0,bash\n1,zsh\n2,fish");
  });

  test("has its own type", async () => {
    const { status, headers } = await get("/rest/v1/prompts", { headers: { accept: "text/csv" } });
    assert.deepEqual([status, headers.get("content-type")], [200, "text/csv; charset=utf-8"]);
  });
});

describe("who asks", () => {
  const mine = (client) => client.from("prompts").select("id", { count: "exact", head: true }).eq("user_id", owner.id);
  const countOf = async (query) => {
    const { count, error } = await query;
    assert.equal(error, null, JSON.stringify(error));
    return count;
  };

  test("an access token for each request", async () => {
    let asked = 0;
    const accessToken = async () => (asked++, tokenOf(owner.id));
    assert.equal(await countOf(mine(createClient(origin, SETTINGS.PUBLISHABLE_KEY, { accessToken }))), 3);
    assert.ok(asked > 0);
  });

  test("a user whom nobody has seen sees what everybody sees", async () => {
    const stranger = somebody();
    assert.equal(await countOf(mine(stranger)), 1);
    await until(async () => (await rowsOf(stranger.from("users").select())).length);
    assert.deepEqual(await rowsOf(stranger.from("users").select("id, email")), [{ id: stranger.id, email: null }]);
  });

  test("a page of another origin", async () => {
    const headers = [
      ...["apikey", "authorization", "x-client-info", "x-retry-count"],
      ...["content-type", "prefer", "accept-profile", "content-profile", "range", "range-unit"],
    ];
    const origin = "https://app.example";
    for (const [path, methods] of Object.entries({ prompts: ["GET", "HEAD", "POST", "PATCH", "DELETE"], "rpc/increment_prompt_views": ["POST"] })) {
      for (const method of methods) {
        const asked = { origin, "access-control-request-method": method, "access-control-request-headers": headers.join() };
        const answer = await send("OPTIONS", `/rest/v1/${path}`, { headers: asked });
        const allowed = (name) => answer.headers.get(`access-control-allow-${name}`)?.toLowerCase().split(/,\s*/) ?? [];
        assert.ok([200, 204].includes(answer.status), `${answer.status}`);
        assert.deepEqual(headers.filter((name) => !allowed("headers").includes(name)), [], `${method} ${path}`);
        assert.ok(allowed("methods").includes(method.toLowerCase()), `${method} ${path}`);
        assert.ok(["*", origin].includes(answer.headers.get("access-control-allow-origin")));
      }
    }
    const answer = await get("/rest/v1/prompts?limit=1", { headers: { origin, prefer: "count=exact" } });
    assert.ok(["*", origin].includes(answer.headers.get("access-control-allow-origin")));
    assert.match(answer.headers.get("access-control-expose-headers") ?? "", /\bcontent-range\b/i, "the client reads the count there");
    const refusal = await get("/rest/v1/nothing", { headers: { origin } });
    assert.ok(["*", origin].includes(refusal.headers.get("access-control-allow-origin")));
  });

  test("a schema by name", async () => {
    assert.equal(await countOf(mine(owner.schema("public"))), 3);
    await refused(owner.schema("private").from("prompts").select(), 406, "PGRST106");
    const { error, status } = await owner.schema("private").from("prompts").insert({ title: "t", template: "t" });
    assert.deepEqual([status, error.code], [406, "PGRST106"]);
  });

  const PERSONAL = ["users", "test_results", "template_likes", "user_favorites", "prompt_favorites", "prompt_usage", "prompt_events"];
  for (const table of PERSONAL) {
    test(`nobody sees ${table} without a name`, async () => assert.deepEqual(await rowsOf(anonymous.from(table).select()), []));
  }
  for (const table of ["experiments", "analytics_events", "experiment_sessions", "experiment_analytics_summary"]) {
    test(`${table} are the service's`, async () => {
      assert.deepEqual(await rowsOf(owner.from(table).select()), []);
      await rowsOf(service.from(table).select());
    });
  }
  test("a user is seen by nobody else", async () => {
    assert.deepEqual(await columnOf("id", owner.from("users").select("id")), [owner.id]);
    const both = [owner.id, other.id].sort();
    assert.deepEqual(await columnOf("id", service.from("users").select("id").in("id", both).order("id")), both);
  });
});
