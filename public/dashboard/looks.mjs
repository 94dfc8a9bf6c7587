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

export const summaryAddress = (id) => path`/v1/experiments/${id}/summary`;

/** Up to `most` of a list, evenly, with its last. */
export function thinned(list, most) {
  if (list.length <= most) return list;
  return Array.from({ length: most }, (_, index) => list[Math.round(((index + 1) * list.length) / most) - 1]);
}

/** What each variant has had by the end of each hour, from the hourly rows in their order. */
export function addedUp(rows, keys) {
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

/** The charts of an experiment's first variants, of which the baseline is the first. */
export async function overTime(api, id, variants) {
  if (variants.length < 2) return element("p", {}, "There are no two variants yet to be compared.");
  const keys = variants.slice(0, MOST_LINES).map(({ key }) => key);
  const { rows, isWhole } = await hourlyRows(api, id);
  const looks = thinned(addedUp(rows, keys), MOST_LOOKS);
  if (!looks.length) return element("p", {}, "Nothing was rolled up yet.");
  const judged = await Promise.all(looks.map(({ variants }) => api.post(EVALUATE, { variants })));
  const times = looks.map(({ end }) => end / 1000);
  const when = (seconds) => moment(seconds * 1000);
  const ends = (figures, interval) => ({
    low: figures.map((figure) => figure[interval]?.[0] ?? null),
    high: figures.map((figure) => figure[interval]?.[1] ?? null),
  });
  const rates = keys.map((name, index) => {
    const figures = judged.map((judgement) => judgement.variants[index]);
    return { name, values: figures.map(({ rate }) => rate), ...ends(figures, "interval") };
  });
  const difference = (name, index) => {
    const figures = judged.map(({ comparisons }) => comparisons[index].absolute);
    const line = {
      name: `${name} less ${keys[0]}`,
      values: figures.map(({ estimate }) => estimate),
      ...ends(figures, "sequential_interval"),
    };
    const label = `How much higher the rate of “${name}” is than that of “${keys[0]}”, with the band of the sequential test`;
    return chart({ label, times, lines: [line], show: points, when, range: differenceRange });
  };
  return [
    !isWhole && element("p", { class: "warning" }, `Only the first ${whole(rows.length)} hourly rows are shown.`),
    variants.length > keys.length &&
      element("p", {}, `Of ${whole(variants.length)} variants the first ${keys.length} are shown.`),
    chart({
      label: "Rate of each variant by the end of an hour, with its interval of 95 %",
      times,
      lines: rates,
      show: percent,
      when,
      range: rateRange,
    }),
    element(
      "p",
      { class: "quiet" },
      "As long as 0 lies in the band of the sequential test, no difference is known, however often one looks.",
    ),
    keys.slice(1).map(difference),
    source(`${summaryAddress(id)}?limit=${PAGE_ROWS}`),
    source(EVALUATE, { body: { variants: looks.at(-1).variants } }),
  ];
}
