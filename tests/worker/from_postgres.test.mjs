// The guide of docs/moving.md, followed to the letter: a Supabase application's tables in a real PostgreSQL, its \copy, the import.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { findPrograms, withCluster } from "../../scripts/postgres.mjs";
import { ROOT, service, start } from "./instance.mjs";
import { exported, settled, taken } from "./moved.mjs";

const { folder, reason } = findPrograms(["initdb", "pg_ctl", "psql"]);
const [one, two] = [randomUUID(), randomUUID()];
const [prompt, hidden, template] = [randomUUID(), randomUUID(), randomUUID()];

/** The tables of an application, with columns that promptmeter has not, in the types that Supabase gives them. */
const APPLICATION = `
  create schema auth;
  create table auth.users (id uuid primary key, email varchar(255), created_at timestamptz, encrypted_password text);
  create table prompts (id uuid primary key default gen_random_uuid(), slug text, user_id uuid, title text, goal text, template text,
    variables jsonb, negative_prompt text, category text, tags text[], is_public boolean, is_active boolean, forked_from uuid,
    view_count integer default 0, created_at timestamptz, updated_at timestamptz);
  create table prompt_answers (id uuid, prompt_id uuid, question text, answer text, position integer, created_at timestamptz, updated_at timestamptz);
  create table prompt_templates (id uuid, prompt_id uuid, category text, tags text[], likes_count integer, uses_count integer, created_at timestamptz, updated_at timestamptz);
  create table template_likes (id bigserial, template_id uuid, user_id uuid, created_at timestamptz);
  create table prompt_usage (id uuid, prompt_id uuid, user_id uuid, scene text, success boolean, generation_time_ms integer, error_message text, created_at timestamptz);
  create table prompt_events (id bigserial, prompt_id uuid, user_id uuid, event_type text, created_at timestamptz);
  insert into auth.users values ('${one}', 'one@example.com', '2024-01-01 10:00+02', 'secret'), ('${two}', null, '2024-01-02', 'secret');
  insert into prompts values ('${prompt}', 'haiku', '${one}', 'Größe 🎉', E'a\\tb', E'line\\n\\\\n "quoted" \\\\ \\u00fc', '{"a": [1.50, null]}', null,
    'text', '{a,"b c"}', true, true, null, 5, '2024-03-05 12:34:56.789012+01', '2024-03-05 12:34:56+00');
  insert into prompts values ('${hidden}', null, '${two}', 't', null, '', null, null, null, null, false, true, '${prompt}', 0, '2024-03-06', '2024-03-06');
  insert into prompt_answers values ('${randomUUID()}', '${prompt}', '?', E'two\\nlines', 1, '2024-03-05', '2024-03-05');
  insert into prompt_templates values ('${template}', '${prompt}', 'c', '{t}', 12, 3, '2024-03-05', '2024-03-05');
  insert into template_likes (template_id, user_id, created_at) values ('${template}', '${one}', '2024-03-05'), ('${template}', '${two}', '2024-03-06');
  insert into prompt_usage values ('${randomUUID()}', '${prompt}', '${one}', 's', true, 1840, null, '2024-03-05');
  insert into prompt_events (prompt_id, user_id, event_type, created_at)
    select '${prompt}', null, (array['view', 'view', 'copy'])[1 + n % 3], timestamptz '2024-03-05 00:00+00' + n * interval '1 hour' from generate_series(1, 300) n;
  insert into prompt_events (prompt_id, user_id, event_type, created_at) values ('${prompt}', '${two}', 'fork', '2024-03-06'), ('${prompt}', '${two}', 'compare_add', '2024-03-06');
`;

/** The commands of the guide: the block of psql in it. */
function commands() {
  const guide = readFileSync(join(ROOT, "docs/moving.md"), "utf8");
  return guide.match(/```psql\n(.*?)```/s)[1];
}

test("what an application has in PostgreSQL comes in by the guide", async (t) => {
  if (!folder) return t.skip(`nothing is tried with PostgreSQL: ${reason}`);
  const instance = await start();
  await withCluster(folder, "", async ({ run, root }) => {
    await run("psql", ["-q", "-v", "ON_ERROR_STOP=1"], APPLICATION);
    const file = join(root, "library.ndjson");
    await run("psql", ["-q", "-v", "ON_ERROR_STOP=1"], commands().replaceAll("library.ndjson", file));
    const text = readFileSync(file, "utf8");
    const report = await taken(instance, text);
    assert.deepEqual(report.refused, []);
    const { prompts, prompt_events, ...others } = report.imported;
    assert.deepEqual([prompts, prompt_events], [2, 302]);
    assert.deepEqual(others, { users: 2, prompt_answers: 1, prompt_templates: 1, template_likes: 2, prompt_usage: 1 });
    const again = await taken(instance, text);
    assert.deepEqual([again.refused_count, again.imported.prompt_events, again.repeated.prompt_events], [0, 0, 302]);
  });
  const { body } = await instance.get(`/v1/prompts/haiku/stats`, { as: service });
  const { viewCount, copyCount, forkCount, compareCount, likeCount, totalUsage } = body;
  assert.deepEqual([viewCount, copyCount, forkCount, compareCount, likeCount, totalUsage], [200, 100, 1, 1, 12, 1]);
  const rows = await instance.get(`/rest/v1/prompts?id=eq.${prompt}&select=*`, { as: service });
  assert.deepEqual(rows.body, [
    {
      id: prompt,
      slug: "haiku",
      user_id: one,
      title: "Größe 🎉",
      goal: "a\tb",
      template: 'line\n\\n "quoted" \\ ü',
      variables: { a: [1.5, null] },
      negative_prompt: null,
      category: "text",
      tags: ["a", "b c"],
      is_public: true,
      is_active: true,
      forked_from: null,
      created_at: "2024-03-05T11:34:56.789012+00:00",
      updated_at: "2024-03-05T12:34:56.000000+00:00",
    },
  ]);
  const users = await instance.get("/rest/v1/users?select=id,email,created_at&order=created_at", { as: service });
  assert.deepEqual(users.body.map(({ id, email, created_at }) => [id, email, created_at]), [
    [one, "one@example.com", "2024-01-01T08:00:00.000000+00:00"],
    [two, null, "2024-01-02T00:00:00.000000+00:00"],
  ]);
  await settled(instance);
  assert.ok((await exported(instance)).end.sha256);
});
