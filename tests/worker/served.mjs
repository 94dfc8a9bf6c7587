// The release build straight on workerd, as `make serve` runs it: with files that can be read when it has ended.
import { spawn } from "node:child_process";
import { mkdtemp, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { freePorts } from "../../scripts/ports.mjs";
import { SETTINGS, client } from "./instance.mjs";
import { ROOT, copyState } from "./tested.mjs";

/** The release build straight on workerd, as `make serve` runs it, with settings and state of its own. */
export class Served {
  /** `more` are settings beside those of every instance. */
  static async make(more = {}) {
    const folder = await mkdtemp(join(tmpdir(), "promptmeter-"));
    for (const name of ["wrangler.toml", "build", "public"]) await symlink(join(ROOT, name), join(folder, name));
    const settings = Object.entries({ ...SETTINGS, ...more }).map(([name, value]) => `${name}="${value}"\n`);
    await writeFile(join(folder, ".dev.vars"), settings.join(""));
    const served = new Served();
    Object.assign(served, { folder, state: join(folder, "state"), port: await freePorts(), lines: [] });
    copyState(served.state);
    return served;
  }

  /** Starts workerd, with the static files if wanted, and gives a client. What it writes comes to `lines`. */
  async start({ assets = false } = {}) {
    const serve = [join(ROOT, "scripts/serve.mjs"), String(this.port), this.state, ...(assets ? ["--assets"] : [])];
    this.server = spawn(process.execPath, serve, { cwd: this.folder, stdio: ["ignore", "pipe", "pipe"] });
    this.workerd = await new Promise((resolve, reject) => {
      this.server.once("close", () => reject(new Error(`the server ended: ${this.lines.join("\n")}`)));
      for (const output of [this.server.stdout, this.server.stderr]) {
        createInterface({ input: output }).on("line", (line) => {
          this.lines.push(line);
          const ready = /workerd, process (\d+)/.exec(line);
          if (ready) resolve(Number(ready[1]));
        });
      }
    });
    return { ...client(this.url), url: this.url };
  }

  /** Kills workerd without a warning. */
  async kill() {
    const ended = new Promise((resolve) => this.server.once("exit", resolve));
    process.kill(this.workerd, "SIGKILL");
    await ended;
    this.server = null;
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  cron() {
    return fetch(`http://127.0.0.1:${this.port + 1}/__scheduled?cron=*/5+*+*+*+*`);
  }

  /** The rows that a statement gives in the database, while nobody runs. */
  sql(statement) {
    return this.#inFiles("v3/d1/miniflare-D1DatabaseObject", statement);
  }

  /** The rows that a statement gives in the counters, while nobody runs. */
  counters(statement) {
    return this.#inFiles("v3/do/promptmeter-PromptCounter", statement);
  }

  /** How many shards of counters there have been. */
  async shards() {
    const files = await readdir(join(this.state, "v3/do/promptmeter-CounterShard")).catch(() => []);
    return files.filter((name) => name.endsWith(".sqlite")).length;
  }

  /** What is in the files of D1 and of the objects. */
  async files() {
    const all = await readdir(join(this.state, "v3"), { recursive: true, withFileTypes: true });
    return Promise.all(all.filter((file) => file.isFile()).map((file) => readFile(join(file.parentPath, file.name))));
  }

  async #inFiles(folder, statement) {
    const files = (await readdir(join(this.state, folder))).filter((name) => /^[0-9a-f]{64}\.sqlite$/.test(name));
    return files.flatMap((file) => {
      const database = new DatabaseSync(join(this.state, folder, file));
      try {
        return database.prepare(statement).all();
      } finally {
        database.close();
      }
    });
  }

  async end() {
    if (this.server) await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }
}
