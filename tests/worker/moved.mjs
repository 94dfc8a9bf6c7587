// An instance with something of everything, and how an instance is moved.
import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { bearer, service, token, until, user } from "./instance.mjs";

export const NDJSON = "application/x-ndjson";
const HOUR_MS = 3_600_000;

/** An export, read to its end: its text, its lines, what the last one says, how often each table is in it. */
export async function exported({ get }, query = "") {
  const { status, headers, body } = await get(`/v1/export${query}`, { as: service });
  assert.deepEqual([status, headers.get("content-type")], [200, NDJSON], body);
  const lines = body.split("\n");
  assert.equal(lines.pop(), "", "the last line has a line feed");
  const { end } = JSON.parse(lines.at(-1));
  const tables = {};
  for (const line of lines.slice(0, -1)) {
    const [, name] = line.match(/^\{"table":"([a-z_]+)","row":\{/) ?? [];
    tables[name] = (tables[name] ?? 0) + 1;
  }
  return { text: body, lines, end, tables };
}

/** Imports a text and gives the report. */
export async function taken({ post }, text) {
  const { status, body } = await post("/v1/import", text, { as: service, type: NDJSON });
  assert.equal(status, 200, JSON.stringify(body));
  return body;
}

/** The digest that the last line of an export has to tell. */
export const digest = (lines) => createHash("sha256").update(lines.map((line) => `${line}\n`).join("")).digest("hex");

/** Waits until nothing is on its way: no snapshot, no event that is to be counted. */
export const settled = ({ get }) =>
  until(async () => {
    let [pending, cursor] = [0, ""];
    do {
      const { body } = await get(`/v1/admin/verify?limit=100${cursor}`, { as: service });
      assert.deepEqual(body.differences, []);
      pending += body.pending;
      cursor = body.next_cursor && `&cursor=${body.next_cursor}`;
    } while (cursor);
    return pending === 0;
  }, "snapshots are written");

/** Fills an instance; gives the ids of its prompts. */
export async function filled(instance) {
  const { cron, events, imported, post, prompt, send, sql } = instance;
  const [one, two] = [randomUUID(), randomUUID()];
  const as = { ...bearer(token({ sub: one, role: "authenticated", email: "one@example.com" })) };
  const texts = { title: "é 🎉 \\n", template: 'a\nb\r\u2028 "quoted" \\ \u0000 \u007f', goal: "" };
  const root = await prompt({ ...texts, user_id: one, slug: "root", category: "text", tags: ["a", "ü"], variables: [{ n: 1.5 }] });
  const middle = await prompt({ user_id: two, forked_from: root });
  const fork = await prompt({ user_id: one, forked_from: middle, is_public: false });
  const quiet = await prompt({ user_id: two, is_active: false, variables: JSON.parse("[".repeat(60) + "]".repeat(60)) });
  // What the data dialect takes is less than what an import of another system's prompts asks for.
  const odd = { title: "", template: "", category: "", tags: [null, "a"] };
  assert.equal((await post("/rest/v1/prompts", odd, { as })).status, 201);
  const made = await post("/rest/v1/prompt_answers", [{ prompt_id: root, question: "?", answer: "!", position: 3 }], { as });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  // JSON that was sent in several lines is stored as it was sent.
  const pretty = `{"title": "t", "template": "x", "variables": {\n "a": [1,\n 2]\n}}`;
  assert.equal((await post("/v1/prompts", pretty, { as, headers: { "Idempotency-Key": "k" } })).status, 201);
  const template = randomUUID();
  await post("/rest/v1/prompt_templates", { id: template, prompt_id: root, category: "c", tags: ["t"], likes_count: 7, uses_count: 2 }, { as: service });
  for (const who of [as, user(two)]) await post("/rest/v1/rpc/increment_likes_count", { template_id: template }, { as: who });
  await post("/rest/v1/user_favorites", { template_id: template }, { as });
  await post("/rest/v1/prompt_favorites", { prompt_id: root }, { as });
  await post("/rest/v1/test_results", { prompt_id: root, model: "m", output: "o", rating: 4 }, { as });
  await post("/v1/usage", [{ id: "u", prompt_id: root, scene: "s", generation_time_ms: 1840 }, { id: "v", prompt_id: root, success: false, error_message: "no" }], { as });

  await imported(Array.from({ length: 30 }, (_, id) => ({
    table: "prompt_events",
    row: { id, prompt_id: root, event_type: id % 3 ? "view" : "copy", created_at: `2024-0${1 + (id % 9)}-05T12:34:56Z` },
  })));
  const at = { headers: { "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0" }, as };
  const timestamp = Date.now() - 30 * HOUR_MS;
  const views = [root, middle, quiet].flatMap((prompt_id) =>
    Array.from({ length: 40 }, (_, index) => ({ id: `${index}`, type: index % 4 ? "view" : "copy", prompt_id, visitor: `v${index}`, ...(index % 2 && { timestamp }) })),
  );
  await events(views.filter(({ prompt_id }) => prompt_id !== quiet), at);
  await events(views.filter(({ prompt_id }) => prompt_id === quiet), { as: user(two) });
  await events([
    { id: "f", type: "fork", prompt_id: root, child_prompt_id: middle },
    ...[root, middle].map((prompt_id) => ({ id: "c", type: "compare_add", prompt_id, comparison_id: "both" })),
    { id: "d", type: "compare_add", prompt_id: root },
  ], { as });

  await send("PUT", "/v1/experiments/e", { as: service, body: { variants: [{ key: "a", weight: 0.4 }, { key: "b", weight: 0.6 }], status: "running", conversion_window_hours: 24, namespace: ["n", 0, 0.7] } });
  await events(Array.from({ length: 60 }, (_, index) => [
    { id: `x${index}`, type: "exposure", experiment_id: "e", session_id: `s${index}`, variant_key: index % 2 ? "a" : "b" },
    ...(index % 5 ? [] : [{ id: `y${index}`, type: "conversion", experiment_id: "e", session_id: `s${index}`, properties: { metric: "price", value: index / 7 } }]),
  ]).flat());
  await cron();
  // One batch is not rolled up yet.
  await events([{ id: "z", type: "exposure", experiment_id: "e", session_id: "late", variant_key: "a", properties: { k: "\n" } }]);
  // What is gone keeps its place: its forks come from where it came from.
  await settled(instance);
  assert.equal((await send("DELETE", `/rest/v1/prompts?id=eq.${middle}`, { as: service })).status, 204);
  await settled(instance);
  return { root, fork, quiet, template, users: [one, two] };
}
