// Who may count what, and that a refused event leaves nothing behind.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { SETTINGS, SNAPSHOTS, anonymous, atOnce, bearer, promptRow, service, start, token, user } from "./instance.mjs";

const { counts, events, get, imported, post, prompt, sql, stored } = await start();

const owner = randomUUID();
const callers = {
  "nobody in particular": anonymous,
  "a page": bearer(SETTINGS.PUBLISHABLE_KEY),
  "another user": user(randomUUID()),
  "the owner": user(owner),
  "the service": service,
  "a service token": bearer(token({ role: "service_role" })),
};
const trusted = ["the owner", "the service", "a service token"];
const everybody = Object.keys(callers);

const prompts = {
  public: { id: await prompt({ user_id: owner }), visibleTo: everybody },
  private: { id: await prompt({ user_id: owner, is_public: false }), visibleTo: trusted },
  inactive: { id: await prompt({ user_id: owner, is_active: false }), visibleTo: trusted },
  "private and inactive": { id: await prompt({ user_id: owner, is_public: false, is_active: false }), visibleTo: trusted },
  missing: { id: randomUUID(), visibleTo: [] },
};

const requests = {
  view: (id, as) => post(`/v1/prompts/${id}/view`, undefined, { as }),
  copy: (id, as) => post(`/v1/prompts/${id}/copy`, undefined, { as }),
  stats: (id, as) => get(`/v1/prompts/${id}/stats`, { as }),
};

for (const [kind, { id, visibleTo }] of Object.entries(prompts)) {
  for (const [caller, as] of Object.entries(callers)) {
    if (visibleTo.includes(caller)) {
      test(`${caller} may count a prompt that is ${kind}`, async () => {
        const { accepted } = await events({ type: "view", prompt_id: id }, { as });
        assert.equal(accepted, 1);
        for (const [what, request] of Object.entries(requests)) assert.equal((await request(id, as)).status, 200, what);
      });
    } else {
      test(`to ${caller} a prompt that is ${kind} is not there`, async () => {
        const before = await stored({ except: SNAPSHOTS });
        const types = ["view", "copy", ...(as.authorization && caller === "another user" ? ["fork", "compare_add"] : [])];
        const { accepted, rejected } = await events(types.map((type) => ({ type, prompt_id: id })), { as });
        assert.deepEqual([accepted, rejected.map(({ code }) => code)], [0, types.map(() => "unknown_prompt")]);
        for (const [what, request] of Object.entries(requests)) {
          const { status, body } = await request(id, as);
          assert.deepEqual([status, body.code], [404, "unknown_prompt"], what);
        }
        assert.deepEqual(await stored({ except: SNAPSHOTS }), before);
      });
    }
  }
}

test("whether a prompt that one may not see exists cannot be told", async () => {
  const answers = await Promise.all([prompts.private.id, prompts.missing.id].map((id) => requests.view(id, anonymous)));
  assert.deepEqual(answers[0].body, answers[1].body);
  const batches = await Promise.all(
    [prompts.private.id, prompts.missing.id].map((prompt_id) => events([{ type: "view", prompt_id }])),
  );
  assert.deepEqual(batches[0], batches[1]);
});

test("an event of a prompt that is not there is rejected, its neighbours are counted", async () => {
  const id = await prompt();
  const batch = [prompts.private.id, id, prompts.missing.id].map((prompt_id) => ({ type: "view", prompt_id }));
  const { accepted, rejected } = await events(batch);
  assert.deepEqual([accepted, rejected.map(({ index }) => index)], [1, [0, 2]]);
  assert.deepEqual(await counts(id), [1, 0, 0, 0]);
});

test("async events of a prompt that is not there leave nothing", async () => {
  const [id, before] = [await prompt(), await stored()];
  const batch = [prompts.private.id, prompts.missing.id].map((prompt_id) => ({ type: "view", prompt_id }));
  assert.equal((await post("/v1/events?ack=async", batch)).status, 202);
  assert.equal((await events({ type: "view", prompt_id: id })).accepted, 1);
  const after = await stored({ except: SNAPSHOTS });
  assert.equal(after.objects.length, before.objects.length + 1);
});

test("within a minute a prompt is read once: one that was seen stays as it was, one that was not is read", async () => {
  const [seen, unseen] = [await prompt(), await prompt()];
  const view = async (prompt_id) => (await events([{ type: "view", prompt_id }])).accepted;
  assert.equal(await view(seen), 1);
  await sql("update prompts set is_public = 0 where id in (?, ?)", seen, unseen);
  assert.equal(await view(seen), 1);
  assert.equal(await view(unseen), 0);
  const both = await events([seen, unseen].map((prompt_id) => ({ type: "view", prompt_id })));
  assert.deepEqual([both.accepted, both.rejected.map(({ index }) => index)], [1, [1]]);
});

test("asked for by many at once, a prompt is found by all of them", async () => {
  const [id, missing] = [await prompt(), randomUUID()];
  const answers = await atOnce(64, (index) => requests.view(index % 2 ? id : missing, anonymous));
  assert.deepEqual(answers.map(({ status }) => status), answers.map((_, index) => (index % 2 ? 200 : 404)));
  assert.deepEqual(await counts(id), [32, 0, 0, 0]);
});

test("that a prompt does not exist is not remembered: made a moment later, it is counted at once", async () => {
  const row = promptRow({ slug: `made-later-${randomUUID()}` });
  for (const name of [row.id, row.slug]) assert.equal((await requests.view(name, anonymous)).status, 404);
  await imported([{ table: "prompts", row }]);
  for (const [index, name] of [row.id, row.slug].entries()) {
    const { status, body } = await requests.view(name, anonymous);
    assert.deepEqual([status, body.viewCount], [200, index + 1]);
  }
});
