// Totals over the library, and how the leading prompts go.
import { path, withQuery } from "./api.mjs";
import { chart, countRange } from "./chart.mjs";
import { choice, content, element, fill, heading, section } from "./elements.mjs";
import { TIME_ZONE, whole } from "./format.mjs";
import { PERIODS, period, pointsOf, seriesAddress, totalsSection } from "./series.mjs";
import { figures, source } from "./source.mjs";
import { more } from "./table.mjs";

const LEADING = 5;
const PAGE_ROWS = 1000;
/** Beyond, the counts are only added up if somebody wants it: each page is a request. */
const PAGES_UNASKED = 10;
const SUMMED = {
  view_count: "Views",
  visit_count: "Visits",
  copy_count: "Copies",
  fork_count: "Forks",
  compare_count: "Comparisons",
};
const NUMBER_OF = { Prompts: "prompts", Templates: "prompt_templates", Users: "users", Experiments: "experiments" };

export const overview = (api) => [
  heading("Overview"),
  section("Counts of all prompts", () => sums(api)),
  trend(api),
  totalsSection(api),
  section("How many there are", () => numbers(api)),
];

async function numbers(api) {
  const addresses = Object.entries(NUMBER_OF).map(([name, table]) => [
    name,
    withQuery(path`/rest/v1/${table}`, { select: "id", limit: 1 }),
  ]);
  const counts = await Promise.all(addresses.map(([, address]) => api.count(address)));
  return [
    figures(addresses.map(([name, address], index) => [name, whole(counts[index]), address, { prefer: "count=exact" }])),
    element("p", { class: "quiet" }, "The number is in the header Content-Range of the answer to Prefer: count=exact."),
  ];
}

const statsAddress = (parameters) => withQuery("/rest/v1/prompt_stats", parameters);
const SUMMED_COLUMNS = ["prompt_id", ...Object.keys(SUMMED)].join(",");
const pageAddress = (after) =>
  statsAddress({ select: SUMMED_COLUMNS, order: "prompt_id", limit: PAGE_ROWS, prompt_id: after && `gt.${after}` });

/** The sums over the snapshots of all counters, which the dashboard adds up page by page. */
async function sums(api) {
  const counted = await api.count(statsAddress({ select: "prompt_id", limit: 1 }));
  const pages = Math.ceil(counted / PAGE_ROWS);
  const body = element("div");
  const addUp = async () => body.replaceChildren(...content(await summed(api)));
  if (pages <= PAGES_UNASKED) await addUp();
  else
    body.append(
      element("p", {}, `There are counts of ${whole(counted)} prompts.`),
      more(addUp, `Add them up (${whole(pages)} requests)`),
    );
  return [body, source(pageAddress())];
}

async function summed(api) {
  const sum = Object.fromEntries(Object.keys(SUMMED).map((column) => [column, 0]));
  let prompts = 0;
  let rows = [];
  do {
    rows = await api.get(pageAddress(rows.at(-1)?.prompt_id));
    prompts += rows.length;
    for (const row of rows) for (const column of Object.keys(SUMMED)) sum[column] += row[column];
  } while (rows.length === PAGE_ROWS);
  const each = (column) => statsAddress({ select: `prompt_id,${column}`, order: `${column}.desc` });
  return [
    figures(Object.entries(SUMMED).map(([column, name]) => [name, whole(sum[column]), each(column)])),
    element(
      "p",
      { class: "quiet" },
      `Of ${whole(prompts)} prompts that were counted, as the counters told it at most ten seconds before.`,
    ),
  ];
}

/** The views of the prompts that lead. */
function trend(api) {
  const body = element("div");
  const show = (name) => fill(body, () => leading(api, name));
  const choices = Object.entries(PERIODS)
    .filter(([, { window }]) => window)
    .map(([name, { title }]) => [name, title]);
  show("30d");
  return section("Views of the leading prompts", () => [
    element("div", { class: "choices" }, choice("Time", choices, "30d", show)),
    body,
  ]);
}

async function leading(api, name) {
  const list = withQuery("/v1/prompts/top/viewed", { window: PERIODS[name].window, limit: LEADING });
  const { prompts } = await api.get(list);
  if (!prompts.length) return element("p", {}, "Nothing was viewed in this time.");
  const parameters = { metric: "view", ...period(name) };
  const series = await Promise.all(prompts.map(({ id }) => api.get(seriesAddress(id, parameters))));
  const { times, when } = pointsOf(series[0], PERIODS[name].interval);
  const lines = prompts.map(({ title }, index) => ({ name: title, values: series[index].points.map(({ count }) => count) }));
  return [
    chart({
      label: `Views of the ${prompts.length} most viewed prompts, ${PERIODS[name].title}, ${TIME_ZONE}`,
      times,
      lines,
      show: whole,
      when,
      range: countRange,
    }),
    source(list),
    prompts.map(({ id }) => source(seriesAddress(id, parameters))),
  ];
}
