// Serves the built worker on workerd: node scripts/serve.mjs PORT STATE [--assets]
// With --assets the static files are in front of the worker, which costs each of its requests a step.
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

function configure(port, state, hasAssets) {
  for (const folder of ["do", "d1", "cron"]) mkdirSync(join(state, "v3", folder), { recursive: true });
  const worker = readConfig({ config: "wrangler.toml" });
  // All requests come from one address here: who wants a limit sets it.
  const variables = { RATE_LIMIT: "0", ...parseEnv(readFileSync(".dev.vars", "utf8")) };
  const file = join(state, "workerd.capnp");
  const files = hasAssets ? staticFiles(resolve(worker.assets.directory)) : [];
  writeFileSync(file, workerdConfig(worker, variables, state, port, files), { mode: 0o600 });
  return file;
}

async function listening(control) {
  let open = 0;
  for await (const line of createInterface({ input: control })) {
    if (JSON.parse(line).event === "listen" && ++open === SOCKETS) return true;
  }
  return false;
}

const port = Number(process.argv[2]);
const state = resolve(process.argv[3] ?? "");
const option = process.argv[4];
if (!Number.isInteger(port) || port < 1 || port > 65534 || !process.argv[3] || ![undefined, "--assets"].includes(option)) {
  console.error("usage: node scripts/serve.mjs PORT STATE [--assets]");
  process.exit(2);
}

// The package's executable itself, not the Node script in front of it: signals have to reach it.
// The fourth stream reports each socket that listens.
const workerd = spawn(
  workerdPackage.default,
  ["serve", "--experimental", "--control-fd=3", "--import-path=/", configure(port, state, option === "--assets")],
  { stdio: ["ignore", "inherit", "inherit", "pipe"] },
);

let stopping = false;
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => {
    stopping = true;
    workerd.kill(signal);
  });
}
workerd.on("exit", (code, signal) => {
  if (!stopping) console.error(`workerd ended: ${signal ?? `exit code ${code}`}`);
  process.exit(stopping ? 0 : 1);
});

if (await listening(workerd.stdio[3])) {
  await fetch(`http://127.0.0.1:${port}/healthz`);
  console.log(`Cron by hand: http://127.0.0.1:${port + 1}/__scheduled?cron=*/5+*+*+*+*`);
  console.log(`Ready: http://127.0.0.1:${port} (workerd, process ${workerd.pid})`);
}
