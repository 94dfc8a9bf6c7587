// What the clients send: requests of every kind, on a few dozen prompts of which one is hot, each event under an id.
import { planned } from "./ledger.mjs";

/** Of 100 requests, how many are what. */
const REQUESTS = { single: 40, small: 36, large: 7, shorthand: 17 };
const SIZES = { single: [1, 1], small: [2, 20], large: [200, 500] };
/** Of 1,000 events in small requests, and in large ones. */
const EVENTS = { view: 440, copy: 140, fork: 50, compare_add: 70, usage: 100, experiment: 200 };
const EVENTS_OF_LARGE = { view: 860, copy: 100, fork: 4, compare_add: 6, usage: 10, experiment: 20 };
const HOT_PER_CENT = 30;
/** Prompts that the events of a small request are about, beside the hot one. */
const PAGE = 2;
const REPEATED_PER_CENT = 3;
const REMEMBERED = 50;
const HOUR_MS = 3_600_000;
const SCENES = ["portrait", "battle", undefined];

/** The experiments: two that are declared, with different rules, and one that is not. */
export const EXPERIMENTS = {
  declared: { declaration: { variants: [{ key: "control" }, { key: "green" }] }, rules: {} },
  first: {
    declaration: { variants: [{ key: "control" }, { key: "green" }], multi_variant: "first", conversion_window_hours: 1 },
    rules: { multi_variant: "first", conversion_window_hours: 1 },
  },
  undeclared: { rules: {} },
};

/** The requests of one client. */
export class Workload {
  /** The prompt that gets more than the others. */
  hot;
  #random;
  #prompts;
  #isRepeating;
  #now;
  #user;
  #page;
  #recent = [];
  #sessions = new Map();

  /**
   * @param random the client's own
   * @param prompts their ids
   * @param user the number of the user who sends
   * @param isRepeating whether ids are sent again though they were answered
   * @param now the time of day, in milliseconds since 1970
   */
  constructor(random, prompts, { user = 0, isRepeating = true, now = Date.now } = {}) {
    [this.#random, this.#prompts, this.#user, this.#isRepeating, this.#now] = [random, prompts, user, isRepeating, now];
    this.hot = prompts[0];
  }

  /** The next request: `{kind: "batch", events}`, or `{kind: "single", events: [event]}` for a shorthand of a view or a copy. */
  next() {
    const kind = this.#random.weighted(REQUESTS);
    this.#page = this.#prompts;
    if (kind === "shorthand") {
      return { kind: "single", events: [this.#remember(this.#ofPrompt(this.#random.pick(["view", "copy"])))] };
    }
    const shares = kind === "large" ? EVENTS_OF_LARGE : EVENTS;
    if (kind === "small") this.#page = Array.from({ length: PAGE }, () => this.#prompt(this.#prompts));
    const events = Array.from({ length: this.#random.between(...SIZES[kind]) }, () => this.#event(shares));
    return { kind: "batch", events };
  }

  #event(shares) {
    const isRepeat = this.#isRepeating && this.#recent.length > 0 && this.#random.perCent(REPEATED_PER_CENT);
    if (isRepeat) return this.#random.pick(this.#recent);
    const type = this.#random.weighted(shares);
    return this.#remember(type === "experiment" ? this.#ofExperiment() : this.#ofPrompt(type));
  }

  #remember(wire) {
    const event = planned(wire, this.#user);
    if (this.#recent.length < REMEMBERED) this.#recent.push(event);
    else this.#recent[this.#random.below(REMEMBERED)] = event;
    return event;
  }

  #ofPrompt(type) {
    const event = { id: this.#random.uuid(), type, prompt_id: this.#prompt(this.#page) };
    if (type === "compare_add") event.comparison_id = `comparison-${this.#random.below(100)}`;
    if (type === "usage") Object.assign(event, this.#use());
    if (type === "view" && this.#random.perCent(30)) event.visitor = `visitor-${this.#random.below(1000)}`;
    return event;
  }

  #prompt(prompts) {
    return this.#random.perCent(HOT_PER_CENT) ? this.hot : this.#random.pick(prompts);
  }

  #use() {
    const success = this.#random.perCent(85);
    return { scene: this.#random.pick(SCENES), success, generation_time_ms: this.#random.below(30_000) };
  }

  /** An event of a session that goes on for a while; of some sessions the exposure is late, of some there are two variants. */
  #ofExperiment() {
    const experiment_id = this.#random.pick(Object.keys(EXPERIMENTS));
    let session = this.#sessions.get(experiment_id);
    if (!session || session.left === 0) {
      const started = this.#now() - this.#random.between(1, 5) * HOUR_MS;
      const variant = this.#random.pick(["control", "green"]);
      session = { id: this.#random.uuid(), left: this.#random.between(1, 6), at: started, variant, times: new Set() };
      this.#sessions.set(experiment_id, session);
    }
    session.left--;
    const type = this.#random.weighted({ exposure: 45, pageview: 30, conversion: 25 });
    const isOther = this.#random.perCent(5);
    const variant_key = type === "exposure" ? (isOther ? "green" : session.variant) : undefined;
    return { id: this.#random.uuid(), type, experiment_id, session_id: session.id, variant_key, timestamp: this.#time(session) };
  }

  /** A time around the session's start at which nothing else of it happened. */
  #time({ at, times }) {
    for (;;) {
      const time = at + this.#random.between(-HOUR_MS, HOUR_MS);
      if (times.has(time)) continue;
      times.add(time);
      return time;
    }
  }
}
