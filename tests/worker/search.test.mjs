// What a search for templates finds, who finds it, how it is shown, and how its pages follow each other.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT, SETTINGS, anonymous, bearer, promptRow, service, start, user } from "./instance.mjs";

const { get, imported, prompt, sql } = await start();

const AGENTS = join(ROOT, "../shared/data/agents.jsonl");

const OFFERED_AT = "2026-11-20T12:00:00.000000+00:00";

/** Offers prompts as templates. */
const offerAll = (rows) =>
  sql(
    `insert into prompt_templates (id, prompt_id, category, tags, likes_count, uses_count, created_at, updated_at)
      select value ->> 'id', value ->> 'prompt_id', value ->> 'category', value ->> 'tags', coalesce(value ->> 'likes', 0),
        coalesce(value ->> 'uses', 0), ?1, ?1 from json_each(?2)`,
    OFFERED_AT,
    JSON.stringify(rows),
  );

/** Offers a prompt as a template, and gives the template's id. */
async function offer(prompt_id, columns = {}) {
  const id = randomUUID();
  await offerAll([{ id, prompt_id, ...columns }]);
  return id;
}

/** Makes a prompt and its template, and gives the template's id. */
const template = async (columns, more) => offer(await prompt(columns), more);

const ask = (parameters, as = anonymous) => get(`/v1/templates/search?${new URLSearchParams(parameters)}`, { as });

/** The templates that a search gives. */
async function search(parameters, as) {
  const { status, body } = await ask(typeof parameters === "string" ? { q: parameters } : parameters, as);
  assert.equal(status, 200, JSON.stringify(body));
  return body.templates;
}

/** Checks which templates a search gives, in any order. */
async function check(parameters, expected, as) {
  const found = (await search(parameters, as)).map(({ id }) => id);
  assert.deepEqual(found.sort(), [...expected].sort(), JSON.stringify(parameters));
}

/** Checks that the index says what the documents say. */
const intact = () => sql("insert into prompt_search (prompt_search, rank) values ('integrity-check', 1)");

test("a template is told with its prompt's texts", async () => {
  const prompt_id = await prompt({ title: "Albatross <b>", goal: "Tell of the albatross", template: "Fly, albatross & co!" });
  const id = await offer(prompt_id, { category: "birds", tags: ["sea", "sky"], likes: 3, uses: 4 });
  const { status, headers, body } = await ask({ q: "albatross" });
  assert.equal(status, 200);
  assert.match(headers.get("content-type"), /^application\/json/);
  const expected = {
    id,
    prompt_id,
    title: "Albatross <b>",
    goal: "Tell of the albatross",
    category: "birds",
    tags: ["sea", "sky"],
    likes_count: 3,
    uses_count: 4,
    created_at: OFFERED_AT,
    highlights: {
      title: "<mark>Albatross</mark> &lt;b&gt;",
      goal: "Tell of the <mark>albatross</mark>",
      template: "Fly, <mark>albatross</mark> &amp; co!",
    },
  };
  assert.deepEqual(body, { templates: [expected], next_cursor: null });
});

test("accents and forms of a word do not matter", async () => {
  const ids = [
    await template({ title: "Le caféier du Québec" }),
    await template({ title: "LE CAFE\u0301IER DU QUE\u0301BEC" }),
    await template({ title: "le cafeier du quebec" }),
  ];
  for (const q of ["caféier", "cafeier", "CAFE\u0301IER", "quebec caféier", "cafeiers", "QUÉBEC"]) await check(q, ids);
  const vietnamese = await template({ title: "Tiếng Việt nhanh" });
  for (const q of ["tieng viet", "Tiê\u0301ng Viê\u0323t"]) await check(q, [vietnamese]);
});

test("two characters find the run that they stand in, in every text", async () => {
  const title = await template({ title: "画像生成プロンプトの書き方" });
  const goal = await template({ goal: "高品質な画像生成をする" });
  const body = await template({ template: "Please use 新しい画像生成モデル now." });
  const tagged = await template({}, { tags: ["画像生成"] });
  await check("画像", [title, goal, body, tagged]);
  await check("生成", [title, goal, body, tagged]);
  await check("プロ", [title]);
  await check("品質", [goal]);
  await check("モデ", [body]);
  await check("像画", []);
  const korean = await template({ title: "한국어로이미지생성하기" });
  await check("이미지", [korean]);
  await check("생성", [korean]);
  const half = await template({ title: "ｶﾞｿﾞｳｾｲｾｲﾂｰﾙ" });
  await check("ｾｲ", [half]);
  await check("ﾂｰﾙ", [half]);
  const mixed = await template({ title: "ChatGPT入門guide第2版" });
  for (const q of ["入門", "chatgpt", "chatgpt入門", "guide", "第2版"]) await check(q, [mixed]);
  const rare = await template({ title: "𠮷野家の牛丼" });
  await check("𠮷野", [rare]);
  await intact();
});

test("a template of one word over and over stops no search", { timeout: 60_000 }, async () => {
  const columns = { goal: "Ostrich ".repeat(600), template: `${"A beginning. ".repeat(400)}${"ostrich ".repeat(1000)}` };
  const id = await template({ title: "Ostrich", ...columns });
  const huge = await template({ title: "Emu", goal: "emu ".repeat(200_000), template: "emu ".repeat(250_000) });
  const [{ highlights, ...found }] = await search("ostrich");
  assert.deepEqual([found.id, highlights.title], [id, "<mark>Ostrich</mark>"]);
  assert.equal(highlights.goal, `${columns.goal.slice(0, 1000)}…`);
  assert.match(highlights.template, /^…[^<]{100}<mark>ostrich<\/mark> <mark>ostrich<\/mark> .*…$/);
  await check("emu", [huge]);
});

test("highlights show the text as it was written", async () => {
  await template({ title: "東雲市の観光案内", goal: "zero\u200bwidth 東雲\u0002x\u0003", template: "あ".repeat(500) + "東雲" });
  const [{ title, goal, highlights }] = await search("東雲");
  assert.deepEqual([title, goal], ["東雲市の観光案内", "zero\u200bwidth 東雲\u0002x\u0003"]);
  assert.equal(highlights.title, "<mark>東雲</mark>市の観光案内");
  assert.equal(highlights.goal, "zerowidth <mark>東雲</mark> x ");
  assert.match(highlights.template, /^…あ{10,40}<mark>東雲<\/mark>$/);
});

test("texts are escaped, whatever they hold", async () => {
  const title = `<script>alert("heron")</script> & 'heron'`;
  await template({ title, goal: "\u0002<img src=x onerror=heron>", template: "<mark>heron</mark></mark>" });
  for (const parameters of [{ q: "heron" }, { q: "heron onerror" }]) {
    const [{ highlights }] = await search(parameters);
    assert.equal(
      highlights.title,
      "&lt;script&gt;alert(&quot;<mark>heron</mark>&quot;)&lt;/script&gt; &amp; &#39;<mark>heron</mark>&#39;",
    );
    assert.match(highlights.goal, /^ &lt;img src=x /);
    assert.equal(highlights.template, "&lt;mark&gt;<mark>heron</mark>&lt;/mark&gt;&lt;/mark&gt;");
    for (const html of Object.values(highlights)) assert.doesNotMatch(html.replaceAll(/<\/?mark>/g, ""), /[<>"']/);
  }
});

test("what has a meaning for FTS5 is text here", async () => {
  const id = await template({ title: "Quokka AND wombat 2", goal: "title NEAR not or drop table prompts" });
  const all = ['"quokka', '"quokka wombat"', "quokka AND wombat", "quokka -wombat", "title:quokka", "^quokka", "quok*"];
  all.push("{title}: quokka", "(quokka", "quokka)", "quokka + wombat", "'quokka'", "quokka; drop table prompts", "quokka\0wombat");
  all.push("quokka OR NOT NEAR(", "NEAR(quokka wombat, 2)", "\\quokka", "%quokka%", "quokka\u0002\u200b");
  for (const q of all) await check(q, [id]);
});

test("a text without words finds nothing, a blank one is none", async () => {
  for (const q of ["!", '"', "-", "()", "***", "🎉", "…—", "''", "AND".replace(/./g, "&"), "\u0000", "\u200b"]) {
    await check(q, []);
  }
  for (const parameters of [{}, { q: "" }, { q: "  \t\n" }, { category: "", tag: " " }]) {
    assert.notEqual((await search(parameters)).length, 0, JSON.stringify(parameters));
  }
});

test("the last word may be the beginning of one, the others not", async () => {
  const id = await template({ title: "Platypus photography" });
  for (const q of ["plat", "platypus photo", "platypus p"]) {
    assert.equal((await search(q))[0]?.id, id, q);
  }
  await check("platy photography", [id]); // by the other word
  await check("platy zzz", []);
});

test("all words come before any, and a word in the title before one in the template", async () => {
  const both = await template({ template: "numbat and bilby" });
  const one = await template({ title: "numbat" });
  await check("numbat bilby", [both]);
  await check("numbat bilbyx", [both, one]);
  assert.deepEqual((await search("numbat")).map(({ id }) => id), [one, both]);
  const order = [
    await template({ title: "echidna" }),
    await template({}, { tags: ["echidna"] }),
    await template({ goal: "echidna" }),
    await template({ template: "echidna" }),
  ];
  assert.deepEqual((await search("echidna")).map(({ id }) => id), order);
});

const LONG =
  "I want you to act as a lighthouse keeper who answers letters from sailors. Describe the weather, the lamp and the sea " +
  "in old-fashioned words, never mention modern technology, and close every letter with a proverb about patience.";
const LONG_JAPANESE =
  "あなたは灯台守として船乗りからの手紙に返事を書いてください。天気と灯火と海の様子を古風な言葉で描写し、現代の技術には決して触れず、" +
  "どの手紙も忍耐についてのことわざで締めくくってください。返事は三段落以内にまとめ、最後に署名を添えてください。";

test("a sentence finds the template that it is taken from, and the one that it tells in other words", async () => {
  const english = await template({ title: "Keeper", template: `${LONG} My first letter is: ahoy.` });
  const japanese = await template({ title: "灯台守", template: `${LONG_JAPANESE}最初の手紙は次のとおりです。` });
  const cut = (text, from, length = 200) => [...text].slice(from, from + length).join("");
  const queries = [
    [english, cut(LONG, 0)],
    [english, cut(LONG, 13)],
    [english, cut(LONG.replaceAll(" ", "  "), 3)],
    [english, "Please write a letter as the keeper of a lighthouse, answering sailors, about weather and lamps and the sea, using " +
      "old words without modern technology and with a proverb on patience at the end of each letter, thanks!"],
    [japanese, cut(LONG_JAPANESE.repeat(2), 5)],
    [japanese, "灯台守になりきって、船乗りの手紙へ返信を書く。海の様子や天気を古風に描写し、現代技術に触れないで、忍耐のことわざで終える。".repeat(3).slice(0, 200)],
  ];
  // Long texts that hold every word of the sentences, here and there.
  for (const asked of [english, japanese]) {
    const text = queries.filter(([id]) => id === asked).map(([, q]) => q).join(" ");
    const words = [...new Set(text.split(/(?<=[\u3000-\u9fff])|\W+/))].sort();
    await template({ title: "Dictionary", template: words.map((word) => `${word} means something else. `).join("").repeat(5) });
  }
  for (const [id, q] of queries) {
    const best = (await search(q)).slice(0, 2).map((template) => template.id);
    assert.ok(best.includes(id), q);
  }
  await check({ q: "zqx".repeat(300) }, []);
});

test("a text of 1,000 characters is the longest", async () => {
  for (const letter of ["a", "あ", "😀", "a ", "あ "]) {
    const q = letter.repeat(1000 / [...letter].length);
    assert.equal((await ask({ q })).status, 200, letter);
    assert.deepEqual(problem(await ask({ q: `${q}!` })), [400, "invalid_length"]);
  }
  const words = Array.from({ length: 250 }, (_, index) => `w${index}`.slice(0, 3)).join(" ");
  assert.equal((await ask({ q: words.slice(0, 1000) })).status, 200);
});

const problem = ({ status, body }) => [status, body.code];

test("category and tag narrow a search, as they are spelt", async () => {
  const title = "Kookaburra";
  const [none, design, code] = [
    await template({ title }),
    await template({ title }, { category: "Design & Art", tags: ["c++", "Ünï", "a,b"] }),
    await template({ title }, { category: "code", tags: ["c", "Ünï"] }),
  ];
  const q = "kookaburra";
  await check({ q }, [none, design, code]);
  await check({ q, category: "Design & Art" }, [design]);
  await check({ q, category: "design & art" }, []);
  await check({ q, category: "Design" }, []);
  await check({ q, tag: "c" }, [code]);
  await check({ q, tag: "c++" }, [design]);
  await check({ q, tag: "Ünï" }, [design, code]);
  await check({ q, tag: "uni" }, []);
  await check({ q, tag: "a" }, []);
  await check({ q, tag: "Ünï", category: "code" }, [code]);
  await check({ q: "kookaburra code" }, [none, design, code]); // a category is no text
  await check({ tag: "a,b" }, [design]);
  await check({ tag: "c", category: "code" }, [code]);
  await check({ category: "Design & Art" }, [design]);
  await check({ category: "nothing of the kind" }, []);
});

test("words by which templates are filtered are not words of theirs", async () => {
  await template({ title: "Dingo" }, { category: "code", tags: ["c"] });
  for (const q of ["in636f6465", "of63", "in63*"]) await check(q, []);
});

test("without a text templates come by likes, then by uses, then the newest first", async () => {
  const category = `listed-${randomUUID()}`;
  const ids = [];
  for (const [likes, uses] of [[1, 5], [7, 0], [1, 5], [1, 6], [0, 9]]) {
    ids.push(await template({ title: "T < U", template: `${"long ".repeat(60)}` }, { category, tags: [category], likes, uses }));
  }
  const expected = [1, 3, 2, 0, 4].map((index) => ids[index]);
  for (const parameters of [{ category }, { tag: category }, { category, tag: category }]) {
    const templates = await search(parameters);
    assert.deepEqual(templates.map(({ id }) => id), expected);
    assert.equal(templates[0].highlights.title, "T &lt; U");
    assert.equal(templates[0].highlights.template, `${"long ".repeat(40)}…`);
    for (const limit of [1, 2, 3, 4, 5]) assert.deepEqual((await pages({ ...parameters, limit })).flat(), expected);
  }
});

const PAGES = 200;

/** The ids of all pages of a search. */
async function pages(parameters, as) {
  const found = [];
  for (let cursor; cursor !== null; ) {
    const { status, body } = await ask({ ...parameters, ...(cursor && { cursor }) }, as);
    assert.equal(status, 200, JSON.stringify(body));
    found.push(body.templates.map(({ id }) => id));
    cursor = body.next_cursor;
    assert.ok(found.length <= PAGES, "the pages have an end");
  }
  return found;
}

test("pages neither repeat nor lose templates of equal rank, nor several of one prompt", async () => {
  const rows = Array.from({ length: 60 }, () => promptRow({ title: "Cassowary", template: "same" }));
  await imported(rows.map((row) => ({ table: "prompts", row })));
  const templates = [...rows.toReversed(), ...rows].map(({ id }) => ({ id: randomUUID(), prompt_id: id }));
  await offerAll(templates);
  const ids = templates.map(({ id }) => id);
  for (const q of ["cassowary", "cassowary nowhere"]) {
    for (const limit of [1, 7, 20, 100].slice(q.includes(" "))) {
      const found = await pages({ q, limit });
      assert.deepEqual(found.flat().sort(), [...ids].sort(), `${q} ${limit}`);
      assert.deepEqual(found.map((page) => page.length).slice(0, -1), found.slice(0, -1).map(() => limit));
    }
  }
  assert.equal((await search("cassowary")).length, 20);
});

test("pages go on when templates change in between", async () => {
  const ids = [];
  for (let index = 0; index < 6; index++) ids.push(await template({ title: "Bandicoot", template: "x ".repeat(index * 10) }));
  const first = (await ask({ q: "bandicoot", limit: 2 })).body;
  assert.deepEqual(first.templates.map(({ id }) => id), ids.slice(0, 2));
  const next = async () => (await search({ q: "bandicoot", limit: 2, cursor: first.next_cursor })).map(({ id }) => id);
  assert.deepEqual(await next(), ids.slice(2, 4));
  const better = await template({ title: "Bandicoot bandicoot bandicoot", template: "y" });
  assert.deepEqual(await next(), ids.slice(2, 4));
  await sql("delete from prompt_templates where id = ?", better);
  await sql("delete from prompt_templates where id = ?", ids[1]);
  assert.deepEqual(await next(), ids.slice(3, 5), "the place is gone: as many as were seen are left out");
});

test("a cursor is good for its own search only", async () => {
  for (let index = 0; index < 3; index++) await template({ title: "Galah" }, { category: "g", tags: ["g"] });
  const cursor = (await ask({ q: "galah", limit: 1 })).body.next_cursor;
  assert.equal((await search({ q: "galah", limit: 2, cursor })).length, 2);
  const mangled = [`${cursor}A`, cursor.slice(1), cursor.slice(0, -1), "", "A", "W10", "%%%", "null"];
  const decoded = JSON.parse(Buffer.from(cursor, "base64url"));
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  mangled.push(encode([decoded[0], { ...decoded[1], seen: -1 }]), encode([decoded[0], { ...decoded[1], seen: 1e300 }]));
  mangled.push(encode([decoded[0], { ...decoded[1], last: "x" }]), encode([decoded[0], { ...decoded[1], breadth: "some" }]));
  for (const cursor of mangled) assert.deepEqual(problem(await ask({ q: "galah", cursor })), [400, "invalid_value"], cursor);
  for (const other of [{ q: "galahs" }, { q: "galah", category: "g" }, { q: "galah", tag: "g" }, { tag: "galah" }, {}]) {
    assert.deepEqual(problem(await ask({ ...other, cursor })), [400, "invalid_value"], JSON.stringify(other));
  }
  for (const limit of ["0", "101", "-1", "x", "1.5", ""]) {
    assert.deepEqual(problem(await ask({ q: "galah", limit })), [400, "invalid_value"], limit);
  }
  for (const name of ["category", "tag"]) {
    assert.deepEqual(problem(await ask({ [name]: "x".repeat(129) })), [400, "invalid_length"]);
  }
});

const owner = randomUUID();
const callers = {
  "nobody in particular": [anonymous, false],
  "a page": [bearer(SETTINGS.PUBLISHABLE_KEY), false],
  "another user": [user(randomUUID()), false],
  "the owner": [user(owner), true],
  "the service": [service, true],
};

for (const [caller, [as, trusted]] of Object.entries(callers)) {
  test(`${caller} ${trusted ? "finds" : "does not find"} what is not public`, async () => {
    const word = `secret${randomUUID().slice(0, 8)}`;
    const shown = await template({ title: `${word} shown`, user_id: owner });
    const hidden = [
      await template({ title: `${word} hidden`, user_id: owner, is_public: false }, { category: word, tags: [word] }),
      await template({ title: `${word} hidden`, user_id: owner, is_active: false }, { category: word, tags: [word] }),
    ];
    await check(word, trusted ? [shown, ...hidden] : [shown], as);
    await check({ q: word, tag: word }, trusted ? hidden : [], as);
    await check({ tag: word }, trusted ? hidden : [], as);
    await check({ category: word }, trusted ? hidden : [], as);
    assert.deepEqual((await pages({ q: word, limit: 1 }, as)).length, trusted ? 3 : 1);
  });
}

test("a cursor does not tell of templates that one may not see", async () => {
  const word = `covert${randomUUID().slice(0, 8)}`;
  const hidden = await template({ title: `${word} ${word}`, is_public: false });
  const missing = randomUUID();
  const shown = [await template({ title: word }), await template({ title: word }), await template({ title: word })];
  const { body } = await ask({ q: word, limit: 1 });
  assert.deepEqual(body.templates.map(({ id }) => id), shown.slice(0, 1));
  const [digest, place] = JSON.parse(Buffer.from(body.next_cursor, "base64url"));
  assert.deepEqual(place, { breadth: "all", last: shown[0], seen: 1 });
  const answers = [hidden, missing].map((last) =>
    ask({ q: word, cursor: Buffer.from(JSON.stringify([digest, { ...place, last, seen: 2 }])).toString("base64url") }),
  );
  const [first, second] = await Promise.all(answers);
  assert.deepEqual(first.body, second.body);
  assert.deepEqual(first.body.templates.map(({ id }) => id), shown.slice(2));
});

test("a change is found at once, and its past is not", async () => {
  const row = promptRow({ title: "Before kagu", goal: "Old 目標", template: "Past", tags: ["first"] });
  await imported([{ table: "prompts", row }]);
  await check("kagu", []);
  const id = await offer(row.id, { category: "one", tags: ["alpha"] });
  for (const q of ["kagu", "kagu first", "kagu alpha", "kagu 目標"]) assert.equal((await search(q)).length, 1, q);
  await imported([{ table: "prompts", row }]);
  await imported([{ table: "prompts", row: { ...row, title: "After kiwi", goal: null, template: "Now", tags: null } }]);
  for (const q of ["kagu", "目標"]) await check(q, []);
  for (const q of ["kiwi first", "kiwi past"]) assert.equal((await search(q))[0].highlights.template, "Now", q);
  for (const q of ["kiwi", "kiwi after", "kiwi alpha"]) await check(q, [id]);
  await sql("update prompt_templates set tags = ?, category = 'two' where id = ?", '["beta", "zo\\u00eb"]', id);
  for (const parameters of [{ q: "kiwi", category: "one" }, { q: "kiwi", tag: "alpha" }, { tag: "alpha" }]) await check(parameters, []);
  for (const parameters of [{ q: "kiwi", category: "two" }, { q: "beta" }, { q: "zoé" }, { tag: "zoë" }]) await check(parameters, [id]);
  await sql("update prompts set is_public = 0 where id = ?", row.id);
  await check("kiwi", []);
  await sql("update prompts set is_public = 1 where id = ?", row.id);
  await check("kiwi", [id]);
  const other = await prompt({ title: "Takahe" });
  await sql("update prompt_templates set prompt_id = ? where id = ?", other, id);
  await check("kiwi", []);
  await check("takahe beta", [id]);
  await sql("delete from prompt_templates where id = ?", id);
  for (const q of ["takahe", "beta"]) await check(q, []);
  await offer(other, { tags: ["gamma"] });
  await sql("delete from prompts where id = ?", other);
  for (const q of ["takahe", "gamma"]) await check(q, []);
  await intact();
});

test("templates are upserted as PostgREST does it", async () => {
  const [first, second] = [await prompt({ title: "Weka" }), await prompt({ title: "Moa" })];
  const id = await offer(first, { tags: ["reed"] });
  const upsert = (end, prompt_id, tags) =>
    sql(
      `insert into prompt_templates (id, prompt_id, tags, likes_count, uses_count, created_at, updated_at)
        values (?, ?, ?, 0, 0, 'x', 'x') on conflict (id) do ${end}`,
      id,
      prompt_id,
      JSON.stringify(tags),
    );
  await upsert("nothing", second, ["other"]);
  await check("weka reed", [id]);
  await upsert("update set prompt_id = excluded.prompt_id, tags = excluded.tags", first, ["reed"]);
  await check("weka reed", [id]);
  await upsert("update set prompt_id = excluded.prompt_id, tags = excluded.tags", second, ["sedge"]);
  await check("moa sedge", [id]);
  await check("weka", []);
  await intact();
});

test("a prompt of 150 KB without spaces is stored and found", async () => {
  const text = "長い文章を書くための指示".repeat(4200);
  const id = await template({ title: "Long", template: `${text}終点駅` });
  await check("終点", [id]);
  const [{ highlights }] = await search("終点");
  assert.equal(highlights.template, `${text.slice(0, 300)}…`);
});

test("each real template is found by its own title", { skip: !existsSync(AGENTS) && `there is no ${AGENTS}` }, async () => {
  const agents = readFileSync(AGENTS, "utf8").trim().split("\n").map((line) => JSON.parse(line));
  const rows = agents.map(({ title, goal, template }) => promptRow({ title, goal, template }));
  await imported(rows.map((row) => ({ table: "prompts", row })));
  const ids = agents.map(() => randomUUID());
  await offerAll(agents.map(({ category, tags }, index) => ({ id: ids[index], prompt_id: rows[index].id, category, tags })));
  const missed = [];
  for (const [index, { title }] of agents.entries()) {
    const found = await search({ q: title, limit: 5 });
    const namesakes = found.filter((template) => template.title === title).length;
    if (!found.some(({ id }) => id === ids[index]) && namesakes < 5) missed.push(title);
  }
  assert.deepEqual(missed, []);
});
