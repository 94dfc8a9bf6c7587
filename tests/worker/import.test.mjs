// The import of another system's rows: every byte is kept, every event is counted once.
import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "csv-parse";
import { ROOT, SNAPSHOTS, anonymous, atOnce, promptRow, service, start, user } from "./instance.mjs";

const PROMPTS_CSV = join(ROOT, "../shared/data/prompts.csv");
const NDJSON = "application/x-ndjson";
const BUT_SNAPSHOTS = { except: SNAPSHOTS };
const instance = await start();
const { counts, events, evict, imported, post, prompt, sql, stored } = instance;

const promptLine = (columns) => ({ table: "prompts", row: promptRow(columns) });
const eventLine = (prompt_id, event_type, more = {}) => ({
  table: "prompt_events",
  row: { id: randomUUID(), prompt_id, event_type, created_at: "2024-03-05T12:34:56.789Z", ...more },
});
const ndjson = (lines) => lines.map((line) => `${typeof line === "string" ? line : JSON.stringify(line)}\n`).join("");
const send = (body, options) => post("/v1/import", body, { as: service, type: NDJSON, ...options });
const report = ({ prompts = 0, events = 0, repeated = 0, refused = [] }) => ({
  imported: { prompts, prompt_events: events },
  repeated: { prompts: 0, prompt_events: repeated },
  refused_count: refused.length,
  refused,
});

/** A body that comes in chunks of this many bytes, wherever that cuts. */
function inChunks(text, size) {
  const bytes = Buffer.from(text);
  let sent = 0;
  return new ReadableStream({
    pull(controller) {
      if (sent >= bytes.length) return controller.close();
      controller.enqueue(bytes.subarray(sent, (sent += size)));
    },
  });
}

const storedPrompt = async (id) => (await sql("select * from prompts where id = ?", id))[0];

const texts = {
  "astral characters": "🎉👩‍👩‍👧 𝒳 ﷽ é e\u0301 \u{10ffff}",
  "a backslash and an n": "one\\ntwo \\\\n \\u0041 \\",
  "line ends": "one\ntwo\r\nthree\rfour\u2028five\u2029six\n",
  "what SQL and JSON care about": `'; drop table prompts; -- "quoted" {"a": [1]} %_?1 \``,
  "control characters": Array.from({ length: 31 }, (_, code) => String.fromCharCode(code + 1)).join("") + "\u007f",
  "a byte order mark": "\ufefftext\ufeff",
  "a zero": "before\u0000after",
  "white space at both ends": "  \t text \n ",
  nothing: "",
  "150 KB": "Größe 🎉 \\n ".repeat(10_000).slice(0, 150_000),
};
for (const [what, template] of Object.entries(texts)) {
  test(`a template is kept byte for byte: ${what}`, async () => {
    const line = promptLine({ template, title: template.slice(0, 100), goal: template, negative_prompt: template });
    const { status, body } = await send(inChunks(ndjson([line]), 4099));
    assert.deepEqual([status, body], [200, report({ prompts: 1 })]);
    const bytes = "select hex(cast(template as blob)) as template, hex(cast(goal as blob)) as goal from prompts where id = ?";
    const hex = Buffer.from(template).toString("hex").toUpperCase();
    const [kept] = await sql(bytes, line.row.id);
    assert.ok(kept.template === hex && kept.goal === hex);
    const row = await storedPrompt(line.row.id);
    assert.ok(row.template === template && row.negative_prompt === template);
  });
}

test("every column is kept, JSON as it was written", async () => {
  const [id, user_id, forked_from] = [randomUUID(), randomUUID(), randomUUID()];
  const variables = '[{"name": "größe", "default": 1.50}]';
  const tags = '["a", "\\u00fc"]';
  const line = `{"table":"prompts","row":{"id":"${id}","slug":"${id}-slug","user_id":"${user_id}","title":"t","goal":"g",
    "template":"x","variables":${variables},"negative_prompt":"n","category":"c","tags":${tags},"is_public":true,
    "is_active":false,"forked_from":"${forked_from}","created_at":"2024-03-05 12:34:56.789012+02",
    "updated_at":"2024-03-06T00:00:00Z"}}`.replaceAll("\n", "");
  assert.deepEqual((await send(line)).body, report({ prompts: 1 }));
  assert.deepEqual(await storedPrompt(id), {
    id,
    slug: `${id}-slug`,
    user_id,
    title: "t",
    goal: "g",
    template: "x",
    variables,
    negative_prompt: "n",
    category: "c",
    tags,
    is_public: 1,
    is_active: 0,
    forked_from,
    created_at: "2024-03-05T10:34:56.789012+00:00",
    updated_at: "2024-03-06T00:00:00.000000+00:00",
    template_tags: null,
    template_marks: null,
  });
  assert.deepEqual(await sql("select email from users where id = ?", user_id), [{ email: null }]);
});

test("a prompt imported again replaces itself and nothing else", async () => {
  const { row } = promptLine({ template: "one" });
  await imported([{ table: "prompts", row }]);
  const before = await stored(BUT_SNAPSHOTS);
  await imported([{ table: "prompts", row }]);
  assert.deepEqual(await stored(BUT_SNAPSHOTS), before);
  await imported([{ table: "prompts", row: { ...row, template: "two" } }]);
  assert.equal((await storedPrompt(row.id)).template, "two");
});

test("a body of several MiB comes in chunks that cut through characters", async () => {
  const lines = Array.from({ length: 300 }, (_, index) => promptLine({ template: `${index} größe 🎉 \\n `.repeat(500) }));
  const body = ndjson(lines);
  assert.ok(Buffer.byteLength(body) > 2 * 1024 * 1024);
  assert.deepEqual((await send(inChunks(body, 65_521))).body, report({ prompts: 300 }));
  for (const { row } of lines) assert.ok((await storedPrompt(row.id)).template === row.template);
});

for (const type of [NDJSON, "application/jsonl", "application/json", "text/plain", `${NDJSON}; charset=utf-8`]) {
  test(`an import is taken as ${type}, with blank lines and without a last line feed`, async () => {
    const [one, other] = [promptLine(), promptLine()];
    const body = `\n${JSON.stringify(one)}\r\n\n  \n${JSON.stringify(other)}`;
    assert.deepEqual((await send(body, { type })).body, report({ prompts: 2 }));
  });
}

test("an empty import is one", async () => {
  for (const body of ["", "\n\n"]) assert.deepEqual((await send(body)).body, report({}));
});

/** A log of views and copies, forks and comparisons of a prompt. */
const legacy = (id, user_id) => [
  eventLine(id, "view", { id: 1 }),
  eventLine(id, "view", { id: 2, created_at: "2023-01-01 00:00:00+00" }),
  eventLine(id, "copy", { id: "3", user_id }),
  eventLine(id, "fork", { id: 4, user_id }),
  eventLine(id, "compare_add", { id: 5 }),
  eventLine(id, "view"),
];

test("a legacy log becomes counts and events, once, however often it is imported", async () => {
  const [id, user_id] = [await prompt(), randomUUID()];
  const lines = legacy(id, user_id);
  assert.deepEqual(await imported(lines), report({ events: 6 }));
  assert.deepEqual(await counts(id), [3, 1, 1, 1]);
  const rows = () => sql("select id, event_type, user_id, uncounted_since_ms from prompt_events where prompt_id = ? order by id", id);
  const expected = [
    { id: "4", event_type: "fork", user_id, uncounted_since_ms: null },
    { id: "5", event_type: "compare_add", user_id: null, uncounted_since_ms: null },
  ];
  assert.deepEqual(await rows(), expected);
  assert.deepEqual(await sql("select email from users where id = ?", user_id), [{ email: null }]);

  assert.deepEqual(await imported(lines), report({ repeated: 6 }));
  await evict(id);
  assert.deepEqual(await imported(lines.toReversed()), report({ repeated: 6 }));
  assert.deepEqual(await imported([...lines, eventLine(id, "copy")]), report({ events: 1, repeated: 6 }));
  assert.deepEqual(await counts(id), [3, 2, 1, 1]);
  assert.deepEqual(await rows(), expected);
});

test("a row that stands twice in an import is counted once", async () => {
  const id = await prompt();
  const lines = [eventLine(id, "view"), eventLine(id, "fork")];
  assert.deepEqual(await imported([...lines, ...lines]), report({ events: 2, repeated: 2 }));
  assert.deepEqual(await counts(id), [1, 0, 1, 0]);
});

test("ids belong to their prompt in an import, too", async () => {
  const [one, other] = [await prompt(), await prompt()];
  const lines = [one, other].flatMap((id) => [eventLine(id, "view", { id: 1 }), eventLine(id, "fork", { id: 2 })]);
  assert.deepEqual(await imported(lines), report({ events: 4 }));
  assert.deepEqual([await counts(one), await counts(other)], [[1, 0, 1, 0], [1, 0, 1, 0]]);
});

test("imports at once, among live views and evictions, count each row once and each view", async () => {
  const id = await prompt();
  const lines = Array.from({ length: 400 }, (_, index) => eventLine(id, index % 4 ? "view" : "copy"));
  const live = async (index) =>
    assert.equal((await events({ id: `live-${index}`, type: "view", prompt_id: id })).accepted, 1);
  const evictions = async () => {
    for (let index = 30; index < 40; index++) {
      await live(index);
      await evict(id);
    }
  };
  const [reports] = await Promise.all([atOnce(4, () => imported(lines)), atOnce(30, live), evictions()]);
  assert.equal(reports.reduce((sum, { imported }) => sum + imported.prompt_events, 0), 400);
  assert.equal(reports.reduce((sum, { repeated }) => sum + repeated.prompt_events, 0), 1200);
  assert.deepEqual(await counts(id), [340, 100, 0, 0]);
  await evict(id);
  assert.deepEqual(await imported(lines), report({ repeated: 400 }));
  const again = await events(Array.from({ length: 40 }, (_, index) => ({ id: `live-${index}`, type: "view", prompt_id: id })));
  assert.deepEqual([again.accepted, again.duplicates], [0, 40]);
  assert.deepEqual(await counts(id), [340, 100, 0, 0]);
});

test("an imported view and a live one are two, though their ids are the same", async () => {
  const id = await prompt();
  assert.equal((await events({ id: "1", type: "view", prompt_id: id })).accepted, 1);
  assert.deepEqual(await imported([eventLine(id, "view", { id: 1 })]), report({ events: 1 }));
  assert.deepEqual(await counts(id), [2, 0, 0, 0]);
});

test("an imported fork keeps its microseconds", async () => {
  const id = await prompt();
  await imported([eventLine(id, "fork", { created_at: "2024-03-05 12:34:56.789123+00" })]);
  const rows = await sql("select created_at from prompt_events where prompt_id = ?", id);
  assert.deepEqual(rows, [{ created_at: "2024-03-05T12:34:56.789123+00:00" }]);
});

test("a prompt and its events may stand in one import, the prompt before them", async () => {
  const line = promptLine();
  const { id } = line.row;
  const answer = await imported([eventLine(id, "view"), line, eventLine(id, "view"), eventLine(id, "fork")]);
  assert.deepEqual([answer.imported, answer.refused_count], [{ prompts: 1, prompt_events: 2 }, 1]);
  assert.deepEqual([answer.refused[0].line, answer.refused[0].code], [1, "unknown_prompt"]);
  assert.deepEqual(await counts(id), [1, 0, 1, 0]);
});

const taken = `taken-${randomUUID()}`;
const known = await prompt({ slug: taken });
const badEvent = (columns) => eventLine(known, "view", columns);

/** Lines that are refused: what they are, the line, the code, the pointer. */
const refusedLines = [
  ["no JSON", "nonsense", "invalid_json"],
  ["JSON that breaks off", '{"table": "prompts"', "invalid_json"],
  ["an array", "[1]", "invalid_type"],
  ["no table", { row: {} }, "missing_field", "/table"],
  ["no row", { table: "prompts" }, "missing_field", "/row"],
  ["a table that is not there", { table: "prompt_stats", row: {} }, "unknown_table", "/table"],
  ["a table that is a number", { table: 1, row: {} }, "invalid_type", "/table"],
  ["a row that is a list", { table: "prompts", row: [] }, "invalid_type", "/row"],
  ["a column that is not there", promptLine({ views: 1 }), "unknown_column", "/row/views"],
  ["no id", promptLine({ id: null }), "missing_field", "/row/id"],
  ["an id that is no UUID", promptLine({ id: "1" }), "invalid_uuid", "/row/id"],
  ["no owner", promptLine({ user_id: undefined }), "missing_field", "/row/user_id"],
  ["no title", promptLine({ title: null }), "missing_field", "/row/title"],
  ["a number where a text belongs", promptLine({ template: 5 }), "invalid_type", "/row/template"],
  ["a text where a boolean belongs", promptLine({ is_public: "yes" }), "invalid_type", "/row/is_public"],
  ["tags that are no list", promptLine({ tags: { a: 1 } }), "invalid_type", "/row/tags"],
  ["an instant that is none", promptLine({ created_at: "yesterday" }), "invalid_timestamp", "/row/created_at"],
  ["a slug that is too long", promptLine({ slug: "x".repeat(129) }), "invalid_length", "/row/slug"],
  ["a slug that another prompt has", promptLine({ slug: taken }), "conflict", "/row/slug"],
  ["a value that is too large", promptLine({ template: "x".repeat(1_900_001) }), "too_large"],
  ["a row that is too large, though no value is", promptLine({ template: "x".repeat(1_500_000), goal: "y".repeat(1_500_000) }), "too_large"],
  ["a lone surrogate", promptLine({ template: "\ud800" }), "invalid_json", "/row/template"],
  ["a lone surrogate in JSON", promptLine({ variables: ["\udfff"] }), "invalid_json", "/row/variables"],
  ["nesting", `{"table":"prompts","row":{"variables":${"[".repeat(70)}${"]".repeat(70)}}}`, "nesting_too_deep"],
  ["a prompt that is not there", eventLine(randomUUID(), "view"), "unknown_prompt"],
  ["a type that is not there", badEvent({ event_type: "stare" }), "invalid_value", "/row/event_type"],
  ["an event without an id", badEvent({ id: null }), "missing_field", "/row/id"],
  ["an event without an instant", badEvent({ created_at: null }), "missing_field", "/row/created_at"],
  ["an event of something that is no UUID", badEvent({ prompt_id: "x" }), "invalid_uuid", "/row/prompt_id"],
];
test("each refused line is named with its number and code, and its neighbours are stored", async () => {
  const before = await counts(known);
  const lines = refusedLines.flatMap(([, line]) => [promptLine(), line]).concat([promptLine(), eventLine(known, "view")]);
  const { status, body } = await send(ndjson(lines));
  assert.equal(status, 200);
  assert.deepEqual(body.imported, { prompts: refusedLines.length + 1, prompt_events: 1 });
  const expected = refusedLines.map(([what, , code], index) => [what, index * 2 + 2, code]);
  const byLine = body.refused.toSorted((one, other) => one.line - other.line);
  assert.deepEqual(byLine.map(({ line, code }) => [refusedLines[line / 2 - 1]?.[0], line, code]), expected);
  for (const [index, [what, , , pointer]] of refusedLines.entries()) {
    if (pointer) assert.equal(byLine[index].pointer, pointer, what);
    assert.ok(byLine[index].detail.length > 0);
  }
  assert.equal(body.refused_count, refusedLines.length);
  assert.deepEqual(await counts(known), [before[0] + 1, ...before.slice(1)]);
});

test("a row that names a column twice is refused", async () => {
  const line = JSON.stringify(promptLine()).replace('"title"', '"title":"another","title"');
  const { body } = await send(line);
  assert.deepEqual([body.imported.prompts, body.refused.map(({ code, pointer }) => [code, pointer])], [0, [["invalid_json", "/row"]]]);
});

test("bytes that are not UTF-8 are refused with their line", async () => {
  const bytes = Buffer.concat([Buffer.from(ndjson([promptLine()])), Buffer.from([0x7b, 0xff, 0xfe, 0x0a]), Buffer.from(ndjson([promptLine()]))]);
  const { status, body } = await send(bytes);
  assert.deepEqual([status, body.imported.prompts], [200, 2]);
  assert.deepEqual(body.refused.map(({ line, code }) => [line, code]), [[2, "invalid_utf8"]]);
});

test("a line that is too long is refused, and the next is read", async () => {
  const { status, body } = await send(inChunks(ndjson([promptLine(), `"${"x".repeat(13 * 1024 * 1024)}"`, promptLine()]), 65_536));
  assert.deepEqual([status, body.imported.prompts], [200, 2]);
  assert.deepEqual(body.refused.map(({ line, code }) => [line, code]), [[2, "too_large"]]);
});

test("an event whose id another event has is refused, and its neighbours are stored", async () => {
  const [id, sub] = [await prompt(), randomUUID()];
  await events({ id: "live", type: "fork", prompt_id: id }, { as: user(sub) });
  await events({ id: "viewed", type: "view", prompt_id: id });
  const lines = [
    eventLine(id, "fork", { id: 7 }),
    eventLine(id, "compare_add", { id: 7 }),
    eventLine(id, "fork", { id: "live" }),
    eventLine(id, "fork", { id: "viewed" }),
    eventLine(id, "fork", { id: 8 }),
  ];
  const { status, body } = await send(ndjson(lines));
  assert.equal(status, 200, JSON.stringify(body));
  assert.deepEqual(body.refused.map(({ line, code }) => [line, code]), [2, 3, 4].map((line) => [line, "idempotency_key_reused"]));
  assert.deepEqual(body.imported, { prompts: 0, prompt_events: 2 });
  assert.deepEqual(await counts(id), [1, 0, 3, 0]);
});

test("of many refused lines all are counted and the first 1000 are listed", async () => {
  const { body } = await send("x\n".repeat(1200));
  assert.deepEqual([body.refused_count, body.refused.length, body.refused.at(-1).line], [1200, 1000, 1000]);
});

test("an import is the service's", async () => {
  const before = await stored(BUT_SNAPSHOTS);
  for (const [as, status, code] of [[anonymous, 401, "credential_required"], [user(randomUUID()), 403, "service_required"]]) {
    const refused = await send(ndjson([promptLine()]), { as });
    assert.deepEqual([refused.status, refused.body.code], [status, code]);
  }
  const xml = await send(ndjson([promptLine()]), { type: "application/xml" });
  assert.deepEqual([xml.status, xml.body.code], [415, "unsupported_media_type"]);
  assert.deepEqual(await stored(BUT_SNAPSHOTS), before);
});

test("the 1,282 prompts of ../shared keep every byte", async (t) => {
  if (!existsSync(PROMPTS_CSV)) return t.skip("no ../shared");
  const lines = [];
  for await (const { title, template } of createReadStream(PROMPTS_CSV).pipe(parse({ columns: true, bom: true }))) {
    lines.push(promptLine({ title, template }));
  }
  assert.equal(lines.length, 1282);
  assert.deepEqual((await send(inChunks(ndjson(lines), 65_536))).body, report({ prompts: 1282 }));
  const digest = (title, template) => createHash("sha256").update(title).update("\0").update(template).digest("hex");
  const kept = new Map();
  for (let first = 0; first < lines.length; first += 100) {
    const ids = JSON.stringify(lines.slice(first, first + 100).map(({ row }) => row.id));
    const rows = await sql("select id, title, template from prompts where id in (select value from json_each(?))", ids);
    for (const { id, title, template } of rows) kept.set(id, digest(title, template));
  }
  assert.deepEqual(kept, new Map(lines.map(({ row: { id, title, template } }) => [id, digest(title, template)])));
});

test("forks of a log whose import died wait an hour for it to be sent again, those of callers a minute", async () => {
  const own = await start();
  const [sub, id] = [randomUUID(), await own.prompt()];
  // As if it died between the count and the mark that is taken off the row.
  await own.sql("create trigger died before update of uncounted_since_ms on prompt_events begin select raise(abort, 'died'); end");
  const created_at = "2024-05-06T07:08:09Z";
  await own.imported([{ table: "prompt_events", row: { id: "of a log", prompt_id: id, user_id: sub, event_type: "fork", created_at } }]);
  await own.events({ id: "of a caller", type: "fork", prompt_id: id }, { as: user(sub) });
  const minutes = "cast(round((uncounted_since_ms - ?) / 60000.0) as integer) as minutes";
  const rows = await own.sql(`select id, ${minutes} from prompt_events order by id`, Date.now());
  assert.deepEqual(rows, [{ id: "of a caller", minutes: 0 }, { id: "of a log", minutes: 60 }]);
});
