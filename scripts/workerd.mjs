// Starts the built worker on workerd, with its state in a folder.
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { parseEnv } from "node:util";
import workerdPackage from "workerd";
import { staticFiles } from "./static-files.mjs";
import { workerdConfig } from "./workerd-config.mjs";

/**
 * Writes the configuration of what wrangler.toml and .dev.vars describe into the state folder and gives its path.
 * @param folder where these are
 * @param port of the worker; the next one takes `/__scheduled`
 * @param state absolute path of the state folder
 */
export async function configure(folder, port, state, { hasAssets = false } = {}) {
  // Nobody else waits the second that it takes to load.
  const { unstable_readConfig: readConfig } = await import("wrangler");
  const worker = readConfig({ config: join(folder, "wrangler.toml") });
  const variables = parseEnv(readFileSync(join(folder, ".dev.vars"), "utf8"));
  const files = hasAssets ? staticFiles(resolve(folder, worker.assets.directory)) : [];
  return writeConfiguration(worker, variables, state, { port, files });
}

/** Writes workerd's configuration into the state folder and gives its path; the parameters are those of `workerdConfig`. */
export function writeConfiguration(worker, variables, state, more) {
  for (const name of ["do", "d1", "cron"]) mkdirSync(join(state, "v3", name), { recursive: true });
  // All requests come from one address here, and nobody reads a line of each: who wants a limit or lines sets them.
  const set = { RATE_LIMIT: "0", LOG_REQUESTS: "errors", ...variables };
  const file = join(state, "workerd.capnp");
  writeFileSync(file, workerdConfig(worker, set, state, more), { mode: 0o600 });
  return file;
}

/**
 * Starts workerd: the package's executable itself, not the Node script in front of it, for signals have to reach it.
 * @param file its configuration
 * @param within a program with arguments that is to run it
 * @param output where what it writes goes, as in `spawn`
 */
export function launch(file, { within = [], output = "inherit" } = {}) {
  const command = [...within, workerdPackage.default, "serve", "--experimental", "--control-fd=3", "--import-path=/", file];
  // The fourth stream reports each socket that listens.
  return spawn(command[0], command.slice(1), { stdio: ["ignore", output, output, "pipe"] });
}

/** The ports of its sockets by their names, once all of them listen; nothing if it ended before. */
export async function listening(workerd, sockets = ["http", "scheduled"]) {
  const ports = {};
  for await (const line of createInterface({ input: workerd.stdio[3] })) {
    const { event, socket, port } = JSON.parse(line);
    if (event === "listen") ports[socket] = port;
    if (sockets.every((name) => name in ports)) return ports;
  }
  return undefined;
}
