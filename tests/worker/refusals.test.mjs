// What is wrong with a request is told as a problem with a stable code, and nothing of it is stored.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, test } from "node:test";
import { SECRETS, SNAPSHOTS, bearer, promptRow, service, start, token, until, user } from "./instance.mjs";

const MIB = 1024 * 1024;
// Written after an answer, whatever it was: snapshots of earlier events, and the row of a user who is new.
const BUT_LATER = { except: [...SNAPSHOTS, "users"] };
const instance = await start();
const known = await instance.prompt({ slug: "known" });
await instance.events({ type: "view", prompt_id: known });

const EVENTS = "/v1/events";
const view = (more) => ({ type: "view", prompt_id: known, ...more });
const exposure = (more) => ({ type: "exposure", experiment_id: "e", session_id: "s", variant_key: "a", ...more });

/** Checks that an answer is a problem and that it tells nothing of the inside. */
function assertProblem({ status, headers, body }, expected) {
  const told = { status, code: body.code, ...(expected.pointer && { pointer: body.pointer }) };
  const { status: wanted, code, pointer } = expected;
  assert.deepEqual(told, { status: wanted, code, ...(pointer && { pointer }) }, JSON.stringify(body));
  assert.equal(headers.get("content-type"), "application/problem+json");
  assert.equal(body.status, status);
  assert.equal(body.type, `urn:promptmeter:problem:${code}`);
  assert.ok(body.title.length > 0 && body.detail.length > 0);
  if (expected.detail) assert.match(body.detail, expected.detail);
  const text = JSON.stringify(body);
  assert.doesNotMatch(text, /select |insert |sqlite|D1_ERROR|panicked|\.rs\b|wasm/i);
  for (const secret of SECRETS) assert.ok(!text.includes(secret));
}

/** One refused request: its name, method, path and what goes with it, and the expected problem. */
function check(name, [method, path, options], [status, code, more]) {
  test(name, async () => {
    const before = await instance.stored(BUT_LATER);
    assertProblem(await instance.send(method, path, options), { status, code, ...more });
    assert.deepEqual(await instance.stored(BUT_LATER), before);
  });
}

/** One refused body of `POST /v1/events`. */
const checkBody = (name, body, problem, options) => check(name, ["POST", EVENTS, { body, ...options }], problem);

describe("routes", () => {
  const unknown = [404, "unknown_route"];
  for (const path of ["/v1", "/v2/events", "/v1/events/", "/v1//events", "/V1/EVENTS", `/v1/prompts/${known}`, `/v1/prompts//view`, `/v1/prompts/${known}/view/x`, "/v1/prompts/%ff/view", "/healthz/x", "/rest/v1", "/rest/v2/prompts", `/${"x".repeat(4000)}`]) {
    check(`there is no route ${path.slice(0, 60)}`, ["GET", path], unknown);
  }
  const missing = [404, "unknown_prompt"];
  for (const name of ["unknown", randomUUID(), "%00", "known%00", "%27%20or%201%3D1", "..%2f..", "%ED%9F%BF", "x".repeat(129), "x".repeat(3000), "🎉".repeat(128)]) {
    check(`there is no prompt ${name.slice(0, 40)} to view`, ["POST", `/v1/prompts/${name}/view`], missing);
    check(`there is no prompt ${name.slice(0, 40)} to tell`, ["GET", `/v1/prompts/${name}/stats`], missing);
  }
});

describe("methods", () => {
  for (const [path, allowed] of Object.entries({
    "/healthz": ["GET", "HEAD"],
    [EVENTS]: ["POST"],
    [`/v1/prompts/${known}/view`]: ["POST"],
    [`/v1/prompts/${known}/copy`]: ["POST"],
    [`/v1/prompts/${known}/compare`]: ["POST"],
    [`/v1/prompts/${known}/stats`]: ["GET", "HEAD"],
    "/v1/experiments/e": ["PUT"],
    "/v1/experiments/e/assignment": ["GET", "HEAD"],
    "/v1/experiments/e/summary": ["GET", "HEAD"],
    "/v1/experiments/e/results": ["GET", "HEAD"],
    "/v1/experiments/evaluate": ["POST"],
    "/v1/import": ["POST"],
    "/v1/export": ["GET", "HEAD"],
  })) {
    for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE"].filter((method) => !allowed.includes(method))) {
      check(`${method} ${path}`, [method, path, method === "GET" ? {} : { body: "{}" }], [405, "method_not_allowed"]);
    }
    test(`${path} names its methods`, async () => {
      const { headers } = await instance.send("DELETE", path);
      assert.deepEqual(headers.get("allow").split(", ").sort(), [...allowed, "OPTIONS"].sort());
    });
  }

  test("HEAD is GET without a body", async () => {
    for (const [path, status] of [["/healthz", 200], [`/v1/prompts/${known}/stats`, 200], ["/v1/prompts/unknown/stats", 404], ["/v1/experiments/e/summary", 401], ["/nowhere", 404]]) {
      const [head, get] = await Promise.all(["HEAD", "GET"].map((method) => instance.send(method, path)));
      assert.deepEqual([head.status, get.status, head.body], [status, status, ""]);
      assert.equal(head.headers.get("content-type"), get.headers.get("content-type"));
    }
    assert.equal((await instance.send("HEAD", EVENTS)).status, 405);
  });

  test("the worker tells that it runs", async () => {
    const { status, body } = await instance.get("/healthz");
    assert.deepEqual([status, body.status], [200, "ok"], JSON.stringify(body));
  });
});

describe("media types", () => {
  const refused = [415, "unsupported_media_type"];
  for (const type of ["application/xml", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "application/jsonp", "text/plainer", ""]) {
    checkBody(`events as ${type || "nothing"}`, new TextEncoder().encode(JSON.stringify(view())), refused, { type });
    check(`a view with a body as ${type || "nothing"}`, ["POST", `/v1/prompts/${known}/view`, { body: new TextEncoder().encode("{}"), type }], refused);
  }
});

describe("sizes", () => {
  const tooLarge = [413, "too_large"];
  const padded = (bytes) => JSON.stringify(view()).padEnd(bytes);
  /** The same bytes, of which nobody says beforehand how many they are. */
  const chunked = (text) => new Blob([text]).stream();
  checkBody("a body of 1 MiB and one byte", padded(MIB + 1), tooLarge);
  checkBody("a body of 1 MiB and one byte in chunks", chunked(padded(MIB + 1)), tooLarge);
  check("a view with a body of 1 MiB and one byte", ["POST", `/v1/prompts/${known}/view`, { body: padded(MIB + 1) }], tooLarge);
  checkBody("501 events", Array.from({ length: 501 }, () => view()), [413, "too_many_events"]);
  checkBody("501 events in an object", { events: Array.from({ length: 501 }, () => view()) }, [413, "too_many_events"]);
  checkBody("400,000 events", `[${"1,".repeat(400_000)}1]`, [413, "too_many_events"]);
  checkBody("properties of 5 KB", { type: "pageview", experiment_id: "e", session_id: "s", properties: { a: "x".repeat(5000) } }, [413, "too_large", { pointer: "/properties" }]);

  for (const [name, headers] of [
    ["one long header", { "x-long": "x".repeat(17_000) }],
    ["many headers", Object.fromEntries(Array.from({ length: 900 }, (_, index) => [`x-${index}`, "x".repeat(20)]))],
  ]) {
    check(`a view with ${name}`, ["POST", `/v1/prompts/${known}/view`, { headers }], tooLarge);
    check(`a reader with ${name}`, ["GET", `/v1/prompts/${known}/stats`, { headers }], tooLarge);
  }
  test("headers of 15,000 bytes are read", async () => {
    const headers = { "x-long": "x".repeat(15_000) };
    assert.equal((await instance.get(`/v1/prompts/${known}/stats`, { headers })).status, 200);
  });

  // A refusal that leaves the body unread loses the connection before the answer arrives, not always but often.
  const attempts = 8;
  for (const [name, [method, path, options], [status, code]] of [
    ["too large", ["POST", EVENTS], tooLarge],
    ["too large for a view", ["POST", `/v1/prompts/${known}/view`], tooLarge],
    ["of the wrong type", ["POST", EVENTS, { type: "application/xml" }], [415, "unsupported_media_type"]],
    ["sent with a bad key", ["POST", EVENTS, { as: { apikey: "another" } }], [401, "invalid_credential"]],
    ["of the wrong method", ["PUT", EVENTS], [405, "method_not_allowed"]],
    ["sent nowhere", ["POST", "/nowhere"], [404, "unknown_route"]],
    ["an import by nobody", ["POST", "/v1/import", { type: "application/x-ndjson" }], [401, "credential_required"]],
  ]) {
    test(`the sender of 3 MiB is told that they are ${name}, whole or in chunks`, async () => {
      for (let attempt = 0; attempt < attempts; attempt++) {
        const text = "x".repeat(3 * MIB);
        const body = attempt % 2 ? text : chunked(text);
        assertProblem(await instance.send(method, path, { ...options, body }), { status, code });
      }
    });
  }

  test("a body of 1 MiB is taken, whole or in chunks", async () => {
    for (const body of [padded(MIB), chunked(padded(MIB))]) {
      assert.equal((await instance.events(body)).accepted, 1);
    }
  });
});

describe("JSON", () => {
  const invalid = (more) => [400, "invalid_json", more];
  checkBody("no body", "", invalid());
  checkBody("white space", " \n ", invalid());
  checkBody("a word", "nonsense", invalid({ detail: /line 1 column/ }));
  checkBody("JSON that breaks off", '{"type": "view",\n "prompt_id"', invalid({ detail: /line 2 column 12/ }));
  checkBody("something after the JSON", '{"type":"view"} x', invalid({ detail: /column/ }));
  checkBody("a comma too many", '[{"type":"view"},]', invalid());
  checkBody("single quotes", "{'type':'view'}", invalid());
  checkBody("not a number", "NaN", invalid());
  checkBody("a byte order mark", `\ufeff${JSON.stringify(view())}`, invalid());
  checkBody("a field twice", `{"type":"view","type":"copy","prompt_id":"${known}"}`, invalid());
  checkBody("a lone surrogate in a key", `{"type":"view","prompt_id":"${known}","visitor":"\\ud800"}`, invalid({ pointer: "/visitor" }));
  checkBody("a lone surrogate in an id", `{"type":"view","prompt_id":"${known}","id":"a\\udc00b"}`, invalid({ pointer: "/id" }));
  checkBody("a lone surrogate in a type", '{"type":"\\udfff"}', invalid({ pointer: "/type" }));
  checkBody("a lone surrogate in properties", '{"type":"pageview","experiment_id":"e","session_id":"s","properties":{"a":"\\ud83c"}}', invalid({ pointer: "/properties" }));
  checkBody("a control character in a text", `{"type":"view","prompt_id":"${known}","visitor":"a\u0001"}`, invalid());
  for (const levels of [65, 100_000]) {
    const deep = [400, "nesting_too_deep"];
    checkBody(`${levels} arrays`, "[".repeat(levels) + "]".repeat(levels), deep);
    checkBody(`${levels} arrays that are not closed`, "[".repeat(levels), deep);
    checkBody(`${levels} objects`, '{"a":'.repeat(levels) + "1" + "}".repeat(levels), deep);
    checkBody(`properties ${levels} levels deep`, `{"type":"pageview","properties":${'{"a":'.repeat(levels)}1${"}".repeat(levels)}}`, deep);
  }
  for (const body of ['"view"', "5", "true", "null"]) checkBody(`the JSON ${body}`, body, [400, "invalid_type"]);
  checkBody("events that are no list", { events: {} }, [400, "invalid_type", { pointer: "/events" }]);
  checkBody("bytes that are not UTF-8", Buffer.from([0x7b, 0x22, 0xff, 0xfe]), [400, "invalid_utf8"]);
  checkBody("UTF-8 that breaks off", Buffer.from('"é').subarray(0, 2), [400, "invalid_utf8"]);
  checkBody("a surrogate in UTF-8", Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), [400, "invalid_utf8"]);
  checkBody("UTF-16", Buffer.from(JSON.stringify(view()), "utf16le"), invalid());
});

describe("events", () => {
  const missing = (field) => [400, "missing_field", { pointer: `/${field}` }];
  const wrong = (field) => [400, "invalid_type", { pointer: `/${field}` }];
  checkBody("no type", { prompt_id: known }, missing("type"));
  checkBody("a type that is null", view({ type: null }), missing("type"));
  checkBody("an empty object", {}, missing("type"));
  for (const type of ["stare", "VIEW", "", "view "]) checkBody(`the type ${JSON.stringify(type)}`, view({ type }), [400, "unknown_type", { pointer: "/type" }]);
  checkBody("a type that is a number", view({ type: 1 }), wrong("type"));
  checkBody("no prompt", { type: "view" }, missing("prompt_id"));
  checkBody("a prompt that is a number", view({ prompt_id: 1 }), wrong("prompt_id"));
  for (const prompt_id of ["", "known", known.slice(1), `${known}0`, known.replaceAll("-", ""), `{${known}}`, `urn:uuid:${known}`, known.replace(/^./, "g")]) {
    checkBody(`the prompt ${JSON.stringify(prompt_id)}`, view({ prompt_id }), [400, "invalid_uuid", { pointer: "/prompt_id" }]);
  }
  checkBody("an id that is a number", view({ id: 5 }), wrong("id"));
  checkBody("an id that is empty", view({ id: "" }), [400, "invalid_length", { pointer: "/id" }]);
  checkBody("an id of 65 characters", view({ id: "x".repeat(65) }), [400, "invalid_length", { pointer: "/id" }]);
  checkBody("an id with a control character", view({ id: "a\nb" }), [400, "invalid_value", { pointer: "/id" }]);
  checkBody("an id with a zero", view({ id: "a\0b" }), [400, "invalid_value", { pointer: "/id" }]);
  checkBody("a visitor that is an object", view({ visitor: {} }), wrong("visitor"));
  checkBody("a visitor that is too long", view({ visitor: "x".repeat(129) }), [400, "invalid_length", { pointer: "/visitor" }]);
  for (const timestamp of ["2026-11-20T12:00:00Z", 1.5, true, {}]) checkBody(`the timestamp ${JSON.stringify(timestamp)}`, view({ timestamp }), wrong("timestamp"));
  checkBody("a timestamp beyond 64 bits", `{"type":"view","prompt_id":"${known}","timestamp":1e400}`, wrong("timestamp"));
  for (const field of ["experiment_id", "session_id", "variant_key"]) {
    checkBody(`an exposure without ${field}`, exposure({ [field]: undefined }), missing(field));
    checkBody(`an exposure with a number as ${field}`, exposure({ [field]: 1 }), wrong(field));
    checkBody(`an exposure with an empty ${field}`, exposure({ [field]: "" }), [400, "invalid_length", { pointer: `/${field}` }]);
  }
  checkBody("properties that are a list", exposure({ properties: [] }), wrong("properties"));

  test("what only the worker can find wrong is answered for each event, alone or not", async () => {
    // An experiment's batches tell how many events were refused.
    const stored = () => instance.stored({ except: [...BUT_LATER.except, "experiment_batches"] });
    const before = await stored();
    for (const [event, code] of [
      [view({ prompt_id: randomUUID() }), "unknown_prompt"],
      [view({ timestamp: 0 }), "timestamp_out_of_range"],
      [view({ timestamp: -5 }), "timestamp_out_of_range"],
      [view({ timestamp: Number.MAX_SAFE_INTEGER }), "timestamp_out_of_range"],
      [view({ timestamp: Date.now() - 49 * 3_600_000 }), "timestamp_out_of_range"],
      [view({ timestamp: Date.now() + 6 * 60_000 }), "timestamp_out_of_range"],
      [exposure({ timestamp: 1 }), "timestamp_out_of_range"],
      [view({ type: "fork" }), "user_required"],
    ]) {
      for (const body of [event, [event]]) {
        const { accepted, duplicates, rejected } = await instance.events(body);
        assert.deepEqual([accepted, duplicates, rejected.map(({ index, code }) => [index, code])], [0, 0, [[0, code]]]);
      }
    }
    assert.deepEqual(await stored(), before);
    const batches = await instance.sql("select event_count, rejected from experiment_batches");
    assert.deepEqual(batches, Array(2).fill({ event_count: 0, rejected: 1 }));
  });
});

describe("shorthands and queries", () => {
  const path = `/v1/prompts/${known}/view`;
  check("a shorthand's body that is no JSON", ["POST", path, { body: "{" }], [400, "invalid_json"]);
  check("a shorthand's body that is a list", ["POST", path, { body: "[]" }], [400, "invalid_type"]);
  check("a visitor that is a number", ["POST", path, { body: { visitor: 1 } }], [400, "invalid_type", { pointer: "/visitor" }]);
  check("a comparison that is too long", ["POST", `/v1/prompts/${known}/compare`, { body: { comparison_id: "x".repeat(129) }, as: user(randomUUID()) }], [400, "invalid_length", { pointer: "/comparison_id" }]);
  check("a comparison by nobody", ["POST", `/v1/prompts/${known}/compare`], [401, "user_required"]);
  check("a comparison by the service alone", ["POST", `/v1/prompts/${known}/compare`, { as: service }], [401, "user_required"]);
  check("a comparison by nobody that need not be waited for", ["POST", `/v1/prompts/${known}/compare?ack=async`], [401, "user_required"]);
  check("an Idempotency-Key that is empty", ["POST", path, { headers: { "idempotency-key": "" } }], [400, "invalid_length"]);
  check("an Idempotency-Key of 65 characters", ["POST", path, { headers: { "idempotency-key": "x".repeat(65) } }], [400, "invalid_length"]);
  check("an ack that is not there", ["POST", `${EVENTS}?ack=never`, { body: view() }], [400, "invalid_value"]);
  check("an async event that is bad", ["POST", `${EVENTS}?ack=async`, { body: { type: "stare" } }], [400, "unknown_type"]);
  for (const query of ["limit=0", "limit=101", "limit=x", "limit=1.5", "limit=", "from=yesterday", "from=-1", "to=1e3", "to=99999999999999999999", "cursor=x", "cursor=", "cursor=W10", "cursor=%ff"]) {
    check(`a summary with ${query}`, ["GET", `/v1/experiments/e/summary?${query}`, { as: service }], [400, "invalid_value"]);
  }
});

describe("other origins", async () => {
  const narrow = await start({ ALLOWED_ORIGINS: "https://prompts.example, https://other.example/" });
  const EXPOSED = "content-range, etag, location, preference-applied, retry-after, x-promptmeter-dropped, x-request-id";
  const shared = ["/healthz", EVENTS, `/v1/prompts/${known}/view`, `/v1/prompts/${known}/stats`, "/v1/experiments/e/assignment", "/v1/experiments/e/summary", "/v1/experiments/e/results", "/v1/experiments/evaluate"];
  const cors = async (at, method, path, origin) => {
    const { status, headers } = await at.send(method, path, { headers: { ...(origin && { origin }) } });
    const header = (name) => headers.get(name);
    assert.equal(header("access-control-allow-credentials"), null);
    assert.equal(header("set-cookie"), null);
    return { status, header };
  };

  for (const path of shared) {
    test(`any origin may call ${path}`, async () => {
      const preflight = await cors(instance, "OPTIONS", path, "https://anywhere.example");
      assert.equal(preflight.status, 204);
      assert.equal(preflight.header("access-control-allow-origin"), "*");
      assert.equal(preflight.header("access-control-allow-methods"), preflight.header("allow"));
      const allowed = preflight.header("access-control-allow-headers").split(", ");
      for (const name of ["authorization", "apikey", "content-type", "idempotency-key", "prefer"]) assert.ok(allowed.includes(name), name);
      const refused = await cors(instance, "DELETE", path, "https://anywhere.example");
      assert.deepEqual([refused.status, refused.header("access-control-allow-origin"), refused.header("access-control-expose-headers")], [405, "*", EXPOSED]);
    });

    test(`ALLOWED_ORIGINS narrows ${path}`, async () => {
      for (const [origin, answer] of [
        ["https://prompts.example", "https://prompts.example"],
        ["https://other.example", "https://other.example"],
        ["https://prompts.example.evil.example", null],
        ["http://prompts.example", null],
        ["null", null],
        [undefined, null],
      ]) {
        for (const method of ["OPTIONS", "DELETE"]) {
          const { header } = await cors(narrow, method, path, origin);
          assert.equal(header("access-control-allow-origin"), answer, `${method} from ${origin}`);
          if (origin) assert.match(header("vary"), /origin/i);
        }
      }
    });
  }

  test("no page may import or declare", async () => {
    for (const method of ["OPTIONS", "POST"]) {
      const { header } = await cors(instance, method, "/v1/import", "https://anywhere.example");
      assert.equal(header("access-control-allow-origin"), null);
    }
    for (const method of ["OPTIONS", "PUT"]) {
      const { header } = await cors(instance, method, "/v1/experiments/e", "https://anywhere.example");
      assert.equal(header("access-control-allow-origin"), null);
    }
  });

  test("answers are not kept and their type is not guessed", async () => {
    for (const path of ["/v1/experiments/e/summary", `/v1/prompts/${known}/stats`, "/nowhere", "/rest/v1/prompts", "/rest/v1/nowhere"]) {
      const { headers } = await instance.get(path);
      assert.deepEqual([headers.get("cache-control"), headers.get("x-content-type-options")], ["no-store", "nosniff"]);
    }
  });
});

const broken = await start();

describe("storage that fails", async () => {
  const [seen, unseen] = [await broken.prompt(), await broken.prompt()];
  const as = user(randomUUID());
  await broken.events({ type: "view", prompt_id: seen });
  const failure = { status: 503, code: "storage_unavailable" };
  const fork = { id: randomUUID(), type: "fork", prompt_id: seen };

  /** Runs `work` while a table is not there. */
  async function without(table, work) {
    await broken.sql(`alter table ${table} rename to ${table}_away`);
    try {
      await work();
    } finally {
      await broken.sql(`alter table ${table}_away rename to ${table}`);
    }
  }

  /** Checks the answer, and that the failure is logged once, as a line of JSON without a secret. */
  async function checkFailure(method, path, options) {
    const known = broken.logs().length;
    const answer = await broken.send(method, path, options);
    assertProblem(answer, failure);
    assert.match(answer.headers.get("retry-after"), /^\d+$/);
    await until(() => broken.logs().length > known, "the failure is logged");
    const logged = broken.logs().slice(known);
    assert.equal(logged.length, 1, JSON.stringify(logged));
    assert.equal(JSON.parse(logged[0]).level, "error");
    for (const secret of SECRETS) assert.ok(!logged[0].includes(secret));
  }

  test("no prompts: what needs to read them is not available", () =>
    without("prompts", async () => {
      await checkFailure("POST", `/v1/prompts/${unseen}/view`);
      await checkFailure("GET", `/v1/prompts/${unseen}/stats`);
      await checkFailure("POST", EVENTS, { body: { type: "view", prompt_id: unseen } });
      await checkFailure("POST", EVENTS, { body: [{ type: "view", prompt_id: unseen }, { type: "stare" }] });
      const row = { table: "prompts", row: promptRow() };
      await checkFailure("POST", "/v1/import", { body: JSON.stringify(row), as: service, type: "application/x-ndjson" });
    }));

  test("no experiment events: others of the same batch are stored, and the answer tells which are not", () =>
    without("experiment_batches", async () => {
      await checkFailure("POST", EVENTS, { body: exposure() });
      const { accepted, rejected } = await broken.events([{ type: "view", prompt_id: seen }, exposure(), { type: "copy", prompt_id: seen }]);
      assert.deepEqual([accepted, rejected.map(({ index, code }) => [index, code])], [2, [[1, failure.code]]]);
      assert.deepEqual(await broken.counts(seen), [2, 1, 0, 0]);
    }));

  test("no prompt_events: a fork is not counted without its row", async () => {
    await without("prompt_events", async () => {
      await checkFailure("POST", EVENTS, { body: fork, as });
      await checkFailure("POST", `/v1/prompts/${seen}/compare`, { as });
      assert.deepEqual(await broken.counts(seen), [2, 1, 0, 0]);
    });
    assert.equal((await broken.events(fork, { as })).accepted, 1);
    assert.deepEqual(await broken.counts(seen), [2, 1, 1, 0]);
  });

  test("no summary: it is not available", () =>
    without("experiment_analytics_summary", () => checkFailure("GET", "/v1/experiments/e/summary", { as: service })));

  test("what needs no failing table goes on", () =>
    without("prompts", async () => {
      assert.equal((await broken.events({ type: "view", prompt_id: seen })).accepted, 1);
      assert.equal((await broken.get("/healthz")).status, 200);
    }));
});

test("no line of the log tells a key or a token", async () => {
  await instance.get("/healthz", { as: bearer(token({ role: "authenticated", sub: "nobody" })) });
  const lines = JSON.stringify([...instance.logs(), ...broken.logs()]);
  assert.ok(lines.includes("storage") || lines.includes('\\"what\\"'), "storage has failed, and was logged");
  for (const secret of SECRETS) assert.ok(!lines.includes(secret));
  assert.doesNotMatch(lines, /eyJ|bearer/i);
});

test("no request of this file made the worker fail without a word", () => {
  assert.deepEqual(instance.logs(), []);
});
