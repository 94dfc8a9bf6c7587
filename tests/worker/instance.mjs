// An instance of the built worker on workerd, and how the tests speak to it.
//
// The bindings are those of wrangler.toml, the code is what `make build` left in build/. Each instance has a database
// and objects of its own, which end with it.
import { createHmac, randomBytes, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { cp, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { after } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { staticFiles } from "../../scripts/static-files.mjs";
import { launch, listening, writeConfiguration } from "../../scripts/workerd.mjs";
import { ROOT, TESTED, copyState } from "./tested.mjs";

export { ROOT } from "./tested.mjs";

const CONTROL = join(import.meta.dirname, "control.mjs");
const CRON = "*/5+*+*+*+*";

/** Tables that a counter's snapshot writes, some time after it counted. */
export const SNAPSHOTS = ["prompt_stats", "prompt_rankings", "prompt_lineage", "count_totals"];
/** Tables that the cron writes whenever it runs. */
const LOGS = ["cron_runs"];
const PATIENCE_MS = 30_000;
const PAUSE_MS = 25;

/** The settings of an instance; those that are empty are not set, whatever .dev.vars says. */
export const SETTINGS = {
  PUBLISHABLE_KEY: `publishable-${randomUUID()}`,
  SERVICE_KEY: `service-${randomUUID()}`,
  JWT_SECRET: randomBytes(32).toString("hex"),
  JWKS: "",
  JWT_ISSUER: "",
  JWT_AUDIENCE: "",
  ALLOWED_ORIGINS: "",
  RATE_LIMIT: "",
  // What an instance does for itself is out of the way of the tests, but of those that are about it.
  LOG_REQUESTS: "off",
  METRICS_INTERVAL: "0",
  // So are lists that come later than the counts.
  RANKING_INTERVAL: "0",
};

/** Those of them that nobody may be told. */
export const SECRETS = [SETTINGS.PUBLISHABLE_KEY, SETTINGS.SERVICE_KEY, SETTINGS.JWT_SECRET];

/** A JSON Web Token; `header` and `secret` are right unless told otherwise. */
export function token(claims, { secret = SETTINGS.JWT_SECRET, header = { alg: "HS256", typ: "JWT" } } = {}) {
  const encode = (part) => Buffer.from(JSON.stringify(part)).toString("base64url");
  const signed = `${encode(header)}.${encode(claims)}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

/** The headers of a caller with this credential. */
export const bearer = (credential) => ({ authorization: `Bearer ${credential}` });

/** The headers of a user. */
export const user = (sub, more = {}) => bearer(token({ sub, role: "authenticated", ...more }));

/** The headers of the service. */
export const service = bearer(SETTINGS.SERVICE_KEY);

/** The headers of somebody without a credential. */
export const anonymous = {};

/** Waits until `condition` gives something true, and gives that. */
export async function until(condition, what = condition.toString()) {
  const end = performance.now() + PATIENCE_MS;
  for (;;) {
    const met = await condition();
    if (met) return met;
    if (performance.now() > end) throw new Error(`waited in vain until ${what}`);
    await pause(PAUSE_MS);
  }
}

/** `count` results of `work`, all begun before any is awaited. */
export const atOnce = (count, work) => Promise.all(Array.from({ length: count }, (_, index) => work(index)));

/** Requests to the worker at `origin`. The answer is read: `body` is JSON where it says so, and text otherwise. */
export function client(origin) {
  async function send(method, path, { as = anonymous, headers = {}, body, type = "application/json" } = {}) {
    const raw = body === undefined || typeof body === "string" || ArrayBuffer.isView(body) || body instanceof ReadableStream;
    const response = await fetch(new URL(path, origin), {
      method,
      headers: { ...(body !== undefined && type && { "content-type": type }), ...as, ...headers },
      body: raw ? body : JSON.stringify(body),
      duplex: "half",
    });
    const text = await response.text();
    const isJson = /[/+]json\b/.test(response.headers.get("content-type"));
    return { status: response.status, headers: response.headers, body: isJson && text ? JSON.parse(text) : text };
  }

  const imported = async (rows) => {
    const body = rows.map((row) => `${JSON.stringify(row)}\n`).join("");
    const answer = await send("POST", "/v1/import", { as: service, body, type: "application/x-ndjson" });
    if (answer.status !== 200) throw new Error(`the import answered ${JSON.stringify(answer.body)}`);
    return answer.body;
  };

  return {
    send,
    get: (path, options) => send("GET", path, options),
    post: (path, body, options) => send("POST", path, { body, ...options }),

    /** Sends events and gives the answer's body. */
    async events(events, options) {
      const answer = await send("POST", "/v1/events", { body: events, ...options });
      if (answer.status !== 200) throw new Error(`the events were answered ${JSON.stringify(answer.body)}`);
      return answer.body;
    },

    /** A prompt's counts: views, copies, forks, compares. */
    async counts(prompt) {
      const { body } = await send("GET", `/v1/prompts/${prompt}/stats`, { as: service });
      return [body.viewCount, body.copyCount, body.forkCount, body.compareCount];
    },

    /** Imports lines and gives the report. */
    imported,

    /** Makes a prompt, public unless told otherwise, and gives its id. */
    async prompt(columns = {}) {
      const row = promptRow(columns);
      const report = await imported([{ table: "prompts", row }]);
      if (report.imported.prompts !== 1) throw new Error(`the prompt was refused: ${JSON.stringify(report)}`);
      return row.id;
    },
  };
}

/** Puts a module and the built ones that it stands in front of into a folder; gives its path there. */
async function putAround(module, built, folder) {
  await cp(dirname(built), folder, { recursive: true, filter: (path) => basename(path) !== basename(TESTED.folder) });
  const main = join(folder, module.replace(/\.mjs$/, ".js"));
  await cp(join(import.meta.dirname, module), main);
  return main;
}

/** A row of `prompts`. */
export const promptRow = (columns = {}) => ({
  id: randomUUID(),
  user_id: randomUUID(),
  title: "A title",
  template: "A template",
  is_public: true,
  ...columns,
});

/**
 * Starts an instance that ends with the tests of its file.
 * @param hasAssets with the static files in front of it
 * @param around a module of `tests/worker` that stands in front of the built one, `./index.js`, and exports what that does
 */
export async function start(settings = {}, { hasAssets = false, around } = {}) {
  const state = await mkdtemp(join(tmpdir(), "promptmeter-"));
  copyState(state);
  const files = hasAssets ? staticFiles(join(ROOT, "public")) : [];
  // The cron runs when a test says so, and not when five minutes are over.
  const worker = { ...JSON.parse(readFileSync(TESTED.worker, "utf8")), triggers: { crons: [] } };
  if (around) worker.main = await putAround(around, worker.main, join(state, "modules"));
  const configuration = writeConfiguration(worker, { ...SETTINGS, ...settings }, state, { files, control: CONTROL });
  const workerd = launch(configuration, { output: "pipe" });
  const ended = new Promise((resolve) => workerd.once("close", resolve));
  after(async () => {
    workerd.kill("SIGKILL");
    await ended;
    await rm(state, { recursive: true });
  });
  const lines = [];
  for (const output of [workerd.stdout, workerd.stderr]) createInterface({ input: output }).on("line", (line) => lines.push(line));
  const ports = await listening(workerd, ["http", "scheduled", "control"]);
  if (!ports) throw new Error(`workerd ended: ${lines.join("\n")}`);
  const [url, scheduled, control] = [ports.http, ports.scheduled, ports.control].map((port) => `http://127.0.0.1:${port}`);

  /** Has `control.mjs` do something, and gives what it tells. */
  async function command(path, body) {
    const response = await fetch(new URL(path, control), { method: "POST", body: JSON.stringify(body) });
    if (!response.ok) throw new Error(await response.text());
    return response.json();
  }
  /** Runs a statement on the database and gives its rows. */
  const sql = async (statement, ...parameters) => (await command("/run", [{ sql: statement, parameters }]))[0];
  /** The ids of the objects of a class. */
  async function objects(className = "PromptCounter") {
    const names = await readdir(join(state, `v3/do/${worker.name}-${className}`)).catch(() => []);
    return names.filter((name) => /^[0-9a-f]{64}\.sqlite$/.test(name)).map((name) => name.slice(0, 64)).sort();
  }

  return {
    ...client(url),
    url,
    sql,
    objects,
    /** What it wrote, line by line. */
    logs: () => [...lines],
    cron: () => fetch(`${scheduled}/__scheduled?cron=${CRON}`),
    evict: (prompt) => command("/evict", { binding: "COUNTERS", name: prompt }),
    /** Sends an object a command by a request. */
    request: (binding, name, bytes) => command("/request", { binding, name, command: bytes }),
    evictShards: (prompt) => command("/evictShards", { prompt }),
    askRecorder: (experiment, bytes) => command("/ask", { binding: "RECORDERS", name: experiment, command: [...bytes] }),
    evictRecorder: (experiment) => command("/evict", { binding: "RECORDERS", name: experiment }),

    /** All that is stored: the rows of every table but `except`, and the objects. */
    async stored({ except = [] } = {}) {
      const named = "select name from sqlite_master where type = 'table' and sql like '%strict%' order by name";
      const tables = (await sql(named)).map(({ name }) => name).filter((name) => ![...LOGS, ...except].includes(name));
      const rows = await command("/run", tables.map((name) => ({ sql: `select * from ${name} order by 1, 2`, parameters: [] })));
      return { ...Object.fromEntries(tables.map((name, index) => [name, rows[index]])), objects: await objects() };
    },
  };
}
