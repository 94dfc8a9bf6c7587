// Kills the built worker again and again while clients use it, and judges what is left.
// node tests/torture/torture.mjs --kills 1000 --clients 16 --seed 1 [--faults off] [--fault-rounds 5] [--control-kills 6] [--folder DIR]
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { freePorts } from "../../scripts/ports.mjs";
import { Campaign } from "./campaign.mjs";
import { isTracing, liveOnFullDisk, liveWith, mountDisk, plans } from "./faults.mjs";
import { KINDS } from "./judging.mjs";
import { endOf, planLife } from "./lives.mjs";

const LOG_EVERY_MS = 15_000;
const FINDINGS_SHOWN = 20;
/** A death takes nothing with it that was handed to the kernel, so a state in memory is as good as one on a disk. */
const MEMORY = "/dev/shm";

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "1000" },
    clients: { type: "string", default: "16" },
    seed: { type: "string", default: String(Date.now()) },
    faults: { type: "string", default: "on" },
    "fault-rounds": { type: "string", default: "5" },
    "control-kills": { type: "string", default: "6" },
    folder: { type: "string", default: existsSync(MEMORY) ? MEMORY : tmpdir() },
  },
});
const { seed } = values;
const [kills, clients, faultRounds, controlKills] = ["kills", "clients", "fault-rounds", "control-kills"].map((name) => Number(values[name]));
const areNumbers = [kills, clients, faultRounds, controlKills].every((number) => Number.isInteger(number) && number > 0);
if (!areNumbers || !["on", "off"].includes(values.faults)) {
  console.error("KILLS, CLIENTS and ROUNDS are whole numbers from 1 on, FAULTS is on or off");
  process.exit(2);
}

const folder = mkdtempSync(join(values.folder, "promptmeter-torture-"));
const wrong = [];
const undo = [];
const open = new Set();
const say = (text) => console.log(text);

// Asked to stop, a run judges what it has so far; asked once more, it breaks off.
let isInterrupted = false;
process.on("SIGINT", () => {
  if (isInterrupted) process.exit(1);
  isInterrupted = true;
});
process.on("SIGTERM", () => process.exit(1));
process.on("exit", () => {
  for (const campaign of open) campaign.abandon();
});

/** Begins a run in a folder of its own. */
async function begin(name, more) {
  const campaign = await Campaign.begin({ folder: join(folder, name), seed: `${seed}/${name}`, clients, ...more });
  open.add(campaign);
  return campaign;
}

/** Ends a run, and says what was wrong. Its folder stays where something was. */
async function conclude(name, campaign) {
  const { findings } = campaign.verdict;
  for (const { kind, place, amount, detail } of findings.slice(0, FINDINGS_SHOWN)) {
    say(`  ${name}: ${place} ${KINDS[kind]} (${amount}) ${detail}`);
  }
  if (findings.length > 0) {
    const report = join(campaign.subject.folder, "findings.json");
    writeFileSync(report, JSON.stringify({ seed, findings, lines: campaign.subject.lines }, null, 1));
    wrong.push(`${name}: ${findings.length} findings, see ${report}`);
  }
  open.delete(campaign);
  await campaign.end({ isKept: findings.length > 0 });
}

function progress(name, campaign, what) {
  const { deaths, ledger, verdict } = campaign;
  const sums = `${ledger.acknowledged.total} acknowledged, ${verdict.sum("lost")} lost, ${verdict.sum("doubled")} doubled`;
  say(`  ${name}: ${what}, ${sums}, ${verdict.findings.length} findings (${deaths} deaths)`);
}

/** The deaths at random moments. */
async function kill() {
  const campaign = await begin("kills");
  let said = performance.now();
  for (let life = 0; life < kills && !isInterrupted; life++) {
    const plan = planLife(campaign.random, life);
    await campaign.live({ heat: plan.heat, ends: (living) => endOf(plan, living) });
    if (performance.now() - said < LOG_EVERY_MS) continue;
    said = performance.now();
    progress("kills", campaign, `${life + 1} of ${kills}`);
  }
  if (campaign.deaths < kills) wrong.push(`kills: interrupted after ${campaign.deaths} of ${kills}`);
  await campaign.reckon();
  const { figures } = campaign;
  await conclude("kills", campaign);
  return figures;
}

/** Faults of the disk, on a small one. */
async function fail() {
  const unmount = await mountDisk(join(folder, "faults", "state"));
  if (unmount) undo.push(() => unmount().catch(() => {}));
  const campaign = await begin("faults", { unmount });
  const fired = {};
  for (let round = 0; round < faultRounds; round++) {
    for (const plan of plans(campaign.random)) {
      const name = `${plan.name} at ${plan.call}, ${plan.lasts}`;
      fired[name] ??= 0;
      if (await liveWith(campaign, plan)) fired[name]++;
    }
    progress("faults", campaign, `round ${round + 1} of ${faultRounds}`);
  }
  for (const [name, times] of Object.entries(fired)) {
    if (times === 0) wrong.push(`faults: ${name} did not come in ${faultRounds} rounds`);
  }
  const full = unmount ? [] : "NOT RUN: no disk could be mounted (root can); ENOSPC for a while stands for it";
  if (!unmount) say(`  faults: a full disk was ${full}`);
  for (let round = 0; unmount && round < Math.ceil(faultRounds / 2); round++) full.push(await liveOnFullDisk(campaign));
  await campaign.reckon();
  const figures = { ...campaign.figures, fired, full_disk_healed_ms: full };
  await conclude("faults", campaign);
  return figures;
}

/** A front of the instance that acknowledges before anything is stored. */
async function startFront(url) {
  const port = await freePorts();
  const front = spawn(process.execPath, [join(import.meta.dirname, "front.mjs"), String(port), url], { stdio: ["pipe", "pipe", "inherit"] });
  undo.push(() => front.kill());
  await once(front.stdout, "data");
  return `http://127.0.0.1:${port}`;
}

/** A run with something wrong in it, which has to be found: gives after how many deaths it was. */
async function control(name, kind, more) {
  const campaign = await begin(name, more);
  let caught = null;
  for (let life = 1; life <= controlKills && caught === null; life++) {
    const plan = planLife(campaign.random, 1, { ages: { grown: 1 } });
    await campaign.live({ heat: plan.heat, ends: (living) => endOf(plan, living) });
    const amount = (await campaign.audit()).sum(kind);
    if (amount > 0) caught = { deaths: life, [kind]: amount };
  }
  if (caught === null) wrong.push(`${name}: ${controlKills} deaths, and nothing was found ${kind}`);
  open.delete(campaign);
  await campaign.end();
  return caught;
}

async function torture() {
  say(`torture: seed ${seed}, ${kills} kills, ${clients} clients, in ${folder}`);
  const tracing = values.faults === "on" ? await isTracing() : { ok: false, why: "off, as told" };
  const controls = {
    "acknowledged before stored": await control("early", "lost", { front: startFront }),
    "sent again without ids": await control("idless", "doubled", { hasIds: false }),
  };
  say(`  controls: ${JSON.stringify(controls)}`);
  let faults = `NOT RUN: ${tracing.why}`;
  if (tracing.ok) faults = await fail();
  else if (values.faults === "on") wrong.push(`faults were NOT RUN: ${tracing.why}; FAULTS=off does without`);
  const figures = await kill();
  return { seed, clients, kills: figures, faults, controls };
}

let report;
try {
  report = await torture();
} catch (error) {
  wrong.push(`the run broke off: ${error.stack}`);
} finally {
  for (const campaign of open) await campaign.end({ isKept: true }).catch(() => {});
  for (const one of undo.reverse()) await Promise.resolve(one()).catch((error) => say(error.message));
  if (wrong.length === 0) rmSync(folder, { recursive: true, force: true });
}
say(JSON.stringify(report, null, 2));
for (const one of wrong) say(`WRONG: ${one} (seed ${seed})`);
say(wrong.length === 0 ? "torture: nothing is wrong" : `torture: ${wrong.length} things are wrong`);
process.exit(wrong.length === 0 ? 0 : 1);
