// Tokens that are verified with public keys. As in identity.test.mjs, the summary of an experiment tells who the worker
// takes a caller for.
import assert from "node:assert/strict";
import { createHmac, randomUUID } from "node:crypto";
import { describe, test } from "node:test";
import { SETTINGS, atOnce, bearer, start, token, until, user } from "./instance.mjs";
import { keyPair, keyServer, keySet } from "./keys.mjs";

const MANY = 50;
const KIB = 1024;

const SERVICE = [200, undefined];
const USER = [403, "service_required"];
const ANONYMOUS = [401, "credential_required"];
const INVALID = [401, "invalid_credential"];
const UNAVAILABLE = [503, "keys_unavailable"];

const now = Math.floor(Date.now() / 1000);
const iss = "https://auth.example";
const aud = "authenticated";
const claims = { sub: randomUUID(), role: "authenticated", iss, aud };
const ec = keyPair("ec", "ES256");
const rsa = keyPair("rsa", "RS256");

async function ask(at, as) {
  const { status, headers, body } = await at.get("/v1/experiments/any/summary", { as });
  assert.equal(headers.get("www-authenticate"), status === 401 ? "Bearer" : null);
  assert.equal(headers.get("retry-after"), status === 503 ? "10" : null);
  return [status, body.code];
}

const checkAt = async (at, as, expected) => assert.deepEqual(await ask(at, as), expected);
const checkOn = (at) => (name, as, expected) => test(name, () => checkAt(at, as, expected));

/** What was logged about key sets. */
const logged = ({ logs }) => logs().filter((line) => line.includes('"what":"JWKS"'));

/** What the same signature says under a changed header or changed claims. */
function changed(signed, { header = {}, more = {} }) {
  const [first, second, signature] = signed.split(".");
  const change = (part, changes) =>
    Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(part, "base64url")), ...changes })).toString("base64url");
  return `${change(first, header)}.${change(second, more)}.${signature}`;
}

describe("a key set in the setting", async () => {
  const short = keyPair("short", "RS256", { modulusLength: 1024 });
  const wide = keyPair("wide", "ES256", { namedCurve: "P-384", jwk: { alg: undefined } });
  const otherwise = keyPair("otherwise", "ES256", { jwk: { alg: "ES384" } });
  const sealing = keyPair("sealing", "RS256", { jwk: { use: "enc" } });
  const off = keyPair("off", "ES256", { jwk: { x: "A".repeat(43) } });
  const shared = { jwk: { kty: "oct", k: Buffer.from("secret").toString("base64url"), kid: "shared", alg: "HS256" } };
  const JWKS = keySet(ec, rsa, short, wide, otherwise, sealing, off, shared);
  const instance = await start({ JWKS, JWT_ISSUER: iss, JWT_AUDIENCE: aud });
  const check = checkOn(instance);
  const PUBLISHABLE = { apikey: SETTINGS.PUBLISHABLE_KEY };

  for (const [pair, other] of [[ec, rsa], [rsa, ec]]) {
    const { alg, kid } = pair.jwk;
    const by = (more, header) => bearer(pair.token({ ...claims, ...more }, header));
    const good = pair.token(claims);
    const [header, payload, signature] = good.split(".");
    check(`${alg}: a user's token is a user`, bearer(good), USER);
    check(`${alg}: a user's token once more is a user`, bearer(good), USER);
    check(`${alg}: a user's token as apikey is a user`, { apikey: good }, USER);
    check(`${alg}: a user's token beside the publishable key is a user`, { ...PUBLISHABLE, ...bearer(good) }, USER);
    check(`${alg}: a service token is the service`, by({ role: "service_role" }), SERVICE);
    check(`${alg}: an anonymous token is anonymous`, by({ role: "anon" }), ANONYMOUS);
    check(`${alg}: two tokens signed by different keys are valid`, { ...bearer(good), apikey: other.token(claims) }, USER);
    check(`${alg}: a good bearer beside a forged apikey is invalid`, { ...bearer(good), apikey: changed(good, { more: { role: "service_role" } }) }, INVALID);
    check(`${alg}: a forged bearer beside a good apikey is invalid`, { ...bearer(changed(good, { more: { role: "service_role" } })), apikey: other.token(claims) }, INVALID);
    check(`${alg}: a token that expired within the skew is valid`, by({ exp: now - 5 }), USER);
    check(`${alg}: a token that expired is invalid`, by({ exp: now - 60 }), INVALID);
    check(`${alg}: a token that begins within the skew is valid`, by({ nbf: now + 15 }), USER);
    check(`${alg}: a token that has not begun is invalid`, by({ nbf: now + 120 }), INVALID);
    check(`${alg}: another issuer is invalid`, by({ iss: "https://other.example" }), INVALID);
    check(`${alg}: no issuer is invalid`, by({ iss: undefined }), INVALID);
    check(`${alg}: another audience is invalid`, by({ aud: "other" }), INVALID);
    check(`${alg}: an unknown role is invalid`, by({ role: "admin" }), INVALID);
    check(`${alg}: a critical header is invalid`, by({}, { crit: ["exp"] }), INVALID);
    check(`${alg}: no kid is invalid`, by({}, { kid: undefined }), INVALID);
    check(`${alg}: an unknown kid is invalid`, by({}, { kid: "unknown" }), INVALID);
    check(`${alg}: the kid of another type of key is invalid`, by({}, { kid: other.jwk.kid }), INVALID);
    check(`${alg}: the algorithm of another type of key is invalid`, by({}, { alg: other.jwk.alg }), INVALID);
    check(`${alg}: the name of another key is invalid`, by({}, { alg: other.jwk.alg, kid: other.jwk.kid }), INVALID);
    check(`${alg}: another key of the same name is invalid`, bearer(keyPair(kid, alg).token(claims)), INVALID);
    check(`${alg}: changed claims are invalid`, bearer(changed(good, { more: { role: "service_role" } })), INVALID);
    check(`${alg}: a changed header is invalid`, bearer(changed(good, { header: { typ: "at+jwt" } })), INVALID);
    check(`${alg}: alg none is invalid`, bearer(changed(good, { header: { alg: "none" } })), INVALID);
    check(`${alg}: no signature is invalid`, bearer(`${header}.${payload}.`), INVALID);
    check(`${alg}: a signature with something before it is invalid`, bearer(`${header}.${payload}.AAAA${signature}`), INVALID);
    check(`${alg}: a signature with something after it is invalid`, bearer(`${header}.${payload}.${signature}AAAA`), INVALID);
    check(`${alg}: a signature of zeros is invalid`, bearer(`${header}.${payload}.${Buffer.alloc(alg === "ES256" ? 64 : 256).toString("base64url")}`), INVALID);
    const secrets = { PEM: pair.pem, "trimmed PEM": pair.pem.trim(), JWK: JSON.stringify(pair.jwk), "key set": JWKS, x: pair.jwk.x ?? pair.jwk.n };
    for (const [form, secret] of Object.entries(secrets)) {
      const mac = (head) => {
        const signed = `${Buffer.from(JSON.stringify(head)).toString("base64url")}.${payload}`;
        return bearer(`${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`);
      };
      check(`HS256 with the public ${alg} key as secret (${form}) is invalid`, mac({ alg: "HS256", kid }), INVALID);
      check(`${alg} with an HMAC by the public key (${form}) is invalid`, mac({ alg, kid }), INVALID);
    }
  }

  check("a modulus under 2048 bits is not used", bearer(short.token(claims)), INVALID);
  check("another curve is not used", bearer(wide.token(claims)), INVALID);
  check("a key for another algorithm is not used", bearer(otherwise.token(claims)), INVALID);
  check("a key for another use is not used", bearer(sealing.token(claims)), INVALID);
  check("a point beside the curve is not used", bearer(off.token(claims)), INVALID);
  check("a secret in the key set is not used", bearer(token(claims, { secret: "secret", header: { alg: "HS256", kid: "shared" } })), INVALID);
  check("HS256 with the secret is valid as before", bearer(token(claims)), USER);
  check("HS256 with the secret is valid whatever kid it names", bearer(token(claims, { header: { alg: "HS256", kid: "ec" } })), USER);

  test("an ES256 signature in DER is invalid", async () => {
    const [header, payload, signature] = ec.token(claims).split(".");
    const number = (bytes) => {
      const digits = bytes.subarray(bytes.findIndex((byte) => byte !== 0));
      const positive = digits[0] > 127 ? Buffer.concat([Buffer.alloc(1), digits]) : digits;
      return Buffer.concat([Buffer.from([2, positive.length]), positive]);
    };
    const raw = Buffer.from(signature, "base64url");
    const both = Buffer.concat([number(raw.subarray(0, 32)), number(raw.subarray(32))]);
    const der = Buffer.concat([Buffer.from([48, both.length]), both]);
    await checkAt(instance, bearer(`${header}.${payload}.${der.toString("base64url")}`), INVALID);
  });
});

describe("a key set at an address", () => {
  test("is fetched once, and once for unknown keys, however many ask at once", async () => {
    const keys = await keyServer();
    const instance = await start({ JWKS: keys.url });
    const [next, last] = [keyPair("next", "ES256"), keyPair("last", "ES256")];
    /** What `MANY` callers are told that ask while the set is being fetched. */
    const meanwhile = async (as, text) => {
      const [fetched, release] = [keys.fetches, keys.hold()];
      const answers = atOnce(MANY, () => ask(instance, as));
      await until(() => keys.fetches > fetched, "the set is asked for");
      await instance.get("/healthz");
      release(text);
      return answers;
    };

    for (const as of [
      {},
      user(claims.sub),
      bearer("a.b.c"),
      bearer(ec.token(claims, { alg: "none" })),
      bearer(ec.token(claims, { kid: undefined })),
      bearer(ec.token({ ...claims, exp: now - 60 })),
      { ...bearer(ec.token(claims)), apikey: "another" },
    ]) {
      await ask(instance, as);
    }
    assert.equal(keys.fetches, 0, "something was fetched for nothing");

    assert.deepEqual(await meanwhile(bearer(ec.token(claims)), keySet(ec, rsa)), Array(MANY).fill(USER));
    assert.equal(keys.fetches, 1);
    await checkAt(instance, bearer(rsa.token(claims)), USER);
    await checkAt(instance, bearer(ec.token(claims, { alg: "RS256" })), INVALID);
    assert.equal(keys.fetches, 1, "known keys were fetched again");

    assert.deepEqual(await meanwhile(bearer(next.token(claims)), keySet(next, rsa)), Array(MANY).fill(USER));
    assert.equal(keys.fetches, 2);
    await checkAt(instance, bearer(ec.token(claims)), INVALID);
    await checkAt(instance, bearer(rsa.token(claims)), USER);

    keys.answer = (_request, response) => response.end(keySet(last));
    const unknown = await atOnce(MANY, () => ask(instance, bearer(last.token(claims))));
    assert.deepEqual(unknown, Array(MANY).fill(INVALID));
    await checkAt(instance, bearer(next.token(claims)), USER);
    assert.equal(keys.fetches, 2, "unknown keys were fetched for twice in a minute");
  });

  test("is fetched once for unknown keys, also as the first", async () => {
    const keys = await keyServer();
    const instance = await start({ JWKS: keys.url });
    const release = keys.hold();
    const answers = atOnce(MANY, () => ask(instance, bearer(rsa.token(claims))));
    await until(() => keys.fetches, "the set is asked for");
    await instance.get("/healthz");
    release(keySet(ec));
    assert.deepEqual(await answers, Array(MANY).fill(INVALID));
    assert.equal(keys.fetches, 1);
  });

  test("stays when it cannot be fetched again", async () => {
    const keys = await keyServer(keySet(ec));
    const instance = await start({ JWKS: keys.url });
    await checkAt(instance, bearer(ec.token(claims)), USER);
    keys.answer = (_request, response) => response.writeHead(500).end(keySet(rsa));
    const unknown = await atOnce(MANY, () => ask(instance, bearer(rsa.token(claims))));
    assert.deepEqual(unknown, Array(MANY).fill(INVALID));
    await checkAt(instance, bearer(ec.token(claims)), USER);
    assert.equal(keys.fetches, 2);
  });
});

describe("a key set that is not to be had", () => {
  const many = (length) => JSON.stringify({ keys: Array(length).fill(ec.jwk) });
  const padded = (length) => keySet(ec).padEnd(length);

  /** Callers with tokens are told to come back, after one fetch; others are served. */
  async function checkUnavailable(answer) {
    const keys = await keyServer();
    if (answer) keys.answer = answer;
    const instance = await start({ JWKS: answer ? keys.url : "http://127.0.0.1:1/jwks.json" });
    const answers = await atOnce(MANY, () => ask(instance, bearer(ec.token(claims))));
    assert.deepEqual(answers, Array(MANY).fill(UNAVAILABLE));
    await checkAt(instance, bearer(ec.token(claims)), UNAVAILABLE);
    await checkAt(instance, bearer(ec.token({ ...claims, exp: now - 60 })), INVALID);
    await checkAt(instance, user(claims.sub), USER);
    await checkAt(instance, {}, ANONYMOUS);
    assert.equal(keys.fetches, answer ? 1 : 0);
    await until(() => logged(instance).length, "it is told");
    assert.equal(logged(instance).length, 1);
    return keys;
  }

  const ends = (status, text, headers) => (_request, response) => response.writeHead(status, headers).end(text);
  for (const [name, answer] of Object.entries({
    "nothing listens": undefined,
    "the server fails": ends(500, keySet(ec)),
    "the server answers 204": ends(204),
    "the server redirects": (request, response) =>
      request.url === "/there" ? response.end(keySet(ec)) : response.writeHead(302, { location: "/there" }).end(),
    "the connection breaks off": (_request, response) => {
      response.writeHead(200, { "content-length": 100 * KIB });
      response.write(keySet(ec), () => response.destroy());
    },
    "the body is no JSON": ends(200, "<html>"),
    "the body is no UTF-8": ends(200, Buffer.from([0x7b, 0xff, 0x7d])),
    "the body is no key set": ends(200, "{}"),
    "the body has more than 64 KiB": ends(200, padded(64 * KIB + 1)),
    "the set has more than 64 keys": ends(200, many(65)),
  })) {
    test(name, () => checkUnavailable(answer));
  }

  test("the server never answers, or never ends", async () => {
    const never = () => {};
    const endless = (_request, response) => response.writeHead(200).write(keySet(ec));
    for (const keys of await Promise.all([never, endless].map(checkUnavailable))) {
      await until(() => keys.closed === 1, "the connection is given up");
    }
  });

  test("64 KiB and 64 keys are well", async () => {
    for (const text of [padded(64 * KIB), many(64)]) {
      const keys = await keyServer(text);
      await checkAt(await start({ JWKS: keys.url }), bearer(ec.token(claims)), USER);
    }
  });
});

describe("a setting that cannot be read", () => {
  for (const JWKS of ['{"keys":', '{"keys":7}', "jwks.json", "ftp://auth.example/jwks.json"]) {
    test(`${JWKS} is told once, and no such token is valid`, async () => {
      const instance = await start({ JWKS });
      for (const pair of [ec, rsa, ec]) await checkAt(instance, bearer(pair.token(claims)), INVALID);
      await checkAt(instance, user(claims.sub), USER);
      await until(() => logged(instance).length, "it is told");
      assert.equal(logged(instance).length, 1);
    });
  }
});
