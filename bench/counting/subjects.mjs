// The workers that are compared: how each is served, made ready, and read.
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { unstable_readConfig as readConfig } from "wrangler";
import { serve } from "./server.mjs";

const ROOT = join(import.meta.dirname, "../..");
const SERVICE_KEY = randomUUID();
/** The headers of the service. */
export const SERVICE = { authorization: `Bearer ${SERVICE_KEY}` };
/** Requests that read what is stored, at the same time. */
const AT_ONCE = 16;

const product = readConfig({ config: join(ROOT, "wrangler.toml") });

/** A worker of this folder, with the date of the product's. */
function baseline(name, objects = []) {
  return {
    name,
    main: join(import.meta.dirname, "workers", `${name}.mjs`),
    compatibility_date: product.compatibility_date,
    compatibility_flags: [],
    triggers: {},
    durable_objects: { bindings: objects },
    d1_databases: [{ binding: "DB", database_id: name }],
  };
}

/** All items' results, so many at the same time. */
async function each(items, work) {
  const results = [];
  const queue = items.entries();
  const line = async () => {
    for (const [place, item] of queue) results[place] = await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, line));
  return results;
}

async function ask(url, init) {
  const response = await fetch(url, init);
  const text = await response.text();
  if (!response.ok) throw new Error(`${init?.method ?? "GET"} ${new URL(url).pathname} was answered ${response.status}: ${text}`);
  return text;
}

/** Makes D1's tables. */
function migrate(state) {
  const wrangler = join(ROOT, "node_modules/wrangler/bin/wrangler.js");
  const args = [wrangler, "d1", "migrations", "apply", "promptmeter", "--local", "--persist-to", state];
  execFileSync(process.execPath, args, { cwd: ROOT, stdio: "ignore" });
}

async function importPrompts(origin, ids) {
  const user_id = randomUUID();
  const row = (id) => ({ id, user_id, title: "A prompt", template: "A template", is_public: true });
  const body = ids.map((id) => `${JSON.stringify({ table: "prompts", row: row(id) })}\n`).join("");
  const headers = { ...SERVICE, "content-type": "application/x-ndjson" };
  const { imported } = JSON.parse(await ask(`${origin}/v1/import`, { method: "POST", headers, body }));
  if (imported.prompts !== ids.length) throw new Error("the prompts were not imported");
}

const readPlain = (origin, id) => ask(`${origin}/${id}`).then(Number);
const readStats = async (origin, id) => JSON.parse(await ask(`${origin}/v1/prompts/${id}/stats`, { headers: SERVICE })).viewCount;

const promptmeter = {
  worker: product,
  // One connection alone comes near the default here, of which one counter takes several times as much.
  variables: { RATE_LIMIT: "0", LOG_REQUESTS: "off", SERVICE_KEY, HOT_COMMANDS_PER_SECOND: "2000" },
  prepare: migrate,
  addPrompts: importPrompts,
  read: readStats,
};

/** By name: the worker, its settings, what has to be done once, and how the views of a prompt are read. */
export const SUBJECTS = {
  empty: { worker: baseline("empty") },
  reading: { worker: baseline("reading") },
  object: {
    worker: baseline("object-per-view", [{ name: "COUNTERS", class_name: "Counter" }]),
    read: readPlain,
  },
  d1: {
    worker: baseline("d1-upsert"),
    addPrompts: (origin) => ask(origin, { method: "PUT" }),
    read: readPlain,
  },
  promptmeter,
};

/**
 * Serves a subject on its state, which has been used before or is empty.
 * @returns the server, with `addPrompts(ids)`, `stored(ids)` and `metrics()`
 */
export async function serveSubject(name, state, more = {}) {
  const { worker, variables = {}, addPrompts = () => {}, read } = SUBJECTS[name];
  const server = await serve(worker, { ...variables, ...more }, state);
  const origin = `http://127.0.0.1:${server.port}`;
  return {
    ...server,
    isCounting: Boolean(read),
    addPrompts: (ids) => addPrompts(origin, ids),
    /** The views that are stored, of each prompt. */
    stored: (ids) => each(ids, (id) => read(origin, id)),
    /** What the instance has done since it was started, by the names of its meters. */
    async metrics() {
      const text = await ask(`${origin}/v1/admin/metrics`, { headers: SERVICE });
      const samples = text.split("\n").filter((line) => line && !line.startsWith("#"));
      return Object.fromEntries(samples.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.split(" ").at(-1))]));
    },
  };
}

/** Makes the state of a subject that was never served. */
export function prepare(name, state) {
  SUBJECTS[name].prepare?.(state);
}
