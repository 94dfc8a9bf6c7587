// The judgement: what is wrong with an answer, with what a read tells, and with what is stored.
import { ACKNOWLEDGED, EXPERIMENT_TYPES, METRICS } from "./ledger.mjs";

/** What can be wrong. */
export const KINDS = {
  lost: "was acknowledged and is not there",
  doubled: "is counted more often than it was sent",
  unsent: "is there and was never sent",
  misanswered: "is no answer that there should be",
  exposed: "tells what nobody should be told",
  disagreement: "is told differently by two places",
  corrupt: "cannot be read as a database",
  unhealed: "does not work again",
};

/** Gathers what is wrong. The same place is counted once, with the most that was ever wrong there. */
export class Verdict {
  #places = new Map();

  add(kind, place, amount = 1, detail = "") {
    const key = `${kind} ${place}`;
    const known = this.#places.get(key);
    if (!known || known.amount < amount) this.#places.set(key, { kind, place, amount, detail });
  }

  get findings() {
    return [...this.#places.values()];
  }

  /** How much is wrong, of one kind or of all. */
  sum(kind) {
    return this.findings.filter((one) => !kind || one.kind === kind).reduce((sum, { amount }) => sum + amount, 0);
  }
}

const REJECTED_FOR_NOW = "storage_unavailable";

/**
 * Judges the answer to a batch, and notes in the ledger what it acknowledges.
 * @param before what `Ledger.send` gave when the batch was sent; with `mayFail` where storage has faults: what is sent again
 *   within the worker because it failed may turn out to be stored, so that something new is told as a duplicate
 * @returns whether all of the batch is acknowledged
 */
export function judgeBatch(ledger, verdict, events, before, { status, body }) {
  if (status !== 200) return refused(verdict, status, body);
  const { accepted, duplicates, rejected } = body ?? {};
  const isShaped = Number.isInteger(accepted) && Number.isInteger(duplicates) && Array.isArray(rejected);
  if (!isShaped || accepted + duplicates + rejected.length !== events.length) {
    verdict.add("misanswered", "batch", 1, `${events.length} events were answered ${JSON.stringify(body).slice(0, 300)}`);
    return false;
  }
  const unstored = new Set(rejected.map(({ index }) => events[index]));
  for (const { index, code, detail } of rejected) {
    if (code !== REJECTED_FOR_NOW) verdict.add("misanswered", `rejected ${code}`, 1, `${JSON.stringify(events[index]?.wire)}: ${detail}`);
  }
  judgeDuplicates(verdict, events, before, { accepted, duplicates, unstored });
  for (const event of events) if (!unstored.has(event)) ledger.acknowledge(event);
  return unstored.size === 0;
}

/** What was acknowledged before has to be told as a duplicate; what was never sent before cannot be one. */
function judgeDuplicates(verdict, events, { fresh, known, repeats, mayFail }, { accepted, duplicates, unstored }) {
  const deliveries = events.filter((event) => !unstored.has(event));
  const least = new Set(deliveries.filter((event) => known.has(event))).size + (unstored.size === 0 ? repeats : 0);
  const leastAccepted = new Set(deliveries.filter((event) => fresh.has(event))).size;
  if (duplicates < least) {
    verdict.add("lost", `ids of ${deliveries[0]?.wire.id}`, least - duplicates, `${least} were known, ${duplicates} were told as duplicates`);
  }
  if (accepted < leastAccepted && !mayFail) {
    const detail = `${leastAccepted} were new, ${accepted} were told as accepted`;
    verdict.add("unsent", `ids of ${deliveries[0]?.wire.id}`, leastAccepted - accepted, detail);
  }
}

/**
 * Judges the answer to a view or a copy of its own, which tells the counts: of a counter that is spread, they may lack what
 * other shards counted in the last second.
 */
export function judgeSingle(ledger, verdict, event, before, { status, body }) {
  if (status !== 200) return refused(verdict, status, body);
  if (before.known.has(event) && body.duplicate !== true) {
    verdict.add("lost", `id ${event.wire.id}`, 1, "it was told as new a second time");
  }
  if (before.fresh.has(event) && body.duplicate !== false && !before.mayFail) {
    verdict.add("unsent", `id ${event.wire.id}`, 1, "it was told as a duplicate the first time");
  }
  ledger.acknowledge(event);
  judgeSnapshot(ledger, verdict, event.wire.prompt_id, countsOf(body));
  return true;
}

/** An answer that is none of 200: a failure that may be, or one that may not. */
function refused(verdict, status, body) {
  const isProblem = status === 503 && body?.status === 503 && typeof body.code === "string" && typeof body.detail === "string";
  if (!isProblem) verdict.add("misanswered", `status ${status} ${body?.code ?? ""}`, 1, JSON.stringify(body).slice(0, 300));
  return false;
}

const FIELDS = { view: "viewCount", copy: "copyCount", fork: "forkCount", compare_add: "compareCount", usage: "totalUsage" };

/** The counts that an answer tells of a prompt, by metric. */
export const countsOf = (body) =>
  Object.fromEntries(METRICS.map((type) => [type, body[FIELDS[type]]]).filter(([, count]) => count !== undefined));

/** What a read of a prompt that begins now has to tell at the least, by metric. */
export const leastOf = (ledger, prompt) => Object.fromEntries(METRICS.map((type) => [type, ledger.least(prompt, type)]));

/** Judges what a read told of a prompt, of the metrics that it told; `least` is of when it began. */
export function judgeRead(ledger, verdict, prompt, least, body) {
  for (const [type, count] of Object.entries(countsOf(body))) {
    const most = ledger.most(prompt, type);
    const detail = `${least[type]} <= ${count} <= ${most}`;
    if (!Number.isSafeInteger(count)) verdict.add("misanswered", `${type} of ${prompt}`, 1, String(count));
    else if (count < least[type]) verdict.add("lost", `${type} of ${prompt}`, least[type] - count, detail);
    else if (count > most) verdict.add("doubled", `${type} of ${prompt}`, count - most, detail);
    else ledger.told(prompt, type, count);
  }
}

/** Judges a snapshot, which may be old, but cannot be ahead of what was sent. */
export function judgeSnapshot(ledger, verdict, prompt, counts) {
  for (const [type, count] of Object.entries(counts)) {
    const most = ledger.most(prompt, type);
    if (count > most) verdict.add("doubled", `snapshot of ${type} of ${prompt}`, count - most, `${count} <= ${most}`);
  }
}

/** Judges rows: `ids` of a table that are there, for the events of `types` that were sent. */
export function judgeRows(verdict, table, events, ids) {
  const there = new Map();
  for (const id of ids) there.set(id, (there.get(id) ?? 0) + 1);
  const sent = new Map(events.map((event) => [event.wire.id, event]));
  for (const [id, { stage }] of sent) {
    if (stage === ACKNOWLEDGED && !there.has(id)) verdict.add("lost", `${table} ${id}`);
  }
  for (const [id, times] of there) {
    if (!sent.has(id)) verdict.add("unsent", `${table} ${id}`, times);
    else if (times > 1) verdict.add("doubled", `${table} ${id}`, times - 1);
  }
}

/** Judges how many events of experiments are stored, by `${experiment}/${type}`. */
export function judgeStored(ledger, verdict, experiment, counts) {
  for (const type of EXPERIMENT_TYPES) {
    const count = counts[type] ?? 0;
    const [least, most] = [ledger.acknowledged.of(experiment, type), ledger.most(experiment, type)];
    const detail = `${least} <= ${count} <= ${most}`;
    if (count < least) verdict.add("lost", `${type} of ${experiment}`, least - count, detail);
    if (count > most) verdict.add("doubled", `${type} of ${experiment}`, count - most, detail);
  }
}

/** Compares what two places tell, as JSON. */
export function judgeSame(verdict, what, expected, found) {
  const [one, other] = [expected, found].map((value) => JSON.stringify(value));
  if (one === other) return;
  const list = Array.isArray(expected) && Array.isArray(found);
  const at = list ? expected.findIndex((entry, place) => JSON.stringify(entry) !== JSON.stringify(found[place])) : -1;
  const detail = at < 0 ? `${one.slice(0, 300)} is ${other.slice(0, 300)}` : `${JSON.stringify(expected[at])} is ${JSON.stringify(found[at])}`;
  verdict.add("disagreement", what, 1, detail);
}

/** What no answer may have in it: SQL, the names of storage, stacks, paths. The instance's own secrets come to it. */
const NEVER_TOLD = /sqlite|\bpragma\b|insert into|select .* from|\bat .*\(.*:\d+:\d+\)|\/tmp\/|\/dev\/|errno|disk I\/O/i;

/** Judges the text of an answer. */
export function judgeText(verdict, text, secrets) {
  const secret = secrets.find((one) => text.includes(one));
  if (secret) verdict.add("exposed", "a secret", 1, text.slice(0, 300));
  const match = NEVER_TOLD.exec(text);
  if (match) verdict.add("exposed", match[0], 1, text.slice(0, 300));
}
