// Imports prompts from a CSV file, and templates from a JSONL file, into a running instance:
// node scripts/demo-data.mjs --url http://localhost:8787 --file prompts.csv --templates agents.jsonl --list prompts.json
//
// The CSV file has a header with at least `title` and `template`; `kind`, `for_devs` and `authors` (the first owns the
// prompt, names separated by semicolons) are used where they are there. Lines of the JSONL file have `title` and `template`;
// `goal`, `category`, `tags`, `author` and `created_at` (a date) are used where they are there; each becomes a prompt and
// its template. Without a file it is the sample that the demo library offers. Ids are derived from the rows, so that importing a
// file again changes nothing. The ids of the prompts are left in the file `--list`, where `make replay` finds them.
import { createHash } from "node:crypto";
import { createReadStream, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { parse } from "csv-parse";
import { progress } from "./progress.mjs";
import { fail, settings } from "./settings.mjs";

const SAMPLE = join(import.meta.dirname, "../public/library/sample.json");
const ROWS_PER_REQUEST = 100;
const VARIABLE = /\$\{([^}:]+)(?::([^}]*))?\}/g;

const { values: options } = parseArgs({
  options: { url: { type: "string" }, file: { type: "string" }, templates: { type: "string" }, list: { type: "string" } },
});
for (const file of [options.file, options.templates]) {
  if (file && !existsSync(file)) fail(`There is no file ${file}`);
}
const { SERVICE_KEY } = settings();

/** A UUID (version 8) that always stands for the same text. */
function derivedId(text) {
  const hex = createHash("sha256").update(text).digest("hex");
  const variant = "89ab"[parseInt(hex[16], 16) % 4];
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

function slugOf(title, id) {
  const words = title.normalize("NFKD").toLowerCase().match(/[a-z0-9]+/g) ?? ["prompt"];
  return `${words.join("-").slice(0, 60)}-${id.slice(0, 6)}`;
}

/** What every prompt has that is imported here. */
function prompt({ title, template }, owner) {
  const id = derivedId(`prompt\n${title}\n${template}`);
  const names = new Map([...template.matchAll(VARIABLE)].map(([, name, value]) => [name, value ?? null]));
  return {
    id,
    slug: slugOf(title, id),
    user_id: derivedId(`user\n${owner}`),
    title,
    template,
    variables: [...names].map(([name, value]) => ({ name, default: value })),
    is_public: true,
  };
}

const ofCsv = (row) => ({
  ...prompt(row, row.authors?.split(";")[0] ?? ""),
  category: row.kind ? row.kind.toLowerCase() : null,
  tags: row.for_devs?.toUpperCase() === "TRUE" ? ["developers"] : [],
});

const ofLine = ({ goal = null, category = null, tags = [], created_at, author = "", ...row }) => ({
  ...prompt(row, author),
  goal,
  category,
  tags,
  ...(created_at && { created_at: `${created_at}T00:00:00Z` }),
});

async function post(path, body, headers) {
  const authorization = `Bearer ${SERVICE_KEY}`;
  const response = await fetch(`${options.url}${path}`, { method: "POST", headers: { authorization, ...headers }, body }).catch(
    (error) => fail(`${options.url} does not answer (${error.cause?.code ?? error.message}): is make dev running?`),
  );
  const text = await response.text();
  const answer = text ? JSON.parse(text) : null;
  if (!response.ok) fail(`${path} failed with ${response.status}: ${answer?.detail ?? answer?.message}`);
  return answer;
}

const ids = new Set();
let refused = 0;

/** Imports prompts and gives those that were not refused. */
async function sendPrompts(prompts, report) {
  const body = prompts.map((row) => `${JSON.stringify({ table: "prompts", row })}\n`).join("");
  const answer = await post("/v1/import", body, { "content-type": "application/x-ndjson" });
  for (const { line, code, detail } of answer.refused) {
    console.error(`\nrefused: ${prompts[line - 1].title}: ${code}: ${detail}`);
  }
  refused += answer.refused_count;
  report.add(answer.imported.prompts);
  const lines = new Set(answer.refused.map(({ line }) => line));
  const sent = prompts.filter((_, index) => !lines.has(index + 1));
  for (const { id } of sent) ids.add(id);
  return sent;
}

/** Imports prompts and offers each as a template. */
async function sendTemplates(prompts, report) {
  const sent = await sendPrompts(prompts.map(({ template_id, ...row }) => row), report);
  const named = new Map(prompts.map(({ id, template_id }) => [id, template_id]));
  const idOf = (prompt) => named.get(prompt) ?? derivedId(`template\n${prompt}`);
  const template = ({ id, category, tags }) => ({ id: idOf(id), prompt_id: id, category, tags });
  const templates = new Map(sent.map((prompt) => [prompt.id, template(prompt)]));
  await post("/rest/v1/prompt_templates?on_conflict=id", JSON.stringify([...templates.values()]), {
    "content-type": "application/json",
    prefer: "resolution=merge-duplicates,return=minimal",
  });
}

/** Reads rows and sends them in parts. */
async function load(file, rows, prompt, send, what) {
  const report = progress("imported", what);
  let waiting = [];
  for await (const row of rows) {
    if (!row.title || !row.template) fail(`${file} needs title and template, filled in every row`);
    waiting.push(prompt(row));
    if (waiting.length === ROWS_PER_REQUEST) {
      await send(waiting, report);
      waiting = [];
    }
  }
  if (waiting.length > 0) await send(waiting, report);
  report.end();
}

async function* lines(file) {
  let number = 0;
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    number += 1;
    try {
      if (line.trim()) yield JSON.parse(line);
    } catch (error) {
      fail(`${file}, line ${number}: ${error.message}`);
    }
  }
}

if (options.file) {
  const rows = createReadStream(options.file).pipe(parse({ columns: true, bom: true }));
  rows.on("error", (error) => fail(`${options.file}: ${error.message}`));
  await load(options.file, rows, ofCsv, sendPrompts, "prompts");
}
if (options.templates) await load(options.templates, lines(options.templates), ofLine, sendTemplates, "templates");

if (!options.file && !options.templates) {
  const { user_id, prompts } = JSON.parse(readFileSync(SAMPLE, "utf8"));
  await load(SAMPLE, prompts, (row) => ({ ...row, user_id, is_public: true }), sendTemplates, "templates");
}

if (options.list) {
  mkdirSync(dirname(options.list), { recursive: true });
  writeFileSync(options.list, JSON.stringify([...ids]));
}
console.log(`${ids.size} different prompts are in the library at ${options.url}`);
if (refused > 0) fail(`${refused} prompts were refused`);
