// What a deployment has to do, by what is there already.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { NO_DATABASE, accountOf, planOf, sentenceOf } from "../../scripts/deploy/plan.mjs";

const [ID, OTHER] = ["11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"];
const ALL = ["SERVICE_KEY", "PUBLISHABLE_KEY", "JWT_SECRET"];
const CONFIG = { name: "promptmeter", variables: ["RATE_LIMIT"], database: { name: "promptmeter", id: NO_DATABASE } };
const NOTHING = { databases: [], secrets: [], kept: {}, published: { SERVICE_KEY: "known" }, last: undefined };
const DATABASES = [{ name: "another", uuid: OTHER }, { name: "promptmeter", uuid: ID }];
const KEPT = Object.fromEntries(ALL.map((name) => [name, `${name} at random`]));

/** The steps as words, with the names of keys; or the refusal. */
function words({ steps, refusal }) {
  return refusal ?? steps.map(({ step, names }) => [step, ...(names ?? [])].join(" "));
}

function check(name, { config = {}, found = {} }, expected) {
  test(name, () => {
    const plan = planOf({ ...CONFIG, ...config }, { ...NOTHING, ...found });
    if (expected instanceof RegExp) assert.match(words(plan), expected);
    else assert.deepEqual(words(plan), expected);
    for (const step of plan.steps ?? []) assert.match(sentenceOf(step), /^[a-z]/);
  });
}

describe("a plan", () => {
  const keys = ALL.join(" ");
  check("of a first deployment", {}, ["create_database", "migrate", `make_keys ${keys}`, `set_secrets ${keys}`, "deploy", "check"]);
  check("of a repeated one", { found: { databases: DATABASES, secrets: ALL, kept: KEPT, last: ID } }, ["remember", "migrate", "deploy", "check"]);
  check("from another machine, without the keys", { found: { databases: DATABASES, secrets: ALL } }, ["remember", "migrate", "deploy", "check"]);
  check("after an interruption behind the database", { found: { databases: DATABASES, last: ID } }, ["remember", "migrate", `make_keys ${keys}`, `set_secrets ${keys}`, "deploy", "check"]);
  check("after an interruption behind the keys makes no others", { found: { databases: DATABASES, kept: KEPT, last: ID } }, ["remember", "migrate", `set_secrets ${keys}`, "deploy", "check"]);
  check("sets what one has made up oneself", { found: { kept: { SERVICE_KEY: "my own" } } }, ["create_database", "migrate", "make_keys PUBLISHABLE_KEY JWT_SECRET", `set_secrets ${keys}`, "deploy", "check"]);
  check("leaves secrets that are there alone", { found: { databases: DATABASES, secrets: ["SERVICE_KEY"], kept: KEPT } }, ["remember", "migrate", "set_secrets PUBLISHABLE_KEY JWT_SECRET", "deploy", "check"]);
  const others = "SERVICE_KEY PUBLISHABLE_KEY";
  check("needs no secret for tokens where a key set is a variable", { config: { variables: ["JWKS"] } }, ["create_database", "migrate", `make_keys ${others}`, `set_secrets ${others}`, "deploy", "check"]);
  check("or a secret", { found: { secrets: ["JWKS"] } }, ["create_database", "migrate", `make_keys ${others}`, `set_secrets ${others}`, "deploy", "check"]);
  check("goes to the database that wrangler.toml names", { config: { database: { name: "promptmeter", id: ID } }, found: { databases: DATABASES, secrets: ALL } }, ["remember", "migrate", "deploy", "check"]);
});

describe("no plan", () => {
  check("for a database of another account", { config: { database: { name: "promptmeter", id: OTHER } }, found: { databases: DATABASES } }, /wrangler\.toml names the D1 database promptmeter \(2{8}/);
  check("for an account that lacks the database of the last deployment", { found: { last: ID } }, /The last deployment from here was to .*1{8}/);
  check("for one where another database has its name", { found: { databases: DATABASES, last: OTHER } }, /The last deployment from here was to .*2{8}/);
  for (const name of ALL) check(`with ${name} for all to read`, { config: { variables: [name] } }, new RegExp(`wrangler\\.toml has ${name} under`));
  check("with the keys of the development", { found: { kept: { SERVICE_KEY: "known" } } }, /SERVICE_KEY in \.deploy\.keys is the key of the development/);
});

describe("the account", () => {
  const [one, two] = [{ id: "a1", name: "One" }, { id: "a2", name: "Two" }];
  for (const [name, told, wanted, expected] of [
    ["is the only one", { accounts: [one] }, undefined, one],
    ["is the one that is wanted", { accounts: [one, two] }, "a2", two],
    ["may be one that a token cannot list", { accounts: [] }, "a3", { id: "a3", name: "a3" }],
  ]) {
    test(name, () => assert.deepEqual(accountOf({ loggedIn: true, ...told }, wanted), { account: expected }));
  }
  for (const [name, told, expected] of [
    ["is nobody's", { loggedIn: false }, /not logged in.*wrangler login/],
    ["is one of several", { loggedIn: true, accounts: [one, two] }, /CLOUDFLARE_ACCOUNT_ID to one of them: One \(a1\), Two \(a2\)/],
    ["is none", { loggedIn: true, accounts: [] }, /has no account/],
  ]) {
    test(`that ${name} is refused`, () => assert.match(accountOf(told).refusal, expected));
  }
});
