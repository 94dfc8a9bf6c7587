// One visit: a subject is served, warmed up, measured, and asked what it stored.
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { compare, errorCount } from "./accounts.mjs";
import { ONE, cellName } from "./cells.mjs";
import { KINDS } from "./requests.mjs";
import { serveSubject } from "./subjects.mjs";

const WARM_UP_SECONDS = 2;
/** How long what was acknowledged may take to be there: views of `ack=async` are stored within a second. */
const PATIENCE_MS = 10_000;
const PAUSE_MS = 250;
/** Of what does not count. */
const NOTHING = { lost: 0, doubled: 0, ahead: 0 };

/** What a subject was told to count since the beginning, by prompts, and how that compares with what it stored. */
export class Expected {
  #prompts = new Map();
  /** What earlier comparisons found, so that nothing is told twice. */
  #found = NOTHING;

  /** Adds what came of a plan. */
  add(ids, { acknowledged, unknown, highest }) {
    for (const [place, id] of ids.entries()) {
      const before = this.#prompts.get(id) ?? { acknowledged: 0, unknown: 0, highest: 0 };
      this.#prompts.set(id, {
        acknowledged: before.acknowledged + acknowledged[place],
        unknown: before.unknown + unknown[place],
        highest: Math.max(before.highest, highest[place]),
      });
    }
  }

  /** What is wrong that was not when it was asked last. */
  async compared(server) {
    const all = [...this.#prompts.values()];
    const columns = Object.fromEntries(["acknowledged", "unknown", "highest"].map((name) => [name, all.map((prompt) => prompt[name])]));
    for (const until = performance.now() + PATIENCE_MS; ; await pause(PAUSE_MS)) {
      const found = compare(columns, await server.stored([...this.#prompts.keys()]));
      if (found.lost > 0 && performance.now() < until) continue;
      const since = Object.entries(found).map(([name, count]) => [name, count - this.#found[name]]);
      this.#found = found;
      return Object.fromEntries(since);
    }
  }
}

/** Has the client carry out a plan, and puts beside it what the server's process needed. */
export async function measured(client, server, plan) {
  server.forgetPeak();
  const before = server.cpuSeconds();
  const { acknowledged, unknown, highest, ...outcome } = await client.run({ port: server.port, ...plan });
  const used = server.cpuSeconds() - before;
  const { views } = KINDS[plan.kind];
  const figures = {
    ...outcome,
    views_per_s: outcome.requests_per_s * views,
    cpu_us: (used / outcome.sent / Math.max(views, 1)) * 1e6,
    peak_mb: server.peakMb(),
  };
  return { figures, acknowledged, unknown, highest };
}

/**
 * Makes a visit; gives what is wrong with what is stored, and with the answers to what warmed it up.
 * @param visit one of VISITS
 * @param state folder of the subject, used before or prepared
 * @param zipfIds prompts that the subject has already
 * @param expected what it was told so far
 * @param report called with each cell's name and figures
 */
export async function makeVisit({ subject, warmUp, cells }, { client, state, seconds, zipfIds, expected, report }) {
  const server = await serveSubject(subject, state);
  const idsOf = async (spread) => {
    if (spread !== ONE) return zipfIds;
    const ids = [randomUUID()];
    await server.addPrompts(ids);
    return ids;
  };
  const warmUps = { errors: 0, wrong: 0 };
  const warm = async (spread, atLeast) => {
    const plan = { ...warmUp, atLeast, ids: await idsOf(spread), seconds: WARM_UP_SECONDS };
    const outcome = await client.run({ port: server.port, ...plan });
    expected.add(plan.ids, outcome);
    warmUps.errors += errorCount(outcome.errors);
    warmUps.wrong += outcome.wrong;
  };
  await warm(ONE, warmUp.atLeast);
  let isSpread = false;
  for (const { kind, spread, connections, visitors } of cells) {
    // All objects are to be there, and awake.
    if (spread !== ONE && !isSpread) await warm(spread, 0);
    isSpread ||= spread !== ONE;
    const ids = await idsOf(spread);
    const { figures, ...told } = await measured(client, server, { kind, ids, connections, visitors, seconds });
    expected.add(ids, told);
    report(cellName(subject, { kind, spread, connections, visitors }), figures);
  }
  const compared = server.isCounting ? await expected.compared(server) : NOTHING;
  await server.stop();
  return { ...compared, ...warmUps };
}
