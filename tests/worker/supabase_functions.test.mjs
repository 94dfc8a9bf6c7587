// The functions that applications call, and the tables beside them: counters, forks, likes, uses, favourites.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { before, describe, test } from "node:test";
import { SETTINGS, atOnce, bearer, until, user } from "./instance.mjs";
import { assertError, columnOf, library, refused, rowsOf } from "./library.mjs";

const { anonymous, counts, events, get, known, post, seed, send, service, somebody, sql } = await library();
const [owner, other] = await known(2);
const template = "A template";

const prompt = async (columns = {}) =>
  (await seed("prompts", [{ user_id: owner.id, title: "A title", template, is_public: true, ...columns }]))[0].id;
const templateOf = async (prompt_id, columns = {}) => (await seed("prompt_templates", [{ prompt_id, ...columns }]))[0].id;

/** Checks that a function that returns nothing answers so. */
async function called(query) {
  const { status, data, error } = await query;
  assert.deepEqual([status, data, error], [204, null, null]);
}

describe("views and copies", () => {
  const COUNTERS = { increment_prompt_views: 0, increment_prompt_copies: 1 };

  for (const [name, place] of Object.entries(COUNTERS)) {
    const only = (count) => Object.assign([0, 0, 0, 0], { [place]: count });

    test(`${name} counts, whoever calls`, async () => {
      const id = await prompt();
      for (const client of [anonymous, owner, other, service, somebody()]) await called(client.rpc(name, { prompt_id: id }));
      assert.deepEqual(await counts(id), only(5));
    });

    test(`${name} counts each of 64 calls at once`, async () => {
      const id = await prompt();
      await atOnce(64, () => called(anonymous.rpc(name, { prompt_id: id })));
      assert.deepEqual(await counts(id), only(64));
    });

    test(`${name} counts nothing that the caller may not see, and does not tell`, async () => {
      const hidden = await prompt({ is_public: false });
      const inactive = await prompt({ is_active: false });
      for (const prompt_id of [hidden, inactive, randomUUID()]) {
        for (const client of [anonymous, other]) await called(client.rpc(name, { prompt_id }));
      }
      assert.deepEqual([await counts(hidden), await counts(inactive)], [only(0), only(0)]);
      await called(owner.rpc(name, { prompt_id: hidden }));
      assert.deepEqual(await counts(hidden), only(1));
    });

    test(`${name} is not called by reading`, async () => {
      const id = await prompt();
      for (const options of [{ get: true }, { head: true }]) {
        const { error, status } = await anonymous.rpc(name, { prompt_id: id }, options);
        assert.ok(error && status === 405, `${status} ${JSON.stringify(error)}`);
      }
      assert.deepEqual(await counts(id), only(0));
    });
  }

  test("are in prompt_stats soon", async () => {
    const id = await prompt();
    await called(anonymous.rpc("increment_prompt_views", { prompt_id: id }));
    await called(anonymous.rpc("increment_prompt_copies", { prompt_id: id }));
    const query = () => rowsOf(anonymous.from("prompt_stats").select("view_count, copy_count, fork_count").eq("prompt_id", id).maybeSingle());
    const row = await until(async () => {
      const found = await query();
      return found?.view_count === 1 && found.copy_count === 1 && found;
    }, "the snapshot is there");
    assert.deepEqual(row, { view_count: 1, copy_count: 1, fork_count: 0 });
  });
});

describe("forks and comparisons", () => {
  const fork = (prompt_id, more = {}) => ({ prompt_id, event_type: "fork", ...more });
  const insert = (client, ...rows) => client.from("prompt_events").insert(rows.length === 1 ? rows[0] : rows);
  const increment = (client, prompt_id) => client.rpc("increment_fork_count", { prompt_id });
  const stored = (prompt_id) => sql("select user_id, event_type from prompt_events where prompt_id = ? order by id", prompt_id);

  async function inserted(client, ...rows) {
    const { status, error, data } = await insert(client, ...rows);
    assert.deepEqual([status, error, data], [201, null, null]);
  }

  test("an event and the call after it are one fork", async () => {
    const id = await prompt();
    await inserted(other, { prompt_id: id, user_id: other.id, event_type: "fork" });
    assert.deepEqual(await counts(id), [0, 0, 1, 0], "the event counts");
    await called(increment(other, id));
    assert.deepEqual(await counts(id), [0, 0, 1, 0], "the call claims it");
    await called(increment(other, id));
    assert.deepEqual(await counts(id), [0, 0, 2, 0], "the next call has nothing to claim");
    await inserted(other, fork(id));
    assert.deepEqual(await counts(id), [0, 0, 3, 0], "the next event counts");
    await called(increment(other, id));
    assert.deepEqual(await counts(id), [0, 0, 3, 0], "and is claimed");
  });

  test("a call without an event adds one", async () => {
    const id = await prompt();
    await called(increment(other, id));
    assert.deepEqual(await counts(id), [0, 0, 1, 0]);
  });

  test("a call claims one event, of its caller, of its prompt", async () => {
    const [id, beside] = [await prompt(), await prompt()];
    await inserted(other, fork(id), fork(id));
    await inserted(other, fork(beside));
    await inserted(owner, fork(id));
    assert.deepEqual([await counts(id), await counts(beside)], [[0, 0, 3, 0], [0, 0, 1, 0]]);
    for (let call = 0; call < 2; call++) await called(increment(other, id));
    await called(increment(owner, id));
    assert.deepEqual([await counts(id), await counts(beside)], [[0, 0, 3, 0], [0, 0, 1, 0]]);
    await called(increment(somebody(), id));
    assert.deepEqual([await counts(id), await counts(beside)], [[0, 0, 4, 0], [0, 0, 1, 0]]);
  });

  test("an event that came by another route is claimed as well", async () => {
    const id = await prompt();
    await events([{ type: "fork", prompt_id: id, id: randomUUID() }], { as: user(other.id) });
    assert.deepEqual(await counts(id), [0, 0, 1, 0]);
    await called(increment(other, id));
    assert.deepEqual(await counts(id), [0, 0, 1, 0]);
  });

  test("16 at once of one user, each an event and its call, are 16", async () => {
    const id = await prompt();
    await atOnce(16, async () => {
      await inserted(other, fork(id));
      await called(increment(other, id));
    });
    assert.deepEqual(await counts(id), [0, 0, 16, 0]);
    assert.equal((await stored(id)).filter(({ user_id }) => user_id === other.id).length, 16);
  });

  test("a comparison is counted, and no fork", async () => {
    const id = await prompt();
    await inserted(other, { prompt_id: id, user_id: other.id, event_type: "compare_add", comparison_id: "c1" });
    assert.deepEqual(await counts(id), [0, 0, 0, 1]);
    await called(increment(other, id));
    assert.deepEqual(await counts(id), [0, 0, 1, 1]);
  });

  test("comes back as it is stored", async () => {
    const [id, child] = [await prompt(), randomUUID()];
    const row = await rowsOf(other.from("prompt_events").insert({ ...fork(id), child_prompt_id: child, id: "my-id" }).select().single());
    assert.ok(Math.abs(Date.parse(row.created_at) - Date.now()) < 60_000);
    const expected = { id: "my-id", prompt_id: id, user_id: other.id, event_type: "fork", child_prompt_id: child, comparison_id: null };
    assert.deepEqual(row, { ...expected, created_at: row.created_at });
    const read = other.from("prompt_events").select("*, prompts(title)").eq("prompt_id", id);
    assert.deepEqual(await rowsOf(read), [{ ...row, prompts: { title: "A title" } }]);
    assert.deepEqual(await rowsOf(owner.from("prompt_events").select().eq("prompt_id", id)), [], "another's events are not there");
  });

  test("the service forks for a user", async () => {
    const id = await prompt();
    await inserted(service, { prompt_id: id, user_id: other.id, event_type: "fork" });
    await called(increment(other, id));
    assert.deepEqual(await counts(id), [0, 0, 1, 0]);
  });

  /** Checks that an insert is refused and nothing is stored or counted. */
  const check = (name, rows, status, code, client = other) =>
    test(name, async () => {
      const id = await prompt();
      await refused(insert(client, ...rows(id)), status, code);
      assert.deepEqual([await stored(id), await counts(id)], [[], [0, 0, 0, 0]]);
    });
  check("a view is no row", (id) => [{ prompt_id: id, user_id: other.id, event_type: "view" }], 400, "23514");
  check("a copy is no row", (id) => [{ prompt_id: id, event_type: "copy" }], 400, "23514");
  check("an event has a type", (id) => [{ prompt_id: id }], 400, "23502");
  check("an event in another's name", (id) => [fork(id, { user_id: owner.id })], 403, "42501");
  check("an event without a name", (id) => [fork(id)], 401, "42501", anonymous);
  check("two events under one id", (id) => [fork(id, { id: "twice" }), fork(id, { id: "twice" })], 409, "23505");
  check("a bad event beside a good one", (id) => [fork(id), { prompt_id: id, event_type: "view" }], 400, "23514");
  check("an id that is too long", (id) => [fork(id, { id: "x".repeat(65) })], 400, "22001");

  test("an event of a prompt that one may not see, and of none", async () => {
    const hidden = await prompt({ is_public: false });
    for (const id of [hidden, randomUUID()]) await refused(insert(other, fork(id)), 403, "42501");
    const both = [fork(await prompt()), fork(hidden)];
    await refused(insert(other, ...both), 403, "42501");
    for (const { prompt_id } of both) assert.deepEqual([await stored(prompt_id), await counts(prompt_id)], [[], [0, 0, 0, 0]]);
  });

  test("an id that is taken counts nothing again", async () => {
    const id = await prompt();
    await inserted(other, fork(id, { id: "taken" }));
    await refused(insert(other, fork(id, { id: "taken" })), 409, "23505");
    await refused(insert(owner, fork(id, { id: "taken" })), 409, "23505");
    const ignored = await other.from("prompt_events").upsert(fork(id, { id: "taken" }), { ignoreDuplicates: true, onConflict: "prompt_id,id" });
    assert.equal(ignored.error, null, JSON.stringify(ignored.error));
    assert.deepEqual([(await stored(id)).length, await counts(id)], [1, [0, 0, 1, 0]]);
  });

  test("events stay as they are", async () => {
    const id = await prompt();
    await inserted(other, fork(id));
    await rowsOf(other.from("prompt_events").update({ event_type: "compare_add" }).eq("prompt_id", id));
    await rowsOf(other.from("prompt_events").delete().eq("prompt_id", id));
    assert.deepEqual([await stored(id), await counts(id)], [[{ user_id: other.id, event_type: "fork" }], [0, 0, 1, 0]]);
  });

  test("the call needs a name, and a prompt that its caller sees", async () => {
    const [id, hidden] = [await prompt(), await prompt({ is_public: false })];
    await refused(increment(anonymous, id), 401, "42501");
    await called(increment(other, hidden));
    await called(increment(other, randomUUID()));
    assert.deepEqual([await counts(id), await counts(hidden)], [[0, 0, 0, 0], [0, 0, 0, 0]]);
  });
});

describe("likes", () => {
  const like = (client, template_id) => client.rpc("increment_likes_count", { template_id });
  const likesOf = async (id) => (await rowsOf(service.from("prompt_templates").select("likes_count").eq("id", id).single())).likes_count;
  const likers = async (id) => {
    const likes = await sql("select user_id from template_likes where template_id = ? order by user_id", id);
    return likes.map(({ user_id }) => user_id);
  };
  const agree = async (id, users) => {
    assert.deepEqual([await likesOf(id), await likers(id)], [users.length, users.map((one) => one.id).sort()]);
  };

  test("are one per user, a row and a count", async () => {
    const id = await templateOf(await prompt());
    for (let call = 0; call < 3; call++) await called(like(other, id));
    await agree(id, [other]);
    await called(like(owner, id));
    await agree(id, [owner, other]);
    assert.deepEqual(await columnOf("user_id", other.from("template_likes").select("user_id").eq("template_id", id)), [other.id]);
  });

  test("of 16 calls at once by one user are one, by 16 users 16", async () => {
    const [id, users] = [await templateOf(await prompt()), Array.from({ length: 16 }, () => somebody())];
    await atOnce(16, () => called(like(other, id)));
    await agree(id, [other]);
    await atOnce(16, (index) => called(like(users[index], id)));
    await agree(id, [other, ...users]);
  });

  test("are rows that a user makes and removes, and the count follows", async () => {
    const id = await templateOf(await prompt());
    const row = { template_id: id, user_id: other.id };
    await rowsOf(other.from("template_likes").insert(row));
    await agree(id, [other]);
    await called(like(other, id));
    await agree(id, [other]);
    await refused(other.from("template_likes").insert(row), 409, "23505");
    await rowsOf(other.from("template_likes").upsert(row, { ignoreDuplicates: true }));
    await agree(id, [other]);
    await rowsOf(other.from("template_likes").delete().match(row));
    await agree(id, []);
    await rowsOf(other.from("template_likes").delete().match(row));
    await agree(id, []);
    await called(like(other, id));
    await agree(id, [other]);
  });

  test("are each user's own", async () => {
    const id = await templateOf(await prompt());
    await called(like(owner, id));
    await rowsOf(other.from("template_likes").delete().eq("template_id", id));
    await refused(other.from("template_likes").insert({ template_id: id, user_id: owner.id }), 403, "42501");
    await agree(id, [owner]);
    assert.deepEqual(await rowsOf(other.from("template_likes").select().eq("template_id", id)), []);
  });

  test("need a name, and a template that their giver sees", async () => {
    const [id, hidden] = [await templateOf(await prompt()), await templateOf(await prompt({ is_public: false }))];
    await refused(like(anonymous, id), 401, "42501");
    await refused(anonymous.from("template_likes").insert({ template_id: id }), 401, "42501");
    await called(like(other, hidden));
    await called(like(other, randomUUID()));
    await refused(other.from("template_likes").insert({ template_id: hidden }), 403, "42501");
    await refused(other.from("template_likes").insert({ template_id: randomUUID() }), 403, "42501");
    for (const one of [id, hidden]) await agree(one, []);
    await called(like(owner, hidden));
    await agree(hidden, [owner]);
  });

  test("go with their template", async () => {
    const id = await templateOf(await prompt());
    await called(like(other, id));
    await rowsOf(owner.from("prompt_templates").delete().eq("id", id));
    assert.deepEqual(await likers(id), []);
  });
});

describe("uses", () => {
  const use = (client, template_id) => client.rpc("increment_uses_count", { template_id });
  const usesOf = async (id) => (await sql("select uses_count from prompt_templates where id = ?", id))[0].uses_count;

  test("are counted, whoever calls", async () => {
    const id = await templateOf(await prompt(), { uses_count: 3 });
    for (const client of [anonymous, owner, other, service]) await called(use(client, id));
    assert.equal(await usesOf(id), 7);
    await atOnce(32, () => called(use(other, id)));
    assert.equal(await usesOf(id), 39);
  });

  test("of a template that the caller may not see are not", async () => {
    const hidden = await templateOf(await prompt({ is_public: false }));
    for (const id of [hidden, randomUUID()]) {
      for (const client of [anonymous, other]) await called(use(client, id));
    }
    assert.equal(await usesOf(hidden), 0);
    await called(use(owner, hidden));
    assert.equal(await usesOf(hidden), 1);
  });
});

describe("favourites", () => {
  const KINDS = [
    {
      table: "user_favorites",
      column: "template_id",
      of: templateOf,
      embed: "prompt_templates(prompts(title))",
      embedded: { prompt_templates: { prompts: { title: "A title" } } },
    },
    {
      table: "prompt_favorites",
      column: "prompt_id",
      of: (id) => id,
      embed: "prompts(title)",
      embedded: { prompts: { title: "A title" } },
    },
  ];
  for (const { table, column, of, embed, embedded } of KINDS) {
    test(`${table}: kept, listed, kept again, and given up`, async () => {
      const client = somebody();
      const ids = [await of(await prompt()), await of(await prompt())];
      const list = () => rowsOf(client.from(table).select(`${column}, ${embed}`).order("created_at"));
      await rowsOf(client.from(table).insert({ user_id: client.id, [column]: ids[0] }));
      await rowsOf(client.from(table).insert({ [column]: ids[1] }));
      assert.deepEqual(await list(), ids.map((id) => ({ [column]: id, ...embedded })));
      await refused(client.from(table).insert({ [column]: ids[0] }), 409, "23505");
      await rowsOf(client.from(table).upsert({ user_id: client.id, [column]: ids[0] }, { onConflict: `user_id,${column}`, ignoreDuplicates: true }));
      assert.equal((await list()).length, 2);
      const removed = client.from(table).delete().eq("user_id", client.id).eq(column, ids[0]).select(column);
      assert.deepEqual(await rowsOf(removed), [{ [column]: ids[0] }]);
      assert.deepEqual((await list()).map((row) => row[column]), [ids[1]]);
    });

    test(`${table}: one's own, on what one sees`, async () => {
      const [id, hidden] = [await of(await prompt()), await of(await prompt({ is_public: false }))];
      await rowsOf(owner.from(table).insert({ [column]: hidden }));
      await refused(other.from(table).insert({ [column]: hidden }), 403, "42501");
      await refused(other.from(table).insert({ [column]: randomUUID() }), 403, "42501");
      await refused(other.from(table).insert({ [column]: id, user_id: owner.id }), 403, "42501");
      await refused(anonymous.from(table).insert({ [column]: id }), 401, "42501");
      await rowsOf(other.from(table).delete().eq(column, hidden));
      assert.deepEqual(await rowsOf(other.from(table).select().eq(column, hidden)), []);
      assert.deepEqual(await columnOf(column, owner.from(table).select().eq(column, hidden)), [hidden]);
    });

    test(`${table}: kept when what they are of is hidden`, async () => {
      const id = await prompt();
      const kept = await of(id);
      await rowsOf(other.from(table).insert({ [column]: kept }));
      await rowsOf(owner.from("prompts").update({ is_public: false }).eq("id", id));
      const [relation] = embed.split("(");
      assert.deepEqual(await rowsOf(other.from(table).select(`${column}, ${embed}`).eq(column, kept)), [{ [column]: kept, [relation]: null }]);
    });
  }
});

describe("popular templates", async () => {
  const NAMES = ["id", "prompt_id", "title", "goal", "template", "category", "tags", "likes_count", "uses_count", "created_at"];
  const made = [];
  for (let index = 0; index < 24; index++) {
    const [isHidden, isInactive] = [index === 5, index === 6];
    const [title, goal] = [`Prompt ${index}`, index % 2 ? "G" : null];
    const prompt_id = await prompt({ title, goal, is_public: !isHidden, is_active: !isInactive });
    const columns = { category: ["a", "b", null][index % 3], tags: ["t", `${index}`], likes_count: index % 4, uses_count: index };
    const id = await templateOf(prompt_id, columns);
    made.push({ id, prompt_id, title, goal, template, ...columns, isHidden, isInactive });
  }
  before(() => rowsOf(service.from("prompt_templates").delete().not("id", "in", `(${made.map(({ id }) => id)})`)));
  const popular = (limit, category) =>
    made
      .filter((one) => !one.isHidden && !one.isInactive && (category === undefined || one.category === category))
      .sort((one, another) => another.likes_count - one.likes_count || another.uses_count - one.uses_count)
      .slice(0, limit)
      .map(({ isHidden, isInactive, ...row }) => row);

  const check = (name, query, expected) =>
    test(name, async () => {
      const rows = await rowsOf(query());
      for (const row of rows) assert.deepEqual(Object.keys(row), NAMES);
      assert.deepEqual(rows.map(({ created_at, ...row }) => row), expected);
    });
  const call = (arguments_, options, client = anonymous) => client.rpc("get_popular_templates", arguments_, options);
  check("ten, of any category and of none", () => call(), popular(10));
  check("as many as asked for", () => call({ limit_count: 3 }), popular(3));
  check("one", () => call({ limit_count: 1 }), popular(1));
  check("a hundred", () => call({ limit_count: 100 }), popular(100));
  check("of a category", () => call({ limit_count: 20, category_filter: "b" }), popular(20, "b"));
  check("of any category, when none is named", () => call({ limit_count: 20, category_filter: null }), popular(20));
  check("of a category that does not exist", () => call({ category_filter: "none" }), []);
  check("by reading", () => call({ limit_count: 5, category_filter: "a" }, { get: true }), popular(5, "a"));
  check("a user sees what everybody sees, in the same order", () => call({ limit_count: 5 }, {}, other), popular(5));

  test("a count is given, or refused by name", async () => {
    const { data, count, error, status } = await call({ limit_count: 4 }, { count: "exact" });
    if (error) assert.deepEqual([status, error.code], [400, "PGRST122"]);
    else assert.deepEqual([count, data.length], [4, 4]);
  });

  for (const limit_count of [0, -1, 101, 1.5, "many", 2 ** 60]) {
    test(`${limit_count} are never more than a hundred, and never a failure of the worker`, async () => {
      const { data, error, status } = await call({ limit_count });
      if (error) assertError(error);
      assert.ok(error ? status === 400 : data.length <= 100, `${status} ${JSON.stringify(error)}`);
    });
  }
});

describe("calls that are refused", () => {
  const id = randomUUID();
  const check = (name, query, status, code, named) => test(name, () => refused(query(), status, code, named));
  const FUNCTIONS = {
    increment_prompt_views: "prompt_id",
    increment_prompt_copies: "prompt_id",
    increment_fork_count: "prompt_id",
    increment_likes_count: "template_id",
    increment_uses_count: "template_id",
  };
  for (const [name, argument] of Object.entries(FUNCTIONS)) {
    check(`${name} without its argument`, () => other.rpc(name), 404, "PGRST202", name);
    check(`${name} with another argument`, () => other.rpc(name, { id }), 404, "PGRST202", name);
    check(`${name} with one argument more`, () => other.rpc(name, { [argument]: id, more: 1 }), 404, "PGRST202", name);
    check(`${name} with what is no UUID`, () => other.rpc(name, { [argument]: "x" }), 400, "22P02");
    check(`${name} with a number`, () => other.rpc(name, { [argument]: 5 }), 400, "22P02");
  }
  check("an unknown function", () => other.rpc("drop_everything", { id }), 404, "PGRST202", "drop_everything");
  check("an unknown argument", () => other.rpc("get_popular_templates", { limit_count: 3, colour: "red" }), 404, "PGRST202", "get_popular_templates");

  test("null is called with, and nothing happens", async () => {
    for (const [name, argument] of Object.entries(FUNCTIONS)) {
      const { status, error } = await other.rpc(name, { [argument]: null });
      assert.ok(status === 204 || (status === 400 && error.code), `${name}: ${status}`);
    }
  });

  test("a body that is none", async () => {
    for (const body of ["", "{", "[]", "5", '"x"', "null"]) {
      const answer = await send("POST", "/rest/v1/rpc/increment_prompt_views", { body, as: bearer(SETTINGS.PUBLISHABLE_KEY) });
      assert.ok([400, 404].includes(answer.status), `${body}: ${answer.status}`);
      assertError(answer.body);
    }
  });

  test("other methods", async () => {
    for (const method of ["PUT", "PATCH", "DELETE"]) {
      const answer = await send(method, "/rest/v1/rpc/get_popular_templates", { body: {} });
      assert.equal(answer.status, 405, method);
    }
    assert.equal((await post("/rest/v1/rpc/get_popular_templates", {})).status, 200);
    assert.equal((await get("/rest/v1/rpc/get_popular_templates?limit_count=1")).body.length, 1);
  });
});
