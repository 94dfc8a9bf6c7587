// The keys of the deployed instance, as long as they are kept here: .deploy.keys, which git ignores and only its owner reads.
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { parseEnv } from "node:util";

/** Where the keys are. */
export const KEYS_FILE = ".deploy.keys";

const KEY_BYTES = 32;

/** The keys that are kept, by name. */
export function keptKeys() {
  return existsSync(KEYS_FILE) ? parseEnv(readFileSync(KEYS_FILE, "utf8")) : {};
}

/** Makes a key for each of these names, at random, and keeps it beside the others. They are on disk before anybody uses one. */
export function makeKeys(names) {
  const made = names.map((name) => `${name}="${randomBytes(KEY_BYTES).toString("base64url")}"\n`);
  const before = existsSync(KEYS_FILE) ? readFileSync(KEYS_FILE, "utf8").replace(/[^\n]$/, "$&\n") : "# Keys of the deployed instance.\n";
  const written = `${KEYS_FILE}.new`;
  writeFileSync(written, before + made.join(""), { mode: 0o600, flush: true });
  chmodSync(written, 0o600);
  renameSync(written, KEYS_FILE);
}
