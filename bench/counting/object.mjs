// How many commands a second one counter takes, from callers that go past what merges them in a worker.
import { randomUUID } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { freePorts } from "../../scripts/ports.mjs";
import { text } from "../../scripts/workerd-config.mjs";
import { serve } from "./server.mjs";
import { SUBJECTS, prepare } from "./subjects.mjs";

const DRIVER = join(import.meta.dirname, "workers/object-commands.mjs");
const WARM_UP_MS = 2000;
/** Callers at once, and views of a command. */
const TRIED = [1, 32].flatMap((callers) => [1, 20, 200].map((views) => ({ callers, views })));

/** The configuration with a worker at a port of its own that calls the counters. */
const withDriver = (port) => (config) =>
  config
    .replace("sockets = [", `sockets = [(name = "driver", address = "127.0.0.1:${port}", http = (), service = "driver"),`)
    .replace("services = [", `services = [
    (name = "driver", worker = (
      modules = [(name = "object-commands.mjs", esModule = embed ${text(DRIVER)})],
      compatibilityDate = "2026-11-01",
      bindings = [(name = "COUNTERS", durableObjectNamespace = (className = "PromptCounter", serviceName = "main"))],
    )),`);

/**
 * @param folder for the state
 * @returns for each of what is tried, the commands a second
 */
export async function measureObject(folder, seconds, report) {
  const state = mkdtempSync(join(folder, "object-"));
  prepare("promptmeter", state);
  const { worker, variables } = SUBJECTS.promptmeter;
  const port = await freePorts();
  // What one object takes, and not what several do.
  const server = await serve(worker, { ...variables, HOT_COMMANDS_PER_SECOND: "1000000" }, state, withDriver(port));
  const prompt = randomUUID();
  const call = async (asked) => {
    const response = await fetch(`http://127.0.0.1:${port}/`, { method: "POST", body: JSON.stringify({ prompt, ...asked }) });
    const { per_second, failed } = await response.json();
    if (failed) throw new Error(`${failed} commands failed`);
    return per_second;
  };
  await call({ ...TRIED[0], ms: WARM_UP_MS });
  await call({ ...TRIED.at(-1), ms: WARM_UP_MS });
  const found = [];
  for (const tried of TRIED) {
    const commands_per_s = await call({ ...tried, ms: seconds * 1000 });
    report(tried, commands_per_s);
    found.push({ ...tried, commands_per_s });
  }
  await server.stop();
  return found;
}
