// What a deployment has to do, decided from what is there already. Nothing is asked or done here.

/** The id of the database in wrangler.toml as long as nobody has put one there. */
export const NO_DATABASE = "00000000-0000-0000-0000-000000000000";

/** The secrets that an instance needs; without `JWT_SECRET` it may do, if `JWKS` says who signs its tokens. */
const SECRETS = ["SERVICE_KEY", "PUBLISHABLE_KEY", "JWT_SECRET"];

/**
 * The steps of a deployment, in order, or why there can be none.
 *
 * Migrations come before the code that needs them, and keys before it, too: no worker is ever without them.
 *
 * @param config `{name, variables, database: {name, id}}` as wrangler.toml has it; `variables` are the names of `[vars]`
 * @param found what is there:
 *   `databases` `[{name, uuid}]` of the account ·
 *   `secrets` the names of the worker's secrets ·
 *   `kept` the keys that were made here, by name ·
 *   `published` the keys of .dev.vars.example, which everybody knows ·
 *   `last` the id of the database that was deployed to from here, if there is one
 * @returns `{steps}`, each with its `step`, or `{refusal}`, a sentence
 */
export function planOf(config, found) {
  const refusal = whyNot(config, found);
  if (refusal) return { refusal };
  const { name } = config.database;
  const database = found.databases.find((database) => database.name === name);
  const missing = needed(config, found).filter((secret) => !found.secrets.includes(secret));
  const made = missing.filter((secret) => !(secret in found.kept));
  return {
    steps: [
      database ? { step: "remember", database: name } : { step: "create_database", database: name },
      { step: "migrate", database: name },
      ...(made.length ? [{ step: "make_keys", names: made }] : []),
      ...(missing.length ? [{ step: "set_secrets", names: missing }] : []),
      { step: "deploy", worker: config.name },
      { step: "check" },
    ],
  };
}

/** The accounts that a deployment may go to: exactly one, or a sentence why it is none. */
export function accountOf({ loggedIn, accounts = [] }, wanted) {
  if (!loggedIn) return { refusal: "You are not logged in to Cloudflare. Run `npx wrangler login`, or set CLOUDFLARE_API_TOKEN." };
  const named = accounts.map(({ id, name }) => `${name} (${id})`).join(", ");
  if (wanted) {
    const account = accounts.find(({ id }) => id === wanted);
    // A token may be good for an account that it may not list.
    return { account: account ?? { id: wanted, name: wanted } };
  }
  if (accounts.length === 1) return { account: accounts[0] };
  if (!accounts.length) return { refusal: "Your login has no account. Set CLOUDFLARE_ACCOUNT_ID to the id of the account." };
  return { refusal: `Your login has several accounts. Set CLOUDFLARE_ACCOUNT_ID to one of them: ${named}.` };
}

/** One line for each step. */
export function sentenceOf(step) {
  switch (step.step) {
    case "create_database":
      return `create the D1 database ${step.database}`;
    case "remember":
      return `print how to bring the D1 database ${step.database} back to this moment`;
    case "migrate":
      return `apply the migrations that ${step.database} does not have yet`;
    case "make_keys":
      return `make ${step.names.join(", ")}, at random`;
    case "set_secrets":
      return `set the secrets ${step.names.join(", ")}, which the worker does not have`;
    case "deploy":
      return `deploy the worker ${step.worker} with its static files`;
    case "check":
      return "count a view of a private prompt, twice under one id, and remove the prompt";
  }
}

/** The names of the secrets that this instance needs. */
function needed({ variables }, { secrets }) {
  const hasKeySet = variables.includes("JWKS") || secrets.includes("JWKS");
  return SECRETS.filter((name) => name !== "JWT_SECRET" || !hasKeySet);
}

function whyNot(config, { databases, kept, published, last }) {
  const { name, id } = config.database;
  const open = SECRETS.filter((secret) => config.variables.includes(secret));
  if (open.length) return `wrangler.toml has ${open.join(", ")} under [vars], where anybody can read it. Take it out: it has to be a secret.`;
  const known = Object.keys(kept).filter((secret) => kept[secret] && Object.values(published).includes(kept[secret]));
  if (known.length) return `${known.join(", ")} in .deploy.keys is the key of the development, which is public. Take the line out, and another one is made.`;
  const database = databases.find((database) => database.name === name);
  if (id !== NO_DATABASE && database?.uuid !== id) {
    return `wrangler.toml names the D1 database ${name} (${id}), which this account does not have. Log in to the account that has it, or write ${NO_DATABASE} as database_id to have one made.`;
  }
  if (last && database?.uuid !== last) {
    return `The last deployment from here was to the D1 database ${name} (${last}), which this account does not have. Log in to the account that has it. To begin anew with an empty database, remove wrangler.deploy.toml.`;
  }
}
