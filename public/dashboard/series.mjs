// What was counted of a prompt, and of all, by hours and days of the browser's time zone.
import { path, withQuery } from "./api.mjs";
import { chart, countRange } from "./chart.mjs";
import { choice, element, fill, section } from "./elements.mjs";
import { TIME_ZONE, day, moment, whole } from "./format.mjs";
import { source } from "./source.mjs";

const [HOUR_MS, DAY_MS] = [3_600_000, 86_400_000];

/** Periods of time: how long, in which steps, and which window of the lists is the same. */
export const PERIODS = {
  "24h": { title: "24 hours by the hour", interval: "hour", ms: 24 * HOUR_MS, window: "24h" },
  "7d": { title: "7 days by the hour", interval: "hour", ms: 7 * DAY_MS, window: "7d" },
  "30d": { title: "30 days by the day", interval: "day", ms: 30 * DAY_MS, window: "30d" },
  "365d": { title: "a year by the day", interval: "day", ms: 365 * DAY_MS },
};

const METRICS = {
  view: "Views",
  visit: "Visits",
  copy: "Copies",
  fork: "Forks",
  compare: "Comparisons",
  bot: "Dropped: robots",
  headless: "Dropped: steered browsers",
  prefetch: "Dropped: loaded ahead",
};
/** What there are totals of. */
const TOTALLED = ["view", "visit", "copy", "fork", "compare"];

/** The parameters of a period that ends now. */
export function period(name) {
  const { interval, ms } = PERIODS[name];
  const to = Date.now();
  return { interval, from: to - ms, to, tz: TIME_ZONE };
}

export const seriesAddress = (id, parameters) => withQuery(path`/v1/prompts/${id}/series`, parameters);

/** The times of a series in seconds, and how to write one. */
export function pointsOf({ points }, interval) {
  return {
    times: points.map(({ start }) => Date.parse(start) / 1000),
    when: (seconds) => (interval === "day" ? day : moment)(seconds * 1000),
  };
}

/** The section of a prompt's series. */
export const seriesSection = (api, id) =>
  chosenSeries(api, "Over time", Object.keys(METRICS), (parameters) => seriesAddress(id, parameters));

/** The section of the series over all prompts. */
export const totalsSection = (api) =>
  chosenSeries(api, "All prompts over time", TOTALLED, (parameters) => withQuery("/v1/admin/series", parameters), [
    element("p", { class: "quiet" }, "By the time at which it was counted: what comes late or is imported counts when it comes."),
  ]);

function chosenSeries(api, title, metrics, addressOf, notes = []) {
  const chosen = { metric: "view", period: "30d" };
  const body = element("div");
  const show = () => fill(body, async () => [await series(api, addressOf, chosen), notes]);
  const change = (what) => (value) => {
    chosen[what] = value;
    show();
  };
  const titles = Object.entries(PERIODS).map(([name, { title }]) => [name, title]);
  show();
  const choices = [
    choice("What", metrics.map((metric) => [metric, METRICS[metric]]), chosen.metric, change("metric")),
    choice("Time", titles, chosen.period, change("period")),
  ];
  return section(title, () => [element("div", { class: "choices" }, choices), body]);
}

async function series(api, addressOf, chosen) {
  const address = addressOf({ metric: chosen.metric, ...period(chosen.period) });
  const answer = await api.get(address);
  const name = METRICS[chosen.metric];
  const { title, interval } = PERIODS[chosen.period];
  const { times, when } = pointsOf(answer, interval);
  const values = answer.points.map(({ count }) => count);
  const sum = values.reduce((one, other) => one + other, 0);
  const label = `${name}, ${title}, ${answer.tz}: ${whole(sum)} in all`;
  return [chart({ label, times, lines: [{ name, values }], show: whole, when, range: countRange }), source(address)];
}
