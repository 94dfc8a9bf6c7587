// Deploys to Cloudflare all that an instance needs: node scripts/deploy.mjs [--dry-run] [--url https://…] [--patience SECONDS]
//
// It asks what is there, plans what is missing, and does that; so it may be repeated, and goes on where it was interrupted.
// --dry-run changes nothing: it prints the plan, and tries the migrations and the bundle here. --url is where the instance
// answers, if it is not on workers.dev; --patience how long it may take until it does.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs, parseEnv } from "node:util";
import { checkCounting, untilHealthy } from "./deploy/check.mjs";
import { CONFIGURATION, DEPLOYED, configuration, lastDatabase, writeConfiguration } from "./deploy/configuration.mjs";
import { KEYS_FILE, keptKeys, makeKeys } from "./deploy/keys.mjs";
import { accountOf, planOf, sentenceOf } from "./deploy/plan.mjs";
import { Failed, Wrangler } from "./deploy/wrangler.mjs";
import { fail } from "./settings.mjs";

const EMPTY = { databases: [], secrets: [] };

const { values: options } = parseArgs({
  options: { "dry-run": { type: "boolean" }, url: { type: "string" }, patience: { type: "string", default: "120" } },
});
const config = configuration();

/** What is kept here, whatever the account has. */
const here = () => ({
  kept: keptKeys(),
  published: parseEnv(readFileSync(".dev.vars.example", "utf8")),
  last: lastDatabase(),
});

async function accountHas(wrangler) {
  return { databases: await wrangler.databases(), secrets: await wrangler.secrets() };
}

/** The account; wrangler takes the same one from then on. */
function choose(told) {
  const { account, refusal } = accountOf(told, process.env.CLOUDFLARE_ACCOUNT_ID ?? config.account);
  if (refusal) throw new Failed(refusal);
  process.env.CLOUDFLARE_ACCOUNT_ID = account.id;
  return account;
}

function planned(found) {
  const { steps, refusal } = planOf(config, found);
  if (refusal) throw new Failed(refusal);
  steps.forEach((step, index) => console.log(`  ${index + 1}. ${sentenceOf(step)}`));
  return steps;
}

async function dryRun() {
  const wrangler = new Wrangler(CONFIGURATION);
  const told = await wrangler.whoami();
  if (told.loggedIn) {
    console.log(`What make deploy would do in the account ${choose(told).name}:`);
    planned({ ...(await accountHas(wrangler)), ...here() });
  } else {
    console.log("Nobody is logged in to Cloudflare. What make deploy would do in an account that is empty:");
    planned({ ...EMPTY, ...here(), last: undefined });
  }
  const folder = mkdtempSync(join(tmpdir(), "promptmeter-"));
  try {
    await wrangler.rehearseMigrations(config.database.name, folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
  console.log("The migrations apply to an empty database.");
  await wrangler.rehearse();
  console.log("Nothing was changed.");
}

async function deploy() {
  const asking = new Wrangler(CONFIGURATION);
  const account = choose(await asking.whoami());
  console.log(`Deploying to the account ${account.name}:`);
  const found = { ...(await accountHas(asking)), ...here() };
  const steps = planned(found);
  const database = found.databases.find(({ name }) => name === config.database.name);
  if (database) writeConfiguration(database.uuid);
  let targets = [];
  for (const step of steps) {
    console.log(`\n== ${sentenceOf(step)}`);
    if (step.step === "deploy") targets = await new Wrangler(DEPLOYED).deploy();
    else await perform(step, targets);
  }
  tell(targets);
}

/** Does one step; `targets` are what the worker answers for, once it is deployed. */
async function perform(step, targets) {
  const wrangler = new Wrangler(DEPLOYED);
  switch (step.step) {
    case "create_database": {
      const asking = new Wrangler(CONFIGURATION);
      await asking.createDatabase(step.database);
      const made = (await asking.databases()).find(({ name }) => name === step.database);
      if (!made) throw new Failed(`The D1 database ${step.database} was created, and is not listed yet.`);
      return writeConfiguration(made.uuid);
    }
    case "remember":
      return console.log(`npx wrangler d1 time-travel restore ${step.database} --bookmark=${await wrangler.bookmark(step.database)}`);
    case "migrate":
      return wrangler.migrate(step.database);
    case "make_keys":
      makeKeys(step.names);
      return console.log(`They are in ${KEYS_FILE}, which only you can read and git ignores. Put them where you keep passwords.`);
    case "set_secrets": {
      const kept = keptKeys();
      return wrangler.setSecrets(Object.fromEntries(step.names.map((name) => [name, kept[name]])));
    }
    case "check":
      return check(addressOf(targets));
  }
}

/** Where the instance answers: the address that was given, a custom domain, or that on workers.dev. */
function addressOf(targets) {
  const domain = targets.map((target) => /^(?:https:\/\/)?([^/*\s]+) \(custom domain\b/.exec(target)?.[1]).find(Boolean);
  return options.url?.replace(/\/$/, "") ?? (domain ? `https://${domain}` : targets.find((target) => /^https:\/\/[^/]+\.workers\.dev$/.test(target)));
}

async function check(origin) {
  if (!origin) throw new Failed("The worker is deployed, and wrangler told no address of it. Say where it answers: make deploy URL=https://…");
  const unhealthy = await untilHealthy(origin, Number(options.patience) * 1000);
  if (unhealthy) throw new Failed(`The worker is deployed and does not answer as it should. ${unhealthy}`);
  const { SERVICE_KEY } = keptKeys();
  if (!SERVICE_KEY) {
    return console.log(`${origin}/healthz is well. No view was counted: that needs SERVICE_KEY, which is not in ${KEYS_FILE}.`);
  }
  const wrong = await checkCounting(origin, SERVICE_KEY);
  if (wrong) throw new Failed(`The worker is deployed and does not count as it should. ${wrong}`);
  console.log(`${origin} is well: a view was counted once.`);
}

function tell(targets) {
  const origin = addressOf(targets);
  console.log(`\nDeployed ${config.name}:`);
  for (const target of targets) console.log(`  ${target}`);
  console.log(`Library ${origin}/, dashboard ${origin}/dashboard (it asks for SERVICE_KEY), health ${origin}/healthz.`);
  console.log("Next: import your prompts, and put the script into your pages (docs/operating.md, From account to first event).");
}

try {
  await (options["dry-run"] ? dryRun() : deploy());
} catch (error) {
  if (!(error instanceof Failed)) throw error;
  fail(`\n${error.message}\n${options["dry-run"] ? "Nothing was changed." : "Once that is right, run make deploy again: it goes on from here."}`);
}
