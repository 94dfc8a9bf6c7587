// What requests leave in the memory of an instance: that of workerd's process, sampled while they come.
import { setTimeout as pause } from "node:timers/promises";
import { slope } from "./judging.mjs";
import { instance } from "./subject.mjs";

const CONNECTIONS = 64;
const SAMPLE_MS = 500;
/** Requests of one part: what was acknowledged is kept by the client, which is not to grow without end. */
const PART = 20_000;
/** Requests after which code is optimized, and the heaps have the size that they need. */
const WARM_UP = 50_000;

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Sends so many requests of a kind to so many prompts; the memory in MB, as it was over them. */
export async function memory({ kind, prompts, count }) {
  const subject = await instance(prompts, {});
  await subject.run({ kind, connections: CONNECTIONS, seconds: 600, atMost: WARM_UP });
  const samples = [];
  let sent = 0;
  let isOver = false;
  const sampling = (async () => {
    for (; !isOver; await pause(SAMPLE_MS)) samples.push([sent, subject.residentMb()]);
  })();
  const began = performance.now();
  const errors = {};
  while (sent < count) {
    const plan = { kind, connections: CONNECTIONS, seconds: 600, atMost: Math.min(PART, count - sent) };
    const outcome = await subject.run(plan);
    sent += outcome.sent;
    for (const [reason, times] of Object.entries(outcome.errors)) errors[reason] = (errors[reason] ?? 0) + times;
  }
  isOver = true;
  await sampling;
  const per_s = sent / ((performance.now() - began) / 1000);
  const { lost, doubled } = await subject.compared();
  await subject.end();
  const quarters = [0, 1, 2, 3].map((quarter) => {
    const own = samples.filter(([at]) => at >= (quarter * count) / 4 && at < ((quarter + 1) * count) / 4);
    return own.length ? mean(own.map(([, mb]) => mb)) : null;
  });
  return {
    kind,
    prompts,
    requests: sent,
    per_s,
    quarters_mb: quarters,
    last_to_first: quarters[3] / quarters[0],
    mb_per_100_000: slope(samples) * 100_000,
    peak_mb: Math.max(...samples.map(([, mb]) => mb)),
    samples: samples.length,
    errors,
    lost,
    doubled,
  };
}
