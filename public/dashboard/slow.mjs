// Statements of the database that took as long as the instance calls slow.
import { element } from "./elements.mjs";
import { milliseconds, second, whole } from "./format.mjs";
import { figures, source } from "./source.mjs";
import { table } from "./table.mjs";

const FIGURES = {
  promptmeter_slow_queries_total: "times",
  promptmeter_slow_query_max_seconds: "longest",
  promptmeter_slow_query_last_timestamp_seconds: "last",
};

/** The statements that samples of the metrics tell, the one that took longest first. */
function statements(samples) {
  const found = new Map();
  for (const { family, labels, number } of samples) {
    const [, name] = /^statement="([^"]*)"$/.exec(labels) ?? [];
    // What took no time has no sample of how long.
    if (family in FIGURES) found.set(name, { name, longest: 0, ...found.get(name), [FIGURES[family]]: number });
  }
  return [...found.values()].sort((one, other) => other.longest - one.longest);
}

/** The part of the page, of the samples that come from this `address`. */
export async function slow(samples, address) {
  const rows = statements(await samples);
  if (!rows.length) {
    const none = "No statement of the database took SLOW_QUERY_MS (1,000 ms, unless it is set) or longer.";
    return [element("p", {}, none), source(address)];
  }
  const columns = [
    ["Statement", ({ name }) => name],
    ["How often", ({ times }) => whole(times), true],
    ["The longest took", ({ longest }) => milliseconds(longest * 1000), true],
    ["The last one", ({ last }) => second(last * 1000)],
  ];
  return [
    figures([
      ["Slow queries", whole(rows.reduce((sum, { times }) => sum + times, 0)), address],
      ["The longest took", milliseconds(rows[0].longest * 1000), address],
    ]),
    table("Statements that were slow, the longest first", columns, rows),
    source(address),
  ];
}
