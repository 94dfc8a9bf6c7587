// What the pictures show: the sample of the demo library with a month of readers, and an experiment that is decided. For the
// same seed it is the same, as far as the time of the day allows. All of it comes in by the worker's own doors.
import { randomOf, rankAt, zipf } from "../../bench/large-library.mjs";
import { bearer, client, until } from "../../tests/worker/instance.mjs";
import { userToken } from "../jwt.mjs";

const [MINUTE_MS, HOUR_MS, DAY_MS] = [60_000, 3_600_000, 86_400_000];
const DAYS = 30;
/** Older ones are imported: an event is at most 48 hours old. */
const RECENT_MS = 47 * HOUR_MS;
/** Of views, how many lead to a copy; of uses, how many fail. */
const [COPIES, FAILURES] = [0.19, 0.06];
const [USERS, LIKES] = [60, 5];
const EVENTS_OF_A_REQUEST = 500;
const PRIVATE_FORKS = 12;
const COMPARISONS = 25;
const SCENES = ["editor", "chat", "batch"];
const FORKS = ["Plain language for patients", "Plain language for contracts", "Plain language, in German", "For a newsletter"];
/** The experiment: its id, and of each variant how many of its sessions convert. */
export const EXPERIMENT = "copy-button-above";
const RATES = { below: 0.124, above: 0.171 };

/**
 * Fills an instance whose library has the sample.
 * @param origin where it is
 * @param keys its `SERVICE_KEY` and `JWT_SECRET`
 * @param prompts those of the sample
 * @param views how many there shall be
 * @param sessions of the experiment
 * @param uses of prompts
 * @param cron has the cron run
 */
export async function fill({ origin, keys, prompts, views, sessions, uses, cron }) {
  const random = randomOf(7);
  const now = Date.now();
  const { send, get, post } = client(origin);
  const as = bearer(keys.SERVICE_KEY);
  const digits = (length) => Array.from({ length }, () => Math.floor(random() * 16).toString(16)).join("");
  const id = () => `${digits(8)}-${digits(4)}-4${digits(3)}-8${digits(3)}-${digits(12)}`;
  const one = (items) => items[Math.floor(random() * items.length)];
  const users = Array.from({ length: USERS }, id);
  const asUser = (user) => bearer(userToken(user, keys.JWT_SECRET));
  const popularity = zipf(prompts.length);
  const popular = () => prompts[(rankAt(popularity, random()) * 7) % prompts.length];

  async function done(asked) {
    const { status, body } = await asked;
    if (status >= 300 || body.rejected?.length || body.refused?.length) throw new Error(`answered ${status}: ${JSON.stringify(body)}`);
    return body;
  }

  async function sendAll(events, options = { as }) {
    for (let from = 0; from < events.length; from += EVENTS_OF_A_REQUEST) {
      await done(post("/v1/events", events.slice(from, from + EVENTS_OF_A_REQUEST), options));
    }
  }

  /** An instant of the last month: there are more readers from week to week, by day, and on days of work. */
  function instant() {
    for (;;) {
      const at = now - MINUTE_MS - random() * DAYS * DAY_MS;
      const [day, hour] = [new Date(at).getUTCDay(), new Date(at).getUTCHours()];
      const growth = 1 - (0.5 * (now - at)) / (DAYS * DAY_MS);
      if (random() < growth * (day % 6 === 0 ? 0.5 : 1) * (hour >= 7 && hour < 22 ? 1 : 0.3)) return at;
    }
  }

  async function read() {
    const [lines, events] = [[], []];
    for (let number = 1; number <= views; number++) {
      const [prompt_id, at] = [popular().id, instant()];
      const isRecent = now - at < RECENT_MS;
      for (const type of random() < COPIES ? ["view", "copy"] : ["view"]) {
        if (isRecent) events.push({ type, prompt_id, timestamp: Math.floor(at), visitor: `reader ${number % 150}` });
        else lines.push({ table: "prompt_events", row: { id: lines.length + 1, prompt_id, event_type: type, created_at: new Date(at).toISOString() } });
      }
    }
    const body = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
    await done(send("POST", "/v1/import", { as, body, type: "application/x-ndjson" }));
    await sendAll(events);
    return lines.length + events.length;
  }

  async function like() {
    await done(post("/rest/v1/users", users.map((id) => ({ id })), { as }));
    const liked = (user_id) => [...new Set(Array.from({ length: LIKES }, () => popular().template_id))].map((template_id) => ({ user_id, template_id }));
    await done(post("/rest/v1/template_likes", users.flatMap(liked), { as }));
  }

  async function fork() {
    let [parent] = prompts;
    for (const [place, title] of FORKS.entries()) {
      const by = asUser(users[place]);
      const made = await done(post(`/v1/prompts/${parent.id}/fork`, {}, { as: by }));
      await done(send("PATCH", `/rest/v1/prompts?id=eq.${made.id}`, { as: by, body: { title, is_public: true } }));
      if (place === FORKS.length - 2) parent = made;
    }
    for (const user of users.slice(-PRIVATE_FORKS)) await done(post(`/v1/prompts/${popular().id}/fork`, {}, { as: asUser(user) }));
    return FORKS.length + PRIVATE_FORKS;
  }

  async function compare() {
    let sum = 0;
    for (const user of users.slice(0, COMPARISONS)) {
      const comparison_id = id();
      const compared = [...new Set([popular(), popular(), popular()])];
      sum += compared.length;
      await sendAll(compared.map(({ id: prompt_id }) => ({ type: "compare_add", prompt_id, comparison_id })), { as: asUser(user) });
    }
    return sum;
  }

  async function use() {
    const made = Array.from({ length: uses }, () => ({
      type: "usage",
      prompt_id: popular().id,
      scene: one(SCENES),
      success: random() >= FAILURES,
      generation_time_ms: Math.round(400 + 5000 * random() ** 3),
      timestamp: Math.floor(now - random() * RECENT_MS),
    }));
    await sendAll(made);
  }

  async function experiment() {
    const variants = Object.keys(RATES).map((key) => ({ key, weight: 1 / Object.keys(RATES).length }));
    const declaration = { name: "Copy button above the prompt", hypothesis: "Who sees the button before the text copies more often.", variants };
    await done(send("PUT", `/v1/experiments/${EXPERIMENT}`, { as, body: declaration }));
    const events = Array.from({ length: sessions }, (_, number) => {
      const variant_key = one(Object.keys(RATES));
      const exposed = Math.floor(now - HOUR_MS - random() * (RECENT_MS - HOUR_MS));
      const of = (type, timestamp, more) => ({ type, experiment_id: EXPERIMENT, session_id: `session ${number}`, timestamp, ...more });
      const converts = random() < RATES[variant_key];
      return [of("exposure", exposed, { variant_key }), ...(converts ? [of("conversion", exposed + Math.floor(random() * HOUR_MS))] : [])];
    });
    await sendAll(events.flat());
    await cron();
  }

  let counted = await read();
  await like();
  counted += await fork();
  counted += await compare();
  await use();
  await experiment();
  await until(async () => {
    const { body } = await get("/rest/v1/prompt_stats?select=view_count,copy_count,fork_count,compare_count", { as });
    return body.reduce((sum, row) => sum + row.view_count + row.copy_count + row.fork_count + row.compare_count, 0) >= counted;
  }, "the counters have told what they counted");
}
