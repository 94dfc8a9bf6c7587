// `make deploy` from the first time on, against an account that tests/deploy/wrangler.mjs plays and the built worker on workerd.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmod, copyFile, mkdir, mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, describe, test } from "node:test";
import { parseEnv } from "node:util";
import { ROOT, start } from "../worker/instance.mjs";

const ID = "11111111-1111-4111-8111-111111111111";
const ACCOUNT = { id: "a1", name: "An account" };
const ALL = ["SERVICE_KEY", "PUBLISHABLE_KEY", "JWT_SECRET"];
const NOWHERE = "http://127.0.0.1:9"; // discard: nobody listens there

/** A copy of what `make deploy` needs, with an account of its own that has nothing yet. */
async function make(account = {}) {
  const folder = await mkdtemp(join(tmpdir(), "promptmeter-deploy-"));
  after(() => rm(folder, { recursive: true, force: true }));
  for (const name of ["wrangler.toml", ".dev.vars.example"]) await copyFile(join(ROOT, name), join(folder, name));
  for (const name of ["build", "migrations", "public", "src", "browser"]) await symlink(join(ROOT, name), join(folder, name));
  const programs = join(folder, "programs");
  await mkdir(programs);
  await writeFile(join(programs, "wrangler"), `#!/bin/sh\nexec "${process.execPath}" "${join(ROOT, "tests/deploy/wrangler.mjs")}" "$@"\n`);
  await chmod(join(programs, "wrangler"), 0o755);
  const file = join(folder, "account.json");
  const read = async () => JSON.parse(await readFile(file, "utf8"));
  const change = async (more) => writeFile(file, JSON.stringify({ ...(await read()), ...more }));
  await writeFile(file, JSON.stringify({ accounts: [ACCOUNT], databases: [], secrets: {}, next: ID, calls: [], ...account }));

  return {
    folder,
    change,
    account: read,
    keys: async () => parseEnv(await readFile(join(folder, ".deploy.keys"), "utf8")),

    /** Deploys, and gives how that ended, what it said, and which calls of wrangler it took. */
    async deploy(...options) {
      await change({ calls: [] });
      const { CLOUDFLARE_ACCOUNT_ID: _, ...env } = process.env;
      const child = spawn(process.execPath, [join(ROOT, "scripts/deploy.mjs"), "--patience", "1", ...options], {
        cwd: folder,
        env: { ...env, PATH: `${programs}:${process.env.PATH}`, ACCOUNT: file },
        stdio: ["ignore", "pipe", "pipe"],
      });
      const closed = new Promise((resolve) => child.on("close", resolve));
      const [code, output, errors] = await Promise.all([closed, text(child.stdout), text(child.stderr)]);
      const { calls } = await read();
      // What only asks changes nothing.
      const done = calls.map(({ command }) => command).filter((command) => !/^(whoami|d1 list|d1 time-travel info|secret list)/.test(command));
      return { code, said: output + errors, calls, done: done.map((command) => command.replace(/ --config .*/, "")) };
    },
  };
}

const MIGRATE = "d1 migrations apply promptmeter --remote";

describe("make deploy", { concurrency: true }, () => {
  test("stops in the middle, goes on from there, and changes nothing more when it is repeated", async () => {
    const { folder, change, account, deploy, keys } = await make({ fails: "deploy" });

    const stopped = await deploy("--url", NOWHERE);
    assert.equal(stopped.code, 1, stopped.said);
    assert.deepEqual(stopped.done, ["d1 create promptmeter", MIGRATE, "secret bulk", "deploy"]);
    assert.match(stopped.said, /wrangler could not deploy the worker.*\n.*run make deploy again: it goes on from here/);
    const made = await keys();
    assert.deepEqual(Object.keys(made).sort(), ALL.toSorted());
    assert.equal(new Set(Object.values(made)).size, ALL.length);
    for (const key of Object.values(made)) assert.ok(Buffer.from(key, "base64url").length === 32 && !stopped.said.includes(key));
    assert.deepEqual((await account()).secrets, made);
    assert.equal((await stat(join(folder, ".deploy.keys"))).mode & 0o777, 0o600);

    const worker = await start(made);
    await change({ fails: undefined });
    const resumed = await deploy("--url", worker.url);
    assert.equal(resumed.code, 0, resumed.said);
    assert.deepEqual(resumed.done, [MIGRATE, "deploy"]);
    assert.match(resumed.said, /is well: a view was counted once/);
    assert.match(resumed.said, /time-travel restore promptmeter --bookmark=00000085-/);
    const { deployed } = await account();
    assert.ok(deployed.includes(`database_id = "${ID}"`) && deployed.includes("crons = "));

    const repeated = await deploy("--url", worker.url);
    assert.deepEqual([repeated.code, repeated.done], [0, [MIGRATE, "deploy"]], repeated.said);
    assert.deepEqual([await keys(), (await account()).secrets], [made, made]);
    for (const table of ["prompts", "users"]) assert.deepEqual(await worker.sql(`select id from ${table}`), [], table);
    for (const { command, account: named } of repeated.calls) {
      if (!command.startsWith("whoami")) assert.equal(named, ACCOUNT.id, command);
    }
    for (const key of Object.values(made)) assert.ok(!JSON.stringify([resumed, repeated]).includes(key));
  });

  test("leaves no file behind that git does not ignore, and wrangler.toml as it is", async () => {
    const { folder, deploy } = await make();
    await deploy("--url", NOWHERE);
    assert.equal(await readFile(join(folder, "wrangler.toml"), "utf8"), await readFile(join(ROOT, "wrangler.toml"), "utf8"));
    const ignored = (await readFile(join(ROOT, ".gitignore"), "utf8")).split("\n");
    const written = (await readdir(folder)).filter((name) => /deploy/.test(name));
    assert.deepEqual(written.sort(), [".deploy.keys", "wrangler.deploy.toml"]);
    for (const name of written) assert.ok(ignored.includes(`/${name}`), name);
  });

  for (const [name, given, { calls, said }] of [
    ["without a login", { accounts: undefined }, { calls: ["whoami --json"], said: /not logged in to Cloudflare\. Run `npx wrangler login`/ }],
    ["with two accounts to choose from", { accounts: [ACCOUNT, { id: "a2", name: "Other" }] }, { calls: ["whoami --json"], said: /Set CLOUDFLARE_ACCOUNT_ID to one of them: An account \(a1\), Other \(a2\)/ }],
  ]) {
    test(`${name} it stops before it does anything`, async () => {
      const { deploy } = await make(given);
      const stopped = await deploy();
      assert.equal(stopped.code, 1);
      assert.deepEqual(stopped.calls.map(({ command }) => command), calls);
      assert.match(stopped.said, said);
    });
  }

  for (const [fails, said, done] of [
    ["d1 list", /could not list the D1 databases: .*request to the Cloudflare API failed/, []],
    ["d1 create", /could not create the D1 database promptmeter/, ["d1 create promptmeter"]],
    ["d1 migrations", /could not apply the migrations to promptmeter/, ["d1 create promptmeter", MIGRATE]],
    ["secret list", /could not list the secrets/, []],
    ["secret bulk", /could not set the secrets/, ["d1 create promptmeter", MIGRATE, "secret bulk"]],
  ]) {
    test(`stops where wrangler ${fails} fails`, async () => {
      const { deploy } = await make({ fails });
      const stopped = await deploy();
      assert.deepEqual([stopped.code, stopped.done], [1, done], stopped.said);
      assert.match(stopped.said, said);
    });
  }

  test("says so when the instance does not answer", async () => {
    const { deploy } = await make();
    const { code, said } = await deploy("--url", NOWHERE);
    assert.equal(code, 1);
    assert.match(said, /is deployed and does not answer as it should\. http:\/\/127\.0\.0\.1:9\/healthz answers nothing/);
  });

  test("a database that the account has is found by its name, and keys that the worker has are left alone", async () => {
    const secrets = Object.fromEntries(ALL.map((name) => [name, "of before"]));
    const { account, deploy, folder } = await make({ worker: true, secrets, databases: [{ name: "promptmeter", uuid: ID }] });
    const { url } = await start();
    const { code, said, done } = await deploy("--url", url);
    assert.deepEqual([code, done], [0, [MIGRATE, "deploy"]], said);
    assert.match(said, /No view was counted: that needs SERVICE_KEY/);
    assert.deepEqual((await account()).secrets, secrets);
    await assert.rejects(stat(join(folder, ".deploy.keys")));
  });

  test("keys that are not the worker's are noticed", async () => {
    const { folder, deploy } = await make();
    await writeFile(join(folder, ".deploy.keys"), 'SERVICE_KEY="of another instance"\n');
    const { url } = await start();
    const { code, said } = await deploy("--url", url);
    assert.equal(code, 1);
    assert.match(said, /could not import a prompt: it answers 401/);
  });

  test("a dry run tells the plan and does nothing of it", async () => {
    const { folder, deploy } = await make();
    const { said, done } = await deploy("--dry-run");
    assert.match(said, /What make deploy would do in the account An account:\n {2}1\. create the D1 database promptmeter\n {2}2\. apply/);
    assert.ok(done.every((command) => /--local|--dry-run/.test(command)), done.join());
    assert.deepEqual((await readdir(folder)).filter((name) => /^(\.deploy|wrangler\.deploy)/.test(name)), []);
  });
});
