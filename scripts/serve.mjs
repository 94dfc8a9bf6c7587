// Serves the built worker on workerd: node scripts/serve.mjs PORT STATE [--assets]
// With --assets the static files are in front of the worker, which costs each of its requests a step.
import { resolve } from "node:path";
import { configure, launch, listening } from "./workerd.mjs";

const port = Number(process.argv[2]);
const state = resolve(process.argv[3] ?? "");
const option = process.argv[4];
if (!Number.isInteger(port) || port < 1 || port > 65534 || !process.argv[3] || ![undefined, "--assets"].includes(option)) {
  console.error("usage: node scripts/serve.mjs PORT STATE [--assets]");
  process.exit(2);
}

const workerd = launch(await configure(process.cwd(), port, state, { hasAssets: option === "--assets" }));

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

if (await listening(workerd)) {
  await fetch(`http://127.0.0.1:${port}/healthz`);
  console.log(`Cron by hand: http://127.0.0.1:${port + 1}/__scheduled?cron=*/5+*+*+*+*`);
  console.log(`Ready: http://127.0.0.1:${port} (workerd, process ${workerd.pid})`);
}
