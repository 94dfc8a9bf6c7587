// A skewed stream of events, as a library has it: few prompts get most of the views, few views lead to more.
import { randomInt, randomUUID } from "node:crypto";

const HOUR_MS = 60 * 60 * 1000;
const PAST_MS = 6 * HOUR_MS;

/** What of 1,000 events is what; the rest are experiment events. */
const PER_MILLE = { view: 650, copy: 130, usage: 50, compare_add: 30, fork: 20 };
/** What is generated: in which scenes, how long that takes at the most, and how often it fails. */
const SCENES = ["portrait", "landscape", "battle", "interior", undefined];
const GENERATION_TIME_MS = 30_000;
const FAILED_PER_CENT = 12;
/** The exponent of Zipf's law for the prompts' popularity. */
const SKEW = 1.1;

/**
 * Events with ids, in random order.
 * @param count how many
 * @param prompts ids of prompts, the most popular first
 * @param experiment the experiment's id
 */
export function traffic(count, prompts, experiment) {
  const pick = zipf(prompts);
  const sessions = sessionEvents(experiment);
  const events = Array.from({ length: count }, () => {
    const type = kind();
    if (!type) return sessions.next().value;
    return { id: randomUUID(), type, timestamp: instant(), prompt_id: pick(), ...(type === "usage" && use()) };
  });
  return shuffled(events);
}

function kind() {
  let dice = randomInt(1000);
  for (const [type, share] of Object.entries(PER_MILLE)) {
    if (dice < share) return type;
    dice -= share;
  }
  return null;
}

/** What became of a use; of some the time was not measured. */
function use() {
  const success = randomInt(100) >= FAILED_PER_CENT;
  return {
    scene: SCENES[randomInt(SCENES.length)],
    success,
    ...(randomInt(10) > 0 && { generation_time_ms: randomInt(GENERATION_TIME_MS) }),
    ...(!success && { error_message: "out of memory" }),
  };
}

function instant() {
  return Date.now() - randomInt(PAST_MS);
}

function zipf(items) {
  let sum = 0;
  const bounds = items.map((_, rank) => (sum += (rank + 1) ** -SKEW));
  return () => {
    const point = Math.random() * sum;
    let [low, high] = [0, items.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (bounds[middle] < point) low = middle + 1;
      else high = middle;
    }
    return items[low];
  };
}

/** Sessions one after another: an exposure, some pageviews, sometimes a conversion. */
function* sessionEvents(experiment_id) {
  for (let number = 0; ; number++) {
    const session_id = randomUUID();
    const exposed = instant();
    const later = () => Math.min(exposed + randomInt(HOUR_MS), Date.now());
    const event = (type, timestamp, more) => ({ id: randomUUID(), type, timestamp, experiment_id, session_id, ...more });
    yield event("exposure", exposed, { variant_key: number % 2 ? "treatment" : "control" });
    for (let views = randomInt(4); views > 0; views--) yield event("pageview", later());
    if (randomInt(100) < 30) yield event("conversion", later());
  }
}

function shuffled(items) {
  for (let last = items.length - 1; last > 0; last--) {
    const other = randomInt(last + 1);
    [items[last], items[other]] = [items[other], items[last]];
  }
  return items;
}
