// The release build straight on workerd, as `make serve` runs it: with files that can be read when it has ended.
import { execFile, spawn } from "node:child_process";
import { mkdtemp, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { promisify } from "node:util";
import { ROOT, SETTINGS, client } from "./instance.mjs";

/** Two ports next to each other that nobody listens on. */
async function freePorts() {
  const listen = (port) =>
    new Promise((resolve, reject) => {
      const server = createServer().on("error", reject);
      server.listen(port, "127.0.0.1", () => resolve(server));
    });
  for (;;) {
    const first = await listen(0);
    const { port } = first.address();
    const second = await listen(port + 1).catch(() => null);
    first.close();
    second?.close();
    if (second) return port;
  }
}

/** The release build straight on workerd, as `make serve` runs it, with settings and state of its own. */
export class Served {
  static async make() {
    const folder = await mkdtemp(join(tmpdir(), "promptmeter-"));
    for (const name of ["wrangler.toml", "build", "migrations", "public"]) await symlink(join(ROOT, name), join(folder, name));
    const settings = Object.entries(SETTINGS).map(([name, value]) => `${name}="${value}"\n`);
    await writeFile(join(folder, ".dev.vars"), settings.join(""));
    const served = new Served();
    Object.assign(served, { folder, state: join(folder, "state"), port: await freePorts() });
    const wrangler = join(ROOT, "node_modules/wrangler/bin/wrangler.js");
    const migrate = ["d1", "migrations", "apply", "promptmeter", "--local", "--persist-to", served.state];
    const running = promisify(execFile)(process.execPath, [wrangler, ...migrate], { cwd: folder });
    running.child.stdin.end();
    await running;
    return served;
  }

  /** Starts workerd, with the static files if wanted, and gives a client. */
  async start({ assets = false } = {}) {
    const serve = [join(ROOT, "scripts/serve.mjs"), String(this.port), this.state, ...(assets ? ["--assets"] : [])];
    this.server = spawn(process.execPath, serve, { cwd: this.folder, stdio: ["ignore", "pipe", "pipe"] });
    const output = [];
    this.server.stderr.on("data", (data) => output.push(data));
    for await (const line of createInterface({ input: this.server.stdout })) {
      output.push(`${line}\n`);
      const ready = /process (\d+)/.exec(line);
      if (ready) {
        this.workerd = Number(ready[1]);
        const url = `http://127.0.0.1:${this.port}`;
        return { ...client(url), url };
      }
    }
    throw new Error(`the server ended: ${output.join("")}`);
  }

  /** Kills workerd without a warning. */
  async kill() {
    const ended = new Promise((resolve) => this.server.once("exit", resolve));
    process.kill(this.workerd, "SIGKILL");
    await ended;
    this.server = null;
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
