// like, ilike and text search, and free text that users type: what is found is what PostgreSQL would find.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { chance, columnOf, isIlike, isLike, library, quoted, refused, rowsOf } from "./library.mjs";

const SEED = 20_261_120;
const TEXTS = 120;
const PATTERNS = 240;
const AT_ONCE = 8;
// Capital sharp s, the signs of Kelvin, Ångström and Ohm, a title-case digraph, a letter beyond the first 65,536: the
// small letters of some have another capital.
const CAPITALS = ["\u1e9e", "\u212a", "\u212b", "\u2126", "\u01c5", "\u{10400}"];

const { anonymous, known, seed, service } = await library();
const [owner] = await known(1);
const template = "A template";

/** Runs `work` on everything, some at a time. */
async function each(list, work) {
  const waiting = list.entries();
  const worker = async () => {
    for (const [index, one] of waiting) await work(one, index);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

describe("like and ilike, against a brute force", async () => {
  const [writer] = await known(1);
  const { below, happens, one, some } = chance(SEED);
  const FOREIGN = [..."éÉñÑßΣσςЖжı日本語ーﾊ", "e\u0301", "🎉", "👨\u200d👩\u200d👧"];
  const LETTERS = [..."abAB", ...FOREIGN, ...CAPITALS, ..."_%\\\"',.()*:{}[]#&+=?/ \n\t"];
  const WILD = ["%", "%", "_", "*", "\\%", "\\_", "\\\\", "\\a"];
  const text = () => some(LETTERS, below(7)).join("");
  /** A pattern must not end in an escape that escapes nothing. */
  const ended = (pattern) => (/(?:^|[^\\])(?:\\\\)*\\$/.test(pattern) ? `${pattern}\\` : pattern);
  const written = Array.from({ length: TEXTS }, text);
  const rows = await seed(
    "prompts",
    written.map((goal, index) => ({ user_id: writer.id, title: `${index}`, goal: index % 20 ? goal : null, template })),
  );
  /** A pattern from a text that is there, with holes in it, so that many patterns find something. */
  const holed = () => {
    const hole = (sign) => (happens(0.4) ? one(WILD) : happens(0.15) ? one([sign.toUpperCase(), sign.toLowerCase()]) : sign);
    return Array.from(one(written), hole).join("");
  };
  const patterns = Array.from({ length: PATTERNS }, (_, index) => {
    if (index % 3 === 0) return ended(some([...LETTERS, ...WILD, ...WILD], below(6)).join(""));
    return ended(index % 3 === 1 ? holed() : `%${holed()}%`);
  });

  const asked = () => service.from("prompts").select("title").eq("user_id", writer.id);
  const FORMS = {
    like: { ask: (pattern) => asked().like("goal", pattern), holds: isLike },
    ilike: { ask: (pattern) => asked().ilike("goal", pattern), holds: isIlike },
    "not like": { ask: (pattern) => asked().not("goal", "like", pattern), holds: (...is) => !isLike(...is) },
    "not ilike": { ask: (pattern) => asked().not("goal", "ilike", pattern), holds: (...is) => !isIlike(...is) },
    "like in or": { ask: (pattern) => asked().or(`goal.like.${quoted(pattern)},title.eq.none`), holds: isLike },
    "ilike in and in or": {
      ask: (pattern) => asked().or(`and(goal.ilike.${quoted(pattern)},template.eq."A template"),title.is.null`),
      holds: isIlike,
    },
  };

  test("every letter is ilike itself in small", async () => {
    const letters = ["ß", "k", "å", "ω", "ǆ", "\u{10428}"];
    const shouted = await seed("prompts", CAPITALS.map((goal) => ({ user_id: owner.id, title: goal, goal, template })));
    for (const [index, letter] of letters.entries()) {
      for (const pattern of [letter, `%${letter}%`, CAPITALS[index], `${CAPITALS[index]}%`]) {
        const found = await columnOf("title", owner.from("prompts").select("title").in("title", CAPITALS).ilike("goal", pattern));
        assert.deepEqual(found, [shouted[index].title], pattern);
      }
    }
  });

  for (const [form, { ask, holds }] of Object.entries(FORMS)) {
    test(form, async () => {
      let found = 0;
      await each(patterns, async (pattern) => {
        const expected = rows.filter(({ goal }) => goal !== null && holds(goal, pattern)).map(({ title }) => title);
        const answered = await columnOf("title", ask(pattern));
        const told = () => `${form} ${JSON.stringify(pattern)}: ${JSON.stringify(written)}`;
        assert.deepEqual(answered.sort(), expected.sort(), told());
        found += expected.length > 0 && expected.length < rows.length ? 1 : 0;
      });
      assert.ok(found > PATTERNS / 4, `only ${found} patterns tell texts apart`);
    });
  }
});

describe("free text in the search of templates", async () => {
  const LONG = "すべての言語で書かれた長い検索語 and some more of it, ".repeat(6).slice(0, 200);
  const PHRASES = [
    "Linux terminal",
    "linux TERMINAL",
    `Before ${LONG} after`,
    "one, two, three",
    "a smile :) and (brackets)",
    "100% of it",
    "1000 of it",
    'say "hello" to them',
    "say hello to them",
    "日本語の文章を書く",
    "東京タワー",
    "ÜNÏCÖDÉ",
    "ünïcödé",
    "it's o'clock",
    "snake_case",
    "snakeXcase",
    "v1.2.3",
    "a*b",
    "a+b&c=d#e?f",
    "two  spaces",
    "a,b)c",
    "{curly}",
    "title.eq",
    "🎉 party",
  ];
  const [other] = await known(1);
  const prompts = await seed("prompts", [
    ...PHRASES.map((title) => ({ user_id: owner.id, title, goal: null, template, is_public: true })),
    ...PHRASES.map((goal) => ({ user_id: owner.id, title: "plain", goal, template, is_public: true })),
    ...PHRASES.map((title) => ({ user_id: other.id, title, goal: title, template, is_public: false })),
  ]);
  const templates = await seed(
    "prompt_templates",
    prompts.map(({ id }, index) => ({ prompt_id: id, category: index % 5 ? "search" : "elsewhere", likes_count: index, uses_count: 0 })),
  );
  const promptOf = ({ prompt_id }) => prompts.find(({ id }) => id === prompt_id);
  const { title, goal } = { title: "title", goal: "goal" };

  /** The templates whose prompt holds this text, as they are listed: most liked first. */
  const expected = (q) =>
    templates
      .filter((one) => one.category === "search" && promptOf(one).is_public)
      .filter((one) => [promptOf(one).title, promptOf(one).goal].some((field) => field !== null && isIlike(field, `%${q}%`)))
      .sort((one, another) => another.likes_count - one.likes_count)
      .slice(0, 20)
      .map(({ id, prompt_id }) => ({ id, prompts: { title: promptOf({ prompt_id }).title, goal: promptOf({ prompt_id }).goal, template } }));

  const list = (narrowed) =>
    narrowed(anonymous.from("prompt_templates").select("id, prompts!inner(title, goal, template)").eq("category", "search"))
      .order("likes_count", { ascending: false })
      .limit(20);

  const FORMS = {
    "in or, raw": (q) => (query) => query.or(`prompts.title.ilike.%${q}%,prompts.goal.ilike.%${q}%`),
    "in or, in double quotes": (q) => (query) => query.or([title, goal].map((field) => `prompts.${field}.ilike.${quoted(`%${q}%`)}`).join()),
    "in or of the referenced table, raw": (q) => (query) => query.or(`title.ilike.%${q}%,goal.ilike.%${q}%`, { referencedTable: "prompts" }),
    "in or of the referenced table, in double quotes": (q) => (query) =>
      query.or([title, goal].map((field) => `${field}.ilike.${quoted(`%${q}%`)}`).join(), { referencedTable: "prompts" }),
  };

  const check = (q, { forms = Object.keys(FORMS), finds } = {}) =>
    test(`${q.length > 40 ? `${q.slice(0, 40)}… (${q.length} characters)` : q}`, async () => {
      const wanted = expected(q);
      assert.equal(wanted.length > 0, finds ?? true, "the case says whether something is to be found");
      for (const form of forms) {
        const answer = await list(FORMS[form](q));
        assert.deepEqual([answer.error, answer.data], [null, wanted], form);
      }
    });
  check("linux");
  check("");
  check("nothing holds this", { finds: false });
  assert.equal(LONG.length, 200);
  check(LONG);
  check(`${LONG.slice(0, 199)}!`, { finds: false });
  check(LONG.slice(3, 190));
  check("one, two");
  check(", ");
  check(",");
  check(":) and (brackets)");
  check(")");
  check("(");
  check("b)c");
  check("100%");
  check("0% of");
  check("%");
  check("e_c");
  check("_");
  check('say "hello"');
  check('"hello"');
  check('"');
  check("日本");
  check("東京");
  check("タワー");
  check("言語で書かれた");
  check("ünïcödé");
  check("ÜNÏCÖDÉ");
  check("unicode", { finds: false });
  check("o'clock");
  check("'");
  check("v1.2");
  check("title.eq");
  check("a*b");
  check("a+b&c=d#e?f");
  check("  ");
  check("{curly}");
  check("🎉");
  check("🎉 P");
  // Only quotes tell this text from another condition.
  const tricky = { forms: Object.keys(FORMS).filter((form) => form.includes("quotes")), finds: false };
  check("x%,prompts.goal.ilike.%o", tricky);
  check("x%),or(title.ilike.%o", tricky);
  check('x","y', tricky);
});

describe("text search", async () => {
  const GOALS = {
    cats: "The cats were chasing a grey mouse",
    cat: "A cat sleeps",
    dogs: "Dogs and a cat playing in the garden",
    mouse: "A mouse trap, grey and old",
    café: "Un café crème à Paris",
    kernel: "Writes a Linux kernel module in C",
    none: null,
  };
  const [searcher] = await known(1);
  await seed("prompts", Object.entries(GOALS).map(([title, goal]) => ({ user_id: searcher.id, title, goal, template: "Text to search" })));

  const check = (name, query, options, expected) =>
    test(`${name}: ${query}`, async () => {
      const asked = searcher.from("prompts").select("title").textSearch("goal", query, options);
      assert.deepEqual((await columnOf("title", asked)).sort(), [...expected].sort());
      const negated = searcher.from("prompts").select("title").eq("user_id", searcher.id);
      const kind = { plain: "plfts", phrase: "phfts", websearch: "wfts" }[options?.type] ?? "fts";
      const others = Object.keys(GOALS).filter((title) => GOALS[title] !== null && !expected.includes(title));
      const operator = options?.config ? `${kind}(${options.config})` : kind;
      assert.deepEqual((await columnOf("title", negated.not("goal", operator, query))).sort(), others.sort(), "negated");
    });
  check("to_tsquery, a word", "mouse", undefined, ["cats", "mouse"]);
  check("to_tsquery, in any case", "MOUSE", undefined, ["cats", "mouse"]);
  check("to_tsquery, and", "cat & grey", undefined, ["cats"]);
  check("to_tsquery, and, without spaces", "cat&grey", undefined, ["cats"]);
  check("to_tsquery, or", "kernel | trap", undefined, ["kernel", "mouse"]);
  check("to_tsquery, not", "grey & !mouse", undefined, []);
  check("to_tsquery, not, after a word", "cat & !grey", undefined, ["cat", "dogs"]);
  check("to_tsquery, quoted", "'kernel' & 'module'", undefined, ["kernel"]);
  check("to_tsquery, brackets", "(sleeps | garden) & cat", undefined, ["cat", "dogs"]);
  check("to_tsquery, beside", "grey <-> mouse", undefined, ["cats"]);
  check("to_tsquery, the beginning of a word", "kern:*", undefined, ["kernel"]);
  check("to_tsquery, configured", "cat", { config: "english" }, ["cats", "cat", "dogs"]);
  check("plain", "grey mouse", { type: "plain" }, ["cats", "mouse"]);
  check("plain, in another order", "mouse grey", { type: "plain" }, ["cats", "mouse"]);
  check("plain, signs mean nothing", "grey & !mouse", { type: "plain" }, ["cats", "mouse"]);
  check("plain, configured", "cats", { type: "plain", config: "english" }, ["cats", "cat", "dogs"]);
  check("phrase", "grey mouse", { type: "phrase" }, ["cats"]);
  check("phrase, in another order", "mouse grey", { type: "phrase" }, []);
  check("plain, with a word that says nothing", "the mouse", { type: "plain" }, ["cats", "mouse"]);
  check("web search, with words that say nothing", "what is a kernel", { type: "websearch" }, ["kernel"]);
  check("plain, an accent", "café", { type: "plain" }, ["café"]);
  // The index folds accents, which PostgreSQL does with the extension unaccent.
  check("plain, without the accent", "cafe", { type: "plain" }, ["café"]);
  check("web search, all words", "grey mouse", { type: "websearch" }, ["cats", "mouse"]);
  check("web search, a phrase", '"grey mouse"', { type: "websearch" }, ["cats"]);
  check("web search, or", "kernel or trap", { type: "websearch" }, ["kernel", "mouse"]);
  check("web search, not", "cat -grey", { type: "websearch" }, ["cat", "dogs"]);
  check("web search, not a phrase", 'grey -"grey mouse"', { type: "websearch" }, ["mouse"]);
  check("web search, free text with signs", "kernel ( & module :", { type: "websearch" }, ["kernel"]);
  check("web search, nothing found", "zebra", { type: "websearch" }, []);

  test("on an embedded table", async () => {
    const [{ id }] = await seed("prompts", [{ user_id: searcher.id, title: "Gardener", template, is_public: true }]);
    const [offered] = await seed("prompt_templates", [{ prompt_id: id }]);
    const query = anonymous.from("prompt_templates").select("id, prompts!inner(title)");
    const found = await rowsOf(query.textSearch("prompts.title", "gardener", { type: "websearch" }));
    assert.deepEqual(found, [{ id: offered.id, prompts: { title: "Gardener" } }]);
  });

  test("beside other conditions, order and limit", async () => {
    const query = searcher.from("prompts").select("title").or("goal.wfts.mouse,goal.plfts.kernel").order("title", { ascending: false }).limit(2);
    assert.deepEqual(await columnOf("title", query), ["mouse", "kernel"]);
  });

  test("finds nothing that the caller may not see", async () => {
    assert.deepEqual(await columnOf("title", anonymous.from("prompts").select("title").textSearch("goal", "kernel")), []);
  });

  for (const malformed of ["cat dog", "cat &", "& cat", "(cat", "cat | | dog"]) {
    test(`a query that is not one is refused: ${malformed}`, () =>
      refused(anonymous.from("prompts").select().textSearch("goal", malformed), 400, "42601"));
  }
});
