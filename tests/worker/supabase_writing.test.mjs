// Writing through an unmodified Supabase client: what is stored, what comes back, what is refused, and that what is
// refused leaves nothing behind.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, test } from "node:test";
import { atOnce } from "./instance.mjs";
import { columnOf, instant, library, refused, rowsOf } from "./library.mjs";

const { anonymous, dump, known, seed, service, somebody, sql } = await library();
const [owner, other] = await known(2);
const template = "A template";
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const LONG_AGO = "2020-01-01T00:00:00+00:00";

const OLD = { user_id: owner.id, title: "A title", template, created_at: LONG_AGO, updated_at: LONG_AGO };
const prompt = async (columns = {}) => (await seed("prompts", [{ ...OLD, ...columns }]))[0];
const find = (id, columns = "*") => rowsOf(service.from("prompts").select(columns).eq("id", id).maybeSingle());

/** Checks that a write is refused and changes nothing. */
async function refusedWhole(query, status, code, named) {
  const before = await dump();
  const error = await refused(query, status, code, named);
  assert.deepEqual(await dump(), before);
  return error;
}

describe("insert", () => {
  test("a prompt and its answers", async () => {
    const { data, status, error } = await owner
      .from("prompts")
      .insert({ user_id: owner.id, title: "Mine", goal: "To see it", template, tags: ["a", "b"], is_public: true })
      .select()
      .single();
    assert.deepEqual([status, error], [201, null]);
    const list = ["first", "second"].map((answer, position) => ({ prompt_id: data.id, question: "Which?", answer, position }));
    const inserted = await owner.from("prompt_answers").insert(list);
    assert.deepEqual([inserted.status, inserted.data, inserted.error], [201, null, null]);
    const query = anonymous.from("prompts").select("title, goal, tags, prompt_answers(answer)").eq("id", data.id);
    assert.deepEqual(await rowsOf(query.order("position", { referencedTable: "prompt_answers" }).single()), {
      title: "Mine",
      goal: "To see it",
      tags: ["a", "b"],
      prompt_answers: [{ answer: "first" }, { answer: "second" }],
    });
  });

  test("what is not named has its default", async () => {
    const from = Date.now();
    const row = await rowsOf(owner.from("prompts").insert({ title: "Bare", template }).select().single());
    const [id, created_at, updated_at] = [row.id, row.created_at, row.updated_at];
    assert.match(id, UUID_V7);
    for (const at of [created_at, updated_at]) assert.ok(Date.parse(at) >= from - 1 && Date.parse(at) <= Date.now() + 1, at);
    const unset = ["slug", "goal", "variables", "negative_prompt", "category", "tags", "forked_from"];
    assert.deepEqual(row, {
      ...Object.fromEntries(unset.map((name) => [name, null])),
      ...{ id, created_at, updated_at, user_id: owner.id, title: "Bare", template, is_public: false, is_active: true },
    });
  });

  test("by a user whom nobody has seen", async () => {
    const stranger = somebody();
    const inserted = stranger.from("prompts").insert({ title: "First", template }).select("user_id").single();
    assert.deepEqual(await rowsOf(inserted), { user_id: stranger.id });
  });

  test("rows come back in their order, with what is asked for", async () => {
    const names = Array.from({ length: 30 }, (_, index) => `${(index * 7) % 30}`);
    const rows = await rowsOf(owner.from("prompts").insert(names.map((title) => ({ title, template }))).select("name:title, prompt_answers(id)"));
    assert.deepEqual(rows, names.map((name) => ({ name, prompt_answers: [] })));
  });

  test("no rows", async () => {
    const { data, status, error } = await owner.from("prompts").insert([]).select();
    assert.deepEqual([data, status, error], [[], 201, null]);
  });

  test("counted", async () => {
    const rows = [1, 2, 3].map((number) => ({ title: `${number}`, template }));
    const { count, data, error } = await owner.from("prompts").insert(rows, { count: "exact" });
    assert.deepEqual([count, data, error], [3, null, null]);
  });

  test("a column that only some rows name is null in the others", async () => {
    const rows = [{ title: "1", template, goal: "g" }, { title: "2", template }];
    assert.deepEqual(await columnOf("goal", owner.from("prompts").insert(rows).select("goal")), ["g", null]);
    const flags = [{ title: "1", template, is_public: true }, { title: "2", template }];
    await refusedWhole(owner.from("prompts").insert(flags), 400, "23502", "is_public");
  });

  test("a column that only some rows name has its default where the client says so", async () => {
    const rows = [{ title: "1", template, is_public: true }, { title: "2", template }];
    assert.deepEqual(await columnOf("is_public", owner.from("prompts").insert(rows, { defaultToNull: false }).select("is_public")), [true, false]);
  });

  test("a column that is named without a value is null where rows come in a list", async () => {
    assert.equal((await rowsOf(owner.from("prompts").insert({ id: undefined, title: "1", template }).select("title").single())).title, "1");
    await refusedWhole(owner.from("prompts").insert([{ id: undefined, title: "1", template }]), 400, "23502", "id");
  });

  test("text is kept byte for byte", async () => {
    const texts = [
      "line\nand \\n, tab\tand \\t, \r\n",
      "'; drop table prompts; --",
      '"quoted" \\"twice\\"',
      "\ufeffé and e\u0301 are two, \u200b \u00a0",
      "🎉👨\u200d👩\u200d👧 \u{10ffff}",
      "${name} {{name}} %s ?1 :a @b $1",
      " \u0001\u001f\u007f\u0085\u2028 ",
      "مرحبا שלום 日本語",
      "",
    ];
    const rows = texts.map((text) => ({ title: text, goal: text, template: text }));
    const given = await rowsOf(owner.from("prompts").insert(rows).select("title, goal, template"));
    assert.deepEqual(given, rows);
    for (const { title } of rows) {
      const found = await rowsOf(owner.from("prompts").select("title").eq("title", title).eq("template", title));
      assert.deepEqual(found, [{ title }]);
    }
  });

  const checkValue = (name, column, given, expected) =>
    test(`${name} is read as PostgreSQL reads it`, async () => {
      const row = await rowsOf(owner.from("prompts").insert({ title: "v", template, [column]: given }).select(column).single());
      assert.deepEqual(column.endsWith("_at") ? instant(row[column]) : row[column], expected);
    });
  checkValue("an instant in another zone", "created_at", "2024-03-05T12:34:56.123456+05:30", "2024-03-05T07:04:56.123456");
  checkValue("an instant without a zone", "created_at", "2024-03-05 12:34:56", "2024-03-05T12:34:56.000000");
  checkValue("a date", "created_at", "2024-03-05", "2024-03-05T00:00:00.000000");
  checkValue("JavaScript's instant", "created_at", new Date(0).toISOString(), "1970-01-01T00:00:00.000000");
  checkValue("JSON", "variables", { a: [1, { b: null }], ü: "é" }, { a: [1, { b: null }], ü: "é" });
  checkValue("a JSON text", "variables", "text", "text");
  checkValue("a JSON array", "variables", [1, 2], [1, 2]);
  checkValue("an empty array", "tags", [], []);
  checkValue("an array of texts", "tags", ["", " ", '"', "\\", ",", "{}", "null", "é"], ["", " ", '"', "\\", ",", "{}", "null", "é"]);
  checkValue("a UUID in upper case", "forked_from", "0199A7F0-0000-7000-8000-00000000000A", "0199a7f0-0000-7000-8000-00000000000a");
  checkValue("null", "category", null, null);
  checkValue("a truth value as text", "is_public", "true", true);
  checkValue("a number where a text stands", "title", 12, "12");

  test("a number as text", async () => {
    const { id } = await prompt();
    const inserted = owner.from("test_results").insert({ prompt_id: id, rating: "4", duration_ms: 0 }).select("rating, duration_ms");
    assert.deepEqual(await rowsOf(inserted), [{ rating: 4, duration_ms: 0 }]);
  });
});

describe("update", () => {
  test("changes what it names, and says when", async () => {
    const { id } = await prompt();
    const from = Date.now();
    const { status, data, error } = await owner.from("prompts").update({ title: "New", tags: null }).eq("id", id);
    assert.deepEqual([status, data, error], [204, null, null]);
    const row = await find(id);
    assert.deepEqual([row.title, row.template, instant(row.created_at)], ["New", template, instant(LONG_AGO)]);
    assert.ok(Date.parse(row.updated_at) >= from - 1);
  });

  test("takes the time that it is told", async () => {
    const { id } = await prompt();
    const row = await rowsOf(owner.from("prompts").update({ updated_at: "2021-01-01T00:00:00Z" }).eq("id", id).select("updated_at").single());
    assert.equal(instant(row.updated_at), "2021-01-01T00:00:00.000000");
  });

  test("gives the rows as they are after it", async () => {
    const ids = [(await prompt()).id, (await prompt()).id];
    await seed("prompt_answers", [{ prompt_id: ids[0], question: "q", answer: "a" }]);
    const { status, data } = await owner.from("prompts").update({ goal: "G" }).in("id", ids).select("id, goal, prompt_answers(answer)");
    assert.equal(status, 200);
    const byId = (one, another) => (one.id < another.id ? -1 : 1);
    const expected = ids.map((id, index) => ({ id, goal: "G", prompt_answers: index ? [] : [{ answer: "a" }] }));
    assert.deepEqual(data.sort(byId), expected.sort(byId));
  });

  test("of rows that a condition finds, which it no longer does afterwards", async () => {
    const { id } = await prompt({ title: "before" });
    const query = owner.from("prompts").update({ title: "after" }, { count: "exact" });
    const { data, count } = await query.or(`title.eq.before,title.eq.never`).eq("id", id).select("title");
    assert.deepEqual([data, count], [[{ title: "after" }], 1]);
  });

  test("of nothing changes nothing", async () => {
    const before = await dump();
    const { status, data, error } = await owner.from("prompts").update({ title: "x" }).eq("id", randomUUID()).select();
    assert.deepEqual([status, data, error], [200, [], null]);
    const minimal = await owner.from("prompts").update({ title: "x" }, { count: "exact" }).eq("id", randomUUID());
    assert.deepEqual([minimal.status, minimal.count, minimal.error], [204, 0, null]);
    assert.deepEqual(await dump(), before);
  });

  test("with no columns changes nothing", async () => {
    const { id } = await prompt();
    const before = await dump();
    const { status, error } = await owner.from("prompts").update({}).eq("id", id);
    assert.deepEqual([status, error], [204, null]);
    assert.deepEqual(await dump(), before);
  });

  test("without a condition is refused", async () => {
    await prompt();
    await refusedWhole(owner.from("prompts").update({ title: "x" }), 400, "21000");
  });

  for (const count of [0, 2]) {
    test(`of ${count} rows where single() is asked for is refused, whole`, async () => {
      const title = randomUUID();
      for (let made = 0; made < count; made++) await prompt({ title });
      const error = await refusedWhole(owner.from("prompts").update({ goal: "x" }).eq("title", title).select().single(), 406, "PGRST116");
      assert.equal(error.details, `The result contains ${count} rows`);
    });
  }
});

describe("upsert", () => {
  test("by the primary key", async () => {
    const { id } = await prompt({ goal: "kept" });
    const { status, data, error } = await owner.from("prompts").upsert({ id, title: "Changed", template }).select("title, goal");
    assert.deepEqual([error, status, data], [null, 200, [{ title: "Changed", goal: "kept" }]]);
    const added = await owner.from("prompts").upsert({ id: randomUUID(), title: "Added", template }).select("title");
    assert.deepEqual([added.error, added.status, added.data], [null, 201, [{ title: "Added" }]]);
  });

  test("by another unique column, some rows there and some not", async () => {
    const slug = randomUUID().slice(1);
    const { id } = await prompt({ slug });
    const rows = [{ slug: `${slug}-2`, title: "Two", template }, { slug, title: "One", template }];
    const query = owner.from("prompts").upsert(rows, { onConflict: "slug", count: "exact" }).select("slug, title");
    const { data, status, count, error } = await query;
    assert.deepEqual([error, status, count, data], [null, 201, 2, rows.map(({ slug, title }) => ({ slug, title }))]);
    assert.equal((await find(id, "title")).title, "One");
  });

  test("by a primary key of several columns", async () => {
    const prompts = [await prompt({ is_public: true }), await prompt({ is_public: true })];
    const rows = prompts.map(({ id }) => ({ user_id: other.id, prompt_id: id }));
    await rowsOf(other.from("prompt_favorites").insert(rows[0]));
    const ignored = { onConflict: "user_id,prompt_id", ignoreDuplicates: true };
    const { data, status, error } = await other.from("prompt_favorites").upsert(rows, ignored).select("prompt_id");
    assert.deepEqual([error, status, data], [null, 201, [{ prompt_id: rows[1].prompt_id }]]);
    const again = await other.from("prompt_favorites").upsert(rows, ignored).select("prompt_id");
    assert.deepEqual([again.error, again.status, again.data], [null, 201, []]);
    assert.equal((await rowsOf(other.from("prompt_favorites").select("*").in("prompt_id", prompts.map(({ id }) => id)))).length, 2);
  });

  test("that ignores duplicates changes nothing of them", async () => {
    const { id, slug } = await prompt({ slug: `s${randomUUID()}`, title: "First" });
    await rowsOf(owner.from("prompts").upsert({ slug, title: "Second", template }, { onConflict: "slug", ignoreDuplicates: true }));
    assert.equal((await find(id, "title")).title, "First");
  });

  test("32 at once of one row are one row", async () => {
    const slug = `s${randomUUID()}`;
    const ids = await atOnce(32, async (index) => {
      const options = { onConflict: "slug", ignoreDuplicates: index % 2 === 0 };
      return columnOf("id", owner.from("prompts").upsert({ slug, title: `${index}`, template }, options).select("id"));
    });
    const found = await columnOf("id", owner.from("prompts").select("id").eq("slug", slug));
    assert.equal(found.length, 1);
    assert.deepEqual([...new Set(ids.flat())], found);
  });

  test("of rows of which only some have an id", async () => {
    const { id } = await prompt();
    const rows = [{ id, title: "There", template }, { title: "New", template }];
    const data = await rowsOf(owner.from("prompts").upsert(rows, { defaultToNull: false }).select("id, title"));
    assert.deepEqual([data[0], data[1].title, data.length], [{ id, title: "There" }, "New", 2]);
    assert.match(data[1].id, UUID_V7);
  });

  test("over another's row is refused", async () => {
    const { id } = await prompt({ is_public: true });
    const hidden = await prompt();
    for (const row of [id, hidden.id]) {
      await refusedWhole(other.from("prompts").upsert({ id: row, user_id: other.id, title: "x", template }), 403, "42501");
      const rows = [{ title: "mine", template, id: randomUUID() }, { id: row, title: "x", template }];
      await refusedWhole(other.from("prompts").upsert(rows), 403, "42501");
    }
  });

  test("that names a row twice is refused", async () => {
    const row = { id: randomUUID(), title: "x", template };
    await refusedWhole(owner.from("prompts").upsert([row, row]), 400, "21000");
    const ignored = owner.from("prompts").upsert([row, { ...row, title: "y" }], { ignoreDuplicates: true }).select("title");
    assert.deepEqual(await rowsOf(ignored), [{ title: "x" }]);
  });

  for (const onConflict of ["title", "id,slug", "user_id"]) {
    test(`by what is not unique is refused: ${onConflict}`, () =>
      refusedWhole(owner.from("prompts").upsert({ title: "x", template }, { onConflict }), 400, "42P10"));
  }
  test("by a column that does not exist is refused", () =>
    refusedWhole(owner.from("prompts").upsert({ title: "x", template }, { onConflict: "nothing" }), 400, "42703", "nothing"));
});

describe("delete", () => {
  test("removes a row and what hangs on it", async () => {
    const { id } = await prompt({ is_public: true });
    await seed("prompt_answers", [{ prompt_id: id, question: "q", answer: "a" }]);
    const [{ id: template_id }] = await seed("prompt_templates", [{ prompt_id: id }]);
    await seed("user_favorites", [{ user_id: other.id, template_id }]);
    const kept = await prompt();
    const { status, data, error } = await owner.from("prompts").delete().eq("id", id);
    assert.deepEqual([status, data, error], [204, null, null]);
    assert.equal(await find(id), null);
    for (const table of ["prompt_answers", "prompt_templates"]) {
      assert.deepEqual(await sql(`select 1 from ${table} where prompt_id = ?`, id), [], table);
    }
    assert.deepEqual(await sql("select 1 from user_favorites where template_id = ?", template_id), []);
    assert.ok(await find(kept.id));
  });

  test("gives the rows as they were", async () => {
    const { id } = await prompt({ title: "Gone" });
    const { status, data, count } = await owner.from("prompts").delete({ count: "exact" }).eq("id", id).select("title");
    assert.deepEqual([status, data, count], [200, [{ title: "Gone" }], 1]);
    assert.equal(await find(id), null);
  });

  test("without a condition is refused", () => refusedWhole(owner.from("prompts").delete(), 400, "21000"));

  test("of two rows where single() is asked for is refused, whole", async () => {
    const title = randomUUID();
    for (let made = 0; made < 2; made++) await prompt({ title });
    await refusedWhole(owner.from("prompts").delete().eq("title", title).select().single(), 406, "PGRST116");
  });
});

describe("uses of prompts", async () => {
  const mine = await prompt({ is_public: true });
  const hidden = await prompt();
  const uses = (...conditions) => {
    const query = service.from("prompt_usage").select("id, outfit");
    return rowsOf(conditions.reduce((query, [column, value]) => query.eq(column, value), query));
  };
  const outfit = (id) => uses(["id", id]).then((rows) => rows.map((row) => row.outfit));

  test("one's own, with what is not named by default", async () => {
    const from = Date.now();
    const inserted = other.from("prompt_usage").insert({ prompt_id: mine.id, scene: "café", generation_time_ms: 1200 });
    const { data: row, status } = await inserted.select().single();
    assert.equal(status, 201);
    const { id, created_at } = row;
    assert.match(id, UUID_V7);
    assert.ok(Date.parse(created_at) >= from - 1 && Date.parse(created_at) <= Date.now() + 1, created_at);
    const unset = ["post_id", "character_id", "job_id", "environment", "outfit", "prompt", "negative_prompt", "error_message"];
    assert.deepEqual(row, {
      ...Object.fromEntries(unset.map((name) => [name, null])),
      ...{ id, prompt_id: mine.id, user_id: other.id, scene: "café", success: true, generation_time_ms: 1200, created_at },
    });
    assert.deepEqual(await rowsOf(owner.from("prompt_usage").select().eq("id", id)), [], "a use is told to its user");
  });

  test("many at once, with what went wrong", async () => {
    const rows = [
      { id: randomUUID(), success: true, generation_time_ms: 86_400_000, error_message: null, prompt: "A whole text\n${name}" },
      { id: randomUUID(), success: false, generation_time_ms: 0, error_message: "é".repeat(1024), prompt: null },
      { id: randomUUID(), success: false, generation_time_ms: null, error_message: null, prompt: "" },
    ];
    const inserted = other.from("prompt_usage").insert(rows.map((row) => ({ ...row, prompt_id: mine.id })));
    assert.deepEqual(await rowsOf(inserted.select("id, success, generation_time_ms, error_message, prompt")), rows);
  });

  test("by a user whom nobody has seen", async () => {
    const stranger = somebody();
    const inserted = stranger.from("prompt_usage").insert({ prompt_id: mine.id }).select("user_id, prompts(title)").single();
    assert.deepEqual(await rowsOf(inserted), { user_id: stranger.id, prompts: { title: "A title" } });
  });

  test("the service tells whose, or nobody's", async () => {
    const rows = [owner.id, null].map((user_id) => ({ prompt_id: hidden.id, user_id }));
    assert.deepEqual(await columnOf("user_id", service.from("prompt_usage").insert(rows).select("user_id")), [owner.id, null]);
    assert.deepEqual(await columnOf("user_id", owner.from("prompt_usage").select("user_id").eq("prompt_id", hidden.id)), [owner.id]);
  });

  test("none that is ahead, unless the service tells it", async () => {
    const use = { prompt_id: mine.id, created_at: "2099-01-01T00:00:00+00:00" };
    await refusedWhole(other.from("prompt_usage").insert(use), 400, "23514");
    await refusedWhole(other.from("prompt_events").insert({ ...use, event_type: "fork" }), 400, "23514");
    assert.equal((await service.from("prompt_usage").insert(use)).status, 201);
  });

  test("an id is taken on its prompt, and free on another", async () => {
    const [id, another] = [randomUUID(), await prompt({ is_public: true })];
    const use = { id, prompt_id: mine.id, outfit: "first" };
    await rowsOf(other.from("prompt_usage").insert(use));
    await refusedWhole(other.from("prompt_usage").insert({ ...use, outfit: "again" }), 409, "23505");
    await refusedWhole(owner.from("prompt_usage").insert({ ...use, outfit: "another's" }), 409, "23505");
    await rowsOf(other.from("prompt_usage").insert({ ...use, prompt_id: another.id, outfit: "elsewhere" }));
    assert.deepEqual((await outfit(id)).sort(), ["elsewhere", "first"]);
  });

  test("what an upsert ignores is stored once, and what it would change is refused", async () => {
    const use = { id: randomUUID(), prompt_id: mine.id, outfit: "first" };
    const onConflict = "prompt_id,id";
    const ignoring = (row) => other.from("prompt_usage").upsert(row, { onConflict, ignoreDuplicates: true }).select("outfit");
    assert.deepEqual(await rowsOf(ignoring(use)), [{ outfit: "first" }]);
    assert.deepEqual(await rowsOf(ignoring({ ...use, outfit: "second" })), []);
    await refusedWhole(other.from("prompt_usage").upsert({ ...use, outfit: "second" }, { onConflict }), 403, "42501");
    await refusedWhole(owner.from("prompt_usage").upsert({ ...use, outfit: "third" }, { onConflict }), 403, "42501");
    assert.deepEqual(await outfit(use.id), ["first"]);
    await rowsOf(service.from("prompt_usage").upsert({ ...use, outfit: "the service's" }, { onConflict }));
    assert.deepEqual(await outfit(use.id), ["the service's"]);
  });

  test("32 at once of one use are one row", async () => {
    const use = { id: randomUUID(), prompt_id: mine.id };
    const options = { onConflict: "prompt_id,id", ignoreDuplicates: true };
    const made = await atOnce(32, () => columnOf("id", other.from("prompt_usage").upsert(use, options).select("id")));
    assert.deepEqual(made.flat(), [use.id]);
    assert.equal((await uses(["id", use.id])).length, 1);
  });

  test("they go with their prompt", async () => {
    const { id } = await prompt();
    await rowsOf(owner.from("prompt_usage").insert({ prompt_id: id }));
    await rowsOf(owner.from("prompts").delete().eq("id", id));
    assert.deepEqual(await uses(["prompt_id", id]), []);
  });
});

describe("rules of tables", async () => {
  const { id } = await prompt({ slug: `s${randomUUID()}`, is_public: true });
  const { slug } = await find(id, "slug");
  const row = { title: "x", template };
  const result = { prompt_id: id };
  const [favourite] = await seed("prompt_favorites", [{ user_id: owner.id, prompt_id: id }]);
  const check = (name, query, status, code, named) => test(name, () => refusedWhole(query(), status, code, named));

  check("a second row under one primary key", () => owner.from("prompts").insert({ ...row, id }), 409, "23505");
  check("a second row under one unique column", () => owner.from("prompts").insert({ ...row, slug }), 409, "23505");
  check("two rows of one batch under one unique column", () => owner.from("prompts").insert([1, 2].map(() => ({ ...row, slug: "twice" }))), 409, "23505");
  check("an update to a unique value that is taken", () => service.from("prompts").update({ slug }).neq("id", id), 409, "23505");
  check("a second favourite", () => owner.from("prompt_favorites").insert(favourite), 409, "23505");
  check("a reference to nothing", () => service.from("prompt_answers").insert({ prompt_id: randomUUID(), question: "q", answer: "a" }), 409, "23503");
  check("a reference to no user", () => service.from("prompts").insert({ ...row, user_id: randomUUID() }), 409, "23503");
  check("an update to a reference to nothing", () => service.from("prompts").update({ user_id: randomUUID() }).eq("id", id), 409, "23503");
  check("the end of what something refers to", () => service.from("users").delete().eq("id", owner.id), 409, "23503");
  check("nothing where something must be", () => owner.from("prompts").insert({ title: "x" }), 400, "23502", "template");
  check("null where something must be", () => owner.from("prompts").insert({ ...row, title: null }), 400, "23502", "title");
  check("an update to null where something must be", () => owner.from("prompts").update({ title: null }).eq("id", id), 400, "23502", "title");
  check("a rating of six", () => owner.from("test_results").insert({ ...result, rating: 6 }), 400, "23514", "rating");
  check("a negative duration", () => owner.from("test_results").insert({ ...result, duration_ms: -1 }), 400, "23514", "duration_ms");
  check("an unknown type of event", () => owner.from("prompt_events").insert({ prompt_id: id, event_type: "like" }), 400, "23514", "event_type");
  const use = (columns) => owner.from("prompt_usage").insert({ prompt_id: id, ...columns });
  check("a generation that ends before it begins", () => use({ generation_time_ms: -1 }), 400, "23514", "prompt_usage_generation_time_ms_check");
  check("a generation of more than a day", () => use({ generation_time_ms: 86_400_001 }), 400, "23514", "prompt_usage_generation_time_ms_check");
  check("a success with an error", () => use({ error_message: "no memory" }), 400, "23514", "prompt_usage_error_message_check");
  check("an error of too many bytes", () => use({ success: false, error_message: "é".repeat(1025) }), 400, "23514", "prompt_usage_error_message_check");
  check("a use that neither succeeded nor failed", () => use({ success: null }), 400, "23502", "success");
  check("a use without a prompt", () => owner.from("prompt_usage").insert({ scene: "s" }), 403, "42501");
  check("a use of no prompt, told by the service", () => service.from("prompt_usage").insert({ prompt_id: randomUUID() }), 409, "23503");
  check("the digest that the worker keeps of a use", () => service.from("prompt_usage").insert({ prompt_id: id, payload_digest: "x" }), 400, "PGRST204", "payload_digest");
  for (const column of ["post_id", "character_id", "job_id", "scene", "environment", "outfit"]) {
    check(`too long a ${column} of a use`, () => use({ [column]: "é".repeat(129) }), 400, "22001");
  }
  check("too long an id of a use", () => use({ id: "i".repeat(65) }), 400, "22001");
  check("a slug that is a UUID", () => owner.from("prompts").insert({ ...row, slug: randomUUID() }), 400, "23514", "slug");
  check("a text that is too long", () => owner.from("prompts").insert({ ...row, category: "é".repeat(129) }), 400, "22001");
  check("U+0000", () => owner.from("prompts").insert({ ...row, goal: "a\0b" }), 400, "22P05");
  check("an unknown column", () => owner.from("prompts").insert({ ...row, colour: "red" }), 400, "PGRST204", "colour");
  check("an unknown column in a batch", () => owner.from("prompts").insert([row, { ...row, colour: "red" }]), 400, "PGRST204", "colour");
  check("an unknown column of an update", () => owner.from("prompts").update({ colour: "red" }).eq("id", id), 400, "PGRST204", "colour");
  const claimed = { ...result, event_type: "fork", claimed_by: "x" };
  check("a column that is the worker's own", () => service.from("prompt_events").insert(claimed), 400, "PGRST204", "claimed_by");
  check("one bad row among good ones", () => owner.from("test_results").insert([{ ...result, rating: 1 }, { ...result, rating: 6 }]), 400, "23514");
  check("two rows where single() is asked for", () => owner.from("prompts").insert([row, row]).select().single(), 406, "PGRST116");
  check("an unknown table", () => owner.from("nothing").insert(row), 404, "PGRST205", "nothing");
  check("an unknown column of the answer", () => owner.from("prompts").insert(row).select("nothing"), 400, "42703", "nothing");

  test("as long as a text may be", async () => {
    await rowsOf(owner.from("prompts").insert({ ...row, category: "é".repeat(128) }));
    await rowsOf(owner.from("prompts").insert({ ...row, category: "🎉".repeat(128) }));
  });

  const malformed = [
    ["prompts", "id", "x"],
    ["prompts", "id", 5],
    ["prompts", "forked_from", "0199a7f0-0000-7000-8000-00000000000g"],
    ["prompts", "is_public", "perhaps"],
    ["prompts", "is_public", 7],
    ["prompts", "created_at", "yesterday?", ["22007"]],
    ["prompts", "created_at", "2024-02-30T00:00:00Z", ["22007", "22008"]],
    ["prompts", "tags", "no array"],
    ["prompts", "tags", { a: 1 }],
    ["test_results", "rating", "many"],
    ["test_results", "rating", 1.5],
    ["test_results", "rating", {}],
    ["test_results", "duration_ms", 1e300, ["22003"]],
    ["prompt_usage", "success", 2],
    ["prompt_usage", "success", "perhaps"],
    ["prompt_usage", "generation_time_ms", 1.5],
    ["prompt_usage", "generation_time_ms", "soon"],
    ["prompt_usage", "generation_time_ms", 1e300, ["22003"]],
    ["prompt_usage", "created_at", "yesterday?", ["22007"]],
  ];
  for (const [table, column, value, codes = []] of malformed) {
    test(`${JSON.stringify(value)} as ${table}.${column}`, async () => {
      const before = await dump();
      const base = table === "prompts" ? row : result;
      const { status, error } = await owner.from(table).insert({ ...base, [column]: value });
      assert.equal(status, 400, JSON.stringify(error));
      assert.ok(["22P02", ...codes].includes(error.code), JSON.stringify(error));
      assert.deepEqual(await dump(), before);
    });
  }
});

describe("who may write", async () => {
  const mine = await prompt({ is_public: true });
  const hidden = await prompt();
  const theirs = await prompt({ user_id: other.id, is_public: true });
  const [answer] = await seed("prompt_answers", [{ prompt_id: mine.id, question: "q", answer: "a" }]);
  const [shared] = await seed("prompt_templates", [{ prompt_id: mine.id, category: "shared" }]);
  const [use] = await seed("prompt_usage", [{ prompt_id: mine.id, user_id: owner.id }]);
  const row = { title: "x", template };
  const forbidden = (name, query, status = 403) => test(name, () => refusedWhole(query(), status, "42501"));

  forbidden("a prompt in another's name", () => owner.from("prompts").insert({ ...row, user_id: other.id }));
  const both = [owner, other].map(({ id }) => ({ ...row, user_id: id }));
  forbidden("prompts of which one is in another's name", () => owner.from("prompts").insert(both));
  forbidden("a prompt given away", () => owner.from("prompts").update({ user_id: other.id }).eq("id", mine.id));
  forbidden("a prompt without a name", () => anonymous.from("prompts").insert(row), 401);
  forbidden("a prompt without a name, in another's", () => anonymous.from("prompts").insert({ ...row, user_id: owner.id }), 401);
  forbidden("an upsert without a name", () => anonymous.from("prompts").upsert({ ...row, id: mine.id }), 401);
  forbidden("an answer to another's prompt", () => other.from("prompt_answers").insert({ prompt_id: mine.id, question: "q", answer: "a" }));
  forbidden("an answer to a hidden prompt", () => other.from("prompt_answers").insert({ prompt_id: hidden.id, question: "q", answer: "a" }));
  forbidden("an answer to no prompt", () => other.from("prompt_answers").insert({ prompt_id: randomUUID(), question: "q", answer: "a" }));
  forbidden("an answer moved to another's prompt", () => owner.from("prompt_answers").update({ prompt_id: theirs.id }).eq("id", answer.id));
  forbidden("a template of another's prompt", () => other.from("prompt_templates").insert({ prompt_id: mine.id }));
  forbidden("likes that nobody gave", () => owner.from("prompt_templates").update({ likes_count: 100 }).eq("id", shared.id));
  forbidden("uses that nobody made", () => owner.from("prompt_templates").insert({ prompt_id: mine.id, uses_count: 100 }));
  forbidden("a result on a hidden prompt", () => other.from("test_results").insert({ prompt_id: hidden.id }));
  forbidden("a result on no prompt", () => other.from("test_results").insert({ prompt_id: randomUUID() }));
  forbidden("a result in another's name", () => other.from("test_results").insert({ prompt_id: mine.id, user_id: owner.id }));
  forbidden("a use of a hidden prompt", () => other.from("prompt_usage").insert({ prompt_id: hidden.id }));
  forbidden("a use of no prompt", () => other.from("prompt_usage").insert({ prompt_id: randomUUID() }));
  forbidden("a use in another's name", () => other.from("prompt_usage").insert({ prompt_id: mine.id, user_id: owner.id }));
  forbidden("a use in nobody's name", () => other.from("prompt_usage").insert({ prompt_id: mine.id, user_id: null }));
  forbidden("a use without a name", () => anonymous.from("prompt_usage").insert({ prompt_id: mine.id }), 401);
  forbidden("a user", () => owner.from("users").insert({ id: randomUUID() }));
  forbidden("stats", () => owner.from("prompt_stats").insert({ prompt_id: mine.id, view_count: 1, copy_count: 1, fork_count: 1, compare_count: 1 }));
  forbidden("an experiment", () => owner.from("experiments").insert({ id: "e", name: "n", multi_variant: "first" }));

  test("a template's category is its owner's", async () => {
    const changed = owner.from("prompt_templates").update({ category: "new" }).eq("id", shared.id).select("category, likes_count");
    assert.deepEqual(await rowsOf(changed), [{ category: "new", likes_count: 0 }]);
  });

  test("the service may write in anybody's name", async () => {
    const { id } = await rowsOf(service.from("prompts").insert({ ...row, user_id: other.id }).select("id").single());
    assert.deepEqual(await rowsOf(service.from("prompts").update({ user_id: owner.id }).eq("id", id).select("user_id")), [{ user_id: owner.id }]);
    assert.deepEqual(await rowsOf(service.from("prompts").delete().eq("id", id).select("id")), [{ id }]);
  });

  /** Checks that a write finds no row: whether there is one cannot be told from the answer. */
  const without = (name, write) =>
    test(`${name} finds nothing`, async () => {
      const before = await dump();
      const minimal = await write();
      assert.deepEqual([minimal.status, minimal.data, minimal.error], [204, null, null]);
      const { status, data, error } = await write().select();
      assert.deepEqual([status, data, error], [200, [], null]);
      assert.deepEqual(await dump(), before);
    });
  for (const [name, id] of [["a prompt that one sees", mine.id], ["a hidden prompt", hidden.id], ["no prompt", randomUUID()]]) {
    without(`another's update of ${name}`, () => other.from("prompts").update({ title: "x" }).eq("id", id));
    without(`another's delete of ${name}`, () => other.from("prompts").delete().eq("id", id));
    without(`an anonymous update of ${name}`, () => anonymous.from("prompts").update({ title: "x" }).eq("id", id));
    without(`an anonymous delete of ${name}`, () => anonymous.from("prompts").delete().eq("id", id));
  }
  without("another's update of an answer", () => other.from("prompt_answers").update({ answer: "x" }).eq("id", answer.id));
  without("another's delete of an answer", () => other.from("prompt_answers").delete().eq("id", answer.id));
  without("an update of one's own use", () => owner.from("prompt_usage").update({ success: false }).eq("id", use.id));
  without("a delete of one's own use", () => owner.from("prompt_usage").delete().eq("id", use.id));
  without("another's update of a use", () => other.from("prompt_usage").update({ success: false }).eq("id", use.id));
  without("another's delete of a use", () => other.from("prompt_usage").delete().eq("id", use.id));
  without("an update of another user", () => owner.from("users").update({ email: "x@example.com" }).eq("id", other.id));
  without("a delete of oneself", () => owner.from("users").delete().eq("id", owner.id));
  without("an update of stats", () => owner.from("prompt_stats").update({ view_count: 5 }).gte("view_count", 0));

  test("a write to all that one may write leaves the others' rows", async () => {
    const before = await sql("select * from prompts where user_id <> ? order by id", other.id);
    await rowsOf(other.from("prompts").update({ goal: "mine" }).not("id", "is", null));
    await rowsOf(other.from("prompts").delete().eq("goal", "mine"));
    assert.deepEqual(await sql("select * from prompts where user_id <> ? order by id", other.id), before);
    assert.deepEqual(await sql("select id from prompts where user_id = ?", other.id), []);
  });
});
