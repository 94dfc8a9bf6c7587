// What a series of measurements comes to.

const ascending = (one, other) => one - other;

/** The least value that `share` of the values (0 to 1) do not exceed; null of none. */
export function percentile(values, share) {
  if (values.length === 0) return null;
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(Math.ceil(share * sorted.length) - 1, 0)];
}

/** The value in the middle, or the mean of the two that are; null of none. */
export function median(values) {
  if (values.length === 0) return null;
  const sorted = [...values].sort(ascending);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** A number to so many significant digits. */
export const rounded = (value, digits = 4) => (value === null ? null : Number(value.toPrecision(digits)));
