// make backup and make restore: a file that is whole or not there, and an instance that holds what is in it.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createReadStream, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { parse } from "csv-parse";
import { ROOT, SETTINGS, promptRow, start, until } from "./instance.mjs";
import { exported, filled, taken } from "./moved.mjs";

const DATA = join(ROOT, "../shared/data");
const folder = mkdtempSync(join(tmpdir(), "backup-"));
after(() => rmSync(folder, { recursive: true }));
const [source, target] = await Promise.all([start(), start()]);
await filled(source);

/** Runs a script as make does; gives its end and what it printed, in which no key may stand. */
const run = (script, url, file, env = { SERVICE_KEY: SETTINGS.SERVICE_KEY }) =>
  new Promise((resolve) => {
    const args = [join(ROOT, `scripts/${script}.mjs`), "--url", url, "--file", file];
    execFile(process.execPath, args, { cwd: folder, env: { PATH: process.env.PATH, ...env } }, (error, stdout, stderr) => {
      assert.ok(!(stdout + stderr).includes(SETTINGS.SERVICE_KEY));
      resolve({ code: error?.code ?? 0, told: stdout + stderr });
    });
  });
const at = (name) => join(folder, name);

test("a backup is what was exported, packed or not, and only its owner reads it", async () => {
  const { text } = await exported(source);
  for (const name of ["plain.ndjson", "packed.ndjson.gz"]) {
    const { code, told } = await run("backup", source.url, at(name));
    assert.equal(code, 0, told);
    assert.match(told, /prompts 5, .*SHA-256 of the rows: [0-9a-f]{64}/s);
    assert.equal(statSync(at(name)).mode & 0o777, 0o600);
    const bytes = readFileSync(at(name));
    assert.ok((name.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString() === text);
  }
});

test("a file that is not whole is not sent", async () => {
  const before = await exported(target);
  const text = readFileSync(at("plain.ndjson"), "utf8");
  const lines = text.split("\n");
  const bad = {
    "cut-off-behind-a-line.ndjson": `${lines.slice(0, -2).join("\n")}\n`,
    "cut-off.ndjson": text.slice(0, -30),
    "changed.ndjson": text.replace('"title":"', '"title":"x'),
    "reordered.ndjson": [lines[1], lines[0], ...lines.slice(2)].join("\n"),
    "longer.ndjson": text + lines[0],
    "empty.ndjson": "",
  };
  for (const [name, content] of Object.entries(bad)) {
    writeFileSync(at(name), content);
    const { code, told } = await run("restore", target.url, at(name));
    assert.equal(code, 1, name);
    assert.match(told, /is not a whole backup: .*Nothing was sent\./, name);
  }
  writeFileSync(at("broken.ndjson.gz"), gzipSync(text).subarray(0, 500));
  assert.match((await run("restore", target.url, at("broken.ndjson.gz"))).told, /is not a whole backup/);
  assert.equal((await exported(target)).text, before.text);
});

test("a restored instance holds what was backed up; again it changes nothing", async () => {
  for (let times = 0; times < 2; times++) {
    const { code, told } = await run("restore", target.url, at("packed.ndjson.gz"));
    assert.equal(code, 0, told);
    const [inFile, inInstance] = [...told.matchAll(/SHA-256 of the rows in the \w+: +([0-9a-f]{64})/g)].map(([, digest]) => digest);
    assert.ok(inFile && inFile === inInstance, told);
  }
  assert.equal((await exported(target)).text, readFileSync(at("plain.ndjson"), "utf8"));
  assert.deepEqual(await target.sql("select * from restore_lease"), [], "the cron goes on");
});

test("an instance that received events of experiments is told apart before anything is counted twice", async () => {
  const other = await start();
  await other.events({ type: "exposure", experiment_id: "own", session_id: "s", variant_key: "a", id: "1" });
  const { code, told } = await run("restore", other.url, at("plain.ndjson"));
  assert.equal(code, 1);
  assert.match(told, /restore into an empty instance\. Nothing behind this line was sent/);
  assert.deepEqual(await other.sql("select count(*) as n from experiment_rollups where experiment_id <> 'own'"), [{ n: 0 }]);
});

test("an instance that holds more than the file is told apart", async () => {
  await target.prompt();
  const { code, told } = await run("restore", target.url, at("plain.ndjson"));
  assert.equal(code, 1);
  assert.match(told, /holds something else than the file/);
});

test("a backup that breaks off leaves no file, and the one of before", async () => {
  const lines = readFileSync(at("plain.ndjson"), "utf8").split("\n");
  const broken = createServer((request, response) => {
    response.writeHead(200, { "content-type": "application/x-ndjson" });
    response.write(`${lines.slice(0, 3).join("\n")}\n`, () => response.destroy());
  });
  await new Promise((resolve) => broken.listen(0, "127.0.0.1", resolve));
  after(() => broken.close());
  writeFileSync(at("old.ndjson"), "old");
  const { code, told } = await run("backup", `http://127.0.0.1:${broken.address().port}`, at("old.ndjson"));
  assert.equal(code, 1, told);
  assert.match(told, /There is no backup/);
  assert.equal(readFileSync(at("old.ndjson"), "utf8"), "old");
  assert.deepEqual(readdirSync(folder).filter((name) => name.endsWith(".new")), []);
});

test("without a key, or with a wrong one, nothing is written and nothing is told of it", async () => {
  assert.match((await run("backup", source.url, at("none.ndjson"), {})).told, /\.dev\.vars/);
  const { code, told } = await run("backup", source.url, at("none.ndjson"), { SERVICE_KEY: "another-key" });
  assert.equal(code, 1);
  assert.match(told, /401/);
  assert.doesNotMatch(told, /another-key/);
  assert.equal(existsSync(at("none.ndjson")), false);
});

test("the real prompts, templates and counts of ../shared go out and come in the same", async (t) => {
  if (!existsSync(DATA)) return t.skip("no ../shared");
  const [one, other] = await Promise.all([start(), start()]);
  const rows = [];
  for await (const { title, template, kind } of createReadStream(join(DATA, "prompts.csv")).pipe(parse({ columns: true, bom: true }))) {
    rows.push(promptRow({ title, template, category: kind?.toLowerCase() }));
  }
  const templates = readFileSync(join(DATA, "agents.jsonl"), "utf8").trim().split("\n").map((line) => JSON.parse(line));
  const offered = templates.map(({ title, template, goal, tags }) => promptRow({ title, template, goal, tags }));
  const line = (table) => (row) => `${JSON.stringify({ table, row })}\n`;
  const template = ({ id, tags }, index) => ({ id: crypto.randomUUID(), prompt_id: id, tags, likes_count: index });
  const counts = readFileSync(join(DATA, "shortcut_counts.csv"), "utf8").trim().split("\n").slice(1);
  const popular = counts.map((line) => Number(line.split(",")[1]));
  const views = popular.flatMap((count, index) =>
    Array.from({ length: Math.ceil(count / 50) }, (_, id) => ({ id, prompt_id: rows[index].id, event_type: "view", created_at: new Date(Date.UTC(2025, 0, 1) + id * 7_200_000).toISOString() })),
  );
  const text = [...[...rows, ...offered].map(line("prompts")), ...offered.map(template).map(line("prompt_templates")), ...views.map(line("prompt_events"))];
  assert.deepEqual((await taken(one, text.join(""))).refused, []);
  const counted = "select count(*) as counted from prompt_stats";
  await until(async () => (await one.sql(counted))[0].counted === popular.length, "snapshots are written");
  const { code, told } = await run("backup", one.url, at("real.ndjson.gz"));
  assert.equal(code, 0, told);
  t.diagnostic(told);
  const restored = await run("restore", other.url, at("real.ndjson.gz"));
  assert.equal(restored.code, 0, restored.told);
  const [before, after] = await Promise.all([exported(one), exported(other)]);
  assert.equal(before.tables.prompts, 1282 + 505);
  assert.equal(after.end.sha256, before.end.sha256);
  assert.ok(after.text === before.text);
  for (const { id } of rows.slice(0, 20)) assert.deepEqual(await other.counts(id), await one.counts(id));
  const search = async ({ get }) => (await get("/v1/templates/search?q=translator")).body.templates.map(({ id }) => id).sort();
  await until(async () => (await search(other)).length > 0);
  assert.deepEqual(await search(other), await search(one));
});
