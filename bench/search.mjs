// Rows that D1 reads for a search, over the prompts and templates of ../shared/data: node bench/search.mjs
//
// The built worker's migrations make the database, `cargo run --example search_statements` gives the statements that the
// worker would send for an anonymous caller, and D1 says how many rows each of them read.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { createTestHarness } from "wrangler";

const ROOT = new URL("..", import.meta.url).pathname;
const PROMPTS = join(ROOT, "../shared/data/prompts.csv");
const AGENTS = join(ROOT, "../shared/data/agents.jsonl");
const AT = "2026-11-20T12:00:00.000000+00:00";
const ROWS_PER_STATEMENT = 50;

/** What people ask a prompt library for; a page has 20 templates. */
const SEARCHES = [
  ["a title", { q: "linux terminal" }],
  ["a topic", { q: "marketing" }],
  ["a topic, two words", { q: "code review" }],
  ["the beginning of a word", { q: "photogr" }],
  ["a common word", { q: "the" }],
  ["a common word, third page", { q: "the" }, 3],
  ["common words", { q: "you are an expert" }],
  ["two CJK characters", { q: "翻译" }],
  ["a CJK sentence", { q: "请帮我把这段文字翻译成英文并润色" }],
  ["words that are nowhere together", { q: "kubernetes haiku" }],
  ["a word that is nowhere", { q: "xyzzyx" }],
  ["a sentence of 200 characters", {
    q: ("I want someone who reads my essay about history, corrects the grammar and the spelling, suggests better words, " +
      "and explains every change that was made in a friendly tone, so that I learn to write well").slice(0, 200),
  }],
  ["a topic in a category", { q: "writing", category: "education" }],
  ["common words in a category", { q: "you are", category: "games" }],
  ["a topic with a tag", { q: "translation", tag: "english" }],
  ["a category", { category: "programming" }],
  ["a tag", { tag: "writing" }],
  ["a common tag", { tag: "developers" }],
  ["everything", {}],
  ["everything, third page", {}, 3],
];

for (const file of [PROMPTS, AGENTS]) {
  if (!existsSync(file)) {
    console.log(`skipped: there is no ${file}`);
    process.exit(0);
  }
}

/** A UUID (version 8) that always stands for the same text. */
function derivedId(text) {
  const hex = createHash("sha256").update(text).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

const prompts = parse(readFileSync(PROMPTS), { columns: true, bom: true }).map((row, index) => ({
  id: derivedId(`prompt ${index}`),
  title: row.title,
  template: row.template,
  goal: null,
  category: row.kind.toLowerCase(),
  tags: row.for_devs === "TRUE" ? ["developers"] : [],
}));
const agents = readFileSync(AGENTS, "utf8").trim().split("\n").map((line, index) => ({
  ...JSON.parse(line),
  id: derivedId(`agent ${index}`),
}));

const harness = createTestHarness({ root: ROOT, workers: [{ configPath: "wrangler.toml", prebuiltWorkerDir: "build" }] });
await harness.listen();
const worker = harness.getWorker();
await worker.applyD1Migrations("DB");
const { DB } = await worker.getEnv();
const run = (sql, ...parameters) => DB.prepare(sql).bind(...parameters).all();

async function insert(rows, sql) {
  for (let from = 0; from < rows.length; from += ROWS_PER_STATEMENT) {
    await run(sql, AT, JSON.stringify(rows.slice(from, from + ROWS_PER_STATEMENT)));
  }
}

const insertPrompts = (rows) =>
  insert(
    rows,
    `insert into prompts (id, user_id, title, goal, template, category, tags, is_public, is_active, created_at, updated_at)
      select value ->> 'id', 'owner', value ->> 'title', value ->> 'goal', value ->> 'template', value ->> 'category',
        value ->> 'tags', 1, 1, ?1, ?1 from json_each(?2)`,
  );

const insertTemplates = (rows) =>
  insert(
    rows,
    `insert into prompt_templates (id, prompt_id, category, tags, likes_count, uses_count, created_at, updated_at)
      select value ->> 'id', value ->> 'id', value ->> 'category', value ->> 'tags', 0, 0, ?1, ?1 from json_each(?2)`,
  );

const LIMIT = 20;
const EXAMPLE = ["run", "--quiet", "--locked", "--example", "search_statements", "--"];

/** The statements of a page of a search: `after` is its last template before, and how many there were up to it. */
const statements = (parameters, after) =>
  JSON.parse(execFileSync("cargo", [...EXAMPLE, new URLSearchParams(parameters).toString(), ...after], { cwd: ROOT }));

/** What the last of some pages returned and read. */
async function pages(parameters, count) {
  let [after, returned, read] = [[], 0, 0];
  for (let page = 1; page <= count; page++) {
    [returned, read] = [0, 0];
    for (const { sql, parameters: values } of statements(parameters, after)) {
      const { results, meta } = await run(sql, ...values);
      read += meta.rows_read;
      returned = Math.min(results.length, LIMIT);
      if (returned > 0) {
        after = [results[returned - 1].id, page * LIMIT];
        break;
      }
    }
  }
  return { returned, read };
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

async function measure(what) {
  console.log(`\n${what}`);
  console.log(`${"search".padEnd(34)}${"returned".padStart(9)}${"read".padStart(7)}${"a row".padStart(8)}`);
  const ratios = [];
  for (const [name, parameters, count = 1] of SEARCHES) {
    const { returned, read } = await pages(parameters, count);
    const ratio = read / Math.max(returned, 1);
    ratios.push(ratio);
    console.log(`${name.padEnd(34)}${String(returned).padStart(9)}${String(read).padStart(7)}${ratio.toFixed(1).padStart(8)}`);
  }
  const mean = ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length;
  console.log(`rows read per row returned: mean ${mean.toFixed(1)}, median ${median(ratios).toFixed(1)}, worst ${Math.max(...ratios).toFixed(1)}`);
}

try {
  await run("insert into users (id, created_at) values ('owner', ?)", AT);
  await insertPrompts([...prompts, ...agents]);
  await insertTemplates(agents);
  await measure(`${prompts.length + agents.length} public prompts, ${agents.length} of them offered as templates`);
  await insertTemplates(prompts);
  await measure(`${prompts.length + agents.length} public prompts, all of them offered as templates`);
} finally {
  await harness.close();
}
