// The clients: each sends one request after another, and what was not answered again under the same ids; readers read
// all the while.
import { setTimeout as pause } from "node:timers/promises";
import { connect } from "../worker/connections.mjs";
import { user } from "../worker/instance.mjs";
import { countsOf, judgeBatch, judgeRead, judgeSingle, judgeSnapshot, judgeText, leastOf } from "./judging.mjs";
import { Workload } from "./workload.mjs";

const IMPATIENT_PER_CENT = 6;
const IMPATIENCE_MS = 12;
const AFTER_FAILURE_MS = 15;
const THINKING_MS = 6;
const LISTED = 100;

/** What the clients of a run have in common. */
export class Scene {
  /** Answers other than 200, by status. */
  failures = new Map();
  /** Requests that were sent again because no answer came. */
  retries = 0;
  requests = 0;
  reads = 0;

  constructor({ ledger, verdict, secrets, tokens }) {
    Object.assign(this, { ledger, verdict, secrets, tokens });
  }

  /** Judges the text of an answer, and counts it if it is a failure. */
  heard(answer) {
    if (answer.status === 200) return;
    this.failures.set(answer.status, (this.failures.get(answer.status) ?? 0) + 1);
    judgeText(this.verdict, typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body), this.secrets);
  }

  headers(number) {
    return user(this.tokens[number]);
  }
}

export class Client {
  #scene;
  #random;
  #workload;
  #headers;
  #hasIds;
  #pending = null;
  #last = null;

  /** `hasIds` is false for clients that are wrong: they send events without their ids. */
  constructor(scene, random, prompts, { number, hasIds = true }) {
    const sender = number % scene.tokens.length;
    [this.#scene, this.#random, this.#hasIds] = [scene, random, hasIds];
    this.#headers = scene.headers(sender);
    this.#workload = new Workload(random, prompts, { user: sender, isRepeating: hasIds });
  }

  set hot(prompt) {
    this.#workload.hot = prompt;
  }

  /** Sends until the life is over; what is not answered by then is left for the next one. */
  async drive(life) {
    const connection = connect(life.url);
    let isChecked = !this.#hasIds;
    while (life.isOn) {
      if (!this.#pending && !isChecked && this.#last) {
        this.#pending = this.#last;
        isChecked = true;
      }
      this.#pending ??= this.#workload.next();
      const isDone = await this.#send(connection, life);
      if (isDone) this.#pending = null;
      await pause(isDone ? this.#random.below(THINKING_MS) : AFTER_FAILURE_MS);
    }
    connection.end();
  }

  async #send(connection, life) {
    const request = this.#pending;
    const { events, kind } = request;
    const { ledger, verdict } = this.#scene;
    const leaves = this.#random.perCent(IMPATIENT_PER_CENT) ? this.#random.below(IMPATIENCE_MS) : undefined;
    this.#scene.requests++;
    if (request.isSent) this.#scene.retries++;
    request.isSent = true;
    const before = { ...ledger.send(events), mayFail: life.mayFail };
    const answer = kind === "single" ? await this.#single(connection, events[0].wire, leaves) : await this.#batch(connection, events, leaves);
    if (answer === null) return false;
    this.#scene.heard(answer);
    const isDone =
      kind === "single"
        ? judgeSingle(ledger, verdict, events[0], before, answer)
        : judgeBatch(ledger, verdict, events, before, answer);
    if (!isDone) life.failed();
    if (isDone && before.known.size < events.length) life.acknowledged();
    if (isDone && kind === "batch") this.#last = request;
    return isDone;
  }

  #single(connection, { id, type, prompt_id, visitor }, leaves) {
    const key = this.#hasIds ? { "idempotency-key": id } : {};
    return connection.post(`/v1/prompts/${prompt_id}/${type}`, { visitor }, { headers: { ...this.#headers, ...key }, leaves });
  }

  #batch(connection, events, leaves) {
    const wires = events.map(({ wire }) => (this.#hasIds ? wire : { ...wire, id: undefined }));
    return connection.post("/v1/events", wires, { headers: this.#headers, leaves });
  }
}

/** Reads one prompt after another, and now and then a page of snapshots, until the life is over. */
export async function read(scene, random, prompts, life) {
  const connection = connect(life.url);
  while (life.isOn) {
    if (random.perCent(15)) await readPage(scene, connection, prompts.slice(0, LISTED));
    else await readOne(scene, connection, random.pick(prompts));
    await pause(random.below(2 * THINKING_MS));
  }
  connection.end();
}

/** Reads each prompt once. */
export async function readAll(scene, prompts, url) {
  const connection = connect(url);
  for (const prompt of prompts) await readOne(scene, connection, prompt);
  connection.end();
}

async function readOne(scene, connection, prompt) {
  const least = leastOf(scene.ledger, prompt);
  const answer = await connection.get(`/v1/prompts/${prompt}/stats`);
  if (answer === null) return;
  scene.heard(answer);
  if (answer.status !== 200) return;
  scene.reads++;
  judgeRead(scene.ledger, scene.verdict, prompt, least, answer.body);
}

async function readPage(scene, connection, prompts) {
  const answer = await connection.get(`/v1/prompts/stats?ids=${prompts.join()}`);
  if (answer === null) return;
  scene.heard(answer);
  if (answer.status !== 200) return;
  scene.reads++;
  for (const row of answer.body.stats) {
    judgeSnapshot(scene.ledger, scene.verdict, row.promptId, countsOf(row));
  }
}
