// The hourly rows of an experiment, by the definition and from all its events at once.

const HOUR_MS = 3_600_000;

/** The names of a row's figures, in the order of the summary. */
const TOTALS = { pageview: ["pageviews", "pageview_sessions"], exposure: ["exposures", "exposure_sessions"], conversion: ["conversions", "conversion_sessions"] };

/**
 * @param events as they were sent: `{type, session_id, variant_key, timestamp}`; no two of a session at the same time
 * @param rules `multi_variant` and `conversion_window_hours`
 * @returns rows in the order of date, hour and variant
 */
export function expectedSummary(events, { multi_variant = "exclude", conversion_window_hours = Infinity } = {}) {
  const rows = new Map();
  const row = (variant_key, timestamp) => {
    const [date, time] = new Date(timestamp).toISOString().split("T");
    const hour = Number(time.slice(0, 2));
    const key = `${date} ${time.slice(0, 2)} ${variant_key}`;
    if (!rows.has(key)) rows.set(key, { key, variant_key, date, hour, seen: { any: new Set() }, totals: {}, exposed: 0, converted: 0 });
    return rows.get(key);
  };
  for (const [session, mine] of Map.groupBy(events, ({ session_id }) => session_id)) {
    mine.sort((one, other) => one.timestamp - other.timestamp);
    const exposures = mine.filter(({ type }) => type === "exposure");
    const isMulti = exposures.some(({ variant_key }) => variant_key !== exposures[0].variant_key);
    if (exposures.length === 0 || (isMulti && multi_variant === "exclude")) continue;
    const [{ variant_key: variant, timestamp: exposed }] = exposures;
    for (const { type, timestamp } of mine) {
      const { seen, totals } = row(variant, timestamp);
      totals[type] = (totals[type] ?? 0) + 1;
      seen.any.add(session);
      (seen[type] ??= new Set()).add(session);
    }
    row(variant, exposed).exposed++;
    const converts = ({ type, timestamp }) =>
      type === "conversion" && timestamp >= exposed && timestamp - exposed <= conversion_window_hours * HOUR_MS;
    const first = mine.find(converts);
    if (first) row(variant, first.timestamp).converted++;
  }
  return [...rows.values()].sort((one, other) => (one.key < other.key ? -1 : 1)).map(({ variant_key, date, hour, ...rest }) => {
    const figures = Object.entries(TOTALS).flatMap(([type, [total, distinct]]) => [
      [total, rest.totals[type] ?? 0],
      [distinct, rest.seen[type]?.size ?? 0],
    ]);
    const fresh = { new_exposed_sessions: rest.exposed, new_converted_sessions: rest.converted };
    return { variant_key, date, hour, sessions: rest.seen.any.size, ...Object.fromEntries(figures), ...fresh };
  });
}
