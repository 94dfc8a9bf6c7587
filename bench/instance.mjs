// An instance of the built worker on workerd alone, in a state folder of its own that goes when the script ends.
import { execFileSync, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import workerdPackage from "workerd";
import { text } from "../scripts/workerd-config.mjs";

const ROOT = new URL("..", import.meta.url).pathname;
const PORT = 20_000 + randomInt(20_000);
/** The socket after it takes `/__scheduled`. */
const WATCH_PORT = PORT + 2;
/** Where the worker is. */
export const ORIGIN = `http://127.0.0.1:${PORT}`;

const state = mkdtempSync(join(tmpdir(), "promptmeter-bench-"));
let server;
process.on("exit", () => {
  if (server?.exitCode === null && server.signalCode === null) process.kill(-server.pid, "SIGKILL");
  rmSync(state, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

/** In a group of its own: what it started ends with it. */
function run(program, args, stdio) {
  server = spawn(program, args, { cwd: ROOT, stdio, detached: true });
}

/** Makes D1's tables. */
export function migrate() {
  execFileSync("wrangler", ["d1", "migrations", "apply", "promptmeter", "--local", "--persist-to", state], { cwd: ROOT, stdio: "ignore" });
}

/** Serves the worker as `make serve` does. */
export async function serve() {
  run(process.execPath, ["scripts/serve.mjs", String(PORT), state], ["ignore", "pipe", "inherit"]);
  for await (const line of createInterface({ input: server.stdout })) if (line.startsWith("Ready")) return;
  throw new Error("the instance did not start");
}

export async function stop() {
  const ended = new Promise((resolve) => server.on("exit", resolve));
  server.kill("SIGTERM");
  await ended;
}

/** Serves the worker as it was served before, with `watched-d1.mjs` between it and D1. */
export async function serveWatched() {
  const served = readFileSync(join(state, "workerd.capnp"), "utf8");
  const service = served.match(/service = (\(name = "d1", props = .*?\)\))/)[1];
  const config = served
    .replace(service, `"watched"`)
    .replace("services = [", `services = [
    (name = "watched", worker = (
      modules = [(name = "watched-d1.mjs", esModule = embed ${text(join(ROOT, "bench/watched-d1.mjs"))})],
      compatibilityDate = "2026-11-01",
      bindings = [(name = "D1", service = ${service})],
    )),`)
    .replace("sockets = [", `sockets = [(name = "watch", address = "127.0.0.1:${WATCH_PORT}", http = (), service = "watched"),`);
  writeFileSync(join(state, "watched.capnp"), config);
  const args = ["serve", "--experimental", "--control-fd=3", "--import-path=/", join(state, "watched.capnp")];
  run(workerdPackage.default, args, ["ignore", "inherit", "inherit", "pipe"]);
  let open = 0;
  for await (const line of createInterface({ input: server.stdio[3] })) if (JSON.parse(line).event === "listen" && ++open === 3) return;
  throw new Error("the instance did not start");
}

/** Runs the cron. */
export async function cron() {
  const response = await fetch(`http://127.0.0.1:${PORT + 1}/__scheduled?cron=*/5+*+*+*+*`);
  if (!response.ok) throw new Error(await response.text());
}

/** The rows that D1 read since it was asked last. */
export async function rowsRead() {
  return (await fetch(`http://127.0.0.1:${WATCH_PORT}/read`)).json();
}

const agent = new Agent({ keepAlive: true });

/** Sends a request; gives the status and the text of the answer. `body` is a text, or a stream. */
export function send(method, path, { body, headers = {} } = {}) {
  return new Promise((resolve, reject) => {
    const sent = request({ port: PORT, method, path, headers, agent }, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => resolve({ status: response.statusCode, text: Buffer.concat(chunks).toString() }));
      response.on("error", reject);
    });
    sent.on("error", reject);
    if (body?.pipe) body.pipe(sent);
    else sent.end(body);
  });
}

/** D1's file. */
export function file() {
  const folder = join(state, "v3/d1/miniflare-D1DatabaseObject");
  return join(folder, readdirSync(folder).find((name) => /^[0-9a-f]{64}\.sqlite$/.test(name)));
}

/** The one value that a query on D1's file gives. */
export function one(sql) {
  const database = new DatabaseSync(file(), { readOnly: true, timeout: 10_000 });
  const [value] = Object.values(database.prepare(sql).get());
  database.close();
  return value;
}
