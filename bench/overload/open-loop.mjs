// Callers who do not know of each other: they come at their times, however long the answers to others take.
import { Accounts } from "../counting/accounts.mjs";
import { open } from "../counting/connection.mjs";
import { exchange } from "../counting/requests.mjs";

/** Of an answer that is read at a time: connections are many, and answers short. */
const READ_BYTES = 4096;
/** How long the last answers may take. */
const PATIENCE_MS = 30_000;

/** What may become of a request. */
export const [ACCEPTED, SHED, FAILED] = ["accepted", "shed", "failed"];
const SHEDDING = [429, 503];

/**
 * Sends requests of a kind at the rates of phases, one phase after the other.
 * @param phases each with `rate`, requests a second, and `seconds`
 * @param connections that are open at the most, as of a proxy: who comes when all wait is sent when one is free, and has waited since
 * @param pick gives the place of the next view's prompt among `ids`
 * @returns of each request that was sent when it came, in ms since the beginning, how long it took, and what became of it; and
 * what was told
 */
export function sendOpenLoop({ port, kind, ids, pick, visitors = false, connections, phases }) {
  const accounts = new Accounts(ids.length);
  const asked = exchange({ kind, ids, pick, accounts, visitors });
  const came = comings(phases);
  const requests = [];
  const reasons = new Map();
  const idle = [];
  const links = new Set();
  let [next, waiting] = [0, 0];
  const started = performance.now();
  const now = () => performance.now() - started;
  const { promise, resolve } = Promise.withResolvers();

  function line() {
    let request = null;
    let at = 0;
    let link = open(port, answered, broke, READ_BYTES);
    const self = { send, close: () => link.close() };
    links.add(self);
    return self;

    function send(due) {
      [at, request] = [due, asked.next()];
      waiting++;
      link.send(request.text);
    }
    function end(fate, reason) {
      requests.push({ at, took: now() - at, fate });
      if (reason) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
      request = null;
      waiting--;
      idle.push(self);
    }
    function answered({ status, body, isLast }) {
      const isRight = asked.answered(request, status, body);
      if (isLast) anew();
      const reason = isRight ? null : SHEDDING.includes(status) ? `${status} ${/"code":"(\w+)"/.exec(body)?.[1]}` : `status ${status}`;
      end(isRight ? ACCEPTED : SHEDDING.includes(status) ? SHED : FAILED, reason);
    }
    function anew() {
      link.close();
      link = open(port, answered, broke, READ_BYTES);
    }
    function broke(reason) {
      anew();
      if (!request) return;
      asked.failed(request, reason);
      end(FAILED, reason);
    }
  }

  const clock = setInterval(() => {
    for (const until = now(); next < came.length && came[next] <= until; next++) {
      const free = idle.pop() ?? (links.size < connections ? line() : null);
      if (!free) break;
      free.send(came[next]);
    }
    const isLate = now() > came.at(-1) + PATIENCE_MS;
    if ((next === came.length && waiting === 0) || isLate) finish();
  }, 1);

  function finish() {
    clearInterval(clock);
    for (const link of links) link.close();
    const { acknowledged, unknown, wrong } = accounts;
    const highest = ids.map((_, prompt) => accounts.highest(prompt));
    resolve({
      requests,
      unanswered: waiting + came.length - next,
      connections: links.size,
      reasons: Object.fromEntries(reasons),
      told: { acknowledged, unknown, highest },
      wrong,
    });
  }
  return promise;
}

/** When requests come, in ms since the beginning. */
function comings(phases) {
  const came = [];
  let from = 0;
  for (const { rate, seconds } of phases) {
    const count = Math.round(rate * seconds);
    for (let number = 0; number < count; number++) came.push(from + (number / rate) * 1000);
    from += seconds * 1000;
  }
  return came;
}
