// How the rates of an experiment came to be what they are: its hourly rows, added up, and judged by the API at some of the
// hours. So every figure of the charts is one that the API has told, and none is computed here.
import { path } from "./api.mjs";
import { MOST_LINES, chart, differenceRange, rateRange } from "./chart.mjs";
import { element } from "./elements.mjs";
import { moment, percent, points, whole } from "./format.mjs";
import { source } from "./source.mjs";

const HOUR_MS = 3_600_000;
const PAGE_ROWS = 100;
/** Pages of hourly rows that are read: a year of an experiment with two variants. */
const MOST_PAGES = 200;
const MOST_LOOKS = 40;
const EVALUATE = "/v1/experiments/evaluate";

const summaryAddress = (id) => path`/v1/experiments/${id}/summary`;

/** Up to `most` of a list, evenly, with its last. */
function thinned(list, most) {
  if (list.length <= most) return list;
  return Array.from({ length: most }, (_, index) => list[Math.round(((index + 1) * list.length) / most) - 1]);
}

/** What each variant has had by the end of each hour, from the hourly rows in their order. */
function addedUp(rows, keys) {
  const sums = new Map(keys.map((key) => [key, { key, sessions: 0, conversions: 0 }]));
  const hours = new Map();
  for (const row of rows) {
    const sum = sums.get(row.variant_key);
    if (!sum) continue;
    sum.sessions += row.new_exposed_sessions;
    sum.conversions += row.new_converted_sessions;
    const [year, month, day] = row.date.split("-").map(Number);
    hours.set(
      Date.UTC(year, month - 1, day, row.hour) + HOUR_MS,
      keys.map((key) => ({ ...sums.get(key) })),
    );
  }
  return [...hours].map(([end, variants]) => ({ end, variants }));
}

async function hourlyRows(api, id) {
  const rows = [];
  let isWhole = true;
  for await (const page of api.pages(summaryAddress(id), { limit: PAGE_ROWS }, MOST_PAGES)) {
    rows.push(...page.rows);
    isWhole = page.next_cursor === null;
  }
  return { rows, isWhole };
}

/** A line with its band, from the figures that one variant had at each look. */
const line = (name, figures, value, interval) => ({
  name,
  values: figures.map((figure) => figure[value]),
  low: figures.map((figure) => figure[interval]?.[0] ?? null),
  high: figures.map((figure) => figure[interval]?.[1] ?? null),
});

/** The chart of all rates, and for each variant but the first that of its difference from it. */
function charts(keys, looks, judged) {
  const common = { times: looks.map(({ end }) => end / 1000), when: (seconds) => moment(seconds * 1000) };
  const rate = (key, index) => line(key, judged.map(({ variants }) => variants[index]), "rate", "interval");
  const difference = (key, index) => {
    const figures = judged.map(({ comparisons }) => comparisons[index].absolute);
    return chart({
      ...common,
      label: `How much higher the rate of “${key}” is than that of “${keys[0]}”, with the band of the sequential test`,
      lines: [line(`${key} less ${keys[0]}`, figures, "estimate", "sequential_interval")],
      show: points,
      range: differenceRange,
    });
  };
  const label = "Rate of each variant by the end of an hour, with its interval of 95 %";
  const about = "As long as 0 lies in the band of the sequential test, no difference is known, however often one looks.";
  return [
    chart({ ...common, label, lines: keys.map(rate), show: percent, range: rateRange }),
    element("p", { class: "quiet" }, about),
    keys.slice(1).map(difference),
  ];
}

/** How the first variants of an experiment got to where they are; the first of them is the baseline. */
export async function overTime(api, id, variants) {
  if (variants.length < 2) return element("p", {}, "There are no two variants yet to be compared.");
  const keys = variants.slice(0, MOST_LINES).map(({ key }) => key);
  const { rows, isWhole } = await hourlyRows(api, id);
  const looks = thinned(addedUp(rows, keys), MOST_LOOKS);
  if (!looks.length) return element("p", {}, "Nothing was rolled up yet.");
  const judged = await Promise.all(looks.map(({ variants }) => api.post(EVALUATE, { variants })));
  const isCut = variants.length > keys.length;
  return [
    !isWhole && element("p", { class: "warning" }, `Only the first ${whole(rows.length)} hourly rows are shown.`),
    isCut && element("p", {}, `Of ${whole(variants.length)} variants the first ${keys.length} are shown.`),
    charts(keys, looks, judged),
    source(`${summaryAddress(id)}?limit=${PAGE_ROWS}`),
    source(EVALUATE, { body: { variants: looks.at(-1).variants } }),
  ];
}
