// Faults of the disk: what fails, or kills, is the K-th call of one kind that workerd makes; and a disk that is full, and has
// room again.
import { execFile } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);
const DISK = "size=96m";
const BALLAST = Buffer.alloc(64 * 1024, "ballast");
/** Requests that are acknowledged before a full disk, and after a fault that is over. */
const REQUESTS = 6;
/** Answers that are failures, of a fault that goes on. */
const FAILURES = 4;
const POLL_MS = 50;
/** How long what is waited for may take, on a machine that has other things to do, too. */
const PATIENCE_MS = 120_000;

/** SQLite writes with pwrite64, and makes what it wrote durable with fsync. */
const CALLS = { fsync: 60, pwrite64: 400 };
/** Calls that fail in a while. */
const WHILE = 20;
/** What happens at a call: `lasts` says for how long. */
const ACTIONS = [
  { name: "SIGKILL", inject: "signal=SIGKILL", lasts: "to the end" },
  { name: "EIO", inject: "error=EIO", lasts: "once" },
  { name: "ENOSPC", inject: "error=ENOSPC", lasts: "once" },
  { name: "ENOSPC", inject: "error=ENOSPC", lasts: "for a while" },
  { name: "EIO", inject: "error=EIO", lasts: "from then on" },
  { name: "ENOSPC", inject: "error=ENOSPC", lasts: "from then on" },
];

/** All kinds of faults, each with the call at which it comes, as the seed has it. */
export function plans(random) {
  return Object.entries(CALLS).flatMap(([call, most]) =>
    ACTIONS.map((action) => {
      const place = random.between(1, most);
      const until = { "for a while": `..${place + WHILE}`, "from then on": "+" }[action.lasts] ?? "";
      return { ...action, call, place, option: `inject=${call}:${action.inject}:when=${place}${until}` };
    }),
  );
}

/** Whether strace is there and may trace; else why not. */
export async function isTracing() {
  try {
    await run("strace", ["-f", "--seccomp-bpf", "-o", "/dev/null", "-e", "inject=fsync:error=EIO", "true"]);
    return { ok: true };
  } catch (error) {
    const isMissing = error.code === "ENOENT";
    const why = isMissing ? "strace is missing (Debian: apt-get install strace)" : `strace cannot trace: ${error.stderr ?? error.message}`;
    return { ok: false, why };
  }
}

/** Lives one life with this fault; gives whether it came. */
export async function liveWith(campaign, plan) {
  const log = join(campaign.subject.folder, "strace.log");
  const isDeadly = plan.lasts === "to the end";
  // With --seccomp-bpf only these calls are slow, but no signal is sent.
  const speed = isDeadly ? [] : ["--seccomp-bpf"];
  const within = ["strace", "-f", ...speed, "-qq", "-o", log, "-e", `trace=${plan.call}`, "-e", plan.option];
  let [died, isOver] = [false, false];
  await campaign.live({
    within,
    mayFail: true,
    ends: async (life) => {
      campaign.subject.ended.then(() => (died = !isOver));
      if (isDeadly) await pause(PATIENCE_MS);
      else await outlive(campaign, life, plan, log);
      isOver = true;
    },
  });
  const hasFired = isDeadly ? died : isInjected(log);
  if (died && plan.lasts === "once") noteUnhealed(campaign, plan, "workerd ended by itself");
  rmSync(log, { force: true });
  return hasFired;
}

/** Waits until the fault came, and then, if it is over, until requests are acknowledged again, else until some are refused. */
async function outlive(campaign, life, plan, log) {
  const end = performance.now() + PATIENCE_MS;
  while (!isInjected(log) && performance.now() < end) await pause(POLL_MS);
  const passes = plan.lasts !== "from then on";
  const isMet = await inTime(passes ? life.reachesMore(REQUESTS) : life.fails(FAILURES));
  if (passes && !isMet && life.isOn) noteUnhealed(campaign, plan, "requests are not acknowledged any more");
}

const isInjected = (log) => existsSync(log) && readFileSync(log, "utf8").includes("INJECTED");

const inTime = (promise) => Promise.race([promise.then(() => true), pause(PATIENCE_MS, false)]);

function noteUnhealed({ verdict }, { name, call, place }, detail) {
  verdict.add("unhealed", `${name} at ${call} ${place}`, 1, detail);
}

/** Makes the folder of a small disk; gives how to remove the disk, or null where nothing may be mounted. */
export async function mountDisk(folder) {
  await mkdir(folder, { recursive: true });
  try {
    await run("mount", ["-t", "tmpfs", "-o", DISK, "tmpfs", folder]);
  } catch {
    return null;
  }
  return () => run("umount", [folder]);
}

/**
 * A life in which the disk is full for a while: what is asked meanwhile is refused, and afterwards it works without having
 * been started again. Gives how long that took, in milliseconds.
 */
export async function liveOnFullDisk(campaign) {
  const { subject, verdict } = campaign;
  const ballast = join(subject.state, "ballast");
  let healedAfter = null;
  await campaign.live({
    mayFail: true,
    ends: async (life) => {
      await life.reaches(REQUESTS);
      fill(ballast);
      const isRefused = await inTime(life.fails(FAILURES));
      if (!isRefused && life.isOn) verdict.add("misanswered", "a full disk", 1, "nothing is refused");
      const healed = performance.now();
      rmSync(ballast);
      const isWorking = await inTime(life.reachesMore(REQUESTS));
      if (isWorking) healedAfter = Math.round(performance.now() - healed);
      else if (life.isOn) verdict.add("unhealed", "a full disk", 1, "there is room again, and requests are not acknowledged");
    },
  });
  return healedAfter;
}

/** Writes to a file until there is no room for a page. */
function fill(file) {
  const ballast = openSync(file, "w");
  for (let size = BALLAST.length; size >= 512; ) {
    try {
      if (writeSync(ballast, BALLAST, 0, size) < size) size /= 2;
    } catch (error) {
      if (error.code !== "ENOSPC") throw error;
      size /= 2;
    }
  }
  closeSync(ballast);
}
