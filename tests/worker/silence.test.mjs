// A counter that carries a command out and never answers: nobody waits for ever, and nothing is counted twice.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { atOnce, start, until } from "./instance.mjs";

const { post, prompt } = await start({}, { around: "silent_counter.mjs" });

test("callers are refused within half a minute, and what they send again is counted once", async () => {
  const id = await prompt();
  const keys = [randomUUID(), randomUUID()];
  const view = (key) => post(`/v1/prompts/${id}/view`, undefined, { headers: { "idempotency-key": key } });

  const refused = await atOnce(keys.length, (place) => view(keys[place]));
  assert.deepEqual(refused.map(({ status, body }) => [status, body.code]), keys.map(() => [503, "storage_unavailable"]));
  assert.ok(refused.every(({ headers }) => headers.has("retry-after")));

  // The way is free again when the command is given up, some seconds later.
  const [first] = await until(async () => {
    const answers = await atOnce(keys.length, (place) => view(keys[place]));
    return answers.every(({ status }) => status === 200) && answers;
  }, "the counter is asked again");
  assert.ok(first.body.duplicate);
  assert.equal((await view(randomUUID())).body.viewCount, keys.length + 1);
});
