// workerd with one worker, and what its process costs.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePorts } from "../../scripts/ports.mjs";
import { workerdConfig } from "../../scripts/workerd-config.mjs";
import { launch, listening } from "../../scripts/workerd.mjs";

/** Of a second, in /proc. */
const TICKS = 100;

const running = new Set();
process.on("exit", () => {
  for (const workerd of running) workerd.kill("SIGKILL");
});

/** The processor time that a process has used, in seconds, that of children that ended included. */
export function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1).split(" ");
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS;
}

const residentMb = (pid) => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "latin1"))[1]) / 1000;
const peakMb = (pid) => Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "latin1"))[1]) / 1000;

/**
 * Serves a worker on storage of its own below `state`, until it is stopped.
 * @param worker as wrangler reads it from wrangler.toml
 * @param variables its settings
 * @param alter what else there is to be in workerd's configuration, which it is given
 */
export async function serve(worker, variables, state, alter = (config) => config) {
  const port = await freePorts();
  for (const folder of ["do", "d1", "cron"]) mkdirSync(join(state, "v3", folder), { recursive: true });
  const file = join(state, "workerd.capnp");
  const config = alter(workerdConfig(worker, variables, state, { port }));
  writeFileSync(file, config, { mode: 0o600 });
  const sockets = [...config.matchAll(/\(name = "(\w+)", address = /g)].map(([, name]) => name);
  const began = performance.now();
  const workerd = launch(file);
  running.add(workerd);
  const ended = new Promise((resolve) => workerd.once("exit", resolve));
  ended.then(() => running.delete(workerd));
  if (!(await listening(workerd, sockets))) throw new Error(`workerd did not serve ${worker.name}`);
  return {
    port,
    /** When the process was started, by performance.now(). */
    began,
    cpuSeconds: () => cpuSeconds(workerd.pid),
    residentMb: () => residentMb(workerd.pid),
    peakMb: () => peakMb(workerd.pid),
    /** From here on the peak is a new one. */
    forgetPeak: () => writeFileSync(`/proc/${workerd.pid}/clear_refs`, "5"),
    async stop() {
      workerd.kill("SIGTERM");
      await ended;
    },
  };
}
