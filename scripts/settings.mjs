// The settings of the local instance, and how a script says that it cannot go on.
import { existsSync, readFileSync } from "node:fs";
import { parseEnv } from "node:util";

/** The settings in .dev.vars, by name. */
export function settings() {
  if (!existsSync(".dev.vars")) fail("There is no .dev.vars: make dev writes it");
  return parseEnv(readFileSync(".dev.vars", "utf8"));
}

/** The key of the service: of the environment, or else of the local instance. It is never an argument, which others can read. */
export function serviceKey() {
  const key = process.env.SERVICE_KEY || settings().SERVICE_KEY;
  if (!key) fail("SERVICE_KEY is neither in the environment nor in .dev.vars");
  return key;
}

/** Says why and ends. */
export function fail(message) {
  console.error(message);
  process.exit(1);
}
