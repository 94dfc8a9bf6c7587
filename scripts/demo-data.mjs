// Imports prompts from a CSV file into a running instance:
// node scripts/demo-data.mjs --url http://localhost:8787 --file prompts.csv --list demo-prompts.json
//
// The file has a header with at least `title` and `template`; `kind`, `for_devs` and `authors` (the first owns the
// prompt, names separated by semicolons) are used where they are there. Ids are derived from the rows, so that importing
// a file again changes nothing. The ids are left in the file `--list`, where `make replay` finds them.
import { createHash } from "node:crypto";
import { createReadStream, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { parse } from "csv-parse";
import { progress } from "./progress.mjs";
import { fail, settings } from "./settings.mjs";

const ROWS_PER_REQUEST = 100;
const VARIABLE = /\$\{([^}:]+)(?::([^}]*))?\}/g;

const { values: options } = parseArgs({
  options: { url: { type: "string" }, file: { type: "string" }, list: { type: "string" } },
});
if (!options.file) fail("FILE must be a CSV file of prompts: make demo-data FILE=../shared/data/prompts.csv");
if (!existsSync(options.file)) fail(`There is no file ${options.file}`);
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

function prompt({ title, template, kind, for_devs, authors }) {
  const id = derivedId(`prompt\n${title}\n${template}`);
  const names = new Map([...template.matchAll(VARIABLE)].map(([, name, value]) => [name, value ?? null]));
  return {
    id,
    slug: slugOf(title, id),
    user_id: derivedId(`user\n${authors?.split(";")[0] ?? ""}`),
    title,
    template,
    variables: [...names].map(([name, value]) => ({ name, default: value })),
    category: kind ? kind.toLowerCase() : null,
    tags: for_devs?.toUpperCase() === "TRUE" ? ["developers"] : [],
    is_public: true,
  };
}

async function send(prompts) {
  const body = prompts.map((row) => `${JSON.stringify({ table: "prompts", row })}\n`).join("");
  const headers = { authorization: `Bearer ${SERVICE_KEY}`, "content-type": "application/x-ndjson" };
  const response = await fetch(`${options.url}/v1/import`, { method: "POST", headers, body }).catch((error) =>
    fail(`${options.url} does not answer (${error.cause?.code ?? error.message}): is make dev running?`),
  );
  const answer = await response.json();
  if (!response.ok) fail(`The import failed with ${response.status}: ${answer.detail}`);
  return answer;
}

const rows = createReadStream(options.file).pipe(parse({ columns: true, bom: true }));
rows.on("error", (error) => fail(`${options.file}: ${error.message}`));
const report = progress("imported", "prompts");
const ids = new Set();
let refused = 0;
let waiting = [];

async function flush() {
  const answer = await send(waiting);
  for (const { line, code, detail } of answer.refused) {
    console.error(`\nrefused: ${waiting[line - 1].title}: ${code}: ${detail}`);
  }
  refused += answer.refused_count;
  for (const { id } of waiting) ids.add(id);
  report.add(answer.imported.prompts);
  waiting = [];
}

for await (const row of rows) {
  if (!row.title || !row.template) fail(`${options.file} needs the columns title and template, filled in every row`);
  waiting.push(prompt(row));
  if (waiting.length === ROWS_PER_REQUEST) await flush();
}
if (waiting.length > 0) await flush();
report.end();

if (options.list) {
  mkdirSync(dirname(options.list), { recursive: true });
  writeFileSync(options.list, JSON.stringify([...ids]));
}
console.log(`${ids.size} different prompts are in the library at ${options.url}`);
if (refused > 0) fail(`${refused} prompts were refused`);
