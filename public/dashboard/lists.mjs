// Which prompts are ahead: the lists, over all time and lately.
import { path } from "./api.mjs";
import { choice, element, fill, heading } from "./elements.mjs";
import { moment, number, text, whole } from "./format.mjs";
import { source } from "./source.mjs";
import { pagedTable } from "./table.mjs";

const LISTS = {
  viewed: "Most viewed",
  visited: "Most visited",
  trending: "Trending",
  copied: "Most copied",
  forked: "Most forked",
  liked: "Most liked",
  used: "Most used",
};
const WINDOWS = { "24h": "24 hours", "7d": "7 days", "30d": "30 days", all: "all time" };
const LIMIT = 25;
/** What a list tells of a prompt beside what it is. */
const COUNTS = {
  score: ["Score", number],
  view_count: ["Views", whole],
  visit_count: ["Visits", whole],
  copy_count: ["Copies", whole],
  fork_count: ["Forks", whole],
  like_count: ["Likes", whole],
  usage_count: ["Uses", whole],
  success_count: ["Successes", whole],
  success_rate: ["Succeeded, %", number],
};

export const promptLink = ({ id, title }) =>
  element("a", { href: `#${path`/prompts/${id}`}` }, title || "(without a title)");

export function lists(api, parameters) {
  const named = (choices, name, otherwise) => (Object.hasOwn(choices, name ?? "") ? name : otherwise);
  const chosen = {
    list: named(LISTS, parameters.get("list"), "viewed"),
    window: named(WINDOWS, parameters.get("window"), "7d"),
  };
  const body = element("div");
  const show = () => fill(body, () => list(api, chosen));
  const change = (what) => (value) => {
    chosen[what] = value;
    history.replaceState(null, "", `#/lists?${new URLSearchParams(chosen)}`);
    show();
  };
  show();
  return [
    heading("Lists"),
    element(
      "section",
      { "aria-label": "List" },
      element(
        "div",
        { class: "choices" },
        choice("List", Object.entries(LISTS), chosen.list, change("list")),
        choice("Time", Object.entries(WINDOWS), chosen.window, change("window")),
      ),
      body,
    ),
  ];
}

async function list(api, { list, window }) {
  const address = path`/v1/prompts/top/${list}`;
  let place = 0;
  const ranked = ({ prompts }) => prompts.map((prompt) => ({ ...prompt, place: (place += 1) }));
  const pages = api.pages(address, { window, limit: LIMIT });
  const first = (await pages.next()).value;
  const told = Object.keys(COUNTS).filter((name) => name in (first.prompts[0] ?? {}));
  const columns = [
    ["Place", ({ place }) => place],
    ["Prompt", promptLink],
    ...told.map((name) => [COUNTS[name][0], (prompt) => COUNTS[name][1](prompt[name]), true]),
    ["Category", ({ category }) => text(category)],
    ["Made", ({ created_at }) => moment(created_at)],
  ];
  const caption = `${LISTS[list]} prompts, ${WINDOWS[window]}: those that are public and active`;
  return [
    pagedTable(caption, columns, first, pages, ranked, "No prompt is in this list."),
    source(`${address}?window=${window}&limit=${LIMIT}`),
  ];
}
