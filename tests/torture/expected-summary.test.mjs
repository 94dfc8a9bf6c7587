// The summary that a run is compared with, on cases that are counted by hand.
import assert from "node:assert/strict";
import { test } from "node:test";
import { expectedSummary } from "./expected-summary.mjs";

const HOUR_MS = 3_600_000;
/** 2027-01-01T00:00:00Z. */
const EDGE_MS = 1_798_761_600_000;
const event = (type, session_id, hours, variant_key) => ({ type, session_id, variant_key, timestamp: EDGE_MS + hours * HOUR_MS });

/** Rows as `variant date hour: sessions, pageviews, exposures, conversions, newly exposed, newly converted`. */
const rows = (events, rules) =>
  expectedSummary(events, rules).map(
    ({ variant_key, date, hour, sessions, pageviews, exposures, conversions, new_exposed_sessions, new_converted_sessions }) =>
      `${variant_key} ${date} ${hour}: ${[sessions, pageviews, exposures, conversions, new_exposed_sessions, new_converted_sessions]}`,
  );

const check = (what, events, expected, rules) => test(what, () => assert.deepEqual(rows(events, rules), expected));

check("a session's events belong to its variant, in whatever order they came", [
  event("conversion", "a", 1.5),
  event("pageview", "a", 0.2),
  event("exposure", "a", 0.5, "green"),
], ["green 2027-01-01 0: 1,1,1,0,1,0", "green 2027-01-01 1: 1,0,0,1,0,1"]);
check("a session without an exposure is in no row", [event("conversion", "a", 0)], []);
check("a conversion before the exposure is one, and converts nobody", [event("conversion", "a", 0), event("exposure", "a", 0.5, "green")], [
  "green 2027-01-01 0: 1,0,1,1,1,0",
]);
const twice = [event("exposure", "a", 0, "green"), event("exposure", "a", -0.5, "control"), event("pageview", "a", 0.1)];
check("a session of two variants is left out", twice, []);
check("or stays with its first", twice, ["control 2026-12-31 23: 1,0,1,0,1,0", "control 2027-01-01 0: 1,1,1,0,0,0"], { multi_variant: "first" });
const late = [event("exposure", "a", 0, "green"), event("conversion", "a", 1), event("exposure", "b", 0.1, "green"), event("conversion", "b", 1.2)];
check("a conversion at the end of the window converts, one after it does not", late, [
  "green 2027-01-01 0: 2,0,2,0,2,0",
  "green 2027-01-01 1: 2,0,0,2,0,1",
], { conversion_window_hours: 1 });
check("rows are in the order of date, hour and variant", [
  event("exposure", "a", 10, "green"),
  event("exposure", "b", 9, "green"),
  event("exposure", "c", 9, "control"),
], ["control 2027-01-01 9: 1,0,1,0,1,0", "green 2027-01-01 9: 1,0,1,0,1,0", "green 2027-01-01 10: 1,0,1,0,1,0"]);
