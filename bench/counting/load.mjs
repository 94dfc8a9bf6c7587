// The benchmark's client. It is a process of its own, told by messages what to send, and shares the machine with the server
// that it measures: so it writes to sockets by itself, without node:http.
//
// It is not wrk or oha, for these do not look at what an answer says: whether each view was told a value of its own, and how
// many events of which prompt were acknowledged, so that it can be compared with what is stored.
import { rankAt, zipf } from "../large-library.mjs";
import { Accounts } from "./accounts.mjs";
import { open } from "./connection.mjs";
import { percentile } from "./figures.mjs";
import { exchange } from "./requests.mjs";

/** How many picks are drawn beforehand. */
const PICKS = 1 << 16;
/** How long an answer may take. */
const PATIENCE_MS = 30_000;
/** How long a warm-up may last. */
const LONGEST_MS = 20_000;

/** Gives places among so many prompts by Zipf's law. */
function picker(prompts) {
  if (prompts === 1) return () => 0;
  const bounds = zipf(prompts);
  const picks = Uint32Array.from({ length: PICKS }, () => rankAt(bounds, Math.random()));
  let next = 0;
  return () => picks[next++ % PICKS];
}

/**
 * Sends until the time is over, on each connection a request when the one before is answered; or with `rate` so many a second,
 * whatever the server does, on the connections that are free. Then a latency is that since the request was due.
 */
function run({ port, kind, ids, connections, seconds, atLeast = 0, atMost = Infinity, rate, visitors }) {
  const accounts = new Accounts(ids.length);
  const asked = exchange({ kind, ids, pick: picker(ids.length), accounts, visitors });
  const latencies = [];
  const lines = new Set();
  const free = new Set();
  let [sent, inTime] = [0, 0];
  const cpu = process.cpuUsage();
  const started = performance.now();
  const end = started + seconds * 1000;
  const isOver = (now) => sent >= atMost || (now >= end && (sent >= atLeast || now > end + LONGEST_MS));
  const due = () => (rate ? started + (sent / rate) * 1000 : performance.now());
  const { promise, resolve } = Promise.withResolvers();

  function line() {
    let request = null;
    let since = 0;
    let link = open(port, answered, broke);
    const self = { send, leave, fail, isWaiting: () => request !== null };
    lines.add(self);
    next(performance.now());

    function send() {
      since = due();
      request = asked.next();
      sent++;
      link.send(request.text);
    }
    function answered({ status, body, isLast }) {
      const now = performance.now();
      if (asked.answered(request, status, body)) {
        latencies.push(now - since);
        // Of one that ends after the end, the part before it: where requests take long, all of them end so.
        inTime += now <= end ? 1 : Math.max(end - since, 0) / (now - since);
      }
      request = null;
      if (isLast) anew();
      next(now);
    }
    function anew() {
      link.close();
      link = open(port, answered, broke);
    }
    function broke(reason) {
      if (reason === "ECONNREFUSED") return fail(reason);
      if (request) asked.failed(request, reason);
      request = null;
      free.delete(self);
      anew();
      next(performance.now());
    }
    function next(now) {
      if (isOver(now)) leave();
      else if (rate) free.add(self);
      else send();
    }
    function fail(reason) {
      if (request) asked.failed(request, reason);
      leave();
    }
    function leave() {
      link.close();
      free.delete(self);
      if (lines.delete(self) && lines.size === 0) finish();
    }
  }

  const clock = rate && setInterval(() => {
    const now = performance.now();
    for (const self of free) {
      if (isOver(now)) self.leave();
      else if (due() <= now) {
        free.delete(self);
        self.send();
      }
    }
  }, 1);
  const patience = setTimeout(() => {
    for (const self of lines) self.fail("no answer");
  }, seconds * 1000 + LONGEST_MS + PATIENCE_MS);

  function finish() {
    clearInterval(clock);
    clearTimeout(patience);
    const now = performance.now();
    const { user, system } = process.cpuUsage(cpu);
    resolve({
      sent,
      requests_per_s: (inTime / (Math.min(now, end) - started)) * 1000,
      p50_ms: percentile(latencies, 0.5),
      p99_ms: percentile(latencies, 0.99),
      errors: Object.fromEntries(accounts.errors),
      wrong: accounts.wrong,
      acknowledged: accounts.acknowledged,
      unknown: accounts.unknown,
      highest: ids.map((_, prompt) => accounts.highest(prompt)),
      client_cpu: (user + system) / 1000 / (now - started),
    });
  }

  for (let number = 0; number < connections; number++) line();
  return promise;
}

process.on("message", async (plan) => process.send(await run(plan)));
process.on("disconnect", () => process.exit());
