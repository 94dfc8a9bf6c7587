// How long workerd takes for the worker's script: from its start to the first answer, less what it takes for an empty one.
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { open } from "./connection.mjs";
import { median } from "./figures.mjs";
import { KINDS } from "./requests.mjs";
import { prepare, serveSubject } from "./subjects.mjs";

const STARTS = 9;

/** The answer to the first request of a subject, and when it came after the start of the process, in milliseconds. */
async function firstAnswer(subject, kind, state) {
  const server = await serveSubject(subject, state);
  const { promise, resolve, reject } = Promise.withResolvers();
  const link = open(server.port, ({ status }) => resolve(status), reject);
  link.send(KINDS[kind].write([]));
  const status = await promise;
  const took = performance.now() - server.began;
  link.close();
  await server.stop();
  if (status !== KINDS[kind].status) throw new Error(`the first request was answered ${status}`);
  return took;
}

/** @param folder for the states of what is started */
export async function measureStartup(folder) {
  const tried = { empty: ["empty", []], promptmeter: ["missing", []] };
  const states = Object.fromEntries(Object.keys(tried).map((subject) => [subject, mkdtempSync(join(folder, "start-"))]));
  for (const [subject, state] of Object.entries(states)) prepare(subject, state);
  for (let start = 0; start < STARTS; start++) {
    const order = Object.entries(tried);
    for (const [subject, [kind, times]] of start % 2 ? order.reverse() : order) {
      times.push(await firstAnswer(subject, kind, states[subject]));
    }
  }
  const [empty_ms, promptmeter_ms] = [median(tried.empty[1]), median(tried.promptmeter[1])];
  return { starts: STARTS, empty_ms, promptmeter_ms, startup_ms: promptmeter_ms - empty_ms };
}
