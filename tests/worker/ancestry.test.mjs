// What a prompt comes from, and what was made of it: who is told what, and what it adds up to.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { anonymous, promptRow, service, start, until, user } from "./instance.mjs";

const instance = await start();
const { events, get, imported, post, prompt, send, sql } = instance;

const LINE = 64;
const somebody = () => {
  const sub = randomUUID();
  return { sub, as: user(sub) };
};

/** A prompt's lineage. */
async function lineage(id, as = anonymous, query = "") {
  const answer = await get(`/v1/prompts/${id}/lineage${query}`, { as });
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return answer.body;
}

/** The ids of a tree, `null` for a place that is hidden: `[id, [forks]]`, in any order. */
const shape = ({ id, forks }) => [id, forks.map(shape).sort((one, other) => String(one).localeCompare(String(other)))];

/** Forks a prompt as its user, and gives the id of the fork. */
async function fork(id, as) {
  const answer = await post(`/v1/prompts/${id}/fork`, undefined, { as });
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
  return answer.body.id;
}

const patch = async (id, body, as) => {
  const answer = await send("PATCH", `/rest/v1/prompts?id=eq.${id}`, { as, body });
  assert.equal(answer.status, 204, JSON.stringify(answer.body));
};

const remove = async (id, as) => assert.equal((await send("DELETE", `/rest/v1/prompts?id=eq.${id}`, { as })).status, 204);

/** Stores a prompt as an application does. */
const insert = (row, as) => send("POST", "/rest/v1/prompts", { as, body: row });

test("a prompt that was never forked stands alone", async () => {
  const id = await prompt({ slug: "alone" });
  const none = { viewCount: 0, copyCount: 0, forkCount: 0, compareCount: 0 };
  const own = { id, slug: "alone", title: "A title", ...none, credited: none, children: 0, privateChildren: 0, descendants: 0 };
  const expected = { prompt: { ...own, forks: [], next_cursor: null }, ancestors: [] };
  assert.deepEqual(await lineage(id), expected);
  assert.deepEqual(await lineage("alone"), expected);
});

test("forks are places by whichever way they come, and their counts are credited", async () => {
  const [owner, forker] = [somebody(), somebody()];
  const root = await prompt({ user_id: owner.sub });
  const child = await fork(root, forker.as);
  await patch(child, { is_public: true }, forker.as);
  const grandchild = randomUUID();
  const row = { id: grandchild, user_id: owner.sub, title: "B", template: "t", is_public: true, forked_from: child };
  assert.equal((await insert(row, owner.as)).status, 201);
  assert.deepEqual(shape((await lineage(root)).prompt), [root, [[child, [[grandchild, []]]]]]);
  await events([grandchild, grandchild, child].map((prompt_id) => ({ type: "view", prompt_id })));
  await events([grandchild].map((prompt_id) => ({ type: "copy", prompt_id })));
  const credited = async (id) => Object.values((await lineage(id)).prompt.credited);
  // The fork by POST …/fork was counted for the root.
  await until(async () => `${await credited(root)}` === "3,1,0,0", "all is credited");
  const { prompt: told, ancestors } = await lineage(grandchild);
  assert.deepEqual([told.viewCount, told.copyCount, told.credited.viewCount], [2, 1, 0]);
  assert.deepEqual(ancestors.map(({ id }) => id), [child, root]);
  assert.deepEqual(ancestors.map(({ descendants, credited }) => [descendants, credited.viewCount]), [[1, 2], [2, 3]]);
  assert.equal("forks" in ancestors[0], false);
  assert.deepEqual(await credited(child), [2, 1, 0, 0]);
  await until(async () => (await lineage(root)).prompt.forkCount === 1, "the fork is in the snapshot");
});

test("a fork of a fork keeps its place when the one between is deleted or hidden", async () => {
  const [owner, middle, last] = [somebody(), somebody(), somebody()];
  const root = await prompt({ user_id: owner.sub });
  const between = await fork(root, middle.as);
  await patch(between, { is_public: true }, middle.as);
  const below = await fork(between, last.as);
  await patch(below, { is_public: true }, last.as);
  await patch(between, { is_public: false, title: "secret" }, middle.as);

  const check = async (owns) => {
    const seen = [root, [[between, [[below, []]]]]];
    const hidden = [root, [[null, [[below, []]]]]];
    for (const as of [anonymous, owner.as, last.as]) {
      const answer = await lineage(root, as);
      assert.deepEqual(shape(answer.prompt), hidden);
      assert.deepEqual(Object.keys(answer.prompt.forks[0]).sort(), ["forks", "hidden", "id", "next_cursor"]);
      assert.doesNotMatch(JSON.stringify(answer), new RegExp(`${between}|secret|${middle.sub}`));
      const up = await lineage(below, as);
      assert.deepEqual(up.ancestors[0], { id: null, hidden: true });
      assert.equal(up.ancestors[1].id, root);
    }
    for (const as of [service, middle.as]) assert.deepEqual(shape((await lineage(root, as)).prompt), owns ? seen : hidden);
    const { children, privateChildren, descendants } = (await lineage(root)).prompt;
    assert.deepEqual([children, privateChildren, descendants], owns ? [1, 1, 2] : [0, 0, 1]);
  };
  await check(true);
  await remove(between, middle.as);
  await check(false);
  await imported([{ table: "prompts", row: promptRow({ id: between, user_id: middle.sub, is_public: false, forked_from: root }) }]);
  await check(true);
  for (const [id, as] of [[below, last.as], [between, middle.as]]) await remove(id, as);
  assert.deepEqual(shape((await lineage(root, service)).prompt), [root, []]);
  assert.deepEqual(await sql("select 1 from prompt_lineage where prompt_id in (?, ?, ?)", root, between, below), []);
});

test("private forks are counts, and their owner's own", async () => {
  const [owner, forker, other] = [somebody(), somebody(), somebody()];
  const root = await prompt({ user_id: owner.sub });
  const forks = [await fork(root, forker.as), await fork(root, forker.as)];
  const inactive = await fork(root, other.as);
  await patch(inactive, { is_public: true, is_active: false }, other.as);
  const told = async (as) => {
    const { prompt } = await lineage(root, as);
    assert.deepEqual([prompt.children, prompt.privateChildren, prompt.descendants, prompt.next_cursor], [3, 3, 3, null]);
    return prompt.forks.map(({ id }) => id).sort();
  };
  assert.deepEqual(await told(anonymous), []);
  assert.deepEqual(await told(owner.as), []);
  assert.deepEqual(await told(forker.as), forks.toSorted());
  assert.deepEqual(await told(other.as), [inactive]);
  assert.deepEqual(await told(service), [...forks, inactive].sort());
});

test("who may not see a prompt is told the same as of none", async () => {
  const [owner, parent] = [somebody(), await prompt()];
  const row = promptRow({ user_id: owner.sub, is_public: false, forked_from: parent });
  const inactive = promptRow({ user_id: owner.sub, is_active: false });
  await imported([row, inactive].map((row) => ({ table: "prompts", row })));
  for (const what of ["lineage", "lineage?depth=5", "compared"]) {
    const unknown = await get(`/v1/prompts/${randomUUID()}/${what}`);
    assert.deepEqual([unknown.status, unknown.body.code], [404, "unknown_prompt"]);
    for (const { id } of [row, inactive]) {
      for (const as of [anonymous, somebody().as]) {
        const answer = await get(`/v1/prompts/${id}/${what}`, { as });
        assert.deepEqual([answer.status, answer.body], [404, unknown.body]);
      }
      for (const as of [owner.as, service]) assert.equal((await get(`/v1/prompts/${id}/${what}`, { as })).status, 200);
    }
    const expired = await get(`/v1/prompts/${parent}/${what}`, { as: { authorization: "Bearer x.y.z" } });
    assert.equal(expired.status, 401);
  }
});

test("what is asked for is checked", async () => {
  const id = await prompt();
  for (const query of ["depth=0", "depth=6", "breadth=51", "breadth=x", "cursor=x", "cursor="]) {
    const { status, body } = await get(`/v1/prompts/${id}/lineage?${query}`);
    assert.deepEqual([status, body.code], [400, "invalid_value"], query);
  }
  assert.equal((await post(`/v1/prompts/${id}/lineage`)).status, 405);
});

test("cursors lead to every fork once, and nowhere else", async () => {
  const [owner, stranger] = [somebody(), somebody()];
  const rows = [promptRow({ user_id: owner.sub })];
  for (let index = 0; index < 7; index++) {
    const child = promptRow({ user_id: owner.sub, is_public: index % 3 > 0, forked_from: rows[0].id });
    rows.push(child);
    for (let below = 0; below < index; below++) rows.push(promptRow({ user_id: owner.sub, is_public: below % 2 > 0, forked_from: child.id }));
  }
  await imported(rows.toReversed().map((row) => ({ table: "prompts", row })));
  const [{ id: root }] = rows;
  const all = async (as, query) => {
    const found = [];
    const take = async ({ forks, next_cursor }) => {
      assert.ok(forks.length <= 2);
      for (const node of forks) {
        found.push(node.id);
        await take(node);
      }
      if (next_cursor) {
        const next = await lineage(root, as, `?${query}&cursor=${next_cursor}`);
        assert.deepEqual(Object.keys(next), ["forks", "next_cursor"]);
        assert.ok(next.forks.length > 0);
        await take(next);
      }
    };
    await take((await lineage(root, as, `?${query}`)).prompt);
    return found.sort();
  };
  const ids = (shown) => rows.slice(1).filter(shown).map(({ id }) => id).sort();
  const listed = ids(({ is_public }) => is_public);
  for (const query of ["depth=1&breadth=2", "depth=2&breadth=1", "depth=5&breadth=2"]) {
    assert.deepEqual(await all(owner.as, query), ids(() => true));
    assert.deepEqual(await all(service, query), ids(() => true));
    for (const as of [anonymous, stranger.as]) assert.deepEqual((await all(as, query)).filter((id) => id !== null), listed);
  }
  // A cursor of a prompt's owner tells others no more than they may see, nor below another prompt.
  const { prompt: told } = await lineage(root, owner.as, "?depth=1&breadth=50");
  const cursors = told.forks.map(({ id, next_cursor }) => [id, next_cursor]).filter(([, cursor]) => cursor);
  const elsewhere = await prompt();
  assert.ok(cursors.length > 3);
  for (const [id, cursor] of cursors) {
    const shown = rows.filter(({ forked_from, is_public }) => forked_from === id && is_public).map(({ id }) => id).sort();
    const { forks } = await lineage(root, stranger.as, `?cursor=${cursor}&breadth=50`);
    assert.deepEqual(forks.map(({ id }) => id).sort(), shown);
    assert.deepEqual(await lineage(elsewhere, owner.as, `?cursor=${cursor}`), { forks: [], next_cursor: null });
  }
});

test("a line has an end, and cannot be a circle", async () => {
  const owner = somebody();
  const rows = Array.from({ length: LINE }, () => promptRow({ user_id: owner.sub }));
  rows.forEach((row, index) => (row.forked_from = rows[index - 1]?.id ?? null));
  const report = await imported(rows.toReversed().map((row) => ({ table: "prompts", row })));
  assert.equal(report.imported.prompts, LINE);
  const [first, last] = [rows[0].id, rows.at(-1).id];
  assert.equal((await lineage(last)).ancestors.length, LINE - 1);
  assert.equal((await lineage(first)).prompt.descendants, LINE - 1);

  const more = promptRow({ user_id: owner.sub, forked_from: last });
  const circle = { ...rows[0], forked_from: last };
  const refused = await imported([more, circle, promptRow()].map((row) => ({ table: "prompts", row })));
  assert.deepEqual([refused.imported.prompts, refused.refused_count], [1, 2]);
  for (const { code, pointer } of refused.refused) assert.deepEqual([code, pointer], ["invalid_value", "/row/forked_from"]);

  const made = await post("/v1/prompts", { title: "t", template: "t", forked_from: last }, { as: owner.as });
  assert.deepEqual([made.status, made.body.code, made.body.pointer], [400, "invalid_value", "/forked_from"]);
  const forked = await post(`/v1/prompts/${last}/fork`, undefined, { as: owner.as });
  assert.deepEqual([forked.status, forked.body.code], [409, "conflict"]);
  const { user_id, title, template } = more;
  const inserted = await insert({ user_id, title, template, forked_from: last }, owner.as);
  assert.deepEqual([inserted.status, inserted.body.code], [400, "23514"]);
  assert.match(inserted.body.message, /prompts_forked_from_check/);
  const changed = await send("PATCH", `/rest/v1/prompts?id=eq.${first}`, { as: owner.as, body: { forked_from: first } });
  assert.deepEqual([changed.status, changed.body.code], [400, "23514"]);
  assert.equal((await lineage(first)).prompt.descendants, LINE - 1);
});
