// A library as large as one becomes. For the same numbers it is the same library: what looks random follows from a seed.
//
// Prompts stand in the order of their popularity. The first is the viral one: a fifth of all prompts are forks of it, or of
// its forks.
const YEAR_MS = 365 * 24 * 3_600_000;
/** The exponent of Zipf's law for the prompts' popularity. */
const SKEW = 1.1;
/** Of prompts: how many are private, forks in the viral tree, forks in lines, and offered as a template. */
const [PRIVATE, VIRAL, IN_LINES, OFFERED] = [0.2, 0.2, 0.1, 0.05];
/** Of the forks in the viral tree, how many are of its root. */
const OF_THE_ROOT = 0.75;
/** Prompts of one line of forks, the first of which is none; limits.rs allows 64. */
const LINE = 50;
const COPIES = 0.15;
const FAILURES = 0.1;
/** For each prompt. */
const [LIKES, USES, COMPARISONS] = [0.5, 2, 0.05];
const USERS = 500;
/** Prompts that are visited, the most popular ones, and visits of each. */
const [VISITED, VISITS] = [2000, 5];

const CATEGORIES = ["writing", "programming", "marketing", "education", "games", "art", "research", "business"];
const SCENES = ["portrait", "landscape", "office", "beach", "night", "studio", "forest", "street", "kitchen", "space"];
const WORDS = `act as an expert who answers questions about history music code stories travel food health law science with clear
  short careful friendly detailed examples and explains every step before the next one then asks what to improve`.split(/\s+/);

/** Numbers in [0, 1) that follow from a seed (mulberry32). */
export function randomOf(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** For each of `count` ranks, how much of the whole (1) the ranks up to it have, by Zipf's law. */
export function zipf(count) {
  let sum = 0;
  const bounds = Float64Array.from({ length: count }, (_, rank) => (sum += (rank + 1) ** -SKEW));
  return bounds.map((bound) => bound / sum);
}

/** The first rank whose bound is not below `point`. */
export function rankAt(bounds, point) {
  let [low, high] = [0, bounds.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (bounds[middle] < point) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * @param size how many prompts
 * @param counted how many views and copies they have together, over the year before `now`
 * @param now milliseconds since 1970
 */
export function largeLibrary(size, counted, now) {
  const random = randomOf(1);
  const one = (items) => items[Math.floor(random() * items.length)];
  const digits = (length) => Array.from({ length }, () => Math.floor(random() * 16).toString(16)).join("");
  const id = () => `${digits(8)}-${digits(4)}-4${digits(3)}-8${digits(3)}-${digits(12)}`;
  const text = (words) => Array.from({ length: words }, () => one(WORDS)).join(" ");
  const inTheYear = (share) => new Date(now - YEAR_MS * (1 - share)).toISOString();
  const times = (each) => Array.from({ length: Math.round(size * each) });

  const users = Array.from({ length: USERS }, id);
  const prompts = madePrompts();
  const popularity = zipf(size);
  const popular = () => prompts[rankAt(popularity, random())];
  const templates = prompts.filter(({ isPublic }) => isPublic && random() < OFFERED)
    .map((prompt) => ({ id: id(), prompt_id: prompt.id, category: prompt.category, tags: [prompt.category] }));

  function madePrompts() {
    const made = [];
    const viral = [];
    let line = [];
    for (let rank = 0; rank < size; rank++) {
      const prompt = { id: id(), user: one(users), category: one(CATEGORIES), isPublic: rank === 0 || random() >= PRIVATE, parent: null };
      const kind = random();
      if (rank === 0 || kind < VIRAL) {
        if (rank > 0) prompt.parent = random() < OF_THE_ROOT ? viral[0] : one(viral);
        viral.push(prompt);
      } else if (line.length % LINE === 0) {
        line = [prompt];
      } else if (kind < VIRAL + IN_LINES) {
        prompt.parent = line.at(-1);
        line.push(prompt);
      }
      made.push(prompt);
    }
    return made;
  }

  /** Lines of an import: the prompts, each after the one that it was forked from. */
  function* promptLines() {
    for (const [rank, { id, user, category, isPublic, parent }] of prompts.entries()) {
      const row = { id, user_id: user, title: text(6), goal: text(12), template: text(80), category, is_public: isPublic, created_at: inTheYear(0) };
      yield { table: "prompts", row: { ...row, slug: `prompt-${rank}`, tags: [category], forked_from: parent?.id ?? null } };
    }
  }

  /** Lines of an import: a row for each view and copy, as a system has them that logs each. */
  function* countLines() {
    let number = 0;
    for (const [rank, prompt] of prompts.entries()) {
      const last = Math.round(popularity[rank] * counted);
      for (let first = number; number < last; number++) {
        const event_type = random() < COPIES ? "copy" : "view";
        const created_at = inTheYear((number - first + random()) / (last - first));
        yield { table: "prompt_events", row: { id: number + 1, prompt_id: prompt.id, event_type, created_at } };
      }
    }
  }

  /** Lines of an import: the forks. */
  function* forkLines() {
    for (const { id, user, parent } of prompts) {
      if (parent) yield { table: "prompt_events", row: { id: `fork-${id}`, prompt_id: parent.id, user_id: user, event_type: "fork", created_at: inTheYear(random()) } };
    }
  }

  /** Likes of the templates, without repetition. */
  function likes() {
    const made = new Map();
    for (const _ of times(LIKES)) {
      const like = { template_id: one(templates).id, user_id: one(users), created_at: inTheYear(random()) };
      made.set(like.template_id + like.user_id, like);
    }
    return [...made.values()];
  }

  /** What users compared, by user: events of comparisons of two to five popular prompts that all may see. */
  function comparisons() {
    const made = new Map();
    for (const [number] of times(COMPARISONS).entries()) {
      const compared = Array.from({ length: 2 + Math.floor(random() * 4) }, popular).filter(({ isPublic }) => isPublic);
      const user = users[number % 20];
      const events = new Set(compared).values().map(({ id }) => ({ type: "compare_add", prompt_id: id, comparison_id: `comparison-${number}` }));
      made.set(user, [...(made.get(user) ?? []), ...events]);
    }
    return [...made];
  }

  /** Uses of the last 40 hours: events may not be older. */
  function* uses() {
    for (const _ of times(USES)) {
      const success = random() >= FAILURES;
      yield {
        type: "usage", prompt_id: popular().id, scene: one(SCENES), success, timestamp: now - Math.floor(random() * 40 * 3_600_000),
        ...(success ? { generation_time_ms: Math.floor(500 + 20_000 * random() ** 3) } : { error_message: "timed out" }),
      };
    }
  }

  /** Views of the last 40 hours of which it is known whose they were: an import does not tell, so none of its views is a visit. */
  function visits() {
    const visited = prompts.slice(0, VISITED);
    return Array.from({ length: visited.length * VISITS }, (_, number) => ({
      type: "view", prompt_id: visited[number % visited.length].id, visitor: `visitor-${number}`,
      timestamp: now - Math.floor(random() * 40 * 3_600_000),
    }));
  }

  return { users, prompts, popular, templates, promptLines, countLines, forkLines, likes, comparisons, uses, visits };
}
