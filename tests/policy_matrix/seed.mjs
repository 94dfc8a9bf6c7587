// The rows that every request of the matrix meets, in PostgreSQL and in the worker: of two users, on prompts that all
// see and on prompts that only their owner sees, so that every rule has rows on both of its sides.
import { createHash } from "node:crypto";

const names = new Map();
const digest = (name) => createHash("sha256").update(name).digest("hex");

/** The UUID of whatever has this name. */
export function id(name) {
  const hex = digest(name);
  const uuid = [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join("-");
  names.set(uuid, name);
  return uuid;
}

/** The name of a UUID, and anything else as it is. */
export const nameOf = (value) => names.get(value) ?? value;

/** The same value with the names of all UUIDs in it. */
export const named = (value) =>
  JSON.parse(JSON.stringify(value).replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, nameOf));

/** A number below `limit` that only depends on the name. */
const number = (name, limit) => parseInt(digest(name).slice(0, 12), 16) % limit;

/** An instant of its own. It never ends in a zero, which PostgreSQL would leave out. */
function at(name) {
  const part = (unit) => String(number(`${unit} of ${name}`, 60)).padStart(2, "0");
  const micros = String(number(`micros of ${name}`, 100_000)).padStart(5, "0");
  return `2026-11-20T12:${part("minute")}:${part("second")}.${micros}1+00:00`;
}

const PROMPTS = {
  public: { is_public: true, is_active: true, category: "shared" },
  inactive: { is_public: true, is_active: false, category: "shared" },
  private: { is_public: false, is_active: true, category: null },
  // Nothing but a template is on these two: there is room for new rows.
  open: { is_public: true, is_active: true, category: "room" },
  closed: { is_public: false, is_active: false, category: "room" },
};
const UNLISTED = { is_public: false, is_active: true, category: null };
const USED = ["public", "inactive", "private"];

/** A row of each table: `by` a user, `on` a prompt, which is named after its owner and its kind (`owner.public`). */
export const ROW = {
  users: (by) => ({ id: id(by), email: by === "stranger" ? null : `${by}@example.com`, created_at: at(by) }),
  prompts: (by, on) => ({
    id: id(on),
    slug: on.replace(".", "-"),
    user_id: id(by),
    title: `title of ${on}`,
    goal: `goal of ${on.replace(".", " ")}`,
    template: `template of ${on}`,
    variables: { name: on },
    negative_prompt: null,
    tags: [on, "all"],
    ...(PROMPTS[on.split(".")[1]] ?? UNLISTED),
    forked_from: null,
    created_at: at(on),
    updated_at: at(`change of ${on}`),
  }),
  prompt_answers: (by, on) => ({
    id: id(`answer on ${on}`),
    prompt_id: id(on),
    question: `question on ${on}`,
    answer: `answer on ${on}`,
    position: number(on, 3),
    created_at: at(`answer on ${on}`),
    updated_at: at(`change of answer on ${on}`),
  }),
  test_results: (by, on) => ({
    id: id(`result of ${by} on ${on}`),
    prompt_id: id(on),
    user_id: id(by),
    model: on.endsWith("public") ? null : `model ${number(on, 2)}`,
    input: `input of ${by} on ${on}`,
    output: `output of ${by} on ${on}`,
    rating: 3,
    duration_ms: 10,
    created_at: at(`result of ${by} on ${on}`),
  }),
  prompt_templates: (by, on) => ({
    id: id(`template on ${on}`),
    prompt_id: id(on),
    category: `category of ${on}`,
    tags: [on],
    likes_count: USED.includes(on.split(".")[1]) ? 2 : 0,
    uses_count: number(on, 3),
    created_at: at(`template on ${on}`),
    updated_at: at(`change of template on ${on}`),
  }),
  template_likes: (by, on) => ({
    template_id: id(`template on ${on}`),
    user_id: id(by),
    created_at: at(`like of ${by} on ${on}`),
  }),
  user_favorites: (by, on) => ({
    user_id: id(by),
    template_id: id(`template on ${on}`),
    created_at: at(`template of ${by} on ${on}`),
  }),
  prompt_favorites: (by, on) => ({ user_id: id(by), prompt_id: id(on), created_at: at(`prompt of ${by} on ${on}`) }),
  prompt_usage: (by, on) => {
    const success = !on.endsWith("private");
    return {
      id: `use of ${by} on ${on}`,
      prompt_id: id(on),
      user_id: by === "nobody" ? null : id(by),
      post_id: null,
      character_id: "character",
      job_id: `job of ${by} on ${on}`,
      scene: on.endsWith("public") ? null : `scene ${number(on, 2)}`,
      environment: "environment",
      outfit: "outfit",
      prompt: `text of ${by} on ${on}`,
      negative_prompt: null,
      success,
      generation_time_ms: success ? 1 + number(`time of ${by} on ${on}`, 1000) : null,
      error_message: success ? null : `error of ${by} on ${on}`,
      created_at: at(`use of ${by} on ${on}`),
    };
  },
  prompt_events: (by, on) => ({
    id: `event of ${by} on ${on}`,
    prompt_id: id(on),
    user_id: by === "nobody" ? null : id(by),
    event_type: number(`${by} ${on}`, 2) ? "fork" : "compare_add",
    child_prompt_id: id(`child of ${on}`),
    comparison_id: `comparison of ${by} on ${on}`,
    created_at: at(`event of ${by} on ${on}`),
  }),
  prompt_stats: (by, on) => ({
    prompt_id: id(on),
    view_count: number(on, 3),
    copy_count: 2,
    fork_count: 3,
    compare_count: 4,
    visit_count: 5,
    unique_visitors: 6,
    updated_at: at(`snapshot of ${on}`),
  }),
  experiments: (by, on) => ({
    id: `experiment ${on}`,
    project_id: "project",
    name: `name of ${on}`,
    multi_variant: "exclude",
    conversion_window_hours: on.endsWith("public") ? null : 24,
    hypothesis: null,
    variants: [{ key: "a", weight: 0.5 }, { key: "b", weight: 0.5 }],
    coverage: on.endsWith("public") ? 1 : 0.25,
    seed: on,
    hash_version: 2,
    namespace: on.endsWith("public") ? null : ["layer", 0, 0.5],
    status: "running",
    started_ms: 1 + number(on, 1_000_000),
    stopped_ms: null,
    created_ms: 1,
    updated_ms: 2,
  }),
  analytics_events: (by, on) => ({
    seq: (1 + number(on, 1_000_000)) * 65_536, // the first event of a batch
    experiment_id: `experiment ${on}`,
    event_id: `event of ${on}`,
    event_type: "exposure",
    project_id: "project",
    session_id: `session of ${on}`,
    variant_key: on.endsWith("public") ? null : "control",
    view_id: null,
    timestamp_ms: 1_795_176_000_000,
    properties: { name: on },
  }),
  experiment_sessions: (by, on) => ({
    experiment_id: `experiment ${on}`,
    session: digest(`session of ${on}`).slice(0, 32),
    variant_key: "control",
    first_exposure_ms: on.endsWith("public") ? null : 1_795_176_000_000,
    is_multi_variant: false,
  }),
  experiment_analytics_summary: (by, on) => ({
    experiment_id: `experiment ${on}`,
    variant_key: `variant of ${on}`,
    date: "2026-11-20",
    hour: number(on, 3),
    ...Object.fromEntries(
      [
        ...["sessions", "pageviews", "pageview_sessions", "exposures", "exposure_sessions", "conversions"],
        ...["conversion_sessions", "new_exposed_sessions", "new_converted_sessions"],
      ].map((count) => [count, 1]),
    ),
  }),
};

/** The two users whose rows stand on both sides of every rule. */
const USERS = ["owner", "other"];

const kinds = (...list) => USERS.flatMap((by) => list.map((kind) => [by, `${by}.${kind}`]));
const everybodyOn = (...list) => kinds(...list).flatMap(([, on]) => USERS.map((by) => [by, on]));

const SEEDED = {
  users: [...USERS, "stranger"].map((by) => [by]),
  prompts: kinds(...Object.keys(PROMPTS)),
  prompt_answers: kinds(...USED),
  test_results: everybodyOn(...USED),
  prompt_templates: kinds(...Object.keys(PROMPTS)),
  template_likes: everybodyOn(...USED),
  user_favorites: everybodyOn(...USED),
  prompt_favorites: everybodyOn(...USED),
  prompt_usage: [...everybodyOn(...USED), ["nobody", "owner.public"], ["nobody", "owner.private"]],
  prompt_events: [...everybodyOn(...USED), ["nobody", "owner.public"], ["nobody", "owner.private"]],
  prompt_stats: kinds(...USED),
  experiments: kinds("public", "private"),
  analytics_events: kinds("public", "private"),
  experiment_sessions: kinds("public", "private"),
  experiment_analytics_summary: kinds("public", "private"),
};

/** Table → its rows. A table comes after those that it refers to. */
export const SEED = Object.fromEntries(
  Object.entries(SEEDED).map(([table, places]) => [table, places.map((place) => ROW[table](...place))]),
);
