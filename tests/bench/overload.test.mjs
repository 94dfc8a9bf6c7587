// What is made of requests that came at their times, on ones of which it is known.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, test } from "node:test";
import { phase, recovery, slope } from "../../bench/overload/judging.mjs";
import { ACCEPTED, FAILED, SHED, sendOpenLoop } from "../../bench/overload/open-loop.mjs";

/** Requests at even distances between two instants. */
const requests = (from, to, distance, more) =>
  Array.from({ length: (to - from) / distance }, (_, n) => ({ at: from + n * distance, took: 10, fate: ACCEPTED, ...more?.(n) }));

test("a phase tells what was offered, what was answered in it, and how long that took", () => {
  const all = requests(0, 1000, 10, (n) => (n % 4 === 3 ? { fate: SHED, took: 1 } : { took: n === 98 ? 500 : 10 }));
  const { offered_per_s, goodput_per_s, shed, failed, p50_ms, p99_ms, refused_p99_ms } = phase(all, 0, 1000);
  // The one that took long was answered after the end.
  assert.deepEqual([offered_per_s, goodput_per_s, shed, failed], [100, 74, 0.25, 0]);
  assert.deepEqual([p50_ms, p99_ms, refused_p99_ms], [10, 500, 1]);
  assert.equal(phase([{ at: 1, took: 1, fate: FAILED }], 0, 10).failed, 1);
});

test("all is well from when on no window refuses anything or takes more than twice as long as before", () => {
  const bounds = [0, 5000, 10_000, 15_000];
  const before = requests(0, 5000, 10);
  const check = (expected, change) => {
    const later = requests(10_000, 15_000, 10).map((request) => ({ ...request, ...change(request.at - 10_000) }));
    assert.equal(recovery([...before, ...requests(5000, 10_000, 5, () => ({ fate: SHED })), ...later], bounds), expected);
  };
  check(0, () => ({}));
  check(0, () => ({ took: 20 }));
  check(2000, (at) => at < 1600 && { took: 21 });
  check(500, (at) => at === 0 && { fate: SHED });
  check(3500, (at) => (at === 0 || at === 3490) && { fate: FAILED });
  check(null, (at) => at === 4900 && { fate: SHED });
  check(null, () => ({ took: 21 }));
});

test("a slope is that of the line through the points", () => {
  assert.equal(slope([[0, 5], [10, 25], [20, 45]]), 2);
  assert.equal(slope([[0, 1], [1, 3], [2, 1], [3, 3]]), 0.4);
});

test("callers come at their times, however long the answers to others take, and each answer is judged", async () => {
  let open = 0;
  let most = 0;
  let seen = 0;
  const server = createServer((request, response) => {
    most = Math.max(most, ++open);
    const place = seen++;
    request.resume();
    setTimeout(() => {
      open--;
      response.writeHead(place % 5 === 4 ? 503 : 202, { "content-type": "application/json" });
      response.end(place % 5 === 4 ? '{"code":"overloaded"}' : '{"queued":1}');
    }, 300);
  });
  after(() => server.close());
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const plan = { port: server.address().port, kind: "async", ids: ["one"], pick: () => 0, connections: 64 };
  const sent = await sendOpenLoop({ ...plan, phases: [{ rate: 50, seconds: 1 }, { rate: 100, seconds: 1 }] });
  const fates = sent.requests.map(({ fate }) => fate);
  assert.deepEqual([fates.length, fates.filter((fate) => fate === SHED).length, sent.unanswered], [150, 30, 0]);
  assert.deepEqual([sent.reasons, sent.told.acknowledged, sent.told.unknown], [{ "503 overloaded": 30 }, [120], [30]]);
  assert.ok(most > 1, "nobody waited for the answer to another");
  const came = sent.requests.map(({ at }) => at).sort((one, other) => one - other);
  assert.deepEqual([came[1], came[50], came[51]].map(Math.round), [20, 1000, 1010]);
  server.closeAllConnections();
});
