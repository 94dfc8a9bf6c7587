// Counts that move while the page is seen. Those of few prompts are told as they change; others are asked for every few
// seconds, and so is what is not told.
import { element } from "./element.mjs";
import { isLive, listenTo, toldOf } from "./live.mjs";
import { askAsReader } from "./session.mjs";

const PAUSE_MS = 2000;
/** Where all but likes is told. */
const LIVE_PAUSE_MS = 10_000;
/** So few prompts are asked of their counters, which know at once and tell; more of the snapshots, which are 10 s old at the most. */
const FEW = 2;
/** Prompts whose stats are told in one answer. */
const MOST = 100;
/** What is counted, and what one and many of it are called. */
const NAMES = {
  viewCount: ["view", "views"],
  copyCount: ["copy", "copies"],
  likeCount: ["like", "likes"],
  forkCount: ["fork", "forks"],
  compareCount: ["comparison", "comparisons"],
};

let timer;
/** Answers about many prompts, by what was asked: their entity tags and the counts. */
const known = new Map();
const MOST_KNOWN = 50;

/** The counts of a prompt, all or those named, which begin to move once they are in the page. */
export const counts = (id, names = Object.keys(NAMES)) =>
  element(
    "dl",
    { class: "counts", "data-counts": id },
    names.map((name) => element("div", {}, element("dt", {}, NAMES[name][1]), element("dd", { "data-count": name }, "–"))),
  );

/** Looks now, and then every few seconds. */
export async function watchCounts() {
  clearTimeout(timer);
  const ids = document.hidden ? [] : shownIds();
  const few = ids.length > FEW ? [] : ids;
  listenTo(few, show, watchCounts);
  const isTold = () => few.length > 0 && few.every(isLive);
  let pause_ms = PAUSE_MS;
  try {
    for (const stats of ids.length > FEW ? await ofMany(ids) : await ofFew(ids)) show(stats);
    standing("");
  } catch (failure) {
    standing(isTold() ? "" : `The counts stand still. ${failure.message}`);
    pause_ms = Math.max(PAUSE_MS, failure.retryAfter_s * 1000);
  }
  clearTimeout(timer);
  timer = setTimeout(watchCounts, isTold() ? Math.max(LIVE_PAUSE_MS, pause_ms) : pause_ms);
}

for (const name of ["online", "offline"]) addEventListener(name, watchCounts);
document.addEventListener("visibilitychange", watchCounts);

const shownIds = () => [...new Set([...document.querySelectorAll("[data-counts]")].map((list) => list.dataset.counts))];

/** What was told meanwhile is newer than the answers. */
async function ofFew(ids) {
  const answers = await Promise.all(ids.map((id) => askAsReader(`/v1/prompts/${id}/stats`)));
  return answers.map(({ body }) => ({ ...body, ...toldOf(body.promptId) }));
}

async function ofMany(ids) {
  const parts = Array.from({ length: Math.ceil(ids.length / MOST) }, (_, index) => ids.slice(index * MOST, (index + 1) * MOST));
  return (await Promise.all(parts.map(ofPart))).flat();
}

async function ofPart(ids) {
  const path = `/v1/prompts/stats?ids=${ids.join(",")}`;
  const before = known.get(path);
  const answer = await askAsReader(path, { headers: before ? { "If-None-Match": before.tag } : {} });
  if (answer.status === 304) return before.stats;
  const { stats } = answer.body;
  if (known.size === MOST_KNOWN) known.clear();
  known.set(path, { tag: answer.headers.get("ETag"), stats });
  return stats;
}

function show(stats) {
  for (const list of document.querySelectorAll(`[data-counts="${CSS.escape(stats.promptId)}"]`)) {
    for (const number of list.querySelectorAll("[data-count]")) {
      const name = number.dataset.count;
      if (stats[name] === undefined) continue;
      const text = stats[name].toLocaleString("en");
      if (number.textContent === text) continue;
      if (number.textContent !== "–") moved(number);
      number.textContent = text;
      number.previousElementSibling.textContent = NAMES[name][stats[name] === 1 ? 0 : 1];
    }
  }
}

function moved(number) {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  number.animate([{ background: "var(--moved)" }, { background: "transparent" }], { duration: 1500 });
}

/** Tells that counts stand still, once. */
function standing(text) {
  const status = document.getElementById("standing");
  if (status.textContent !== text) status.textContent = text;
}
