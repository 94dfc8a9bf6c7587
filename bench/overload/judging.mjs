// What requests that came at their times come to.
import { percentile } from "../counting/figures.mjs";
import { ACCEPTED, FAILED, SHED } from "./open-loop.mjs";

/** How long the windows are in which it is looked whether all is well. */
const WINDOW_MS = 500;
/** How much longer than before a request may take where all is well. */
const TOLERANCE = 2;

/** Those of the requests that came in a phase. */
const within = (requests, from, to) => requests.filter(({ at }) => at >= from && at < to);
const timesOf = (requests) => requests.filter(({ fate }) => fate === ACCEPTED).map(({ took }) => took);
const shareOf = (requests, fate) => requests.filter((request) => request.fate === fate).length / requests.length;

/** What a phase of requests, from an instant to another in ms, came to. */
export function phase(requests, from, to) {
  const own = within(requests, from, to);
  const answered = requests.filter(({ at, took, fate }) => fate === ACCEPTED && at + took >= from && at + took < to);
  return {
    offered_per_s: own.length / ((to - from) / 1000),
    goodput_per_s: answered.length / ((to - from) / 1000),
    shed: shareOf(own, SHED),
    failed: shareOf(own, FAILED),
    p50_ms: percentile(timesOf(own), 0.5),
    p99_ms: percentile(timesOf(own), 0.99),
    refused_p99_ms: percentile(own.filter(({ fate }) => fate === SHED).map(({ took }) => took), 0.99),
  };
}

/** The windows of a phase: each with its end, the 99th percentile of what was accepted, and whether all was. */
function windows(requests, from, to) {
  const found = [];
  for (let start = from; start + WINDOW_MS <= to; start += WINDOW_MS) {
    const own = within(requests, start, start + WINDOW_MS);
    found.push({ start, p99: percentile(timesOf(own), 0.99) ?? Infinity, isClean: own.every(({ fate }) => fate === ACCEPTED) });
  }
  return found;
}

/**
 * How long after the overload all is as it was before, in ms: from then on no window refuses anything, or has a 99th percentile that
 * is more than twice the highest one of before. Null if that is not seen.
 */
export function recovery(requests, [begin, overload, after, end]) {
  const usual = Math.max(...windows(requests, begin, overload).map(({ p99 }) => p99));
  const bad = windows(requests, after, end).filter(({ p99, isClean }) => !isClean || p99 > TOLERANCE * usual);
  const well = bad.length ? bad.at(-1).start + WINDOW_MS : after;
  return well + WINDOW_MS > end ? null : well - after;
}

/** The slope of a line through points of numbers, by least squares. */
export function slope(points) {
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))];
  const over = points.reduce((sum, [px, py]) => sum + (px - x) * (py - y), 0);
  return over / points.reduce((sum, [px]) => sum + (px - x) ** 2, 0);
}
