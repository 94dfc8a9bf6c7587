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
export const OBJECT_GB = 0.128;

/** What so much of each measure costs, in dollars. */
export function dollars(measures) {
  return Object.entries(measures).reduce((sum, [name, amount]) => {
    if (!(name in PER_MILLION)) throw new Error(`${name} has no price`);
    return sum + (amount / 1e6) * PER_MILLION[name];
  }, 0);
}
