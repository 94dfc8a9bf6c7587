// wrangler.toml and what is deployed by: the same text with the id of the database, in a file that git ignores.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { unstable_readConfig as readConfig } from "wrangler";
import { NO_DATABASE } from "./plan.mjs";

/** The configuration that the repository has. */
export const CONFIGURATION = "wrangler.toml";
/** The one that is deployed by. */
export const DEPLOYED = "wrangler.deploy.toml";

/** What `planOf` needs of wrangler.toml. */
export function configuration(file = CONFIGURATION) {
  const { name, account_id, vars, d1_databases } = readConfig({ config: file });
  const [{ database_name, database_id }] = d1_databases;
  return { name, account: account_id, variables: Object.keys(vars), database: { name: database_name, id: database_id } };
}

/** The id of the database that was deployed to from here, if there is one. */
export function lastDatabase() {
  return existsSync(DEPLOYED) ? configuration(DEPLOYED).database.id : undefined;
}

/** Writes the configuration to deploy by: wrangler.toml as it is now, with this database. */
export function writeConfiguration(id) {
  const text = readFileSync(CONFIGURATION, "utf8").replaceAll(NO_DATABASE, id);
  writeFileSync(DEPLOYED, `# Written by make deploy from ${CONFIGURATION}, where changes belong.\n${text}`);
}
