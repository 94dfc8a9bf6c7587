// How many views of a prompt led to copies, and so on.
import { path, withQuery } from "./api.mjs";
import { chart, rateRange } from "./chart.mjs";
import { choice, element, fill, section } from "./elements.mjs";
import { TIME_ZONE, day, percent, percentBetween, whole } from "./format.mjs";
import { source } from "./source.mjs";
import { table } from "./table.mjs";

const DAY_MS = 86_400_000;
const DAYS = [
  ["7", "7 days"],
  ["30", "30 days"],
  ["90", "90 days"],
  ["365", "a year"],
];
const STEPS = { view: "Views", copy: "Copies", fork: "Forks", compare: "Comparisons" };

export function funnelSection(api, id) {
  const body = element("div");
  const show = (days) => fill(body, () => funnel(api, id, days));
  show("30");
  return section("Funnel", () => [element("div", { class: "choices" }, choice("Time", DAYS, "30", show)), body]);
}

/** A share with its interval, or why there is none. */
const share = (figure) => (figure ? (figure.reason ?? `${percent(figure.rate)} (${percentBetween(figure.interval)})`) : "–");

async function funnel(api, id, days) {
  const to = Date.now();
  const address = withQuery(path`/v1/prompts/${id}/funnel`, { from: to - days * DAY_MS, to, tz: TIME_ZONE });
  const answer = await api.get(address);
  const columns = [
    ["Step", ({ step }) => STEPS[step] ?? step],
    ["How many", ({ count }) => whole(count), true],
    ["Of the step before (95 %)", ({ ofPrevious }) => share(ofPrevious)],
    ["Of the views (95 %)", ({ ofViews }) => share(ofViews)],
  ];
  const shares = answer.days.map(({ copiesOfViews }) => copiesOfViews);
  const line = {
    name: "Copies of views",
    values: shares.map(({ rate }) => rate),
    low: shares.map(({ interval }) => interval?.[0] ?? null),
    high: shares.map(({ interval }) => interval?.[1] ?? null),
  };
  return [
    table(`From ${day(answer.from)} to ${day(Date.parse(answer.to) - 1)}, ${answer.tz}`, columns, answer.steps),
    shares.some(({ rate }) => rate !== null) &&
      chart({
        label: "Copies as a share of the views, by the day, with intervals of 95 %",
        times: answer.days.map(({ start }) => Date.parse(start) / 1000),
        lines: [line],
        show: percent,
        when: (seconds) => day(seconds * 1000),
        range: rateRange,
      }),
    source(address),
  ];
}
