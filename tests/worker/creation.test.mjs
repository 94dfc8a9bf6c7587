// Prompts that are made with their answers, and forks: in one step, and once under a key.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, test } from "node:test";
import { SNAPSHOTS, anonymous, atOnce, service, start, user } from "./instance.mjs";

const instance = await start();
const { cron, get, post, prompt, sql } = instance;
const DAY_MS = 24 * 60 * 60 * 1000;

const somebody = () => {
  const sub = randomUUID();
  return { sub, as: user(sub) };
};
const create = (body, as, key) => post("/v1/prompts", body, { as, headers: key ? { "idempotency-key": key } : {} });
const fork = (id, as, key) => post(`/v1/prompts/${id}/fork`, undefined, { as, headers: key ? { "idempotency-key": key } : {} });
const BODY = {
  title: "A title",
  template: "Write about ${topic}\u2028 \\n 日本 🎭",
  goal: "a goal",
  variables: [{ name: "topic" }],
  tags: ["a", "b c"],
  category: "writing",
  is_public: true,
  answers: [
    { question: "Who reads it?", answer: "Everybody" },
    { question: "How long?", answer: "Short" },
  ],
};

/** Checks that a request is refused so, and that nothing is stored by it. */
async function refused(send, status, code, pointer) {
  const before = await instance.stored({ except: ["users", ...SNAPSHOTS, "rollup_runs"] });
  const answer = await send();
  assert.deepEqual([answer.status, answer.body.code, answer.body.pointer], [status, code, pointer], JSON.stringify(answer.body));
  assert.deepEqual(await instance.stored({ except: ["users", ...SNAPSHOTS, "rollup_runs"] }), before);
}

describe("a prompt that is made", () => {
  test("is there with its answers, in their order", async () => {
    const { sub, as } = somebody();
    const { status, body, headers } = await create(BODY, as);
    assert.equal(status, 201);
    assert.equal(headers.get("location"), `/rest/v1/prompts?id=eq.${body.id}`);
    const { answers, id, created_at, updated_at, ...rest } = body;
    const { answers: asked, ...columns } = BODY;
    const unset = { slug: null, negative_prompt: null, is_active: true, forked_from: null };
    assert.deepEqual(rest, { ...columns, ...unset, user_id: sub });
    assert.equal(created_at, updated_at);
    assert.deepEqual(answers.map(({ question, answer, position }) => ({ question, answer, position })), asked.map((one, position) => ({ ...one, position })));
    assert.deepEqual(answers.map(({ prompt_id }) => prompt_id), [id, id]);
    assert.deepEqual((await get(`/rest/v1/prompts?id=eq.${id}&select=*,answers:prompt_answers(*)&answers.order=position`, { as })).body, [body]);
  });

  test("has the id, slug and positions that it is given", async () => {
    const id = randomUUID();
    const answers = [{ id: randomUUID(), question: "q", answer: "a", position: 7 }];
    const { body } = await create({ id, slug: `slug-${id}`, title: "t", template: "t", answers }, somebody().as);
    assert.deepEqual([body.id, body.slug, body.answers[0].id, body.answers[0].position], [id, `slug-${id}`, answers[0].id, 7]);
    assert.deepEqual([body.is_public, body.is_active], [false, true]);
  });

  test("may be made by the service for a user who is not known yet", async () => {
    const user_id = randomUUID();
    const { status, body } = await create({ title: "t", template: "t", user_id }, service);
    assert.deepEqual([status, body.user_id], [201, user_id]);
    assert.equal((await sql("select * from users where id = ?", user_id)).length, 1);
  });

  const check = (name, body, as, status, code, pointer) => test(name, () => refused(() => create(body, as), status, code, pointer));
  const { as } = somebody();
  const plain = { title: "t", template: "t" };
  check("needs a user", plain, anonymous, 401, "user_required");
  check("needs a user_id where the service makes it", plain, service, 400, "missing_field", "/user_id");
  check("is the user's own", { ...plain, user_id: randomUUID() }, as, 403, "service_required", "/user_id");
  check("needs a title", { template: "t" }, as, 400, "missing_field", "/title");
  check("has no other columns", { ...plain, likes: 5 }, as, 400, "unknown_column", "/likes");
  check("has a list of answers", { ...plain, answers: {} }, as, 400, "invalid_type", "/answers");
  check("has whole answers", { ...plain, answers: [{ question: "q", answer: "a" }, { question: "q" }] }, as, 400, "missing_field", "/answers/1/answer");
  check("has answers without other fields", { ...plain, answers: [{ question: "q", answer: "a", prompt_id: randomUUID() }] }, as, 400, "unknown_column", "/answers/0/prompt_id");
  check("has at most 200 answers", { ...plain, answers: Array(201).fill({ question: "q", answer: "a" }) }, as, 413, "too_large", "/answers");

  test("is not made at all when one of its answers cannot be", async () => {
    const id = randomUUID();
    const answers = [{ id, question: "q", answer: "a" }, { id, question: "q", answer: "a" }];
    await refused(() => create({ title: "t", template: "t", answers }, as), 409, "conflict", "/answers");
  });

  test("does not take another's id or slug", async () => {
    const { body } = await create({ title: "t", template: "t", slug: randomUUID().slice(1) }, somebody().as);
    await refused(() => create({ title: "t", template: "t", id: body.id }, as), 409, "conflict", "/id");
    await refused(() => create({ title: "t", template: "t", slug: body.slug }, as), 409, "conflict", "/slug");
  });
});

describe("under a key", () => {
  const makers = {
    "a prompt": { make: (as, key) => create(BODY, as, key), other: (as, key) => create({ ...BODY, title: "Another" }, as, key) },
    "a fork": {
      make: (as, key, id) => fork(id, as, key),
      other: (as, key, another) => fork(another, as, key),
    },
  };
  for (const [name, { make, other }] of Object.entries(makers)) {
    test(`${name} is made once, also when asked for at once`, async () => {
      const [{ sub, as }, key, id] = [somebody(), randomUUID(), await prompt()];
      const answers = await atOnce(8, () => make(as, key, id));
      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([201]), JSON.stringify(answers.map(({ body }) => body)));
      assert.equal(new Set(answers.map(({ body }) => body.id)).size, 1);
      assert.equal((await sql("select * from prompts where user_id = ?", sub)).length, 1);
      assert.deepEqual((await make(as, key, id)).body, answers[0].body);
    });

    test(`${name} is another one for another user, and under another key`, async () => {
      const [one, two, key, id] = [somebody(), somebody(), randomUUID(), await prompt()];
      const answers = [await make(one.as, key, id), await make(two.as, key, id), await make(one.as, randomUUID(), id)];
      assert.equal(new Set(answers.map(({ body }) => body.id)).size, 3);
    });

    test(`${name} is not taken for something else`, async () => {
      const [{ as }, key, id, another] = [somebody(), randomUUID(), await prompt(), await prompt()];
      await make(as, key, id);
      await refused(() => other(as, key, another), 422, "idempotency_key_reused");
    });

    test(`${name} is known by its key for 24 hours`, async () => {
      const [{ sub, as }, key, id] = [somebody(), randomUUID(), await prompt()];
      const { body: first } = await make(as, key, id);
      await sql("update prompt_creations set created_ms = created_ms - ? where user_id = ?", DAY_MS + 1, sub);
      const { status, body: second } = await make(as, key, id);
      assert.equal(status, 201);
      assert.notEqual(second.id, first.id);
      await sql("update prompt_creations set created_ms = created_ms - ? where user_id = ?", DAY_MS + 1, sub);
      await cron();
      assert.deepEqual(await sql("select * from prompt_creations where user_id = ?", sub), []);
    });
  }
});

describe("a fork", () => {
  const forks = async (id) => (await get(`/v1/prompts/${id}/stats`, { as: service })).body.forkCount;

  test("is a copy under its new owner, with an event and a count", async () => {
    const [{ sub: owner, as: ownerAs }, { sub, as }] = [somebody(), somebody()];
    const { body: parent } = await create({ ...BODY, slug: `slug-${owner}`, negative_prompt: "no" }, ownerAs);
    const { status, body: child, headers } = await fork(parent.slug, as);
    assert.equal(status, 201);
    const { body: [located] } = await instance.get(headers.get("location"), { as });
    assert.equal(located.id, child.id);
    const own = { id: child.id, user_id: sub, slug: null, is_public: false, forked_from: parent.id, answers: [] };
    assert.deepEqual(child, { ...parent, ...own, created_at: child.created_at, updated_at: child.updated_at });
    const [event] = await sql("select * from prompt_events where prompt_id = ?", parent.id);
    assert.deepEqual([event.user_id, event.event_type, event.child_prompt_id, event.uncounted_since_ms], [sub, "fork", child.id, null]);
    assert.equal(await forks(parent.id), 1);
  });

  test("is counted once, whatever comes after it", async () => {
    const [{ as }, id] = [somebody(), await prompt()];
    const key = randomUUID();
    await atOnce(4, () => fork(id, as, key));
    await post("/rest/v1/rpc/increment_fork_count", { prompt_id: id }, { as });
    await cron();
    assert.equal(await forks(id), 1);
    await post("/rest/v1/rpc/increment_fork_count", { prompt_id: id }, { as });
    assert.equal(await forks(id), 2);
  });

  test("of one's own private prompt is possible", async () => {
    const { as } = somebody();
    const { body } = await create({ title: "t", template: "t" }, as);
    assert.equal((await fork(body.id, as)).status, 201);
  });

  test("is counted by the cron when the counter is away", async () => {
    const [{ sub, as }, id] = [somebody(), await prompt()];
    const { body } = await fork(id, as);
    await sql("update prompt_events set uncounted_since_ms = 1 where user_id = ?", sub);
    await cron();
    assert.deepEqual([await forks(id), (await sql("select * from prompt_events where user_id = ? and uncounted_since_ms is not null", sub)).length], [1, 0]);
    assert.ok(body.id);
  });

  test("is everything or nothing", async () => {
    const id = await prompt();
    await sql("create trigger no_events before insert on prompt_events begin select raise(abort, 'no'); end");
    try {
      await refused(() => fork(id, somebody().as), 503, "storage_unavailable");
    } finally {
      await sql("drop trigger no_events");
    }
    assert.equal(await forks(id), 0);
  });

  const { as } = somebody();
  test("needs a user", async () => {
    const id = await prompt();
    await refused(() => fork(id, anonymous), 401, "user_required");
  });
  test("needs a prompt", () => refused(() => fork(randomUUID(), as), 404, "unknown_prompt"));
  test("does not tell a prompt that may not be seen", async () => {
    const id = await prompt({ is_public: false });
    await refused(() => fork(id, as), 404, "unknown_prompt");
  });
  test("needs an active prompt", async () => {
    const { sub, as } = somebody();
    const id = await prompt({ user_id: sub, is_active: false });
    await refused(() => fork(id, as), 409, "conflict");
  });
  test("takes no body", async () => {
    const id = await prompt();
    await refused(() => post(`/v1/prompts/${id}/fork`, { title: "mine" }, { as }), 400, "invalid_value");
  });
});

test("likes of a prompt's templates are in its stats", async () => {
  const id = await prompt();
  const likes = async () => (await get(`/v1/prompts/${id}/stats`)).body.likeCount;
  const templates = [randomUUID(), randomUUID()];
  const rows = templates.map((template) => ({ id: template, prompt_id: id }));
  assert.equal((await post("/rest/v1/prompt_templates", rows, { as: service })).status, 201);
  assert.equal(await likes(), 0);
  const [one, two] = [somebody(), somebody()];
  for (const [{ as }, template_id] of [[one, templates[0]], [one, templates[0]], [two, templates[0]], [one, templates[1]]]) {
    assert.equal((await post("/rest/v1/rpc/increment_likes_count", { template_id }, { as })).status, 204);
  }
  assert.equal(await likes(), 3);
});

describe("the service acts for users", () => {
  test("a fork that a server stores and then counts is one fork", async () => {
    const [id, { sub }] = [await prompt(), somebody()];
    await instance.events([{ type: "view", prompt_id: id }], { as: user(sub) });
    await sql("insert into users (id, created_at) values (?, '2026-11-20T12:00:00.000000+00:00') on conflict do nothing", sub);
    const row = { prompt_id: id, user_id: sub, event_type: "fork" };
    assert.equal((await post("/rest/v1/prompt_events", row, { as: service })).status, 201);
    assert.equal((await post("/rest/v1/rpc/increment_fork_count", { prompt_id: id }, { as: service })).status, 204);
    assert.equal((await instance.counts(id))[2], 1);
  });

  test("every row of a page has its embedded rows, in whatever order the page comes", async () => {
    const ids = Array.from({ length: 40 }, randomUUID);
    const user_id = randomUUID();
    await instance.imported(ids.map((id) => ({ table: "prompts", row: { id, user_id, title: "t", template: "t" } })));
    const answers = ids.map((prompt_id) => ({ prompt_id, question: "q", answer: "a" }));
    assert.equal((await post("/rest/v1/prompt_answers", answers, { as: service })).status, 201);
    for (const more of ["", "&order=title", "&order=created_at.desc&offset=5"]) {
      const { body } = await get(`/rest/v1/prompts?select=id,prompt_answers(prompt_id)&user_id=eq.${user_id}&limit=10${more}`, { as: service });
      assert.deepEqual(body.map(({ prompt_answers }) => prompt_answers), body.map(({ id }) => [{ prompt_id: id }]));
      const { body: all } = await get(`/rest/v1/prompts?select=id,prompt_answers!inner(prompt_id)&limit=10${more}`, { as: service });
      assert.ok(all.every(({ id, prompt_answers }) => prompt_answers.length > 0 && prompt_answers.every((row) => row.prompt_id === id)));
    }
  });

  test("a prompt is offered as a template at most 50 times", async () => {
    const id = await prompt();
    const rows = (count) => Array.from({ length: count }, () => ({ prompt_id: id }));
    assert.equal((await post("/rest/v1/prompt_templates", rows(50), { as: service })).status, 201);
    const { status, body } = await post("/rest/v1/prompt_templates", rows(1), { as: service });
    assert.deepEqual([status, body.code], [400, "23514"], JSON.stringify(body));
    const [{ id: known }] = await sql("select id from prompt_templates where prompt_id = ?", id);
    const again = await post("/rest/v1/prompt_templates", [{ id: known, prompt_id: id, category: "c" }], { as: service, headers: { prefer: "resolution=merge-duplicates" } });
    assert.equal(again.status, 200, JSON.stringify(again.body));

    const other = await prompt();
    const [{ id: moved }] = (await post("/rest/v1/prompt_templates", [{ prompt_id: other }], { as: service, headers: { prefer: "return=representation" } })).body;
    const moves = [
      await instance.send("PATCH", `/rest/v1/prompt_templates?id=eq.${moved}`, { as: service, body: { prompt_id: id } }),
      await post("/rest/v1/prompt_templates", [{ id: moved, prompt_id: id }], { as: service, headers: { prefer: "resolution=merge-duplicates" } }),
    ];
    for (const { status, body } of moves) assert.deepEqual([status, body.code], [400, "23514"], JSON.stringify(body));
    assert.equal((await sql("select 1 from prompt_templates where prompt_id = ?", id)).length, 50);
  });
});
