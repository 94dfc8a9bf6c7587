// One experiment: the verdict, what is to be said of it, and the figures that it rests on.
import { path, withQuery } from "./api.mjs";
import { choice, element, fill, heading, section } from "./elements.mjs";
import * as format from "./format.mjs";
import { overTime } from "./looks.mjs";
import { explained, remarks } from "./remarks.mjs";
import { source } from "./source.mjs";
import { table } from "./table.mjs";

const COLUMNS = "id,name,status,hypothesis,variants,coverage,multi_variant,conversion_window_hours,started_ms,stopped_ms";

export function experiment(api, id) {
  const title = heading(id);
  const declaration = declared(api, id);
  const body = element("div");
  const show = (baseline) => fill(body, () => judged(api, id, declaration, baseline, change));
  const change = async (baseline) => {
    await show(baseline);
    body.querySelector("select").focus();
  };
  show();
  return [title, section("What is tried", () => facts(declaration, id, title)), body];
}

const declarationAddress = (id) => withQuery("/rest/v1/experiments", { select: COLUMNS, id: `eq.${id}` });

/** The row of an experiment; none, where nothing came of it yet. */
async function declared(api, id) {
  return (await api.get(declarationAddress(id)))[0];
}

async function facts(declaration, id, title) {
  const row = await declaration;
  if (!row) return [element("p", {}, "There is no experiment with this id."), source(declarationAddress(id))];
  title.textContent = row.name || id;
  document.title = `${title.textContent} · promptmeter`;
  const variants = row.variants?.map(({ key, weight }) => `${key} (${format.percent(weight)})`).join(", ");
  const hours = row.conversion_window_hours;
  const told = [
    ["Id", row.id],
    ["Hypothesis", format.text(row.hypothesis)],
    ["Status", row.status],
    ["Variants", variants || "none are declared"],
    ["Coverage", format.percent(Number(row.coverage))],
    ["A session with two variants", row.multi_variant === "first" ? "stays with its first" : "is left out"],
    [
      "A session converts",
      hours === null ? "at any time after its exposure" : `within ${format.whole(hours)} hours of its exposure`,
    ],
    ["Started", format.moment(row.started_ms)],
    ["Stopped", format.moment(row.stopped_ms)],
  ];
  return [
    table(
      "The declaration",
      [
        ["What", ([name]) => name],
        ["Value", ([, value]) => value],
      ],
      told,
    ),
    source(declarationAddress(id)),
  ];
}

async function judged(api, id, declaration, baseline, change) {
  const address = withQuery(path`/v1/experiments/${id}/results`, { baseline });
  const [results, row] = await Promise.all([api.get(address), declaration]);
  const { variants, comparisons } = results;
  const keys = variants.map(({ key }) => [key, key]);
  const chosen = baseline ?? keys[0]?.[0];
  const ordered = [...variants.filter(({ key }) => key === chosen), ...variants.filter(({ key }) => key !== chosen)];
  return [
    keys.length > 1 && element("div", { class: "choices" }, choice("Baseline", keys, chosen, change)),
    section("Verdict", () => [
      verdict(results),
      element(
        "ul",
        { class: "remarks" },
        remarks(results, row?.variants ?? []).map(({ isWarning, text }) =>
          element("li", { class: isWarning && "warning" }, text),
        ),
      ),
      source(address),
    ]),
    section("Variants", () => [
      rates("Sessions and conversions", variants),
      differences("Beside the baseline", comparisons, "rate"),
      source(address),
    ]),
    section("Over time", () => overTime(api, id, ordered)),
    results.metrics.map((metric) => section(`Metric “${metric.metric}”`, () => [ofMetric(metric), source(address)])),
  ];
}

function verdict(results) {
  const { verdict, kind, meaning } = explained(results.verdict);
  return element("p", { class: `verdict ${kind}` }, element("strong", {}, `Verdict: ${verdict}.`), ` ${meaning}`);
}

const orReason = (figure, value, show) => (value === null && figure.reason ? figure.reason : show(value));

function rates(caption, variants) {
  return table(
    caption,
    [
      ["Variant", ({ key }) => key],
      ["Sessions", ({ sessions }) => format.whole(sessions), true],
      ["Converted", ({ conversions }) => format.whole(conversions), true],
      ["Rate", (variant) => orReason(variant, variant.rate, format.percent), true],
      ["95 %", ({ interval }) => format.percentBetween(interval), true],
    ],
    variants,
  );
}

/** How the figures of a difference are written: that of rates in points, that of values as numbers. */
const DIFFERENCES = {
  rate: { one: format.points, between: format.pointsBetween },
  value: { one: format.number, between: format.numberBetween },
};

function differences(caption, comparisons, kind) {
  if (!comparisons.length) return element("p", {}, "There is no other variant to compare with.");
  const { one, between } = DIFFERENCES[kind];
  const absolute =
    (show, field) =>
    ({ absolute }) =>
      orReason(absolute, absolute[field], show);
  return table(
    caption,
    [
      ["Variant", ({ variant, baseline }) => `${variant} less ${baseline}`],
      ["Difference", absolute(one, "estimate"), true],
      ["Band of the sequential test", absolute(between, "sequential_interval"), true],
      ["Sequential p-value", absolute(format.chance, "sequential_p_value"), true],
      ["95 % for one look", absolute(between, "interval"), true],
      ["p-value for one look", absolute(format.chance, "p_value"), true],
      ["Relative change", ({ relative }) => orReason(relative, relative.estimate, format.change), true],
      ["Its sequential band", ({ relative }) => format.changeBetween(relative.sequential_interval), true],
      ...(kind === "rate"
        ? [
            ["Chance to win", ({ chance_to_win }) => format.percent(chance_to_win), true],
            ["Expected loss", ({ expected_loss }) => format.points(expected_loss), true],
          ]
        : []),
    ],
    comparisons,
  );
}

function ofMetric({ occurrence, value }) {
  const parts = [
    rates("In how many sessions it occurred", occurrence.variants),
    differences("Occurrence beside the baseline", occurrence.comparisons, "rate"),
  ];
  if (!value) return parts;
  const means = [
    ["Variant", ({ key }) => key],
    ["Sessions", ({ sessions }) => format.whole(sessions), true],
    ["Sum", ({ sum }) => format.number(sum), true],
    ["Mean of a session", (variant) => orReason(variant, variant.mean, format.number), true],
    ["95 %", ({ interval }) => format.numberBetween(interval), true],
  ];
  return [
    ...parts,
    table("Its values by session", means, value.variants),
    differences("Values beside the baseline", value.comparisons, "value"),
  ];
}
