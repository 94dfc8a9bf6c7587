// The instance that is tortured: the release build on workerd as `make serve` runs it, on a state that outlives its deaths.
import { readFileSync } from "node:fs";
import { mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { freePorts } from "../../scripts/ports.mjs";
import { configure, launch, listening } from "../../scripts/workerd.mjs";
import { SETTINGS } from "../worker/instance.mjs";
import { ROOT, copyState } from "../worker/tested.mjs";

const LINES_KEPT = 200;
/** Commands a second that make a counter spread: those of a deployed worker, and so few that the traffic does. */
const HEATS = { calm: "1000", hot: "5" };

/** What an instance needs beside its state. */
async function furnish(folder, heat) {
  await mkdir(folder, { recursive: true });
  for (const name of ["wrangler.toml", "build", "public"]) {
    await symlink(join(ROOT, name), join(folder, name)).catch((error) => error.code === "EEXIST" || Promise.reject(error));
  }
  const settings = Object.entries({ ...SETTINGS, HOT_COMMANDS_PER_SECOND: heat, RANKING_INTERVAL: "5" });
  await writeFile(join(folder, ".dev.vars"), settings.map(([name, value]) => `${name}="${value}"\n`).join(""));
}

export class Subject {
  /** The last lines that it wrote. */
  lines = [];
  #configurations = {};
  #workerd;

  /** An instance in `folder`; the folder `state` in it may be there, and be empty. */
  static async make(folder) {
    const subject = new Subject();
    Object.assign(subject, { folder, state: join(folder, "state"), port: await freePorts() });
    await mkdir(folder, { recursive: true });
    copyState(subject.state);
    for (const [heat, commands] of Object.entries(HEATS)) {
      await furnish(folder, commands);
      const file = join(subject.state, `${heat}.capnp`);
      await rename(await configure(folder, subject.port, subject.state), file);
      subject.#configurations[heat] = file;
    }
    return subject;
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Starts workerd, within another program if wanted. */
  start({ heat = "calm", within = [] } = {}) {
    const workerd = launch(this.#configurations[heat], { within, output: "pipe" });
    this.#workerd = workerd;
    this.isWithin = within.length > 0;
    this.startedAt = performance.now();
    this.ended = new Promise((resolve) => workerd.once("close", resolve));
    for (const output of [workerd.stdout, workerd.stderr]) {
      createInterface({ input: output }).on("line", (line) => {
        this.lines.push(line);
        if (this.lines.length > LINES_KEPT) this.lines.shift();
      });
    }
    this.listens = listening(workerd).catch(() => false);
  }

  get isAlive() {
    return this.#workerd.exitCode === null && this.#workerd.signalCode === null;
  }

  /** Kills workerd without a warning, and waits for its end; whoever runs it ends with it. */
  async kill() {
    this.abandon();
    await this.ended;
  }

  /** The same without waiting. */
  abandon() {
    if (!this.#workerd || !this.isAlive) return;
    if (this.isWithin) this.#killChildren();
    else this.#workerd.kill("SIGKILL");
  }

  #killChildren() {
    const { pid } = this.#workerd;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
    if (children === "") this.#workerd.kill("SIGKILL");
    for (const child of children.split(" ").filter(Boolean)) process.kill(Number(child), "SIGKILL");
  }

  cron() {
    return fetch(`http://127.0.0.1:${this.port + 1}/__scheduled?cron=*/5+*+*+*+*`);
  }

  async remove() {
    await rm(this.folder, { recursive: true, force: true });
  }
}
