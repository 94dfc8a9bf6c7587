// What is asked of wrangler and done by it: one function for each command, as the wrangler in PATH has it.
//
// wrangler is never asked a question that it could put to a person: its input is closed, or has the secrets.
import { spawn } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomUUID } from "node:crypto";

/** A command that failed, with what it was for. What wrangler said about it stands above. */
export class Failed extends Error {}

/** The wrangler that works with this configuration file. */
export class Wrangler {
  #config;

  constructor(config) {
    this.#config = config;
  }

  /** Who is logged in: `{loggedIn, accounts: [{id, name}]}`. */
  async whoami() {
    const { output, errors } = await run(["whoami", "--json"], { isQuiet: true });
    const told = jsonIn(output);
    if (told) return told;
    throw new Failed(`wrangler could not say who is logged in: ${lastLine(errors || output)}`);
  }

  /** The D1 databases of the account: `[{name, uuid}]`. */
  async databases() {
    return this.#ask("list the D1 databases", ["d1", "list", "--json"]);
  }

  /** The names of the worker's secrets; none, if there is no such worker yet. */
  async secrets() {
    const { code, output, errors } = await run(["secret", "list", "--format", "json", ...this.#with()], { isQuiet: true });
    if (code !== 0 && /Worker "[^"]*"[^\n]* not found\./.test(errors + output)) return [];
    const told = code === 0 && jsonIn(output);
    if (told) return told.map(({ name }) => name);
    throw new Failed(`wrangler could not list the secrets of the worker: ${lastLine(errors || output)}`);
  }

  /** The bookmark of D1's Time Travel for now. */
  async bookmark(database) {
    return (await this.#ask("tell the database's bookmark", ["d1", "time-travel", "info", database, "--json"])).bookmark;
  }

  async createDatabase(database) {
    await this.#do(`create the D1 database ${database}`, ["d1", "create", database]);
  }

  /** Applies the migrations that are missing. */
  async migrate(database) {
    await this.#do(`apply the migrations to ${database}`, ["d1", "migrations", "apply", database, "--remote"]);
  }

  /** Applies all migrations to a new database in this folder; says something only if that fails. */
  async rehearseMigrations(database, folder) {
    const command = ["d1", "migrations", "apply", database, "--local", "--persist-to", folder];
    const { code, output, errors } = await run([...command, ...this.#with()], { isQuiet: true });
    if (code !== 0) throw new Failed(`The migrations do not apply to an empty database: ${lastLine(errors || output)}`);
  }

  /** Sets secrets, by name. They go through wrangler's input: no file and no list of processes shows them. */
  async setSecrets(secrets) {
    await this.#do("set the secrets", ["secret", "bulk"], { input: JSON.stringify(secrets) });
  }

  /** Deploys, and gives what the worker answers for: addresses, routes, schedules. */
  async deploy() {
    const report = join(tmpdir(), `promptmeter-deploy-${randomUUID()}.ndjson`);
    try {
      await this.#do("deploy the worker", ["deploy"], { env: { WRANGLER_OUTPUT_FILE_PATH: report } });
      const lines = readFileSync(report, "utf8").trim().split("\n").map((line) => JSON.parse(line));
      return lines.findLast(({ type }) => type === "deploy")?.targets ?? [];
    } finally {
      rmSync(report, { force: true });
    }
  }

  /** Bundles the worker as `deploy` does, and keeps it here. */
  async rehearse() {
    await this.#do("bundle the worker", ["deploy", "--dry-run"]);
  }

  async #ask(what, command) {
    const { code, output, errors } = await run([...command, ...this.#with()], { isQuiet: true });
    const told = code === 0 && jsonIn(output);
    if (!told) throw new Failed(`wrangler could not ${what}: ${lastLine(errors || output)}`);
    return told;
  }

  async #do(what, command, options) {
    const { code } = await run([...command, ...this.#with()], options);
    if (code !== 0) throw new Failed(`wrangler could not ${what}; what it said stands above.`);
  }

  #with() {
    return ["--config", this.#config];
  }
}

function run(command, { isQuiet = false, input, env = {} } = {}) {
  const shown = isQuiet ? "pipe" : "inherit";
  const child = spawn("wrangler", command, {
    stdio: [input === undefined ? "ignore" : "pipe", shown, shown],
    env: { ...process.env, WRANGLER_SEND_METRICS: "false", WRANGLER_HIDE_BANNER: "true", ...env },
  });
  if (input !== undefined) child.stdin.end(input);
  let [output, errors] = ["", ""];
  child.stdout?.setEncoding("utf8").on("data", (text) => (output += text));
  child.stderr?.setEncoding("utf8").on("data", (text) => (errors += text));
  return new Promise((resolve, reject) => {
    child.on("error", (error) => reject(new Failed(`wrangler cannot be run: ${error.message}. Run make setup.`)));
    child.on("close", (code) => resolve({ code, output, errors }));
  });
}

/** The JSON in an output; wrangler may write warnings before it. */
function jsonIn(output) {
  const start = output.search(/^[[{]/m);
  if (start < 0) return undefined;
  try {
    return JSON.parse(output.slice(start));
  } catch {
    return undefined;
  }
}

const lastLine = (text) => text.trim().split("\n").findLast((line) => /\w/.test(line))?.trim() ?? "it said nothing";
