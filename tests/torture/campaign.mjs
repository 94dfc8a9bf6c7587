// A run on one instance: lives that end in a death, with an inspection after each, and a reckoning at the end.
import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { closeSync, openSync, writeSync } from "node:fs";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { SETTINGS, client, service } from "../worker/instance.mjs";
import { Client, Scene, read, readAll } from "./clients.mjs";
import { Inspection } from "./inspection.mjs";
import { Verdict } from "./judging.mjs";
import { Ledger } from "./ledger.mjs";
import { Life } from "./lives.mjs";
import { Random } from "./random.mjs";
import { reckon } from "./reckoning.mjs";
import { Subject } from "./subject.mjs";
import { EXPERIMENTS } from "./workload.mjs";

const PROMPTS = 24;
const USERS = 4;
const READERS = 2;
/** How many lives the same prompt is the hot one. */
const HOT_LIVES = 25;
const CRON_PER_CENT = 30;

export class Campaign {
  verdict = new Verdict();
  deaths = 0;
  /** From the start of workerd to the first write that it acknowledged, in milliseconds, of each life that had one. */
  recoveries = [];

  /**
   * @param folder of its own
   * @param clients how many
   * @param hasIds whether the clients send ids, as they should
   * @param unmount removes the disk on which its state is, where it has one of its own
   * @param front takes the instance's address and gives that of what stands in front of it
   */
  static async begin({ folder, seed, clients, hasIds = true, unmount, front = async (url) => url }) {
    const campaign = new Campaign();
    const subject = await Subject.make(folder);
    const log = openSync(join(folder, "sent.ndjson"), "a");
    const ledger = new Ledger((line) => writeSync(log, `${line}\n`));
    const tokens = Array.from({ length: USERS }, () => randomUUID());
    const secrets = [SETTINGS.PUBLISHABLE_KEY, SETTINGS.SERVICE_KEY, SETTINGS.JWT_SECRET];
    const scene = new Scene({ ledger, verdict: campaign.verdict, secrets, tokens });
    Object.assign(campaign, { subject, ledger, scene, hasIds, unmount, log, url: await front(subject.url) });
    campaign.random = new Random(seed, "lives");
    campaign.readerRandom = new Random(seed, "readers");
    campaign.inspection = new Inspection(subject.state);
    await campaign.#settle();
    campaign.clients = Array.from(
      { length: clients },
      (_, number) => new Client(scene, new Random(seed, `client ${number}`), campaign.prompts, { number, hasIds }),
    );
    return campaign;
  }

  /** Makes the prompts and the experiments. */
  async #settle() {
    const { subject } = this;
    subject.start();
    if (!(await subject.listens)) throw new Error(`workerd did not start: ${subject.lines.join("\n")}`);
    const api = client(subject.url);
    this.prompts = [];
    for (let made = 0; made < PROMPTS; made++) this.prompts.push(await api.prompt());
    for (const [id, { declaration }] of Object.entries(EXPERIMENTS)) {
      if (!declaration) continue;
      const { status, body } = await api.send("PUT", `/v1/experiments/${id}`, { as: service, body: declaration });
      if (status !== 201) throw new Error(`the experiment was answered ${JSON.stringify(body)}`);
    }
    await subject.kill();
  }

  /**
   * A life from the start of workerd to its death, with traffic.
   * @param heat one of `HEATS`
   * @param within a program with arguments that runs workerd
   * @param mayFail whether its disk has faults
   * @param ends what ends it: takes the life, and is over when it is to be killed
   */
  async live({ heat = "calm", within = [], mayFail = false, ends }) {
    const { subject, prompts } = this;
    const hot = prompts[Math.floor(this.deaths / HOT_LIVES) % prompts.length];
    for (const one of this.clients) one.hot = hot;
    subject.start({ heat, within });
    const life = new Life(this.url, () => this.recoveries.push(performance.now() - subject.startedAt));
    life.mayFail = mayFail;
    const traffic = subject.listens.then((isListening) => isListening && this.#traffic(life));
    await Promise.race([ends(life), subject.ended]);
    await subject.kill();
    life.isOn = false;
    await traffic;
    this.deaths++;
    this.inspect();
  }

  async #traffic(life) {
    const { scene, prompts, clients } = this;
    const all = clients.map((one) => one.drive(life));
    for (let reader = 0; reader < READERS; reader++) all.push(read(scene, this.readerRandom, prompts, life));
    all.push(readAll(scene, prompts, life.url));
    if (this.random.perCent(CRON_PER_CENT)) all.push(this.#cron(life, this.random.below(400)));
    await Promise.all(all);
  }

  /** Runs the cron twice at once. */
  async #cron(life, afterMs) {
    await pause(afterMs);
    if (!life.isOn) return;
    await Promise.all([this.subject.cron(), this.subject.cron()].map((run) => run.then((answer) => answer.text()).catch(() => null)));
  }

  /** Looks at the files of the dead instance. */
  inspect() {
    this.inspection.integrity(this.verdict);
    this.inspection.rows(this.ledger, this.verdict);
  }

  /** Compares what the instance tells now with the ledger, without anything in between, and with nothing sent again. */
  async audit() {
    const { subject, ledger, prompts } = this;
    const verdict = new Verdict();
    subject.start();
    if (!(await subject.listens)) throw new Error(`workerd did not start: ${subject.lines.join("\n")}`);
    await readAll({ ...this.scene, verdict, heard: () => {}, ledger }, prompts, subject.url);
    await subject.kill();
    return verdict;
  }

  /** After the last death: nothing is left unanswered, and all that can be compared is. */
  async reckon() {
    await reckon(this);
  }

  get figures() {
    const { ledger, scene, inspection, recoveries, verdict } = this;
    const sorted = recoveries.toSorted((one, other) => one - other);
    const at = (part) => Math.round(sorted[Math.floor(part * (sorted.length - 1))] ?? NaN);
    return {
      deaths: this.deaths,
      attempted: ledger.attempted.total,
      acknowledged: ledger.acknowledged.total,
      requests: scene.requests,
      retries: scene.retries,
      reads: scene.reads,
      databases: inspection.checked,
      shards: inspection.shards,
      failures: Object.fromEntries(scene.failures),
      recovery_ms: { p50: at(0.5), p90: at(0.9), max: at(1) },
      lost: verdict.sum("lost"),
      doubled: verdict.sum("doubled"),
      other: verdict.sum() - verdict.sum("lost") - verdict.sum("doubled"),
    };
  }

  /** Ends what runs at once, when the run itself ends. */
  abandon() {
    this.subject.abandon();
    if (this.unmount) spawnSync("umount", ["--lazy", this.subject.state]);
  }

  /** Ends the instance. What it leaves is kept if wanted, also that of a disk of its own. */
  async end({ isKept = false } = {}) {
    const { subject, unmount } = this;
    if (subject.isAlive) await subject.kill();
    closeSync(this.log);
    if (unmount && isKept) await cp(subject.state, join(subject.folder, "state-left"), { recursive: true });
    await unmount?.();
    if (!isKept) await subject.remove();
  }
}
