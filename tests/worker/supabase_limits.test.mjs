// The limits of the database below are not the user's: long patterns, long lists, many conditions, big rows, many rows.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, test } from "node:test";
import { assertError, columnOf, isIlike, isLike, library, quoted, refused, rowsOf } from "./library.mjs";

const CYRILLIC = "АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯЁ";
const MANY = 1000;
const LEVELS = 9;
const CONDITIONS = 150;
const BIG_ROW_BYTES = 150_000;

const { anonymous, counts, dump, known, seed, service, sql } = await library();
const [owner, other] = await known(2);
const template = "A template";
const numbers = (count) => Array.from({ length: count }, (_, index) => index);

describe("patterns of more than 50 bytes", async () => {
  const [writer] = await known(1);
  const long = "Writes the documentation of a library, with examples that compile and a word on every error it can return. ".repeat(3);
  const japanese = "図書館の文書を、動く例と、返しうるすべての誤りについての一言とともに書きます。".repeat(3);
  const written = {
    long,
    "long, in capitals": long.toUpperCase(),
    "long, with one letter changed": long.replace("compile", "c0mpile"),
    "long, and more": `${long}and more`,
    japanese,
    "Japanese with one sign changed": japanese.replace("誤り", "誤ち"),
    "with wildcards": `${long.slice(0, 60)}100%_${long.slice(60)}`,
    "with a backslash": `${long.slice(0, 60)}\\${long.slice(60)}`,
    "with quotes": `${long.slice(0, 60)}",")${long.slice(60)}`,
    short: "Writes",
    Russian: CYRILLIC,
  };
  await seed("prompts", Object.entries(written).map(([title, goal]) => ({ user_id: writer.id, title, goal, template })));

  const part = long.slice(10, 110);
  const PATTERNS = {
    "as it is": long,
    "a part": `%${part}%`,
    "a part of 200 characters": `%${long.slice(20, 218)}%`,
    "the beginning": `${long.slice(0, 120)}%`,
    "the end": `%${long.slice(-120)}`,
    "with one character open": `%${part.replace("compile", "c_mpile")}%`,
    "with many characters open": `%${part.replace(/[aeiou]/g, "_")}%`,
    "with a gap": `%${long.slice(5, 60)}%${long.slice(80, 200)}%`,
    "with many gaps": `%${long.slice(0, 200).split(" ").join("%")}%`,
    "with gaps and open characters": `_${long.slice(1, 60)}%_%${long.slice(80, 160)}_%`,
    "with a gap between words that stand in another order": `%${long.slice(200, 260)}%${long.slice(0, 60)}%`,
    "with stars": `*${part}*`,
    "in Japanese": `%${japanese.slice(0, 70)}%`,
    "in Japanese, with an open character": `%${japanese.replaceAll("誤り", "誤_")}`,
    "in Japanese, with a gap": `${japanese.slice(0, 20)}%${japanese.slice(-20)}`,
    "with escapes": `%${long.slice(40, 60)}100\\%\\_${long.slice(60, 100)}%`,
    "with what would be wildcards without an escape": `%${long.slice(20, 60)}100%_${long.slice(60, 100)}%`,
    "with an escaped backslash": `%${long.slice(20, 60)}\\\\${long.slice(60, 100)}%`,
    "with quotes": `%${long.slice(20, 60)}",")${long.slice(60, 100)}%`,
    "in Russian": `%${CYRILLIC.toLowerCase()}%`,
    "in Russian, with a gap": CYRILLIC.toLowerCase().replace("э", "%_"),
    "that nothing is like": `%${part}zebra%`,
  };
  for (const [name, pattern] of Object.entries(PATTERNS)) {
    test(name, async () => {
      assert.ok(Buffer.byteLength(pattern) > 50);
      const asked = () => writer.from("prompts").select("title").eq("user_id", writer.id);
      for (const [operator, holds] of Object.entries({ like: isLike, ilike: isIlike })) {
        const expected = Object.keys(written).filter((title) => holds(written[title], pattern));
        const others = Object.keys(written).filter((title) => !expected.includes(title));
        assert.deepEqual((await columnOf("title", asked()[operator]("goal", pattern))).sort(), expected.sort(), operator);
        assert.deepEqual((await columnOf("title", asked().not("goal", operator, pattern))).sort(), others.sort(), `not ${operator}`);
        const either = asked().or(`goal.${operator}.${quoted(pattern)},title.${operator}.${quoted(pattern)}`);
        assert.deepEqual((await columnOf("title", either)).sort(), expected.sort(), `${operator} in or`);
      }
    });
  }
});

describe("lists of more than 100 values", async () => {
  const [writer] = await known(1);
  const rows = await seed("prompts", numbers(400).map((index) => ({ user_id: writer.id, slug: `slug-${index}`, title: `${index % 7}`, template })));
  const asked = () => writer.from("prompts").select("id").eq("user_id", writer.id);
  const check = (name, narrowed, holds) =>
    test(name, async () => {
      const expected = rows.filter(holds).map(({ id }) => id);
      assert.deepEqual((await columnOf("id", narrowed(asked()))).sort(), expected.sort());
    });
  const ids = rows.slice(50, 300).map(({ id }) => id);
  check("250 ids", (query) => query.in("id", ids), ({ id }) => ids.includes(id));
  check("all but 250 ids", (query) => query.not("id", "in", `(${ids})`), ({ id }) => !ids.includes(id));
  const slugs = numbers(MANY).map((index) => `slug-${index * 2}`);
  check(`${MANY} texts`, (query) => query.in("slug", slugs), ({ slug }) => slugs.includes(slug));
  check(`${MANY} texts in or`, (query) => query.or(`slug.in.(${slugs}),title.eq.3`), ({ slug, title }) => slugs.includes(slug) || title === "3");
  test("an update of 250 rows", async () => {
    assert.equal((await rowsOf(writer.from("prompts").update({ goal: "G" }).in("id", ids).select("id"))).length, 250);
    assert.equal((await sql("select 1 from prompts where goal = 'G'")).length, 250);
  });
  test("a delete of 250 rows", async () => {
    const { count, error } = await writer.from("prompts").delete({ count: "exact" }).in("id", ids);
    assert.deepEqual([count, error], [250, null]);
    assert.equal((await rowsOf(asked())).length, 150);
  });
});

describe("many conditions", async () => {
  const [writer] = await known(1);
  const numbered = (index) => ({ user_id: writer.id, title: `title ${index}`, goal: `goal ${index}`, template, is_public: true });
  const rows = await seed("prompts", numbers(200).map(numbered));
  await seed("prompt_templates", rows.map(({ id }, index) => ({ prompt_id: id, uses_count: index })));
  const titles = async (query) => (await columnOf("title", query)).sort();
  const asked = () => writer.from("prompts").select("title").eq("user_id", writer.id);
  const of = (...indexes) => indexes.map((index) => `title ${index}`).sort();

  test(`${CONDITIONS} in one or`, async () => {
    const wanted = numbers(CONDITIONS).map((index) => index * 2);
    assert.deepEqual(await titles(asked().or(wanted.map((index) => `title.eq.title ${index}`).join())), of(...wanted.filter((index) => index < 200)));
  });
  test(`${CONDITIONS} patterns in one or`, async () => {
    const patterns = numbers(CONDITIONS).map((index) => `goal.ilike.GOAL ${index}`);
    assert.deepEqual(await titles(asked().or(patterns.join())), of(...numbers(CONDITIONS)));
  });
  test(`${CONDITIONS} in one and in one or`, async () => {
    const others = numbers(CONDITIONS).map((index) => `title.neq.title ${index}`);
    assert.deepEqual(await titles(asked().or(`and(${others}),title.eq.title 0`)), of(0, ...numbers(50).map((index) => index + CONDITIONS)));
  });
  test(`${CONDITIONS} one after another`, async () => {
    const query = numbers(CONDITIONS).reduce((narrowed, index) => narrowed.neq("title", `title ${index}`), asked());
    assert.deepEqual(await titles(query), of(...numbers(50).map((index) => index + CONDITIONS)));
  });
  const level = (within, index) => `${index % 2 ? "or" : "and"}(title.neq.title ${index}${within && `,${within}`})`;
  const nested = (levels) => numbers(levels).reduceRight(level, "");
  test(`${LEVELS} in each other`, async () => {
    const holds = (title, index = 0) => {
      const own = title !== `title ${index}`;
      if (index === LEVELS - 1) return own;
      return index % 2 ? own || holds(title, index + 1) : own && holds(title, index + 1);
    };
    const expected = rows.map(({ title }) => title).filter((title) => holds(title));
    assert.deepEqual(await titles(asked().or(nested(LEVELS))), expected.sort());
  });
  test("a thousand in each other are refused by name", () => refused(asked().or(nested(1000)), 400, "PGRST100", "nest"));
  test("on an embedded table", async () => {
    const words = numbers(CONDITIONS).map((index) => `prompts.title.ilike.%title ${index}`);
    const query = anonymous.from("prompt_templates").select("prompts!inner(title)").or(words.join()).order("uses_count");
    assert.deepEqual((await rowsOf(query)).map(({ prompts }) => prompts.title), numbers(CONDITIONS).map((index) => `title ${index}`));
  });
});

describe("rows of 150 KB", () => {
  const line = "All work and no play — 日本語, emoji 🎉, \"quotes\", \\n and ${variables}\n";
  const big = line.repeat(Math.ceil(BIG_ROW_BYTES / Buffer.byteLength(line)));

  test("are written, read, found and changed", async () => {
    const row = await rowsOf(owner.from("prompts").insert({ title: "Big", goal: big, template: big, is_public: true }).select().single());
    assert.ok(row.goal === big && row.template === big);
    const read = await rowsOf(anonymous.from("prompts").select("template, prompt_answers(id)").eq("id", row.id).single());
    assert.ok(read.template === big);
    const found = (pattern) => columnOf("title", anonymous.from("prompts").select("title").ilike("template", pattern));
    assert.deepEqual(await found("%no PLAY%emoji 🎉%${variables}_%"), ["Big"]);
    assert.deepEqual(await found("%no PLAYER%"), []);
    assert.deepEqual(await columnOf("title", anonymous.from("prompts").select("title").textSearch("template", "quotes", { type: "plain" })), ["Big"]);
    const changed = `${big}.`;
    const after = await rowsOf(owner.from("prompts").update({ template: changed }).eq("id", row.id).select("template").single());
    assert.ok(after.template === changed);
    const again = await rowsOf(owner.from("prompts").upsert({ id: row.id, title: "Big", template: big }).select("template").single());
    assert.ok(again.template === big);
    assert.deepEqual(await columnOf("id", owner.from("prompts").delete().eq("id", row.id).select("id")), [row.id]);
  });

  test("several at once, and in lists and embedded", async () => {
    const given = numbers(5).map((index) => ({ title: `Big ${index}`, template: big, is_public: true }));
    const rows = await rowsOf(owner.from("prompts").insert(given).select("id"));
    await seed("prompt_answers", rows.map(({ id }) => ({ prompt_id: id, question: "q", answer: big })));
    const query = anonymous.from("prompts").select("template, prompt_answers(answer)").in("id", rows.map(({ id }) => id));
    const read = await rowsOf(query);
    assert.equal(read.length, 5);
    for (const { template, prompt_answers } of read) assert.ok(template === big && prompt_answers.length === 1 && prompt_answers[0].answer === big);
  });
});

describe("answers of many megabytes", async () => {
  const [writer] = await known(1);
  const text = "0123456789".repeat(95_000);
  const rows = numbers(18).map((index) => ({ user_id: writer.id, title: `${index}`, template: text }));
  for (const row of rows) await seed("prompts", [row]);
  const asked = () => writer.from("prompts").select("title, template").eq("user_id", writer.id).order("title");

  test("are given up to a bound", async () => {
    const data = await rowsOf(asked().limit(12));
    assert.ok(data.length === 12 && data.every(({ template }) => template === text));
    const titles = await columnOf("title", writer.from("prompts").select("title").eq("user_id", writer.id));
    assert.equal(titles.length, rows.length);
  });

  test("are refused beyond it, and nothing is changed", async () => {
    const { error, status } = await asked();
    assert.ok(error && status >= 400 && status < 500, `${status}`);
    assertError(error, "bytes");
    const changed = await writer.from("prompts").update({ goal: "changed" }).eq("user_id", writer.id).select();
    assert.deepEqual([changed.status, changed.error?.code], [status, error.code]);
    assert.deepEqual(await sql("select 1 from prompts where goal = 'changed'"), []);
    await sql("update prompts set goal = template, template = 't' where user_id = ?", writer.id);
    const ids = await columnOf("id", writer.from("prompts").select("id").eq("user_id", writer.id));
    const again = ids.map((id) => ({ id, title: "changed", template }));
    const upserted = await writer.from("prompts").upsert(again).select("goal");
    assert.deepEqual([upserted.status, upserted.error?.code], [status, error.code]);
    assert.deepEqual(await sql("select 1 from prompts where title = 'changed'"), []);
    assert.equal((await rowsOf(writer.from("prompts").upsert(again).select("template"))).length, rows.length);
    const { count, error: none } = await writer.from("prompts").delete({ count: "exact" }).eq("user_id", writer.id);
    assert.deepEqual([count, none], [rows.length, null]);
  });
});

describe("what is told of rows", async () => {
  const [writer] = await known(1);
  const mine = () => writer.from("prompts");

  test("is counted without being read", async () => {
    const text = "x".repeat(950_000);
    for (const index of numbers(18)) await seed("prompts", [{ user_id: writer.id, title: `${index}`, template: text }]);
    const { count, error, status } = await mine().select("*, prompt_answers(*)", { count: "exact", head: true }).eq("user_id", writer.id);
    assert.deepEqual([count, error, status], [18, null, 200]);
  });

  test("is what the texts become, and not what they were", async () => {
    const rows = await rowsOf(mine().update({ template: "short" }).eq("user_id", writer.id).select("id, template"));
    assert.ok(rows.length === 18 && rows.every(({ template }) => template === "short"));
    const twice = await mine().update({ template: "y".repeat(500_000) }).eq("user_id", writer.id).select("a:template, b:template");
    assert.deepEqual([twice.status, twice.error?.code], [413, "54000"]);
    const much = await mine().update({ template: "z".repeat(950_000) }).eq("user_id", writer.id);
    assert.deepEqual([much.status, much.error?.code, much.error?.hint], [413, "54000", "Change fewer rows, or less of each."]);
    assert.equal((await sql("select count(*) as short from prompts where template = 'short'"))[0].short, 18);
  });

  test("is as long as JSON writes it, or nothing is removed", async () => {
    await sql("update prompts set template = replace(hex(zeroblob(235000)), '00', '\"x') where user_id = ?", writer.id);
    const removed = await mine().delete().eq("user_id", writer.id).select("a:template, b:template");
    assert.deepEqual([removed.status, removed.error?.code], [413, "54000"]);
    assert.equal((await sql("select count(*) as count from prompts where user_id = ?", writer.id))[0].count, 18);
    assert.equal((await rowsOf(mine().delete().eq("user_id", writer.id).select("template"))).length, 18);
  });

  test("is bounded with its tags, however often they are told", async () => {
    const tags = ["t".repeat(15_900)];
    const [{ id }] = await seed("prompts", [{ user_id: writer.id, title: "Tagged", template, tags, is_public: true }]);
    await seed("prompt_answers", numbers(1000).map((index) => ({ prompt_id: id, question: `${index}`, answer: "a" })));
    const select = numbers(16).map((index) => `p${index}:prompts(tags)`).join(",");
    const { status, error } = await anonymous.from("prompt_answers").select(select).eq("prompt_id", id);
    assert.deepEqual([status, error?.code], [413, "54000"]);
    assert.deepEqual(await columnOf("tags", mine().select("tags").eq("id", id)), [tags]);
  });

  test("of a pattern with many letters on another table is found", async () => {
    const [{ id }] = await seed("prompts", [{ user_id: writer.id, title: "Letters", template, is_public: true }]);
    const letters = "съешь ещё этих мягких французских булок, да выпей же чаю";
    await seed("prompt_answers", [{ prompt_id: id, question: "q", answer: letters.toUpperCase() }]);
    const found = anonymous.from("prompts").select("title, prompt_answers!inner(question)").ilike("prompt_answers.answer", `%${letters}%`);
    assert.deepEqual(await rowsOf(found), [{ title: "Letters", prompt_answers: [{ question: "q" }] }]);
  });
});

describe(`${MANY} rows`, () => {
  test("are inserted at once, and come back in their order", async () => {
    const numbered = (index) => ({ slug: `row-${index}`, title: `${index}`, template, tags: [`${index}`], is_public: index % 2 === 0 });
    const rows = numbers(MANY).map(numbered);
    const inserted = owner.from("prompts").insert(rows, { count: "exact" }).select("slug, title, template, tags, is_public");
    const { data, status, count, error } = await inserted;
    assert.deepEqual([error, status, count, data?.length], [null, 201, MANY, MANY]);
    assert.deepEqual(data, rows);
  });

  test("are upserted at once, half of them there and half not", async () => {
    const rows = numbers(MANY).map((index) => ({ slug: `row-${index + MANY / 2}`, title: `again ${index}`, template }));
    const { data, status, error } = await owner.from("prompts").upsert(rows, { onConflict: "slug" }).select("slug, title");
    assert.deepEqual([error, status, data?.length], [null, 201, MANY]);
    assert.deepEqual(data, rows.map(({ slug, title }) => ({ slug, title })));
    assert.equal((await sql("select 1 from prompts where slug like 'row-%'")).length, MANY * 1.5);
    assert.equal((await sql("select 1 from prompts where slug like 'row-%' and title like 'again%'")).length, MANY);
  });

  test("are upserted at once, and those that are there are left", async () => {
    const rows = numbers(MANY).map((index) => ({ slug: `row-${index + MANY}`, title: "ignored", template }));
    const data = await rowsOf(owner.from("prompts").upsert(rows, { onConflict: "slug", ignoreDuplicates: true }).select("slug"));
    assert.deepEqual(data, rows.slice(MANY / 2).map(({ slug }) => ({ slug })));
    assert.equal((await sql("select 1 from prompts where title = 'ignored'")).length, MANY / 2);
  });

  test("of which the last is bad are not stored", async () => {
    const before = await dump();
    const rows = numbers(MANY).map((index) => ({ slug: `bad-${index}`, title: "t", template }));
    await refused(owner.from("prompts").insert([...rows.slice(1), { ...rows[0], slug: "row-0" }]), 409, "23505");
    await refused(owner.from("prompts").insert([...rows.slice(1), { ...rows[0], title: null }]), 400, "23502");
    await refused(owner.from("prompts").insert([...rows.slice(1), { ...rows[0], is_public: "perhaps" }]), 400, "22P02");
    const [last, ...mine] = rows.map((row, index) => ({ ...row, user_id: index ? owner.id : other.id }));
    await refused(owner.from("prompts").insert([...mine, last]), 403, "42501");
    assert.deepEqual(await dump(), before);
  });

  test("hang on one prompt, and are embedded in it", async () => {
    const [{ id }] = await seed("prompts", [{ user_id: owner.id, title: "With answers", template }]);
    const rows = numbers(MANY).map((position) => ({ prompt_id: id, question: `q${position}`, answer: `a${position}`, position }));
    await rowsOf(owner.from("prompt_answers").insert(rows));
    const query = owner.from("prompts").select("prompt_answers(position)").eq("id", id);
    const ordered = query.order("position", { referencedTable: "prompt_answers", ascending: false });
    assert.deepEqual(await rowsOf(ordered), [{ prompt_answers: numbers(MANY).reverse().map((position) => ({ position })) }]);
  });

  test("are changed and removed at once", async () => {
    const { count, error, data } = await owner.from("prompts").update({ goal: "same" }, { count: "exact" }).like("slug", "row-%").select("slug");
    assert.deepEqual([count, error, new Set(data?.map(({ slug }) => slug)).size], [MANY * 2, null, MANY * 2]);
    const removed = await owner.from("prompts").delete({ count: "exact" }).eq("goal", "same");
    assert.deepEqual([removed.count, removed.error], [MANY * 2, null]);
    assert.deepEqual(await sql("select 1 from prompts where slug like 'row-%'"), []);
  });

  test("of events are counted", async () => {
    const [{ id }] = await seed("prompts", [{ user_id: owner.id, title: "Forked", template, is_public: true }]);
    const rows = numbers(MANY).map((index) => ({ prompt_id: id, user_id: other.id, event_type: index % 4 ? "fork" : "compare_add" }));
    await rowsOf(other.from("prompt_events").insert(rows));
    const events = other.from("prompt_events").select("id", { count: "exact", head: true }).eq("prompt_id", id).eq("event_type", "fork");
    assert.equal((await events).count, MANY * 0.75);
    assert.deepEqual(await counts(id), [0, 0, MANY * 0.75, MANY / 4]);
  });
});

test("the service sees them all", async () => {
  const { count, error } = await service.from("prompts").select("id", { count: "exact", head: true });
  assert.equal(error, null);
  assert.equal(count, (await sql("select count(*) as count from prompts"))[0].count);
  assert.equal(await service.from("prompts").select("id").eq("id", randomUUID()).maybeSingle().then(({ data }) => data), null);
});
