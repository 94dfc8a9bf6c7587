// Experiments as they are declared: what is stored, who may declare, what is refused, and declarations that meet.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, test } from "node:test";
import { anonymous, atOnce, service, start, user } from "./instance.mjs";

const instance = await start();
const { sql } = instance;

const HALVES = [{ key: "short", weight: 0.5 }, { key: "long", weight: 0.5 }];
const DEFAULTS = {
  project_id: null, hypothesis: null, variants: HALVES, coverage: 1, hash_version: 2, namespace: null,
  status: "draft", conversion_window_hours: null, multi_variant: "exclude", started_ms: null, stopped_ms: null,
};
const names = { next: 0 };
const newId = () => `experiment ${names.next++}`;
const path = (id) => `/v1/experiments/${encodeURIComponent(id)}`;
const put = (id, body, options) => instance.send("PUT", path(id), { as: service, body: { variants: HALVES, status: "draft", ...body }, ...options });
const assignment = (id, unit = "unit") => instance.get(`${path(id)}/assignment?unit=${encodeURIComponent(unit)}`);
const row = async (id) => (await sql("select * from experiments where id = ?", id))[0];

/** Declares and gives what is told, after checking the status. */
async function declared(id, body, expected) {
  const { status, body: told } = await put(id, body);
  assert.equal(status, expected, JSON.stringify(told));
  return told;
}

async function refused(answer, status, code, pointer) {
  const { status: told, headers, body } = await answer;
  assert.deepEqual([told, body.code, body.pointer], [status, code, pointer], JSON.stringify(body));
  assert.equal(headers.get("content-type"), "application/problem+json");
}

describe("a declaration", () => {
  test("is stored and told with its defaults", async () => {
    const id = newId();
    assert.deepEqual(await declared(id, {}, 201), { experiment_id: id, ...DEFAULTS, name: id, seed: id });
    const { created_ms, updated_ms, ...stored } = await row(id);
    assert.ok(Math.abs(created_ms - Date.now()) < 60_000 && updated_ms === created_ms);
    assert.deepEqual(stored, {
      ...{ id, project_id: null, name: id, hypothesis: null, variants: '[{"key":"short","weight":0.5},{"key":"long","weight":0.5}]' },
      ...{ coverage: "1.0", seed: id, hash_version: 2, namespace: null, status: "draft", multi_variant: "exclude" },
      ...{ conversion_window_hours: null, started_ms: null, stopped_ms: null, version: 1 },
    });
  });

  test("is stored byte for byte, and told by the data dialect", async () => {
    const id = "a/b é 日本 😀 %2F+?";
    const fields = {
      ...{ project_id: "shop", name: "Kürzer \"'\\ 😀", hypothesis: "line\r\nline\t\u0001", coverage: 0.16666666666666666, seed: "ключ" },
      ...{ variants: [{ key: "ä\\\"", weight: 1 / 3 }, { key: "😀", weight: 2 / 3 }], hash_version: 1, namespace: ["n 😀", 0.1, 0.30000000000000004] },
      ...{ status: "running", conversion_window_hours: 24, multi_variant: "first" },
    };
    const { started_ms, stopped_ms, experiment_id, ...told } = await declared(id, fields, 201);
    assert.deepEqual([told, experiment_id, stopped_ms], [fields, id, null]);
    const { body } = await instance.get(`/rest/v1/experiments?id=eq.${encodeURIComponent(id)}`, { as: service });
    const { created_ms, updated_ms, ...seen } = body[0];
    assert.deepEqual(seen, { id, ...fields, started_ms, stopped_ms });
    assert.equal(created_ms, started_ms);
    assert.equal((await assignment(id)).status, 200);
  });

  test("that is repeated changes nothing", async () => {
    const id = newId();
    const first = await declared(id, { status: "running", namespace: "layer" }, 201);
    const before = await row(id);
    assert.deepEqual(await declared(id, { status: "running", namespace: ["layer", 0, 1.0], seed: id }, 200), first);
    assert.deepEqual(await row(id), before);
  });

  test("replaces the one before, as a whole", async () => {
    const id = newId();
    await declared(id, { project_id: "shop", hypothesis: "why", coverage: 0.5, namespace: "n", conversion_window_hours: 5, multi_variant: "first" }, 201);
    const before = await row(id);
    assert.deepEqual(await declared(id, { name: "new" }, 200), { experiment_id: id, ...DEFAULTS, name: "new", seed: id });
    const { version, created_ms, namespace } = await row(id);
    assert.deepEqual([version, created_ms, namespace], [2, before.created_ms, null]);
  });

  test("runs at once, and later stays what it is, where it has no status", async () => {
    const id = newId();
    assert.equal((await declared(id, { status: undefined }, 201)).status, "running");
    assert.equal((await assignment(id)).body.in_experiment, true);
    await declared(id, { status: "stopped" }, 200);
    assert.equal((await declared(id, { status: undefined, name: "named" }, 200)).status, "stopped");
  });

  test("starts, stops and starts again", async () => {
    const id = newId();
    await declared(id, {}, 201);
    const { started_ms } = await declared(id, { status: "running" }, 200);
    assert.ok(Math.abs(started_ms - Date.now()) < 60_000);
    assert.equal((await assignment(id)).body.in_experiment, true);
    const stopped = await declared(id, { status: "stopped" }, 200);
    assert.ok(stopped.started_ms === started_ms && stopped.stopped_ms >= started_ms);
    const again = await declared(id, { status: "running" }, 200);
    assert.deepEqual([again.started_ms, again.stopped_ms], [started_ms, null]);
  });
});

describe("while an experiment runs", () => {
  const CHANGES = {
    variants: [{ key: "short", weight: 0.4 }, { key: "long", weight: 0.6 }], seed: "another", hash_version: 1, namespace: ["n", 0, 0.5],
  };
  for (const [field, value] of Object.entries(CHANGES)) {
    test(`its ${field} cannot change, unless it is stopped first`, async () => {
      const id = newId();
      await declared(id, { status: "running" }, 201);
      const before = await row(id);
      for (const status of ["running", "stopped"]) {
        await refused(put(id, { status, [field]: value }), 409, "experiment_running", `/${field}`);
        assert.deepEqual(await row(id), before);
      }
      await declared(id, { status: "stopped" }, 200);
      await declared(id, { status: "stopped", [field]: value }, 200);
      assert.deepEqual((await declared(id, { status: "running", [field]: value }, 200))[field], value);
    });
  }

  test("its coverage and the rules of its rollup can", async () => {
    const id = newId();
    await declared(id, { status: "running", coverage: 0.1 }, 201);
    const told = await declared(id, { status: "running", coverage: 0.2, multi_variant: "first", conversion_window_hours: 8760 }, 200);
    assert.deepEqual([told.coverage, told.multi_variant, told.conversion_window_hours], [0.2, "first", 8760]);
  });

  test("it cannot become a draft", async () => {
    const id = newId();
    await declared(id, { status: "running" }, 201);
    await refused(put(id, {}), 409, "invalid_transition", "/status");
    await refused(put(newId(), { status: "stopped" }), 409, "invalid_transition", "/status");
  });
});

describe("who and what is refused", () => {
  test("anybody but the service", async () => {
    const [id, known] = [newId(), newId()];
    await declared(known, {}, 201);
    const before = await instance.stored({ except: ["users"] });
    for (const name of [id, known]) {
      await refused(put(name, { name: "x" }, { as: anonymous }), 401, "credential_required");
      await refused(put(name, { name: "x" }, { as: user(randomUUID()) }), 403, "service_required");
      await refused(put(name, { name: "x" }, { as: { apikey: "wrong" } }), 401, "invalid_credential");
    }
    assert.deepEqual(await instance.stored({ except: ["users"] }), before);
  });

  test("what is no declaration, with a pointer, and nothing is stored", async () => {
    const before = await instance.stored({ except: ["users"] });
    const id = newId();
    for (const [body, code, pointer] of [
      [{ variants: undefined }, "missing_field", "/variants"],
      [{ variants: [] }, "invalid_value", "/variants"],
      [{ variants: [{ key: "a", weight: 0.5 }, { key: "b", weight: 0.499 }] }, "invalid_value", "/variants"],
      [{ variants: [{ key: "a" }, { key: "a" }] }, "invalid_value", "/variants/1/key"],
      [{ variants: [{ key: "a", weight: 1 }, { key: "b" }] }, "missing_field", "/variants/1/weight"],
      [{ coverage: 2 }, "invalid_value", "/coverage"],
      [{ hash_version: 3 }, "invalid_value", "/hash_version"],
      [{ namespace: ["n", 1, 0] }, "invalid_value", "/namespace"],
      [{ status: "paused" }, "invalid_value", "/status"],
      [{ conversion_window_hours: 8761 }, "invalid_value", "/conversion_window_hours"],
      [{ experiment_id: id }, "unknown_column", "/experiment_id"],
    ]) {
      await refused(put(id, body), 400, code, pointer);
    }
    await refused(instance.send("PUT", path(id), { as: service, body: "{" }), 400, "invalid_json");
    await refused(instance.send("PUT", path(id), { as: service, body: "{}", type: "text/plain" }), 415, "unsupported_media_type");
    await refused(put("x".repeat(129), {}), 400, "invalid_length");
    await refused(put("a\nb", {}), 400, "invalid_value");
    assert.deepEqual(await instance.stored({ except: ["users"] }), before);
  });

  test("units that are none", async () => {
    const id = newId();
    await declared(id, { status: "running" }, 201);
    await refused(instance.get(`${path(id)}/assignment`), 400, "missing_field");
    await refused(assignment(id, ""), 400, "invalid_length");
    await refused(assignment(id, "x".repeat(129)), 400, "invalid_length");
    await refused(assignment(id, "a\nb"), 400, "invalid_value");
  });

  test("experiments that are none", async () => {
    for (const id of [newId(), "x".repeat(129), "%00", "' or 1=1"]) await refused(assignment(id), 404, "unknown_experiment");
  });

  test("declared columns in the data dialect, also from the service", async () => {
    const id = newId();
    await declared(id, {}, 201);
    const before = await row(id);
    const write = (method, query, body) => instance.send(method, `/rest/v1/experiments?${query}`, { as: service, body, headers: { prefer: "return=representation" } });
    for (const body of [{ status: "running" }, { variants: [] }, { name: "x", coverage: 7 }, { started_ms: 1 }, { seed: "s" }]) {
      const { status, body: told } = await write("PATCH", `id=eq.${id}`, body);
      assert.deepEqual([status, told.code, told.hint], [403, "42501", "PUT /v1/experiments/{id} declares experiments."]);
      assert.equal((await write("POST", "", { id: newId(), name: "x", multi_variant: "first", ...body })).status, 403);
    }
    for (const body of [{ conversion_window_hours: 8761 }, { conversion_window_hours: 0 }, { name: "" }, { name: "x".repeat(201) }]) {
      const { status, body: told } = await write("PATCH", `id=eq.${id}`, body);
      assert.deepEqual([status, told.code], [400, "23514"]);
    }
    assert.deepEqual(await row(id), before);
    const { status, body } = await write("PATCH", `id=eq.${id}`, { name: "new", project_id: "" });
    assert.deepEqual([status, body[0].name], [200, "new"]);
    assert.equal((await declared(id, { name: "new" }, 200)).name, "new");
  });
});

describe("an experiment of which only the rules are known", () => {
  test("assigns nobody, and can be declared", async () => {
    const id = newId();
    await sql("insert into experiments (id, project_id, name) values (?, '', 'Name\nof old')", id);
    const { body } = await assignment(id);
    assert.deepEqual([body.in_experiment, body.variant, body.variation, body.reason], [false, null, null, "not_running"]);
    assert.equal((await declared(id, { status: "running" }, 200)).status, "running");
    assert.equal((await assignment(id)).body.in_experiment, true);
  });
});

describe("declarations that meet", () => {
  test("are stored one after another, none mixed with another", async () => {
    const id = newId();
    const answers = await atOnce(12, (index) => put(id, { name: `n${index}`, hypothesis: `h${index}`, seed: `s${index}`, coverage: index / 100 }));
    assert.deepEqual(answers.map(({ status }) => status).toSorted(), [...Array(11).fill(200), 201]);
    for (const [index, { body }] of answers.entries()) {
      assert.deepEqual([body.name, body.hypothesis, body.seed, body.coverage], [`n${index}`, `h${index}`, `s${index}`, index / 100]);
    }
    const { name, hypothesis, seed, coverage, version } = await row(id);
    const last = name.slice(1);
    assert.deepEqual([hypothesis, seed, coverage, version], [`h${last}`, `s${last}`, JSON.stringify(last / 100).padEnd(3, ".0"), 12]);
  });

  test("of which one starts the experiment leave no change of weights after it", async () => {
    for (let round = 0; round < 5; round++) {
      const id = newId();
      await declared(id, {}, 201);
      const weights = (weight) => [{ key: "short", weight }, { key: "long", weight: 1 - weight }];
      const answers = await atOnce(8, (index) => put(id, { status: "running", variants: weights((index + 1) / 16) }));
      const taken = answers.filter(({ status }) => status === 200);
      assert.equal(taken.length, 1, JSON.stringify(answers.map(({ status }) => status)));
      assert.deepEqual(JSON.parse((await row(id)).variants), taken[0].body.variants);
      for (const { status, body } of answers.filter((answer) => !taken.includes(answer))) {
        assert.deepEqual([status, body.code], [409, "experiment_running"]);
      }
    }
  });
});

test("storage that is away is not available", async () => {
  const broken = await start();
  await broken.sql("alter table experiments rename to experiments_away");
  for (const answer of [
    broken.send("PUT", "/v1/experiments/e", { as: service, body: { variants: HALVES } }),
    broken.get("/v1/experiments/e/assignment?unit=u"),
  ]) {
    await refused(answer, 503, "storage_unavailable");
  }
});
