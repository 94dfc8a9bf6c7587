// INCR in Redis, called by redis-benchmark over a local socket: with each write synced before it is answered, as everything else
// here, and as Redis is set up where it comes from, which may lose a second.
import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { promisify } from "node:util";
import { install } from "./debian.mjs";
import { cpuSeconds } from "./server.mjs";

const CLIENTS = 32;
const KEY = "views:0190c7a8-0000-7000-8000-000000000001";
/** When what is written is synced, by the kind of a cell. */
const SYNCED = { synced: "always", everySecond: "everysec" };

function version() {
  try {
    return /v=([\d.]+)/.exec(execFileSync("redis-server", ["--version"], { encoding: "utf8" }))?.[1];
  } catch {
    return undefined;
  }
}

/** The version of Redis, installed if that is possible; or the reason why it is left out. */
export function redis() {
  const found = version() ?? (install(["redis-server"]) ? version() : undefined);
  return found ? { version: found } : { reason: "Redis is not installed (Debian: apt-get install redis-server)" };
}

/** A line of redis-benchmark's CSV below its names, as an object. */
export function readCsv(told) {
  const [names, values] = told.trim().split("\n").map((line) => line.split(",").map((value) => JSON.parse(value)));
  return Object.fromEntries(names.map((name, place) => [name, values[place]]));
}

/** One hot prompt, for about so many seconds after a warm-up, in a server of its own. */
export async function measureRedis(kind, seconds, warmUpSeconds) {
  const root = mkdtempSync(join(tmpdir(), "redis-"));
  const socket = join(root, "socket");
  const settings = ["--port", "0", "--unixsocket", socket, "--dir", root, "--save", "", "--appendonly", "yes", "--appendfsync", SYNCED[kind]];
  const server = spawn("redis-server", settings, { stdio: "ignore" });
  const run = async (program, ...args) => (await promisify(execFile)(program, ["-s", socket, ...args.map(String)])).stdout;
  const incremented = async () => Number(await run("redis-cli", "get", KEY));
  const bench = async (times) => readCsv(await run("redis-benchmark", "-c", CLIENTS, "-n", times, "--csv", "incr", KEY));
  try {
    for (let attempts = 0; !(await run("redis-cli", "ping").catch(() => "")).startsWith("PONG"); attempts++) {
      if (attempts > 100) throw new Error("Redis does not answer");
      await wait(50);
    }
    const perSecond = Number((await bench(10_000)).rps);
    const { rps } = await bench(Math.ceil(perSecond * warmUpSeconds));
    const [times, before, used] = [Math.ceil(rps * seconds), await incremented(), cpuSeconds(server.pid)];
    const figures = await bench(times);
    const difference = (await incremented()) - before - times;
    return {
      requests_per_s: Number(figures.rps),
      p50_ms: Number(figures.p50_latency_ms),
      p99_ms: Number(figures.p99_latency_ms),
      cpu_us: ((cpuSeconds(server.pid) - used) / times) * 1e6,
      errors: {},
      wrong: 0,
      lost: Math.max(-difference, 0),
      doubled: Math.max(difference, 0),
    };
  } finally {
    server.kill("SIGKILL");
    if (server.exitCode === null && server.signalCode === null) await once(server, "exit");
    rmSync(root, { recursive: true, force: true });
  }
}
