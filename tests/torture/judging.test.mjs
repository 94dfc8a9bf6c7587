// The judge finds what is wrong, and finds nothing where nothing is.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Verdict, judgeBatch, judgeRead, judgeRows, judgeSame, judgeSingle, judgeSnapshot, judgeStored, judgeText, leastOf } from "./judging.mjs";
import { ACKNOWLEDGED, ATTEMPTED, Ledger, planned } from "./ledger.mjs";

const event = (id, type = "view", prompt_id = "p") => planned({ id, type, prompt_id });
const answer = (accepted, duplicates, rejected = []) => ({ status: 200, body: { accepted, duplicates, rejected } });
const unstored = (index) => ({ index, code: "storage_unavailable", detail: "Send it again." });
const problem = { status: 503, body: { status: 503, code: "storage_unavailable", detail: "Send it again." } };

/** What is found, as `kind amount`. */
const found = (verdict) => verdict.findings.map(({ kind, amount }) => `${kind} ${amount}`).sort();

/**
 * Sends a batch of two new events `a` and `b`, one `old` that was acknowledged, one `open` that was not answered, and `a`
 * once more, and judges the answer.
 */
function batch(reply, { mayFail } = {}) {
  const [ledger, verdict] = [new Ledger(), new Verdict()];
  const [a, b, old, open] = ["a", "b", "old", "open"].map((id) => event(id));
  ledger.send([old, open]);
  ledger.acknowledge(old);
  const events = [a, b, old, open, a];
  const before = { ...ledger.send(events), mayFail };
  const isDone = judgeBatch(ledger, verdict, events, before, reply);
  return { found: found(verdict), isDone, stages: [a, b, old, open].map(({ stage }) => stage), ledger };
}
const [ALL, NONE] = [
  [ACKNOWLEDGED, ACKNOWLEDGED, ACKNOWLEDGED, ACKNOWLEDGED],
  [ATTEMPTED, ATTEMPTED, ACKNOWLEDGED, ATTEMPTED],
];

const check = (what, reply, expected, isDone, stages, options) =>
  test(`a batch: ${what}`, () => {
    const told = batch(reply, options);
    assert.deepEqual([told.found, told.isDone, told.stages], [expected, isDone, stages]);
  });

check("the open one was not stored", answer(3, 2), [], true, ALL);
check("the open one was stored", answer(2, 3), [], true, ALL);
check("what was acknowledged is told as new", answer(4, 1), ["lost 1"], true, ALL);
check("what is new is told as a duplicate", answer(1, 4), ["unsent 1"], true, ALL);
check("what is new is told as a duplicate, of a disk with faults", answer(1, 4), [], true, ALL, { mayFail: true });
check("too few are answered", answer(2, 2), ["misanswered 1"], false, NONE);
check("nothing is told", { status: 200, body: null }, ["misanswered 1"], false, NONE);
check("one is not stored", answer(2, 2, [unstored(1)]), [], false, [ACKNOWLEDGED, ATTEMPTED, ACKNOWLEDGED, ACKNOWLEDGED]);
check("one is refused", answer(2, 2, [{ index: 1, code: "unknown_prompt", detail: "" }]), ["misanswered 1"], false, [ACKNOWLEDGED, ATTEMPTED, ACKNOWLEDGED, ACKNOWLEDGED]);
check("storage is not available", problem, [], false, NONE);
check("a bare 500", { status: 500, body: "Internal Server Error" }, ["misanswered 1"], false, NONE);
check("a bare 503", { status: 503, body: "" }, ["misanswered 1"], false, NONE);
check("a 400", { status: 400, body: { status: 400, code: "invalid_json", detail: "" } }, ["misanswered 1"], false, NONE);

test("a view of its own is new or known as the ledger says, and told no more than was sent", () => {
  const judged = (stage, body) => {
    const [ledger, verdict, view] = [new Ledger(), new Verdict(), event("a")];
    if (stage !== "fresh") ledger.send([view]);
    if (stage === "known") ledger.acknowledge(view);
    judgeSingle(ledger, verdict, view, ledger.send([view]), { status: 200, body });
    return found(verdict);
  };
  assert.deepEqual(judged("fresh", { duplicate: false, viewCount: 1 }), []);
  assert.deepEqual(judged("fresh", { duplicate: true, viewCount: 1 }), ["unsent 1"]);
  assert.deepEqual(judged("open", { duplicate: true, viewCount: 1 }), []);
  assert.deepEqual(judged("open", { duplicate: false, viewCount: 1 }), []);
  assert.deepEqual(judged("known", { duplicate: true, viewCount: 1 }), []);
  assert.deepEqual(judged("known", { duplicate: false, viewCount: 1 }), ["lost 1"]);
  assert.deepEqual(judged("fresh", { duplicate: false, viewCount: 3 }), ["doubled 2"]);
});

test("a read tells no less than was acknowledged when it began, and no more than is sent when it ends", () => {
  const [ledger, verdict] = [new Ledger(), new Verdict()];
  const events = ["a", "b", "c"].map((id) => event(id));
  ledger.send(events);
  events.slice(0, 2).forEach((one) => ledger.acknowledge(one));
  const read = (viewCount) => judgeRead(ledger, verdict, "p", leastOf(ledger, "p"), { viewCount, copyCount: 0 });
  read(2);
  assert.deepEqual(found(verdict), []);
  read(3);
  assert.deepEqual(found(verdict), []);
  read(2);
  assert.deepEqual(found(verdict), ["lost 1"], "what one reader was told, the next is told");
  read(5);
  assert.deepEqual(found(verdict), ["doubled 2", "lost 1"]);
  read(0);
  assert.deepEqual(found(verdict), ["doubled 2", "lost 3"], "one place is one finding, with the most that was wrong");
  read("2");
  assert.deepEqual(found(verdict), ["doubled 2", "lost 3", "misanswered 1"]);
});

test("a read that began before an acknowledgement need not tell it", () => {
  const [ledger, verdict, view] = [new Ledger(), new Verdict(), event("a")];
  const least = leastOf(ledger, "p");
  ledger.send([view]);
  ledger.acknowledge(view);
  judgeRead(ledger, verdict, "p", least, { viewCount: 0 });
  assert.deepEqual(found(verdict), []);
});

test("a snapshot may be old and is never ahead", () => {
  const [ledger, verdict] = [new Ledger(), new Verdict()];
  ledger.send([event("a")]);
  judgeSnapshot(ledger, verdict, "p", { view: 0, copy: 0 });
  judgeSnapshot(ledger, verdict, "p", { view: 1, copy: 0 });
  assert.deepEqual(found(verdict), []);
  judgeSnapshot(ledger, verdict, "p", { view: 1, copy: 1 });
  assert.deepEqual(found(verdict), ["doubled 1"]);
});

test("rows are there once, if they were acknowledged, and of nothing that was not sent", () => {
  const judged = (ids) => {
    const [ledger, verdict] = [new Ledger(), new Verdict()];
    const [known, open] = [event("known", "fork"), event("open", "fork")];
    ledger.send([known, open]);
    ledger.acknowledge(known);
    judgeRows(verdict, "prompt_events", ledger.events, ids);
    return found(verdict);
  };
  assert.deepEqual(judged(["known"]), []);
  assert.deepEqual(judged(["known", "open"]), []);
  assert.deepEqual(judged(["open"]), ["lost 1"]);
  assert.deepEqual(judged(["known", "known", "known"]), ["doubled 2"]);
  assert.deepEqual(judged(["known", "never"]), ["unsent 1"]);
});

test("stored experiment events lie between what was acknowledged and what was sent", () => {
  const judged = (exposure) => {
    const [ledger, verdict] = [new Ledger(), new Verdict()];
    const events = ["a", "b", "c"].map((id) => planned({ id, type: "exposure", experiment_id: "e" }));
    ledger.send(events);
    ledger.acknowledge(events[0]);
    judgeStored(ledger, verdict, "e", { exposure });
    return found(verdict);
  };
  assert.deepEqual([0, 1, 3, 4].map(judged), [["lost 1"], [], [], ["doubled 1"]]);
});

test("two places that tell the same agree", () => {
  const verdict = new Verdict();
  judgeSame(verdict, "a", [{ hour: 1 }], [{ hour: 1 }]);
  assert.deepEqual(found(verdict), []);
  judgeSame(verdict, "b", [{ hour: 1 }], []);
  judgeSame(verdict, "c", [], [{ hour: 1 }]);
  assert.deepEqual(found(verdict), ["disagreement 1", "disagreement 1"]);
});

test("an answer tells no secret and nothing of the storage", () => {
  const judged = (text) => {
    const verdict = new Verdict();
    judgeText(verdict, text, ["service-key"]);
    return verdict.findings.length;
  };
  assert.equal(judged(JSON.stringify(problem.body)), 0);
  for (const text of ["the service-key", "SQLITE_FULL", "select a from prompts", "insert into x", "at store (index.js:1:2)", "/tmp/state", "disk I/O error"]) {
    assert.equal(judged(text), 1, text);
  }
});
