// Twice what an instance takes: what it can take, then half of that, twice that, and half again.
import { errorCount } from "../counting/accounts.mjs";
import { rankAt, zipf } from "../large-library.mjs";
import { phase, recovery } from "./judging.mjs";
import { sendOpenLoop } from "./open-loop.mjs";
import { instance } from "./subject.mjs";

/** How many callers, each of whom waits for an answer before the next request, are tried to find what it can take. */
export const CALLERS = [32, 128, 256];
const WARM_UP = { connections: 32, seconds: 2, atLeast: 5000 };

/** The processor time of a request, in µs: all that the process used, its objects and D1 included. */
async function measured(subject, plan) {
  const before = subject.cpuSeconds();
  const outcome = await subject.run(plan);
  return { ...outcome, cpu_us: ((subject.cpuSeconds() - before) / outcome.sent) * 1e6 };
}

/** What a refusal costs: of an instance that has one request in hand at the most, nearly all are. */
async function refusal(kind, prompts, seconds) {
  const subject = await instance(prompts, { REQUESTS_IN_HAND: "1" });
  await subject.run({ kind, connections: 32, seconds: 2 });
  const { cpu_us, sent, errors } = await measured(subject, { kind, connections: 32, seconds });
  await subject.end();
  return { cpu_us, refused: errorCount(errors) / sent };
}

function picker(prompts) {
  if (prompts === 1) return () => 0;
  const bounds = zipf(prompts);
  return () => rankAt(bounds, Math.random());
}

/**
 * Overloads an instance with requests of a kind, each of a prompt among so many by Zipf's law.
 * @param seconds of each phase
 * @param connections that are open at the most
 * @param factor of the overload, of what it can take
 */
export async function overload({ kind, prompts, seconds, connections: most, settings = {}, factor = 2 }) {
  const subject = await instance(prompts, settings);
  await subject.run({ kind, ...WARM_UP });
  const best = { per_s: 0 };
  for (const connections of CALLERS) {
    const { requests_per_s: per_s, p99_ms, cpu_us, errors } = await measured(subject, { kind, connections, seconds });
    if (errorCount(errors) > 0) throw new Error(`callers that wait were refused: ${JSON.stringify(errors)}`);
    if (per_s > best.per_s) Object.assign(best, { per_s, p99_ms, cpu_us, connections });
  }
  const phases = [0.5, factor, 0.5].map((share) => ({ rate: share * best.per_s, seconds }));
  const bounds = [0, 1, 2, 3].map((phase) => phase * seconds * 1000);
  const sent = await sendOpenLoop({ port: subject.port, kind, ids: subject.ids, pick: picker(prompts), connections: most, phases });
  subject.note(sent.told);
  const [before, over, after] = phases.map((_, place) => phase(sent.requests, bounds[place], bounds[place + 1]));
  const { lost, doubled } = await subject.compared();
  await subject.end();
  return {
    kind,
    prompts,
    best,
    refusal: await refusal(kind, prompts, seconds / 2),
    before,
    overload: { ...over, share_of_best: over.goodput_per_s / best.per_s },
    after,
    recovery_ms: recovery(sent.requests, bounds),
    reasons: sent.reasons,
    unanswered: sent.unanswered,
    connections: sent.connections,
    wrong: sent.wrong,
    lost,
    doubled,
  };
}
