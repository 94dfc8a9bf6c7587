// Keys and tokens. The summary of an experiment tells who the worker takes a caller for: the service reads it (200), a
// user may not (403), somebody without a name must bring a credential (401).
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, test } from "node:test";
import { SECRETS, SETTINGS, anonymous, bearer, start, token, until } from "./instance.mjs";

const instance = await start();
const strict = await start({ JWT_ISSUER: "https://auth.example", JWT_AUDIENCE: "authenticated" });
const locked = await start({ JWT_SECRET: "", SERVICE_KEY: "", PUBLISHABLE_KEY: "" });

const now = Math.floor(Date.now() / 1000);
const sub = randomUUID();
const claims = { sub, role: "authenticated" };
const apikey = (key) => ({ apikey: key });
const { PUBLISHABLE_KEY, SERVICE_KEY } = SETTINGS;

const SERVICE = [200, undefined];
const USER = [403, "service_required"];
const ANONYMOUS = [401, "credential_required"];
const INVALID = [401, "invalid_credential"];

const checkOn = (at) => (name, headers, [status, code]) =>
  test(name, async () => {
    const answer = await at.get("/v1/experiments/any/summary", { as: headers });
    assert.deepEqual([answer.status, answer.body.code], [status, code], JSON.stringify(answer.body));
    assert.equal(answer.headers.get("www-authenticate"), status === 401 ? "Bearer" : null);
    const view = await at.post(`/v1/prompts/${sub}/view`, undefined, { as: headers });
    assert.deepEqual([view.status, view.body.code], code === INVALID[1] ? INVALID : [404, "unknown_prompt"]);
    for (const secret of SECRETS) {
      assert.ok(!JSON.stringify([answer.body, view.body]).includes(secret), "an answer repeats a secret");
    }
  });

describe("keys", () => {
  const check = checkOn(instance);
  check("no credential is nobody in particular", anonymous, ANONYMOUS);
  check("the publishable key as apikey is anonymous", apikey(PUBLISHABLE_KEY), ANONYMOUS);
  check("the publishable key as bearer is anonymous", bearer(PUBLISHABLE_KEY), ANONYMOUS);
  check("the publishable key as both is anonymous", { ...apikey(PUBLISHABLE_KEY), ...bearer(PUBLISHABLE_KEY) }, ANONYMOUS);
  check("the service key as apikey is the service", apikey(SERVICE_KEY), SERVICE);
  check("the service key as bearer is the service", bearer(SERVICE_KEY), SERVICE);
  check("the service key as both is the service", { ...apikey(SERVICE_KEY), ...bearer(SERVICE_KEY) }, SERVICE);
  check("the scheme is read in any case", { authorization: `bEaReR ${SERVICE_KEY}` }, SERVICE);
  check("another key is invalid", apikey("another"), INVALID);
  check("another bearer is invalid", bearer("another"), INVALID);
  check("a key with one character more is invalid", bearer(`${SERVICE_KEY}x`), INVALID);
  check("a key with one character less is invalid", bearer(SERVICE_KEY.slice(0, -1)), INVALID);
  check("an empty apikey is invalid", apikey(""), INVALID);
  check("an empty bearer is invalid", { authorization: "Bearer " }, INVALID);
  check("another scheme is invalid", { authorization: `Basic ${SERVICE_KEY}` }, INVALID);
});

describe("tokens", () => {
  const check = checkOn(instance);
  const signed = (more, options) => bearer(token({ ...claims, ...more }, options));
  check("a user's token is a user", signed(), USER);
  check("a user's token as apikey is a user", apikey(token(claims)), USER);
  check("a user's token beside the publishable key is a user", { ...apikey(PUBLISHABLE_KEY), ...signed() }, USER);
  check("the bearer decides: a user's token beside the service key is a user", { ...apikey(SERVICE_KEY), ...signed() }, USER);
  check("the bearer decides: the service key beside the publishable one", { ...apikey(PUBLISHABLE_KEY), ...bearer(SERVICE_KEY) }, SERVICE);
  check("a bad apikey beside a good token is invalid", { ...apikey("another"), ...signed() }, INVALID);
  check("a bad token beside a good apikey is invalid", { ...apikey(SERVICE_KEY), ...bearer("a.b.c") }, INVALID);
  check("a service token is the service", bearer(token({ role: "service_role" })), SERVICE);
  check("an anonymous token is anonymous", bearer(token({ role: "anon" })), ANONYMOUS);
  check("an unknown role is invalid", signed({ role: "admin" }), INVALID);
  check("a user's token without a user is invalid", bearer(token({ role: "authenticated" })), INVALID);
  check("a sub that is no UUID is invalid", signed({ sub: "somebody" }), INVALID);
  check("a token that will expire is valid", signed({ exp: now + 60 }), USER);
  check("a token that expired within the skew is valid", signed({ exp: now - 5 }), USER);
  check("a token that expired is invalid", signed({ exp: now - 60 }), INVALID);
  check("a token that begins within the skew is valid", signed({ nbf: now + 15 }), USER);
  check("a token that has not begun is invalid", signed({ nbf: now + 120 }), INVALID);
  check("an expiry that is no number is invalid", signed({ exp: "tomorrow" }), INVALID);
  check("a token signed with another secret is invalid", signed({}, { secret: "another" }), INVALID);
  check("a token that names alg none is invalid", signed({}, { header: { alg: "none" } }), INVALID);
  check("a token that names alg HS512 is invalid", signed({}, { header: { alg: "HS512" } }), INVALID);
  check("a token that names alg RS256 is invalid", signed({}, { header: { alg: "RS256" } }), INVALID);
  check("a token with a critical header is invalid", signed({}, { header: { alg: "HS256", crit: ["x"] } }), INVALID);
  const [header, payload, signature] = token(claims).split(".");
  const forged = Buffer.from(JSON.stringify({ ...claims, role: "service_role" })).toString("base64url");
  const none = Buffer.from(JSON.stringify({ alg: "none" })).toString("base64url");
  check("a token without a signature is invalid", bearer(`${header}.${payload}.`), INVALID);
  check("an unsigned token with alg none is invalid", bearer(`${none}.${payload}.`), INVALID);
  check("claims changed after the signature are invalid", bearer(`${header}.${forged}.${signature}`), INVALID);
  check("a signature with something after it is invalid", bearer(`${header}.${payload}.${signature}AA`), INVALID);
  check("a token in two parts is invalid", bearer(`${header}.${payload}`), INVALID);
  check("a token in four parts is invalid", bearer(`${header}.${payload}.${signature}.${signature}`), INVALID);
  check("a token of 10 KB is refused as any other", bearer(token({ ...claims, email: "x".repeat(10_000) }, { secret: "another" })), INVALID);
});

describe("tokens where issuer and audience are configured", () => {
  const check = checkOn(strict);
  const iss = "https://auth.example";
  const aud = "authenticated";
  const signed = (more) => bearer(token({ ...claims, ...more }));
  check("both are right", signed({ iss, aud }), USER);
  check("the audience is one of several", signed({ iss, aud: ["other", aud] }), USER);
  check("there is no issuer", signed({ aud }), INVALID);
  check("there is another issuer", signed({ iss: "https://other.example", aud }), INVALID);
  check("there is no audience", signed({ iss }), INVALID);
  check("there is another audience", signed({ iss, aud: "other" }), INVALID);
  check("no audience is among several", signed({ iss, aud: ["other"] }), INVALID);
});

describe("the row of a user", () => {
  const emails = (id) => instance.sql("select email from users where id = ?", id).then((rows) => rows.map(({ email }) => email));
  const call = (claims) => instance.get("/healthz", { as: bearer(token({ role: "authenticated", ...claims })) });

  test("is made when a token names the user for the first time", async () => {
    const id = randomUUID();
    await call({ sub: id, email: "one@example.com" });
    await until(async () => (await emails(id)).length);
    await call({ sub: id, email: "other@example.com" });
    assert.deepEqual(await emails(id), ["one@example.com"]);
  });

  test("is there for the request that names the user first", async () => {
    for (const claims of [{}, { email: "first@example.com" }]) {
      const id = randomUUID();
      const as = bearer(token({ role: "authenticated", sub: id, ...claims }));
      const { body } = await instance.get("/rest/v1/users?select=id,email", { as });
      assert.deepEqual(body, [{ id, email: claims.email ?? null }]);
    }
  });

  test("gets the address that a later token tells", async () => {
    const id = randomUUID();
    await call({ sub: id });
    await until(async () => (await emails(id)).length);
    await call({ sub: id, email: "late@example.com" });
    await until(async () => (await emails(id)).includes("late@example.com"));
  });

  test("is not made by a token that is not valid", async () => {
    const [forged, id] = [randomUUID(), randomUUID()];
    await instance.get("/healthz", { as: bearer(token({ role: "authenticated", sub: forged }, { secret: "another" })) });
    await call({ sub: id });
    await until(async () => (await emails(id)).length);
    assert.deepEqual(await emails(forged), []);
  });
});

describe("an instance without keys", () => {
  const check = checkOn(locked);
  check("nobody is anonymous", anonymous, ANONYMOUS);
  check("a token is invalid", bearer(token(claims)), INVALID);
  check("a token signed with nothing is invalid", bearer(token({ role: "service_role" }, { secret: "" })), INVALID);
  check("an empty key is invalid", apikey(""), INVALID);
});
