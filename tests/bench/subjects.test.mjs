// What the benchmark compares is served as it says, and stores what it acknowledges; one counter takes its commands.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { compare } from "../../bench/counting/accounts.mjs";
import { VISITS } from "../../bench/counting/cells.mjs";
import { startClient } from "../../bench/counting/client.mjs";
import { measureObject } from "../../bench/counting/object.mjs";
import { KINDS } from "../../bench/counting/requests.mjs";
import { SUBJECTS, prepare, serveSubject } from "../../bench/counting/subjects.mjs";

const REQUESTS = 40;
const PROMPTS = 3;
/** Views of `ack=async` are stored within a second. */
const PATIENCE_MS = 10_000;

const folder = mkdtempSync(join(tmpdir(), "promptmeter-bench-"));
after(() => rmSync(folder, { recursive: true }));
const client = startClient();
after(() => client.end());

/** The kinds of requests that are sent to a subject. */
const kindsOf = (subject) => new Set(VISITS.filter((visit) => visit.subject === subject).flatMap(({ cells }) => cells.map(({ kind }) => kind)));

/** What is wrong with what is stored, once nothing is missing any more or patience is over. */
async function compared(told, server, ids) {
  for (const end = performance.now() + PATIENCE_MS; ; ) {
    const found = compare(told, await server.stored(ids));
    if (found.lost === 0 || performance.now() > end) return found;
  }
}

for (const subject of Object.keys(SUBJECTS)) {
  test(`${subject} answers and stores what it acknowledges`, async () => {
    const state = mkdtempSync(join(folder, `${subject}-`));
    prepare(subject, state);
    const server = await serveSubject(subject, state);
    after(() => server.stop());
    for (const kind of kindsOf(subject)) {
      const ids = Array.from({ length: PROMPTS }, () => randomUUID());
      await server.addPrompts(ids);
      const { sent, errors, wrong, ...told } = await client.run({ port: server.port, kind, ids, connections: 4, seconds: 30, atMost: REQUESTS });
      assert.deepEqual({ kind, sent, errors, wrong }, { kind, sent: REQUESTS, errors: {}, wrong: 0 });
      if (KINDS[kind].views === 0 || !server.isCounting) continue;
      assert.deepEqual(await compared(told, server, ids), { lost: 0, doubled: 0, ahead: 0 }, kind);
    }
  });
}

test("one counter takes commands of every size, one after another and at once", async () => {
  const found = await measureObject(folder, 0.1, () => {});
  assert.deepEqual(found.filter(({ commands_per_s }) => !(commands_per_s > 0)), []);
});
