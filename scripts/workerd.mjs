// Starts the built worker on workerd, with its state in a folder.
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { parseEnv } from "node:util";
import workerdPackage from "workerd";
import { unstable_readConfig as readConfig } from "wrangler";
import { staticFiles } from "./static-files.mjs";
import { workerdConfig } from "./workerd-config.mjs";

const SOCKETS = 2;

/**
 * Writes workerd's configuration into the state folder and gives its path.
 * @param folder where wrangler.toml and .dev.vars are
 * @param port of the worker; the next one takes `/__scheduled`
 * @param state absolute path of the state folder
 */
export function configure(folder, port, state, { hasAssets = false } = {}) {
  for (const name of ["do", "d1", "cron"]) mkdirSync(join(state, "v3", name), { recursive: true });
  const worker = readConfig({ config: join(folder, "wrangler.toml") });
  // All requests come from one address here, and nobody reads a line of each: who wants a limit or lines sets them.
  const variables = { RATE_LIMIT: "0", LOG_REQUESTS: "errors", ...parseEnv(readFileSync(join(folder, ".dev.vars"), "utf8")) };
  const file = join(state, "workerd.capnp");
  const files = hasAssets ? staticFiles(resolve(folder, worker.assets.directory)) : [];
  writeFileSync(file, workerdConfig(worker, variables, state, port, files), { mode: 0o600 });
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

/** Whether all of its sockets listen; false if it ended before. */
export async function listening(workerd) {
  let open = 0;
  for await (const line of createInterface({ input: workerd.stdio[3] })) {
    if (JSON.parse(line).event === "listen" && ++open === SOCKETS) return true;
  }
  return false;
}
