// What was sent, and what was acknowledged: all that the judge knows of a run.

/** Metrics of prompts: the event types that count for one. */
export const METRICS = ["view", "copy", "fork", "compare_add", "usage"];
/** Event types of experiments. */
export const EXPERIMENT_TYPES = ["pageview", "exposure", "conversion"];

/** How far an event came. Each is written to the log before it is sent for the first time. */
export const [PLANNED, ATTEMPTED, ACKNOWLEDGED] = [0, 1, 2];

/** An event before it is sent: `wire` is what will be sent, `user` the number of the user who sends it. */
export const planned = (wire, user = 0) => ({ wire, stage: PLANNED, user });

/** Where an event is counted: its prompt, or its experiment. */
const subjectOf = ({ wire }) => wire.prompt_id ?? wire.experiment_id;

/** Counts by subject and event type. */
class Sums {
  #counts = new Map();

  add(event) {
    const subject = subjectOf(event);
    const { type } = event.wire;
    let counts = this.#counts.get(subject);
    if (!counts) this.#counts.set(subject, (counts = {}));
    counts[type] = (counts[type] ?? 0) + 1;
  }

  of(subject, type) {
    return this.#counts.get(subject)?.[type] ?? 0;
  }

  get total() {
    return [...this.#counts.values()].reduce((sum, counts) => Object.values(counts).reduce((all, count) => all + count, sum), 0);
  }
}

export class Ledger {
  /** All events that were sent, in the order of their first sending. */
  events = [];
  attempted = new Sums();
  acknowledged = new Sums();
  #recent = [];
  #told = new Map();
  #log;

  /** `log` writes a line to where it survives. */
  constructor(log = () => {}) {
    this.#log = log;
  }

  /**
   * Notes that a request with these events is about to be sent, and gives what was known of it then: which events had been
   * acknowledged, and which nobody had sent.
   */
  send(events) {
    const fresh = [];
    const [known, seen] = [new Set(), new Set()];
    let repeats = 0;
    for (const event of events) {
      if (seen.has(event)) repeats++;
      else if (event.stage === ACKNOWLEDGED) known.add(event);
      else if (event.stage === PLANNED) fresh.push(event);
      seen.add(event);
    }
    if (fresh.length > 0) this.#log(JSON.stringify(fresh.map(({ wire }) => [wire.id, wire.type, wire.prompt_id ?? wire.experiment_id])));
    for (const event of fresh) {
      event.stage = ATTEMPTED;
      event.first = this.events.length;
      this.events.push(event);
      this.attempted.add(event);
    }
    return { fresh: new Set(fresh), known, repeats };
  }

  /** Notes that an event is durable, by what was answered. */
  acknowledge(event) {
    if (event.stage === ACKNOWLEDGED) return;
    event.stage = ACKNOWLEDGED;
    this.acknowledged.add(event);
    this.#recent.push(event);
  }

  /** The events that were acknowledged since this was asked last. */
  takeRecent() {
    const recent = this.#recent;
    this.#recent = [];
    return recent;
  }

  /** The events that were sent and whose fate nobody knows. */
  unknown() {
    return this.events.filter(({ stage }) => stage === ATTEMPTED);
  }

  /** What a read that begins now has to tell at the least: what was acknowledged, and what another read told. */
  least(subject, type) {
    return Math.max(this.acknowledged.of(subject, type), this.#told.get(`${subject}/${type}`) ?? 0);
  }

  /** What a read that ends now may tell at the most. */
  most(subject, type) {
    return this.attempted.of(subject, type);
  }

  /** Notes that a reader was told this. */
  told(subject, type, count) {
    const key = `${subject}/${type}`;
    this.#told.set(key, Math.max(count, this.#told.get(key) ?? 0));
  }
}
