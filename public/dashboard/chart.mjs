// Charts over time: drawn by uPlot, in the colours of the style sheet, and told once more as a table.
import uPlot from "./uplot.mjs";
import { element } from "./elements.mjs";
import { date, time } from "./format.mjs";
import { table } from "./table.mjs";

/** More would not be told apart. */
export const MOST_LINES = 6;
const HEIGHT = 256;
const DASHES = [[], [8, 4], [2, 3], [12, 3, 2, 3], [5, 2], [1, 5]];
/** How much of a line's colour its band has, as two hexadecimal digits. */
const BAND = "2e";
/** Of a character on an axis, and of what stands beside the characters; in pixels. */
const [CHARACTER_WIDTH, BESIDE] = [7, 20];
const DAY_SECONDS = 86_400;
const FONT = "12px system-ui, sans-serif";
const NONE = "–";
const drawn = new Set();

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const lineColour = (index) => colour(`--series-${index + 1}`);

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const plot of drawn) plot.redraw(false);
});

/**
 * A chart. `times` are seconds since 1970; a line has a `name`, `values` and, if it has a band, `low` and `high`, each as
 * long as `times`, with null where there is nothing. `show` writes a value, `when` a time; `range` gives the ends of the
 * scale for the least and the greatest value.
 */
export function chart({ label, times, lines, show, when, range }) {
  const place = element("div", { class: "plot", role: "img", "aria-label": `${label}. The same as a table is below.` });
  const reading = element("p", { class: "reading", "aria-hidden": "true" });
  const read = (index) => {
    const values = lines.map(({ name, values }) => `${name} ${told(show, values[index])}`);
    reading.textContent = index === null || index === undefined ? "" : `${when(times[index])}: ${values.join(", ")}`;
  };
  keepDrawn(place, (width) => new uPlot(options(lines, { width, show, range, read }), columnsOf(times, lines), place));
  return element(
    "figure",
    {},
    element("figcaption", {}, label),
    place,
    reading,
    legend(lines),
    asTable(label, times, lines, show, when),
  );
}

/** Draws when there is room, again when there is more or less of it, and lets go when the place is gone. */
function keepDrawn(place, draw) {
  let plot = null;
  new ResizeObserver(([{ contentRect }], observer) => {
    const width = Math.floor(contentRect.width);
    if (plot && !place.isConnected) {
      observer.disconnect();
      drawn.delete(plot);
      plot.destroy();
    } else if (plot) plot.setSize({ width, height: HEIGHT });
    else if (width > 0) drawn.add((plot = draw(width)));
  }).observe(place);
}

/** uPlot's columns: the times, and of each line the ends of its band before its values. */
function columnsOf(times, lines) {
  return [times, ...lines.flatMap(({ values, low, high }) => (low ? [low, high, values] : [values]))];
}

function options(lines, { width, show, range, read }) {
  const series = [{}];
  const bands = [];
  lines.forEach(({ low }, index) => {
    if (low) {
      const place = series.push({ width: 0, points: { show: false } }, { width: 0, points: { show: false } }) - 1;
      bands.push({ series: [place, place - 1], fill: () => `${lineColour(index)}${BAND}` });
    }
    series.push({
      stroke: () => lineColour(index),
      width: 2,
      dash: DASHES[index],
      points: { fill: () => lineColour(index) },
    });
  });
  const axis = {
    stroke: () => colour("--text"),
    font: FONT,
    grid: { stroke: () => colour("--line"), width: 1 },
    ticks: { stroke: () => colour("--line") },
  };
  return {
    width,
    height: HEIGHT,
    series,
    bands,
    legend: { show: false },
    cursor: { drag: { setScale: false }, points: { show: false } },
    scales: { y: { range: (_, least, most) => range(least, most) } },
    axes: [
      { ...axis, values: timesOf },
      { ...axis, size: widthOf, values: (_, ticks) => ticks.map(show) },
    ],
    hooks: { setCursor: [({ cursor }) => read(cursor.idx)] },
  };
}

/** The times on an axis whose ticks are `step` seconds apart: dates, and times of the day between them. */
const timesOf = (_, ticks, axis, space, step) =>
  ticks.map((tick) => (step >= DAY_SECONDS || time(tick * 1000) === "00:00" ? date : time)(tick * 1000));

/** The width of an axis with these texts. */
const widthOf = (_, texts) => Math.max(0, ...(texts ?? []).map(({ length }) => length)) * CHARACTER_WIDTH + BESIDE;

function legend(lines) {
  const sample = (index) => {
    const line = svg("line", {
      x1: 0,
      y1: 6,
      x2: 32,
      y2: 6,
      class: `series-${index + 1}`,
      "stroke-dasharray": DASHES[index].join(" "),
    });
    const picture = svg("svg", { viewBox: "0 0 32 12", "aria-hidden": "true" });
    picture.append(line);
    return picture;
  };
  return element(
    "ul",
    { class: "legend" },
    lines.map(({ name }, index) => element("li", {}, sample(index), name)),
  );
}

function svg(tag, attributes) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

function asTable(label, times, lines, show, when) {
  const columns = lines.flatMap(({ name, values, low, high }) => [
    [name, (index) => told(show, values[index]), true],
    ...(low
      ? [[`${name}, 95 %`, (index) => (known(low[index]) ? `${show(low[index])} to ${show(high[index])}` : NONE), true]]
      : []),
  ]);
  const rows = table(
    label,
    [["Time", (index) => when(times[index])], ...columns],
    times.map((_, index) => index),
  );
  return element("details", {}, element("summary", {}, "As a table"), rows);
}

const known = (value) => value !== null && value !== undefined;
const told = (show, value) => (known(value) ? show(value) : NONE);

/** The scale of counts: from 0, or below where more was taken back than counted, and never without a height. */
export const countRange = (least, most) => [Math.min(0, least ?? 0) * 1.05, Math.max(1, most ?? 1) * 1.05];

/** The scale of rates, which lie between 0 and 1. */
export const rateRange = (least, most) => {
  const [low, high] = [least ?? 0, most ?? 1];
  const margin = (high - low || 0.02) * 0.1;
  return [Math.max(0, low - margin), Math.min(1, high + margin)];
};

/** The scale of differences, with 0 in it. */
export const differenceRange = (least, most) => {
  const [low, high] = [Math.min(0, least ?? 0), Math.max(0, most ?? 0)];
  const margin = (high - low || 0.02) * 0.1;
  return [low - margin, high + margin];
};
