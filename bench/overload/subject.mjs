// The instance that is overloaded: the release build on workerd alone, with prompts in it.
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startClient } from "../counting/client.mjs";
import { prepare, serveSubject } from "../counting/subjects.mjs";
import { Expected } from "../counting/visit.mjs";

const folder = mkdtempSync(join(tmpdir(), "promptmeter-bench-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

/**
 * Serves an instance, with storage of its own, that has so many prompts.
 * @returns the server, `ids`, `run(plan)`, by which callers that wait for their answers send, `note(told)` of what others were
 * told, `compared()`, what is wrong with what is stored, and `end()`
 */
export async function instance(prompts, settings) {
  const state = mkdtempSync(join(folder, "state-"));
  prepare("promptmeter", state);
  const server = await serveSubject("promptmeter", state, settings);
  const ids = Array.from({ length: prompts }, () => randomUUID());
  await server.addPrompts(ids);
  const [client, expected] = [startClient(), new Expected()];
  return {
    ...server,
    ids,
    async run(plan) {
      const outcome = await client.run({ port: server.port, ids, ...plan });
      expected.add(ids, outcome);
      return outcome;
    },
    note: (told) => expected.add(ids, told),
    compared: () => expected.compared(server),
    async end() {
      client.end();
      await server.stop();
      rmSync(state, { recursive: true, force: true });
    },
  };
}
