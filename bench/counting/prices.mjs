// What Cloudflare asks for on the Workers Paid plan, as published: https://developers.cloudflare.com/workers/platform/pricing/,
// …/durable-objects/platform/pricing/ and …/d1/platform/pricing/. In dollars, without what the plan includes each month.

/** For a million of each, by the name of the measure. */
const PER_MILLION = {
  requests: 0.3,
  object_calls: 0.15,
  object_rows_read: 0.001,
  object_rows_written: 1,
  d1_rows_read: 0.001,
  d1_rows_written: 1,
  cpu_ms: 0.02,
  /** For a million GB-s. An object that is awake, or was less than ten seconds ago, has 128 MB of them. */
  object_gb_s: 12.5,
};

/** What an object's memory is billed as. */
const OBJECT_GB = 0.128;
/** How long an object is taken to be active for a call, in seconds: longer than it is, here. */
const CALL_S = 0.01;
/** How long the snapshot behind an alarm waits for others, in seconds: GATHERING_MS in src/counting/snapshot.rs. */
export const GATHERING_S = 0.1;

/** The memory of objects over the time for which these calls and alarms have them active, in GB-s. */
export const objectGbS = (calls, alarms) => (calls * CALL_S + alarms * (CALL_S + GATHERING_S)) * OBJECT_GB;

/** What so much of each measure costs, in dollars. */
export function dollars(measures) {
  return Object.entries(measures).reduce((sum, [name, amount]) => {
    if (!(name in PER_MILLION)) throw new Error(`${name} has no price`);
    return sum + (amount / 1e6) * PER_MILLION[name];
  }, 0);
}
